//! Short texts of three to six facts about two or three people, in which one fact is to be found.

use crate::facts::{Fact, Id, RELATIONS};
use crate::template::space_mixed;
use crate::world::{Language, Person, World};
use lang::rng::Rng;

/// Share of the facts of a context that are told in other words than the canonical sentence.
const PARAPHRASE_SHARE: f64 = 0.06;
/// Share of contexts in which everybody has one fact only. A name alone then leads to the answer, which is where a small
/// model begins to read; the other contexts need name and relation together.
const ONE_FACT_EACH_SHARE: f64 = 0.8;
/// Share of contexts with a sentence that tells nothing about anybody.
const FILLER_SHARE: f64 = 0.15;

const ENGLISH_FILLERS: &[&str] = &[
    "The weather in {town} is fine today.",
    "It is market day in {town}.",
    "{town} is a quiet town.",
    "Many people pass through {town}.",
    "There is a long road to {town}.",
    "It is raining in {town}.",
    "The bell of {town} is ringing.",
];
const CHINESE_FILLERS: &[&str] = &[
    "今天{town}天气很好。",
    "{town}今天赶集。",
    "{town}是个安静的地方。",
    "有很多人路过{town}。",
    "去{town}的路很长。",
    "{town}正在下雨。",
    "{town}的钟声响了。",
];

/// A text of facts and what it tells.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) text: String,
    pub(crate) facts: Vec<Fact>,
    pub(crate) people: Vec<Person>,
    pub(crate) language: Language,
}

impl Context {
    /// A context that tells the `relations` of one person, who is `people[0]`; the first of `facts` are these. Often
    /// another person has a fact of the first relation too, so that the name must be read.
    pub(crate) fn about(rng: &mut Rng, world: &World, language: Language, relations: &[Id]) -> Context {
        if relations.len() == 1 && rng.chance(ONE_FACT_EACH_SHARE) {
            let count = 2 + rng.index(3);
            let cast: Vec<Person> = world.cast(rng, count).into_iter().cloned().collect();
            let told: Vec<(usize, Id)> =
                (0..count).map(|person| (person, if person == 0 { relations[0] } else { Id::draw(rng) })).collect();
            return Context::tell(rng, world, language, cast, &told);
        }
        let cast: Vec<Person> = {
            let count = 2 + rng.index(2);
            world.cast(rng, count).into_iter().cloned().collect()
        };
        let mut told: Vec<(usize, Id)> = relations.iter().map(|&r| (0, r)).collect();
        if let Some(&first) = relations.first()
            && rng.chance(0.25)
        {
            told.push((1, first));
        }
        let total = (3 + rng.index(4)).max(told.len() + 1);
        while told.len() < total {
            let candidate = (rng.index(cast.len()), Id::draw(rng));
            if !told.contains(&candidate) {
                told.push(candidate);
            }
        }
        // Everybody of the cast is mentioned.
        for person in 1..cast.len() {
            if !told.iter().any(|(p, _)| *p == person) {
                told.push((person, Id::draw(rng)));
            }
        }
        Context::tell(rng, world, language, cast, &told)
    }

    /// A context that tells some one fact of `people[0]`, among others.
    pub(crate) fn about_anything(rng: &mut Rng, world: &World, language: Language) -> Context {
        let relation = Id::draw(rng);
        Context::about(rng, world, language, &[relation])
    }

    /// A context that tells the `missing` relation of nobody, but something of everybody in `people`.
    pub(crate) fn without(rng: &mut Rng, world: &World, language: Language, missing: Id) -> Context {
        let count = 2 + rng.index(2);
        let cast: Vec<Person> = world.cast(rng, count).into_iter().cloned().collect();
        let others: Vec<Id> = RELATIONS.iter().map(|r| r.id).filter(|&id| id != missing).collect();
        let mut told: Vec<(usize, Id)> = (0..cast.len()).map(|p| (p, *rng.choose(&others))).collect();
        let total = 3 + rng.index(3);
        while told.len() < total {
            let candidate = (rng.index(cast.len()), *rng.choose(&others));
            if !told.contains(&candidate) {
                told.push(candidate);
            }
        }
        Context::tell(rng, world, language, cast, &told)
    }

    fn tell(rng: &mut Rng, world: &World, language: Language, people: Vec<Person>, told: &[(usize, Id)]) -> Context {
        let facts: Vec<Fact> = told.iter().map(|&(p, id)| Fact::of(&people[p], id, language)).collect();
        let mut sentences: Vec<String> = facts.iter().map(|f| f.varied_sentence(rng, PARAPHRASE_SHARE)).collect();
        if rng.chance(FILLER_SHARE) {
            let fillers = if language == Language::English { ENGLISH_FILLERS } else { CHINESE_FILLERS };
            sentences.push(rng.choose(fillers).replace("{town}", &world.town));
        }
        rng.shuffle(&mut sentences);
        Context { text: join(&sentences, language), facts, people, language }
    }

    /// Adds a sentence at a random end of the text.
    pub(crate) fn add(&mut self, rng: &mut Rng, sentence: &str) {
        let old = std::mem::take(&mut self.text);
        let parts = if rng.chance(0.5) { [sentence.to_owned(), old] } else { [old, sentence.to_owned()] };
        self.text = join(&parts, self.language);
    }
}

/// Sentences as a paragraph: with spaces in English, without in Chinese.
pub(crate) fn join(sentences: &[String], language: Language) -> String {
    match language {
        Language::English => sentences.join(" "),
        Language::Chinese => space_mixed(&sentences.concat()),
    }
}
