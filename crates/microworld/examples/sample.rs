//! Prints samples of everything the generator makes: `cargo run -p microworld --example sample [SEED]`.
#![allow(clippy::print_stdout)]

use lang::instance::Role;
use lang::truth::DocumentKind;
use microworld::{CorpusConfig, NoiseConfig, Split, conversations, corpus, evaluation, one_of_each, preferences};
use std::collections::BTreeMap;

fn main() {
    let seed = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    for chinese in [false, true] {
        for (name, text) in one_of_each(seed, Split::Train, chinese) {
            println!("=== document: {name} ({} characters)\n{text}\n", text.chars().count());
        }
    }
    let mut shown: BTreeMap<(String, String), usize> = BTreeMap::new();
    for talk in conversations(seed, Split::Train, 400, 0.4) {
        let times = shown.entry((talk.task.clone(), talk.lang.clone())).or_default();
        *times += 1;
        if *times <= if talk.task == "format" { 8 } else { 2 } {
            println!("=== conversation: {} {}", talk.task, talk.lang);
            for message in &talk.messages {
                println!("[{}] {}", if message.role == Role::User { "user" } else { "model" }, message.content);
            }
        }
    }
    shown.clear();
    for pair in preferences(seed, Split::Train, 200, 0.4) {
        let times = shown.entry((pair.task.clone(), pair.lang.clone())).or_default();
        *times += 1;
        if *times <= 3 {
            println!("=== preference: {} {}\n{}", pair.task, pair.lang, pair.prompt[pair.prompt.len() - 1].content);
            println!("[chosen] {}\n[rejected] {}", pair.chosen, pair.rejected);
        }
    }
    let items = evaluation(seed, 20, 0.3);
    for item in items.iter().step_by(9) {
        println!(
            "=== evaluation: {} {} {:?}\n{}\n-> {}",
            item.id, item.lang, item.extract, item.prompt[0].content, item.answer
        );
    }
    let noise = NoiseConfig::level(1.0);
    let config =
        CorpusConfig { seed, split: Split::Train, documents: 600, chinese_share: 0.3, noise, eval_items: items };
    let mut kinds: BTreeMap<DocumentKind, usize> = BTreeMap::new();
    for (document, truth) in corpus(&config) {
        let times = kinds.entry(truth.kind).or_default();
        *times += 1;
        let lines = truth.boilerplate.len() + truth.personal.len();
        if (*times <= 3 && truth.kind != DocumentKind::Clean) || (lines > 0 && *times < 60) {
            println!(
                "=== noise: {:?} of {:?}, lines {:?}, personal {:?}",
                truth.kind, truth.of, truth.boilerplate, truth.personal
            );
            println!("{}\n", document.text);
        }
    }
}
