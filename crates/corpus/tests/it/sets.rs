//! Evaluation items planted in documents are found, also when case, punctuation and white space are changed, and
//! documents without them are not.

use corpus::dedup::{Decontaminator, EvaluationItem, Rule, SET_PRESETS, SetOptions};
use lang::rng::Rng;

fn item(id: &str, prompt: &str, answer: &str) -> EvaluationItem {
    EvaluationItem { id: id.to_string(), prompt: prompt.to_string(), answer: answer.to_string() }
}

fn preset(name: &str) -> SetOptions {
    SetOptions::preset(name).unwrap()
}

#[test]
fn a_planted_item_is_found_where_it_stands() {
    let items = [
        item("a", "Which of the two rivers in the valley carries more water in the late spring?", "the Orla"),
        item("b", "Which of the two towns in the valley has the older bridge over the river?", "Brennick"),
        item("sum", "47 + 38 =", "85"),
        item("short", "Seven times six is", "forty-two"),
    ];
    let finder = Decontaminator::new(&items, &preset("default"), 1 << 20).unwrap();
    let check = |text: &str, expected: &[usize]| {
        let hits = finder.hits(text);
        assert_eq!(hits.iter().map(|hit| hit.item).collect::<Vec<_>>(), expected, "{text}");
        hits
    };
    let hits = check(&format!("Some text before. {} And after.", items[0].prompt), &[0]);
    assert_eq!(hits[0].span, 18..18 + items[0].prompt.len() - 1, "without the question mark");
    assert_eq!((hits[0].share, hits[0].grams_found), (1.0, hits[0].grams));
    check(&items[0].prompt.to_uppercase().replace(' ', " \n ").replace('?', "!!"), &[0]);
    // The form alone, or half of it, is no leak.
    check("Which of the two hills in the valley is the higher one, asked the child.", &[]);
    check("They said that seven times six is not a hard sum.", &[]);
    check("Seven times six is: forty-two!", &[3]);
    check("47+38 = 85.", &[2]);
    check("the pages 47, 38 and 85", &[]);
    check("", &[]);
    check(&format!("{} {}", items[1].prompt, items[0].prompt), &[0, 1]);
}

#[test]
fn rules_of_other_tools() {
    let words: Vec<String> =
        (0..40u8).map(|i| format!("w{}", char::from(b'a' + i % 26)).repeat(1 + i as usize / 26)).collect();
    let items = [item("long", &words[..30].join(" "), &words[30..].join(" "))];
    let found =
        |name: &str, text: &str| !Decontaminator::new(&items, &preset(name), 1 << 20).unwrap().hits(text).is_empty();
    let thirteen = words[5..18].join(" ");
    let twelve = words[5..17].join(" ");
    for name in ["gpt3", "janitor"] {
        assert!(found(name, &thirteen) && !found(name, &twelve), "{name}");
    }
    // 23 runs of eight: 17 of them are 0.74, 16 are 0.696.
    assert!(found("palm", &words[..24].join(" ")) && !found("palm", &words[..23].join(" ")));
    // Twelve tokens with at least one of the answer.
    assert!(found("datatrove", &words[19..31].join(" ")) && !found("datatrove", &words[18..30].join(" ")));
    assert!(found("decon", &words[..30].join(" ")) && !found("decon", &words[..20].join(" ")));
    let short = [item("s", "one two three", "four five")];
    for name in SET_PRESETS {
        let finder = Decontaminator::new(&short, &preset(name), 1 << 20).unwrap();
        assert_eq!(finder.too_short().len(), usize::from(name != "default"), "{name}");
    }
}

#[test]
fn impossible_settings_are_refused() {
    let items = [item("a", &"word ".repeat(1000), "")];
    let message = Decontaminator::new(&items, &preset("default"), 1000).err().unwrap().to_string();
    assert!(message.contains("1 evaluation items") && message.contains("--memory 1MiB"), "{message}");
    let zero = SetOptions { gram: 0, ..preset("default") };
    assert!(Decontaminator::new(&items, &zero, 1 << 20).is_err());
    let zero = SetOptions { rule: Rule::Share(0.0), ..preset("palm") };
    assert!(Decontaminator::new(&items, &zero, 1 << 20).is_err());
}

/// Every item of every real set, planted with noise in other text, is found; the same text without it is not taken for
/// it.
#[test]
fn all_planted_items_of_real_sets_are_found() {
    let Some(folder) = crate::real::data("eval-core") else { return };
    let Some(articles) = crate::real::data("dedup/articles_100.train") else { return };
    let articles = String::from_utf8_lossy(&std::fs::read(articles).unwrap()).into_owned();
    let articles: Vec<&str> = articles.lines().collect();
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut rng = Rng::new(2);
    let (mut planted, mut missed, mut short) = (0, Vec::new(), 0);
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "zst")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = String::from_utf8(crate::real::unpacked(file)).unwrap();
        let items: Vec<EvaluationItem> = text
            .lines()
            .enumerate()
            .map(|(n, line)| {
                let place = format!("{name}:{}", n + 1);
                EvaluationItem::from_json(&serde_json::from_str(line).unwrap(), &place).expect(&place)
            })
            .collect();
        let finder = Decontaminator::new(&items, &preset("default"), 256 << 20).unwrap();
        short += finder.too_short().len();
        for article in &articles {
            assert!(finder.hits(article).is_empty(), "{name}: {article}");
        }
        for (number, item) in items.iter().enumerate().step_by(items.len().div_ceil(150)) {
            if finder.too_short().contains(&number) {
                continue;
            }
            let whole = format!("{} {}", item.prompt, item.answer);
            let noisy = match rng.below(4) {
                0 => whole.clone(),
                1 => whole.to_uppercase(),
                2 if !item.id.contains("arithmetic") => whole.replace(|c: char| c.is_ascii_punctuation(), ""),
                _ => whole.split_whitespace().collect::<Vec<_>>().join(" \n ").replace([',', '.'], " ; "),
            };
            if !noisy.contains(char::is_alphanumeric) {
                continue;
            }
            let (before, after) = (articles[number % articles.len()], articles[(number + 7) % articles.len()]);
            planted += 1;
            if !finder.hits(&format!("{before}\n{noisy}\n{after}")).iter().any(|hit| hit.item == number) {
                missed.push((item.id.clone(), noisy));
            }
        }
    }
    eprintln!("{planted} items planted, {} missed, {short} too short to look for", missed.len());
    assert!(planted > 1500 && missed.is_empty(), "{} of {planted}: {:?}", missed.len(), &missed[..missed.len().min(5)]);
}
