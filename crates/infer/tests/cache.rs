//! Reading with the cache, token by token or in one pass, says the same as a full forward pass.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use infer::NeuralModel;
use lang::model::{LanguageModel, ModelError};
use lang::rng::Rng;
use nn::{Batch, Decoder, DecoderConfig, ExpertsConfig, Network as _};
use tensor::Tape;

fn models() -> Vec<NeuralModel> {
    let llama = DecoderConfig {
        vocab_size: 97,
        hidden_size: 32,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        intermediate_size: 48,
        max_position_embeddings: 300,
        init_std: 0.2,
        ..DecoderConfig::default()
    };
    let biased = DecoderConfig { bias: true, tie_word_embeddings: false, ..llama.clone() };
    let gpt2 = DecoderConfig { max_position_embeddings: 300, init_std: 0.2, ..DecoderConfig::gpt2(97, 32, 2, 4) };
    let experts = ExpertsConfig { n_experts: 5, n_chosen: 2, ..ExpertsConfig::default() };
    let mixture = DecoderConfig { experts: Some(experts), tie_word_embeddings: false, ..llama.clone() };
    [llama, biased, gpt2, mixture]
        .into_iter()
        .map(|config| {
            let decoder = Decoder::new(config).unwrap();
            let mut parameters = decoder.init(4);
            // Gains and biases off one and zero, so that leaving one out shows.
            for id in parameters.iter().map(|entry| entry.0).collect::<Vec<_>>() {
                let mut rng = Rng::for_item(5, parameters.name(id), 0);
                if parameters.get(id).shape().len() == 1 {
                    parameters.values_mut(id).iter_mut().for_each(|value| *value += (0.2 * rng.normal()) as f32);
                }
            }
            NeuralModel::new(decoder, parameters).unwrap()
        })
        .collect()
}

fn text(len: usize) -> Vec<u32> {
    let mut rng = Rng::new(8);
    (0..len).map(|_| rng.below(97) as u32).collect()
}

/// Log-probabilities of every next token after each position, from one uncached pass.
fn full(model: &NeuralModel, ids: &[u32]) -> Vec<Vec<f32>> {
    let mut tape = Tape::forward_only(model.parameters());
    let hidden = model.decoder().hidden(&mut tape, &Batch::causal(&[ids]).unwrap(), None).unwrap();
    let logits = tape.logits(hidden, model.decoder().head().weight).unwrap();
    let softmax = |row: &[f32]| {
        let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        row.iter().map(|&x| (f64::from(x) - sum.ln()) as f32).collect()
    };
    tape.value(logits).to_f32_vec().chunks(97).map(softmax).collect()
}

fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-4, "{a} {b}");
    }
}

#[test]
fn cache_equals_full_forward() {
    let ids = text(200);
    for model in models() {
        let expected = full(&model, &ids);
        let mut single = model.session();
        for (i, &id) in ids.iter().enumerate() {
            single.feed(&[id]).unwrap();
            assert_eq!(single.tokens_read(), i + 1);
            assert_close(single.next_log_probs().unwrap(), &expected[i]);
        }
        for split in [1, 57, 128, 150] {
            let mut session = model.session();
            session.feed(&ids[..split]).unwrap();
            assert_close(session.next_log_probs().unwrap(), &expected[split - 1]);
            session.feed(&ids[split..]).unwrap();
            assert_close(session.next_log_probs().unwrap(), &expected[199]);
            // Asked twice, the same answer.
            assert_close(session.next_log_probs().unwrap(), &expected[199]);
        }
    }
}

#[test]
fn probabilities_sum_to_one() {
    for model in models() {
        let mut session = model.session();
        for id in text(20) {
            session.feed(&[id]).unwrap();
            let sum: f64 = session.next_log_probs().unwrap().iter().map(|&x| f64::from(x).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
    }
}

#[test]
fn scoring_equals_reading() {
    let ids = text(120);
    for model in models() {
        let expected: Vec<f32> = full(&model, &ids).iter().zip(&ids[1..]).map(|(row, &id)| row[id as usize]).collect();
        assert_close(&model.log_probs(&ids).unwrap(), &expected);
        assert!(model.log_probs(&ids[..1]).unwrap().is_empty());
        assert!(model.log_probs(&[]).unwrap().is_empty());
    }
}

#[test]
fn long_texts_are_scored_in_windows_that_keep_half() {
    for context in [1, 2, 7, 8] {
        let config = DecoderConfig {
            vocab_size: 97,
            hidden_size: 16,
            n_layers: 1,
            n_heads: 2,
            n_kv_heads: 1,
            intermediate_size: 24,
            max_position_embeddings: context,
            init_std: 0.2,
            ..DecoderConfig::default()
        };
        let decoder = Decoder::new(config).unwrap();
        let parameters = decoder.init(3);
        let model = NeuralModel::new(decoder, parameters).unwrap();
        let ids = text(30);
        let scored = model.log_probs(&ids).unwrap();
        assert_eq!(scored.len(), 29);
        // By hand: the window that scores a target starts half a context before the first target it is there for.
        let (mut start, mut done) = (0, 0);
        while done < 29 {
            let end = (start + context).min(29);
            let window = full(&model, &ids[start..end]);
            for target in done..end {
                let expected = window[target - start][ids[target + 1] as usize];
                assert!((scored[target] - expected).abs() < 1e-4, "context {context}, target {target}");
            }
            done = end;
            start = done - context / 2;
        }
    }
}

#[test]
fn limits_are_errors_and_change_nothing() {
    for model in models() {
        let ids = text(300);
        let mut session = model.session();
        assert!(session.next_log_probs().is_err());
        session.feed(&ids[..299]).unwrap();
        let before = session.next_log_probs().unwrap().to_vec();
        let full = session.feed(&[1, 2]).unwrap_err();
        assert!(matches!(full, ModelError::ContextFull { tokens: 301, limit: 300 }), "{full}");
        let unknown = session.feed(&[97]).unwrap_err();
        assert!(matches!(unknown, ModelError::UnknownToken { id: 97, vocabulary_size: 97 }), "{unknown}");
        assert!(model.log_probs(&[1, 97]).is_err());
        assert_eq!(session.next_log_probs().unwrap(), before);
        session.feed(&ids[299..]).unwrap();
        assert_eq!(session.tokens_read(), 300);
        assert!(session.feed(&[1]).is_err());
        session.feed(&[]).unwrap();
    }
}

#[test]
fn sessions_rewind_and_fork() {
    let ids = text(40);
    for model in models() {
        let expected = full(&model, &ids);
        let mut session = model.neural_session();
        lang::model::Session::feed(&mut session, &ids).unwrap();
        let mut fork = session.clone();
        fork.rewind(11).unwrap();
        assert_eq!(fork.ids(), &ids[..11]);
        let fork: &mut dyn lang::model::Session = &mut fork;
        assert_close(fork.next_log_probs().unwrap(), &expected[10]);
        fork.feed(&ids[11..20]).unwrap();
        assert_close(fork.next_log_probs().unwrap(), &expected[19]);
        session.rewind(0).unwrap();
        let session: &mut dyn lang::model::Session = &mut session;
        assert!(session.next_log_probs().is_err());
        session.feed(&ids).unwrap();
        assert_close(session.next_log_probs().unwrap(), &expected[39]);
    }
}

#[test]
fn sessions_run_side_by_side() {
    let model = models().remove(0);
    let read = |ids: &[u32]| {
        let mut session = model.session();
        let mut out = Vec::new();
        for &id in ids {
            session.feed(&[id]).unwrap();
            out.extend_from_slice(session.next_log_probs().unwrap());
        }
        out
    };
    let ids = text(60);
    let alone = [read(&ids[..30]), read(&ids[30..])];
    let together = std::thread::scope(|scope| {
        [&ids[..30], &ids[30..]].map(|ids| scope.spawn(move || read(ids))).map(|thread| thread.join().unwrap())
    });
    assert_eq!(alone, together);
}

#[test]
fn folders_load() {
    for model in models() {
        let dir = tempfile::tempdir().unwrap();
        model.decoder().save(model.parameters(), dir.path(), &[]).unwrap();
        let loaded = NeuralModel::load(dir.path()).unwrap();
        let ids = text(12);
        assert_eq!(loaded.log_probs(&ids).unwrap(), model.log_probs(&ids).unwrap());
        assert_eq!((loaded.vocabulary_size(), loaded.context_length()), (97, Some(300)));
        let (decoder, _) = loaded.into_parts();
        let other = Decoder::new(DecoderConfig::default()).unwrap();
        assert!(NeuralModel::new(decoder, other.init(1)).is_err());
    }
}
