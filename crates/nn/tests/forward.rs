//! Properties of the forward pass that need no reference program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/tiny.rs"]
mod tiny;

use nn::{Batch, Decoder, DecoderConfig, Network as _, NnError, StepShape};
use tensor::{Parameters, Tape};

fn hidden(decoder: &Decoder, parameters: &Parameters, batch: &Batch, dropout: Option<(f32, u64)>) -> Vec<f32> {
    let mut tape = Tape::forward_only(parameters);
    let hidden = decoder.hidden(&mut tape, batch, dropout).unwrap();
    tape.value(hidden).to_f32_vec()
}

fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5, "{a} {b}");
    }
}

#[test]
fn packed_documents_equal_separate_ones() {
    for (_, config, seed) in tiny::cases() {
        let (decoder, parameters) = tiny::build(&config, seed).unwrap();
        let rows = tiny::ids();
        let packed = Batch::packed(&rows, &[vec![4, 5], vec![1, 6, 2]]).unwrap();
        let together = hidden(&decoder, &parameters, &packed, None);
        let documents = [&rows[0][..4], &rows[0][4..], &rows[1][..1], &rows[1][1..7], &rows[1][7..]];
        let separate: Vec<f32> = documents
            .iter()
            .flat_map(|document| hidden(&decoder, &parameters, &Batch::causal(&[document]).unwrap(), None))
            .collect();
        assert_close(&together, &separate);
    }
}

#[test]
fn later_tokens_do_not_reach_back() {
    for (_, config, seed) in tiny::cases() {
        let (decoder, parameters) = tiny::build(&config, seed).unwrap();
        let row = tiny::ids().remove(0);
        let mut changed = row.clone();
        changed[5] = (changed[5] + 1) % 97;
        let before = hidden(&decoder, &parameters, &Batch::causal(&[&row]).unwrap(), None);
        let after = hidden(&decoder, &parameters, &Batch::causal(&[&changed]).unwrap(), None);
        let cut = 5 * config.hidden_size;
        assert_eq!(before[..cut], after[..cut]);
        assert_ne!(before[cut..], after[cut..]);
    }
}

#[test]
fn dropout_follows_its_seed() {
    let (_, config, seed) = tiny::cases().remove(0);
    let (decoder, parameters) = tiny::build(&config, seed).unwrap();
    let batch = Batch::causal(&tiny::ids()).unwrap();
    let run = |dropout| hidden(&decoder, &parameters, &batch, dropout);
    assert_eq!(run(None), run(Some((0.0, 1))));
    assert_eq!(run(Some((0.3, 1))), run(Some((0.3, 1))));
    assert_ne!(run(Some((0.3, 1))), run(Some((0.3, 2))));
    assert_ne!(run(None), run(Some((0.3, 1))));
}

#[test]
fn initial_weights_have_the_stated_spread() {
    let config = DecoderConfig { n_layers: 2, ..DecoderConfig::default() };
    let decoder = Decoder::new(config).unwrap();
    let parameters = decoder.init(5);
    let spread = |name: &str| {
        let values = parameters.get(parameters.id(name).unwrap()).to_f32_vec();
        (values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    for (name, expected) in [
        ("model.embed_tokens.weight", 0.02),
        ("model.layers.1.self_attn.k_proj.weight", 0.02),
        ("model.layers.1.self_attn.o_proj.weight", 0.01),
        ("model.layers.0.mlp.down_proj.weight", 0.01),
        ("model.layers.0.input_layernorm.weight", 1.0),
    ] {
        assert!((spread(name) / expected - 1.0).abs() < 0.02, "{name}: {}", spread(name));
    }
    let first = |seed: u64| {
        let parameters = decoder.init(seed);
        parameters.get(decoder.embedding()).to_f32_vec()[..8].to_vec()
    };
    assert_eq!(first(5), first(5));
    assert_ne!(first(5), first(6));
}

#[test]
fn counts_are_those_of_the_registry() {
    for (_, config, seed) in tiny::cases() {
        let (decoder, parameters) = tiny::build(&config, seed).unwrap();
        assert_eq!(decoder.n_parameters(), parameters.elements());
        let tables: usize = decoder
            .registry()
            .shapes()
            .filter(|(name, _)| ["embed_tokens", "wte", "wpe", "lm_head"].iter().any(|table| name.contains(table)))
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(decoder.n_parameters_non_embedding(), parameters.elements() - tables);
        let decayed = parameters.iter().filter(|entry| decoder.decays(entry.0)).count();
        assert_eq!(decayed, decoder.registry().shapes().filter(|(_, shape)| shape.len() == 2).count());
    }
    // Published: GPT-2 small has 124 439 808 weights.
    let gpt2 = Decoder::new(DecoderConfig::gpt2(50_257, 768, 12, 12)).unwrap();
    assert_eq!(gpt2.n_parameters(), 124_439_808);
    // 6 N is the larger part of the operations, and attention grows with the row.
    assert!(gpt2.flops_per_token(1024, 1.0) > 6.0 * gpt2.n_parameters_non_embedding() as f64);
    assert!(gpt2.flops_per_token(1024, 1.0) > gpt2.flops_per_token(512, 1.0));
    // Two moments a weight are eight bytes, beside four of the weight; gradients come as values go.
    let n = 124_439_808;
    let step = StepShape { batch: 8, time: 1024, accumulates: false, checkpoints: false, optimiser_values: 2 * n };
    let memory = gpt2.training_memory(&step);
    assert_eq!((memory.weights, memory.optimiser), (4 * n, 8 * n));
    // Ten widths a token and block are kept, and the last one's slopes flow.
    let kept = 8 * 1024 * 12 * 10 * 768 * 4;
    assert!(memory.step > kept && memory.step < kept + 4 * n, "{memory:?}");
    let checkpointed = gpt2.training_memory(&StepShape { checkpoints: true, ..step });
    assert!(checkpointed.step < memory.step / 3);
    // What no machine has is a number still.
    let endless = StepShape { batch: usize::MAX, time: usize::MAX, ..step };
    assert_eq!(gpt2.training_memory(&endless).total(), u64::MAX);
}

#[test]
fn batches_that_do_not_fit_the_model_are_refused() {
    let (_, config, seed) = tiny::cases().remove(0);
    let (decoder, parameters) = tiny::build(&config, seed).unwrap();
    let refuse = |batch: &Batch| {
        let mut tape = Tape::forward_only(&parameters);
        decoder.hidden(&mut tape, batch, None).unwrap_err()
    };
    let unknown = refuse(&Batch::causal(&[[1, 97]]).unwrap());
    assert!(matches!(unknown, NnError::UnknownToken { id: 97, at: 1, vocabulary_size: 97 }), "{unknown}");
    let long = refuse(&Batch::causal(&[vec![1; 33]]).unwrap());
    assert!(matches!(long, NnError::TooLong { position: 32, limit: 32 }), "{long}");
    let mut crooked = Batch::causal(&[[1, 2]]).unwrap();
    crooked.time = 3;
    assert!(matches!(refuse(&crooked), NnError::Batch(_)));
}
