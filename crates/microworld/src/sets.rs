//! Sets of instances: conversations to tune on, preference pairs to align on, held-out items to measure with.

use crate::split::Split;
use crate::tasks::{Exchange, PAIRS, PairKind, TASKS, Task};
use crate::world::{Language, World};
use lang::instance::{Conversation, EvalItem, Message, Preference};
use lang::rng::Rng;
use std::collections::BTreeSet;

/// `count` conversations in a random mix of tasks; the model's turns are right, or of either manner where the task has two.
///
/// Tasks: `facts`, `arithmetic`, `format`, `series`, `dialogue`, `translate`, `plan`, and the two-sided `open`, `honest`, `harmless`.
/// `chinese_share` is the share of conversations in Chinese, in `[0, 1]`.
pub fn conversations(seed: u64, split: Split, count: usize, chinese_share: f64) -> Vec<Conversation> {
    (0..count).map(|index| conversation(seed, split, index, chinese_share)).collect()
}

fn conversation(seed: u64, split: Split, index: usize, chinese_share: f64) -> Conversation {
    let mut rng = Rng::for_item(seed, &split.stream("conversation"), index as u64);
    let rng = &mut rng;
    let language = Language::draw(rng, chinese_share);
    let world = World::new(rng, split, language);
    let weights: Vec<u64> = TASKS.iter().map(|t| t.weight).chain(PAIRS.iter().map(|p| p.weight)).collect();
    let drawn = weighted(rng, &weights);
    let (task, mut messages, answer) = if let Some(task) = TASKS.get(drawn) {
        let exchange = (task.generate)(rng, &world, language);
        (task.name, exchange.prompt, exchange.answer)
    } else {
        let kind = &PAIRS[drawn - TASKS.len()];
        let pair = (kind.generate)(rng, &world, language);
        let answer = if rng.chance(0.5) { pair.chosen } else { pair.rejected };
        (kind.conversation, vec![Message::user(pair.prompt)], answer)
    };
    messages.push(Message::assistant(answer));
    Conversation {
        id: id("talk", split, index),
        messages,
        task: task.to_owned(),
        lang: language.code().to_owned(),
        ..Conversation::default()
    }
}

/// Share of preference pairs that set a right answer against a wrong one. They keep alignment from trading being right for
/// being pleasant.
const CORRECT_SHARE: f64 = 0.4;

/// `count` preference pairs: `correct` (a right against a wrong answer of an exactly measured task), the rest
/// `helpful`, `harmless` and `honest` (manner), in this order of size.
pub fn preferences(seed: u64, split: Split, count: usize, chinese_share: f64) -> Vec<Preference> {
    (0..count).map(|index| preference(seed, split, index, chinese_share)).collect()
}

fn preference(seed: u64, split: Split, index: usize, chinese_share: f64) -> Preference {
    let mut rng = Rng::for_item(seed, &split.stream("preference"), index as u64);
    let rng = &mut rng;
    let language = Language::draw(rng, chinese_share);
    let world = World::new(rng, split, language);
    let (task, prompt, chosen, rejected) = if !rng.chance(CORRECT_SHARE) {
        let weights: Vec<u64> = PAIRS.iter().map(|p| p.pair_weight).collect();
        let PairKind { name, generate, .. } = &PAIRS[weighted(rng, &weights)];
        let pair = generate(rng, &world, language);
        (*name, vec![Message::user(pair.prompt)], pair.chosen, pair.rejected)
    } else {
        let paired: Vec<&Task> = TASKS.iter().filter(|t| t.paired).collect();
        let task = rng.choose(&paired);
        let exchange = (task.generate)(rng, &world, language);
        ("correct", exchange.prompt, exchange.answer, exchange.wrong)
    };
    let lang = language.code().to_owned();
    Preference { id: id("pair", split, index), prompt, chosen, rejected, task: task.to_owned(), lang }
}

/// `count_per_task` held-out items for each of `facts`, `arithmetic` and `format`, no prompt twice, in this order.
pub fn evaluation(seed: u64, count_per_task: usize, chinese_share: f64) -> Vec<EvalItem> {
    let mut seen = BTreeSet::new();
    let mut items = Vec::with_capacity(count_per_task * 3);
    for task in TASKS.iter().filter(|t| t.evaluated) {
        let stream = Split::HeldOut.stream(&format!("evaluation/{}", task.name));
        // There are far more prompts than anybody asks for, so a fresh one turns up soon.
        let mut draws = (0u64..).map(|draw| {
            let mut rng = Rng::for_item(seed, &stream, draw);
            let language = Language::draw(&mut rng, chinese_share);
            let world = World::new(&mut rng, Split::HeldOut, language);
            (language, (task.generate)(&mut rng, &world, language))
        });
        for index in 0..count_per_task {
            let Some((language, exchange)) = draws.find(|(_, e)| seen.insert(e.question().to_owned())) else { break };
            items.push(eval_item(task, index, language, exchange));
        }
    }
    items
}

fn eval_item(task: &Task, index: usize, language: Language, exchange: Exchange) -> EvalItem {
    EvalItem {
        id: format!("{}-{index:05}", task.name),
        task: task.name.to_owned(),
        prompt: exchange.prompt,
        answer: exchange.answer,
        extract: exchange.extract,
        lang: language.code().to_owned(),
    }
}

fn id(kind: &str, split: Split, index: usize) -> String {
    match split {
        Split::Train => format!("mw-{kind}-{index:06}"),
        Split::HeldOut => format!("mw-{kind}-held-out-{index:06}"),
    }
}

/// An index drawn with probability proportional to its weight.
pub(crate) fn weighted(rng: &mut Rng, weights: &[u64]) -> usize {
    let mut left = rng.below(weights.iter().sum());
    for (index, &weight) in weights.iter().enumerate() {
        if left < weight {
            return index;
        }
        left -= weight;
    }
    0
}
