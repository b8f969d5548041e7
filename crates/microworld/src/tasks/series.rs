//! Several questions about one text, each asked in a form of its own: many answers to learn from for one text to read.

use super::{Exchange, facts, format};
use crate::context::Context;
use crate::facts::{Id, JSON_RELATIONS};
use crate::world::{Language, World};
use lang::instance::{Extract, Message};
use lang::rng::Rng;

/// Share of questions that ask for a plain sentence; the others ask for a form.
const PLAIN_SHARE: f64 = 0.5;

/// Share of texts that also tell what somebody carries, to be listed.
const LIST_SHARE: f64 = 0.2;
/// Share of the forms that is JSON, where the fact has a key.
const JSON_SHARE: f64 = 0.3;

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let relations = if rng.chance(0.5) { vec![Id::draw(rng)] } else { Id::draw_different(rng, 2) };
    let mut context = Context::about(rng, world, language, &relations);
    let mut about: Vec<About> = (0..context.facts.len()).map(About::Fact).collect();
    rng.shuffle(&mut about);
    about.truncate(2 + rng.index(4));
    if rng.chance(LIST_SHARE) {
        let owner = rng.index(context.people.len());
        let told = format::carrying(&context.people[owner], language);
        context.add(rng, &told);
        about[0] = About::Carried(owner);
        rng.shuffle(&mut about);
    }
    let mut turns: Vec<Message> = Vec::new();
    for about in about {
        let (question, answer) = match about {
            About::Fact(fact) if rng.chance(PLAIN_SHARE) => {
                let fact = &context.facts[fact];
                (fact.question(rng), fact.sentence())
            }
            about => {
                let asked = in_a_form(rng, world, &context, about);
                (asked.instruction, asked.answer)
            }
        };
        let question = if turns.is_empty() { facts::ask_in_words(rng, &context, &question) } else { question };
        turns.push(Message::user(question));
        turns.push(Message::assistant(answer));
    }
    let answer = turns.pop().map(|turn| turn.content).unwrap_or_default();
    Exchange { prompt: turns, wrong: answer.clone(), answer, extract: Extract::Whole }
}

/// What a question is about: a fact or a person's things, by their places in the context.
#[derive(Clone, Copy)]
enum About {
    Fact(usize),
    Carried(usize),
}

fn in_a_form(rng: &mut Rng, world: &World, context: &Context, about: About) -> format::Asked {
    let fact = match about {
        About::Carried(owner) => return format::ask_list(rng, context.language, &context.people[owner]),
        About::Fact(fact) => &context.facts[fact],
    };
    if JSON_RELATIONS.contains(&fact.relation) && rng.chance(JSON_SHARE) {
        return format::ask_json(rng, world, context, std::slice::from_ref(fact));
    }
    let form = rng.choose(&format::FACT_FORMS);
    form(rng, world, context, fact)
}
