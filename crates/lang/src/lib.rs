//! What every generation of language model shares: token ids, tokenizers, chat and instance formatting, token
//! shards, artifact manifests, the [`LanguageModel`](model::LanguageModel) contract and sampling over it.
//!
//! Nothing here knows a tensor, a particular model, a terminal or a command line.

pub mod artifact;
pub mod chat;
pub mod document;
pub mod instance;
pub mod jinja;
pub mod model;
pub mod rng;
pub mod sampling;
pub mod shards;
pub mod text;
pub mod tokenizer;
pub mod truth;
