//! Perplexity by any language model, and the head, middle and tail of a corpus by it, as cc_net parts them (arXiv 1911.00359).

use std::sync::Arc;

use lang::model::{LanguageModel, ModelError};

/// Bytes of a document that are scored: enough for a stable mean, and a bound for huge documents.
const LOOK_AT: usize = 1 << 16;

/// How a text becomes the model's tokens, the token of a text's beginning first.
pub type Encode = Arc<dyn Fn(&str) -> Vec<u32> + Send + Sync>;

/// A model that scores texts.
pub struct Perplexity {
    model: Arc<dyn LanguageModel>,
    encode: Encode,
}

impl Perplexity {
    /// A scorer with a model and its tokenizer.
    pub fn new(model: Arc<dyn LanguageModel>, encode: Encode) -> Self {
        Perplexity { model, encode }
    }

    /// The perplexity of a text: the exponential of minus the mean natural logarithm of its tokens' probabilities. `None` for a text
    /// without tokens.
    ///
    /// # Errors
    /// The model's.
    pub fn score(&self, text: &str) -> Result<Option<f64>, ModelError> {
        let mut end = text.len().min(LOOK_AT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let ids = (self.encode)(&text[..end]);
        if ids.len() < 2 {
            return Ok(None);
        }
        let log_probs = self.model.log_probs(&ids)?;
        let sum: f64 = log_probs.iter().map(|&value| f64::from(value)).sum();
        Ok(Some((-sum / log_probs.len() as f64).exp()))
    }
}

/// A third of a corpus, by perplexity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Most like what the model was trained on.
    Head,
    /// Between.
    Middle,
    /// Least like it.
    Tail,
}

impl Bucket {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Bucket::Head => "head",
            Bucket::Middle => "middle",
            Bucket::Tail => "tail",
        }
    }
}

/// Perplexities at which the buckets part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cutoffs {
    /// The head goes up to here.
    pub head: f64,
    /// The middle goes up to here.
    pub middle: f64,
}

impl Cutoffs {
    /// Cut-offs at percentiles of the perplexities seen: cc_net's are 30 and 60. `None` where there are no numbers.
    pub fn at(perplexities: &[f64], head: f64, middle: f64) -> Option<Self> {
        let mut sorted: Vec<f64> = perplexities.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |percent: f64| sorted[((percent / 100.0).clamp(0.0, 1.0) * last as f64).round() as usize];
        Some(Cutoffs { head: at(head), middle: at(middle.max(head)) })
    }

    /// The bucket of a perplexity.
    pub fn bucket(&self, perplexity: f64) -> Bucket {
        if perplexity <= self.head {
            Bucket::Head
        } else if perplexity <= self.middle {
            Bucket::Middle
        } else {
            Bucket::Tail
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lang::model::Session;

    /// Every one of four tokens is as likely as the others.
    struct Even;

    impl LanguageModel for Even {
        fn vocabulary_size(&self) -> usize {
            4
        }
        fn context_length(&self) -> Option<usize> {
            None
        }
        fn session(&self) -> Box<dyn Session + '_> {
            Box::new(EvenSession([0.25f32.ln(); 4], 0))
        }
    }

    struct EvenSession([f32; 4], usize);

    impl Session for EvenSession {
        fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
            self.1 += ids.len();
            Ok(())
        }
        fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
            Ok(&self.0)
        }
        fn tokens_read(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn an_even_model_has_the_perplexity_of_its_vocabulary() {
        let encode: Encode = Arc::new(|text| text.bytes().map(|byte| u32::from(byte) % 4).collect());
        let perplexity = Perplexity::new(Arc::new(Even), encode);
        assert!((perplexity.score("some text").unwrap().unwrap() - 4.0).abs() < 1e-5);
        assert_eq!(perplexity.score("").unwrap(), None);
        assert!(perplexity.score(&"é".repeat(LOOK_AT)).unwrap().is_some());
    }

    #[test]
    fn buckets_part_at_percentiles() {
        let values: Vec<f64> = (0..=100).rev().map(f64::from).chain([f64::NAN]).collect();
        let cutoffs = Cutoffs::at(&values, 30.0, 60.0).unwrap();
        assert_eq!(cutoffs, Cutoffs { head: 30.0, middle: 60.0 });
        assert_eq!([30.0, 31.0, 60.5].map(|value| cutoffs.bucket(value).name()), ["head", "middle", "tail"]);
        assert_eq!(Cutoffs::at(&[], 30.0, 60.0), None);
    }
}
