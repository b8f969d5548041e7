//! Pre-training of an encoder: the one loop, with tokens masked.

use nn::{Encoder, EncoderConfig, Network};
use tensor::{Gradients, Tape};
use train::{DataSet, MaskedToken, MaskedTokens, Masking, NextToken, Objective, Scored, StreamShape, TokenStream};

use super::*;

/// The last token of the vocabulary stands for what is hidden.
const MASKING: Masking = Masking { mask_token: 24, vocabulary_size: 25, share: 0.15, patterns: 5 };

fn tiny_encoder() -> (Encoder, Parameters) {
    let config = EncoderConfig {
        vocab_size: 25,
        hidden_size: 32,
        n_layers: 2,
        n_heads: 2,
        intermediate_size: 32,
        max_position_embeddings: 32,
        init_std: 0.1,
        ..EncoderConfig::default()
    };
    let encoder = Encoder::new(config).unwrap();
    let parameters = encoder.init(3);
    (encoder, parameters)
}

fn masked_pretraining(config: &TrainConfig) -> Stage {
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(counting_documents(40, 1))),
        held_out: Some((Arc::new(MemoryTokens::new(counting_documents(6, 99))), 100)),
        end_of_text: 0,
        mask_documents: true,
    };
    Stage::pretrain_masked(&text, &MASKING, config).unwrap()
}

#[test]
fn an_encoder_learns_to_fill_in_what_is_masked() {
    let config = TrainConfig { batch_size: 16, learning_rate: 3e-3, eval_every: 1200, ..settings(1200) };
    let (encoder, mut parameters) = tiny_encoder();
    let folder = tempfile::tempdir().unwrap();
    let mut notes = Notes::default();
    let stage = masked_pretraining(&config);
    let outcome = stage.run(&encoder, &mut parameters, &config, folder.path(), &|| false, &mut notes).unwrap();
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
    // In a row that counts upwards a neighbour tells the token; without looking at one there are 23 to choose from.
    let (before, after) = (notes.evaluations[0].1.loss, summary.eval_loss.unwrap());
    assert!(before > 2.5 && after < 0.6 * 23f64.ln(), "{before} to {after}");
    assert_eq!(summary.eval_bits_per_byte, None, "no likelihood of the text was measured");
}

#[test]
fn an_encoder_that_was_stopped_ends_with_the_same_bits() {
    let config = settings(12);
    let values = |parameters: &Parameters| -> Vec<f32> {
        parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).collect()
    };
    let (encoder, mut straight) = tiny_encoder();
    let folder = tempfile::tempdir().unwrap();
    let stage = masked_pretraining(&config);
    stage.run(&encoder, &mut straight, &config, folder.path(), &|| false, &mut Notes::default()).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let asked = AtomicU64::new(0);
    let stop = || asked.fetch_add(1, Ordering::SeqCst) == 5;
    let (_, mut stopped) = tiny_encoder();
    let outcome = stage.run(&encoder, &mut stopped, &config, folder.path(), &stop, &mut Notes::default()).unwrap();
    assert!(matches!(outcome, Outcome::Interrupted { .. }), "{outcome:?}");
    let (_, mut resumed) = tiny_encoder();
    stage.run(&encoder, &mut resumed, &config, folder.path(), &|| false, &mut Notes::default()).unwrap();
    assert_eq!(values(&straight), values(&resumed));
}

/// The head at the masked rows alone gives what the head at every row gives, with the others at weight 0.
#[test]
fn only_masked_rows_count() {
    let (encoder, parameters) = tiny_encoder();
    let shape = StreamShape {
        what: "the corpus",
        end_of_text: 0,
        sequence_length: 12,
        mask_documents: false,
        batch_size: 4,
        section: "pretrain",
    };
    let stream = TokenStream::new(Arc::new(MemoryTokens::new(counting_documents(40, 1))), &shape).unwrap();
    let rows = MaskedTokens::new(stream, 0, MASKING, 7).rows(&[0, 3, 5]).unwrap();
    let score = |objective: &dyn Objective| {
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let hidden = encoder.hidden(&mut tape, &rows.input(), None).unwrap();
        let Scored { loss, output, seed, .. } =
            objective.score(&mut tape, hidden, &encoder, &rows, &rows.counts).unwrap();
        tape.backward(output, &seed, &mut gradients).unwrap();
        (loss, parameters.iter().flat_map(|(id, _, _)| gradients.get(id).to_vec()).collect::<Vec<f32>>())
    };
    let (gathered, whole) = (score(&MaskedToken::default()), score(&NextToken::default()));
    assert!((gathered.0 - whole.0).abs() < 1e-6, "{} {}", gathered.0, whole.0);
    let largest = whole.1.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    assert!(gathered.1.iter().zip(&whole.1).all(|(a, b)| (a - b).abs() <= 1e-5 * largest));
}
