//! Facts about numbers: neighbours, digits, even and odd, which is greater.

use crate::template::{fill, space_mixed};
use crate::words::{COUNTABLES, choose_different};
use crate::world::{Language, World};
use lang::rng::Rng;

const SENTENCES: [&[&str]; 2] = [
    &[
        "{n} comes right after {before} and right before {after}.",
        "{n} is an {even} number, and so is {n2}.",
        "In the number {n} the tens digit is {tens} and the ones digit is {ones}.",
        "{high} is greater than {low}, so {a} with {high} {things} has more than {b} with {low}.",
        "{a} counts: {n}, {after}, {after2}, {after3}.",
        "{a} counts backwards: {n}, {before}, {before2}, {before3}.",
        "{low} is less than {high}, because {low} comes first when {b} counts.",
        "The last digit of {n} is {ones}, and therefore {n} is {even}.",
        "In {town} there is a house with the number {n}, between the houses {before} and {after}.",
        "When {a} swaps the digits of {n}, the result is {ones}{tens}.",
        "{n} people came to {town} on the first day and {n} on the second, the same number.",
        "{b} is number {n} in the line, so the next one is number {after}.",
    ],
    &[
        "{n}在{before}的后面，在{after}的前面。",
        "{n}是{zeven}，{n2}也是{zeven}。",
        "{n}里面有{tens}个十和{ones}个一。",
        "{high}比{low}大，所以有{high}{m}{zthings}的{a}比有{low}{m}的{b}多。",
        "{a}往上数：{n}，{after}，{after2}，{after3}。",
        "{a}倒着数：{n}，{before}，{before2}，{before3}。",
        "{low}比{high}小，因为{b}数数时先数到{low}。",
        "{n}的个位是{ones}，所以{n}是{zeven}。",
        "{town}有一座{n}号房子，在{before}号和{after}号中间。",
        "{a}把{n}的两个数字换一下位置，就成了{ones}{tens}。",
        "第一天有{n}个人来到{town}，第二天也是{n}个，一样多。",
        "{b}排在第{n}位，下一个人就是第{after}位。",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let [english, chinese] = SENTENCES;
    let count = 7 + rng.index(4);
    let templates = choose_different(rng, if language == Language::English { english } else { chinese }, count);
    let sentences: Vec<String> =
        templates.into_iter().map(|template| sentence(rng, world, language, template)).collect();
    let middle = count / 2;
    let (first, second) = sentences.split_at(middle);
    format!("{}\n{}", crate::context::join(first, language), crate::context::join(second, language))
}

fn sentence(rng: &mut Rng, world: &World, language: Language, template: &str) -> String {
    let cast = world.cast(rng, 2);
    let counted = rng.choose(COUNTABLES);
    // Two different digits, the last not 0, so that they can be swapped.
    let (tens, mut ones) = (rng.range(1, 9), rng.range(1, 8));
    if ones >= tens {
        ones += 1;
    }
    let number = tens * 10 + ones;
    let other = 2 * rng.range(5, 48) + number % 2;
    let (x, mut y) = (rng.range(2, 99), rng.range(2, 99));
    if x == y {
        y += 1;
    }
    let text = |n: i64| n.to_string();
    let numbers = [
        ("n", text(number)),
        ("n2", text(other)),
        ("before", text(number - 1)),
        ("before2", text(number - 2)),
        ("before3", text(number - 3)),
        ("after", text(number + 1)),
        ("after2", text(number + 2)),
        ("after3", text(number + 3)),
        ("tens", text(tens)),
        ("ones", text(ones)),
        ("low", text(x.min(y))),
        ("high", text(x.max(y))),
    ];
    let mut slots: Vec<(&str, &str)> = numbers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let even = number % 2 == 0;
    slots.extend([
        ("a", cast[0].name.as_str()),
        ("b", cast[1].name.as_str()),
        ("town", &world.town),
        ("even", if even { "even" } else { "odd" }),
        ("zeven", if even { "双数" } else { "单数" }),
        ("things", counted.many),
        ("zthings", counted.zh),
        ("m", counted.measure),
    ]);
    match language {
        Language::English => fill(template, &slots),
        Language::Chinese => space_mixed(&fill(template, &slots)),
    }
}
