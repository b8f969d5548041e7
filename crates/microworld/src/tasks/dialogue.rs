//! Conversations of several turns: a greeting first, two questions about one text, thanks at the end.

use super::{Exchange, by, facts};
use crate::arithmetic::Worked;
use crate::context::Context;
use crate::facts::Id;
use crate::world::{Language, World};
use lang::instance::{Extract, Message};
use lang::rng::Rng;

const GREETINGS: [&[(&str, &str)]; 2] = [
    &[
        ("Hello!", "Hello! What would you like to know?"),
        ("Good morning.", "Good morning! What can I do for you?"),
        ("Hi there.", "Hi! What would you like to know?"),
        ("Good evening!", "Good evening! What can I do for you?"),
        ("Hello, can you help me?", "Hello! Yes, I will gladly help you."),
        ("I have a question.", "I am listening. What would you like to know?"),
    ],
    &[
        ("你好！", "你好！你想知道什么？"),
        ("早上好。", "早上好！我能帮你做什么？"),
        ("嗨。", "嗨！你想知道什么？"),
        ("晚上好！", "晚上好！我能帮你做什么？"),
        ("你好，可以帮帮我吗？", "你好！当然可以，我很乐意帮你。"),
        ("我有一个问题。", "请说。你想知道什么？"),
    ],
];
const THANKS: [&[(&str, &str)]; 2] = [
    &[
        ("Thank you!", "You are welcome!"),
        ("Thanks, that helps.", "I am glad that I could help."),
        ("That is all. Goodbye!", "Goodbye, and have a nice day!"),
    ],
    &[("谢谢！", "不客气！"), ("谢谢，这很有用。", "能帮上忙我很高兴。"), ("就这些，再见！", "再见，祝你愉快！")],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let mut turns: Vec<Message> = Vec::new();
    let add = |turns: &mut Vec<Message>, pair: &(&str, &str)| {
        turns.push(Message::user(pair.0));
        turns.push(Message::assistant(pair.1));
    };
    let [english, chinese] = GREETINGS;
    if rng.chance(0.5) {
        add(&mut turns, rng.choose(by(language, english, chinese)));
    }
    if rng.chance(0.8) {
        let relations = Id::draw_different(rng, 2);
        let context = Context::about(rng, world, language, &relations);
        let first = &context.facts[0];
        turns.push(Message::user(facts::ask(rng, &context, first)));
        turns.push(Message::assistant(first.sentence()));
        if rng.chance(0.7) {
            let second = &context.facts[1];
            let question = second.question(rng);
            turns.push(Message::user(match (language, rng.index(3)) {
                (Language::English, 0) => format!("And one more thing. {question}"),
                (Language::Chinese, 0) => format!("还有一个问题。{question}"),
                _ => question,
            }));
            turns.push(Message::assistant(second.sentence()));
        }
    } else {
        let worked = Worked::bare(rng, world.split, language);
        turns.push(Message::user(worked.question));
        turns.push(Message::assistant(worked.answer));
    }
    let [english, chinese] = THANKS;
    if rng.chance(0.4) || turns.len() < 4 {
        add(&mut turns, rng.choose(by(language, english, chinese)));
    }
    let answer = turns.pop().map(|m| m.content).unwrap_or_default();
    Exchange { prompt: turns, wrong: answer.clone(), answer, extract: Extract::Whole }
}
