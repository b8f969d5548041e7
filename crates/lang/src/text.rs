//! The text interface over any model: here is a [`LanguageModel`] and a tokenizer; score a text, or continue one.
//!
//! Written once, so that an n-gram model and a Transformer are measured and sampled by the same lines.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{LanguageModel, ModelError};
use crate::sampling::{Sampler, SamplingConfig, SamplingError};
use crate::tokenizer::Tokenizer;

/// What can go wrong when a text is scored or continued.
#[derive(Debug, Error)]
pub enum TextError {
    /// The model refused, for instance because the prompt does not fit its context.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The sampling settings are senseless, or the model gave no probabilities.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// Nothing to score.
    #[error("the text is empty, so there is nothing to score\nhint: check the file given with --text")]
    Empty,
    /// The tokenizer and the model were not made for each other.
    #[error(
        "the tokenizer has {tokenizer} token ids but the model knows {model}\nhint: use the tokenizer the model was \
         trained with"
    )]
    Vocabulary {
        /// Ids of the tokenizer.
        tokenizer: usize,
        /// Ids of the model.
        model: usize,
    },
}

/// How probable a text is to a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextScore {
    /// ln of the probability of the whole text, in nats.
    pub log_prob: f64,
    /// Tokens predicted.
    pub tokens: u64,
    /// Bytes of the text in UTF-8.
    pub bytes: u64,
    /// Words: runs of what is not white space.
    pub words: u64,
    /// exp(−log_prob / tokens). It depends on the tokenizer; compare models by `bits_per_byte`.
    pub perplexity: f64,
    /// −log_prob / (bytes · ln 2).
    pub bits_per_byte: f64,
}

impl TextScore {
    /// The score of a text, or of many together, from its totals. Nothing at all scores 0 bits and perplexity 1.
    pub fn from_totals(log_prob: f64, tokens: u64, bytes: u64, words: u64) -> TextScore {
        TextScore {
            log_prob,
            tokens,
            bytes,
            words,
            perplexity: (-log_prob / tokens.max(1) as f64).exp(),
            bits_per_byte: -log_prob / (bytes.max(1) as f64 * LN_2),
        }
    }

    /// Both texts together.
    pub fn and(&self, other: &TextScore) -> TextScore {
        TextScore::from_totals(
            self.log_prob + other.log_prob,
            self.tokens + other.tokens,
            self.bytes + other.bytes,
            self.words + other.words,
        )
    }
}

/// How probable `text` is to `model`. The beginning-of-text token stands before it and is not scored; no end token is
/// added, so that a text scores the same whether or not it is cut from a longer one. Texts longer than the model's
/// context are scored in sliding windows by [`LanguageModel::log_probs`].
///
/// # Errors
/// When the text is empty, the tokenizer has ids the model does not know, or the model refuses.
pub fn score(model: &dyn LanguageModel, tokenizer: &Tokenizer, text: &str) -> Result<TextScore, TextError> {
    check_vocabulary(model, tokenizer)?;
    let mut ids = vec![tokenizer.beginning_of_text()];
    ids.extend(tokenizer.encode(text));
    if ids.len() == 1 {
        return Err(TextError::Empty);
    }
    let log_probs = model.log_probs(&ids)?;
    // Summed in f64 and in order: the total of a long text keeps its digits and does not depend on threads.
    let log_prob = log_probs.iter().map(|&log_prob| f64::from(log_prob)).sum();
    let words = text.split_whitespace().count() as u64;
    Ok(TextScore::from_totals(log_prob, log_probs.len() as u64, text.len() as u64, words))
}

/// A model may know more ids than the tokenizer (padding to a round size), never fewer.
fn check_vocabulary(model: &dyn LanguageModel, tokenizer: &Tokenizer) -> Result<(), TextError> {
    let (of_tokenizer, of_model) = (tokenizer.vocabulary_size(), model.vocabulary_size());
    if of_tokenizer > of_model {
        return Err(TextError::Vocabulary { tokenizer: of_tokenizer, model: of_model });
    }
    Ok(())
}

/// Why a continuation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model chose a stop token.
    Stop,
    /// The asked-for number of tokens is there.
    Length,
    /// The caller said to stop.
    Interrupted,
    /// The model's context is full.
    Context,
}

/// A continuation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The tokens chosen, without the stop token that may have ended them.
    pub ids: Vec<u32>,
    /// Why there are no more.
    pub finish_reason: FinishReason,
}

/// Continue `prompt_ids` (the beginning-of-text token included; it alone when they are empty) by at most `max_tokens`
/// tokens. Each token goes to `on_token` as it is chosen; `false` from it ends the work. Tokens of `stop` end it and
/// are neither passed on nor kept. The repetition penalty looks at prompt and continuation alike. Ids that the model
/// knows and the tokenizer does not are never chosen.
///
/// # Errors
/// When the settings are senseless, the vocabularies do not fit, or the prompt itself does not fit the context. A
/// context that fills up later is no error but [`FinishReason::Context`].
pub fn generate(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    prompt_ids: &[u32],
    max_tokens: usize,
    stop: &[u32],
    config: &SamplingConfig,
    on_token: &mut dyn FnMut(u32) -> bool,
) -> Result<Generation, TextError> {
    check_vocabulary(model, tokenizer)?;
    let mut sampler = Sampler::new(config.clone())?;
    let mut text = prompt_ids.to_vec();
    if text.is_empty() {
        text.push(tokenizer.beginning_of_text());
    }
    let prompt_length = text.len();
    let mut session = model.session();
    session.feed(&text)?;
    let finish_reason = loop {
        if text.len() - prompt_length >= max_tokens {
            break FinishReason::Length;
        }
        let next = session.next_log_probs()?;
        let id = sampler.sample(&next[..tokenizer.vocabulary_size().min(next.len())], &text)?;
        if stop.contains(&id) {
            break FinishReason::Stop;
        }
        text.push(id);
        if !on_token(id) {
            break FinishReason::Interrupted;
        }
        // The last token wanted is not read: nothing is asked after it.
        if text.len() - prompt_length < max_tokens {
            match session.feed(&[id]) {
                Ok(()) => {}
                Err(ModelError::ContextFull { .. }) => break FinishReason::Context,
                Err(other) => return Err(other.into()),
            }
        }
    };
    Ok(Generation { ids: text.split_off(prompt_length), finish_reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::SPECIAL_TOKENS;
    use crate::model::Session;
    use crate::tokenizer::{CutStyle, TrainConfig};

    /// A model that gives probability ½ to the id after the last one and shares the rest evenly.
    struct Counting {
        vocabulary_size: usize,
        limit: Option<usize>,
    }

    struct CountingSession<'a> {
        model: &'a Counting,
        last: u32,
        read: usize,
        next: Vec<f32>,
    }

    impl LanguageModel for Counting {
        fn vocabulary_size(&self) -> usize {
            self.vocabulary_size
        }

        fn context_length(&self) -> Option<usize> {
            self.limit
        }

        fn session(&self) -> Box<dyn Session + '_> {
            Box::new(CountingSession { model: self, last: 0, read: 0, next: vec![] })
        }
    }

    impl Session for CountingSession<'_> {
        fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
            self.read += ids.len();
            match self.model.limit {
                Some(limit) if self.read > limit => {
                    return Err(ModelError::ContextFull { tokens: self.read, limit });
                }
                _ => {}
            }
            self.last = ids.last().copied().unwrap_or(self.last);
            Ok(())
        }

        fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
            let size = self.model.vocabulary_size;
            self.next = vec![(0.5 / (size - 1) as f32).ln(); size];
            self.next[(self.last as usize + 1) % size] = 0.5f32.ln();
            Ok(&self.next)
        }

        fn tokens_read(&self) -> usize {
            self.read
        }
    }

    fn tokenizer() -> Tokenizer {
        // Nothing but the bytes and the special tokens.
        let config = TrainConfig {
            vocab_size: 256 + SPECIAL_TOKENS.len(),
            min_frequency: 2,
            special_tokens: SPECIAL_TOKENS.iter().map(ToString::to_string).collect(),
            cut: CutStyle::Llama3,
            ..TrainConfig::default()
        };
        Tokenizer::train(&["a b"], &config, &mut |_, _| {}).unwrap()
    }

    #[test]
    fn scores_are_totals_over_tokens_bytes_and_words() {
        let tokenizer = tokenizer();
        let size = tokenizer.vocabulary_size();
        let model = Counting { vocabulary_size: size, limit: None };
        // Every byte is a token: `abc` follows itself twice.
        let found = score(&model, &tokenizer, "abc").unwrap();
        let rest = (0.5 / (size - 1) as f64).ln();
        let expected = rest + 2.0 * 0.5f64.ln();
        assert!((found.log_prob - expected).abs() < 1e-5, "{found:?}");
        assert_eq!((found.tokens, found.bytes, found.words), (3, 3, 1));
        assert!((found.perplexity - (-expected / 3.0).exp()).abs() < 1e-3);
        assert!((found.bits_per_byte - -expected / 3.0 / LN_2).abs() < 1e-5);

        let found = score(&model, &tokenizer, " 你好  world\n").unwrap();
        assert_eq!((found.bytes, found.words), (15, 2));
        let both = found.and(&found);
        assert_eq!((both.bytes, both.tokens, both.words), (30, 2 * found.tokens, 4));
        assert!((both.perplexity - found.perplexity).abs() < 1e-9);
        assert!((both.bits_per_byte - found.bits_per_byte).abs() < 1e-12);

        let json = serde_json::to_value(found).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["log_prob", "tokens", "bytes", "words", "perplexity", "bits_per_byte"]);
        assert!(matches!(score(&model, &tokenizer, ""), Err(TextError::Empty)));
        let small = Counting { vocabulary_size: size - 1, limit: None };
        assert!(matches!(score(&small, &tokenizer, "abc"), Err(TextError::Vocabulary { .. })));
    }

    #[test]
    fn continuations_end_for_the_reason_they_say() {
        let tokenizer = tokenizer();
        let vocabulary_size = tokenizer.vocabulary_size();
        type Case = (Option<usize>, usize, &'static [u32], usize, &'static [u32], FinishReason);
        let cases: [Case; 6] = [
            (None, 3, &[], usize::MAX, &[11, 12, 13], FinishReason::Length),
            (None, 0, &[], usize::MAX, &[], FinishReason::Length),
            (None, 9, &[99, 13], usize::MAX, &[11, 12], FinishReason::Stop),
            (None, 9, &[], 2, &[11, 12], FinishReason::Interrupted),
            (Some(4), 9, &[], usize::MAX, &[11, 12, 13], FinishReason::Context),
            // The last token need not fit.
            (Some(4), 3, &[], usize::MAX, &[11, 12, 13], FinishReason::Length),
        ];
        for (limit, max_tokens, stop, patience, expected, finish_reason) in cases {
            let model = Counting { vocabulary_size, limit };
            let mut streamed = vec![];
            let greedy = SamplingConfig::greedy();
            let found = generate(&model, &tokenizer, &[9, 10], max_tokens, stop, &greedy, &mut |id| {
                streamed.push(id);
                streamed.len() < patience
            });
            assert_eq!(found.unwrap(), Generation { ids: expected.to_vec(), finish_reason });
            assert_eq!(streamed, expected);
        }
    }

    #[test]
    fn continuations_keep_to_seed_vocabulary_and_context() {
        let tokenizer = tokenizer();
        let vocabulary_size = tokenizer.vocabulary_size();
        // A model padded far beyond the tokenizer: its other ids never come up.
        let padded = Counting { vocabulary_size: 4 * vocabulary_size, limit: None };
        let run = |model: &Counting, prompt: &[u32], config: &SamplingConfig| {
            generate(model, &tokenizer, prompt, 200, &[], config, &mut |_| true)
        };
        let sampled = |seed| run(&padded, &[], &SamplingConfig { seed, ..SamplingConfig::default() }).unwrap().ids;
        assert!(sampled(1).iter().all(|&id| (id as usize) < vocabulary_size));
        assert_eq!(sampled(1), sampled(1));
        assert_ne!(sampled(1), sampled(2));
        // An empty prompt is the beginning-of-text token.
        let greedy = run(&padded, &[], &SamplingConfig::greedy()).unwrap().ids;
        assert_eq!(greedy[0], (tokenizer.beginning_of_text() + 1) % vocabulary_size as u32);

        let short = Counting { vocabulary_size, limit: Some(1) };
        let error = run(&short, &[1, 2], &SamplingConfig::greedy()).unwrap_err();
        assert!(matches!(error, TextError::Model(ModelError::ContextFull { tokens: 2, limit: 1 })));
        let senseless = SamplingConfig { top_p: 2.0, ..SamplingConfig::default() };
        assert!(matches!(run(&short, &[1], &senseless), Err(TextError::Sampling(_))));
    }
}
