//! Another end for a run: more steps or a cooldown, appended to what was done, with the bits of a run planned that way.

use std::fs;

use train::{CooldownShape, ScheduleKind};

use super::*;

fn constant(steps: u64) -> TrainConfig {
    TrainConfig {
        schedule: ScheduleKind::Constant,
        dropout: 0.1,
        warmup_ratio: 0.25,
        warmup_steps: 0,
        ..settings(steps)
    }
}

#[test]
fn an_appended_cooldown_equals_a_planned_one() {
    for schedule in [ScheduleKind::Constant, ScheduleKind::InverseSqrt] {
        for cooldown_shape in [CooldownShape::Linear, CooldownShape::Sqrt] {
            let first = TrainConfig { schedule, ..constant(8) };
            let planned = TrainConfig { steps: 12, cooldown_steps: 4, cooldown_shape, ..first.clone() };
            let straight = tempfile::tempdir().unwrap();
            let (_, expected, _) = pretrain_in(straight.path(), &planned, u64::MAX);
            let work = tempfile::tempdir().unwrap();
            let (outcome, before, _) = pretrain_in(work.path(), &first, u64::MAX);
            assert!(matches!(outcome, Outcome::Finished(_)));
            let (_, found, notes) = pretrain_in(work.path(), &planned, u64::MAX);
            assert_eq!(notes.started, [(8, 12)]);
            assert!(found == expected, "{schedule:?} {cooldown_shape:?}");
            assert_ne!(found, before);
            // It went down: the last update was taken at a quarter of the rate above the minimum, or less.
            assert!(first.schedule().factor(7) > planned.schedule().factor(11));
        }
    }
}

/// A run with a decay of its own keeps the state where that begins, and another end can be tried from there.
#[test]
fn the_state_before_a_decay_stays() {
    let wsd = TrainConfig {
        schedule: ScheduleKind::Wsd,
        decay_share: 0.25,
        warmup_steps: 2,
        checkpoint_every: 1,
        keep_checkpoints: 1,
        ..settings(16)
    };
    let work = tempfile::tempdir().unwrap();
    pretrain_in(work.path(), &wsd, u64::MAX);
    let kept = work.path().join("checkpoint-000012");
    assert!(kept.is_dir());

    let longer = TrainConfig { steps: 20, cooldown_steps: 8, ..wsd };
    let straight = tempfile::tempdir().unwrap();
    let (_, expected, _) = pretrain_in(straight.path(), &longer, u64::MAX);
    let other = tempfile::tempdir().unwrap();
    fs::rename(&kept, other.path().join("checkpoint-000012")).unwrap();
    let (_, found, notes) = pretrain_in(other.path(), &longer, u64::MAX);
    assert_eq!(notes.started, [(12, 20)]);
    assert!(found == expected);
}

#[test]
fn a_run_can_be_made_longer_as_long_as_its_rates_stay() {
    let work = tempfile::tempdir().unwrap();
    let first = TrainConfig { warmup_steps: 2, ..constant(6) };
    pretrain_in(work.path(), &first, u64::MAX);
    let longer = TrainConfig { steps: 9, ..first.clone() };
    let straight = tempfile::tempdir().unwrap();
    let (_, expected, _) = pretrain_in(straight.path(), &longer, u64::MAX);
    let (_, found, _) = pretrain_in(work.path(), &longer, u64::MAX);
    assert!(found == expected);

    let refusal = |config: &TrainConfig, now: &TrainConfig| {
        let work = tempfile::tempdir().unwrap();
        pretrain_in(work.path(), config, u64::MAX);
        let (decoder, mut parameters) = tiny_model();
        let stage = pretraining(now);
        let run = stage.run(&decoder, &mut parameters, now, work.path(), &|| false, &mut Notes::default());
        run.expect_err("other rates").to_string()
    };
    // A cosine looks at its end from the start.
    let cosine = TrainConfig { schedule: ScheduleKind::Cosine, ..first.clone() };
    let message = refusal(&cosine, &TrainConfig { steps: 9, ..cosine.clone() });
    assert!(message.contains("steps = 6 (now 9)"), "{message}");
    // A warm-up of another length, a shorter run, a cooldown that should have begun.
    assert!(refusal(&first, &TrainConfig { warmup_steps: 3, steps: 9, ..first.clone() }).contains("warmup_steps = 2"));
    assert!(refusal(&first, &TrainConfig { steps: 5, ..first.clone() }).contains("steps = 6 (now 5)"));
    let late = TrainConfig { steps: 8, cooldown_steps: 4, ..first.clone() };
    assert!(refusal(&first, &late).contains("cooldown_steps = 0 (now 4)"));
    // Other settings are no matter of rates.
    let other = TrainConfig { steps: 9, weight_decay: 0.2, ..first.clone() };
    assert!(refusal(&first, &other).contains("weight_decay = 0.1 (now 0.2)"));
}
