//! Attention under every mask, with its biases and scales (`oracle/attention.py`).

use serde_json::Value;
use tensor::{AttentionBias, AttentionRule, AttentionShape, Gradients, Mask, Parameters, Tape, Tensor};

use crate::ledger::{Entry, cases, count, floats, parse, reference};
use crate::support::{noise, rows_of};

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/attention.json"));
    let mut entries: Vec<Entry> = Vec::new();
    for case in cases(&golden) {
        let subject = format!("attention ({})", case["name"].as_str().unwrap());
        if entries.last().is_none_or(|entry| entry.subject != subject) {
            let package = if case["soft_cap"].is_null() { "torch" } else { "transformers" };
            let new = |aspect| Entry::new(&subject, aspect, reference(&golden, package), 3e-6);
            entries.extend([new("forward"), new("gradient")]);
        }
        let last = entries.len();
        compare(case, &mut entries[last - 2..]);
    }
    entries
}

fn mask_of(mask: &Value) -> Mask {
    let list = |key: &str| floats(&mask[key]).into_iter().map(|x| x as usize);
    match mask["kind"].as_str().unwrap() {
        "causal" => Mask::Causal,
        "full" => Mask::Full,
        "window" => Mask::SlidingWindow { window: count(mask, "window") },
        "prefix" => Mask::Prefixes { lengths: list("lengths").collect() },
        "packed" => Mask::Packed { document_of: list("document_of").map(|id| id as u32).collect() },
        "packed_full" => Mask::PackedFull { document_of: list("document_of").map(|id| id as u32).collect() },
        "cross" => Mask::Cross { key_time: count(mask, "key_time"), seen: list("seen").collect() },
        other => panic!("the golden has a mask {other} that this test does not know"),
    }
}

fn compare(case: &Value, entries: &mut [Entry]) {
    let [batch, time, n_heads, n_kv_heads, head_dim, stride] =
        ["batch", "time", "heads", "kv_heads", "head_dim", "stride"].map(|key| count(case, key));
    let shape = AttentionShape { batch, time, n_heads, n_kv_heads, head_dim };
    let mask = mask_of(&case["mask"]);
    let key_time = if let Mask::Cross { key_time, .. } = mask { key_time } else { time };
    let rule = AttentionRule {
        mask,
        bias: if case["alibi"].as_bool().unwrap() { AttentionBias::Alibi } else { AttentionBias::None },
        soft_cap: case["soft_cap"].as_f64().map(|cap| cap as f32),
        scale: case["scale"].as_f64().map(|scale| scale as f32),
    };
    let mut parameters = Parameters::new();
    let sizes =
        [(batch * time, n_heads, 2.0), (batch * key_time, n_kv_heads, 1.0), (batch * key_time, n_kv_heads, 1.0)];
    let ids = [0, 1, 2].map(|index| {
        let (rows, heads, size) = sizes[index];
        let values = noise(rows * heads * head_dim, 11 + index as u64).iter().map(|x| size * x).collect();
        parameters.add(format!("{index}"), Tensor::from_f32([rows, heads * head_dim], values).unwrap()).unwrap()
    });
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let [q, k, v] = ids.map(|id| rows_of(&mut tape, id));
    let out = tape.attention_with(q, k, v, &shape, &rule).unwrap();
    tape.backward(out, &noise(tape.value(out).len(), 99), &mut gradients).unwrap();
    entries[0].compare(tape.value(out).as_f32().unwrap().iter().step_by(stride), &floats(&case["output"]));
    for (id, expected) in ids.into_iter().zip(case["gradients"].as_array().unwrap()) {
        entries[1].compare(gradients.get(id).iter().step_by(stride), &floats(expected));
    }
}
