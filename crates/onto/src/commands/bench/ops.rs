//! `onto bench ops`: the operations of a training step alone, at the shapes of the presets.
//!
//! Every operation is recorded on a tape over values that want a derivative, run forward and backward, and timed by the
//! engine's own profile. Products are counted by their operations, with attention as a causal model needs it (products of
//! half the square of a row; an encoder's of all of it; what the backward pass computes again is not counted), the rest by the bytes that have to
//! come from memory or go to it.

use anyhow::Result;
use lang::rng::Rng;
use serde::Serialize;
use serde_json::json;
use tensor::peak;
use tensor::profile;
use tensor::{
    AttentionShape, Cell, DType, Gradients, Mask, ParamId, Parameters, RecurrentShape, RecurrentWeights, Tape, Tensor,
    Var,
};

use super::presets::{Layers, MASK_SHARE, PRESETS, Preset, find};
use super::{giga, peak_json, read_bandwidth};
use crate::cli::{BenchFamily, BenchOpsArguments};
use crate::commands::Session;
use crate::terminal::{Progress, line_to_stdout, to_stdout};

/// Runs of a case: at least two, more while they take no longer than this together.
const PATIENCE_SECONDS: f64 = 0.5;
/// Without `--preset`, what is too small to tell of a real step is left out.
const DEFAULT_PRESETS: [&str; 2] = ["small", "gpt2"];

/// What a measured piece of work amounts to.
#[derive(Clone, Copy)]
enum Work {
    /// Operations of products in the type that was asked for.
    Products(f64),
    /// Operations of products that are f32 whatever was asked for.
    SingleProducts(f64),
    /// Bytes read and written.
    Bytes(f64),
}

/// One line of the profile that a case looks at.
struct Part {
    /// What a person reads: `forward`, `backward`, …
    label: &'static str,
    /// Phase and operation of the profile; several add up.
    keys: &'static [(&'static str, &'static str)],
    work: Work,
}

/// Puts the operation of a case on a tape, given its parameters in the order they were asked for.
type Record = Box<dyn Fn(&mut Tape, &[ParamId]) -> tensor::Result<Var>>;

/// An operation at one shape.
struct Case {
    preset: &'static str,
    operation: &'static str,
    shape: String,
    /// Shapes of its parameters. A value that wants a derivative is a row for row embedding of one.
    parameters: Vec<Vec<usize>>,
    record: Record,
    parts: Vec<Part>,
}

/// A line of the answer.
#[derive(Serialize)]
struct Line {
    preset: &'static str,
    operation: &'static str,
    part: &'static str,
    shape: String,
    seconds: f64,
    /// `flops` or `bytes`.
    unit: &'static str,
    per_second: f64,
    /// Of the arithmetic peak or of the bandwidth of memory.
    peak_fraction: f64,
}

pub fn ops(session: &Session, arguments: &BenchOpsArguments) -> Result<()> {
    let presets = match &arguments.preset {
        Some(name) => vec![find(name)?],
        None => PRESETS.iter().filter(|preset| DEFAULT_PRESETS.contains(&preset.name)).collect(),
    };
    let dtype = DType::from(::train::Precision::from(arguments.dtype));
    let (peak, single_peak) = (peak::arithmetic(dtype), peak::arithmetic(DType::F32));
    let bandwidth = read_bandwidth();
    let cases: Vec<Case> = presets.into_iter().flat_map(cases).collect();
    let mut progress = Progress::new(&session.terminal, "operations", cases.len() as u64);
    let mut lines = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        for (part, seconds) in case.parts.iter().zip(least_seconds(case, dtype, session.seed(0))?) {
            let (amount, limit, unit) = match part.work {
                Work::Products(amount) => (amount, peak.flops_per_second, "flops"),
                Work::SingleProducts(amount) => (amount, single_peak.flops_per_second, "flops"),
                Work::Bytes(amount) => (amount, bandwidth, "bytes"),
            };
            let per_second = amount / seconds;
            lines.push(Line {
                preset: case.preset,
                operation: case.operation,
                part: part.label,
                shape: case.shape.clone(),
                seconds,
                unit,
                per_second,
                peak_fraction: per_second / limit,
            });
        }
        progress.set(case.operation, index + 1, cases.len());
    }
    drop(progress);
    if session.global.json {
        let report = json!({
            "dtype": ::train::Precision::from(arguments.dtype),
            "threads": tensor::threads(),
            "isa": tensor::isa().name(),
            "peak": peak_json(&peak),
            "peak_f32": peak_json(&single_peak),
            "read_bytes_per_second": bandwidth,
            "operations": lines,
        });
        return line_to_stdout(&report.to_string());
    }
    let mut out = format!(
        "{} threads, {}; peak {:.1} GFLOP/s ({}), f32 {:.1} GFLOP/s; memory read at {:.1} GB/s\n\n",
        tensor::threads(),
        tensor::isa().name(),
        giga(peak.flops_per_second),
        peak.instruction,
        giga(single_peak.flops_per_second),
        giga(bandwidth)
    );
    out.push_str(&format!(
        "{:<7} {:<18} {:<26} {:<16} {:>9} {:>16} {:>8}\n",
        "preset", "operation", "shape", "part", "ms", "rate", "of peak"
    ));
    for line in &lines {
        let unit = if line.unit == "flops" { "GFLOP/s" } else { "GB/s" };
        out.push_str(&format!(
            "{:<7} {:<18} {:<26} {:<16} {:>9.2} {:>8.1} {unit:<7} {:>6.1} %\n",
            line.preset,
            line.operation,
            line.shape,
            line.part,
            line.seconds * 1e3,
            giga(line.per_second),
            100.0 * line.peak_fraction
        ));
    }
    to_stdout(&out)
}

/// The least seconds of every part of a case over its runs.
fn least_seconds(case: &Case, dtype: DType, seed: u64) -> Result<Vec<f64>> {
    let mut parameters = Parameters::new();
    let mut ids = Vec::new();
    for (index, shape) in case.parameters.iter().enumerate() {
        let mut rng = Rng::for_item(seed, "bench ops", index as u64);
        let values = (0..shape.iter().product()).map(|_| (rng.unit() - 0.5) as f32).collect();
        ids.push(parameters.add(index.to_string(), Tensor::from_f32(shape.as_slice(), values)?)?);
    }
    parameters.set_compute_dtype(dtype);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut least = vec![f64::INFINITY; case.parts.len()];
    let start = std::time::Instant::now();
    let mut runs = 0;
    while runs < 2 || start.elapsed().as_secs_f64() < PATIENCE_SECONDS {
        profile::set_enabled(true);
        drop(profile::take());
        let outcome = run(case, &parameters, &ids, &mut gradients);
        profile::set_enabled(false);
        outcome?;
        let shares = profile::take();
        for (least, part) in least.iter_mut().zip(&case.parts) {
            let seconds: f64 = part.keys.iter().filter_map(|key| shares.get(key)).map(|share| share.seconds).sum();
            // A clock too coarse to see the work must not make its rate infinite.
            *least = least.min(seconds.max(1e-9));
        }
        runs += 1;
    }
    Ok(least)
}

/// Once forward and backward.
fn run(case: &Case, parameters: &Parameters, ids: &[ParamId], gradients: &mut Gradients) -> tensor::Result<()> {
    let mut tape = Tape::new(parameters);
    let output = (case.record)(&mut tape, ids)?;
    let seed = vec![1.0; tape.value(output).len()];
    tape.backward(output, &seed, gradients)
}

/// The rows of a table as a value with a derivative.
fn rows_of(tape: &mut Tape, table: ParamId) -> tensor::Result<Var> {
    let rows = tape.parameters().get(table).shape()[0] as u32;
    tape.embedding(table, &(0..rows).collect::<Vec<_>>())
}

/// The operations of a preset.
fn cases(preset: &'static Preset) -> Vec<Case> {
    let rows = preset.tokens();
    let (n_heads, mask) = match preset.layers {
        Layers::Decoder { n_heads } => (n_heads, Mask::Causal),
        Layers::Encoder { n_heads } => (n_heads, Mask::Full),
        Layers::Recurrent { cell } => return vec![recurrent(preset, cell), projection(preset, rows)],
    };
    let (d, inner) = (preset.hidden_size, 4 * preset.hidden_size);
    let mut cases: Vec<Case> = [(d, d), (d, inner), (inner, d)].map(|(from, to)| linear(preset, from, to)).into();
    cases.push(attention(preset, n_heads, mask.clone()));
    let asked = if mask == Mask::Full { (rows as f64 * MASK_SHARE).round() as usize } else { rows };
    cases.push(projection(preset, asked));
    cases.push(streamed(preset, "layer_norm", d, vec![vec![d]; 2], 1, &LAYER_NORM, |tape, x, ids| {
        tape.layer_norm(x[0], ids[0], ids[1], 1e-5)
    }));
    if mask == Mask::Full {
        cases.push(streamed(preset, "gelu_erf", inner, Vec::new(), 1, &GELU_ERF, |tape, x, _| tape.gelu_erf(x[0])));
        return cases;
    }
    let gated = preset.decoder_config(n_heads, BenchFamily::Llama).intermediate_size;
    cases.push(streamed(preset, "rms_norm", d, vec![vec![d]], 1, &RMS_NORM, |tape, x, ids| {
        tape.rms_norm(x[0], ids[0], 1e-5)
    }));
    cases.push(streamed(preset, "gelu", inner, Vec::new(), 1, &GELU, |tape, x, _| tape.gelu(x[0])));
    cases.push(streamed(preset, "swiglu", gated, Vec::new(), 2, &SWIGLU, |tape, x, _| tape.swiglu(x[0], x[1])));
    cases
}

const LAYER_NORM: [(&str, &str); 2] = [("forward", "layer_norm"), ("backward", "layer_norm")];
const RMS_NORM: [(&str, &str); 2] = [("forward", "rms_norm"), ("backward", "rms_norm")];
const GELU_ERF: [(&str, &str); 2] = [("forward", "gelu_erf"), ("backward", "gelu_erf")];
const GELU: [(&str, &str); 2] = [("forward", "gelu"), ("backward", "gelu")];
const SWIGLU: [(&str, &str); 2] = [("forward", "swiglu"), ("backward", "swiglu")];

fn linear(preset: &'static Preset, from: usize, to: usize) -> Case {
    let rows = preset.tokens();
    let work = Work::Products(2.0 * (rows * from * to) as f64);
    let part = |label, keys| Part { label, keys, work };
    Case {
        preset: preset.name,
        operation: "linear",
        shape: format!("{rows} x {from} to {to}"),
        parameters: vec![vec![rows, from], vec![to, from], vec![to]],
        record: Box::new(|tape, ids| {
            let x = rows_of(tape, ids[0])?;
            tape.linear(x, ids[1], Some(ids[2]))
        }),
        parts: vec![
            part("forward", &[("forward", "linear")]),
            part("backward, input", &[("backward", "linear: input")]),
            part("backward, weight", &[("backward", "linear: weight")]),
        ],
    }
}

fn attention(preset: &'static Preset, n_heads: usize, mask: Mask) -> Case {
    let &Preset { batch_size: batch, sequence_length: time, hidden_size: d, .. } = preset;
    let shape = AttentionShape { batch, time, n_heads, n_kv_heads: n_heads, head_dim: d / n_heads };
    // Scores and their use as weights: two products over half a square, or all of it; four of them backward.
    let share = if mask == Mask::Full { 1.0 } else { 0.5 };
    let forward = 2.0 * 2.0 * (batch * time * time * d) as f64 * share;
    Case {
        preset: preset.name,
        operation: "attention",
        shape: format!("{batch} x {time}, {n_heads} heads of {}", d / n_heads),
        parameters: vec![vec![batch * time, d]; 3],
        record: Box::new(move |tape, ids| {
            let (q, k, v) = (rows_of(tape, ids[0])?, rows_of(tape, ids[1])?, rows_of(tape, ids[2])?);
            tape.attention(q, k, v, &shape, &mask)
        }),
        parts: vec![
            Part { label: "forward", keys: &[("forward", "attention")], work: Work::SingleProducts(forward) },
            Part { label: "backward", keys: &[("backward", "attention")], work: Work::SingleProducts(2.0 * forward) },
        ],
    }
}

/// A recurrent layer. Only the state's product runs step by step, a quarter of all operations; its share of the peak is
/// what `forward` and `backward, steps` are about.
fn recurrent(preset: &'static Preset, cell: Cell) -> Case {
    let &Preset { batch_size: batch, sequence_length: time, hidden_size: d, .. } = preset;
    let (rows, outer) = (batch * time, cell.gates() * d);
    let product = 2.0 * (rows * d * outer) as f64;
    let keys: [&[(&str, &str)]; 4] = match cell {
        Cell::Rnn => [
            &[("forward", "rnn")],
            &[("backward", "rnn: steps")],
            &[("backward", "rnn: weights")],
            &[("backward", "rnn: input")],
        ],
        Cell::Lstm => [
            &[("forward", "lstm")],
            &[("backward", "lstm: steps")],
            &[("backward", "lstm: weights")],
            &[("backward", "lstm: input")],
        ],
        Cell::Gru => [
            &[("forward", "gru")],
            &[("backward", "gru: steps")],
            &[("backward", "gru: weights")],
            &[("backward", "gru: input")],
        ],
    };
    let part = |label, keys, products: f64| Part { label, keys, work: Work::Products(products * product) };
    Case {
        preset: preset.name,
        operation: cell.name(),
        shape: format!("{batch} x {time} x {d} to {d}"),
        parameters: vec![vec![rows, d], vec![outer, d], vec![outer, d], vec![outer], vec![outer]],
        record: Box::new(move |tape, ids| {
            let x = rows_of(tape, ids[0])?;
            let weights =
                RecurrentWeights { input: ids[1], hidden: ids[2], input_bias: Some(ids[3]), hidden_bias: Some(ids[4]) };
            let shape = RecurrentShape { cell, batch, time, initial: None, document_of: None };
            Ok(tape.recurrent(x, &weights, &shape)?.output)
        }),
        parts: vec![
            part("forward", keys[0], 2.0),
            part("backward, steps", keys[1], 1.0),
            part("backward, weights", keys[2], 2.0),
            part("backward, input", keys[3], 1.0),
        ],
    }
}

/// The output projection with softmax and loss, whose slopes are found in the forward pass.
fn projection(preset: &'static Preset, rows: usize) -> Case {
    let (d, vocabulary) = (preset.hidden_size, preset.vocab_size);
    const KEYS: &[(&str, &str)] = &[("forward", "linear_cross_entropy"), ("backward", "linear_cross_entropy")];
    Case {
        preset: preset.name,
        operation: "projection + loss",
        shape: format!("{rows} x {d} to {vocabulary}"),
        parameters: vec![vec![rows, d], vec![vocabulary, d]],
        record: Box::new(move |tape, ids| {
            let x = rows_of(tape, ids[0])?;
            let targets: Vec<u32> = (0..rows).map(|row| (row % vocabulary) as u32).collect();
            tape.linear_cross_entropy(x, ids[1], &targets, &vec![1.0 / rows as f32; rows])
        }),
        parts: vec![Part {
            label: "both ways",
            keys: KEYS,
            work: Work::Products(6.0 * (rows * d * vocabulary) as f64),
        }],
    }
}

/// An operation that does little with every value of `inputs` arrays: forward it reads them and writes one, backward it
/// reads them and a slope and writes as many slopes.
fn streamed(
    preset: &'static Preset,
    operation: &'static str,
    width: usize,
    mut own: Vec<Vec<usize>>,
    inputs: usize,
    keys: &'static [(&'static str, &'static str); 2],
    record: fn(&mut Tape, &[Var], &[ParamId]) -> tensor::Result<Var>,
) -> Case {
    let rows = preset.tokens();
    let array = (rows * width * size_of::<f32>()) as f64;
    let first_input = own.len();
    own.extend(vec![vec![rows, width]; inputs]);
    Case {
        preset: preset.name,
        operation,
        shape: format!("{rows} x {width}"),
        parameters: own,
        record: Box::new(move |tape, ids| {
            let (own, tables) = ids.split_at(first_input);
            let inputs = tables.iter().map(|&table| rows_of(tape, table)).collect::<tensor::Result<Vec<_>>>()?;
            record(tape, &inputs, own)
        }),
        parts: vec![
            Part { label: "forward", keys: &keys[..1], work: Work::Bytes((inputs + 1) as f64 * array) },
            Part { label: "backward", keys: &keys[1..], work: Work::Bytes((2 * inputs + 1) as f64 * array) },
        ],
    }
}
