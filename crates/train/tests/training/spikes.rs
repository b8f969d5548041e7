//! Planted poison: rows of random tokens among rows that can be learnt. The guard sees them, leaves them out, and decides
//! the same however often the run is interrupted.

use std::fs;

use train::{ScheduleKind, Silent, Spike, TrainError, read_metrics};

use super::*;

/// Which tokens of the stream are poison: the document of random tokens that stands in the middle.
const POISON: std::ops::Range<usize> = 1001..1061;

/// 200 documents that count, 60 tokens of noise behind the first hundred.
pub(crate) fn poisoned(config: &TrainConfig) -> Stage {
    let mut documents = counting_documents(200, 1);
    let mut rng = Rng::new(77);
    documents.insert(100, (0..60).map(|_| 1 + rng.below(23) as u32).collect());
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(documents)),
        held_out: None,
        end_of_text: 0,
        mask_documents: true,
    };
    Stage::pretrain(&text, config).unwrap()
}

pub(crate) fn guarded(steps: u64) -> TrainConfig {
    TrainConfig {
        spike_threshold: 6.0,
        spike_window: 16,
        spike_rollback: 5,
        schedule: ScheduleKind::Constant,
        eval_every: 0,
        ..settings(steps)
    }
}

/// Runs in `work` until the interruption; the weights and the spikes heard of.
pub(crate) fn run_in(work: &Path, config: &TrainConfig, steps: u64) -> (Outcome, Vec<u8>, Listener) {
    let (decoder, mut parameters) = tiny_model();
    let mut heard = Listener::default();
    let outcome = poisoned(config).run(&decoder, &mut parameters, config, work, &after(steps), &mut heard).unwrap();
    (outcome, bytes_of(&parameters), heard)
}

#[derive(Default)]
pub(crate) struct Listener {
    pub(crate) spikes: Vec<Spike>,
    losses: Vec<(u64, f64)>,
}

impl Observer for Listener {
    fn step(&mut self, metrics: &StepMetrics) {
        self.losses.push((metrics.step, metrics.loss));
    }
    fn spiked(&mut self, spike: &Spike) {
        self.spikes.push(spike.clone());
    }
}

/// The log without times.
fn log_of(work: &Path) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let mut records = read_metrics(&work.join("metrics.jsonl")).unwrap();
    for record in &mut records {
        for key in ["seconds", "time", "tokens_per_second"] {
            record.remove(key);
        }
    }
    records
}

fn is_poison(row: u64) -> bool {
    let (start, end) = (row as usize * 12, row as usize * 12 + 13);
    start < POISON.end && end > POISON.start
}

#[test]
fn poison_is_left_out_and_the_run_goes_on() {
    let config = guarded(90);
    let work = tempfile::tempdir().unwrap();
    let (outcome, _, heard) = run_in(work.path(), &config, u64::MAX);
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    assert!(!heard.spikes.is_empty());
    for (index, spike) in heard.spikes.iter().enumerate() {
        assert_eq!((spike.measure, spike.number), ("loss", index as u64 + 1));
        assert!(spike.value > spike.threshold && spike.threshold > spike.mean, "{spike:?}");
        assert!(spike.rows.iter().any(|&row| is_poison(row)), "{spike:?}");
        // Back to the last multiple of five below the step, or to where it was gone back to before, and every batch
        // from there on.
        let kept = spike.rolled_back_to.unwrap();
        let again = index > 0 && heard.spikes[index - 1].rolled_back_to == Some(spike.step - 1);
        assert_eq!(kept, if again { spike.step - 1 } else { (spike.step - 2) / 5 * 5 });
        let batches = spike.step - kept;
        assert_eq!(spike.skipped_batches.1 - spike.skipped_batches.0 + 1, batches);
        assert_eq!(spike.skipped_rows.len() as u64, batches);
        assert_eq!(spike.skipped_rows.last(), Some(&spike.rows));
        assert!(spike.to_string().starts_with(&format!("the loss of step {} is ", spike.step)), "{spike}");
    }
    // The log tells every step once, and the spikes where they were.
    let log = log_of(work.path());
    let steps: Vec<u64> =
        log.iter().filter(|r| !r.contains_key("event")).map(|r| r["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (1..=90).collect::<Vec<_>>());
    let told: Vec<_> = log.iter().filter(|record| record.contains_key("event")).collect();
    assert_eq!(told.len(), heard.spikes.len());
    for (record, spike) in told.iter().zip(&heard.spikes) {
        assert_eq!(record["event"], "spike");
        assert_eq!(record["spike"], serde_json::to_value(spike).unwrap());
    }
    // No step that was kept is a spike by the rule.
    let losses: Vec<f64> = log.iter().filter_map(|record| record.get("loss")?.as_f64()).collect();
    for at in 8..losses.len() {
        let before = &losses[at.saturating_sub(16)..at];
        let mean = before.iter().sum::<f64>() / before.len() as f64;
        let squares = before.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>();
        let deviation = (squares / (before.len() - 1) as f64).sqrt();
        assert!(losses[at] <= mean + 6.0 * deviation + 1e-12, "step {}", at + 1);
    }

    // Without the guard the same data are taken as they come.
    let careless = TrainConfig { spike_threshold: 0.0, ..config };
    let other = tempfile::tempdir().unwrap();
    let (_, _, heard) = run_in(other.path(), &careless, u64::MAX);
    assert!(heard.spikes.is_empty());
    assert!(heard.losses.iter().skip(40).any(|(_, loss)| *loss > 1.5), "the poison would have shown");
}

/// Interrupted, or killed so that the last checkpoint and some of the log are lost: the same spikes, the same bits.
#[test]
fn a_disturbed_run_decides_the_same() {
    for spike_rollback in [5, 0] {
        let config = TrainConfig { spike_rollback, checkpoint_every: 4, ..guarded(80) };
        let straight = tempfile::tempdir().unwrap();
        let (_, expected, heard) = run_in(straight.path(), &config, u64::MAX);
        assert!(!heard.spikes.is_empty());
        let first = heard.spikes[0].step;
        // Around the first spike, where going on from a checkpoint is hardest, and elsewhere.
        for stop in [first - 7, first - 1, first, first + 4] {
            for is_killed in [false, true] {
                let work = tempfile::tempdir().unwrap();
                run_in(work.path(), &config, stop);
                if is_killed {
                    let newest = fs::read_dir(work.path()).unwrap().map(|entry| entry.unwrap().path());
                    let newest = newest.filter(|path| path.to_string_lossy().contains("checkpoint-")).max().unwrap();
                    fs::remove_dir_all(newest).unwrap();
                }
                let (outcome, found, _) = run_in(work.path(), &config, u64::MAX);
                assert!(matches!(outcome, Outcome::Finished(_)));
                assert!(found == expected, "stopped at {stop}, killed: {is_killed}, rollback {spike_rollback}");
                assert_eq!(log_of(work.path()), log_of(straight.path()), "stopped at {stop}, killed: {is_killed}");
            }
        }
        // How often is saved decides nothing either.
        let rarely = TrainConfig { checkpoint_every: 0, ..config };
        let work = tempfile::tempdir().unwrap();
        assert!(run_in(work.path(), &rarely, u64::MAX).1 == expected);
    }
}

/// Without a way back the weights stay as they are and one batch is left out.
#[test]
fn without_a_way_back_one_batch_is_left_out() {
    let config = TrainConfig { spike_rollback: 0, ..guarded(80) };
    let work = tempfile::tempdir().unwrap();
    let (_, _, heard) = run_in(work.path(), &config, u64::MAX);
    let mut skipped = 0;
    for spike in &heard.spikes {
        skipped += 1;
        let batch = spike.step - 1 + skipped - 1;
        assert_eq!((spike.rolled_back_to, spike.skipped_batches), (None, (batch, batch)));
        assert_eq!((spike.skipped, &spike.skipped_rows), (skipped, &vec![spike.rows.clone()]));
    }
    assert!(skipped > 0);
    assert_eq!(heard.losses.iter().map(|(step, _)| *step).collect::<Vec<_>>(), (1..=80).collect::<Vec<_>>());
}

#[test]
fn more_spikes_than_allowed_end_the_run() {
    let config = TrainConfig { spike_limit: 0, ..guarded(80) };
    let work = tempfile::tempdir().unwrap();
    let (decoder, mut parameters) = tiny_model();
    let run = poisoned(&config).run(&decoder, &mut parameters, &config, work.path(), &|| false, &mut Silent);
    let message = run.unwrap_err().to_string();
    let parts = [
        "the loss of step ",
        ", above ",
        "its batch holds rows ",
        "the 0 that the run may have",
        "the last checkpoint is ",
        "pretrain.spike_limit",
    ];
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

/// A token whose vector is no number, which only the poison holds: the batches with it are left out, the rest is learnt.
#[test]
fn a_batch_that_gives_no_number_is_left_out() {
    let (tiny, _) = tiny_model();
    let shape = DecoderConfig { vocab_size: 25, tie_word_embeddings: false, ..tiny.config().clone() };
    let decoder = Decoder::new(shape).unwrap();
    let mut parameters = decoder.init(3);
    let embedding = decoder.embedding();
    parameters.values_mut(embedding)[24 * 16] = f32::NAN;
    let mut documents = counting_documents(40, 1);
    documents.insert(20, vec![24; 5]);
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(documents)),
        held_out: None,
        end_of_text: 0,
        mask_documents: true,
    };
    let config = TrainConfig { spike_threshold: 1e9, spike_rollback: 0, ..guarded(30) };
    let stage = Stage::pretrain(&text, &config).unwrap();
    let (work, mut heard) = (tempfile::tempdir().unwrap(), Listener::default());
    stage.run(&decoder, &mut parameters, &config, work.path(), &|| false, &mut heard).unwrap();
    assert!(!heard.spikes.is_empty());
    for spike in &heard.spikes {
        let trap = spike.trap.as_ref().unwrap();
        assert_eq!((spike.value, trap.op, trap.token.as_ref().unwrap().id), (None, "embedding", 24));
    }
    let broken = values_of(&parameters).iter().filter(|value| !value.is_finite()).count();
    assert_eq!(broken, 1, "the poison must not spread");
    assert!(heard.losses.last().unwrap().1 < 2.0);
}

#[test]
fn a_way_back_that_is_damaged_is_named() {
    let config = guarded(80);
    let work = tempfile::tempdir().unwrap();
    let (_, _, heard) = run_in(work.path(), &config, u64::MAX);
    let spike = &heard.spikes[0];
    let other = tempfile::tempdir().unwrap();
    // Up to the step before the spike; then the state it will want is cut.
    run_in(other.path(), &config, spike.step - 1);
    let name = format!("checkpoint-{:06}", spike.rolled_back_to.unwrap());
    fs::write(other.path().join(&name).join("state.json"), "{").unwrap();
    let (decoder, mut parameters) = tiny_model();
    let run = poisoned(&config).run(&decoder, &mut parameters, &config, other.path(), &|| false, &mut Silent);
    let error = run.unwrap_err();
    assert!(matches!(error, TrainError::NoWayBack { .. }), "{error}");
    assert!(error.to_string().contains(&name) && error.to_string().contains("start anew"), "{error}");
}

/// Spike upon spike: ordinary noise is one, and the state gone back to is gone back to again.
#[test]
fn spikes_upon_spikes_always_find_a_way_back() {
    let config = TrainConfig {
        spike_threshold: 0.9,
        spike_window: 4,
        spike_rollback: 3,
        spike_limit: 400,
        learning_rate: 1e-5,
        checkpoint_every: 2,
        ..guarded(14)
    };
    let straight = tempfile::tempdir().unwrap();
    let (_, expected, heard) = run_in(straight.path(), &config, u64::MAX);
    let again = heard.spikes.windows(2).any(|pair| {
        pair[1].rolled_back_to == pair[0].rolled_back_to && pair[1].rolled_back_to == Some(pair[1].step - 1)
    });
    assert!(again, "{:?}", heard.spikes.iter().map(|spike| (spike.step, spike.rolled_back_to)).collect::<Vec<_>>());
    for stop in [3, 6, 9, 12, 16, 20] {
        let work = tempfile::tempdir().unwrap();
        run_in(work.path(), &config, stop);
        let (_, found, _) = run_in(work.path(), &config, u64::MAX);
        assert!(found == expected, "stopped at {stop}");
        assert_eq!(log_of(work.path()), log_of(straight.path()), "stopped at {stop}");
    }
}
