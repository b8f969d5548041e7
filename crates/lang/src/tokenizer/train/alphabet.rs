//! The characters a vocabulary begins with.

use std::collections::HashSet;

use super::config::TrainConfig;
use super::table::Counted;
use crate::tokenizer::merge::QuickMap;

/// The characters of `words` that are in the vocabulary, in the order of their code points: those asked for and the most
/// frequent ones, as many as `limit_alphabet` and `character_coverage` let in. Of equally frequent ones those with lower
/// code points go first (the trainer of Hugging Face leaves that to chance).
pub(super) fn alphabet(words: &Counted, config: &TrainConfig) -> Vec<char> {
    let mut counts: QuickMap<u64, u64> = QuickMap::default();
    for (word, count) in words.iter() {
        word.chars().for_each(|letter| *counts.entry(u64::from(u32::from(letter))).or_default() += count);
    }
    let total: u128 = counts.values().map(|count| u128::from(*count)).sum();
    let asked_for: HashSet<char> = config.initial_alphabet.chars().collect();
    for letter in &asked_for {
        counts.entry(u64::from(u32::from(*letter))).or_default();
    }
    let mut ranked: Vec<(char, u64)> =
        counts.into_iter().filter_map(|(letter, count)| Some((char::from_u32(letter as u32)?, count))).collect();
    ranked.sort_unstable_by_key(|&(letter, count)| (!asked_for.contains(&letter), std::cmp::Reverse(count), letter));
    ranked.truncate(config.limit_alphabet.unwrap_or(usize::MAX));
    if config.character_coverage < 1.0 {
        let wanted = total as f64 * config.character_coverage;
        let mut covered: u128 = 0;
        ranked.retain(|&(letter, count)| {
            // Those asked for are in, and cover what they cover.
            let is_kept = asked_for.contains(&letter) || (covered as f64) < wanted;
            covered += u128::from(count);
            is_kept
        });
    }
    let mut letters: Vec<char> = ranked.into_iter().map(|(letter, _)| letter).collect();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_characters_are_in() {
        let mut words = Counted::default();
        for (word, count) in [("aab", 10), ("bc", 5), ("d", 5), ("河", 1)] {
            words.push(word, count);
        }
        let check = |change: fn(&mut TrainConfig), expected: &str| {
            let mut config = TrainConfig::default();
            change(&mut config);
            assert_eq!(alphabet(&words, &config).into_iter().collect::<String>(), expected);
        };
        check(|_| (), "abcd河");
        check(|config| config.initial_alphabet = "z!".into(), "!abcdz河");
        check(|config| config.limit_alphabet = Some(3), "abc");
        check(|config| (config.limit_alphabet, config.initial_alphabet) = (Some(3), "z".into()), "abz");
        // a 20, b 15, c 5, d 5, 河 1 of 46.
        check(|config| config.character_coverage = 0.9, "abcd");
        check(|config| config.character_coverage = 0.86, "abc");
        check(|config| config.character_coverage = 0.44, "ab");
        check(|config| config.character_coverage = 0.43, "a");
        check(|config| (config.character_coverage, config.initial_alphabet) = (0.86, "zb".into()), "abcz");
        check(|config| (config.character_coverage, config.initial_alphabet) = (0.76, "zb".into()), "abz");
    }
}
