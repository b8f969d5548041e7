//! Questions about a context, answered by the full canonical sentence, or by saying that the text does not tell.

use super::{Exchange, by};
use crate::context::Context;
use crate::facts::{Fact, Id};
use crate::template::pick;
use crate::world::{Language, World};
use lang::rng::Rng;

/// Share of questions that the context does not answer.
const UNANSWERABLE_SHARE: f64 = 0.08;

const ENGLISH: &[&str] = &[
    "{context}\n{question}",
    "{context}\n\n{question}",
    "{context}\nQuestion: {question}",
    "Here is a text. {context}\n{question}",
    "Read this: {context}\nNow answer: {question}",
    "Text: {context}\nQuestion: {question}",
    "{context} {question}",
];
const CHINESE: &[&str] = &[
    "{context}\n{question}",
    "{context}\n\n{question}",
    "{context}\n问题：{question}",
    "请看这段话。{context}\n{question}",
    "读一读：{context}\n请回答：{question}",
    "文章：{context}\n问题：{question}",
    "{context}{question}",
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let relation = Id::draw(rng);
    if rng.chance(UNANSWERABLE_SHARE) {
        let context = Context::without(rng, world, language, relation);
        let fact = Fact::of(&context.people[0], relation, language);
        let prompt = ask(rng, &context, &fact);
        let invented = fact.with_wrong_value(rng, world).sentence();
        return Exchange::new(prompt, fact.unknown(), invented);
    }
    let context = Context::about(rng, world, language, &[relation]);
    let fact = &context.facts[0];
    let prompt = ask(rng, &context, fact);
    let wrong = wrong_answer(rng, world, &context);
    Exchange::new(prompt, fact.sentence(), wrong)
}

/// Context and a question about the fact, in one of several lay-outs.
pub(super) fn ask(rng: &mut Rng, context: &Context, fact: &Fact) -> String {
    let question = fact.question(rng);
    ask_in_words(rng, context, &question)
}

/// Context and a question, in one of several lay-outs.
pub(super) fn ask_in_words(rng: &mut Rng, context: &Context, question: &str) -> String {
    pick(rng, by(context.language, ENGLISH, CHINESE), &[("context", &context.text), ("question", question)])
}

/// Often the claim that the text does not tell, so that preferring honesty does not become preferring silence; else another
/// value of the same relation, sometimes only the bare value.
pub(super) fn wrong_answer(rng: &mut Rng, world: &World, context: &Context) -> String {
    let fact = &context.facts[0];
    match rng.index(4) {
        0 if rng.chance(0.5) => fact.value.clone(),
        1 | 2 => fact.unknown(),
        _ => fact.with_wrong_value(rng, world).sentence(),
    }
}
