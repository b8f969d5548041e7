//! Numbers about a corpus: sizes, how alike clean documents are, which lines repeat, how much of an evaluation item stands in
//! clean text. `cargo run --release -p microworld --example statistics [DOCUMENTS]`.
#![allow(clippy::print_stdout)]

use microworld::shingles::{shingles, words};
use microworld::{CorpusConfig, NoiseConfig, Split, conversations, corpus, evaluation, preferences};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

fn main() {
    let documents = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(15_000);
    let eval_items = evaluation(1, 200, 0.3);
    let noisy = CorpusConfig {
        seed: 1,
        split: Split::Train,
        documents,
        chinese_share: 0.3,
        noise: NoiseConfig::level(1.0),
        eval_items: eval_items.clone(),
    };
    let start = Instant::now();
    let made = corpus(&noisy);
    println!(
        "{documents} noisy documents in {:?}, {} bytes",
        start.elapsed(),
        made.iter().map(|d| d.0.text.len()).sum::<usize>()
    );
    let start = Instant::now();
    println!("{} conversations in {:?}", conversations(1, Split::Train, 20_000, 0.3).len(), start.elapsed());
    let start = Instant::now();
    println!("{} preferences in {:?}", preferences(1, Split::Train, 5_000, 0.3).len(), start.elapsed());

    let clean = corpus(&CorpusConfig { noise: NoiseConfig::NONE, ..noisy });
    let texts: Vec<&str> = clean.iter().map(|d| d.0.text.as_str()).collect();
    let is_chinese =
        |t: &&&str| t.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count() * 4 > t.chars().count();
    for (name, group) in [
        ("en", texts.iter().filter(|t| !is_chinese(t)).collect::<Vec<_>>()),
        ("zh", texts.iter().filter(is_chinese).collect()),
    ] {
        let mut lengths: Vec<usize> = group.iter().map(|t| t.chars().count()).collect();
        lengths.sort_unstable();
        let at = |p: usize| lengths[(lengths.len() - 1) * p / 100];
        println!(
            "{name}: {} documents, {} bytes, characters min {} 5% {} median {} 95% {} max {}",
            group.len(),
            group.iter().map(|t| t.len()).sum::<usize>(),
            at(0),
            at(5),
            at(50),
            at(95),
            at(100)
        );
    }

    let mut lines: HashMap<&str, usize> = HashMap::new();
    for text in &texts {
        for line in text.lines().filter(|l| !l.is_empty()).collect::<HashSet<_>>() {
            *lines.entry(line).or_default() += 1;
        }
    }
    let mut repeated: Vec<(&str, usize)> = lines.into_iter().filter(|(_, n)| *n > 5).collect();
    repeated.sort_by_key(|(line, n)| (usize::MAX - n, *line));
    println!(
        "{} lines stand in more than 5 documents; most often {:?}",
        repeated.len(),
        &repeated[..repeated.len().min(12)]
    );

    let vocabulary: HashSet<String> = texts.iter().flat_map(|t| words(t)).collect();
    println!("{} different words", vocabulary.len());

    let sets: Vec<HashSet<u64>> = texts.iter().map(|t| shingles(t)).collect();
    let mut places: HashMap<u64, Vec<u32>> = HashMap::new();
    for (index, set) in sets.iter().enumerate() {
        for &shingle in set {
            places.entry(shingle).or_default().push(index as u32);
        }
    }
    let (mut most, mut pair, mut above) = (0.0, (0, 0), 0);
    for (index, set) in sets.iter().enumerate().step_by(5) {
        let mut common: HashMap<u32, usize> = HashMap::new();
        for shingle in set {
            for &other in places[shingle].iter().filter(|&&o| o as usize != index) {
                *common.entry(other).or_default() += 1;
            }
        }
        for (other, shared) in common {
            let similarity = shared as f64 / (set.len() + sets[other as usize].len() - shared) as f64;
            above += usize::from(similarity > 0.4);
            if similarity > most {
                (most, pair) = (similarity, (index, other as usize));
            }
        }
    }
    println!("most alike: {most:.3}, {above} pairs above 0.4\n{}\n---\n{}", texts[pair.0], texts[pair.1]);

    // The share of an item's 8-grams that stand in one clean document.
    let grams = |text: &str| -> HashSet<String> { words(text).windows(8).map(|w| w.join(" ")).collect() };
    let mut index: HashMap<String, Vec<usize>> = HashMap::new();
    let items: Vec<HashSet<String>> =
        eval_items.iter().map(|i| grams(&format!("{}\n{}", i.prompt[0].content, i.answer))).collect();
    for (item, set) in items.iter().enumerate() {
        for gram in set {
            index.entry(gram.clone()).or_default().push(item);
        }
    }
    let mut worst = (0.0, 0, 0);
    for (place, text) in texts.iter().enumerate() {
        let mut hits: HashMap<usize, usize> = HashMap::new();
        for gram in grams(text) {
            for &item in index.get(&gram).into_iter().flatten() {
                *hits.entry(item).or_default() += 1;
            }
        }
        for (item, n) in hits {
            let share = n as f64 / items[item].len() as f64;
            if share > worst.0 {
                worst = (share, item, place);
            }
        }
    }
    println!(
        "largest share of an item's 8-grams in one clean document: {:.3}\n{:?}\n{}",
        worst.0, eval_items[worst.1], texts[worst.2]
    );
}
