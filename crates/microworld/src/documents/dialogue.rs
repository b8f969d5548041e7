//! People of the town talking with each other, each about themselves.

use crate::facts::{Fact, Id};
use crate::template::{fill, pick, space_mixed};
use crate::world::{Language, World};
use lang::rng::Rng;

/// A question and what can be answered to it: `{v}` is the value, `{you}` the one who is asked.
type Talk = (&'static str, &'static [&'static str]);

/// What two people say about a fact of one of them.
struct Turn {
    /// Only read by the test that the table is in the relations' order.
    #[cfg_attr(not(test), expect(dead_code))]
    relation: Id,
    english: &'static [Talk],
    chinese: &'static [Talk],
}

const TURNS: &[Turn] = &[
    Turn {
        relation: Id::Home,
        english: &[
            ("Where do you live now, {you}?", &["I live in {v}.", "In {v}, and I like it there."]),
            (
                "Do you still live so far away, {you}?",
                &["Yes, I live in {v}.", "My house is in {v}, next to the old mill."],
            ),
        ],
        chinese: &[
            ("{you}，你现在住在哪里？", &["我住在{v}。", "住在{v}，我很喜欢那里。"]),
            ("{you}，你还住得那么远吗？", &["是啊，我住在{v}。", "我家在{v}，就在老磨坊旁边。"]),
        ],
    },
    Turn {
        relation: Id::Pet,
        english: &[
            ("Do you have a pet, {you}?", &["I have a pet {v}.", "Yes, a(n) {v}, and it sleeps in my bed."]),
            (
                "What is that noise at your door, {you}?",
                &["That is my {v}. It is always hungry.", "It is only the {v}. It is my pet."],
            ),
        ],
        chinese: &[
            ("{you}，你养动物吗？", &["我养了一{m}{v}。", "养了一{m}{v}，它睡在我床上。"]),
            ("{you}，你家门口是什么声音？", &["那是我的{v}，它总是饿。", "没什么，是我养的{v}。"]),
        ],
    },
    Turn {
        relation: Id::Colour,
        english: &[
            ("Which colour shall I paint your chair, {you}?", &["Take {v}, please.", "My favourite colour is {v}."]),
            ("What is your favourite colour, {you}?", &["My favourite colour is {v}.", "I like {v} best."]),
        ],
        chinese: &[
            ("{you}，你的椅子刷什么颜色？", &["请用{v}吧。", "我最喜欢的颜色是{v}。"]),
            ("{you}，你最喜欢什么颜色？", &["我最喜欢的颜色是{v}。", "我最爱{v}。"]),
        ],
    },
    Turn {
        relation: Id::Food,
        english: &[
            (
                "What shall I cook when you visit me, {you}?",
                &["I like to eat {v}.", "With {v} on the table I am always happy."],
            ),
            ("Are you hungry, {you}?", &["Yes! Do you have any {v}?", "Very much. I would like some {v}."]),
        ],
        chinese: &[
            ("{you}，你来做客，我做什么给你吃？", &["我爱吃{v}。", "有{v}我就高兴。"]),
            ("{you}，你饿了吗？", &["饿了！你有{v}吗？", "很饿，我想吃{v}。"]),
        ],
    },
    Turn {
        relation: Id::Job,
        english: &[
            ("What do you do all day, {you}?", &["I work as a(n) {v}.", "I am a(n) {v}, so I get up early."]),
            (
                "How is your work, {you}?",
                &["Being a(n) {v} is hard, but I like it.", "I am still a(n) {v}, and there is much to do."],
            ),
        ],
        chinese: &[
            ("{you}，你整天忙些什么？", &["我的职业是{v}。", "我是{v}，所以起得很早。"]),
            ("{you}，你的工作怎么样？", &["当{v}很辛苦，可是我喜欢。", "我还是{v}，事情很多。"]),
        ],
    },
    Turn {
        relation: Id::Friend,
        english: &[
            (
                "With whom do you go to the feast, {you}?",
                &["With {v}, as always.", "With my best friend, and that is {v}."],
            ),
            (
                "Who is your best friend, {you}?",
                &["My best friend is {v}.", "{v} is my best friend, we know each other well."],
            ),
        ],
        chinese: &[
            ("{you}，你跟谁一起去过节？", &["跟{v}一起，每年都这样。", "跟我最好的朋友{v}一起。"]),
            ("{you}，谁是你最好的朋友？", &["我最好的朋友是{v}。", "{v}是我最好的朋友，我们很熟。"]),
        ],
    },
    Turn {
        relation: Id::Thing,
        english: &[
            ("What is that in your hand, {you}?", &["It is a(n) {v}. Do you like it?", "I own a(n) {v} now."]),
            ("What did you bring from the market, {you}?", &["A new {v}. It was not expensive.", "I bought a(n) {v}."]),
        ],
        chinese: &[
            ("{you}，你手里是什么？", &["是一{m}{v}，你喜欢吗？", "我现在有一{m}{v}了。"]),
            ("{you}，你从集市带回来什么？", &["一{m}新的{v}，不贵。", "我买了一{m}{v}。"]),
        ],
    },
    Turn {
        relation: Id::Count,
        english: &[
            (
                "Do you still collect {noun}, {you}?",
                &["Yes, I have {v} {noun} by now.", "Of course. It is {v} already."],
            ),
            ("How many {noun} do you have, {you}?", &["I have {v} {noun}.", "I counted them this morning: {v}."]),
        ],
        chinese: &[
            ("{you}，你还在收集{noun}吗？", &["是啊，已经有{v}{m}{noun}了。", "当然，都有{v}{m}了。"]),
            ("{you}，你有多少{m}{noun}？", &["我有{v}{m}{noun}。", "今天早上数过，一共{v}{m}。"]),
        ],
    },
    Turn {
        relation: Id::Age,
        english: &[
            ("How old are you, {you}?", &["I am {v} years old.", "I turned {v} this year."]),
            (
                "Is it your birthday today, {you}?",
                &["Yes, and now I am {v}.", "It was last week. I am {v} years old now."],
            ),
        ],
        chinese: &[
            ("{you}，你今年多大？", &["我今年{v}岁。", "我今年满{v}岁了。"]),
            ("{you}，今天是你的生日吗？", &["是啊，我已经{v}岁了。", "上个星期就过了，我今年{v}岁。"]),
        ],
    },
    Turn {
        relation: Id::Hobby,
        english: &[
            (
                "What do you do in the evening, {you}?",
                &["When I have time, I enjoy {v}.", "My hobby is {v}, and so I am never bored."],
            ),
            ("Do you have a hobby, {you}?", &["My hobby is {v}.", "Nothing makes me as happy as {v}."]),
        ],
        chinese: &[
            ("{you}，你晚上做什么？", &["有空的时候我喜欢{v}。", "我的爱好是{v}，所以从来不无聊。"]),
            ("{you}，你有什么爱好？", &["我的爱好是{v}。", "没有什么比{v}更让我开心。"]),
        ],
    },
];

const OPENINGS: [&[&str]; 2] = [
    &[
        "{a} and {b} meet at the well of {town}.",
        "{a} is on the way to {place} when {b} comes along.",
        "After the rain {a} and {b} stand at the gate of {town} and talk.",
        "{a} visits {b} for the first time since winter.",
        "On the bench in front of the school sit {a} and {b}.",
        "{b} has not seen {a} for a long time.",
        "{a} is waiting for the cart to {place}, and so is {b}.",
        "At the market of {place} {a} runs into {b}.",
    ],
    &[
        "{a}和{b}在{town}的井边碰见了。",
        "{a}在去{place}的路上遇见了{b}。",
        "雨停了，{a}和{b}站在{town}的门口聊天。",
        "过完冬天，{a}第一次去看{b}。",
        "学校前面的长椅上坐着{a}和{b}。",
        "{b}很久没有见到{a}了。",
        "{a}在等去{place}的车，{b}也在等。",
        "在{place}的集市上，{a}碰到了{b}。",
    ],
];
const REACTIONS: [&[&str]; 2] = [
    &[
        "That is good to hear, {other}.",
        "I did not know that.",
        "Really? {other}, you surprise me.",
        "How nice!",
        "I thought so.",
        "So I have heard from {c}.",
        "Then you must meet {c}.",
        "I will remember that.",
    ],
    &[
        "那真好，{other}。",
        "这我还不知道。",
        "真的吗？{other}，没想到啊。",
        "真不错！",
        "我猜也是。",
        "我听{c}说过。",
        "那你应该认识一下{c}。",
        "我会记住的。",
    ],
];
const REPORTS: [&[&str]; 2] = [
    &[
        "Now {c} knows it too: {told}",
        "{c} has heard every word. {told}",
        "At home {c} tells what the two said. {told}",
        "Later {c} asks what was new. {told}",
        "So this is what {c} can learn from them: {told}",
    ],
    &[
        "现在{c}也知道了：{told}",
        "{c}每句话都听见了。{told}",
        "{c}回家后讲了他们说的话。{told}",
        "后来{c}问有什么新鲜事。{told}",
        "{c}听完就明白了：{told}",
    ],
];
const FAREWELLS: [&[&str]; 2] = [
    &[
        "Then they say goodbye, because {a} has to be in {place} before dark.",
        "When the bell rings, {b} has to leave.",
        "They talk for a long time, until {c} calls them.",
        "\"Come and see me soon,\" says {a}, and {b} nods.",
    ],
    &[
        "然后他们道别了，因为{a}要在天黑以前赶到{place}。",
        "钟响了，{b}该走了。",
        "他们聊了很久，直到{c}来叫他们。",
        "“有空来看我。”{a}说，{b}点了点头。",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let cast = world.cast(rng, 3);
    let english = language == Language::English;
    let place = rng.choose(&world.places[1..]);
    let choose = |[first, second]: [&'static [&'static str]; 2]| if english { first } else { second };
    let spaced = |text: String| if english { text } else { space_mixed(&text) };
    let slots = [
        ("a", &*cast[0].name),
        ("b", &*cast[1].name),
        ("c", &*cast[2].name),
        ("town", &*world.town),
        ("place", &**place),
    ];
    let mut lines = vec![spaced(pick(rng, choose(OPENINGS), &slots))];
    let style = rng.index(2);
    let say = |who: &str, what: &str| match (english, style) {
        (true, 0) => format!("{who}: {what}"),
        (true, _) => format!("{who} says: \"{what}\""),
        (false, 0) => format!("{who}：{what}"),
        (false, _) => format!("{who}说：“{what}”"),
    };
    let mut said: Vec<Fact> = Vec::new();
    let count = 3 + rng.index(3);
    for (turn, relation) in Id::draw_different(rng, count).into_iter().enumerate() {
        let (asker, asked) = if turn % 2 == 0 { (cast[0], cast[1]) } else { (cast[1], cast[0]) };
        let fact = Fact::of(asked, relation, language);
        let entry = &TURNS[relation as usize];
        let (question, answers) = *rng.choose(if english { entry.english } else { entry.chinese });
        let (measure, noun) = fact.measure_and_noun();
        let slots = [("you", &*asked.name), ("v", &*fact.value), ("m", measure), ("noun", noun)];
        let question = fill(question, &slots);
        let answer = pick(rng, answers, &slots);
        lines.push(say(&asker.name, &spaced(question)));
        lines.push(say(&asked.name, &spaced(answer)));
        if rng.chance(0.35) {
            let reaction = pick(rng, choose(REACTIONS), &[("other", &*asked.name), ("c", &*cast[2].name)]);
            lines.push(say(&asker.name, &spaced(reaction)));
        }
        said.push(fact);
    }
    if rng.chance(0.6) {
        lines.push(spaced(pick(rng, choose(FAREWELLS), &slots)));
    }
    // What was learned, as others would tell it.
    rng.shuffle(&mut said);
    said.truncate(2);
    let told: Vec<String> = said.iter().map(Fact::sentence).collect();
    let told = crate::context::join(&told, language);
    lines.push(pick(rng, choose(REPORTS), &[("c", &cast[2].name), ("told", &told)]));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_in_the_order_of_the_relations() {
        for (index, turn) in TURNS.iter().enumerate() {
            assert_eq!(turn.relation as usize, index);
        }
    }
}
