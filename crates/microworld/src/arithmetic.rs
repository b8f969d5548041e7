//! Addition and subtraction of numbers up to 99, worked digit by digit.
//!
//! The steps are always the same and always complete (a carry of 0 is written too), so that each can be read off the
//! ones before: `Ones: 7 + 8 = 15, write 5, carry 1. Tens: 4 + 3 + 1 = 8. So 47 + 38 = 85.`

use crate::split::Split;
use crate::template::{fill, pick, space_mixed};
use crate::words::{COUNTABLES, Countable, THINGS};
use crate::world::{Language, World};
use lang::rng::Rng;

/// One sum or difference; differences are never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Problem {
    pub(crate) operator: char,
    pub(crate) first: u32,
    pub(crate) second: u32,
}

impl Problem {
    /// A problem of one side of the wall. Operands below 10 are rarer than chance would have them.
    pub(crate) fn draw(rng: &mut Rng, split: Split, operator: char) -> Problem {
        loop {
            let low = if rng.chance(0.9) { 10 } else { 0 };
            let (a, b) = (rng.range(low, 99) as u32, rng.range(low, 99) as u32);
            let (first, second) = if operator == '-' { (a.max(b), a.min(b)) } else { (a, b) };
            if Split::of_operands(operator, first, second) == split {
                return Problem { operator, first, second };
            }
        }
    }

    /// A sum or a difference.
    pub(crate) fn any(rng: &mut Rng, split: Split) -> Problem {
        let operator = if rng.chance(0.5) { '+' } else { '-' };
        Problem::draw(rng, split, operator)
    }

    /// The result.
    pub(crate) fn result(self) -> u32 {
        if self.operator == '+' { self.first + self.second } else { self.first - self.second }
    }

    /// `47 + 38`
    pub(crate) fn expression(self) -> String {
        format!("{} {} {}", self.first, self.operator, self.second)
    }

    /// All steps, ending with the result.
    pub(crate) fn steps(self, language: Language) -> String {
        self.steps_towards(language, self.result())
    }

    /// The steps with a last line that claims `result`: for wrong answers in preference pairs.
    pub(crate) fn steps_towards(self, language: Language, result: u32) -> String {
        let (a, b) = (self.first, self.second);
        let ((a1, a0), (b1, b0)) = ((a / 10, a % 10), (b / 10, b % 10));
        let (ones, digit, moved, tens) = if self.operator == '+' {
            let sum = a0 + b0;
            let carry = sum / 10;
            (format!("{a0} + {b0} = {sum}"), sum % 10, carry, format!("{a1} + {b1} + {carry} = {}", a1 + b1 + carry))
        } else {
            let borrow = u32::from(a0 < b0);
            let top = a0 + 10 * borrow;
            let rest = a1 - b1 - borrow;
            (format!("{top} - {b0} = {}", top - b0), top - b0, borrow, format!("{a1} - {b1} - {borrow} = {rest}"))
        };
        let expression = self.expression();
        match language {
            Language::English => {
                let verb = if self.operator == '+' { "carry" } else { "borrow" };
                format!(
                    "We need {expression}. Ones: {ones}, write {digit}, {verb} {moved}. Tens: {tens}. \
                     So {expression} = {result}."
                )
            }
            Language::Chinese => {
                let verb = if self.operator == '+' { "进" } else { "借" };
                format!(
                    "要算 {expression}。个位：{ones}，写 {digit}，{verb} {moved}。十位：{tens}。\
                     所以 {expression} = {result}。"
                )
            }
        }
    }
}

struct Story {
    question: &'static str,
    /// One sentence with the result.
    conclusion: &'static str,
}

const fn story(question: &'static str, conclusion: &'static str) -> Story {
    Story { question, conclusion }
}

// Slots: {a}, {b} people; {x}, {y} bare numbers; {xs}, {ys}, {rs} numbers with the noun; {n} the noun in the plural;
// {thing} a container or another thing.
const ENGLISH_SUMS: &[Story] = &[
    story("{a} has {xs}. {b} gives {a} {y} more. How many {n} does {a} have now?", "{a} has {rs} now."),
    story("{a} has {xs} and {b} has {ys}. How many {n} do they have together?", "Together they have {rs}."),
    story("{a} found {xs} on Monday and {ys} on Tuesday. How many {n} did {a} find?", "{a} found {rs}."),
    story("There were {xs} in the box. {a} put in {ys} more. How many {n} are in the box?", "The box holds {rs}."),
    story("{a} bought {xs} and then {ys}. How many {n} did {a} buy in all?", "{a} bought {rs} in all."),
    story("{b} sold {xs} in the morning and {ys} at noon. How many {n} did {b} sell?", "{b} sold {rs}."),
];
const ENGLISH_DIFFERENCES: &[Story] = &[
    story("{a} has {xs}. {a} gives {ys} to {b}. How many {n} does {a} have left?", "{a} has {rs} left."),
    story("There were {xs} in the box. {a} took out {ys}. How many {n} are left?", "The box holds {rs} now."),
    story("{a} had {xs}, but {ys} got lost. How many {n} does {a} still have?", "{a} still has {rs}."),
    story("{a} wants {xs} and has {ys}. How many {n} does {a} still need?", "{a} still needs {rs}."),
    story("{b} brought {xs} to the market and sold {ys}. How many {n} were not sold?", "{b} took home {rs}."),
    story("{a} has {xs} and {b} has {ys}. How many more {n} does {a} have?", "{a} has {r} more."),
];
const CHINESE_SUMS: &[Story] = &[
    story("{a}有{xs}，{b}又给了{a}{ys}。{a}现在有多少{m}{n}？", "{a}现在有{rs}。"),
    story("{a}有{xs}，{b}有{ys}。他们一共有多少{m}{n}？", "他们一共有{rs}。"),
    story("{a}星期一找到{xs}，星期二找到{ys}。{a}一共找到多少{m}{n}？", "{a}一共找到{rs}。"),
    story("盒子里有{xs}，{a}又放进去{ys}。盒子里现在有多少{m}{n}？", "盒子里现在有{rs}。"),
    story("{a}先买了{xs}，后来又买了{ys}。{a}一共买了多少{m}{n}？", "{a}一共买了{rs}。"),
    story("{b}上午卖了{xs}，下午卖了{ys}。{b}一共卖了多少{m}{n}？", "{b}一共卖了{rs}。"),
];
const CHINESE_DIFFERENCES: &[Story] = &[
    story("{a}有{xs}，送给{b}{ys}。{a}还剩多少{m}{n}？", "{a}还剩{rs}。"),
    story("盒子里有{xs}，{a}拿走了{ys}。盒子里还剩多少{m}{n}？", "盒子里还剩{rs}。"),
    story("{a}原来有{xs}，丢了{ys}。{a}还有多少{m}{n}？", "{a}还有{rs}。"),
    story("{a}想要{xs}，已经有了{ys}。{a}还差多少{m}{n}？", "{a}还差{rs}。"),
    story("{b}带了{xs}去赶集，卖掉了{ys}。{b}带回家多少{m}{n}？", "{b}带回家{rs}。"),
    story("{a}有{xs}，{b}有{ys}。{a}比{b}多多少{m}{n}？", "{a}多{rs}。"),
];

const ENGLISH_QUESTIONS: &[&str] = &[
    "What is {e}?",
    "How much is {e}?",
    "Work out {e}.",
    "Please calculate {e}.",
    "Can you tell me what {e} is?",
    "Solve {e} step by step.",
    "I need to know {e}.",
];
const CHINESE_QUESTIONS: &[&str] = &[
    "{e}等于多少？",
    "{e}是多少？",
    "请计算{e}。",
    "算一算{e}。",
    "你能算出{e}吗？",
    "请一步一步地计算{e}。",
    "我想知道{e}是多少。",
];

/// A problem put into words and its worked answer.
#[derive(Clone, Debug)]
pub(crate) struct Worked {
    pub(crate) problem: Problem,
    pub(crate) question: String,
    pub(crate) answer: String,
    /// The sentence after the steps, empty for a bare problem.
    conclusion: String,
    language: Language,
}

impl Worked {
    /// A bare problem: "What is 47 + 38?".
    pub(crate) fn bare(rng: &mut Rng, split: Split, language: Language) -> Worked {
        let problem = Problem::any(rng, split);
        let templates = if language == Language::English { ENGLISH_QUESTIONS } else { CHINESE_QUESTIONS };
        let question = pick(rng, templates, &[("e", &problem.expression())]);
        let question = if language == Language::English { question } else { space_mixed(&question) };
        Worked { problem, question, answer: problem.steps(language), conclusion: String::new(), language }
    }

    /// A problem about two people of `world` and their things.
    pub(crate) fn word_problem(rng: &mut Rng, world: &World, language: Language) -> Worked {
        let sum = rng.chance(0.5);
        let problem = loop {
            let drawn = Problem::draw(rng, world.split, if sum { '+' } else { '-' });
            // "1 marble" and "0 marbles" would not fit every sentence.
            if drawn.second >= 2 && drawn.result() >= 2 {
                break drawn;
            }
        };
        let story = rng.choose(match (language, sum) {
            (Language::English, true) => ENGLISH_SUMS,
            (Language::English, false) => ENGLISH_DIFFERENCES,
            (Language::Chinese, true) => CHINESE_SUMS,
            (Language::Chinese, false) => CHINESE_DIFFERENCES,
        });
        let noun: &Countable = rng.choose(COUNTABLES);
        let cast = world.cast(rng, 2);
        let phrase = |n: u32| if language == Language::English { noun.english(n) } else { noun.chinese(n) };
        let (xs, ys, rs) = (phrase(problem.first), phrase(problem.second), phrase(problem.result()));
        let slots = [
            ("a", cast[0].name.as_str()),
            ("b", cast[1].name.as_str()),
            ("xs", &xs),
            ("ys", &ys),
            ("rs", &rs),
            ("y", &problem.second.to_string()),
            ("r", &problem.result().to_string()),
            ("n", if language == Language::English { noun.many } else { noun.zh }),
            ("m", noun.measure),
            ("thing", rng.choose(THINGS).en),
        ];
        let (question, conclusion) = (fill(story.question, &slots), fill(story.conclusion, &slots));
        let (question, conclusion, gap) = match language {
            Language::English => (question, conclusion, " "),
            Language::Chinese => (space_mixed(&question), space_mixed(&conclusion), ""),
        };
        let answer = format!("{}{gap}{conclusion}", problem.steps(language));
        Worked { problem, question, answer, conclusion, language }
    }

    /// The answer with a slip in its result: off by one or by ten.
    pub(crate) fn wrong_answer(&self, rng: &mut Rng) -> String {
        let right = self.problem.result();
        let wrong = match rng.index(4) {
            0 => right + 1,
            1 if right > 0 => right - 1,
            2 if right >= 10 => right - 10,
            _ => right + 10,
        };
        let steps = self.problem.steps_towards(self.language, wrong);
        let conclusion = self.conclusion.replace(&right.to_string(), &wrong.to_string());
        let gap = if conclusion.is_empty() || self.language == Language::Chinese { "" } else { " " };
        format!("{steps}{gap}{conclusion}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_documented() {
        let check = |operator, first, second, language, expected: &str| {
            assert_eq!(Problem { operator, first, second }.steps(language), expected);
        };
        check(
            '+',
            47,
            38,
            Language::English,
            "We need 47 + 38. Ones: 7 + 8 = 15, write 5, carry 1. Tens: 4 + 3 + 1 = 8. So 47 + 38 = 85.",
        );
        check(
            '-',
            42,
            15,
            Language::English,
            "We need 42 - 15. Ones: 12 - 5 = 7, write 7, borrow 1. Tens: 4 - 1 - 1 = 2. So 42 - 15 = 27.",
        );
        check(
            '+',
            95,
            8,
            Language::Chinese,
            "要算 95 + 8。个位：5 + 8 = 13，写 3，进 1。十位：9 + 0 + 1 = 10。所以 95 + 8 = 103。",
        );
    }

    /// Every equation in the steps, read back from the text by another route, is true.
    #[test]
    fn every_written_equation_holds() {
        let pattern = |text: &str| {
            let mut checked = 0;
            let cleaned: String =
                text.chars().map(|c| if c.is_ascii_digit() || "+-= ".contains(c) { c } else { '\n' }).collect();
            for piece in cleaned.lines().filter(|p| p.contains('=')) {
                let (left, right) = piece.split_once('=').unwrap();
                let mut total = 0i64;
                let mut sign = 1;
                for token in left.split_whitespace() {
                    match token {
                        "+" => sign = 1,
                        "-" => sign = -1,
                        number => total += sign * number.parse::<i64>().unwrap(),
                    }
                }
                assert_eq!(total, right.trim().parse::<i64>().unwrap(), "{text}");
                checked += 1;
            }
            checked
        };
        for first in 0..100 {
            for second in 0..100 {
                for language in [Language::English, Language::Chinese] {
                    assert_eq!(pattern(&Problem { operator: '+', first, second }.steps(language)), 3);
                    if first >= second {
                        assert_eq!(pattern(&Problem { operator: '-', first, second }.steps(language)), 3);
                    }
                }
            }
        }
    }
}
