//! Mixtures of experts in the one loop: the router's losses beside the objective, and what must not change a result.

use nn::{ExpertsConfig, Network as _};
use tensor::{Gradients, Tape};
use train::{Checkpointing, DataSet, Dpo, DpoConfig, PackedConversations, PreferencePair, PreferencePairs};

use super::objectives::conversations;
use super::*;

fn mixture(balance_loss: f64, z_loss: f64) -> (Decoder, Parameters) {
    let (dense, _) = tiny_model();
    let experts = ExpertsConfig { n_experts: 4, n_chosen: 2, balance_loss, z_loss };
    let decoder = Decoder::new(DecoderConfig { experts: Some(experts), ..dense.config().clone() }).unwrap();
    let parameters = decoder.init(3);
    (decoder, parameters)
}

#[test]
fn a_mixture_learns_and_its_load_evens_out() {
    let config = TrainConfig { batch_size: 8, ..settings(80) };
    let balance = |weight: f64| {
        let (decoder, mut parameters) = mixture(weight, 0.001);
        // A router that begins with a liking for the first two.
        let router = parameters.id("model.layers.0.block_sparse_moe.gate.weight").unwrap();
        parameters.values_mut(router)[..32].iter_mut().for_each(|value| *value *= 30.0);
        let work = tempfile::tempdir().unwrap();
        let mut notes = Notes::default();
        let stage = pretraining(&config);
        let outcome = stage.run(&decoder, &mut parameters, &config, work.path(), &after(u64::MAX), &mut notes).unwrap();
        let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
        assert!(summary.loss.unwrap() < 0.9, "{:?}", summary.loss);
        let measures = |at: usize, name: &str| {
            let measures = &notes.evaluations[at].1.measures;
            measures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        let last = notes.evaluations.len() - 1;
        if weight > 0.0 {
            let (loss, total) = (notes.evaluations[last].1.loss, measures(last, "total_loss").unwrap());
            let [even, z] = ["balance_loss", "router_z_loss"].map(|name| measures(last, name).unwrap());
            assert!((total - (loss + weight * even + 0.001 * z)).abs() < 1e-9, "{total}");
            assert!(even < measures(0, "balance_loss").unwrap());
            assert!((1.8..2.2).contains(&even), "{even} of 2, which is even");
        } else {
            assert_eq!(measures(last, "balance_loss"), None);
        }
    };
    balance(0.05);
    balance(0.0);
}

#[test]
fn checkpointing_and_stops_change_no_bit_of_a_mixture() {
    let end = |checkpointing: Checkpointing, stop: Option<u64>| {
        let config = TrainConfig { activation_checkpointing: checkpointing, dropout: 0.1, ..settings(9) };
        let work = tempfile::tempdir().unwrap();
        let run = |steps| {
            let (decoder, mut parameters) = mixture(0.02, 0.01);
            let mut notes = Notes::default();
            pretraining(&config)
                .run(&decoder, &mut parameters, &config, work.path(), &after(steps), &mut notes)
                .unwrap();
            bytes_of(&parameters)
        };
        stop.into_iter().for_each(|steps| drop(run(steps)));
        run(u64::MAX)
    };
    let straight = end(Checkpointing::None, None);
    assert!(end(Checkpointing::Block, None) == straight);
    assert!(end(Checkpointing::None, Some(4)) == straight);
}

/// Padding has no part in the load: two rows, one of them half empty, against the same text with other tokens in the padding.
#[test]
fn padding_does_not_count_in_the_load() {
    let (decoder, parameters) = mixture(1.0, 1.0);
    let data = PackedConversations::new(conversations(3, 4), 24, "tune").unwrap();
    let rows: Vec<u64> = (0..data.row_count()).collect();
    let mut batch = data.rows(&rows).unwrap();
    assert!(batch.is_padding.iter().any(|&is_padding| is_padding));
    let mut found = Vec::new();
    for filler in [0, 9] {
        let filled = batch.ids.iter_mut().zip(&batch.is_padding).filter(|(_, is_padding)| **is_padding);
        filled.for_each(|(id, _)| *id = filler);
        let mut tape = Tape::forward_only(&parameters);
        let pass = decoder.pass(&mut tape, &batch.input(), &[], None).unwrap();
        found.push(pass.losses.iter().map(|loss| tape.value(loss.value).to_f32_vec()[0]).collect::<Vec<_>>());
    }
    assert_eq!(found[0], found[1]);
    batch.is_padding.clear();
    let mut tape = Tape::forward_only(&parameters);
    let pass = decoder.pass(&mut tape, &batch.input(), &[], None).unwrap();
    assert_ne!(tape.value(pass.losses[0].value).to_f32_vec()[0], found[0][0]);
}

/// DPO hands the tape several numbers with a slope each; with the router's losses beside them the gradient is the sum of both.
#[test]
fn the_losses_stand_beside_any_objective() {
    let pair = |start: u32| PreferencePair {
        prompt: vec![start, start + 1],
        chosen: vec![start + 2, start + 3],
        rejected: vec![start + 5, start + 1, 2],
    };
    let pairs: Vec<PreferencePair> = (1..9).map(pair).collect();
    let config = TrainConfig { eval_every: 0, ..settings(6) };
    let train = |balance_loss: f64| {
        let (decoder, mut parameters) = mixture(balance_loss, 0.0);
        let (stage, _) =
            Stage::align(&pairs, &[], DpoConfig::default(), &config, &decoder, &parameters, &mut |_, _| {}).unwrap();
        let work = tempfile::tempdir().unwrap();
        let mut notes = Notes::default();
        stage.run(&decoder, &mut parameters, &config, work.path(), &after(u64::MAX), &mut notes).unwrap();
        (notes.losses, values_of(&parameters))
    };
    let (plain, weights) = train(0.0);
    let (balanced, balanced_weights) = train(0.05);
    assert_eq!(plain[0], balanced[0], "what is reported is the objective's own loss");
    assert!(balanced[5] < balanced[0] && weights != balanced_weights);

    // The gradient of the sum, by hand: that of the objective, and of the loss with its weight.
    let (decoder, parameters) = mixture(0.05, 0.0);
    let data = PreferencePairs::new(&pairs, 24, 4, "align", &decoder, &parameters, &mut |_, _| {}).unwrap();
    let batch = data.rows(&[0, 1, 2, 3]).unwrap();
    let gradient = |weight: f32, with_objective: bool| {
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let pass = decoder.pass(&mut tape, &batch.input(), &[], None).unwrap();
        if with_objective {
            let objective = Dpo { config: DpoConfig::default() };
            let scored = train::Objective::score(&objective, &mut tape, pass.hidden, &decoder, &batch, &batch.counts);
            let scored = scored.unwrap();
            tape.backward(scored.output, &scored.seed, &mut gradients).unwrap();
        }
        if weight > 0.0 {
            tape.backward(pass.losses[0].value, &[weight], &mut gradients).unwrap();
        }
        gradients.norm()
    };
    let once = TrainConfig { steps: 1, batch_size: 4, warmup_steps: 0, ..config.clone() };
    let (stage, _) =
        Stage::align(&pairs[..4], &[], DpoConfig::default(), &once, &decoder, &parameters, &mut |_, _| {}).unwrap();
    let mut norm = 0.0;
    stage.rehearse(&decoder, &mut parameters.clone(), &once, &mut |update| norm = update.grad_norm).unwrap();
    let expected = gradient(0.05, true);
    assert!((norm - expected).abs() < 1e-6 * expected, "{norm} for {expected}");
    assert!((expected - gradient(0.0, true)).abs() > 1e-4 * expected && gradient(0.05, false) > 0.0);
}
