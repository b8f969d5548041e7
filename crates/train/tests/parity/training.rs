//! Ten updates of the tiny models through the loop that trains everything (`oracle/training.py`).

use std::collections::BTreeSet;
use std::path::Path;

use nn::DecoderConfig;
use serde_json::{Value, from_value};
use tensor::weights::load_safetensors;
use train::{Counts, DataSet, NextToken, Run, TrainBatch, TrainConfig, rehearse};

use crate::ledger::{Entry, cases, count, floats, parse, reference};
use crate::tiny;

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/training.json"));
    let config: TrainConfig = from_value(golden["settings"].clone()).unwrap();
    cases(&golden).iter().flat_map(|case| compare(case, &reference(&golden, "torch"), &config)).collect()
}

/// The same rows for every update.
struct Rows(Vec<Vec<u32>>);

impl DataSet for Rows {
    fn row_count(&self) -> u64 {
        1
    }

    fn rows(&self, _: &[u64]) -> train::Result<TrainBatch> {
        let (batch, time) = (self.0.len(), self.0[0].len());
        let items = batch * time;
        // As transformers does with labels = ids: each row's last position predicts nothing.
        Ok(TrainBatch {
            ids: self.0.concat(),
            batch,
            time,
            positions: (0..items).map(|at| (at % time) as u32).collect(),
            document_of: None,
            is_bidirectional: false,
            targets: self.0.iter().flat_map(|row| row[1..].iter().copied().chain([0])).collect(),
            is_target: (0..items).map(|at| at % time + 1 < time).collect(),
            is_padding: Vec::new(),
            answer_of: Vec::new(),
            reference: Vec::new(),
            counts: Counts { tokens: items as u64, targets: (items - batch) as u64, ..Counts::default() },
        })
    }

    fn place(&self, _: &[u64], _: &TrainBatch, at: usize) -> String {
        format!("token {at} of the golden")
    }

    fn digest(&self) -> &str {
        "the rows of the golden"
    }
}

fn compare(case: &Value, reference: &str, config: &TrainConfig) -> [Entry; 2] {
    let name = case["name"].as_str().unwrap();
    let mut numbers = Entry::new(name, "ten steps: loss, gradient norm", reference.to_owned(), 2e-6);
    // AdamW divides gradients by their size: where that is little but rounding (the keys' bias of GPT-2), so are steps.
    let mut weights = Entry::new(name, "ten steps: weights", reference.to_owned(), 1e-4);
    let shape: DecoderConfig = from_value(case["config"].clone()).unwrap();
    let (decoder, mut parameters) = tiny::build(&shape, count(case, "seed") as u64).unwrap();
    let run = Run {
        section: "pretrain",
        network: &decoder,
        objective: &NextToken::default(),
        data: &Rows(from_value(case["ids"].clone()).unwrap()),
        held_out: None,
        config,
        work: Path::new(""),
        interrupt: &|| false,
    };
    let (mut losses, mut norms) = (Vec::new(), Vec::new());
    rehearse(&run, &mut parameters, &mut |update| {
        losses.push(update.loss);
        norms.push(update.grad_norm);
    })
    .unwrap();
    assert!(losses[9] < 0.8 * losses[0], "{name}: nothing was learnt, so the golden says little: {losses:?}");
    numbers.compare_f64(&losses, &floats(&case["losses"]));
    numbers.compare_f64(&norms, &floats(&case["gradient_norms"]));

    let dir = tempfile::tempdir().unwrap();
    decoder.save(&parameters, dir.path(), &[]).unwrap();
    let ours = load_safetensors(&dir.path().join("model.safetensors")).unwrap();
    let expected = case["weights"].as_object().unwrap();
    assert_eq!(ours.keys().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
    for (name, expected) in expected {
        let values = ours[name].to_f32_vec();
        let norm = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        weights.compare_f64(&[norm], &[expected["norm"].as_f64().unwrap()]);
        let indices = floats(&expected["indices"]);
        weights.compare(indices.iter().map(|&index| &values[index as usize]), &floats(&expected["values"]));
    }
    [numbers, weights]
}
