//! Steps taken again: the same bits as the log and the checkpoints say, or the first that differs.

use std::fs;

use train::{METRICS_FILE, Replayed, Silent, TrainError, read_metrics};

use super::*;

fn recorded(steps: u64) -> TrainConfig {
    TrainConfig { dropout: 0.2, gradient_accumulation: 2, batch_size: 3, checkpoint_every: 3, ..settings(steps) }
}

fn replay_in(work: &Path, config: &TrainConfig, step: u64) -> train::Result<(Replayed, Vec<u8>, usize)> {
    replay_stage(&pretraining(config), work, config, step)
}

fn replay_stage(
    stage: &Stage,
    work: &Path,
    config: &TrainConfig,
    step: u64,
) -> train::Result<(Replayed, Vec<u8>, usize)> {
    let (decoder, mut parameters) = tiny_model();
    let (mut heard, mut traced) = (0, 0);
    let replayed = stage.replay(
        &decoder,
        &mut parameters,
        config,
        work,
        step,
        &mut Silent,
        &mut |_| heard += 1,
        Some(&mut |_| traced += 1),
    )?;
    assert_eq!(heard, replayed.steps.len());
    Ok((replayed, bytes_of(&parameters), traced))
}

#[test]
fn every_step_comes_out_the_same() {
    for dtype in [Precision::F32, Precision::Bf16] {
        let config = TrainConfig { dtype, ..recorded(12) };
        let work = tempfile::tempdir().unwrap();
        let (_, expected, notes) = pretrain_in(work.path(), &config, u64::MAX);
        let before = fs::read(work.path().join(METRICS_FILE)).unwrap();
        // The checkpoints after 9 and 12 steps are left.
        for (step, from) in [(1, 0), (5, 0), (9, 0), (10, 9), (11, 9), (12, 9)] {
            let (replayed, weights, traced) = replay_in(work.path(), &config, step).unwrap();
            assert_eq!((replayed.from, replayed.steps.len() as u64), (from, step - from));
            assert_eq!(replayed.first_difference, None, "step {step}");
            assert!(traced > 50, "every value of the last step is shown");
            let last = replayed.steps.last().unwrap();
            assert_eq!(last.loss.found, notes.losses[step as usize - 1]);
            assert_eq!(last.loss.recorded, Some(last.loss.found));
            let witness = last.weights.as_ref().unwrap();
            assert_eq!(witness.recorded.is_some(), step % 3 == 0);
            assert_eq!(weights == expected, step == 12);
        }
        assert_eq!(fs::read(work.path().join(METRICS_FILE)).unwrap(), before, "a replay writes nothing");
    }
}

/// A log that is off by one bit in one place.
#[test]
fn the_first_bit_that_differs_is_named() {
    let config = recorded(9);
    let work = tempfile::tempdir().unwrap();
    pretrain_in(work.path(), &config, u64::MAX);
    let path = work.path().join(METRICS_FILE);
    let whole = read_metrics(&path).unwrap();
    for (step, key) in [(4, "loss"), (5, "grad_norm"), (6, "weights_sha256"), (2, "learning_rate")] {
        let mut records = whole.clone();
        let record = records.iter_mut().find(|record| record["step"] == step).unwrap();
        record[key] = match record[key].as_f64() {
            Some(value) => f64::from_bits(value.to_bits() + 1).into(),
            None => "0".repeat(64).into(),
        };
        let was = record[key].clone();
        let lines = records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect::<String>();
        fs::write(&path, lines).unwrap();
        // From the beginning, without checkpoints.
        let other = tempfile::tempdir().unwrap();
        fs::copy(&path, other.path().join(METRICS_FILE)).unwrap();
        let (replayed, _, _) = replay_in(other.path(), &config, 6).unwrap();
        let (at, measure, recorded, found) = replayed.first_difference.unwrap();
        assert_eq!((at, measure.as_str()), (step, key));
        assert_ne!(recorded, found);
        assert_eq!(recorded.trim_matches('"'), was.to_string().trim_matches('"'));
    }
}

#[test]
fn another_run_or_step_is_refused() {
    let config = recorded(6);
    let work = tempfile::tempdir().unwrap();
    pretrain_in(work.path(), &config, u64::MAX);
    for step in [0, 7] {
        let error = replay_in(work.path(), &config, step).unwrap_err();
        assert!(matches!(error, TrainError::NoSuchStep { reached: 6, .. }), "{error}");
        assert!(error.to_string().contains(&format!("has no step {step}")), "{error}");
    }
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(counting_documents(40, 2))),
        held_out: None,
        end_of_text: 0,
        mask_documents: true,
    };
    let other = Stage::pretrain(&text, &config).unwrap();
    // With checkpoints and, as of a finished run, without.
    for is_finished in [false, true] {
        if is_finished {
            for step in [3, 6] {
                fs::remove_dir_all(work.path().join(format!("checkpoint-{step:06}"))).unwrap();
            }
        }
        let error = replay_stage(&other, work.path(), &config, 5).unwrap_err();
        assert!(matches!(error, TrainError::NotThatRun { .. }), "{error}");
        assert!(error.to_string().contains("from other training data"), "{error}");
    }
    assert_eq!(replay_in(work.path(), &config, 5).unwrap().0.first_difference, None);
}

/// Batches that spikes left out are left out again.
#[test]
fn a_run_with_spikes_is_replayed_as_it_went() {
    for spike_rollback in [5, 0] {
        let config = TrainConfig { spike_rollback, checkpoint_every: 20, ..spikes::guarded(80) };
        let work = tempfile::tempdir().unwrap();
        let (_, expected, heard) = spikes::run_in(work.path(), &config, u64::MAX);
        assert!(!heard.spikes.is_empty());
        for entry in fs::read_dir(work.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().contains("checkpoint-") {
                fs::remove_dir_all(path).unwrap();
            }
        }
        let stage = spikes::poisoned(&config);
        let (replayed, weights, _) = replay_stage(&stage, work.path(), &config, 80).unwrap();
        assert_eq!((replayed.from, replayed.first_difference), (0, None));
        assert!(weights == expected);
        assert!(replayed.steps.last().unwrap().batch > 79);
    }
}
