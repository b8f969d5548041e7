//! Times training steps of a LLaMA-shaped model and prints tokens per second and the least time of every operation over the steps.
//!
//! `cargo run --release -p tensor --example step -- [bf16] [threads=N] [steps=N] [time=N] [batch=N] [width=N] [heads=N]
//! [kv=N] [ffn=N] [vocabulary=N] [layers=N] [isa=scalar|avx2|avx512]`
#![allow(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use tensor::optim::{AdamW, AdamWConfig};
use tensor::{AttentionShape, DType, Gradients, Mask, ParamId, Parameters, Tape, Tensor, Var, profile};

/// The sizes of the model and of a step.
struct Sizes {
    batch: usize,
    time: usize,
    width: usize,
    heads: usize,
    kv: usize,
    ffn: usize,
    vocabulary: usize,
    layers: usize,
}

struct Layer {
    norms: [ParamId; 2],
    /// q, k, v, o, gate, up, down
    matrices: [ParamId; 7],
}

struct Model {
    sizes: Sizes,
    embedding: ParamId,
    layers: Vec<Layer>,
    last_norm: ParamId,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A cheap reproducible stream of numbers in [−1, 1).
fn noise(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

fn build(sizes: Sizes, parameters: &mut Parameters) -> Outcome<Model> {
    let mut state = 1u64;
    let mut add = |name: String, shape: &[usize]| -> Outcome<ParamId> {
        let count = shape.iter().product();
        let values = match shape.len() {
            1 => vec![1.0; count],
            _ => (0..count).map(|_| 0.035 * noise(&mut state)).collect(),
        };
        Ok(parameters.add(name, Tensor::from_f32(shape, values)?)?)
    };
    let (d, f) = (sizes.width, sizes.ffn);
    let narrow = d / sizes.heads * sizes.kv;
    let embedding = add("embedding".into(), &[sizes.vocabulary, d])?;
    let mut layers = Vec::new();
    for layer in 0..sizes.layers {
        let shapes = [[d, d], [narrow, d], [narrow, d], [d, d], [f, d], [f, d], [d, f]];
        let mut matrices = [embedding; 7];
        for (i, shape) in shapes.iter().enumerate() {
            matrices[i] = add(format!("{layer}.{i}"), shape)?;
        }
        let norms = [add(format!("{layer}.a"), &[d])?, add(format!("{layer}.b"), &[d])?];
        layers.push(Layer { norms, matrices });
    }
    let last_norm = add("norm".into(), &[d])?;
    Ok(Model { sizes, embedding, layers, last_norm })
}

fn hidden(model: &Model, tape: &mut Tape, ids: &[u32], positions: &[u32]) -> Outcome<Var> {
    let Sizes { batch, time, width, heads, kv, .. } = model.sizes;
    let head_dim = width / heads;
    let shape = AttentionShape { batch, time, n_heads: heads, n_kv_heads: kv, head_dim };
    let mut x = tape.embedding(model.embedding, ids)?;
    for layer in &model.layers {
        let [q, k, v, o, gate, up, down] = layer.matrices;
        let n = tape.rms_norm(x, layer.norms[0], 1e-5)?;
        let (q, k, v) = (tape.linear(n, q, None)?, tape.linear(n, k, None)?, tape.linear(n, v, None)?);
        let q = tape.rope(q, positions, head_dim, 10_000.0)?;
        let k = tape.rope(k, positions, head_dim, 10_000.0)?;
        let attended = tape.attention(q, k, v, &shape, &Mask::Causal)?;
        let branch = tape.linear(attended, o, None)?;
        x = tape.add(x, branch)?;
        let n = tape.rms_norm(x, layer.norms[1], 1e-5)?;
        let (gate, up) = (tape.linear(n, gate, None)?, tape.linear(n, up, None)?);
        let inner = tape.swiglu(gate, up)?;
        let branch = tape.linear(inner, down, None)?;
        x = tape.add(x, branch)?;
    }
    Ok(tape.rms_norm(x, model.last_norm, 1e-5)?)
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given: HashMap<&str, &str> = arguments.iter().filter_map(|argument| argument.split_once('=')).collect();
    let number = |key: &str, default: usize| given.get(key).and_then(|value| value.parse().ok()).unwrap_or(default);
    if given.contains_key("threads") {
        tensor::set_threads(number("threads", 1))?;
    }
    if let Some(name) = given.get("isa") {
        tensor::set_isa(name.parse()?)?;
    }
    let sizes = Sizes {
        batch: number("batch", 32),
        time: number("time", 128),
        width: number("width", 192),
        heads: number("heads", 6),
        kv: number("kv", 2),
        ffn: number("ffn", 512),
        vocabulary: number("vocabulary", 2048),
        layers: number("layers", 4),
    };
    let steps = number("steps", 8);
    let mut parameters = Parameters::new();
    let model = build(sizes, &mut parameters)?;
    if arguments.iter().any(|argument| argument == "bf16") {
        parameters.set_compute_dtype(DType::Bf16);
    }
    let Sizes { batch, time, width, vocabulary, layers, .. } = model.sizes;
    let rows = batch * time;
    let ids: Vec<u32> = (0..rows).map(|i| (i * 7919 % vocabulary) as u32).collect();
    let targets: Vec<u32> = (0..rows).map(|i| ((i + 1) * 7919 % vocabulary) as u32).collect();
    let positions: Vec<u32> = (0..rows).map(|i| (i % time) as u32).collect();
    let weights = vec![1.0 / rows as f32; rows];

    let mut optimizer = AdamW::new(&parameters);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut best = f64::INFINITY;
    // The least time of every operation over all steps: on a shared machine the mean tells of the neighbours.
    let mut least: BTreeMap<_, profile::Share> = BTreeMap::new();
    profile::set_enabled(true);
    for step in 0..steps {
        profile::take();
        let start = Instant::now();
        gradients.clear();
        let loss = {
            let mut tape = Tape::new(&parameters);
            let x = hidden(&model, &mut tape, &ids, &positions)?;
            let loss = tape.linear_cross_entropy(x, model.embedding, &targets, &weights)?;
            tape.backward(loss, &[1.0], &mut gradients)?;
            tape.value(loss).to_f32_vec()[0]
        };
        let norm = gradients.norm();
        let config = AdamWConfig { lr: 1e-3, ..AdamWConfig::default() };
        optimizer.step(&mut parameters, &gradients, &config, 1.0, &|_| true);
        let seconds = start.elapsed().as_secs_f64();
        best = best.min(seconds);
        println!("step {step}: loss {loss:.6}, gradient norm {norm:.6}, {:.1} ms", seconds * 1e3);
        for (key, share) in profile::take() {
            let kept = least.entry(key).or_insert(share);
            kept.seconds = kept.seconds.min(share.seconds);
        }
    }

    let products = 6.0 * rows as f64 * (parameters.elements() as f64);
    let attention = 12.0 * (layers * rows * width) as f64 * (time as f64 / 2.0);
    println!("\n{:?}, {} threads, {} parameters", tensor::isa(), tensor::threads(), parameters.elements());
    println!(
        "best step {:.1} ms: {:.0} tokens/s, {:.1} GFLOP/s",
        best * 1e3,
        rows as f64 / best,
        (products + attention) / best / 1e9
    );
    let mut shares: Vec<_> = least.into_iter().collect();
    shares.sort_by(|a, b| b.1.seconds.total_cmp(&a.1.seconds));
    println!("\n{:<10} {:<24} {:>6} {:>9}", "phase", "operation", "calls", "least ms");
    for ((phase, op), share) in shares {
        println!("{phase:<10} {op:<24} {:>6} {:>9.2}", share.calls, share.seconds * 1e3);
    }
    Ok(())
}
