//! Reading exercises: a few short texts, each followed by questions and their answers.

use crate::context::Context;
use crate::facts::{Fact, Id};
use crate::world::{Language, World};
use lang::rng::Rng;

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let blocks = 2 + rng.index(2);
    let blocks: Vec<String> = (0..blocks).map(|_| exercise(rng, world, language)).collect();
    blocks.join("\n\n")
}

/// A text and questions about it.
fn exercise(rng: &mut Rng, world: &World, language: Language) -> String {
    let count = if rng.chance(0.6) { 1 } else { 2 + rng.index(2) };
    let relations = Id::draw_different(rng, count);
    let context = Context::about(rng, world, language, &relations);
    let mut asked = context.facts.clone();
    rng.shuffle(&mut asked);
    asked.truncate(3 + rng.index(3));
    let mut lines = vec![context.text];
    lines.extend(asked.iter().map(|fact| question_and_answer(rng, fact, language)));
    lines.join("\n")
}

/// "Question: … Answer: …" on one line.
pub(super) fn question_and_answer(rng: &mut Rng, fact: &Fact, language: Language) -> String {
    let (question, answer) = (fact.question(rng), fact.sentence());
    match language {
        Language::English => format!("Question: {question} Answer: {answer}"),
        Language::Chinese => format!("问：{question}答：{answer}"),
    }
}
