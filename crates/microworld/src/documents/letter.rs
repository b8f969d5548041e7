//! Letters: somebody writes to a friend about others and about what happened.

use super::story::scene;
use crate::context::join;
use crate::facts::{Fact, Id};
use crate::template::pick;
use crate::world::{Language, World};
use lang::rng::Rng;

const OPENINGS: [&[&str]; 2] = [
    &[
        "Dear {b}, I am writing to you from {place}, where I arrived yesterday.",
        "Dear {b}, thank you for your letter from {town}.",
        "Dear {b}, you asked me how we all are, so here is the news from {place}.",
        "My dear {b}, it is late in {place}, but I want to write to you before I sleep.",
        "Dear {b}, how are you and how is the weather in {town}?",
        "Hello {b}, the post to {town} leaves in an hour, so I will be quick.",
    ],
    &[
        "亲爱的{b}：我昨天到了{place}，现在给你写信。",
        "亲爱的{b}：谢谢你从{town}寄来的信。",
        "亲爱的{b}：你问大家怎么样，我就说说{place}的新闻。",
        "亲爱的{b}：{place}已经很晚了，可是睡觉以前我想给你写几句。",
        "亲爱的{b}：你好吗？{town}的天气怎么样？",
        "{b}你好：去{town}的邮车一小时后就走，我写得快一点。",
    ],
];
const BETWEEN: [&[&str]; 2] = [
    &[
        "You may remember {c}.",
        "I must tell you about {c}.",
        "Yesterday I met {c} again.",
        "And do you know {c}?",
        "{c} sends you greetings.",
    ],
    &["你可能还记得{c}。", "我得跟你说说{c}。", "昨天我又见到了{c}。", "你认识{c}吗？", "{c}向你问好。"],
];
const NEWS: [&[&str]; 2] = [
    &[
        "Now listen to what happened here.",
        "There is also a story to tell.",
        "You will not believe this:",
        "People talk of nothing else in {place}.",
    ],
    &["再听听这里发生的事。", "还有一个故事要讲给你听。", "说来你都不信：", "{place}的人都在说这件事。"],
];
const CLOSINGS: [&[&str]; 2] = [
    &[
        "Please write soon. Your {a}.",
        "I hope to see you in {town} before the winter. Yours, {a}.",
        "Give my love to everybody in {town}. {a}.",
        "That is all for today, my candle is burning down. Your friend {a}.",
    ],
    &[
        "请早点回信。你的{a}。",
        "希望冬天以前能在{town}见到你。{a}。",
        "替我问候{town}的每个人。{a}。",
        "今天就写到这里，蜡烛快烧完了。你的朋友{a}。",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let cast = world.cast(rng, 4);
    let place = rng.choose(&world.places[1..]);
    let mut paragraphs = Vec::new();
    let tell = |rng: &mut Rng, c: &str, [english, chinese]: [&[&str]; 2]| {
        let slots =
            [("a", &*cast[0].name), ("b", &*cast[1].name), ("c", c), ("town", &*world.town), ("place", &**place)];
        pick(rng, if language == Language::English { english } else { chinese }, &slots)
    };
    let mut first = vec![tell(rng, "", OPENINGS)];
    for person in &cast[2..] {
        first.push(tell(rng, &person.name, BETWEEN));
        let count = 2 + rng.index(2);
        first.extend(
            Id::draw_different(rng, count).into_iter().map(|r| Fact::of(person, r, language).varied_sentence(rng, 0.2)),
        );
    }
    paragraphs.push(join(&first, language));
    let news = scene(rng, world, language, &[&cast[0].name, &cast[1].name]);
    paragraphs.push(join(&[tell(rng, "", NEWS), news], language));
    paragraphs.push(join(&[tell(rng, "", CLOSINGS)], language));
    paragraphs.join("\n")
}
