//! Attention under every kind of mask, bias, cap and scale, and the numbers these are made of (`oracle/attention.py`).

use serde_json::Value;
use tensor::{AttentionBias, AttentionRule, AttentionShape, Mask, alibi_slopes, t5_bucket};

use crate::attention_cases::{T5, T5_ONE_WAY, operands, run};
use crate::ledger::{Entry, cases, count, floats, parse, reference};

/// Sequences of every case.
const BATCH: usize = 2;

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/attention.json"));
    let mut entries: Vec<Entry> = Vec::new();
    for case in cases(&golden) {
        let mask = mask(&case["mask"]);
        let optional = |key: &str| case[key].as_f64().map(|number| number as f32);
        let bias = match case["bias"].as_str() {
            None => AttentionBias::None,
            Some("alibi") => AttentionBias::Alibi,
            Some("t5") => T5,
            Some("t5_one_way") => T5_ONE_WAY,
            Some(other) => panic!("the golden has a bias {other} that this test does not know"),
        };
        let rule = AttentionRule { mask, bias, soft_cap: optional("soft_cap"), scale: optional("scale") };
        let [time, n_heads, n_kv_heads, head_dim] =
            ["time", "n_heads", "n_kv_heads", "head_dim"].map(|key| count(case, key));
        let shape = AttentionShape { batch: BATCH, time, n_heads, n_kv_heads, head_dim };
        let found = run(&operands(&shape, &rule.mask), &shape, &rule);
        let name = |text: &Value| text.as_str().map(|text| text.replace('_', " "));
        let (bias, cap) = (name(&case["bias"]), rule.soft_cap.map(|_| "soft cap".to_owned()));
        let package = if bias.is_none() && cap.is_none() { "torch" } else { "transformers" };
        let parts: Vec<String> = bias.into_iter().chain(cap).collect();
        let parts = if parts.is_empty() { name(&case["mask"]["kind"]).unwrap() } else { parts.join(", ") };
        let subject = format!("attention ({parts})");
        let mut entry = |aspect| {
            let is_it = |entry: &Entry| entry.subject == subject && entry.aspect == aspect;
            entries.iter().position(is_it).unwrap_or_else(|| {
                entries.push(Entry::new(subject.clone(), aspect, reference(&golden, package), 3e-6));
                entries.len() - 1
            })
        };
        let (forward, gradient) = (entry("forward"), entry("gradient"));
        compare(&mut entries[forward], &found[0], &case["output"]);
        for (found, expected) in found[1..].iter().zip(case["gradients"].as_array().unwrap()) {
            compare(&mut entries[gradient], found, expected);
        }
    }
    entries.extend([spans(&golden), slopes(&golden), buckets(&golden)]);
    entries
}

fn compare(entry: &mut Entry, found: &[f32], expected: &Value) {
    entry.compare(found.iter().step_by(count(expected, "stride")), &floats(&expected["values"]));
}

fn mask(value: &Value) -> Mask {
    let counts = |key: &str| floats(&value[key]).iter().map(|&count| count as usize).collect();
    let document_of = || floats(&value["document_of"]).iter().map(|&document| document as u32).collect();
    match value["kind"].as_str().unwrap() {
        "causal" => Mask::Causal,
        "full" => Mask::Full,
        "sliding_window" => Mask::SlidingWindow { window: count(value, "window") },
        "prefixes" => Mask::Prefixes { lengths: counts("lengths") },
        "packed" => Mask::Packed { document_of: document_of() },
        "packed_full" => Mask::PackedFull { document_of: document_of() },
        "packed_window" => Mask::PackedWindow { document_of: document_of(), window: count(value, "window") },
        "cross" => Mask::Cross { key_time: count(value, "key_time"), seen: counts("seen") },
        other => panic!("the golden has a mask {other} that this test does not know"),
    }
}

/// Which keys every query sees; nothing may differ.
fn spans(golden: &Value) -> Entry {
    let mut entry = Entry::new("keys a mask shows", "values", reference(golden, "transformers"), 0.0);
    for case in golden["spans"].as_array().unwrap() {
        let ranges = mask(&case["mask"]).ranges(BATCH, count(case, "time")).unwrap();
        let found: Vec<f64> = ranges.iter().flat_map(|range| [range.start as f64, range.end as f64]).collect();
        entry.compare_f64(&found, &floats(&case["spans"]));
    }
    entry
}

/// The slopes for every number of heads, from one on.
fn slopes(golden: &Value) -> Entry {
    // The reference takes powers of a number that was rounded to f32.
    let mut entry = Entry::new("slopes of alibi", "values", reference(golden, "transformers"), 2e-6);
    for (expected, n_heads) in golden["slopes"].as_array().unwrap().iter().zip(1..) {
        // One by one, since the largest would hide the others.
        let expected = floats(expected);
        let found: Vec<f64> = alibi_slopes(n_heads).iter().zip(&expected).map(|(&f, e)| f64::from(f) / e).collect();
        entry.compare_f64(&found, &vec![1.0; expected.len()]);
    }
    entry
}

/// The buckets of all distances within reach; nothing may differ.
fn buckets(golden: &Value) -> Entry {
    let mut entry = Entry::new("buckets of t5", "values", reference(golden, "transformers"), 0.0);
    let reach = count(golden, "reach") as i64;
    for case in golden["buckets"].as_array().unwrap() {
        let bidirectional = case["bidirectional"].as_bool().unwrap();
        let of = |distance| t5_bucket(distance, count(case, "n_buckets"), bidirectional, count(case, "max_distance"));
        let found: Vec<f64> = (-reach..=reach).map(|distance| of(distance).unwrap() as f64).collect();
        entry.compare_f64(&found, &floats(&case["buckets"]));
    }
    entry
}
