//! Tasks of several steps, told with who does what and why in this order, and asked about afterwards.

use crate::plans::{PLANS, Plan};
use crate::template::{fill, pick, space_mixed};
use crate::words::choose_different;
use crate::world::{Language, Person, World};
use lang::rng::Rng;

const OPENINGS: [&[&str]; 2] = [
    &[
        "{a} wants to {goal}, and {b} will help.",
        "In {town} {a} and {b} have planned for today to {goal}.",
        "\"I would like to {goal},\" says {a} to {b}. \"Where do we begin?\"",
        "To {goal} is not hard if one does it in the right order, as {a} and {b} know.",
        "How does one {goal}? {a} explains it to {b}.",
    ],
    &[
        "{a}想{goal}，{b}来帮忙。",
        "今天在{town}，{a}和{b}打算{goal}。",
        "“我想{goal}，”{a}对{b}说，“从哪里开始呢？”",
        "只要按顺序来，{goal}并不难，{a}和{b}都知道。",
        "怎样{goal}呢？{a}讲给{b}听。",
    ],
];
const FIRST: [&[&str]; 2] = [
    &[
        "First {who} has to {step}, because {why}.",
        "{who} begins and goes to {step}, for {why}.",
        "The first thing for {who} is to {step}, since {why}.",
    ],
    &["首先{who}要{step}，因为{why}。", "{who}先{step}，因为{why}。", "第一件事，{who}要{step}，因为{why}。"],
];
const NEXT: [&[&str]; 2] = [
    &[
        "Then {who} has to {step}, because {why}.",
        "When this is done, {who} can {step}, for {why}.",
        "Only after that may {who} {step}, since {why}.",
        "The next step is for {who} to {step}, because {why}.",
        "Now it is time for {who} to {step}: {why}.",
    ],
    &[
        "然后{who}要{step}，因为{why}。",
        "做完以后，{who}才能{step}，因为{why}。",
        "接下来轮到{who}{step}，因为{why}。",
        "下一步是{who}{step}，因为{why}。",
        "现在{who}该{step}了：{why}。",
    ],
];
const CLOSINGS: [&[&str]; 2] = [
    &[
        "In the end {a} and {b} are tired but happy.",
        "So in one day {a} has learned how to {goal}.",
        "If {a} had left out one step, all the work would have been for nothing.",
    ],
    &["最后{a}和{b}都累了，可是很高兴。", "就这样，{a}学会了{goal}。", "{a}要是少做一步，前面的就白做了。"],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let cast = world.cast(rng, 3);
    let plans = choose_different(rng, PLANS, 2);
    let paragraphs: Vec<String> = plans.iter().map(|plan| tell(rng, world, language, plan, &cast)).collect();
    paragraphs.join("\n")
}

fn tell(rng: &mut Rng, world: &World, language: Language, plan: &Plan, cast: &[&Person]) -> String {
    let english = language == Language::English;
    let choose = |[first, second]: [&'static [&'static str]; 2]| if english { first } else { second };
    let (a, b) = if rng.chance(0.5) { (cast[0], cast[1]) } else { (cast[1], cast[2]) };
    let slots = [("a", &*a.name), ("b", &*b.name), ("town", &*world.town), ("goal", plan.goal(language))];
    let mut sentences = vec![pick(rng, choose(OPENINGS), &slots)];
    let steps = plan.steps(language);
    for (index, step) in steps.iter().enumerate() {
        let who = if rng.chance(0.5) { a } else { b };
        let templates = if index == 0 { choose(FIRST) } else { choose(NEXT) };
        sentences.push(pick(rng, templates, &[("who", &who.name), ("step", step.action), ("why", step.reason)]));
    }
    if rng.chance(0.5) {
        sentences.push(pick(rng, choose(CLOSINGS), &slots));
    }
    let index = 1 + rng.index(steps.len() - 1);
    let before = plan.before(language, index, &a.name);
    let question = match language {
        Language::English => fill(
            "Question: {a} wants to {goal}. What must {a} do right before this step: {step}? Answer: {before}",
            &[("a", &a.name), ("goal", plan.goal(language)), ("step", steps[index].action), ("before", &before)],
        ),
        Language::Chinese => fill(
            "问：{a}想{goal}。在“{step}”之前，{a}要先做什么？答：{before}",
            &[("a", &a.name), ("goal", plan.goal(language)), ("step", steps[index].action), ("before", &before)],
        ),
    };
    let story = crate::context::join(&sentences, language);
    if english { format!("{story}\n{question}") } else { format!("{story}\n{}", space_mixed(&question)) }
}
