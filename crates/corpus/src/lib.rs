//! From files to a clean corpus: readers, cleaning rules with a recorded reason for every decision, scoring of the
//! cleaning against labels, writers, statistics, and instruction data made from plain text.
//!
//! The way through: [`read::read`] gives [`Document`](lang::document::Document)s and a [`read::ReadReport`];
//! [`clean::clean`] gives the kept documents, one [`clean::Decision`] a document and a [`clean::CleanReport`];
//! [`score::score`] compares the decisions with labels; [`write::write_jsonl`] writes what was kept. Nothing here knows
//! how text is modelled, and no rule knows where its text came from.

pub mod build;
pub mod clean;
pub mod compare;
pub mod convert;
pub mod decided;
pub mod dedup;
mod error;
pub mod extract;
pub mod instances;
pub mod langid;
pub mod mix;
pub mod personal;
pub mod policy;
pub mod quality;
pub mod read;
pub mod sample;
pub mod score;
pub mod signals;
pub mod stats;
pub mod text;
pub mod write;

pub use error::CorpusError;
