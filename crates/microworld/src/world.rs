//! One small world: a town, a few places, six to ten people and what is true of each of them.

use crate::names::Namer;
use crate::split::Split;
use crate::words::{ANIMALS, COLOURS, COUNTABLES, Countable, FOODS, HOBBIES, JOBS, THINGS, Word, choose_different};
use lang::rng::Rng;

/// The language in which a world is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    /// Chinese with probability `share`.
    pub(crate) fn draw(rng: &mut Rng, chinese_share: f64) -> Self {
        if rng.chance(chinese_share) { Language::Chinese } else { Language::English }
    }

    /// ISO 639-1 code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }
}

/// Somebody, with everything that is true of them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) woman: bool,
    pub(crate) age: u32,
    pub(crate) home: String,
    pub(crate) pet: &'static Word,
    pub(crate) colour: &'static Word,
    pub(crate) food: &'static Word,
    pub(crate) job: &'static Word,
    pub(crate) hobby: &'static Word,
    /// Name of the best friend.
    pub(crate) friend: String,
    pub(crate) thing: &'static Word,
    pub(crate) thing_colour: &'static Word,
    pub(crate) count: u32,
    pub(crate) counted: &'static Countable,
    /// What the person carries: two to four different things, none of them `thing`.
    pub(crate) carried: Vec<&'static Word>,
}

/// A town and its people. All names are in the script of `language` unless the world was made with Latin names.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) split: Split,
    pub(crate) town: String,
    pub(crate) places: Vec<String>,
    pub(crate) people: Vec<Person>,
}

impl World {
    /// A world whose names are written in the script of `language`.
    pub(crate) fn new(rng: &mut Rng, split: Split, language: Language) -> Self {
        let people = 6 + rng.index(5);
        let mut namer = Namer::new(split);
        let mut person = |rng: &mut Rng| match language {
            Language::English => namer.latin_person(rng),
            Language::Chinese => namer.chinese_person(rng),
        };
        let names: Vec<String> = (0..people).map(|_| person(rng)).collect();
        let mut place = |rng: &mut Rng| match language {
            Language::English => namer.latin_place(rng),
            Language::Chinese => namer.chinese_place(rng),
        };
        let places: Vec<String> = (0..6).map(|_| place(rng)).collect();
        // Different values for different people wherever the lists are long enough: a question then has one answer
        // only, and a wrong answer is visibly wrong.
        let pets = choose_different(rng, ANIMALS, people);
        let colours = choose_different(rng, COLOURS, people);
        let foods = choose_different(rng, FOODS, people);
        let jobs = choose_different(rng, JOBS, people);
        let hobbies = choose_different(rng, HOBBIES, people);
        let people = (0..people)
            .map(|i| {
                let friend = (i + 1 + rng.index(names.len() - 1)) % names.len();
                let mut things = choose_different(rng, THINGS, 5);
                let thing = things.remove(0);
                things.truncate(2 + rng.index(3));
                Person {
                    name: names[i].clone(),
                    woman: rng.chance(0.5),
                    age: rng.range(18, 89) as u32,
                    home: rng.choose(&places).clone(),
                    pet: pets[i],
                    colour: colours[i],
                    food: foods[i],
                    job: jobs[i],
                    hobby: hobbies[i],
                    friend: names[friend].clone(),
                    thing,
                    thing_colour: rng.choose(COLOURS),
                    count: rng.range(2, 99) as u32,
                    counted: rng.choose(COUNTABLES),
                    carried: things,
                }
            })
            .collect();
        World { split, town: places[0].clone(), places, people }
    }

    /// `count` different people, in random order.
    pub(crate) fn cast(&self, rng: &mut Rng, count: usize) -> Vec<&Person> {
        choose_different(rng, &self.people, count)
    }
}
