//! One simple sentence put into the other language. Names stay in Latin letters, so that the answer is determined.

use super::{Exchange, by};
use crate::facts::{Fact, Id};
use crate::template::pick;
use crate::world::{Language, World};
use lang::rng::Rng;

const TO_CHINESE: [&[&str]; 2] = [
    &[
        "Translate into Chinese: {s}",
        "How do you say this in Chinese? {s}",
        "Put this sentence into Chinese: {s}",
        "Write in Chinese: {s}",
    ],
    &["请翻译成中文：{s}", "这句话用中文怎么说？{s}", "把这句英文译成中文：{s}", "请用中文写出这句话：{s}"],
];
const TO_ENGLISH: [&[&str]; 2] = [
    &[
        "Translate into English: {s}",
        "How do you say this in English? {s}",
        "Put this sentence into English: {s}",
        "Write in English: {s}",
    ],
    &["请翻译成英文：{s}", "这句话用英文怎么说？{s}", "把这句中文译成英文：{s}", "请用英文写出这句话：{s}"],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    // A Chinese prompt needs a world with Latin names too.
    let latin;
    let world = if language == Language::English {
        world
    } else {
        latin = World::new(rng, world.split, Language::English);
        &latin
    };
    let person = rng.choose(&world.people);
    let relation = Id::draw(rng);
    let english = Fact::of(person, relation, Language::English);
    let chinese = Fact::of(person, relation, Language::Chinese);
    let to_chinese = rng.chance(0.5);
    let (source, target) = if to_chinese { (&english, &chinese) } else { (&chinese, &english) };
    let [first, second] = if to_chinese { TO_CHINESE } else { TO_ENGLISH };
    let prompt = pick(rng, by(language, first, second), &[("s", &source.sentence())]);
    let wrong = if rng.chance(0.4) { source.sentence() } else { target.with_wrong_value(rng, world).sentence() };
    Exchange::new(prompt, target.sentence(), wrong)
}
