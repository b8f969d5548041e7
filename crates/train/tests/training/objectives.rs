//! Losses through the model: DPO's hand-written gradient is right, DPO and tuning learn.

use tensor::{Gradients, Tape};
use train::{
    Counts, DataSet, Dpo, DpoConfig, NextToken, Objective, PackedConversations, PreferencePair, PreferencePairs,
    TargetSequence, TrainBatch,
};

use super::*;

/// Loss of batches taken as one update, and its gradient.
pub(super) fn loss_and_gradient(
    objective: &dyn Objective,
    decoder: &Decoder,
    parameters: &Parameters,
    batches: &[TrainBatch],
) -> (f64, Vec<f32>) {
    let mut counts = Counts::default();
    batches.iter().for_each(|batch| counts += batch.counts);
    let mut gradients = Gradients::zeros_like(parameters);
    let mut loss = 0.0;
    for batch in batches {
        let mut tape = Tape::new(parameters);
        let hidden = decoder.hidden(&mut tape, &batch.input(), None).unwrap();
        let scored = objective.score(&mut tape, hidden, decoder, batch, &counts).unwrap();
        loss += scored.loss;
        tape.backward(scored.output, &scored.seed, &mut gradients).unwrap();
    }
    (loss, parameters.iter().flat_map(|(id, _, _)| gradients.get(id).to_vec()).collect())
}

pub(super) fn conversations(count: usize, seed: u64) -> Vec<TargetSequence> {
    let mut rng = Rng::new(seed);
    (0..count)
        .map(|_| {
            let prompt = 1 + rng.index(5);
            let length = prompt + 1 + rng.index(6);
            let ids = (0..length).map(|_| rng.below(24) as u32).collect();
            TargetSequence { ids, is_target: (0..length).map(|at| at >= prompt).collect() }
        })
        .collect()
}

#[test]
fn smoothing_and_z_loss_are_minimised_but_not_in_the_loss() {
    let (decoder, parameters) = tiny_model();
    let data = PackedConversations::new(conversations(9, 4), 24, "tune").unwrap();
    let batch = data.rows(&(0..data.row_count()).collect::<Vec<_>>()).unwrap();
    let score = |objective: NextToken| {
        let mut tape = Tape::forward_only(&parameters);
        let hidden = decoder.hidden(&mut tape, &batch.input(), None).unwrap();
        let scored = objective.score(&mut tape, hidden, &decoder, &batch, &batch.counts).unwrap();
        (scored.loss, f64::from(tape.value(scored.output).to_f32_vec()[0]), scored.measures)
    };
    let (plain, minimised, measures) = score(NextToken::default());
    assert!((plain - minimised).abs() < 1e-6 && measures.is_empty());
    let (loss, minimised, measures) = score(NextToken { label_smoothing: 0.1, z_loss: 0.01 });
    assert_eq!(loss, plain);
    let [("total_loss", total), ("z_loss", z_loss)] = measures[..] else { panic!("{measures:?}") };
    assert!((total - minimised).abs() < 1e-6 && z_loss > 0.0 && total != plain + z_loss, "{total} {z_loss} {plain}");
}

fn preference_pairs(count: usize, seed: u64) -> Vec<PreferencePair> {
    let mut rng = Rng::new(seed);
    let mut draw =
        |from: u64, to: u64, length: usize| (0..length).map(|_| (from + rng.below(to - from)) as u32).collect();
    // What is preferred is made of low ids, the other answer of high ones.
    (0..count)
        .map(|index| PreferencePair {
            prompt: draw(1, 24, 2 + index % 3),
            chosen: draw(1, 12, 1 + index % 4),
            rejected: draw(12, 24, 1 + (index + 1) % 4),
        })
        .collect()
}

/// Finite differences of the whole loss (both the sigmoid and the likelihood term) on the steepest coordinates.
#[test]
fn the_gradient_of_dpo_is_the_derivative_of_its_loss() {
    let (decoder, start) = tiny_model();
    let config = DpoConfig { beta: 0.5, label_smoothing: 0.1, sft_weight: 0.3 };
    let objective = Dpo { config };
    let set = PreferencePairs::new(&preference_pairs(4, 1), 16, 2, "align", &decoder, &start, &mut |_, _| {}).unwrap();
    // Away from the reference, so that h is not 0.
    let mut parameters = decoder.init(8);
    let batches = [set.rows(&[0, 1, 2]).unwrap(), set.rows(&[3]).unwrap()];
    let (_, gradient) = loss_and_gradient(&objective, &decoder, &parameters, &batches);
    let ids: Vec<_> = parameters.iter().map(|(id, _, tensor)| (id, tensor.len())).collect();
    let mut offset = 0;
    for (id, length) in ids {
        let local = &gradient[offset..offset + length];
        let steepest = (0..length).max_by(|&a, &b| local[a].abs().total_cmp(&local[b].abs())).unwrap();
        let value = parameters.get(id).to_f32_vec()[steepest];
        let mut at = |shift: f32| {
            parameters.values_mut(id)[steepest] = value + shift;
            loss_and_gradient(&objective, &decoder, &parameters, &batches).0
        };
        let numeric = (at(2e-3) - at(-2e-3)) / 4e-3;
        at(0.0);
        let analytic = f64::from(local[steepest]);
        assert!((analytic - numeric).abs() < 2e-2 * analytic.abs() + 1e-4, "{analytic} and {numeric}");
        offset += length;
    }
}

#[test]
fn dpo_starts_at_ln_2_and_learns_the_preference() {
    let (decoder, mut parameters) = tiny_model();
    let (pairs, held_out) = (preference_pairs(24, 1), preference_pairs(12, 2));
    let config = TrainConfig { sequence_length: 16, eval_every: 10, weight_decay: 0.0, ..settings(20) };
    let work = tempfile::tempdir().unwrap();
    let mut notes = Notes::default();
    let (stage, report) =
        Stage::align(&pairs, &held_out, DpoConfig::default(), &config, &decoder, &parameters, &mut |_, _| {}).unwrap();
    assert_eq!((report.given, report.used), (24, 24));
    stage.run(&decoder, &mut parameters, &config, work.path(), &|| false, &mut notes).unwrap();
    let measure = |evaluation: &Evaluation, name: &str| {
        evaluation.measures.iter().find(|(found, _)| *found == name).map(|(_, value)| *value).unwrap()
    };
    let (before, after) = (&notes.evaluations[0].1, &notes.evaluations.last().unwrap().1);
    assert!((before.loss - std::f64::consts::LN_2).abs() < 1e-5, "{before:?}");
    assert!(measure(before, "reward_margin").abs() < 1e-5, "{before:?}");
    assert!(after.loss < 0.6 && measure(after, "reward_margin") > 0.2, "{after:?}");
    assert!(measure(after, "reward_accuracy") > 0.9, "{after:?}");
}

#[test]
fn tuning_learns_the_answers_and_resumes_with_the_same_bits() {
    // The answer to n is n + 1, whatever noise stands before it in the prompt.
    let make = |count: usize, seed: u64| -> Vec<TargetSequence> {
        let mut rng = Rng::new(seed);
        (0..count)
            .map(|_| {
                let n = 2 + rng.below(20) as u32;
                let ids = vec![1, rng.below(24) as u32, n, n + 1, 0];
                TargetSequence { ids, is_target: vec![false, false, false, true, true] }
            })
            .collect()
    };
    let config = TrainConfig { eval_every: 50, sequence_length: 16, learning_rate: 2e-2, ..settings(200) };
    let train = |work: &Path, interrupt: u64| {
        let (decoder, mut parameters) = tiny_model();
        let (stage, report) = Stage::tune(make(400, 1), make(40, 2), &config).unwrap();
        assert_eq!((report.packed, report.target_tokens), (400, 800));
        let mut notes = Notes::default();
        stage.run(&decoder, &mut parameters, &config, work, &after(interrupt), &mut notes).unwrap();
        (bytes_of(&parameters), notes)
    };
    let straight = tempfile::tempdir().unwrap();
    let (expected, notes) = train(straight.path(), u64::MAX);
    let last = &notes.evaluations.last().unwrap().1;
    assert!(last.loss < 0.2, "{last:?}");
    let work = tempfile::tempdir().unwrap();
    train(work.path(), 70);
    assert_eq!(train(work.path(), u64::MAX).0, expected);
}
