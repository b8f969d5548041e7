//! Recurrent models on running text, their state carried from batch to batch (`oracle/carried.py`).

use std::collections::BTreeMap;
use std::sync::Arc;

use nn::{Network as _, RecurrentConfig, RecurrentModel};
use serde::Deserialize;
use tensor::Cell;
use train::{MemoryTokens, Outcome, PretrainText, ScheduleKind, Silent, Stage, TrainConfig};

use super::ledger::Entry;

#[derive(Deserialize)]
struct Golden {
    versions: BTreeMap<String, String>,
    vocab_size: usize,
    hidden_size: usize,
    n_layers: usize,
    lanes: usize,
    time: usize,
    document: Vec<u32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cell: String,
    weights: BTreeMap<String, Vec<f32>>,
    losses: Vec<f64>,
    trained: BTreeMap<String, Vec<f64>>,
    evaluation: f64,
}

pub fn entries() -> Vec<Entry> {
    let golden: Golden = serde_json::from_str(include_str!("../goldens/carried.json")).unwrap();
    golden.cases.iter().map(|case| compare(&golden, case)).collect()
}

fn compare(golden: &Golden, case: &Case) -> Entry {
    let subject = format!("{} on running text, state carried", case.cell);
    let reference = format!("torch {}", golden.versions["torch"]);
    let mut entry = Entry::new(subject, "ten steps: loss, weights, evaluation", reference, 1e-5);
    let model = RecurrentModel::new(RecurrentConfig {
        cell: Cell::ALL.into_iter().find(|cell| cell.name() == case.cell).unwrap(),
        vocab_size: golden.vocab_size,
        embedding_size: golden.hidden_size,
        hidden_size: golden.hidden_size,
        n_layers: golden.n_layers,
        ..RecurrentConfig::default()
    })
    .unwrap();
    let mut parameters = model.init(0);
    for (name, values) in &case.weights {
        let id = parameters.id(name).unwrap();
        parameters.values_mut(id).copy_from_slice(values);
    }
    let config = TrainConfig {
        steps: case.losses.len() as u64,
        batch_size: golden.lanes,
        sequence_length: golden.time,
        carry_state: true,
        learning_rate: 0.03,
        schedule: ScheduleKind::Constant,
        warmup_ratio: 0.0,
        eval_every: case.losses.len() as u64,
        checkpoint_every: 0,
        ..TrainConfig::default()
    };
    let store = || Arc::new(MemoryTokens::new([&golden.document]));
    let held_out = Some((store() as Arc<dyn train::TokenStore>, 100));
    let text = PretrainText { corpus: store(), held_out, end_of_text: 0, mask_documents: false };
    let stage = Stage::pretrain(&text, &config).unwrap();
    let mut losses = Vec::new();
    stage.rehearse(&model, &mut parameters.clone(), &config, &mut |update| losses.push(update.loss)).unwrap();
    // The same rows again.
    assert!(losses[8] < losses[0] - 0.05, "{}: little was learnt: {losses:?}", case.cell);
    entry.compare_f64(&losses, &case.losses);
    let work = tempfile::tempdir().unwrap();
    let outcome = stage.run(&model, &mut parameters, &config, work.path(), &|| false, &mut Silent).unwrap();
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
    entry.compare_f64(&[summary.eval_loss.unwrap()], &[case.evaluation]);
    for (name, expected) in &case.trained {
        entry.compare(parameters.get(parameters.id(name).unwrap()).as_f32().unwrap(), expected);
    }
    entry
}
