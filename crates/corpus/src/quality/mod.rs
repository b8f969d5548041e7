//! Signals that need a list or a model: bad words, lists of addresses, a classifier of quality, perplexity.

mod bad_words;
pub mod classifier;
mod perplexity;
mod url_lists;

pub use bad_words::BadWords;
pub use classifier::{Classifier, Example, TrainConfig, area_under_curve};
pub use perplexity::{Bucket, Cutoffs, Perplexity};
pub use url_lists::{UrlHits, UrlLists};
