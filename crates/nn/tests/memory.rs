//! The estimate of a step's memory beside what the engine's pool held. Alone in its binary, because the pool is one for the
//! whole process.
#![allow(missing_docs, clippy::unwrap_used)]

use nn::{
    Batch, Decoder, DecoderConfig, Encoder, EncoderConfig, EncoderDecoder, EncoderDecoderConfig, ExpertsConfig,
    MlpKind, Network, RecurrentConfig, RecurrentModel, Source, StepShape,
};
use tensor::{Cell, DType, Gradients, Tape};

/// Bytes of values, slopes and gradients that a step held at its peak.
fn measured(network: &dyn Network, reads_source: bool, step: &StepShape, dtype: DType) -> u64 {
    let mut parameters = network.init(3);
    parameters.set_compute_dtype(dtype);
    let vocabulary = parameters.get(network.head().weight).shape()[0];
    let row = |row: usize| (0..step.time).map(move |t| ((row * 31 + t * 7) % vocabulary) as u32).collect::<Vec<u32>>();
    let rows = (0..step.batch).map(row).collect::<Vec<_>>();
    let mut batch = Batch::causal(&rows).unwrap();
    if reads_source {
        batch = batch.with_source(Source::new(&rows, 0).unwrap());
    }
    let weights = vec![1.0 / batch.ids.len() as f32; batch.ids.len()];
    let mut gradients = Gradients::none_like(&parameters);
    let before = tensor::memory_usage().in_use;
    tensor::reset_memory_peak();
    for _ in 0..if step.accumulates { 2 } else { 1 } {
        let mut tape = Tape::new(&parameters);
        tape.set_checkpointing(step.checkpoints);
        let pass = network.pass(&mut tape, &batch, &[], None).unwrap();
        let rows = network.before_head(&mut tape, pass.hidden).unwrap();
        let mut loss = tape.linear_cross_entropy(rows, network.head(), &batch.ids, &weights).unwrap();
        tape.release(rows);
        for side in pass.losses {
            loss = tape.add(loss, side.value).unwrap();
        }
        tape.finish(loss, &[1.0], &mut gradients).unwrap();
    }
    tensor::memory_usage().peak - before
}

fn networks() -> Vec<(&'static str, Box<dyn Network>)> {
    let llama = DecoderConfig {
        vocab_size: 900,
        hidden_size: 96,
        n_layers: 4,
        n_heads: 4,
        n_kv_heads: 2,
        intermediate_size: 256,
        max_position_embeddings: 128,
        ..DecoderConfig::default()
    };
    let gpt2 = DecoderConfig { max_position_embeddings: 128, ..DecoderConfig::gpt2(900, 96, 4, 4) };
    let wide = DecoderConfig { max_position_embeddings: 128, ..DecoderConfig::gpt2(20_000, 64, 2, 2) };
    let deep = DecoderConfig { max_position_embeddings: 128, ..DecoderConfig::gpt2(100, 64, 12, 2) };
    let recurrent = |cell| RecurrentConfig {
        vocab_size: 900,
        embedding_size: 128,
        hidden_size: 160,
        cell,
        ..RecurrentConfig::default()
    };
    let mixture = DecoderConfig { experts: Some(ExpertsConfig::default()), ..llama.clone() };
    let few = ExpertsConfig { n_experts: 3, n_chosen: 1, ..ExpertsConfig::default() };
    let few = DecoderConfig { experts: Some(few), ..llama.clone() };
    let mut networks: Vec<(&'static str, Box<dyn Network>)> = Vec::new();
    let decoders = [
        ("llama", llama),
        ("gpt2", gpt2),
        ("large vocabulary", wide),
        ("deep", deep),
        ("8 experts", mixture),
        ("3 experts", few),
    ];
    for (name, config) in decoders {
        networks.push((name, Box::new(Decoder::new(config).unwrap())));
    }
    let t5 = EncoderDecoderConfig {
        vocab_size: 900,
        hidden_size: 96,
        head_dim: 24,
        n_heads: 4,
        intermediate_size: 384,
        ..EncoderDecoderConfig::default()
    };
    let second =
        EncoderDecoderConfig { mlp: MlpKind::GeGlu, tie_word_embeddings: false, scale_output: false, ..t5.clone() };
    for (name, config) in [("t5", t5), ("t5 1.1", second)] {
        networks.push((name, Box::new(EncoderDecoder::new(config).unwrap())));
    }
    let bert = EncoderConfig {
        vocab_size: 900,
        hidden_size: 96,
        n_layers: 4,
        n_heads: 4,
        intermediate_size: 384,
        max_position_embeddings: 128,
        ..EncoderConfig::default()
    };
    networks.push(("bert", Box::new(Encoder::new(bert).unwrap())));
    for (name, cell) in [("rnn", Cell::Rnn), ("lstm", Cell::Lstm), ("gru", Cell::Gru)] {
        networks.push((name, Box::new(RecurrentModel::new(recurrent(cell)).unwrap())));
    }
    networks
}

#[test]
fn the_estimate_of_a_step_is_what_it_holds() {
    tensor::set_threads(2).unwrap();
    let mut wrong = Vec::new();
    for (name, network) in networks() {
        for (batch, time) in [(8, 128), (32, 64)] {
            for (accumulates, checkpoints) in [(false, false), (false, true), (true, false), (true, true)] {
                for dtype in [DType::F32, DType::Bf16] {
                    let step = StepShape { batch, time, accumulates, checkpoints, optimiser_values: 0 };
                    let expected = network.training_memory(&step).step as f64;
                    let found = measured(&*network, name.starts_with("t5"), &step, dtype) as f64;
                    let off = expected / found - 1.0;
                    if off.abs() > 0.1 {
                        wrong.push(format!(
                            "{name}, {batch} x {time}, accumulates {accumulates}, checkpoints {checkpoints}, {dtype:?}: \
                             {expected:.0} for {found:.0} bytes ({:+.1} %)",
                            100.0 * off
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
