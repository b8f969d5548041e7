//! The operations that have no golden of their own (`oracle/ops.py`).

use serde_json::Value;
use tensor::{Gradients, ParamId, Parameters, Tape, Tensor, Var};

use crate::ledger::{Entry, cases, count, floats, number, parse, reference};
use crate::support::{noise, rows_of};

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/ops.json"));
    let mut entries: Vec<Entry> = Vec::new();
    for case in cases(&golden) {
        let op = case["op"].as_str().unwrap();
        let package = if op == "rope" { "transformers" } else { "torch" };
        if entries.last().is_none_or(|entry| entry.subject != op) {
            let new = |aspect| Entry::new(op, aspect, reference(&golden, package), 2e-6);
            entries.extend([new("forward"), new("gradient")]);
        }
        let mut parameters = Parameters::new();
        let mut ids: Vec<ParamId> = Vec::new();
        for (index, shape) in case["shapes"].as_array().unwrap().iter().enumerate() {
            let shape: Vec<usize> = floats(shape).iter().map(|&size| size as usize).collect();
            let size = if index == 0 { number(case, "size") } else { 1.0 };
            let values = noise(shape.iter().product(), 11 + index as u64).iter().map(|x| size * x).collect();
            ids.push(parameters.add(format!("{index}"), Tensor::from_f32(shape, values).unwrap()).unwrap());
        }
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let out = apply(op, &mut tape, &ids, &case["settings"]);
        tape.backward(out, &noise(tape.value(out).len(), 99), &mut gradients).unwrap();
        let last = entries.len();
        compare(&mut entries[last - 2], tape.value(out).as_f32().unwrap(), &case["output"]);
        for (&id, expected) in ids.iter().zip(case["gradients"].as_array().unwrap()) {
            compare(&mut entries[last - 1], gradients.get(id), expected);
        }
    }
    entries
}

fn compare(entry: &mut Entry, found: &[f32], expected: &Value) {
    entry.compare(found.iter().step_by(count(expected, "stride")), &floats(&expected["values"]));
}

/// The operation over rows of the parameters, or the parameters themselves where it takes them.
fn apply(op: &str, tape: &mut Tape, ids: &[ParamId], settings: &Value) -> Var {
    let list = |key: &str| settings[key].as_array().unwrap().iter().map(|x| x.as_u64().map(|x| x as u32));
    let known = |key: &str| list(key).flatten().collect::<Vec<u32>>();
    if op == "embedding" {
        return tape.embedding(ids[0], &known("ids")).unwrap();
    }
    let x = rows_of(tape, ids[0]);
    let float = |key| number(settings, key);
    match op {
        "linear" => tape.linear(x, ids[1], ids.get(2).copied()),
        "rms_norm" => tape.rms_norm(x, ids[1], float("eps")),
        "layer_norm" => tape.layer_norm(x, ids[1], ids[2], float("eps")),
        "rope" => tape.rope(x, &known("positions"), count(settings, "head_dim"), float("theta")),
        "gelu" => tape.gelu(x),
        "gelu_erf" => tape.gelu_erf(x),
        "relu" => tape.relu(x),
        "silu" => tape.silu(x),
        "tanh" => tape.tanh(x),
        "scale" => tape.scale(x, float("factor")),
        "dropout" => tape.dropout(x, float("p"), 7),
        "linear_log_probs" => tape.linear_log_probs(x, ids[1], &list("targets").collect::<Vec<_>>()),
        "gather" => tape.gather(x, &known("rows")),
        "rows" => tape.rows(x, count(settings, "first"), count(settings, "count")),
        "segment_sum" => tape.segment_sum(x, &list("segment_of").collect::<Vec<_>>(), count(settings, "segments")),
        "sum" => tape.sum(x),
        "mean" => tape.mean(x),
        _ => {
            let other = rows_of(tape, ids[1]);
            match op {
                "swiglu" => tape.swiglu(x, other),
                "geglu" => tape.geglu(x, other),
                "add" => tape.add(x, other),
                "mul" => tape.mul(x, other),
                _ => panic!("the golden has an operation {op} that this test does not know"),
            }
        }
    }
    .unwrap()
}
