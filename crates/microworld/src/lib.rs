//! A seeded generator of a small consistent world told in English and Chinese, with planted noise and the truth beside it.
//!
//! A world is a town with six to ten people; each has a home, a pet, a job, a friend and so on. Worlds come in thousands,
//! each told in one document or asked about in one question, so that nothing can be known by heart: a model has to read.
//! The words of the world (animals, colours, jobs, …) are few and shared; who has what differs from world to world, and
//! names of people and places are new combinations of known syllables.
//!
//! **Splits.** [`Split::Train`] and [`Split::HeldOut`] share no name of a person or a place and no pair of operands, by a
//! hash of the name or the pair itself (see [`Split::of_name`]), whatever the seeds. Facts and question instances are about
//! people, so they are never shared either. (Single digits still meet in the steps of a sum, as they must.)
//!
//! **Determinism.** Item `i` of every set is a function of the configuration and `i` only: equal on every machine, and
//! free to be made in any order. No floating-point result decides anything but `chance`, which is exact.
//!
//! What each module answers: `split` (which side is this name on), `names`, `words`, `world` (who lives here),
//! `facts` (how is a fact worded and asked), `context` (a text to read), `arithmetic`, `plans`, `documents` (text to
//! pre-train on), `tasks` (what a tuned model is asked), `sets` (conversations, preferences, evaluation), `noise` (what is
//! planted), `corpus`, `shingles` (how alike are two texts).

mod arithmetic;
mod context;
mod corpus;
mod documents;
mod facts;
mod names;
mod noise;
mod plans;
mod sets;
pub mod shingles;
mod split;
mod tasks;
mod template;
mod words;
mod world;

pub use corpus::{CorpusConfig, corpus, document};
pub use documents::one_of_each;
pub use noise::NoiseConfig;
pub use sets::{conversations, evaluation, preferences};
pub use split::{HELD_OUT_SHARE, Split};

/// Version of the generator: it changes whenever the text for a seed changes, so that artifacts made by an older one are
/// not taken for the same.
pub const GENERATOR_VERSION: u32 = 5;
