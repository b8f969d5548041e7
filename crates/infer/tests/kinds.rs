//! Recurrent models and encoders behind the contract, against whole passes and masks set by hand; folders of each kind.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use infer::{MaskedLanguageModel, RecurrentLanguageModel};
use lang::model::LanguageModel;
use lang::rng::Rng;
use lang::tokenizer::Tokenizer;
use nn::{
    Batch, Encoder, EncoderConfig, EncoderDecoder, EncoderDecoderConfig, Model, Network as _, RecurrentConfig,
    RecurrentModel,
};
use tensor::{Cell, Parameters, Tape};

#[path = "support/wordpiece.rs"]
mod wordpiece;

const WORDS: [&str; 12] = ["the", "cat", "dog", "sat", "ran", "on", "mat", "a", "big", "##s", "old", "red"];

fn tokenizer() -> Tokenizer {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tokenizer.json"), wordpiece::wordpiece(&WORDS)).unwrap();
    Tokenizer::load(dir.path()).unwrap()
}

fn text(len: usize, vocabulary: u64) -> Vec<u32> {
    let mut rng = Rng::new(8);
    (0..len).map(|_| rng.below(vocabulary) as u32).collect()
}

fn recurrent(cell: Cell) -> (RecurrentModel, Parameters) {
    let sizes = RecurrentConfig { vocab_size: 97, embedding_size: 24, hidden_size: 32, ..RecurrentConfig::default() };
    let network = RecurrentModel::new(RecurrentConfig { cell, ..sizes }).unwrap();
    let mut parameters = network.init(4);
    // Larger than at the start of training, so that what was read shows.
    for id in parameters.iter().map(|entry| entry.0).collect::<Vec<_>>() {
        parameters.values_mut(id).iter_mut().for_each(|value| *value *= 4.0);
    }
    (network, parameters)
}

fn encoder(positions: usize) -> (Encoder, Parameters) {
    let config = EncoderConfig {
        vocab_size: 20,
        hidden_size: 32,
        n_layers: 2,
        n_heads: 4,
        intermediate_size: 48,
        max_position_embeddings: positions,
        init_std: 0.3,
        ..EncoderConfig::default()
    };
    let network = Encoder::new(config).unwrap();
    let parameters = network.init(4);
    (network, parameters)
}

fn log_softmax(row: &[f32]) -> Vec<f32> {
    let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
    row.iter().map(|&x| (f64::from(x) - sum.ln()) as f32).collect()
}

fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-4, "{a} {b}");
    }
}

#[test]
fn a_state_says_what_the_whole_text_says() {
    // More than one pass.
    let ids = text(600, 97);
    for cell in Cell::ALL {
        let (network, parameters) = recurrent(cell);
        let mut tape = Tape::forward_only(&parameters);
        let hidden = network.hidden(&mut tape, &Batch::causal(&[&ids]).unwrap(), None).unwrap();
        let logits = tape.logits(hidden, network.head()).unwrap();
        let expected: Vec<Vec<f32>> = tape.value(logits).to_f32_vec().chunks(97).map(log_softmax).collect();
        let model = RecurrentLanguageModel::new(network, parameters.clone()).unwrap();
        assert_eq!((model.vocabulary_size(), model.context_length()), (97, None));

        let mut session = model.session();
        assert!(session.next_log_probs().unwrap_err().to_string().contains("nothing has been read"));
        for (i, &id) in ids[..40].iter().enumerate() {
            session.feed(&[id]).unwrap();
            let found = session.next_log_probs().unwrap();
            assert_close(found, &expected[i]);
            let sum: f64 = found.iter().map(|&x| f64::from(x).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
        session.feed(&ids[40..]).unwrap();
        assert_close(session.next_log_probs().unwrap(), &expected[599]);
        assert_eq!(session.tokens_read(), 600);
        assert!(session.feed(&[97]).is_err());

        let of_targets: Vec<f32> = expected.iter().zip(&ids[1..]).map(|(row, &id)| row[id as usize]).collect();
        assert_close(&model.log_probs(&ids).unwrap(), &of_targets);
        assert!(model.log_probs(&ids[..1]).unwrap().is_empty() && model.log_probs(&[]).unwrap().is_empty());
        assert!(model.log_probs(&[1, 97]).unwrap_err().to_string().contains("token id 97"));
    }
}

#[test]
fn an_encoder_scores_every_token_with_it_alone_masked() {
    let tokenizer = tokenizer();
    let (network, parameters) = encoder(32);
    let mut ids = vec![tokenizer.beginning_of_text()];
    ids.extend(tokenizer.encode("The old cats sat on a mat, the dog ran."));
    assert!(ids[0] == 2 && ids.len() > 10, "{ids:?}");
    let expected: Vec<f32> = (1..ids.len())
        .map(|at| {
            let mut row = ids.clone();
            row[at] = 4;
            row.push(3);
            let mut tape = Tape::forward_only(&parameters);
            let hidden = network.hidden(&mut tape, &Batch::full(&[&row]).unwrap(), None).unwrap();
            let ready = network.before_head(&mut tape, hidden).unwrap();
            let logits = tape.logits(ready, network.head()).unwrap();
            log_softmax(&tape.value(logits).to_f32_vec()[at * 20..][..20])[ids[at] as usize]
        })
        .collect();
    let model = MaskedLanguageModel::new(network, parameters, &tokenizer).unwrap();
    assert_close(&model.log_probs(&ids).unwrap(), &expected);
    assert!(model.log_probs(&ids[..1]).unwrap().is_empty());
    let refused = model.session().feed(&[5]).unwrap_err().to_string();
    assert!(refused.starts_with("an encoder fills in masked tokens") && refused.contains("\nhint: "), "{refused}");
}

/// Around a token as much as fits; a long text is scored to its end.
#[test]
fn long_texts_are_scored_in_windows_around_the_token() {
    let tokenizer = tokenizer();
    let (network, parameters) = encoder(9);
    let model = MaskedLanguageModel::new(network, parameters, &tokenizer).unwrap();
    let ids: Vec<u32> = std::iter::once(2).chain((0..30).map(|i| 5 + i * 7 % 12)).collect();
    let found = model.log_probs(&ids).unwrap();
    assert_eq!(found.len(), 30);
    // Seven fit between the marks: of the token at 15 these are 12 to 18, of the first the first seven.
    let window = |from: usize| -> Vec<u32> { std::iter::once(2).chain(ids[1 + from..][..7].iter().copied()).collect() };
    assert_close(&found[15..16], &model.log_probs(&window(12)).unwrap()[3..4]);
    assert_close(&found[..1], &model.log_probs(&window(0)).unwrap()[..1]);
    assert_close(&found[29..], &model.log_probs(&window(23)).unwrap()[6..]);
}

#[test]
fn folders_of_each_kind_are_opened_or_refused_by_name() {
    let tokenizer = tokenizer();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (network, parameters) = recurrent(Cell::Gru);
    Model::Recurrent(network).save(&parameters, &at("gru"), &[]).unwrap();
    assert_eq!(infer::open(&at("gru"), &tokenizer).unwrap().context_length(), None);
    let (network, parameters) = encoder(16);
    Model::Encoder(network.clone()).save(&parameters, &at("bert"), &[]).unwrap();
    assert_eq!(infer::open(&at("bert"), &tokenizer).unwrap().context_length(), Some(16));
    let message = |name: &str| infer::open(&at(name), &tokenizer).err().unwrap().to_string();
    let network = EncoderDecoder::new(EncoderDecoderConfig { vocab_size: 20, ..EncoderDecoderConfig::default() });
    let network = network.unwrap();
    Model::EncoderDecoder(network.clone()).save(&network.init(1), &at("t5"), &[]).unwrap();
    assert!(message("t5").contains("T5ForConditionalGeneration, which reads one text and writes another,"));
    std::fs::create_dir(at("other")).unwrap();
    std::fs::write(at("other/config.json"), r#"{"architectures": ["MambaForCausalLM"]}"#).unwrap();
    let other = message("other");
    assert!(other.contains("MambaForCausalLM") && other.contains("RecurrentForCausalLM"), "{other}");
    assert!(message("absent").contains("absent"));

    // A vocabulary without a mask, and one that is too large.
    let (small, parameters) = encoder(16);
    let json = wordpiece::wordpiece(&WORDS).replace("[MASK]", "[HIDE]");
    std::fs::create_dir(at("plain")).unwrap();
    std::fs::write(at("plain/tokenizer.json"), json).unwrap();
    let plain = Tokenizer::load(&at("plain")).unwrap();
    let error = MaskedLanguageModel::new(small, parameters, &plain).err().unwrap().to_string();
    assert!(error.contains("there is no [MASK] or <mask>"), "{error}");
    let (narrow, parameters) = encoder(2);
    let error = MaskedLanguageModel::new(narrow, parameters, &tokenizer).err().unwrap().to_string();
    assert!(error.contains("2 positions hold no more than what stands around a text"), "{error}");
}
