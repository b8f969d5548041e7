//! Instructions in plain text with what was answered: the forms that tuning will ask for, seen once before.

use crate::tasks::{Exchange, TASKS};
use crate::template::{pick, space_mixed};
use crate::world::{Language, World};
use lang::rng::Rng;

const OPENINGS: [&[&str]; 2] = [
    &[
        "{a} gives short tasks, and {b} answers exactly as asked.",
        "In {town} there is a clever helper. {a} wrote down what it was asked and what it said.",
        "{a} and {b} play a game: one of them gives a task and the other must do just that.",
        "These are notes of {a} from {town}, with tasks and answers.",
        "{b} likes clear instructions. Here are some that {a} gave.",
        "{a} is testing how well {b} can follow instructions.",
        "A good answer does what was asked and nothing more, as {a} shows here to {b}.",
        "The school of {town} has an exam today. This is the paper of {a}.",
    ],
    &[
        "{a}出一些小任务，{b}照着要求回答。",
        "{town}有一个聪明的帮手。{a}记下了大家的要求和它的回答。",
        "{a}和{b}在玩一个游戏：一个人出题，另一个人照做。",
        "这是{town}的{a}记下的要求和回答。",
        "{b}喜欢清楚的要求，下面是{a}提出的几个。",
        "{a}想看看{b}能不能按要求回答。",
        "好的回答要正好符合要求，{a}这样教{b}。",
        "{town}的学校今天考试，这是{a}的卷子。",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let cast = world.cast(rng, 2);
    let slots = [("a", cast[0].name.as_str()), ("b", cast[1].name.as_str()), ("town", &world.town)];
    let [english, chinese] = OPENINGS;
    let mut blocks = vec![match language {
        Language::English => pick(rng, english, &slots),
        Language::Chinese => space_mixed(&pick(rng, chinese, &slots)),
    }];
    let single: Vec<_> = TASKS.iter().filter(|t| t.paired && t.name != "arithmetic").collect();
    let count = 3 + rng.index(3);
    for _ in 0..count {
        // Mostly forms: the other tasks have documents of their own.
        let task = if rng.chance(0.8) { single[single.len() - 1] } else { single[0] };
        blocks.push(block(&(task.generate)(rng, world, language), language));
    }
    blocks.join("\n")
}

/// Prompt and answer on one line where the answer is one line.
fn block(exchange: &Exchange, language: Language) -> String {
    let (question, answer) = (exchange.question(), &exchange.answer);
    match (language, answer.contains('\n')) {
        (Language::English, false) => format!("{question} Answer: {answer}"),
        (Language::English, true) => format!("{question} Answer:\n{answer}"),
        (Language::Chinese, false) => format!("{question}答：{answer}"),
        (Language::Chinese, true) => format!("{question}答：\n{answer}"),
    }
}
