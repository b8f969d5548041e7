//! How well held-out text is predicted, in bits per byte: a measure that does not depend on the tokenizer.

use std::sync::atomic::{AtomicUsize, Ordering};

use lang::model::LanguageModel;
use lang::text::{TextScore, score};
use lang::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{EvalError, Progress};

/// The score of a set of documents, each read on its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Documents scored; empty ones are left out.
    pub documents: usize,
    /// Log-probability, tokens, bytes, words, perplexity and bits per byte of all together.
    #[serde(flatten)]
    pub total: TextScore,
}

/// Sums the log-probabilities of `documents`. Each begins after a beginning-of-text token and is scored to its last
/// token, so every model that uses `tokenizer` is asked about the same tokens.
///
/// # Errors
/// No text at all, a tokenizer that is not the model's, or a model that fails.
pub fn bits_per_byte(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    documents: &[String],
    progress: Progress,
) -> Result<HeldOut, EvalError> {
    let done = AtomicUsize::new(0);
    let scores = documents
        .par_iter()
        .enumerate()
        .map(|(index, document)| {
            let score = if document.is_empty() {
                None
            } else {
                let id = || format!("document {}", index + 1);
                Some(score(model, tokenizer, document).map_err(|source| EvalError::Text { id: id(), source })?)
            };
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, documents.len());
            Ok(score)
        })
        .collect::<Result<Vec<Option<TextScore>>, EvalError>>()?;
    let scores: Vec<TextScore> = scores.into_iter().flatten().collect();
    // Added in the order of the documents: the total has the same digits for any number of threads.
    let total = scores.iter().copied().reduce(|sum, next| sum.and(&next));
    let total = total.ok_or(EvalError::Empty { what: "held-out documents" })?;
    Ok(HeldOut { documents: scores.len(), total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, tokenizer};

    #[test]
    fn a_uniform_model_needs_log2_of_its_vocabulary_per_token() {
        let tokenizer = tokenizer();
        let model = Scripted::new(&tokenizer, None);
        let documents = ["Mina lives in Larkhaven.", "", "米娜住在云雀港。"].map(String::from);
        let result = bits_per_byte(&model, &tokenizer, &documents, &|_, _| ()).unwrap();
        let tokens: usize = documents.iter().map(|document| tokenizer.encode(document).len()).sum();
        let bytes: usize = documents.iter().map(String::len).sum();
        assert_eq!((result.documents, result.total.tokens, result.total.bytes), (2, tokens as u64, bytes as u64));
        let bits = (tokenizer.vocabulary_size() as f64).log2() * tokens as f64 / bytes as f64;
        assert!((result.total.bits_per_byte - bits).abs() < 1e-5, "{} {bits}", result.total.bits_per_byte);
        assert!((result.total.perplexity - tokenizer.vocabulary_size() as f64).abs() < 1e-2);

        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again = one_thread.install(|| bits_per_byte(&model, &tokenizer, &documents, &|_, _| ()).unwrap());
        assert_eq!(result.total.log_prob.to_bits(), again.total.log_prob.to_bits());
        assert!(bits_per_byte(&model, &tokenizer, &[String::new()], &|_, _| ()).is_err());
    }
}
