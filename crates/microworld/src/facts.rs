//! What can be true of a person: one [`Relation`] a kind of fact, with its sentences and questions in both languages.
//!
//! Each relation has one canonical sentence, which is also the full answer to its questions; the paraphrases say the
//! same in other words and are used now and then. Slots: `{name}`, `{value}`, `{m}` (Chinese measure word), `{noun}`
//! (what is counted).

use crate::template::{fill, space_mixed};
use crate::words::{ANIMALS, COLOURS, FOODS, HOBBIES, JOBS, THINGS, Word, choose_different};
use crate::world::{Language, Person, World};
use lang::rng::Rng;

/// How one relation is worded in one language.
#[derive(Debug)]
pub(crate) struct Wording {
    pub(crate) canonical: &'static str,
    pub(crate) paraphrases: &'static [&'static str],
    /// The first can follow a comma ("What do you think, where does …").
    pub(crate) questions: &'static [&'static str],
    pub(crate) unknown: &'static str,
    pub(crate) yes_no: &'static str,
    /// What the value is, as in "answer with only the place".
    pub(crate) kind: &'static str,
    /// Key of a JSON object.
    pub(crate) key: &'static str,
}

/// A kind of fact.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) id: Id,
    pub(crate) english: Wording,
    pub(crate) chinese: Wording,
}

/// Which relation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Id {
    Home,
    Pet,
    Colour,
    Food,
    Job,
    Friend,
    Thing,
    Count,
    Age,
    Hobby,
}

/// The registry of relations.
pub(crate) const RELATIONS: &[Relation] = &[
    Relation {
        id: Id::Home,
        english: Wording {
            canonical: "{name} lives in {value}.",
            paraphrases: &["{name}'s home is in {value}.", "The home of {name} is in {value}."],
            questions: &["Where does {name} live?", "In which place does {name} live?", "Where is {name}'s home?"],
            unknown: "The text does not say where {name} lives.",
            yes_no: "Does {name} live in {value}?",
            kind: "place",
            key: "home",
        },
        chinese: Wording {
            canonical: "{name}住在{value}。",
            paraphrases: &["{name}的家在{value}。"],
            questions: &["{name}住在哪里？", "{name}住在什么地方？", "{name}的家在哪里？"],
            unknown: "文中没有说{name}住在哪里。",
            yes_no: "{name}住在{value}吗？",
            kind: "地名",
            key: "住处",
        },
    },
    Relation {
        id: Id::Pet,
        english: Wording {
            canonical: "{name} has a pet {value}.",
            paraphrases: &["{name}'s pet is a(n) {value}.", "{name} keeps a(n) {value} as a pet."],
            questions: &["What pet does {name} have?", "Which animal is {name}'s pet?", "What is {name}'s pet?"],
            unknown: "The text does not say what pet {name} has.",
            yes_no: "Does {name} have a pet {value}?",
            kind: "animal",
            key: "pet",
        },
        chinese: Wording {
            canonical: "{name}养了一{m}{value}。",
            paraphrases: &["{name}的宠物是一{m}{value}。"],
            questions: &["{name}养了什么动物？", "{name}的宠物是什么？", "{name}养的是什么动物？"],
            unknown: "文中没有说{name}养了什么动物。",
            yes_no: "{name}养了一{m}{value}吗？",
            kind: "动物",
            key: "宠物",
        },
    },
    Relation {
        id: Id::Colour,
        english: Wording {
            canonical: "{name}'s favourite colour is {value}.",
            paraphrases: &["{name} likes {value} best of all colours.", "The colour {name} loves most is {value}."],
            questions: &["What is {name}'s favourite colour?", "Which colour does {name} like best?"],
            unknown: "The text does not say what {name}'s favourite colour is.",
            yes_no: "Is {name}'s favourite colour {value}?",
            kind: "colour",
            key: "colour",
        },
        chinese: Wording {
            canonical: "{name}最喜欢的颜色是{value}。",
            paraphrases: &["{name}最爱的颜色就是{value}。", "在所有颜色里，{name}最爱{value}。"],
            questions: &["{name}最喜欢的颜色是什么？", "{name}最喜欢什么颜色？"],
            unknown: "文中没有说{name}最喜欢什么颜色。",
            yes_no: "{name}最喜欢的颜色是{value}吗？",
            kind: "颜色",
            key: "颜色",
        },
    },
    Relation {
        id: Id::Food,
        english: Wording {
            canonical: "{name} likes to eat {value}.",
            paraphrases: &["{name}'s favourite food is {value}.", "The food {name} likes most is {value}."],
            questions: &["What does {name} like to eat?", "What is {name}'s favourite food?"],
            unknown: "The text does not say what {name} likes to eat.",
            yes_no: "Does {name} like to eat {value}?",
            kind: "food",
            key: "food",
        },
        chinese: Wording {
            canonical: "{name}爱吃{value}。",
            paraphrases: &["{name}最喜欢的食物是{value}。", "{name}最爱的食物是{value}。"],
            questions: &["{name}爱吃什么？", "{name}喜欢吃什么？", "{name}最喜欢的食物是什么？"],
            unknown: "文中没有说{name}爱吃什么。",
            yes_no: "{name}爱吃{value}吗？",
            kind: "食物",
            key: "食物",
        },
    },
    Relation {
        id: Id::Job,
        english: Wording {
            canonical: "{name} works as a(n) {value}.",
            paraphrases: &["{name} earns a living as a(n) {value}.", "{name}'s job is that of a(n) {value}."],
            questions: &["What is {name}'s job?", "What does {name} work as?", "What does {name} do for work?"],
            unknown: "The text does not say what {name}'s job is.",
            yes_no: "Does {name} work as a(n) {value}?",
            kind: "job",
            key: "job",
        },
        chinese: Wording {
            canonical: "{name}的职业是{value}。",
            paraphrases: &["{name}是一名{value}。"],
            questions: &["{name}的职业是什么？", "{name}做什么工作？", "{name}是做什么的？"],
            unknown: "文中没有说{name}的职业是什么。",
            yes_no: "{name}的职业是{value}吗？",
            kind: "职业",
            key: "职业",
        },
    },
    Relation {
        id: Id::Friend,
        english: Wording {
            canonical: "{name}'s best friend is {value}.",
            paraphrases: &["The best friend of {name} is {value}.", "{name} has a best friend called {value}."],
            questions: &["Who is {name}'s best friend?", "Who is the best friend of {name}?"],
            unknown: "The text does not say who {name}'s best friend is.",
            yes_no: "Is {name}'s best friend {value}?",
            kind: "name",
            key: "friend",
        },
        chinese: Wording {
            canonical: "{name}最好的朋友是{value}。",
            paraphrases: &["跟{name}最要好的人是{value}。"],
            questions: &["{name}最好的朋友是谁？", "谁是{name}最好的朋友？"],
            unknown: "文中没有说{name}最好的朋友是谁。",
            yes_no: "{name}最好的朋友是{value}吗？",
            kind: "名字",
            key: "朋友",
        },
    },
    Relation {
        id: Id::Thing,
        english: Wording {
            canonical: "{name} owns a(n) {value}.",
            paraphrases: &["{name} is the owner of a(n) {value}.", "Among {name}'s things is a(n) {value}."],
            questions: &["What does {name} own?", "Which thing belongs to {name}?"],
            unknown: "The text does not say what {name} owns.",
            yes_no: "Does {name} own a(n) {value}?",
            kind: "thing",
            key: "thing",
        },
        chinese: Wording {
            canonical: "{name}有一{m}{value}。",
            paraphrases: &["{name}的家里有一{m}{value}。", "{name}的东西里有一{m}{value}。"],
            questions: &["{name}有什么东西？", "{name}有一件什么东西？"],
            unknown: "文中没有说{name}有什么东西。",
            yes_no: "{name}有一{m}{value}吗？",
            kind: "东西",
            key: "东西",
        },
    },
    Relation {
        id: Id::Count,
        english: Wording {
            canonical: "{name} has {value} {noun}.",
            paraphrases: &["{name} has collected {value} {noun}.", "The number of {name}'s {noun} is {value}."],
            questions: &["How many {noun} does {name} have?", "How many {noun} has {name} got?"],
            unknown: "The text does not say how many {noun} {name} has.",
            yes_no: "Does {name} have {value} {noun}?",
            kind: "number",
            key: "count",
        },
        chinese: Wording {
            canonical: "{name}有{value}{m}{noun}。",
            paraphrases: &["{name}收集了{value}{m}{noun}。", "{name}一共有{value}{m}{noun}。"],
            questions: &["{name}有多少{m}{noun}？", "{name}的{noun}有多少{m}？"],
            unknown: "文中没有说{name}有多少{m}{noun}。",
            yes_no: "{name}有{value}{m}{noun}吗？",
            kind: "数字",
            key: "数量",
        },
    },
    Relation {
        id: Id::Age,
        english: Wording {
            canonical: "{name} is {value} years old.",
            paraphrases: &["{name}'s age is {value}.", "{name} turned {value} this year."],
            questions: &["How old is {name}?", "What is {name}'s age?"],
            unknown: "The text does not say how old {name} is.",
            yes_no: "Is {name} {value} years old?",
            kind: "number",
            key: "age",
        },
        chinese: Wording {
            canonical: "{name}今年{value}岁。",
            paraphrases: &["{name}的年龄是{value}岁。", "{name}已经{value}岁了。"],
            questions: &["{name}今年多大？", "{name}今年多少岁？", "{name}的年龄是多少？"],
            unknown: "文中没有说{name}今年多大。",
            yes_no: "{name}今年{value}岁吗？",
            kind: "数字",
            key: "年龄",
        },
    },
    Relation {
        id: Id::Hobby,
        english: Wording {
            canonical: "{name}'s hobby is {value}.",
            paraphrases: &["In the evening {name} enjoys {value}.", "The hobby of {name} is {value}."],
            questions: &["What is {name}'s hobby?", "What does {name} do for fun?"],
            unknown: "The text does not say what {name}'s hobby is.",
            yes_no: "Is {name}'s hobby {value}?",
            kind: "hobby",
            key: "hobby",
        },
        chinese: Wording {
            canonical: "{name}的爱好是{value}。",
            paraphrases: &["{name}晚上喜欢{value}。", "{name}有空就喜欢{value}。"],
            questions: &["{name}的爱好是什么？", "{name}有什么爱好？"],
            unknown: "文中没有说{name}的爱好是什么。",
            yes_no: "{name}的爱好是{value}吗？",
            kind: "爱好",
            key: "爱好",
        },
    },
];

/// Relations whose value fits into a JSON string.
pub(crate) const JSON_RELATIONS: &[Id] = &[Id::Home, Id::Pet, Id::Colour, Id::Food, Id::Job, Id::Friend, Id::Hobby];

impl Id {
    /// The relation's entry in the registry.
    pub(crate) fn relation(self) -> &'static Relation {
        // The registry is in the order of the enum, which a test checks.
        &RELATIONS[self as usize]
    }

    /// A relation drawn from the whole registry.
    pub(crate) fn draw(rng: &mut Rng) -> Id {
        rng.choose(RELATIONS).id
    }

    /// `count` different relations in random order.
    pub(crate) fn draw_different(rng: &mut Rng, count: usize) -> Vec<Id> {
        choose_different(rng, RELATIONS, count).into_iter().map(|r| r.id).collect()
    }
}

/// One fact, ready to be worded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) relation: Id,
    pub(crate) name: String,
    pub(crate) value: String,
    measure: &'static str,
    noun: &'static str,
    language: Language,
}

impl Fact {
    /// What is true of `person`.
    pub(crate) fn of(person: &Person, relation: Id, language: Language) -> Fact {
        let english = language == Language::English;
        let word = |w: &'static Word| if english { w.en.to_owned() } else { w.zh.to_owned() };
        let (value, measure, noun) = match relation {
            Id::Home => (person.home.clone(), "", ""),
            Id::Pet => (word(person.pet), person.pet.measure, ""),
            Id::Colour => (word(person.colour), "", ""),
            Id::Food => (word(person.food), "", ""),
            Id::Job => (word(person.job), "", ""),
            Id::Friend => (person.friend.clone(), "", ""),
            Id::Thing => (thing(person.thing_colour, person.thing, language), person.thing.measure, ""),
            Id::Count => {
                let noun = if english { person.counted.many } else { person.counted.zh };
                (person.count.to_string(), person.counted.measure, noun)
            }
            Id::Age => (person.age.to_string(), "", ""),
            Id::Hobby => (word(person.hobby), "", ""),
        };
        Fact { relation, name: person.name.clone(), value, measure, noun, language }
    }

    /// The same fact with a value that is not true: another of its kind, from `world` for names and places.
    pub(crate) fn with_wrong_value(&self, rng: &mut Rng, world: &World) -> Fact {
        let mut wrong = self.clone();
        while wrong.value == self.value {
            (wrong.value, wrong.measure) = self.propose(rng, world);
        }
        wrong
    }

    fn propose(&self, rng: &mut Rng, world: &World) -> (String, &'static str) {
        let mut from = |list: &'static [Word]| {
            let word = rng.choose(list);
            (if self.language == Language::English { word.en } else { word.zh }.to_owned(), word.measure)
        };
        match self.relation {
            Id::Home => (rng.choose(&world.places).clone(), ""),
            Id::Pet => from(ANIMALS),
            Id::Colour => from(COLOURS),
            Id::Food => from(FOODS),
            Id::Job => from(JOBS),
            Id::Hobby => from(HOBBIES),
            Id::Friend => loop {
                let other = rng.choose(&world.people);
                if other.name != self.name {
                    break (other.name.clone(), "");
                }
            },
            Id::Thing => {
                let object = rng.choose(THINGS);
                (thing(rng.choose(COLOURS), object, self.language), object.measure)
            }
            Id::Count => (rng.range(2, 99).to_string(), self.measure),
            Id::Age => (rng.range(18, 89).to_string(), ""),
        }
    }

    /// The wording of this fact's relation in its language.
    pub(crate) fn wording(&self) -> &'static Wording {
        match self.language {
            Language::English => &self.relation.relation().english,
            Language::Chinese => &self.relation.relation().chinese,
        }
    }

    /// The canonical sentence.
    pub(crate) fn sentence(&self) -> String {
        self.fill(self.wording().canonical)
    }

    /// The canonical sentence or, with probability `share`, a paraphrase.
    pub(crate) fn varied_sentence(&self, rng: &mut Rng, share: f64) -> String {
        if rng.chance(share) {
            let template: &&str = rng.choose(self.wording().paraphrases);
            self.fill(template)
        } else {
            self.sentence()
        }
    }

    /// A question whose answer is the canonical sentence; the first wording twice as often as each other.
    pub(crate) fn question(&self, rng: &mut Rng) -> String {
        let questions = self.wording().questions;
        let index = rng.index(questions.len() + 1);
        self.fill(questions[if index == questions.len() { 0 } else { index }])
    }

    /// The first question, which can follow a comma; lower-cased at its start in English.
    pub(crate) fn embedded_question(&self) -> String {
        let question = self.wording().questions[0];
        let mut chars = question.chars();
        let lowered: String = chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default();
        self.fill(&lowered)
    }

    /// The honest answer when the context does not tell.
    pub(crate) fn unknown(&self) -> String {
        self.fill(self.wording().unknown)
    }

    /// The yes-or-no question about this value.
    pub(crate) fn yes_no_question(&self) -> String {
        self.fill(self.wording().yes_no)
    }

    /// The Chinese measure word and what is counted; empty where there is none.
    pub(crate) fn measure_and_noun(&self) -> (&'static str, &'static str) {
        (self.measure, self.noun)
    }

    fn fill(&self, template: &str) -> String {
        let slots =
            [("name", self.name.as_str()), ("value", self.value.as_str()), ("m", self.measure), ("noun", self.noun)];
        let text = fill(template, &slots);
        match self.language {
            Language::English => text,
            Language::Chinese => space_mixed(&text),
        }
    }
}

/// `red kite`, `红色的风筝`.
pub(crate) fn thing(colour: &Word, object: &Word, language: Language) -> String {
    match language {
        Language::English => format!("{} {}", colour.en, object.en),
        Language::Chinese => format!("{}的{}", colour.zh, object.zh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::Split;

    #[test]
    fn registry_is_in_the_order_of_the_enum() {
        for (index, relation) in RELATIONS.iter().enumerate() {
            assert_eq!(relation.id as usize, index);
        }
    }

    #[test]
    fn every_wording_is_filled_and_holds_the_value() {
        let mut rng = Rng::new(1);
        for language in [Language::English, Language::Chinese] {
            let world = World::new(&mut rng, Split::Train, language);
            for relation in RELATIONS {
                let fact = Fact::of(&world.people[0], relation.id, language);
                let wording = fact.wording();
                let with_value =
                    [wording.canonical, wording.yes_no].into_iter().chain(wording.paraphrases.iter().copied());
                for template in with_value {
                    assert!(fact.fill(template).contains(&fact.value), "{template}");
                }
                let all = wording.questions.iter().chain([&wording.canonical, &wording.unknown, &wording.yes_no]);
                for template in all.chain(wording.paraphrases) {
                    let text = fact.fill(template);
                    assert!(text.contains(&fact.name) && !text.contains(['{', '}', '(']), "{text}");
                }
                let wrong = fact.with_wrong_value(&mut rng, &world);
                assert_ne!(wrong.value, fact.value);
            }
        }
    }
}
