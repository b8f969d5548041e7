//! Texts to pre-train on: one file a kind of document, and the registry with the share of each.
//!
//! Lines are kept specific: a line that stood in many documents would look like page furniture.

mod dialogue;
mod instructions;
mod lesson;
mod letter;
mod memory;
mod numbers;
mod parallel;
mod plan;
mod reading;
mod story;
mod town;

use crate::sets::weighted;
use crate::split::Split;
use crate::world::{Language, World};
use lang::rng::Rng;

/// A kind of document.
struct Kind {
    name: &'static str,
    /// Parts of the whole, by documents.
    weight: u64,
    generate: fn(&mut Rng, &World, Language) -> String,
}

/// The registry of kinds.
const KINDS: &[Kind] = &[
    Kind { name: "story", weight: 12, generate: story::generate },
    Kind { name: "town", weight: 9, generate: town::generate },
    Kind { name: "reading", weight: 20, generate: reading::generate },
    Kind { name: "memory", weight: 14, generate: memory::generate },
    Kind { name: "lesson", weight: 18, generate: lesson::generate },
    Kind { name: "instructions", weight: 12, generate: instructions::generate },
    Kind { name: "dialogue", weight: 5, generate: dialogue::generate },
    Kind { name: "parallel", weight: 5, generate: parallel::generate },
    Kind { name: "plan", weight: 4, generate: plan::generate },
    Kind { name: "numbers", weight: 2, generate: numbers::generate },
    Kind { name: "letter", weight: 4, generate: letter::generate },
];

/// One clean document.
pub(crate) fn generate(rng: &mut Rng, split: Split, language: Language) -> String {
    let weights: Vec<u64> = KINDS.iter().map(|k| k.weight).collect();
    generate_kind(&KINDS[weighted(rng, &weights)], rng, split, language)
}

fn generate_kind(kind: &Kind, rng: &mut Rng, split: Split, language: Language) -> String {
    let world = World::new(rng, split, language);
    (kind.generate)(rng, &world, language)
}

/// One document of every kind, each with the kind's name: for looking at.
pub fn one_of_each(seed: u64, split: Split, chinese: bool) -> Vec<(&'static str, String)> {
    let language = if chinese { Language::Chinese } else { Language::English };
    KINDS
        .iter()
        .map(|kind| (kind.name, generate_kind(kind, &mut Rng::for_item(seed, kind.name, 0), split, language)))
        .collect()
}
