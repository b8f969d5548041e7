//! Interruption, resumption, damaged checkpoints, checkpoints of other runs.

use std::fs;
use std::path::Path;

use train::{OptimizerKind, Outcome, TrainConfig, TrainError, read_metrics};

use super::*;

fn checkpoints_in(work: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(work)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("checkpoint"))
        .collect();
    names.sort();
    names
}

fn logged_steps(work: &Path) -> Vec<u64> {
    let records = read_metrics(&work.join("metrics.jsonl")).unwrap();
    records.iter().map(|record| record["step"].as_u64().unwrap()).collect()
}

/// Everything that could carry state is on: dropout, accumulation, several epochs, warm-up.
fn demanding(steps: u64) -> TrainConfig {
    TrainConfig {
        // Seventeen digits: printed and parsed, it must still be the same setting.
        learning_rate: 0.010000000000000002,
        dropout: 0.2,
        gradient_accumulation: 2,
        batch_size: 3,
        checkpoint_every: 3,
        ..settings(steps)
    }
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    let mut cases = OptimizerKind::ALL.map(|optimizer| (Precision::F32, optimizer)).to_vec();
    cases.push((Precision::Bf16, OptimizerKind::AdamW));
    for (dtype, optimizer) in cases {
        let config = TrainConfig { dtype, optimizer, nesterov: true, ..demanding(12) };
        let straight = tempfile::tempdir().unwrap();
        let (_, expected, notes) = pretrain_in(straight.path(), &config, u64::MAX);
        assert_eq!(notes.checkpoints, [3, 6, 9, 12]);
        assert_eq!(checkpoints_in(straight.path()), ["checkpoint-000009", "checkpoint-000012"]);

        let work = tempfile::tempdir().unwrap();
        let (outcome, _, _) = pretrain_in(work.path(), &config, 5);
        let Outcome::Interrupted { step: 5, checkpoint } = outcome else { panic!("{outcome:?}") };
        assert!(checkpoint.ends_with("checkpoint-000005"));
        let (outcome, found, notes) = pretrain_in(work.path(), &config, u64::MAX);
        assert!(matches!(outcome, Outcome::Finished(_)));
        assert_eq!(notes.started, [(5, 12)]);
        assert!(found == expected, "{dtype:?} {optimizer:?}");
        assert_eq!(logged_steps(work.path()), logged_steps(straight.path()));
    }
}

/// A killed run leaves its last checkpoint, a log that has gone on, and perhaps a half-written checkpoint.
#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let straight = tempfile::tempdir().unwrap();
    let (_, expected, _) = pretrain_in(straight.path(), &demanding(12), u64::MAX);
    let work = tempfile::tempdir().unwrap();
    pretrain_in(work.path(), &demanding(12), 8);
    fs::remove_dir_all(work.path().join("checkpoint-000008")).unwrap();
    fs::create_dir(work.path().join(".checkpoint-000009.partial")).unwrap();
    assert_eq!(logged_steps(work.path()).last(), Some(&8));
    let (_, found, notes) = pretrain_in(work.path(), &demanding(12), u64::MAX);
    assert_eq!(notes.started, [(6, 12)]);
    assert!(notes.warnings.is_empty(), "{:?}", notes.warnings);
    assert_eq!(found, expected);
    assert_eq!(logged_steps(work.path()), (0..=12).collect::<Vec<_>>());
    assert_eq!(checkpoints_in(work.path()), ["checkpoint-000009", "checkpoint-000012"]);
}

#[test]
fn a_finished_run_has_nothing_to_do() {
    let work = tempfile::tempdir().unwrap();
    let (_, expected, _) = pretrain_in(work.path(), &settings(4), u64::MAX);
    let (outcome, found, notes) = pretrain_in(work.path(), &settings(4), 0);
    assert!(matches!(outcome, Outcome::Finished(_)));
    assert_eq!((found, notes.losses.len(), notes.checkpoints.len()), (expected, 0, 0));
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_used() {
    let straight = tempfile::tempdir().unwrap();
    let (_, expected, _) = pretrain_in(straight.path(), &demanding(8), u64::MAX);
    let cut = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let cases = [
        ("parameters.safetensors", "cut"),
        ("optimizer.safetensors", "flip"),
        ("state.json", "cut"),
        ("metrics.jsonl", "remove"),
        ("SHA256SUMS", "cut"),
        ("SHA256SUMS", "remove"),
        ("parameters.safetensors", "remove"),
    ];
    for (file, damage) in cases {
        let work = tempfile::tempdir().unwrap();
        pretrain_in(work.path(), &demanding(8), 7);
        let path = work.path().join("checkpoint-000007").join(file);
        match damage {
            "cut" => cut(&path),
            "flip" => flip(&path),
            _ => fs::remove_file(&path).unwrap(),
        }
        let (_, found, notes) = pretrain_in(work.path(), &demanding(8), u64::MAX);
        assert_eq!(notes.started, [(6, 8)], "{file}");
        assert_eq!(notes.warnings.len(), 1, "{file}: {:?}", notes.warnings);
        assert!(notes.warnings[0].contains(file), "{file}: {:?}", notes.warnings);
        assert!(notes.warnings[0].contains("checkpoint-000006"), "{file}: {:?}", notes.warnings);
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn when_all_checkpoints_are_damaged_the_run_starts_anew() {
    let work = tempfile::tempdir().unwrap();
    pretrain_in(work.path(), &demanding(6), 4);
    for name in checkpoints_in(work.path()) {
        fs::write(work.path().join(name).join("state.json"), "{").unwrap();
    }
    let (_, found, notes) = pretrain_in(work.path(), &demanding(6), u64::MAX);
    assert_eq!((notes.started[0], notes.warnings.len()), ((0, 6), 2));
    assert!(notes.warnings[1].contains("starting from the beginning"), "{:?}", notes.warnings);
    let straight = tempfile::tempdir().unwrap();
    assert_eq!(found, pretrain_in(straight.path(), &demanding(6), u64::MAX).1);
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let config = settings(6);
    pretrain_in(work.path(), &config, 2);
    let refusal = |stage: Stage, config: &TrainConfig, change: &dyn Fn(&mut Parameters)| {
        let (decoder, mut parameters) = tiny_model();
        change(&mut parameters);
        let error =
            stage.run(&decoder, &mut parameters, config, work.path(), &|| false, &mut Notes::default()).unwrap_err();
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
        error.to_string()
    };
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(counting_documents(40, 2))),
        held_out: None,
        end_of_text: 0,
        mask_documents: true,
    };
    let other_data = refusal(Stage::pretrain(&text, &config).unwrap(), &config, &|_| {});
    assert!(other_data.contains("from other training data") && other_data.contains("hint: remove"), "{other_data}");

    let other_config = TrainConfig { learning_rate: 0.02, ..config.clone() };
    let message = refusal(pretraining(&other_config), &other_config, &|_| {});
    assert!(message.contains("with learning_rate = 0.01 (now 0.02)"), "{message}");

    let message = refusal(pretraining(&config), &config, &|parameters| {
        let id = parameters.iter().next().unwrap().0;
        parameters.values_mut(id)[0] += 1.0;
    });
    assert!(message.contains("from other starting weights"), "{message}");

    // How often is logged and saved may change.
    let (decoder, mut parameters) = tiny_model();
    let other = TrainConfig { log_every: 3, checkpoint_every: 2, eval_every: 0, ..config };
    let outcome =
        pretraining(&other).run(&decoder, &mut parameters, &other, work.path(), &|| false, &mut Notes::default());
    assert!(matches!(outcome, Ok(Outcome::Finished(_))));
}
