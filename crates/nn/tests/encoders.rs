//! Properties of the encoder and the encoder-decoder that need no reference program: padding changes nothing, attention
//! goes where it should, and what does not fit is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/tiny.rs"]
mod tiny;

use std::sync::Arc;

use nn::{Batch, EncoderConfig, EncoderDecoderConfig, Network, NnError, Source, StepShape};
use tensor::{Gradients, Mask, Parameters, Tape};
use tiny::Shape;

fn model(name: &str) -> (Shape, Box<dyn Network>, Parameters) {
    let (_, case) = tiny::all_cases().into_iter().find(|(known, _)| *known == name).unwrap();
    let (network, parameters) = case.shape.build(case.seed).unwrap();
    (case.shape, network, parameters)
}

fn hidden(network: &dyn Network, parameters: &Parameters, batch: &Batch) -> Vec<f32> {
    let mut tape = Tape::forward_only(parameters);
    let hidden = network.hidden(&mut tape, batch, None).unwrap();
    tape.value(hidden).to_f32_vec()
}

fn refused(network: &dyn Network, parameters: &Parameters, batch: &Batch) -> NnError {
    let mut tape = Tape::forward_only(parameters);
    network.hidden(&mut tape, batch, None).unwrap_err()
}

fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} {b}");
    }
}

const ROWS: [&[u32]; 3] = [&[5, 6, 7, 8, 9, 10, 11], &[12, 13, 14], &[15, 16, 17, 18, 19]];

#[test]
fn an_encoder_reads_padded_rows_as_it_reads_them_alone() {
    let (_, network, parameters) = model("bert");
    let width = 32;
    let together = hidden(&*network, &parameters, &Batch::padded(&ROWS, 2).unwrap());
    let packed = [ROWS[0], ROWS[1], ROWS[2]].concat();
    let document_of: Vec<u32> = (0..).zip(ROWS).flat_map(|(index, row)| vec![index; row.len()]).collect();
    let mut in_one_row = Batch::full(&[packed]).unwrap();
    in_one_row.mask = Mask::PackedFull { document_of: Arc::from(document_of) };
    in_one_row.positions = ROWS.iter().flat_map(|row| 0..row.len() as u32).collect();
    let in_one_row = hidden(&*network, &parameters, &in_one_row);
    let mut at = 0;
    for (index, row) in ROWS.iter().enumerate() {
        let alone = hidden(&*network, &parameters, &Batch::full(&[row]).unwrap());
        let (start, len) = (index * 7 * width, row.len() * width);
        assert_close(&together[start..start + len], &alone);
        assert_close(&in_one_row[at..at + len], &alone);
        at += len;
    }
}

#[test]
fn an_encoder_decoder_reads_padded_sources_as_it_reads_them_alone() {
    for name in ["t5", "t5-v1.1"] {
        let (_, network, parameters) = model(name);
        let targets = [[0, 21, 22], [0, 23, 24], [0, 25, 26]];
        let batch = Batch::causal(&targets).unwrap().with_source(Source::new(&ROWS, 0).unwrap());
        let together = hidden(&*network, &parameters, &batch);
        for (index, (source, target)) in ROWS.iter().zip(targets).enumerate() {
            let batch = Batch::causal(&[target]).unwrap().with_source(Source::new(&[source], 0).unwrap());
            assert_close(&together[index * 3 * 32..][..3 * 32], &hidden(&*network, &parameters, &batch));
        }
    }
}

#[test]
fn attention_goes_where_it_should() {
    let (_, encoder, parameters) = model("bert");
    let read = |row: [u32; 4]| hidden(&*encoder, &parameters, &Batch::full(&[row]).unwrap());
    // The last token reaches the first.
    assert_ne!(read([5, 6, 7, 8])[..32], read([5, 6, 7, 9])[..32]);
    let segments = Batch::full(&[[5, 6, 7, 8]]).unwrap().with_token_types(vec![0, 0, 1, 1]);
    assert_ne!(hidden(&*encoder, &parameters, &segments), read([5, 6, 7, 8]));

    let (_, network, parameters) = model("t5");
    let read = |source: [u32; 4], target: [u32; 3]| {
        let source = Source::new(&[source], 0).unwrap();
        hidden(&*network, &parameters, &Batch::causal(&[target]).unwrap().with_source(source))
    };
    let before = read([5, 6, 7, 8], [0, 9, 10]);
    // In the decoder later tokens do not reach back; every token of the source reaches every token of the target.
    assert_eq!(before[..64], read([5, 6, 7, 8], [0, 9, 11])[..64]);
    assert_ne!(before[64..], read([5, 6, 7, 8], [0, 9, 11])[64..]);
    assert_ne!(before[..32], read([5, 6, 7, 9], [0, 9, 10])[..32]);
    // Distance counts in the encoder: the same tokens in another order are another source.
    assert_ne!(before, read([6, 5, 7, 8], [0, 9, 10]));
}

#[test]
fn dropout_follows_its_seed() {
    for (_, case) in tiny::all_cases() {
        let (network, parameters) = case.shape.build(case.seed).unwrap();
        let batch = case.rows[0].batch(&case.shape);
        let run = |dropout| {
            let mut tape = Tape::forward_only(&parameters);
            let hidden = network.hidden(&mut tape, &batch, dropout).unwrap();
            tape.value(hidden).to_f32_vec()
        };
        assert_eq!(run(None), run(Some((0.0, 1))));
        assert_eq!(run(Some((0.3, 1))), run(Some((0.3, 1))));
        assert_ne!(run(Some((0.3, 1))), run(Some((0.3, 2))));
        assert_ne!(run(None), run(Some((0.3, 1))));
    }
}

#[test]
fn batches_that_do_not_fit_an_encoder_are_refused() {
    let (_, network, parameters) = model("bert");
    let refuse = |batch: &Batch| refused(&*network, &parameters, batch).to_string();
    let row = || Batch::full(&[[5, 6, 7]]).unwrap();
    assert_eq!(refuse(&Batch::full(&[[5, 97]]).unwrap()), "token id 97 at position 1 is outside the vocabulary of 97");
    let long = refused(&*network, &parameters, &Batch::full(&[[1; 17]]).unwrap());
    assert!(matches!(long, NnError::TooLong { position: 16, limit: 16 }), "{long}");
    let segments = |list: &[u32]| refuse(&row().with_token_types(list.to_vec()));
    assert_eq!(segments(&[0, 1, 2]), "batch: segment 2 at position 2, but an encoder knows 2");
    assert_eq!(segments(&[0]), "batch: segments for 1 tokens, but 3 tokens");
    let source = Source::new(&[[1, 2]], 0).unwrap();
    assert_eq!(refuse(&row().with_source(source)), "batch: an encoder was given rows for an encoder");
    let mut crooked = row();
    crooked.time = 2;
    assert_eq!(refuse(&crooked), "batch: 1 rows of 2 tokens, but 3 ids and 3 positions");
    crooked = row();
    crooked.mask = Mask::PackedFull { document_of: Arc::from([0, 1]) };
    assert_eq!(refuse(&crooked), "attention: 2 document numbers, expected 3 (in layers.0.attention)");
    let nothing: [&[u32]; 0] = [];
    assert_eq!(Batch::padded(&nothing, 0).unwrap_err().to_string(), "batch: there are no rows in it");
    assert_eq!(Batch::padded(&[&[1][..], &[]], 0).unwrap_err().to_string(), "batch: row 1 has no tokens");
    assert!(Batch::full(&nothing).is_err());
}

#[test]
fn batches_that_do_not_fit_an_encoder_decoder_are_refused() {
    let (_, network, parameters) = model("t5");
    let refuse = |batch: &Batch| refused(&*network, &parameters, batch).to_string();
    let row = || Batch::causal(&[[0, 5, 6]]).unwrap();
    let source = |rows: &[&[u32]]| Source::new(rows, 0).unwrap();
    assert_eq!(refuse(&row()), "batch: an encoder-decoder was given no rows for its encoder");
    let two = row().with_source(source(&[&[1], &[2]]));
    assert_eq!(refuse(&two), "batch: 2 rows for the encoder, 1 for the decoder");
    let unknown = row().with_source(source(&[&[1, 98]]));
    assert_eq!(refuse(&unknown), "token id 98 at position 1 is outside the vocabulary of 97");
    let mut crooked = source(&[&[1, 2]]);
    crooked.time = 3;
    assert_eq!(refuse(&row().with_source(crooked.clone())), "batch: a source of 1 rows of 3 tokens, but 2 ids");
    (crooked.time, crooked.lengths) = (2, vec![3]);
    assert!(refuse(&row().with_source(crooked)).contains("length of a row 3 is out of range"));
    assert!(Source::new::<Vec<u32>>(&[], 0).is_err());
    // Positions are not looked at: a row may be as long as memory allows.
    let long = Batch::causal(&[[7; 200]]).unwrap().with_source(source(&[&[3; 150]]));
    assert!(hidden(&*network, &parameters, &long).iter().all(|value| value.is_finite()));
}

#[test]
fn parameters_of_another_shape_are_named_with_layer_and_operation() {
    let (shape, network, _) = model("t5");
    let Shape::EncoderDecoder(config) = shape else { panic!("{shape:?}") };
    let other = Shape::EncoderDecoder(EncoderDecoderConfig { head_dim: 5, ..config });
    let (_, others) = other.build(1).unwrap();
    let batch = Batch::causal(&[[0, 5]]).unwrap().with_source(Source::new(&[[1]], 0).unwrap());
    let message = refused(&*network, &others, &batch).to_string();
    assert_eq!(message, "attention: shapes [1, 20] and [1, 24] do not fit (in encoder.0.attention)");
    let message = network.check_parameters(&others).unwrap_err().to_string();
    assert!(message.contains("SelfAttention.q.weight has shape [20, 32], the config asks for [24, 32]"), "{message}");

    let (shape, network, _) = model("bert");
    let Shape::Encoder(config) = shape else { panic!("{shape:?}") };
    let narrow = Shape::Encoder(EncoderConfig { hidden_size: 16, ..config });
    let (_, narrow) = narrow.build(1).unwrap();
    let message = refused(&*network, &narrow, &Batch::full(&[[5, 6]]).unwrap()).to_string();
    assert_eq!(message, "attention: shapes [2, 16] and [2, 32] do not fit (in layers.0.attention)");
}

#[test]
fn a_vocabulary_of_one_leaves_nothing_to_learn() {
    let config = EncoderConfig { vocab_size: 1, hidden_size: 8, n_heads: 2, n_layers: 1, ..EncoderConfig::default() };
    let (network, parameters) = Shape::Encoder(config).build(3).unwrap();
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = network.hidden(&mut tape, &Batch::full(&[[0, 0, 0]]).unwrap(), None).unwrap();
    let ready = network.before_head(&mut tape, hidden).unwrap();
    let loss = tape.linear_cross_entropy(ready, network.head(), &[0; 3], &[1.0; 3]).unwrap();
    assert!(tape.value(loss).to_f32_vec()[0].abs() < 1e-6);
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    assert!(gradients.norm() < 1e-6);
}

#[test]
fn initial_weights_have_the_stated_spread() {
    let spread = |network: &dyn Network, name: &str| {
        let parameters = network.init(5);
        let values = parameters.get(parameters.id(name).unwrap()).to_f32_vec();
        (values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    let bert = Shape::Encoder(EncoderConfig { n_layers: 1, ..EncoderConfig::default() }).network().unwrap();
    let t5 = EncoderDecoderConfig { n_layers: 1, n_decoder_layers: 1, ..EncoderDecoderConfig::default() };
    let t5 = Shape::EncoderDecoder(t5).network().unwrap();
    // As transformers has them: width 256, heads 8 × 32, inner layer 1024.
    for (network, name, expected) in [
        (&bert, "bert.embeddings.word_embeddings.weight", 0.02),
        (&bert, "bert.encoder.layer.0.output.dense.weight", 0.02),
        (&bert, "bert.embeddings.LayerNorm.weight", 1.0),
        (&t5, "shared.weight", 1.0),
        (&t5, "encoder.block.0.layer.0.SelfAttention.q.weight", (256.0 * 32.0f64).powf(-0.5)),
        (&t5, "decoder.block.0.layer.1.EncDecAttention.k.weight", 256f64.powf(-0.5)),
        (&t5, "decoder.block.0.layer.2.DenseReluDense.wo.weight", 1024f64.powf(-0.5)),
    ] {
        let found = spread(&**network, name);
        assert!((found / expected - 1.0).abs() < 0.02, "{name}: {found}, expected {expected}");
    }
}

#[test]
fn costs_grow_with_what_is_asked() {
    for name in ["bert", "t5"] {
        let (_, network, parameters) = model(name);
        assert_eq!(network.n_parameters(), parameters.elements());
        assert!(network.n_parameters_non_embedding() < network.n_parameters());
        // Six operations for every weight of a product: all but tables, gains and biases, and the head.
        let matrices: usize = network
            .registry()
            .shapes()
            .enumerate()
            .filter(|(index, (_, shape))| {
                shape.len() == 2 && network.is_block_matrix(tensor::ParamId::from_index(*index))
            })
            .map(|(_, (_, shape))| shape.iter().product::<usize>())
            .sum();
        assert_eq!(network.flops_per_token(0, 1.0), 6.0 * (matrices + 97 * 32) as f64);
        assert!(network.flops_per_token(8, 0.15) < network.flops_per_token(8, 1.0));
        assert!(network.flops_per_token(8, 1.0) < network.flops_per_token(16, 1.0));
        let step = StepShape { batch: 1, time: 16, accumulates: false, checkpoints: false, optimiser_values: 0 };
        let [small, large] = [1, 2].map(|batch| network.training_memory(&StepShape { batch, ..step }).total());
        assert!(small < large);
    }
}
