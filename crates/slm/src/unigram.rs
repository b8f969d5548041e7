//! The unigram model: every token as probable as it is frequent, whatever stands before it.
//!
//! Counts are smoothed by adding one to each (Laplace): p(w) = (c(w) + 1) / (T + V), with T predicted tokens and V ids.
//! So every id is possible and the probabilities sum to 1. It is the floor that any model of context must beat; on
//! corpora that are large beside their vocabulary the choice of smoothing does not show.

use std::path::Path;

use lang::model::{LanguageModel, ModelError, Session};

use crate::documents::{check_boundaries, check_ids, pieces};
use crate::error::SlmError;
use crate::ngram::{MAX_VOCABULARY, NGram};

/// A distribution over single tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Unigram {
    log_probs: Vec<f32>,
}

impl Unigram {
    /// Count the tokens of `documents` and one `end` token after each. Documents may be bare or have the `beginning`
    /// and `end` tokens around them already; `beginning`, where it is another token, is never predicted.
    ///
    /// # Errors
    /// When there is no token at all, or an id is outside the vocabulary.
    pub fn train<D: AsRef<[u32]>>(
        documents: impl IntoIterator<Item = D>,
        vocabulary_size: usize,
        beginning: u32,
        end: u32,
    ) -> Result<Unigram, SlmError> {
        if !(1..=MAX_VOCABULARY).contains(&vocabulary_size) {
            return Err(SlmError::VocabularySize { vocabulary_size });
        }
        check_boundaries(beginning, end, vocabulary_size)?;
        let mut counts = vec![0u64; vocabulary_size];
        for (index, document) in documents.into_iter().enumerate() {
            let document = document.as_ref();
            check_ids(index, document, vocabulary_size)?;
            for piece in pieces(document, beginning, end) {
                for &id in piece {
                    counts[id as usize] += 1;
                }
                counts[end as usize] += 1;
            }
        }
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return Err(SlmError::Empty);
        }
        let mass = (total + vocabulary_size as u64) as f64;
        Ok(Unigram { log_probs: counts.iter().map(|&count| ((count + 1) as f64 / mass).ln() as f32).collect() })
    }

    /// Write the model as ARPA text of order 1: to `path`, or to `lm.arpa` inside it when it is a folder.
    pub fn save(&self, path: &Path) -> Result<(), SlmError> {
        NGram::of_unigrams(self.log_probs.iter().map(|&log_prob| f64::from(log_prob)).collect()).save(path)
    }

    /// Read what [`Unigram::save`] wrote, or any ARPA text of order 1 over token ids.
    ///
    /// # Errors
    /// As [`NGram::load`], and when the file holds longer n-grams.
    pub fn load(path: &Path) -> Result<Unigram, SlmError> {
        let model = NGram::load(path)?;
        let order = model.order();
        match model.into_unigrams() {
            Some(log_probs) => {
                Ok(Unigram { log_probs: log_probs.into_iter().map(|log_prob| log_prob as f32).collect() })
            }
            None => Err(SlmError::NotUnigram { path: path.to_owned(), order }),
        }
    }

    fn check(&self, ids: &[u32]) -> Result<(), ModelError> {
        let vocabulary_size = self.log_probs.len();
        match ids.iter().find(|&&id| id as usize >= vocabulary_size) {
            Some(&id) => Err(ModelError::UnknownToken { id, vocabulary_size }),
            None => Ok(()),
        }
    }
}

impl LanguageModel for Unigram {
    fn vocabulary_size(&self) -> usize {
        self.log_probs.len()
    }

    fn context_length(&self) -> Option<usize> {
        None
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(UnigramSession { model: self, read: 0 })
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check(ids)?;
        Ok(ids.iter().skip(1).map(|&id| self.log_probs[id as usize]).collect())
    }
}

struct UnigramSession<'a> {
    model: &'a Unigram,
    read: usize,
}

impl Session for UnigramSession<'_> {
    fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
        self.model.check(ids)?;
        self.read += ids.len();
        Ok(())
    }

    fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
        Ok(&self.model.log_probs)
    }

    fn tokens_read(&self) -> usize {
        self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_counts_and_one() {
        // Tokens 1 1 2 and the end, then 2 and the end: T = 6, V = 4.
        let model = Unigram::train([vec![1, 1, 2], vec![0, 2, 0]], 4, 0, 0).unwrap();
        let mut session = model.session();
        session.feed(&[0, 3]).unwrap();
        let found: Vec<f32> = session.next_log_probs().unwrap().iter().map(|p| p.exp()).collect();
        for (found, expected) in found.iter().zip([0.3, 0.3, 0.3, 0.1]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(session.tokens_read(), 2);
        assert_eq!(model.log_probs(&[0, 3, 1]).unwrap(), [0.1f32.ln(), 0.3f32.ln()]);
        assert!(model.log_probs(&[]).unwrap().is_empty());
        assert!(model.log_probs(&[4]).is_err());
        assert!(session.feed(&[4]).is_err());
    }

    #[test]
    fn arpa_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unigram.arpa");
        let model = Unigram::train([vec![1, 1, 2]], 4, 0, 0).unwrap();
        model.save(&path).unwrap();
        let back = Unigram::load(&path).unwrap();
        for (found, expected) in back.log_probs.iter().zip(&model.log_probs) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let config = crate::NGramConfig { order: 2, vocabulary_size: 4, beginning: 0, end: 0 };
        NGram::train([vec![1, 1, 2]], &config).unwrap().save(&path).unwrap();
        let error = Unigram::load(&path).unwrap_err().to_string();
        assert!(error.contains("unigram.arpa holds n-grams up to order 2"), "{error}");
    }

    #[test]
    fn bad_input_is_refused() {
        let empty: [Vec<u32>; 2] = [vec![], vec![0]];
        assert!(matches!(Unigram::train(empty, 4, 0, 0), Err(SlmError::Empty)));
        assert!(matches!(Unigram::train([vec![4]], 4, 0, 0), Err(SlmError::UnknownToken { id: 4, .. })));
        assert!(matches!(Unigram::train([vec![1]], 4, 0, 9), Err(SlmError::Boundary { name: "end", .. })));
        assert!(matches!(Unigram::train([vec![1]], 0, 0, 0), Err(SlmError::VocabularySize { .. })));
    }
}
