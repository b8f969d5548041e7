//! The memory game and the whispering game: somebody says a list or a sentence, and others say it again word for word.
//!
//! Half of such a text is a copy of the other half, of words nobody could guess. That is where a model learns to copy from
//! what it has read (induction; Olsson and others, "In-context learning and induction heads", 2022), which every question
//! about a text needs.

use crate::facts::{Fact, Id};
use crate::template::{pick, space_mixed};
use crate::words::{ANIMALS, COLOURS, FOODS, HOBBIES, JOBS, THINGS, Word};
use crate::world::{Language, World};
use lang::rng::Rng;

const OPENINGS: [&[&str]; 2] = [
    &[
        "On a long evening in {town}, {a} and {b} play the memory game.",
        "{a} knows a game for rainy days in {town}: one says it, the other says it again.",
        "In the school of {town}, {a} has to remember what {b} says.",
        "{b} is the messenger of {town} and must not change a word of what {a} says.",
        "The neighbours in {town} are whispering, and {a} begins.",
        "{a} teaches the parrot of {b} to talk in {town}.",
        "Who has the best memory in {town}? {a} and {b} want to know.",
        "{a} calls over the river near {town}, and the echo answers {b}.",
    ],
    &[
        "{town}的晚上很长，{a}和{b}玩起了记忆游戏。",
        "下雨天，{a}在{town}教大家一个游戏：一个人说，另一个人跟着说。",
        "在{town}的学校里，{a}要记住{b}说的话。",
        "{b}是{town}的信使，{a}说的话一个字也不能改。",
        "{town}的邻居们在传话，从{a}开始。",
        "{a}在{town}教{b}的鹦鹉说话。",
        "{town}谁的记性最好？{a}和{b}想知道。",
        "{a}在{town}的河边大声喊，{b}听见了回声。",
    ],
];
const ROUNDS: [&[&str]; 2] = [
    &[
        "{a} says: {words}. {b} repeats: {words}.",
        "{a}: {words}. {b}: {words}.",
        "\"{words},\" says {a}. \"{words},\" says {b}.",
        "First {a} calls {words}. Then {b} calls {words}.",
        "{a} must remember this: {words}. After a while {a} says it again: {words}.",
    ],
    &[
        "{a}说：{words}。{b}跟着说：{words}。",
        "{a}：{words}。{b}：{words}。",
        "“{words}”，{a}说。“{words}”，{b}也说。",
        "{a}先喊{words}，{b}再喊{words}。",
        "{a}要记住：{words}。过了一会儿{a}又说：{words}。",
    ],
];
const WHISPERS: [&[&str]; 2] = [
    &[
        "{a} whispers to {b}: \"{words}\" And {b} whispers to {c}: \"{words}\"",
        "{a} tells {b}: {words} So {b} tells {c}: {words}",
        "{a} asks {b} to say it again. {words} Yes, {words}",
    ],
    &[
        "{a}悄悄告诉{b}：“{words}”{b}又悄悄告诉{c}：“{words}”",
        "{a}对{b}说：{words}{b}对{c}说：{words}",
        "{a}请{b}再说一遍。{words}对，{words}",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let cast = world.cast(rng, 3);
    let [a, b, c] = [cast[0], cast[1], cast[2]].map(|person| person.name.as_str());
    let own = |[english, chinese]: [&'static [&'static str]; 2]| {
        if language == Language::English { english } else { chinese }
    };
    let finish = |text: String| if language == Language::English { text } else { space_mixed(&text) };
    let mut lines = vec![finish(pick(rng, own(OPENINGS), &[("a", a), ("b", b), ("town", &world.town)]))];
    let rounds = 4 + rng.index(3);
    for _ in 0..rounds {
        let (first, second) = if rng.chance(0.5) { (a, b) } else { (b, c) };
        let (templates, words) = if rng.chance(0.65) {
            (own(ROUNDS), list(rng, world, language))
        } else {
            let person = *rng.choose(&world.people.iter().collect::<Vec<_>>());
            let relation = Id::draw(rng);
            (own(WHISPERS), Fact::of(person, relation, language).sentence())
        };
        let slots = [("a", first), ("b", second), ("c", if second == b { c } else { a }), ("words", words.as_str())];
        lines.push(finish(pick(rng, templates, &slots)));
    }
    lines.join("\n")
}

/// Three to eight words that have nothing to do with one another.
fn list(rng: &mut Rng, world: &World, language: Language) -> String {
    let count = 3 + rng.index(6);
    let words: Vec<String> = (0..count).map(|_| item(rng, world, language)).collect();
    words.join(if language == Language::English { ", " } else { "、" })
}

fn item(rng: &mut Rng, world: &World, language: Language) -> String {
    let word = |word: &Word| if language == Language::English { word.en.to_owned() } else { word.zh.to_owned() };
    match rng.index(9) {
        0 | 1 => word(rng.choose(THINGS)),
        2 => word(rng.choose(ANIMALS)),
        3 => word(rng.choose(FOODS)),
        4 => word(rng.choose(COLOURS)),
        5 => rng.range(2, 99).to_string(),
        6 => rng.choose(&world.people).name.clone(),
        7 => rng.choose(&world.places).clone(),
        _ => word(if rng.chance(0.5) { rng.choose(JOBS) } else { rng.choose(HOBBIES) }),
    }
}
