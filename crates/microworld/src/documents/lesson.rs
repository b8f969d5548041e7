//! Arithmetic lessons: a few worked problems, bare or about people and their things.

use crate::arithmetic::Worked;
use crate::template::{pick, space_mixed};
use crate::world::{Language, World};
use lang::rng::Rng;

const OPENINGS: [&[&str]; 2] = [
    &[
        "{a} is learning to add and to take away. The teacher {b} has some problems for today.",
        "In the school of {town} the children work with numbers. Here is what {a} wrote down.",
        "\"Let us begin with the ones and then look at the tens,\" says {b} to {a}.",
        "{a} sits at the table and does the homework that {b} gave.",
        "Today {b} explains to {a} how to work with big numbers.",
        "Numbers are everywhere in {town}. {a} and {b} practise every evening.",
        "{a} keeps a book in which every problem is worked out step by step.",
        "At the market of {town} one has to be quick with numbers, so {a} practises with {b}.",
        "\"First the ones, then the tens,\" {b} always says, and {a} does just that.",
        "It is raining in {town}, and {a} asks {b} for something to work out.",
    ],
    &[
        "{a}在学加法和减法，老师{b}今天出了几道题。",
        "在{town}的学校里，孩子们正在学算数。这是{a}写下来的。",
        "“先算个位，再算十位。”{b}对{a}说。",
        "{a}坐在桌子旁，做{b}布置的作业。",
        "今天{b}教{a}怎样算大一点的数。",
        "在{town}，到处都用得到数字。{a}和{b}每天晚上都练习。",
        "{a}有一个本子，每道题都一步一步写清楚。",
        "在{town}的集市上要算得快，所以{a}跟着{b}练习。",
        "{b}总说先个位、后十位，{a}就照着做。",
        "{town}下雨了，{a}请{b}出几道题来算。",
    ],
];
const CLOSINGS: [&[&str]; 2] = [
    &[
        "\"Well done,\" says {b}, and {a} closes the book.",
        "{a} looks over every step again and finds no mistake.",
        "After so many numbers {a} needs some fresh air in {town}.",
        "Tomorrow {b} will bring new problems for {a}.",
    ],
    &[
        "“做得好。”{b}说，{a}合上了本子。",
        "{a}把每一步又检查了一遍，没有发现错误。",
        "算了这么多，{a}要到{town}的街上走一走。",
        "明天{b}还会给{a}出新的题目。",
    ],
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let cast = world.cast(rng, 2);
    let slots = [("a", cast[0].name.as_str()), ("b", cast[1].name.as_str()), ("town", &world.town)];
    let tell = |rng: &mut Rng, [english, chinese]: [&[&str]; 2]| match language {
        Language::English => pick(rng, english, &slots),
        Language::Chinese => space_mixed(&pick(rng, chinese, &slots)),
    };
    let mut lines = Vec::new();
    if rng.chance(0.9) {
        lines.push(tell(rng, OPENINGS));
    }
    let count = 4 + rng.index(4);
    let style = rng.index(3);
    for _ in 0..count {
        let worked = if rng.chance(0.45) {
            Worked::word_problem(rng, world, language)
        } else {
            Worked::bare(rng, world.split, language)
        };
        let (question, answer) = (&worked.question, &worked.answer);
        lines.push(match (language, style) {
            (Language::English, 0) => format!("{question} {answer}"),
            (Language::English, _) => format!("Question: {question} Answer: {answer}"),
            (Language::Chinese, 0) => format!("{question}{answer}"),
            (Language::Chinese, _) => format!("问：{question}答：{answer}"),
        });
    }
    if rng.chance(0.5) {
        lines.push(tell(rng, CLOSINGS));
    }
    lines.join("\n")
}
