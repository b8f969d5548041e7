//! Measures any [`LanguageModel`](lang::model::LanguageModel): questions with an exact answer, preferences between two
//! answers, and bits per byte of held-out text, with intervals, and in the files of lm-evaluation-harness.
//!
//! | question | answer |
//! |---|---|
//! | which share of the questions is answered right? | [`exact_match`] |
//! | how often is the preferred answer the likelier one? | [`preference_accuracy`] |
//! | how well is unseen text predicted? | [`bits_per_byte`] |
//! | how sure is a share? | [`Score`] |
//! | where do other programs read it? | [`HarnessResults`] |
//!
//! Items are worked on in parallel and put together in their order, so results do not depend on threads.

mod compare;
mod error;
mod exact;
mod harness;
mod held_out;
mod preference;
mod score;
#[cfg(test)]
mod scripted;

pub use compare::{extracted, is_correct};
pub use error::EvalError;
pub use exact::{ExactMatch, Finish, Sample, exact_match};
pub use harness::HarnessResults;
pub use held_out::{HeldOut, bits_per_byte};
pub use preference::{PreferenceAccuracy, PreferenceSample, PreferenceScore, preference_accuracy};
pub use score::{Score, wilson_interval};

/// Told after each finished item: (items done, items in all). Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);
