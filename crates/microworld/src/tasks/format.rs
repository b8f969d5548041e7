//! Answers in a prescribed form: a bare value, a sentence in square brackets, a JSON object, a dashed list, a sentence
//! twice, yes or no, a translated sentence. The answer follows from the prompt alone.

use super::{Exchange, by, translate};
use crate::context::Context;
use crate::facts::{Fact, Id, JSON_RELATIONS};
use crate::sets::weighted;
use crate::template::{chinese_list, english_list, pick, space_mixed, with_article};
use crate::words::choose_different;
use crate::world::{Language, Person, World};
use lang::rng::Rng;

/// A prescribed form.
struct Form {
    weight: u64,
    generate: fn(&mut Rng, &World, Language) -> Exchange,
}

/// What is asked about a fact of a text that was given, without the text itself.
pub(super) struct Asked {
    pub(super) instruction: String,
    pub(super) answer: String,
    pub(super) wrong: String,
}

impl Asked {
    /// The exchange in which the text comes first.
    fn after(self, context: &Context) -> Exchange {
        Exchange::new(format!("{}\n{}", context.text, self.instruction), self.answer, self.wrong)
    }
}

/// Forms in which any fact of a text can be asked for.
pub(super) const FACT_FORMS: [AskFact; 3] = [ask_value_only, ask_brackets, ask_yes_no];

/// Asks about one fact of a context.
type AskFact = fn(&mut Rng, &World, &Context, &Fact) -> Asked;

/// The registry of forms.
const FORMS: &[Form] = &[
    Form { weight: 6, generate: value_only },
    Form { weight: 37, generate: brackets },
    Form { weight: 6, generate: json },
    Form { weight: 5, generate: list },
    Form { weight: 28, generate: twice },
    Form { weight: 6, generate: yes_no },
    Form { weight: 12, generate: translate::generate },
];

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let weights: Vec<u64> = FORMS.iter().map(|f| f.weight).collect();
    (FORMS[weighted(rng, &weights)].generate)(rng, world, language)
}

/// Fills one of the templates.
fn instruction(rng: &mut Rng, language: Language, templates: [&[&str]; 2], slots: &[(&str, &str)]) -> String {
    let [english, chinese] = templates;
    let instruction = pick(rng, by(language, english, chinese), slots);
    by(language, instruction.clone(), space_mixed(&instruction))
}

/// A context and one question about its first fact.
fn about_first_fact(rng: &mut Rng, world: &World, language: Language, ask: AskFact) -> Exchange {
    let context = Context::about_anything(rng, world, language);
    ask(rng, world, &context, &context.facts[0]).after(&context)
}

fn value_only(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    about_first_fact(rng, world, language, ask_value_only)
}

fn ask_value_only(rng: &mut Rng, world: &World, context: &Context, fact: &Fact) -> Asked {
    let slots = [("question", &*fact.question(rng)), ("kind", fact.wording().kind)];
    let templates: [&[&str]; 2] = [
        &[
            "{question} Answer with only the {kind}.",
            "{question} Give only the {kind}, nothing else.",
            "{question} Write the {kind} and nothing more.",
            "{question} Just the {kind}, please.",
            "Answer with only the {kind}: {question}",
        ],
        &[
            "{question}只回答{kind}。",
            "{question}只写{kind}，不要写别的。",
            "{question}请只说{kind}。",
            "{question}用{kind}回答就行。",
            "请只回答{kind}：{question}",
        ],
    ];
    let instruction = instruction(rng, context.language, templates, &slots);
    let wrong = if rng.chance(0.5) { fact.sentence() } else { fact.with_wrong_value(rng, world).value };
    Asked { instruction, answer: fact.value.clone(), wrong }
}

fn brackets(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    about_first_fact(rng, world, language, ask_brackets)
}

fn ask_brackets(rng: &mut Rng, world: &World, context: &Context, fact: &Fact) -> Asked {
    let question = fact.question(rng);
    let templates: [&[&str]; 2] = [
        &[
            "{question} Put the answer in square brackets.",
            "{question} Write a sentence in square brackets.",
            "{question} Write your answer in square brackets.",
            "{question} Square brackets around the sentence, please.",
            "Answer in square brackets: {question}",
        ],
        &[
            "{question}把答案放在方括号里。",
            "{question}请用方括号写一句话。",
            "{question}答案写在方括号里。",
            "{question}请在句子两边加上方括号。",
            "请用方括号回答：{question}",
        ],
    ];
    let instruction = instruction(rng, context.language, templates, &[("question", &question)]);
    let sentence = fact.sentence();
    let wrong =
        if rng.chance(0.5) { sentence.clone() } else { format!("[{}]", fact.with_wrong_value(rng, world).sentence()) };
    Asked { instruction, answer: format!("[{sentence}]"), wrong }
}

fn json(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let count = if rng.chance(0.7) { 1 } else { 2 };
    let relations: Vec<Id> = choose_different(rng, JSON_RELATIONS, count).into_iter().copied().collect();
    let context = Context::about(rng, world, language, &relations);
    ask_json(rng, world, &context, &context.facts[..count]).after(&context)
}

/// A JSON object of one person's `facts`, all of them of [`JSON_RELATIONS`].
pub(super) fn ask_json(rng: &mut Rng, world: &World, context: &Context, facts: &[Fact]) -> Asked {
    let language = context.language;
    let mut quoted = vec![format!("\"{}\"", by(language, "name", "姓名"))];
    quoted.extend(facts.iter().map(|f| format!("\"{}\"", f.wording().key)));
    let keys = by(language, english_list(&quoted), chinese_list(&quoted));
    let name = &facts[0].name;
    let slots = [("name", name.as_str()), ("keys", keys.as_str())];
    let templates: [&[&str]; 2] = [
        &[
            "Write a JSON object about {name} with the keys {keys}.",
            "Describe {name} as a JSON object with the keys {keys}.",
            "Give me a JSON object for {name}. The keys are {keys}.",
            "Make a JSON object with {keys} for {name}.",
        ],
        &[
            "请写一个关于{name}的 JSON 对象，键是{keys}。",
            "用 JSON 对象描述{name}，键是{keys}。",
            "给我一个{name}的 JSON 对象，要有{keys}。",
            "请用{keys}这些键为{name}做一个 JSON 对象。",
        ],
    ];
    let instruction = instruction(rng, language, templates, &slots);
    let write = |values: &[Fact]| {
        let mut object = serde_json::Map::new();
        object.insert(by(language, "name", "姓名").to_owned(), name.as_str().into());
        for fact in values {
            object.insert(fact.wording().key.to_owned(), fact.value.as_str().into());
        }
        spaced_json(&object)
    };
    let mut wrong = facts.to_vec();
    wrong[0] = facts[0].with_wrong_value(rng, world);
    let sentences: Vec<String> = facts.iter().map(Fact::sentence).collect();
    let wrong = if rng.chance(0.5) { write(&wrong) } else { crate::context::join(&sentences, language) };
    Asked { instruction, answer: write(facts), wrong }
}

/// `{"name": "Boro", "home": "Danfel"}` with a space after colon and comma, as people write it.
fn spaced_json(object: &serde_json::Map<String, serde_json::Value>) -> String {
    let members: Vec<String> =
        object.iter().map(|(key, value)| format!("{}: {value}", serde_json::Value::from(key.as_str()))).collect();
    format!("{{{}}}", members.join(", "))
}

fn list(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let mut context = Context::about(rng, world, language, &[]);
    let owner = context.people[0].clone();
    let other = context.people[1].clone();
    if rng.chance(0.4) {
        context.add(rng, &carrying(&other, language));
    }
    context.add(rng, &carrying(&owner, language));
    ask_list(rng, language, &owner).after(&context)
}

/// A dashed list of what `owner` carries, which the text has to tell.
pub(super) fn ask_list(rng: &mut Rng, language: Language, owner: &Person) -> Asked {
    let templates: [&[&str]; 2] = [
        &[
            "List what {name} carries, one thing on each line, with a dash.",
            "What does {name} carry? Answer with a dashed list.",
            "Make a list with dashes of the things {name} carries.",
            "Write a dashed list of what {name} carries.",
        ],
        &[
            "请列出{name}带着的东西，一行一个，前面加短横线。",
            "{name}带着什么？请用短横线列出来。",
            "把{name}带着的东西列成清单，每行前面加短横线。",
            "用短横线写出{name}带着的每样东西。",
        ],
    ];
    let instruction = instruction(rng, language, templates, &[("name", &owner.name)]);
    let write = |items: &[String]| items.iter().map(|i| format!("- {i}")).collect::<Vec<_>>().join("\n");
    let items = carried(owner, language);
    let wrong = match rng.index(3) {
        0 => carrying(owner, language),
        1 => write(&items[..items.len() - 1]),
        _ => items.join("\n"),
    };
    Asked { instruction, answer: write(&items), wrong }
}

/// The things a person carries, as they stand in the sentence.
fn carried(person: &Person, language: Language) -> Vec<String> {
    let phrase = |w: &&'static crate::words::Word| by(language, with_article(w.en), format!("一{}{}", w.measure, w.zh));
    person.carried.iter().map(phrase).collect()
}

/// "Boro carries a drum, a lamp and a hat."
pub(crate) fn carrying(person: &Person, language: Language) -> String {
    let items = carried(person, language);
    match language {
        Language::English => format!("{} carries {}.", person.name, english_list(&items)),
        Language::Chinese => space_mixed(&format!("{}带着{}。", person.name, chinese_list(&items))),
    }
}

fn twice(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let person = rng.choose(&world.people);
    let sentence = Fact::of(person, Id::draw(rng), language).varied_sentence(rng, 0.05);
    let templates: &[&str] = by(
        language,
        &[
            "Write this sentence twice: {s}",
            "Repeat this sentence two times: {s}",
            "Say it two times: {s}",
            "Please write the next sentence twice. {s}",
            "Copy this sentence twice: {s}",
        ],
        &[
            "把这句话写两遍：{s}",
            "请把下面的话重复两遍：{s}",
            "这句话说两遍：{s}",
            "请把后面的句子写两遍。{s}",
            "抄写两遍：{s}",
        ],
    );
    let prompt = pick(rng, templates, &[("s", &sentence)]);
    let gap = by(language, " ", "");
    let wrong = if rng.chance(0.5) { sentence.clone() } else { [&*sentence, &sentence, &sentence].join(gap) };
    Exchange::new(prompt, [&*sentence, &sentence].join(gap), wrong)
}

fn yes_no(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    about_first_fact(rng, world, language, ask_yes_no)
}

fn ask_yes_no(rng: &mut Rng, world: &World, context: &Context, fact: &Fact) -> Asked {
    let yes = rng.chance(0.5);
    // The asked value mostly stands nowhere in the text when it is wrong.
    let asked = if yes {
        fact.clone()
    } else {
        let mut wrong = fact.with_wrong_value(rng, world);
        for _ in 0..4 {
            if context.text.contains(&wrong.value) && rng.chance(0.8) {
                wrong = fact.with_wrong_value(rng, world);
            }
        }
        wrong
    };
    let question = asked.yes_no_question();
    let templates: [&[&str]; 2] = [
        &[
            "{question} Answer yes or no.",
            "{question} Just say yes or no.",
            "Yes or no: {question}",
            "Answer with yes or no. {question}",
        ],
        &[
            "{question}请回答“是”或“不是”。",
            "{question}只说“是”或“不是”。",
            "“是”还是“不是”：{question}",
            "用“是”或“不是”回答。{question}",
        ],
    ];
    let instruction = instruction(rng, context.language, templates, &[("question", &question)]);
    let (affirm, deny) = by(context.language, ("Yes.", "No."), ("是。", "不是。"));
    let (answer, wrong) = if yes { (affirm, deny) } else { (deny, affirm) };
    Asked { instruction, answer: answer.to_owned(), wrong: wrong.to_owned() }
}
