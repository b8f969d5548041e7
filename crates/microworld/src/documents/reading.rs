//! Reading exercises: a few short texts, each followed by questions and their answers.

use crate::context::Context;
use crate::facts::{Fact, Id};
use crate::template::space_mixed;
use crate::world::{Language, World};
use lang::rng::Rng;

/// Share of exercises that are answered by values instead of sentences.
const SHORT_SHARE: f64 = 0.5;

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
    let is_short = rng.chance(SHORT_SHARE);
    lines.extend(asked.iter().map(|fact| {
        if is_short { question_and_value(rng, fact, language) } else { question_and_answer(rng, fact, language) }
    }));
    lines.join("\n")
}

/// "Question: … The colour: …" on one line. The value follows no words of the text it is found in, so that a copy of what
/// followed them before does not find it: name and relation must.
fn question_and_value(rng: &mut Rng, fact: &Fact, language: Language) -> String {
    let (question, kind, value) = (fact.question(rng), fact.wording().kind, &fact.value);
    match language {
        Language::English => format!("Question: {question} The {kind}: {value}"),
        Language::Chinese => space_mixed(&format!("问：{question}{kind}：{value}")),
    }
}

/// "Question: … Answer: …" on one line.
pub(super) fn question_and_answer(rng: &mut Rng, fact: &Fact, language: Language) -> String {
    let (question, answer) = (fact.question(rng), fact.sentence());
    match language {
        Language::English => format!("Question: {question} Answer: {answer}"),
        Language::Chinese => format!("问：{question}答：{answer}"),
    }
}
