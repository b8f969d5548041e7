//! Whole cleanings of hand-written corpora with noise that is known.

use corpus::clean::{CleanConfig, Cleaned, RuleName, clean, personal};
use corpus::instances::{conversations, evaluation, preferences};
use corpus::score::score;
use lang::document::Document;
use lang::instance::{EvalItem, Extract, Message};
use lang::rng::Rng;
use lang::truth::{DocumentKind, Personal, Truth};
use proptest::prelude::*;

fn document(id: &str, text: &str) -> Document {
    Document { id: id.to_string(), text: text.to_string(), ..Document::default() }
}

fn item(id: &str, prompt: &str, answer: &str) -> EvalItem {
    EvalItem {
        id: id.to_string(),
        task: "facts".to_string(),
        prompt: vec![Message::user(prompt)],
        answer: answer.to_string(),
        extract: Extract::Whole,
        lang: "en".to_string(),
    }
}

fn run(documents: Vec<Document>, held_out: &[EvalItem]) -> Cleaned {
    clean(documents, held_out, &CleanConfig::default(), &|_, _, _| {}).unwrap()
}

fn rule_of(cleaned: &Cleaned, id: &str) -> Option<RuleName> {
    cleaned.decisions.iter().find(|d| d.id == id).unwrap().rule
}

const STORY: &str = "Early in the morning the old miller walked down to the river with his grey donkey. The water was high \
after the rain, and the wheel of the mill turned faster than ever. He filled two sacks with flour and tied them on the \
donkey's back. On the way to the market they met a boy who had lost his dog. The miller gave him bread and helped him \
look behind every hedge until they heard it bark.";

const GESCHICHTE: &str = "Am frühen Morgen ging der alte Müller mit seinem grauen Esel zum Fluss hinunter. Das Wasser war \
nach dem Regen hoch, und das Rad der Mühle drehte sich schneller als je zuvor.";

const ZH_STORY: &str = "清晨，老磨坊主牵着他的灰驴走到河边。雨后河水很高，水车转得比往常更快。他装了两袋面粉，绑在驴背上。去集市的路上，他们遇到一个丢了狗的男孩。\
磨坊主给了他面包，和他一起在每一道篱笆后面寻找，直到听见狗叫声。";

#[test]
fn each_noise_meets_its_rule() {
    let near = STORY.replace("grey donkey", "brown donkey");
    let zh_near = ZH_STORY.replace("两袋面粉", "三袋面粉");
    let leak = "My notes for the exam. The capital city of the island of Orlavia is called Tremmsby-on-Sea, so write \
                that down.\nQ: What is the name of the capital city of the island of Orlavia?\nA: Tremmsby-on-Sea";
    let with_menu = format!("Home | News | About us | Login\n\n{GESCHICHTE}");
    let with_lines = "Home | News | About us | Login\nThe bakery on the corner opens at six.\nShare this on Facebook\n\nIts \
                      bread is the best in town.\n© 2021 Town Crier. All rights reserved.";
    let documents = vec![
        document("story", STORY),
        document("zh", ZH_STORY),
        document("copy", &STORY.to_uppercase().replace(". ", ".\n")),
        document("near", &near),
        document("zh near", &zh_near),
        document("german", &with_menu),
        document("noise", "xqzt wkfjd bvncm qpwlx zxcvb jhgfd trwqk plmkj wqzxv"),
        document("leak", leak),
        document("lines", with_lines),
        document("personal", "Write to jo@example.org or call (212) 555-0147 before noon, please."),
        document("sum", "What is 47 + 38?\n47 + 38 = 85"),
        document("other sum", "What is 47 + 39?\n47 + 39 = 86"),
    ];
    let held_out = [
        item("eval-1", "What is the name of the capital city of the island of Orlavia?", "Tremmsby-on-Sea"),
        item("eval-2", "What is the name of the capital city of the island of Zembla?", "Onhava"),
    ];
    let cleaned = run(documents, &held_out);
    for (id, rule) in [
        ("story", None),
        ("zh", None),
        ("copy", Some(RuleName::ExactDuplicates)),
        ("near", Some(RuleName::NearDuplicates)),
        ("zh near", Some(RuleName::NearDuplicates)),
        ("german", Some(RuleName::Language)),
        ("noise", Some(RuleName::Statistics)),
        ("leak", Some(RuleName::Decontamination)),
        ("lines", None),
        ("personal", None),
        ("sum", None),
        ("other sum", None),
    ] {
        assert_eq!(rule_of(&cleaned, id), rule, "{id}");
    }
    let of = |id: &str| cleaned.decisions.iter().find(|d| d.id == id).unwrap();
    assert_eq!(of("near").duplicate_of.as_deref(), Some("story"));
    assert!(of("leak").reason.contains("eval-1"), "{}", of("leak").reason);
    assert_eq!(of("lines").removed_lines.len(), 3);
    let text = |id: &str| cleaned.documents.iter().find(|d| d.id == id).unwrap().text.as_str();
    assert_eq!(text("lines"), "The bakery on the corner opens at six.\n\nIts bread is the best in town.");
    assert_eq!(text("personal"), "Write to <EMAIL> or call <PHONE> before noon, please.");
    assert_eq!(cleaned.documents[1].lang.as_deref(), Some("zh"));
    let report = &cleaned.report;
    assert_eq!((report.documents_before, report.documents_after, report.rules.len()), (12, 6, 7));
    assert!(report.rules.iter().all(|rule| rule.documents_before >= rule.documents_after));
    let language = report.rules.iter().find(|r| r.rule == RuleName::Language).unwrap();
    assert_eq!((language.reasons["de"], language.dropped_examples.len()), (1, 1));
    serde_json::to_string(report).unwrap();
}

/// A few hundred documents from templates, each noise planted by simple means; every score is at least 0.95.
#[test]
fn scores_of_a_planted_corpus() {
    let (documents, held_out, truth) = planted(7, 900);
    let cleaned = run(documents, &held_out);
    for (kind, score) in score(&cleaned.decisions, &truth) {
        let wrong: Vec<String> = cleaned
            .decisions
            .iter()
            .filter_map(|d| {
                let label = truth.iter().find(|t| t.id == d.id).map_or(DocumentKind::Clean, |t| t.kind);
                ((label == DocumentKind::Clean) == d.rule.is_some())
                    .then(|| format!("{} {label:?} {:?} {}", d.id, d.rule, d.reason))
            })
            .collect();
        assert!(score.planted >= 15, "{kind}: {score:?}");
        assert!(score.precision >= 0.95 && score.recall >= 0.95, "{kind}: {score:?}\n{wrong:#?}");
    }
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let (documents, held_out, _) = planted(9, 300);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let cleaned = pool.install(|| run(documents.clone(), &held_out));
        (cleaned.documents, cleaned.decisions, cleaned.report)
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn templates_are_no_leaks() {
    let names = ["Orvane", "Pellick", "Quista", "Rudmer", "Sovelle", "Tamrik", "Ulmeth", "Vordan", "Wexley", "Yorrick"];
    let question =
        |name: &str| format!("Please tell me in one short sentence which animal lives in the house of {name}.");
    let documents: Vec<Document> = (0..9)
        .flat_map(|i| {
            let text = format!(
                "{}\nThe animal in the house of {} is a {} hen.",
                question(names[i]),
                names[i],
                ["red", "old", "wild"][i % 3]
            );
            let filler =
                format!("{} went to the market number {i} and bought {} pears for the winter.", names[i], i + 3);
            [document(&format!("q{i}"), &text), document(&format!("f{i}"), &filler)]
        })
        .collect();
    let held_out = [item("held", &question("Yorrick"), "The animal in the house of Yorrick is a goat.")];
    let mut config = CleanConfig::default();
    config.near_duplicates.enabled = false;
    let cleaned = clean(documents.clone(), &held_out, &config, &|_, _, _| {}).unwrap();
    assert!(cleaned.decisions.iter().all(|d| d.rule.is_none()), "{:?}", cleaned.decisions);
    let mut with_leak = documents;
    with_leak.push(document("leak", &format!("Well.\n{}\nI do not know.", question("Yorrick"))));
    let cleaned = clean(with_leak, &held_out, &config, &|_, _, _| {}).unwrap();
    let dropped: Vec<&str> = cleaned.decisions.iter().filter(|d| d.rule.is_some()).map(|d| d.id.as_str()).collect();
    assert_eq!(dropped, ["leak"]);
}

/// Pieces that the patterns and tests look at closely, between anything at all.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = [
        "the ",
        "的",
        "a@b.cc",
        "1",
        "22",
        "+44 ",
        "(0)",
        "-",
        ".",
        "555-0123",
        "\u{212a}",
        "ſ",
        "GB",
        "::",
        "\n",
        "|",
        "Home",
        "登录",
        "—",
        "’",
        "é",
        "\u{301}",
        "4111 1111 1111 1111",
        "1.2.3.4",
        "tel",
        "x",
        "？",
        "”",
        "😀",
        "\u{0}",
        "“",
        "0",
        "00",
        "click here",
    ];
    let piece = prop_oneof![
        prop::sample::select(pieces.to_vec()).prop_map(str::to_string),
        any::<char>().prop_map(String::from)
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any text is cleaned without a panic; the spans of masked pieces are right; what is left has no line twice lost.
    #[test]
    fn any_text_is_survived(texts in prop::collection::vec(any_text(), 1..6)) {
        for text in &texts {
            let found = personal::find(text, &CleanConfig::default().personal_data);
            prop_assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(found.iter().all(|m| text[m.start..m.end] == m.text));
        }
        let documents: Vec<Document> = texts.iter().enumerate().map(|(i, text)| document(&i.to_string(), text)).collect();
        let items = [item("x", &texts[0], &texts[texts.len() - 1])];
        let cleaned = run(documents.clone(), &items);
        prop_assert_eq!(cleaned.decisions.len(), documents.len());
        prop_assert_eq!(cleaned.documents.len(), cleaned.decisions.iter().filter(|d| d.rule.is_none()).count());
        conversations(&documents, 1, 6, 200);
        preferences(&documents, 1, 3, 200);
        evaluation(&documents, 1, 3, 200);
        corpus::stats::statistics(&documents);
    }
}

/// Documents with every kind of noise, evaluation items and labels.
fn planted(seed: u64, count: usize) -> (Vec<Document>, Vec<EvalItem>, Vec<Truth>) {
    let mut rng = Rng::new(seed);
    let held_out: Vec<EvalItem> = (0..40)
        .map(|i| {
            let (name, thing) = (invent(&mut rng), pick(&mut rng, THINGS));
            item(
                &format!("held-{i}"),
                &format!("Who is the person that keeps {} {thing} in the village of {name}?", i + 12),
                &invent(&mut rng),
            )
        })
        .collect();
    let (mut documents, mut truth): (Vec<Document>, Vec<Truth>) = (Vec::new(), Vec::new());
    for index in 0..count {
        let id = format!("d{index}");
        let mut label = Truth {
            id: id.clone(),
            kind: DocumentKind::Clean,
            of: None,
            boilerplate: Vec::new(),
            personal: Vec::new(),
        };
        let draw = rng.below(100);
        let text = match draw {
            0..5 => {
                label.kind = DocumentKind::Gibberish;
                gibberish(&mut rng)
            }
            5..10 => {
                label.kind = DocumentKind::WrongLanguage;
                format!("{} {}", pick(&mut rng, FOREIGN), pick(&mut rng, FOREIGN_MORE))
            }
            10..20 if !documents.is_empty() => {
                let of = rng.index(documents.len());
                label.kind = if draw < 15 { DocumentKind::ExactDuplicate } else { DocumentKind::NearDuplicate };
                label.of = Some(documents[of].id.clone());
                if truth[of].kind != DocumentKind::Clean || documents[of].text.split_whitespace().count() < 40 {
                    continue;
                }
                let text = documents[of].text.clone();
                label.boilerplate.clone_from(&truth[of].boilerplate);
                label.personal.clone_from(&truth[of].personal);
                if draw < 15 { text } else { text.replacen(" and ", " or ", 1) + " That was all." }
            }
            20..25 => {
                label.kind = DocumentKind::TestLeak;
                let leaked = rng.choose(&held_out).clone();
                format!("{}\n{}\n{}", story(&mut rng), leaked.prompt[0].content, leaked.answer)
            }
            25..40 => {
                let mut lines: Vec<String> = vec![story(&mut rng), story(&mut rng)];
                let furniture = pick(&mut rng, FURNITURE).to_string();
                lines.insert(rng.index(3), furniture.clone());
                label.boilerplate.push(furniture);
                lines.join("\n")
            }
            40..50 => {
                let number = rng.below(900) + 100;
                let piece = match rng.below(4) {
                    0 => format!("{}{number}@example.com", invent(&mut rng).to_lowercase()),
                    1 => format!("(212) 555-0{number}"),
                    2 => format!("10.{}.7.{}", number % 256, number % 100),
                    _ => format!("138{number}5{number}6"),
                };
                label.personal.push(Personal { kind: "any".into(), text: piece.clone() });
                format!("{} You can reach {} by {piece} any day.", story(&mut rng), invent(&mut rng))
            }
            50..60 => zh_story(&mut rng),
            60..70 => {
                let (a, b) = (rng.below(900) + 10, rng.below(900) + 10);
                format!("What is {a} + {b}?\n{a} + {b} = {}", a + b)
            }
            _ => story(&mut rng),
        };
        documents.push(document(&id, &text));
        truth.push(label);
    }
    (documents, held_out, truth)
}

const THINGS: &[&str] = &["apples", "goats", "clocks", "boats", "books", "lamps", "stones", "hats", "birds", "pots"];
const FURNITURE: &[&str] = &[
    "Home | Stories | Contact | Log in",
    "Subscribe to our newsletter!",
    "© 2020 The Daily Bell. All rights reserved.",
    "Share on Facebook",
    "首页 | 新闻 | 登录",
    "Click here to read more",
];
const FOREIGN: &[&str] = &[
    "Der Junge ging mit seinem Hund in den Wald und suchte nach Pilzen.",
    "Le garçon est allé dans la forêt avec son chien pour chercher des champignons.",
    "El niño fue al bosque con su perro para buscar setas.",
    "Мальчик пошёл с собакой в лес искать грибы.",
];
const FOREIGN_MORE: &[&str] = &["12 + 30 = 42.", "Velmora.", "!!!"];

fn pick<'a>(rng: &mut Rng, items: &[&'a str]) -> &'a str {
    items[rng.index(items.len())]
}

fn invent(rng: &mut Rng) -> String {
    let (starts, middles, ends) = (
        ["Bel", "Cor", "Dan", "Fen", "Gar", "Mel", "Tor"],
        ["a", "i", "o", "e"],
        ["lin", "mar", "dor", "vis", "rick", "ton"],
    );
    format!("{}{}{}", rng.choose(&starts), rng.choose(&middles), rng.choose(&ends))
}

fn story(rng: &mut Rng) -> String {
    let (a, b) = (invent(rng), invent(rng));
    let verbs = ["sold", "found", "lost", "painted", "carried", "counted", "hid", "bought"];
    let places =
        ["by the river", "near the mill", "at the market", "in the old barn", "on the hill", "behind the church"];
    let mut out = String::new();
    for _ in 0..5 {
        let (who, whom) = if rng.chance(0.5) { (&a, &b) } else { (&b, &a) };
        out += &format!(
            "{who} {} {} {} {} and told {whom} about it. ",
            pick(rng, &verbs),
            rng.below(50) + 2,
            pick(rng, THINGS),
            pick(rng, &places)
        );
    }
    out.trim().to_string()
}

fn zh_story(rng: &mut Rng) -> String {
    let names = ["小明", "小红", "李华", "王芳", "张伟", "阿宝"];
    let things = ["苹果", "风筝", "书", "小船", "帽子", "石头", "灯笼"];
    let places = ["在河边", "在集市上", "在山上", "在学校里", "在老屋后面"];
    let mut out = String::new();
    for _ in 0..6 {
        out += &format!(
            "{}{}找到了{}个{}，然后告诉了{}。",
            pick(rng, &names),
            pick(rng, &places),
            rng.below(40) + 2,
            pick(rng, &things),
            pick(rng, &names)
        );
    }
    out
}

fn gibberish(rng: &mut Rng) -> String {
    let letters = |rng: &mut Rng, n: u64| (0..n).map(|_| char::from(b'a' + rng.below(26) as u8)).collect::<String>();
    match rng.below(4) {
        0 => (0..20)
            .map(|_| {
                let n = 3 + rng.below(6);
                letters(rng, n)
            })
            .collect::<Vec<_>>()
            .join(" "),
        1 => {
            (0..60).map(|_| *rng.choose(&['#', '@', '%', '&', '*', '$', '~', ' ', '!', '^'])).collect::<String>()
                + "#%&"
        }
        2 => format!("{} {} ", pick(rng, THINGS), pick(rng, THINGS)).repeat(20),
        _ => (0..40).map(|_| char::from_u32(0x4e00 + rng.below(20_000) as u32).unwrap()).collect(),
    }
}
