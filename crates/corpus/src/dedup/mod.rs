//! Duplicates at every level, in bounded memory: documents ([`DocumentDedup`]), parts of documents ([`SpanDedup`]: lines,
//! sentences, paragraphs, exact substrings), and evaluation sets ([`Decontaminator`]).
//!
//! Keys are hashed and sorted outside memory. All files but the results are temporary, checksummed, and gone afterwards.
//!
//! Documents are handed over in the order of the corpus; a [`Fingerprinter`] may work on many threads meanwhile. The
//! verdicts come back in the same order, so that what follows needs no table of documents either:
//!
//! ```
//! use corpus::dedup::{DocumentDedup, DocumentOptions};
//!
//! let scratch = std::env::temp_dir();
//! let mut dedup = DocumentDedup::new(&DocumentOptions::default(), 64 << 20, &scratch)?;
//! for (id, text) in [("a", "The same text."), ("b", "Another one."), ("c", "the SAME text.")] {
//!     dedup.add(id, text)?;
//! }
//! let mut verdicts = dedup.finish()?;
//! assert_eq!(verdicts.summary().kept, 2);
//! assert!(verdicts.of(0)?.is_some_and(|verdict| verdict.kept()));
//! assert!(verdicts.of(1)?.is_none());
//! assert_eq!(verdicts.of(2)?.map(|verdict| verdict.representative), Some(0));
//! # Ok::<(), corpus::CorpusError>(())
//! ```

mod budget;
mod components;
mod document;
mod evaluation_items;
mod fingerprint;
mod normalise;
mod permutations;
mod plain_words;
mod plan;
mod presets;
mod scratch;
mod set;
mod shingles;
mod sorter;
mod spans;
mod store;
mod units;
mod verdicts;

pub(crate) use scratch::Scratch;
pub(crate) use sorter::{Record, Sorter};

pub use budget::Budget;
pub use document::{DocumentDedup, LEAST_MEMORY};
pub use evaluation_items::{EvaluationItem, read_evaluation_items};
pub use fingerprint::{Fingerprint, Fingerprinter, LARGEST_SET, similarity};
pub use normalise::Normalisation;
pub use permutations::{Least, MERSENNE, Permutations};
pub use plan::{DedupPlan, plan};
pub use presets::{DocumentOptions, Family, NearOptions, PRESETS, Representative, THRESHOLD, best_bands};
pub use set::{Decontaminator, Hit, Rule, SET_PRESETS, SetOptions};
pub use shingles::{Shingle, ShingleHash};
pub use spans::{Cut, Keep, SPAN_PRESETS, SpanDedup, SpanKeys, SpanOptions, SpanRemovals, SpanSummary};
pub use units::Unit;
pub use verdicts::{Clusters, Member, Reason, Summary, Verdict, Verdicts};
