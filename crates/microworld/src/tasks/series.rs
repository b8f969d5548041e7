//! Several questions about one text, each asked in a form of its own: many answers to learn from for one text to read.

use super::{Exchange, facts, format};
use crate::context::Context;
use crate::facts::Id;
use crate::world::{Language, World};
use lang::instance::{Extract, Message};
use lang::rng::Rng;

/// Share of questions that ask for a plain sentence; the others ask for a form.
const PLAIN_SHARE: f64 = 0.5;

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let relations = if rng.chance(0.5) { vec![Id::draw(rng)] } else { Id::draw_different(rng, 2) };
    let context = Context::about(rng, world, language, &relations);
    let mut asked: Vec<_> = context.facts.iter().collect();
    rng.shuffle(&mut asked);
    asked.truncate(2 + rng.index(4));
    let mut turns: Vec<Message> = Vec::new();
    for fact in asked {
        let is_first = turns.is_empty();
        let (question, answer) = if rng.chance(PLAIN_SHARE) {
            let question = if is_first { facts::ask(rng, &context, fact) } else { fact.question(rng) };
            (question, fact.sentence())
        } else {
            let form = rng.choose(&format::FACT_FORMS);
            let asked = form(rng, world, &context, fact);
            let question =
                if is_first { format!("{}\n{}", context.text, asked.instruction) } else { asked.instruction };
            (question, asked.answer)
        };
        turns.push(Message::user(question));
        turns.push(Message::assistant(answer));
    }
    let answer = turns.pop().map(|turn| turn.content).unwrap_or_default();
    Exchange { prompt: turns, wrong: answer.clone(), answer, extract: Extract::Whole }
}
