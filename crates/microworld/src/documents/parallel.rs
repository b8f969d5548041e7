//! The same sentences in both languages. Names stay in Latin letters, as in the translation task.

use crate::facts::{Fact, Id};
use crate::template::{fill, space_mixed};
use crate::words::{ANIMALS, FOODS, THINGS};
use crate::world::{Language, World};
use lang::rng::Rng;

/// Sentences that are not facts of the registry.
const SENTENCES: &[(&str, &str)] = &[
    ("{a} and {b} walk to {place} together.", "{a}和{b}一起走路去{place}。"),
    ("{a} gives {b} some {food}.", "{a}给了{b}一些{zfood}。"),
    ("Where is the {animal} of {a}?", "{a}的{zanimal}在哪里？"),
    ("{a} cannot find the {thing}.", "{a}找不到{zthing}。"),
    ("{b} is waiting for {a} in {place}.", "{b}在{place}等{a}。"),
    ("It is raining in {place} today.", "今天{place}在下雨。"),
    ("{a} is tired because the way was long.", "{a}很累，因为路很远。"),
    ("{a} saw a(n) {animal} near {place}.", "{a}在{place}附近看见了一{am}{zanimal}。"),
    ("{b} bought a(n) {thing} for {a}.", "{b}给{a}买了一{tm}{zthing}。"),
    ("If it snows, {a} stays at home.", "如果下雪，{a}就待在家里。"),
    ("{a} is younger than {b}.", "{a}比{b}年轻。"),
    ("{b} sings, and {a} listens.", "{b}唱歌，{a}听着。"),
    ("Tomorrow {a} will visit {b}.", "明天{a}要去看{b}。"),
    ("{a} does not like {food}.", "{a}不喜欢{zfood}。"),
    ("There is a(n) {thing} on the table.", "桌子上有一{tm}{zthing}。"),
    ("The {animal} sleeps under the tree.", "{zanimal}睡在树下。"),
    ("{a} asks {b} the way to {place}.", "{a}向{b}问去{place}的路。"),
    ("Everybody in {place} knows {a}.", "{place}的人都认识{a}。"),
    ("{a} washes the {thing} in the river.", "{a}在河里洗{zthing}。"),
    ("Thank you for the {food}, {a}!", "谢谢你的{zfood}，{a}！"),
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    // The names must be Latin in both languages.
    let latin;
    let world = if language == Language::English {
        world
    } else {
        latin = World::new(rng, world.split, Language::English);
        &latin
    };
    let count = 5 + rng.index(4);
    let style = rng.index(3);
    let mut lines = Vec::new();
    for _ in 0..count {
        let (english, chinese) = if rng.chance(0.6) { fact(rng, world) } else { sentence(rng, world) };
        lines.push(match (language, style) {
            (Language::English, 0) => format!("English: {english}\nChinese: {chinese}"),
            (Language::English, 1) => format!("In Chinese, \"{english}\" is {chinese}"),
            (Language::English, _) => format!("Translate into Chinese: {english} Answer: {chinese}"),
            (Language::Chinese, 0) => format!("中文：{chinese}\n英文：{english}"),
            (Language::Chinese, 1) => format!("{chinese}用英文说就是：{english}"),
            (Language::Chinese, _) => format!("请翻译成英文：{chinese}答：{english}"),
        });
    }
    lines.join("\n")
}

fn fact(rng: &mut Rng, world: &World) -> (String, String) {
    let person = rng.choose(&world.people);
    let relation = Id::draw(rng);
    let [english, chinese] =
        [Language::English, Language::Chinese].map(|language| Fact::of(person, relation, language).sentence());
    (english, chinese)
}

fn sentence(rng: &mut Rng, world: &World) -> (String, String) {
    let cast = world.cast(rng, 2);
    let (animal, food, thing) = (rng.choose(ANIMALS), rng.choose(FOODS), rng.choose(THINGS));
    let slots = [
        ("a", cast[0].name.as_str()),
        ("b", &cast[1].name),
        ("place", rng.choose::<String>(&world.places)),
        ("animal", animal.en),
        ("zanimal", animal.zh),
        ("am", animal.measure),
        ("food", food.en),
        ("zfood", food.zh),
        ("thing", thing.en),
        ("zthing", thing.zh),
        ("tm", thing.measure),
    ];
    let (english, chinese) = rng.choose(SENTENCES);
    (fill(english, &slots), space_mixed(&fill(chinese, &slots)))
}
