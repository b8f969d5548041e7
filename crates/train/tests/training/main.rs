//! The loop on a two-layer model: it learns, it is the same however it is cut, and it survives interruption.

// Helpers of tests may unwrap as tests may.
#![allow(clippy::unwrap_used)]

mod carried;
mod cooldown;
mod experts;
mod invariances;
mod logs;
mod masked;
mod objectives;
mod replay;
mod resume;
mod spikes;
mod traps;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lang::rng::Rng;
use nn::{Decoder, DecoderConfig, Network as _};
use tensor::Parameters;
use train::{
    Evaluation, MemoryTokens, Observer, OptimizerKind, Outcome, Precision, PretrainText, ScheduleKind, Stage,
    StepMetrics, TrainConfig,
};

/// A two-layer LLaMA-shaped decoder with grouped queries, and weights for it.
fn tiny_model() -> (Decoder, Parameters) {
    let config = DecoderConfig {
        vocab_size: 24,
        hidden_size: 16,
        n_layers: 2,
        n_heads: 2,
        n_kv_heads: 1,
        intermediate_size: 32,
        max_position_embeddings: 32,
        init_std: 0.1,
        ..DecoderConfig::default()
    };
    let decoder = Decoder::new(config).unwrap();
    let parameters = decoder.init(3);
    (decoder, parameters)
}

fn settings(steps: u64) -> TrainConfig {
    TrainConfig {
        steps,
        batch_size: 4,
        sequence_length: 12,
        learning_rate: 1e-2,
        warmup_steps: 2.min(steps - 1),
        eval_every: 4,
        checkpoint_every: 0,
        seed: 11,
        ..TrainConfig::default()
    }
}

/// Documents that count upwards from a random start: easy to learn, impossible to know without learning.
fn counting_documents(count: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(seed);
    let document = |start: u32| (0..9).map(|step| 1 + (start + step) % 23).collect();
    (0..count).map(|_| document(rng.below(23) as u32)).collect()
}

fn pretraining(config: &TrainConfig) -> Stage {
    let held_out = counting_documents(6, 99);
    let bytes = held_out.iter().map(|document| document.len() as u64 * 2).sum();
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(counting_documents(40, 1))),
        held_out: Some((Arc::new(MemoryTokens::new(held_out)), bytes)),
        end_of_text: 0,
        mask_documents: true,
    };
    Stage::pretrain(&text, config).unwrap()
}

/// Writes down what it hears.
#[derive(Default)]
struct Notes {
    started: Vec<(u64, u64)>,
    losses: Vec<f64>,
    evaluations: Vec<(u64, Evaluation)>,
    checkpoints: Vec<u64>,
    warnings: Vec<String>,
}

impl Observer for Notes {
    fn started(&mut self, done: u64, steps: u64) {
        self.started.push((done, steps));
    }
    fn step(&mut self, metrics: &StepMetrics) {
        self.losses.push(metrics.loss);
    }
    fn evaluated(&mut self, step: u64, evaluation: &Evaluation) {
        self.evaluations.push((step, evaluation.clone()));
    }
    fn checkpointed(&mut self, step: u64, _: &Path) {
        self.checkpoints.push(step);
    }
    fn warning(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

/// Asks for an interruption once `steps` updates have been taken in this call.
fn after(steps: u64) -> impl Fn() -> bool + Sync {
    let asked = AtomicU64::new(0);
    move || asked.fetch_add(1, Ordering::Relaxed) >= steps
}

/// Pre-trains the tiny model in `work`; the weights it ends with and what was heard.
fn pretrain_in(work: &Path, config: &TrainConfig, steps_before_interrupt: u64) -> (Outcome, Vec<u8>, Notes) {
    let (decoder, mut parameters) = tiny_model();
    let mut notes = Notes::default();
    let outcome = pretraining(config)
        .run(&decoder, &mut parameters, config, work, &after(steps_before_interrupt), &mut notes)
        .unwrap();
    (outcome, bytes_of(&parameters), notes)
}

fn bytes_of(parameters: &Parameters) -> Vec<u8> {
    parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).flat_map(f32::to_le_bytes).collect()
}

fn values_of(parameters: &Parameters) -> Vec<f32> {
    parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).collect()
}

#[test]
fn a_tiny_corpus_is_learnt() {
    for (dtype, schedule) in [(Precision::F32, ScheduleKind::Cosine), (Precision::Bf16, ScheduleKind::WsdSqrt)] {
        let config = TrainConfig { dtype, schedule, batch_size: 8, ..settings(80) };
        let work = tempfile::tempdir().unwrap();
        let (outcome, _, notes) = pretrain_in(work.path(), &config, u64::MAX);
        let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
        // A uniform guess costs ln 24 = 3.18; what cannot be known is one start in twenty-three per ten tokens.
        let (first, last) = (notes.losses[0], summary.loss.unwrap());
        assert!(first > 2.9 && last < 0.9, "{dtype:?}: {first} to {last}");
        let held_out = summary.eval_loss.unwrap();
        assert!(held_out < 1.3, "{dtype:?}: {held_out}");
        let steps: Vec<u64> = notes.evaluations.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, (0..=80).step_by(4).collect::<Vec<_>>());
        // Ten predicted tokens stand for nine tokens of two bytes.
        let bits = notes.evaluations.last().unwrap().1.bits_per_byte.unwrap();
        assert!((bits - held_out / std::f64::consts::LN_2 / 1.8).abs() < 0.02 * bits, "{bits}");
    }
}

/// With the rate each is used at: Lion moves every weight by all of it, Adafactor by a share of the weight's size.
#[test]
fn every_optimizer_learns() {
    let rates = [1e-2, 1e-2, 3e-3, 1e-1, 5e-2];
    for (optimizer, learning_rate) in OptimizerKind::ALL.into_iter().zip(rates) {
        let schedule = ScheduleKind::InverseSqrt;
        let config =
            TrainConfig { optimizer, learning_rate, schedule, batch_size: 8, warmup_steps: 10, ..settings(80) };
        let work = tempfile::tempdir().unwrap();
        let (outcome, _, notes) = pretrain_in(work.path(), &config, u64::MAX);
        let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
        let (first, last) = (notes.losses[0], summary.loss.unwrap());
        // A uniform guess costs ln 24 = 3.18.
        assert!(first > 2.9 && last < 2.0, "{optimizer:?}: {first} to {last}");
    }
}

#[test]
fn a_rehearsal_takes_the_same_updates() {
    let config = TrainConfig { dropout: 0.1, gradient_accumulation: 2, ..settings(5) };
    let work = tempfile::tempdir().unwrap();
    let (_, weights, notes) = pretrain_in(work.path(), &config, u64::MAX);
    let (decoder, mut parameters) = tiny_model();
    let mut updates = Vec::new();
    pretraining(&config).rehearse(&decoder, &mut parameters, &config, &mut |update| updates.push(*update)).unwrap();
    assert_eq!(bytes_of(&parameters), weights);
    assert_eq!(updates.iter().map(|update| update.loss).collect::<Vec<_>>(), notes.losses);
    assert_eq!(updates.iter().map(|update| update.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    // Two micro-batches of four rows of twelve tokens.
    assert!(updates.iter().all(|update| update.tokens == 96 && update.seconds >= 0.0 && update.grad_norm > 0.0));
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_written() {
    let work = tempfile::tempdir().unwrap();
    let (decoder, mut parameters) = tiny_model();
    let stage = pretraining(&settings(4));
    let config = TrainConfig { learning_rate: -1.0, ..settings(4) };
    let folder = work.path().join("work");
    let error = stage.run(&decoder, &mut parameters, &config, &folder, &|| false, &mut Notes::default()).unwrap_err();
    assert!(error.to_string().starts_with("`pretrain.learning_rate` is -1"), "{error}");
    assert!(!folder.exists());
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_weights() {
    let work = tempfile::tempdir().unwrap();
    let (decoder, mut parameters) = tiny_model();
    // The vector of token 1, which the text is full of.
    parameters.values_mut(decoder.embedding())[16] = f32::INFINITY;
    let before = bytes_of(&parameters);
    let config = TrainConfig { eval_every: 0, ..settings(4) };
    let error = pretraining(&config)
        .run(&decoder, &mut parameters, &config, work.path(), &|| false, &mut Notes::default())
        .unwrap_err()
        .to_string();
    for part in ["step 1", "in the output of embedding", "other weights"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(bytes_of(&parameters), before);
}

#[test]
fn a_work_folder_that_cannot_be_made_is_named() {
    let place = tempfile::NamedTempFile::new().unwrap();
    let (decoder, mut parameters) = tiny_model();
    let config = settings(2);
    let error = pretraining(&config)
        .run(&decoder, &mut parameters, &config, &place.path().join("work"), &|| false, &mut Notes::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains(&place.path().display().to_string()), "{error}");
}
