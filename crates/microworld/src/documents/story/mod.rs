//! Stories: somebody of the town, something that happens, a cause, an effect and an end. The facts of the people stand in
//! them as canonical sentences and as the reasons of what happens.

mod chinese;
mod english;

use crate::context::join;
use crate::facts::{Fact, Id};
use crate::template::{fill, pick, space_mixed};
use crate::words::choose_different;
use crate::world::{Language, Person, World};
use lang::rng::Rng;

/// What happens: each part has several tellings. `{a}` is the one it happens to, `{b}` the one who helps, `{c}` a third.
struct Plot {
    problem: &'static [&'static str],
    attempt: &'static [&'static str],
    turn: &'static [&'static str],
    end: &'static [&'static str],
}

/// The parts that fit any plot.
struct Frame {
    openings: &'static [&'static str],
    times: &'static [&'static str],
    feelings: &'static [&'static str],
    helps: &'static [&'static str],
    closings: &'static [&'static str],
    /// What follows from a fact, by relation; `{fact}` is the canonical sentence without its full stop.
    consequences: &'static [(Id, &'static [&'static str])],
    plots: &'static [Plot],
}

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> String {
    let frame = match language {
        Language::English => &english::FRAME,
        Language::Chinese => &chinese::FRAME,
    };
    let cast = world.cast(rng, 3);
    let plot = rng.choose(frame.plots);
    let other_places: Vec<&String> = world.places.iter().filter(|p| **p != cast[0].home).collect();
    let place = *rng.choose(&other_places);
    let slots = slots(&cast, &cast[0].home, place, language);
    let slots: Vec<(&str, &str)> = slots.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let tell = |rng: &mut Rng, templates: &[&str]| pick(rng, templates, &slots);

    let mut first = vec![tell(rng, frame.openings)];
    let relations = Id::draw_different(rng, 4);
    first.extend(introduction(rng, &cast, &relations, language));
    let time = tell(rng, frame.times);
    // The time opens the problem's sentence.
    let problem = tell(rng, plot.problem);
    let mut second = vec![format!("{time}{problem}")];
    if rng.chance(0.6) {
        second.push(tell(rng, frame.feelings));
    }
    second.push(tell(rng, plot.attempt));
    if let Some(because) = consequence(rng, frame, cast[0], relations[0], language) {
        second.push(because);
    }
    let mut third = Vec::new();
    if rng.chance(0.7) {
        third.push(tell(rng, frame.helps));
    }
    third.push(tell(rng, plot.turn));
    if let Some(because) = consequence(rng, frame, cast[1], relations[3], language) {
        third.push(because);
    }
    third.push(tell(rng, plot.end));
    if rng.chance(0.7) {
        third.push(tell(rng, frame.closings));
    }
    let paragraphs: Vec<String> = [first, second, third].iter().map(|p| join(p, language)).collect();
    paragraphs.join("\n")
}

/// Three facts of the first person and one of the second, in random order.
fn introduction(rng: &mut Rng, cast: &[&Person], relations: &[Id], language: Language) -> Vec<String> {
    let mut facts: Vec<String> =
        relations[..3].iter().map(|&r| Fact::of(cast[0], r, language).varied_sentence(rng, 0.15)).collect();
    facts.push(Fact::of(cast[1], relations[3], language).varied_sentence(rng, 0.15));
    rng.shuffle(&mut facts);
    facts
}

fn consequence(rng: &mut Rng, frame: &Frame, person: &Person, relation: Id, language: Language) -> Option<String> {
    let (_, templates) = frame.consequences.iter().find(|(id, _)| *id == relation)?;
    let sentence = Fact::of(person, relation, language).sentence();
    let fact = sentence.trim_end_matches(['.', '。']);
    let he = pronouns(person, language);
    let text = fill(
        rng.choose::<&str>(templates),
        &[("fact", fact), ("name", &person.name), ("he", he[0]), ("his", he[1]), ("him", he[2])],
    );
    Some(if language == Language::Chinese { space_mixed(&text) } else { text })
}

/// Subject, possessive, object.
fn pronouns(person: &Person, language: Language) -> [&'static str; 3] {
    match (language, person.woman) {
        (Language::English, true) => ["she", "her", "her"],
        (Language::English, false) => ["he", "his", "him"],
        (Language::Chinese, true) => ["她", "她的", "她"],
        (Language::Chinese, false) => ["他", "他的", "他"],
    }
}

fn slots(cast: &[&Person], home: &str, place: &str, language: Language) -> Vec<(&'static str, String)> {
    let [a, b, c] = [cast[0], cast[1], cast[2]];
    let [he, his, him] = pronouns(a, language);
    let [b_he, b_his, b_him] = pronouns(b, language);
    let english = language == Language::English;
    let word = |w: &crate::words::Word| if english { w.en } else { w.zh }.to_owned();
    vec![
        ("a", a.name.clone()),
        ("b", b.name.clone()),
        ("c", c.name.clone()),
        ("he", he.to_owned()),
        ("his", his.to_owned()),
        ("him", him.to_owned()),
        ("He", crate::template::capitalised(he)),
        ("b_he", b_he.to_owned()),
        ("b_his", b_his.to_owned()),
        ("b_him", b_him.to_owned()),
        ("home", home.to_owned()),
        ("place", place.to_owned()),
        ("pet", word(a.pet)),
        ("pm", a.pet.measure.to_owned()),
        ("thing", word(a.thing)),
        ("tm", a.thing.measure.to_owned()),
        ("colour", word(a.thing_colour)),
        ("other", word(b.carried[0])),
        ("om", b.carried[0].measure.to_owned()),
        ("food", word(a.food)),
        ("bfood", word(b.food)),
        ("things", if english { a.counted.many } else { a.counted.zh }.to_owned()),
    ]
}

/// What happened to some people, in two or three sentences, for other documents. Nobody called one of `absent` takes part.
pub(super) fn scene(rng: &mut Rng, world: &World, language: Language, absent: &[&str]) -> String {
    let frame = match language {
        Language::English => &english::FRAME,
        Language::Chinese => &chinese::FRAME,
    };
    let present: Vec<&Person> = world.people.iter().filter(|p| !absent.contains(&p.name.as_str())).collect();
    let cast: Vec<&Person> = choose_different(rng, &present, 3).into_iter().copied().collect();
    let slots = slots(&cast, &cast[0].home, rng.choose::<String>(&world.places), language);
    let slots: Vec<(&str, &str)> = slots.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let plot = rng.choose(frame.plots);
    let sentences = [
        format!("{}{}", pick(rng, frame.times, &slots), pick(rng, plot.problem, &slots)),
        pick(rng, plot.turn, &slots),
    ];
    join(&sentences, language)
}
