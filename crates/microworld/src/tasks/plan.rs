//! The steps towards a goal, and what must come before a step.

use super::{Exchange, by};
use crate::plans::PLANS;
use crate::template::{pick, space_mixed};
use crate::world::{Language, World};
use lang::rng::Rng;

const ENGLISH_ALL: &[&str] = &[
    "{name} wants to {goal}. Make a plan.",
    "How can {name} {goal}? List the steps.",
    "What are the steps for {name} to {goal}?",
    "Please give {name} a plan to {goal}.",
];
const CHINESE_ALL: &[&str] = &[
    "{name}想{goal}。请做一个计划。",
    "{name}怎样才能{goal}？请列出步骤。",
    "{name}要{goal}，有哪些步骤？",
    "请给{name}一个{goal}的计划。",
];
const ENGLISH_BEFORE: &[&str] = &[
    "{name} wants to {goal}. What must {name} do right before this step: {step}?",
    "To {goal}, {name} has to {step}. What comes right before that?",
];
const CHINESE_BEFORE: &[&str] =
    &["{name}想{goal}。在“{step}”之前，{name}要先做什么？", "{name}想{goal}，其中一步是“{step}”。这一步前面是什么？"];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let plan = rng.choose(PLANS);
    let name = rng.choose(&world.people).name.clone();
    let steps = plan.steps(language);
    let index = 1 + rng.index(steps.len() - 1);
    let whole = rng.chance(0.6);
    let templates =
        if whole { by(language, ENGLISH_ALL, CHINESE_ALL) } else { by(language, ENGLISH_BEFORE, CHINESE_BEFORE) };
    let slots = [("name", &*name), ("goal", plan.goal(language)), ("step", steps[index].action)];
    let prompt = pick(rng, templates, &slots);
    let prompt = by(language, prompt.clone(), space_mixed(&prompt));
    let (all, before) = (plan.numbered(language), plan.before(language, index, &name));
    if whole { Exchange::new(prompt, all, before) } else { Exchange::new(prompt, before, all) }
}
