//! `onto tokenizer inspect --stats`: how a vocabulary fits texts.

use std::path::PathBuf;

use anyhow::{Result, bail};
use corpus::clean::LanguageConfig;
use corpus::clean::language::identify;
use lang::tokenizer::{Measure, Reach, Tokenizer, Usage};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::commands::Session;
use crate::commands::corpora::read_paths;
use crate::terminal::{grouped, line_to_stdout, to_stdout};

/// A token used this often at most is rare.
const RARE: u64 = 2;
/// Tokens of a list that a person is shown.
const SHOWN: usize = 12;

pub fn statistics(session: &Session, tokenizer: &Tokenizer, paths: &[PathBuf]) -> Result<()> {
    let (documents, _) = read_paths(session, paths)?;
    if documents.is_empty() {
        bail!("there is no text in what --stats names");
    }
    let language = LanguageConfig::default();
    let usage = documents
        .par_chunks(64)
        .map(|documents| {
            let mut usage = Usage::new(tokenizer);
            for document in documents {
                let guessed = || identify(&document.text, &language).lang.map(str::to_owned);
                let name = document.lang.clone().or_else(guessed).unwrap_or_else(|| "unknown".to_owned());
                usage.add(tokenizer, &name, &document.text);
            }
            usage
        })
        .reduce(
            || Usage::new(tokenizer),
            |mut left, right| {
                left.merge(&right);
                left
            },
        );
    let ids = || 0..tokenizer.vocabulary_size() as u32;
    let reach: Vec<Reach> = ids().into_par_iter().map(|id| tokenizer.reach(id)).collect();
    let of = |wanted: Reach| -> Vec<u32> { ids().filter(|&id| reach[id as usize] == wanted).collect() };
    let lists = Lists {
        unused: ids().filter(|&id| usage.uses[id as usize] == 0 && reach[id as usize] != Reach::Special).collect(),
        rare: ids().filter(|&id| (1..=RARE).contains(&usage.uses[id as usize])).collect(),
        unreachable: of(Reach::Unreachable),
        fragments: of(Reach::Fragment),
        special: of(Reach::Special),
    };
    match session.global.json {
        true => line_to_stdout(&as_json(tokenizer, &usage, &lists).to_string()),
        false => to_stdout(&as_text(tokenizer, &usage, &lists)),
    }
}

/// Tokens that stand out.
struct Lists {
    unused: Vec<u32>,
    rare: Vec<u32>,
    unreachable: Vec<u32>,
    fragments: Vec<u32>,
    special: Vec<u32>,
}

fn measure(measure: &Measure) -> Value {
    json!({
        "texts": measure.texts,
        "words": measure.words,
        "characters": measure.characters,
        "bytes": measure.bytes,
        "tokens": measure.tokens,
        "fertility": measure.fertility(),
        "bytes_per_token": measure.bytes_per_token(),
        "characters_per_token": measure.characters_per_token(),
    })
}

fn as_json(tokenizer: &Tokenizer, usage: &Usage, lists: &Lists) -> Value {
    let list = |ids: &[u32]| -> Vec<Value> {
        let one = |&id: &u32| json!({"id": id, "token": tokenizer.token(id), "uses": usage.uses[id as usize]});
        ids.iter().map(one).collect()
    };
    let languages: serde_json::Map<String, Value> =
        usage.languages.iter().map(|(name, one)| (name.clone(), measure(one))).collect();
    json!({
        "total": measure(&usage.total()),
        "languages": languages,
        "vocabulary": {
            "size": tokenizer.vocabulary_size(),
            "special": lists.special.len(),
            "used": usage.uses.iter().filter(|uses| **uses > 0).count(),
            "unused": list(&lists.unused),
            "rare": list(&lists.rare),
            "unreachable": list(&lists.unreachable),
            "fragments": list(&lists.fragments),
        },
    })
}

fn as_text(tokenizer: &Tokenizer, usage: &Usage, lists: &Lists) -> String {
    let head = ["language", "texts", "words", "tokens", "tokens/word", "bytes/token", "chars/token"];
    let mut out = format!(
        "{:<10} {:>9} {:>12} {:>12} {:>12} {:>12} {:>12}\n",
        head[0], head[1], head[2], head[3], head[4], head[5], head[6]
    );
    let total = usage.total();
    let mut rows: Vec<(&str, &Measure)> = usage.languages.iter().map(|(name, one)| (name.as_str(), one)).collect();
    rows.sort_by_key(|(_, one)| std::cmp::Reverse(one.bytes));
    for (name, one) in rows.into_iter().chain([("all", &total)]) {
        out.push_str(&format!(
            "{name:<10} {:>9} {:>12} {:>12} {:>12.3} {:>12.3} {:>12.3}\n",
            grouped(one.texts as f64),
            grouped(one.words as f64),
            grouped(one.tokens as f64),
            one.fertility(),
            one.bytes_per_token(),
            one.characters_per_token()
        ));
    }
    let size = tokenizer.vocabulary_size();
    out.push_str(&format!("\nvocabulary {size}, of which {} special\n", lists.special.len()));
    for (what, ids) in [
        ("never used in these texts", &lists.unused),
        ("used once or twice", &lists.rare),
        ("not given by any text", &lists.unreachable),
        ("parts of characters", &lists.fragments),
    ] {
        let share = 100.0 * ids.len() as f64 / size.max(1) as f64;
        let shown: Vec<String> =
            ids.iter().take(SHOWN).map(|&id| format!("{id} {:?}", tokenizer.token(id).unwrap_or_default())).collect();
        let more = if ids.len() > SHOWN { ", …" } else { "" };
        out.push_str(&format!("{:>8} ({share:.1} %) {what}: {}{more}\n", ids.len(), shown.join(", ")));
    }
    out
}
