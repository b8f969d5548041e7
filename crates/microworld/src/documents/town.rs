//! Descriptions of a town and of the people who live there, with questions at the end.

use super::reading::question_and_answer;
use crate::context::join;
use crate::facts::{Fact, Id};
use crate::template::{pick, space_mixed};
use crate::world::{Language, World};
use lang::rng::Rng;

const SITES: [&[&str]; 2] = [
    &[
        "{town} lies on a hill above the river.",
        "{town} is a small town between two lakes.",
        "If you walk from {place} to the north for an hour, you come to {town}.",
        "{town} is famous for its market.",
        "There are {n} houses in {town}, and most of them have a garden.",
        "The streets of {town} are narrow, but they are full of life.",
        "Between {place} and the sea lies {town}.",
        "{town} is older than {place}, and its tower is higher.",
        "Whoever visits {town} will soon want to come back.",
        "On old maps {town} is only a dot next to {place}.",
    ],
    &[
        "{town}在河边的小山上。",
        "{town}是两个湖之间的一个小地方。",
        "从{place}往北走一个小时，就到了{town}。",
        "{town}的集市很有名。",
        "{town}有{n}座房子，大多数都有院子。",
        "{town}的街道很窄，可是很热闹。",
        "{town}在{place}和大海之间。",
        "{town}比{place}更古老，塔也更高。",
        "来过{town}的人，都想再来一次。",
        "在旧地图上，{town}只是{place}旁边的一个小点。",
    ],
];
const DETAILS: [&[&str]; 2] = [
    &[
        "In winter the snow is so deep that people leave their houses through the windows.",
        "Every {n} days a cart brings news from {place}.",
        "The well in the middle of {town} never runs dry.",
        "Behind the mill of {town} stands a tree that is {n} years old.",
        "When the bell of {town} rings, everybody stops working.",
        "The people of {town} and of {place} like to tease each other.",
        "The bridge to {place} was built by hand, stone by stone.",
        "At night only the lamps of {town} shine in the dark valley.",
        "Children from {place} go to school in {town}.",
        "There are more cats than people in {town}.",
    ],
    &[
        "冬天{town}的雪很深，人们要从窗户出门。",
        "每过{n}天，就有一辆车从{place}带来消息。",
        "{town}中间的那口井从来不干。",
        "{town}的磨坊后面有一棵{n}年的老树。",
        "{town}的钟一响，大家就放下手里的活。",
        "{town}的人和{place}的人喜欢互相开玩笑。",
        "通往{place}的桥是用石头一块一块砌起来的。",
        "到了夜里，黑黑的山谷里只有{town}的灯亮着。",
        "{place}的孩子都到{town}来上学。",
        "{town}的猫比人还多。",
    ],
];
const BRIDGES: [&[&str]; 2] = [
    &[
        "Let us meet some people of {town}.",
        "Here is what one should know about the people there.",
        "Who lives in and around {town}?",
        "Some of the people are known to everybody in {town}.",
        "Now a few words about the neighbours in {town}.",
    ],
    &[
        "我们来认识几个{town}的人。",
        "说说{town}的邻居们吧。",
        "{town}一带住着哪些人呢？",
        "有几个人，{town}谁都认识。",
        "下面介绍{town}的几个人。",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let place = rng.choose(&world.places[1..]).clone();
    let tell = |rng: &mut Rng, [english, chinese]: [&[&str]; 2]| {
        let number = rng.range(7, 99).to_string();
        let templates = if language == Language::English { english } else { chinese };
        let text = pick(rng, templates, &[("town", &world.town), ("place", &place), ("n", &number)]);
        if language == Language::English { text } else { space_mixed(&text) }
    };
    let mut opening = vec![tell(rng, SITES), tell(rng, DETAILS)];
    if rng.chance(0.4) {
        let more = tell(rng, DETAILS);
        if !opening.contains(&more) {
            opening.push(more);
        }
    }
    if rng.chance(0.7) {
        opening.push(tell(rng, BRIDGES));
    }
    // Each person in one paragraph of two or three facts.
    let count = 2 + rng.index(2);
    let mut facts: Vec<Fact> = Vec::new();
    let mut paragraphs = vec![join(&opening, language)];
    for person in world.cast(rng, count) {
        let number = 2 + rng.index(2);
        let told: Vec<Fact> =
            Id::draw_different(rng, number).into_iter().map(|r| Fact::of(person, r, language)).collect();
        let sentences: Vec<String> = told.iter().map(|f| f.varied_sentence(rng, 0.15)).collect();
        paragraphs.push(join(&sentences, language));
        facts.extend(told);
    }
    rng.shuffle(&mut facts);
    facts.truncate(3 + rng.index(2));
    paragraphs.extend(facts.iter().map(|f| question_and_answer(rng, f, language)));
    paragraphs.join("\n")
}
