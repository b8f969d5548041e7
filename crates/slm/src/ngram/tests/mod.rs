//! The estimate against the definition, by hand and by brute force, and the model against its contract.

use std::collections::{BTreeMap, BTreeSet};

use lang::model::LanguageModel;
use lang::rng::Rng;

use super::*;

mod arpa;

fn config(order: usize, vocabulary_size: usize) -> NGramConfig {
    NGramConfig { order, vocabulary_size, beginning: 0, end: 0 }
}

/// Documents of a seeded second-order Markov chain with a skewed choice of next tokens: tokens 1 … `vocabulary_size`−1.
fn markov(seed: u64, documents: usize, vocabulary_size: usize) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(seed);
    let inner = vocabulary_size as u64 - 1;
    (0..documents)
        .map(|_| {
            let mut document: Vec<u32> = Vec::new();
            for _ in 0..rng.range(1, 30) {
                let last = document.iter().rev().take(2).fold(0u64, |sum, &id| sum * 31 + u64::from(id));
                // A step of 0, 1, 2, … with halving probability from a place that the last two tokens decide.
                let mut step = 0;
                while rng.chance(0.5) && step < 6 {
                    step += 1;
                }
                document.push((last.wrapping_mul(0x9e37_79b9) / 7 + step).rem_euclid(inner) as u32 + 1);
            }
            document
        })
        .collect()
}

/// Modified Kneser–Ney written down as its definition reads: maps of vectors, scans for every sum, recursion.
struct BruteForce {
    order: usize,
    vocabulary_size: usize,
    /// Per order from 1 up: adjusted counts.
    counts: Vec<BTreeMap<Vec<u32>, u64>>,
    discounts: Vec<[f64; 3]>,
}

impl BruteForce {
    fn train(documents: &[Vec<u32>], config: &NGramConfig) -> BruteForce {
        let mut raw: Vec<BTreeMap<Vec<u32>, u64>> = vec![BTreeMap::new(); config.order];
        for document in documents {
            let mut tokens = vec![config.beginning];
            tokens.extend(document);
            tokens.push(config.end);
            for length in 1..=config.order {
                for (start, window) in tokens.windows(length).enumerate() {
                    // The beginning token alone is never predicted.
                    if start + length > 1 {
                        *raw[length - 1].entry(window.to_vec()).or_default() += 1;
                    }
                }
            }
        }
        let mut counts = raw.clone();
        for length in 1..config.order {
            for (gram, count) in &mut counts[length - 1] {
                // The n-grams that begin a document keep their raw count.
                if length > 1 && gram[0] == config.beginning {
                    continue;
                }
                let before: BTreeSet<u32> =
                    raw[length].keys().filter(|longer| longer[1..] == gram[..]).map(|longer| longer[0]).collect();
                *count = before.len() as u64;
            }
        }
        let discounts = counts
            .iter()
            .map(|level| {
                let t = |wanted: u64| level.values().filter(|&&count| count == wanted).count() as f64;
                let y = t(1) / (t(1) + 2.0 * t(2));
                let d = [1.0 - 2.0 * y * t(2) / t(1), 2.0 - 3.0 * y * t(3) / t(2), 3.0 - 4.0 * y * t(4) / t(3)];
                let valid = d.iter().zip([1.0, 2.0, 3.0]).all(|(&d, i)| d.is_finite() && d > 0.0 && d <= i);
                if valid { d } else { [0.5, 1.0, 1.5] }
            })
            .collect();
        BruteForce { order: config.order, vocabulary_size: config.vocabulary_size, counts, discounts }
    }

    fn probability(&self, context: &[u32], word: u32) -> f64 {
        let context = &context[context.len().saturating_sub(self.order - 1)..];
        let lower = match context.split_first() {
            Some((_, shorter)) => self.probability(shorter, word),
            None => 1.0 / self.vocabulary_size as f64,
        };
        let level = &self.counts[context.len()];
        let d = self.discounts[context.len()];
        let discount = |count: u64| d[count.min(3) as usize - 1];
        let following: Vec<(&Vec<u32>, u64)> = level
            .iter()
            .filter(|(gram, _)| gram[..context.len()] == *context)
            .map(|(gram, &count)| (gram, count))
            .collect();
        if following.is_empty() {
            return lower;
        }
        let total = following.iter().map(|(_, count)| count).sum::<u64>() as f64;
        let gamma = following.iter().map(|&(_, count)| discount(count)).sum::<f64>() / total;
        let own = following.iter().find(|(gram, _)| gram[context.len()] == word);
        own.map_or(0.0, |&(_, count)| (count as f64 - discount(count)) / total) + gamma * lower
    }
}

#[test]
fn a_bigram_model_worked_out_by_hand() {
    // `1 2` and `1` between boundaries 0: bigrams 01 twice, 12, 20, 10 once; different tokens before 0: two, before 1
    // and 2: one. Counts of counts are degenerate, so the discounts are 0.5, 1 and 1.5.
    // γ(ε) = (2 · 0.5 + 1) / 4 = 0.5; p(0) = (2 − 1)/4 + 0.5/4 = 0.375; p(1) = p(2) = 0.25; p(3) = 0.125.
    // γ(0) = 1/2; γ(1) = 2 · 0.5 / 2; γ(2) = 0.5 / 1; nothing follows 3.
    let model = NGram::train([vec![1, 2], vec![1]], &config(2, 4)).unwrap();
    assert!(model.discounts().iter().all(|d| d.fallback && d.amounts == [0.5, 1.0, 1.5]));
    assert_eq!(model.n_grams(), [4, 4]);
    let expected = [
        [0.1875, 0.625, 0.125, 0.0625],
        [0.4375, 0.125, 0.375, 0.0625],
        [0.6875, 0.125, 0.125, 0.0625],
        [0.375, 0.25, 0.25, 0.125],
    ];
    for (context, row) in expected.iter().enumerate() {
        for (word, &expected) in row.iter().enumerate() {
            let found = model.log_prob(&[context as u32], word as u32).unwrap().exp();
            assert!((found - expected).abs() < 1e-12, "p({word} | {context}) = {found}, expected {expected}");
        }
    }
    // p(1 | 0) · p(2 | 1) · p(0 | 2)
    let scored: f32 = model.log_probs(&[0, 1, 2, 0]).unwrap().iter().sum();
    assert!((scored.exp() - 0.625 * 0.375 * 0.6875).abs() < 1e-6);
}

#[test]
fn probabilities_equal_the_definition() {
    let mut seen_fallback = [false; 2];
    for (order, documents, beginning) in [(1, 60, 0), (2, 60, 0), (3, 60, 8), (4, 90, 0), (6, 40, 0), (5, 3, 8)] {
        let documents = markov(order as u64, documents, 8);
        let config = NGramConfig { beginning, ..config(order, 9) };
        let brute_force = BruteForce::train(&documents, &config);
        let model = NGram::train(&documents, &config).unwrap();
        for (found, expected) in model.discounts().iter().zip(&brute_force.discounts) {
            seen_fallback[usize::from(found.fallback)] = true;
            assert!(found.amounts.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        }
        let mut rng = Rng::new(9);
        for trial in 0..60 {
            // Contexts out of the text, and contexts that may never have been seen.
            let context: Vec<u32> = if trial % 2 == 0 {
                let document = &documents[rng.index(documents.len())];
                let all: Vec<u32> = [beginning].iter().chain(document).copied().collect();
                all[..rng.index(all.len()) + 1].to_vec()
            } else {
                (0..rng.index(7)).map(|_| rng.index(9) as u32).collect()
            };
            let mut session = model.session();
            session.feed(&context).unwrap();
            let next = session.next_log_probs().unwrap();
            let mut sum = 0.0;
            for word in 0..9 {
                let expected = brute_force.probability(&context, word);
                let found = model.log_prob(&context, word).unwrap().exp();
                assert!((found - expected).abs() < 1e-9, "order {order}: p({word} | {context:?}): {found} {expected}");
                assert!((f64::from(next[word as usize].exp()) - expected).abs() < 1e-6);
                assert!(found > 0.0);
                sum += found;
            }
            assert!((sum - 1.0).abs() < 1e-9, "order {order}, {context:?}: {sum}");
        }
    }
    assert_eq!(seen_fallback, [true, true], "both kinds of discount are wanted in this test");
}

#[test]
fn sessions_and_whole_texts_agree() {
    let documents = markov(1, 100, 30);
    let model = NGram::train(&documents, &config(4, 30)).unwrap();
    let mut ids = vec![0];
    markov(2, 5, 30).iter().for_each(|document| ids.extend(document.iter().chain([&0])));
    let whole = model.log_probs(&ids).unwrap();
    let mut session = model.session();
    for (pair, &expected) in ids.windows(2).zip(&whole) {
        session.feed(&pair[..1]).unwrap();
        let next = session.next_log_probs().unwrap();
        assert!((next[pair[1] as usize] - expected).abs() < 1e-6);
        assert!((next.iter().map(|p| f64::from(p.exp())).sum::<f64>() - 1.0).abs() < 1e-5);
    }
    assert_eq!(session.tokens_read(), ids.len() - 1);
    // In one piece as token by token.
    let mut at_once = model.session();
    at_once.feed(&ids[..ids.len() - 1]).unwrap();
    assert_eq!(at_once.next_log_probs().unwrap(), session.next_log_probs().unwrap());
}

#[test]
fn more_context_predicts_better() {
    let train = markov(3, 3000, 40);
    let held_out = markov(4, 200, 40);
    let tokens: usize = held_out.iter().map(|document| document.len() + 1).sum();
    let perplexity = |model: &dyn LanguageModel| {
        let log_prob: f64 = held_out
            .iter()
            .map(|document| {
                let ids: Vec<u32> = [0].iter().chain(document).chain([&0]).copied().collect();
                model.log_probs(&ids).unwrap().iter().map(|&p| f64::from(p)).sum::<f64>()
            })
            .sum();
        (-log_prob / tokens as f64).exp()
    };
    let unigram = perplexity(&crate::Unigram::train(&train, 40, 0, 0).unwrap());
    let by_order = [1, 2, 3, 5].map(|order| perplexity(&NGram::train(&train, &config(order, 40)).unwrap()));
    assert!((by_order[0] / unigram - 1.0).abs() < 0.01, "{unigram} {by_order:?}");
    // The chain looks two tokens back: trigrams catch it, and smoothing keeps longer contexts close to them.
    assert!(by_order[1] < 0.9 * unigram && by_order[2] < 0.5 * by_order[1], "{unigram} {by_order:?}");
    assert!(by_order[3] < 1.2 * by_order[2], "{unigram} {by_order:?}");
}

#[test]
fn boundaries_may_stand_in_the_documents_or_not() {
    let bare = markov(5, 20, 12);
    let framed: Vec<Vec<u32>> = bare.iter().map(|d| [&[0], &d[..], &[0]].concat()).collect();
    let joined = vec![framed.concat()];
    let models = [&bare, &framed, &joined].map(|documents| NGram::train(documents, &config(3, 12)).unwrap());
    for model in &models[1..] {
        for (found, expected) in model.levels.iter().zip(&models[0].levels) {
            assert_eq!(found.log_probs, expected.log_probs);
            assert_eq!(found.words, expected.words);
        }
    }
}

#[test]
fn bad_settings_and_ids_are_refused() {
    let documents = [vec![1u32, 2]];
    let train = |config: &NGramConfig| NGram::train(&documents, config).unwrap_err().to_string();
    assert!(train(&config(0, 4)).contains("order of 0"));
    assert!(train(&config(7, 4)).contains("order of 7"));
    assert!(train(&config(2, 0)).contains("vocabulary of 0"));
    assert!(train(&config(2, MAX_VOCABULARY + 1)).contains("smaller vocabulary"));
    assert!(train(&NGramConfig { end: 4, ..config(2, 4) }).contains("the end token 4"));
    assert!(train(&config(2, 2)).contains("document 0: token id 2 at position 1"));
    let nothing: [Vec<u32>; 1] = [vec![0, 0]];
    assert!(NGram::train(&nothing, &config(2, 4)).unwrap_err().to_string().contains("not one token"));
    let model = NGram::train(&documents, &config(2, 4)).unwrap();
    assert!(model.log_prob(&[4], 1).is_err() && model.log_prob(&[1], 4).is_err());
    assert!(model.log_probs(&[0, 4]).is_err() && model.session().feed(&[4]).is_err());
}
