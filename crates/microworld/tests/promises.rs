//! What the generator promises about whole sets: equal bytes for a seed, nothing shared between the splits, truth that
//! agrees with the text, right answers that follow from their prompts.

// Helpers of tests are not seen as tests by the lint.
#![allow(clippy::unwrap_used)]

use lang::document::Document;
use lang::instance::{EvalItem, Extract};
use lang::truth::{DocumentKind, Truth};
use microworld::shingles::{jaccard, shingles};
use microworld::{CorpusConfig, NoiseConfig, Split, conversations, corpus, document, evaluation, preferences};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

fn config(seed: u64, split: Split, documents: usize, level: f64) -> CorpusConfig {
    let eval_items = evaluation(seed, 100, 0.3);
    CorpusConfig { seed, split, documents, chinese_share: 0.3, noise: NoiseConfig::level(level), eval_items }
}

fn chinese(text: &str) -> bool {
    let han = text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    han * 4 > text.chars().count()
}

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The text for a seed is a promise; whoever changes it also raises `GENERATOR_VERSION`.
#[test]
fn output_for_a_seed_is_pinned() {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for (document, truth) in corpus(&config(7, Split::Train, 300, 1.0)) {
        hash = fnv(hash, &document.id);
        hash = fnv(hash, &document.text);
        hash = fnv(hash, &serde_json::to_string(&truth).unwrap());
    }
    for talk in conversations(7, Split::Train, 200, 0.3) {
        hash = fnv(hash, &serde_json::to_string(&talk).unwrap());
    }
    for pair in preferences(7, Split::HeldOut, 100, 0.3) {
        hash = fnv(hash, &serde_json::to_string(&pair).unwrap());
    }
    for item in evaluation(7, 50, 0.3) {
        hash = fnv(hash, &serde_json::to_string(&item).unwrap());
    }
    assert_eq!(hash, 0xb7ed_a587_84e1_cebe, "version {}: {hash:#x}", microworld::GENERATOR_VERSION);
}

#[test]
fn documents_do_not_depend_on_each_other() {
    let config = config(3, Split::Train, 60, 1.0);
    let whole = corpus(&config);
    for index in [59, 0, 31, 17] {
        assert_eq!(document(&config, index), whole[index]);
    }
}

/// Names of people and places, read out of the sentences whose form is known.
fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (before, after) in [(" lives in ", '.'), ("住在", '。')] {
        for (at, _) in text.match_indices(before) {
            let person: String = text[..at]
                .chars()
                .rev()
                .take_while(|c| c.is_alphanumeric())
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            let place: String = text[at + before.len()..].chars().take_while(|&c| c != after).collect();
            let is_place =
                place.starts_with(char::is_uppercase) || place.ends_with(['村', '镇', '山', '城', '庄', '湾']);
            if is_place && place.chars().all(char::is_alphanumeric) && person.chars().count() > 1 {
                names.insert(person);
                names.insert(place);
            }
        }
    }
    names
}

#[test]
fn train_and_held_out_share_no_name_and_no_problem() {
    let mut sides: Vec<(BTreeSet<String>, BTreeSet<String>)> = Vec::new();
    for split in [Split::Train, Split::HeldOut] {
        let mut texts: Vec<String> =
            corpus(&config(5, split, 800, 0.0)).into_iter().map(|(document, _)| document.text).collect();
        for talk in conversations(5, split, 800, 0.3) {
            texts.extend(talk.messages.into_iter().map(|m| m.content));
        }
        for pair in preferences(5, split, 500, 0.3) {
            texts.extend(pair.prompt.into_iter().map(|m| m.content));
        }
        if split == Split::HeldOut {
            texts.extend(evaluation(5, 200, 0.3).into_iter().map(|i| i.prompt[0].content.clone()));
        }
        let found: BTreeSet<String> = texts.iter().flat_map(|t| names(t)).collect();
        let problems = texts
            .iter()
            .flat_map(|t| t.match_indices("We need ").map(|(at, m)| &t[at + m.len()..]).collect::<Vec<_>>())
            .chain(
                texts
                    .iter()
                    .flat_map(|t| t.match_indices("要算 ").map(|(at, m)| &t[at + m.len()..]).collect::<Vec<_>>()),
            )
            .filter_map(|rest| rest.split(['.', '。']).next())
            .map(str::to_owned)
            .collect();
        sides.push((found, problems));
    }
    let (train, held_out) = (&sides[0], &sides[1]);
    assert!(train.0.len() > 300 && held_out.0.len() > 200, "{} {}", train.0.len(), held_out.0.len());
    assert!(train.1.len() > 500 && held_out.1.len() > 300, "{} {}", train.1.len(), held_out.1.len());
    assert_eq!(train.0.intersection(&held_out.0).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(train.1.intersection(&held_out.1).collect::<Vec<_>>(), Vec::<&String>::new());
    for problem in &held_out.1 {
        let parts: Vec<&str> = problem.split(' ').collect();
        let (first, second) = (parts[0].parse().unwrap(), parts[2].parse().unwrap());
        assert_eq!(Split::of_operands(parts[1].chars().next().unwrap(), first, second), Split::HeldOut);
    }
}

/// The numbers of a text in order.
fn numbers(text: &str) -> Vec<i64> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).map(|p| p.parse().unwrap()).collect()
}

#[test]
fn evaluation_answers_follow_from_their_prompts() {
    let items = evaluation(11, 300, 0.4);
    assert_eq!(items.len(), 900);
    let prompts: BTreeSet<&str> = items.iter().map(|i| i.prompt[0].content.as_str()).collect();
    assert_eq!(prompts.len(), items.len(), "no prompt twice");
    for item in &items {
        let prompt = &item.prompt[0].content;
        match item.task.as_str() {
            "arithmetic" => {
                assert_eq!(item.extract, Extract::LastNumber);
                let [a, b] = numbers(prompt)[..] else { panic!("{prompt}") };
                let answer = *numbers(&item.answer).last().unwrap();
                assert!(answer == a + b || answer == a - b, "{prompt} {}", item.answer);
                if prompt.contains('+') {
                    assert_eq!(answer, a + b);
                }
                if prompt.contains(" - ") {
                    assert_eq!(answer, a - b);
                }
            }
            "facts" => {
                let silent = item.answer.starts_with("The text does not say") || item.answer.starts_with("文中没有说");
                // The last word (or, in Chinese, the last two characters) of the answer is the end of the value.
                let tail = item.answer.trim_end_matches(['.', '。']);
                let tail: String = match item.lang.as_str() {
                    "en" if tail.ends_with("years old") => numbers(tail)[0].to_string(),
                    "en" => tail.rsplit(' ').next().unwrap().to_owned(),
                    _ => tail.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect(),
                };
                assert!(silent || prompt.contains(&tail), "{prompt}\n{}", item.answer);
            }
            _ => check_format(item),
        }
    }
}

fn check_format(item: &EvalItem) {
    let (prompt, answer) = (&item.prompt[0].content, &item.answer);
    if let Some(inner) = answer.strip_prefix('[') {
        // The sentence may be told in other words; its value stands in the prompt as it is.
        let sentence = inner.strip_suffix(']').unwrap().trim_end_matches(['.', '。']);
        let value: String = match sentence.rsplit_once(' ') {
            Some((_, "old")) => numbers(sentence)[0].to_string(),
            Some((_, word)) if word.is_ascii() => word.to_owned(),
            _ => sentence.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect(),
        };
        assert!(prompt.contains(&value), "{prompt}\n{answer}");
    } else if answer.starts_with('{') {
        let object: BTreeMap<String, String> = serde_json::from_str(answer).unwrap();
        for (key, value) in object {
            assert!(prompt.contains(&format!("\"{key}\"")) && prompt.contains(&value), "{prompt}\n{answer}");
        }
    } else if answer.starts_with("- ") {
        assert!(answer.lines().all(|line| prompt.contains(&line[2..])), "{prompt}\n{answer}");
    } else if ["Yes.", "No.", "是。", "不是。"].contains(&answer.as_str()) {
        assert!(prompt.contains("yes") || prompt.contains("Yes") || prompt.contains('是'));
    } else {
        // A bare value, a repeated sentence, or a translation: the name at least is copied.
        let half = &answer[..answer.char_indices().nth(answer.chars().count() / 2).map_or(0, |(at, _)| at)];
        let latin: String = answer.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(
            prompt.contains(answer.as_str()) || prompt.contains(half.trim()) || prompt.contains(&latin),
            "{prompt}\n{answer}"
        );
    }
}

#[test]
fn preferences_differ_in_both_directions_of_length() {
    let pairs = preferences(2, Split::Train, 2000, 0.3);
    let mut by_task: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for pair in &pairs {
        assert_ne!(pair.chosen, pair.rejected);
        let entry = by_task.entry(&pair.task).or_default();
        entry.0 += 1;
        entry.1 += usize::from(pair.chosen.chars().count() < pair.rejected.chars().count());
    }
    for task in ["helpful", "honest", "harmless", "correct"] {
        let (count, shorter) = by_task[task];
        assert!((200..900).contains(&count), "{task}: {count}");
        assert!(shorter * 10 > count && shorter * 10 < count * 9, "{task}: chosen is shorter in {shorter} of {count}");
    }
}

#[test]
fn tuning_data_shows_both_manners_equally() {
    let talks = conversations(2, Split::Train, 6000, 0.0);
    let honest: Vec<&str> =
        talks.iter().filter(|t| t.task == "honest").map(|t| t.messages.last().unwrap().content.as_str()).collect();
    let chosen = honest.iter().filter(|a| a.starts_with("The text does not say")).count();
    assert!(honest.len() > 150 && (honest.len() * 2 / 5..honest.len() * 3 / 5).contains(&chosen), "{chosen}");
    let tasks: BTreeSet<&str> = talks.iter().map(|t| t.task.as_str()).collect();
    for task in
        ["facts", "arithmetic", "format", "series", "dialogue", "translate", "plan", "open", "honest", "harmless"]
    {
        assert!(tasks.contains(task), "{task}");
    }
}

#[test]
fn truth_agrees_with_the_text() {
    let config = config(9, Split::Train, 3000, 1.0);
    let documents = corpus(&config);
    let by_id: HashMap<&str, &(Document, Truth)> = documents.iter().map(|d| (d.0.id.as_str(), d)).collect();
    let mut kinds: BTreeMap<DocumentKind, usize> = BTreeMap::new();
    let (mut furnished, mut personal) = (0, 0);
    for (index, (document, truth)) in documents.iter().enumerate() {
        assert_eq!(document.id, truth.id);
        *kinds.entry(truth.kind).or_default() += 1;
        let lines: HashSet<&str> = document.text.lines().collect();
        assert!(truth.boilerplate.iter().all(|line| lines.contains(line.as_str())));
        assert!(truth.personal.iter().all(|p| document.text.contains(&p.text)));
        furnished += usize::from(!truth.boilerplate.is_empty());
        personal += usize::from(!truth.personal.is_empty());
        let original = || {
            let (original, its_truth) = by_id[truth.of.as_deref().unwrap()];
            assert!(original.id < document.id);
            assert_eq!(its_truth.kind, DocumentKind::Clean);
            assert!(its_truth.boilerplate.is_empty() && its_truth.personal.is_empty());
            &original.text
        };
        match truth.kind {
            DocumentKind::ExactDuplicate => assert_eq!(&document.text, original()),
            DocumentKind::NearDuplicate => {
                let similarity = jaccard(&shingles(original()), &shingles(&document.text));
                assert!((0.8..=0.98).contains(&similarity), "{index}: {similarity}\n{}", document.text);
            }
            DocumentKind::TestLeak => {
                let item = config.eval_items.iter().find(|i| Some(&i.id) == truth.of.as_ref()).unwrap();
                assert!(document.text.contains(&item.prompt[0].content) && document.text.contains(&item.answer));
            }
            _ => assert_eq!(truth.of, None),
        }
    }
    let share = |kind| kinds[&kind] as f64 / documents.len() as f64;
    let near = |share: f64, wanted: f64| (share - wanted).abs() < 0.015;
    let noise = &config.noise;
    assert!(near(share(DocumentKind::ExactDuplicate), noise.exact_duplicate), "{kinds:?}");
    assert!(near(share(DocumentKind::NearDuplicate), noise.near_duplicate), "{kinds:?}");
    assert!(near(share(DocumentKind::Gibberish), noise.gibberish), "{kinds:?}");
    assert!(near(share(DocumentKind::WrongLanguage), noise.wrong_language), "{kinds:?}");
    assert!(near(share(DocumentKind::TestLeak), noise.test_leak), "{kinds:?}");
    assert!(near(furnished as f64 / 3000.0, noise.boilerplate), "{furnished}");
    assert!(near(personal as f64 / 3000.0, noise.pii), "{personal}");
}

#[test]
fn personal_data_has_valid_check_digits() {
    let mut config = config(4, Split::Train, 1500, 0.0);
    config.noise.pii = 1.0;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (_, truth) in corpus(&config) {
        for piece in truth.personal {
            let digits: Vec<u32> = piece.text.chars().filter_map(|c| c.to_digit(10)).collect();
            match piece.kind.as_str() {
                "card" => {
                    // Luhn: from the right, every second digit doubled, the sum divisible by ten.
                    let sum: u32 = digits
                        .iter()
                        .rev()
                        .enumerate()
                        .map(|(i, &d)| if i % 2 == 1 { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][d as usize] } else { d })
                        .sum();
                    assert_eq!(sum % 10, 0, "{}", piece.text);
                }
                "id_card" => {
                    // ISO 7064: the sum of digit times 2^(position from the right) is 1 modulo 11.
                    let value = |c: char| c.to_digit(10).unwrap_or(10);
                    let sum: u64 = piece.text.chars().rev().enumerate().map(|(i, c)| u64::from(value(c)) << i).sum();
                    assert_eq!(piece.text.len(), 18);
                    assert_eq!(sum % 11, 1, "{}", piece.text);
                }
                "ip" => assert!(digits.len() >= 4 && piece.text.split('.').all(|p| p.parse::<u8>().is_ok())),
                "email" => assert_eq!(piece.text.matches('@').count(), 1),
                kind => assert_eq!(kind, "phone"),
            }
            *seen.entry(piece.kind).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn clean_documents_are_natural_in_length_and_language_and_unlike_each_other() {
    let documents = corpus(&config(6, Split::Train, 3000, 0.0));
    let texts: Vec<&str> = documents.iter().map(|(document, _)| document.text.as_str()).collect();
    let in_chinese = texts.iter().filter(|t| chinese(t)).count();
    assert!((750..1050).contains(&in_chinese), "{in_chinese} of 3000 in Chinese");
    for text in &texts {
        assert!(!text.contains(['\u{fffd}', '\t']) && !text.contains("(n)") && !text.contains("  "), "{text}");
        assert!(
            !text.contains("{a") && !text.contains("{b") && !text.contains("{c}") && !text.contains("{t"),
            "{text}"
        );
        for (before, after) in text.split(' ').zip(text.split(' ').skip(1)) {
            let vowel = after.starts_with(['a', 'e', 'i', 'o', 'u']) || after.starts_with("hour");
            let wrong = if vowel { "a" } else { "an" };
            assert_ne!(before, wrong, "{before} {after}: {text}");
        }
    }
    let lengths: Vec<usize> = texts.iter().map(|t| t.chars().count()).collect();
    let usual = texts
        .iter()
        .zip(&lengths)
        .filter(|(t, n)| if chinese(t) { (110..=700).contains(*n) } else { (280..=1700).contains(*n) })
        .count();
    assert!(usual * 100 > texts.len() * 95, "{usual} of usual length");
    // Pairs that share shingles are counted through an inverted index.
    let sets: Vec<HashSet<u64>> = texts.iter().map(|t| shingles(t)).collect();
    let mut places: HashMap<u64, Vec<u32>> = HashMap::new();
    for (index, set) in sets.iter().enumerate() {
        for &shingle in set {
            places.entry(shingle).or_default().push(index as u32);
        }
    }
    let mut most = 0.0f64;
    for (index, set) in sets.iter().enumerate() {
        let mut common: HashMap<u32, usize> = HashMap::new();
        for shingle in set {
            for &other in places[shingle].iter().take_while(|&&o| (o as usize) < index) {
                *common.entry(other).or_default() += 1;
            }
        }
        for (other, shared) in common {
            let similarity = shared as f64 / (set.len() + sets[other as usize].len() - shared) as f64;
            assert!(similarity < 0.5, "{similarity}\n{}\n---\n{}", texts[index], texts[other as usize]);
            most = most.max(similarity);
        }
    }
    assert!(most > 0.0);
}
