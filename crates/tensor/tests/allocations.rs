//! A steady step asks the system for no memory: forward, backward, clipping and update, by every optimiser, on one thread
//! and on several, with checkpointing and without. Alone in its binary, because all of the process is counted.
#![allow(missing_docs, clippy::unwrap_used)]

use tensor::allocations::{Counting, count};
use tensor::optim::{Optimizer, Rule, StepConfig};
use tensor::{
    AttentionBias, AttentionRule, AttentionShape, Cell, Gradients, Mask, ParamId, Parameters, RecurrentShape,
    RecurrentWeights, Tape, Tensor, Var,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BATCH: usize = 3;
const TIME: usize = 70;
const WIDTH: usize = 32;
const INNER: usize = 80;
const VOCABULARY: usize = 300;

struct Model {
    table: ParamId,
    layers: Vec<[ParamId; 15]>,
    lstm: RecurrentWeights,
}

fn model(parameters: &mut Parameters) -> Model {
    let mut add = |name: String, shape: &[usize]| {
        let values = (0..shape.iter().product::<usize>()).map(|i| ((i * 7919) % 211) as f32 / 1055.0 - 0.1).collect();
        parameters.add(name, Tensor::from_f32(shape, values).unwrap()).unwrap()
    };
    let table = add("table".into(), &[VOCABULARY, WIDTH]);
    let (w, f) = (WIDTH, INNER);
    let shapes: [&[usize]; 15] = [
        &[w],
        &[w],
        &[w, w],
        &[w],
        &[w, w],
        &[w, w],
        &[w, w],
        &[w],
        &[f, w],
        &[f, w],
        &[w, f],
        &[f, w],
        &[f],
        &[w, f],
        &[6, 4],
    ];
    let layers =
        (0..2).map(|layer| std::array::from_fn(|index| add(format!("{layer}.{index}"), shapes[index]))).collect();
    let lstm = RecurrentWeights {
        input: add("input".into(), &[4 * w, w]),
        hidden: add("hidden".into(), &[4 * w, w]),
        input_bias: Some(add("bias".into(), &[4 * w])),
        hidden_bias: None,
    };
    Model { table, layers, lstm }
}

fn loss(model: &Model, tape: &mut Tape, batch: &Batch) -> Var {
    let mut x = tape.embedding(model.table, &batch.ids).unwrap();
    x = tape.dropout(x, 0.1, 5).unwrap();
    for (index, &layer) in model.layers.iter().enumerate() {
        let [gain, bias, q, q_bias, k, v, o, gain2, gate, up, down, fc, fc_bias, proj, buckets] = layer;
        tape.scope(format_args!("layers.{index}"));
        x = tape
            .checkpoint(x, |tape, x| {
                let normed = tape.layer_norm(x, gain, bias, 1e-5)?;
                let (q, k) = (tape.linear(normed, q, Some(q_bias))?, tape.linear(normed, k, None)?);
                let v = tape.linear(normed, v, None)?;
                tape.release(normed);
                let (q, k) = (tape.rope(q, &batch.positions, 8, 1e4)?, tape.rope(k, &batch.positions, 8, 1e4)?);
                let shape = AttentionShape { batch: BATCH, time: TIME, n_heads: 4, n_kv_heads: 4, head_dim: 8 };
                // Plain attention in one layer, all that a score can be made of in the other.
                let attended = match index {
                    0 => tape.attention(q, k, v, &shape, &batch.mask)?,
                    _ => {
                        let bias = AttentionBias::T5Buckets { table: buckets, bidirectional: false, max_distance: 50 };
                        let mask = batch.mask.clone();
                        let rule = AttentionRule { mask, bias, soft_cap: Some(20.0), scale: Some(0.5) };
                        let attended = tape.attention_with(q, k, v, &shape, &rule)?;
                        let rule = AttentionRule { bias: AttentionBias::Alibi, ..rule };
                        tape.attention_with(attended, k, v, &shape, &rule)?
                    }
                };
                let branch = tape.linear(attended, o, None)?;
                let x = tape.add(x, branch)?;
                tape.release(branch);
                let normed = tape.rms_norm(x, gain2, 1e-5)?;
                let (gate, up) = (tape.linear(normed, gate, None)?, tape.linear(normed, up, None)?);
                let inner = tape.swiglu(gate, up)?;
                let gated = tape.linear(inner, down, None)?;
                let before = tape.linear(normed, fc, Some(fc_bias))?;
                let plain = tape.gelu(before)?;
                let plain = tape.gelu_erf(plain)?;
                let plain = tape.gather(plain, &batch.order)?;
                let plain = tape.linear(plain, proj, None)?;
                let both = tape.add(gated, plain)?;
                tape.release_all([normed, inner, gated, plain]);
                tape.add(x, both)
            })
            .unwrap_or_else(|error: tensor::TensorError| panic!("{error}"));
    }
    let shape = RecurrentShape { cell: Cell::Lstm, batch: BATCH, time: TIME, initial: None, document_of: None };
    let x = tape.recurrent(x, &model.lstm, &shape).unwrap().output;
    tape.linear_cross_entropy(x, model.table, &batch.targets, &batch.weights).unwrap()
}

struct Batch {
    ids: Vec<u32>,
    /// All rows, from the last.
    order: Vec<u32>,
    positions: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f32>,
    mask: Mask,
}

impl Batch {
    /// Rows of documents, with some targets that do not count.
    fn new(number: usize) -> Batch {
        let rows = 0..BATCH * TIME;
        let id = |row: usize| ((row * 31 + number * 17) % VOCABULARY) as u32;
        Batch {
            ids: rows.clone().map(id).collect(),
            order: rows.clone().rev().map(|row| row as u32).collect(),
            positions: rows.clone().map(|row| (row % TIME % 23) as u32).collect(),
            targets: rows.clone().map(|row| id(row + 1)).collect(),
            weights: rows.clone().map(|row| if row % 7 == 3 { 0.0 } else { 0.01 }).collect(),
            mask: Mask::Packed { document_of: rows.map(|row| (row / 23) as u32).collect() },
        }
    }
}

/// Steps without an allocation that make a case steady, and the steps it may take until it is.
const STEADY: usize = 4;
const MOST: usize = 24;

#[test]
fn a_steady_step_allocates_nothing() {
    let batches: Vec<Batch> = (0..6).map(Batch::new).collect();
    let config = StepConfig::default();
    let mut is_warm = false;
    for (threads, dtype) in [(1, tensor::DType::F32), (2, tensor::DType::F32), (3, tensor::DType::Bf16)] {
        tensor::set_threads(threads).unwrap();
        for rule in [Rule::AdamW, Rule::Muon, Rule::Lion, Rule::Sgd, Rule::Adafactor] {
            for checkpoints in [false, true] {
                let mut parameters = Parameters::new();
                let model = model(&mut parameters);
                parameters.set_compute_dtype(dtype);
                let mut optimizer = Optimizer::new(&parameters, &|_| rule);
                let mut gradients = Gradients::none_like(&parameters);
                let mut counts = Vec::with_capacity(MOST);
                // A thread that gets its first work late, because there are fewer cores than threads, brings its scratch
                // then; so a case is steady once a few steps in a row ask for nothing.
                while counts.len() < MOST && !counts.ends_with(&[0; STEADY]) {
                    let batch = &batches[counts.len() % batches.len()];
                    let before = count();
                    gradients.forget();
                    let mut tape = Tape::new(&parameters);
                    tape.set_checkpointing(checkpoints);
                    let loss = loss(&model, &mut tape, batch);
                    tape.finish(loss, &[1.0], &mut gradients).unwrap();
                    let scale = (1.0 / gradients.norm()).min(1.0) as f32;
                    optimizer.step(&mut parameters, &gradients, &config, scale, &|_| true);
                    counts.push(count() - before);
                }
                let what = format!("{rule:?} on {threads} threads, checkpointing {checkpoints}: {counts:?}");
                // What other cases left behind serves all but the first one.
                assert!(counts[0] > 0 || is_warm, "nothing is counted: {what}");
                is_warm = true;
                assert!(counts.ends_with(&[0; STEADY]), "{what}");
            }
        }
    }
}
