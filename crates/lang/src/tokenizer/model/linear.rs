//! Byte-pair encoding in linear time, without applying merges.
//!
//! Two facts (van Antwerpen and Neubeck, "So many tokens, so little time", 2024) make it exact. A border between two
//! neighbours of an encoding stays one when only the two are encoded, because merges on either side happen in the same
//! order there; and where every two neighbours stay apart like this, the whole is the encoding. So the encoding is the only
//! way to cut a text into tokens that encode to themselves, each fitting the one before it. The search takes the longest
//! token at every place, then shorter ones, then goes back; a place no token leads on from is remembered, so that none is
//! tried twice.
//!
//! Whether two tokens fit is read off the merges they were made by: looking back from the last merge, the tokens on
//! either side of the border come apart into smaller ones, and the two fit if no pair facing each other at any time
//! would have been joined sooner than one of them was used up. That needs merges that come after those of their parts; for
//! tokens made otherwise (files list merges in any order) the two are joined by the definition.

use super::repeats::{Places, Repeats};
use super::trie::{NONE, Trie};
use crate::tokenizer::merge::{PairTable, Symbol};

/// How a token came about.
#[derive(Clone, Copy, Debug)]
struct Origin {
    left: u32,
    right: u32,
    /// One more than the rank of the merge that made it; 0 for one not made by merging, [`NONE`] for one that its own
    /// spelling does not encode to.
    made: u32,
}

/// A vocabulary prepared for encoding.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// Tokens that encode to themselves by their bytes.
    trie: Trie,
    origins: Vec<Origin>,
    /// The longest token that a token begins with, besides itself.
    shorter: Vec<u32>,
    lengths: Vec<u32>,
    /// Bytes of the longest token.
    longest: usize,
    /// Tokens whose merges do not come in the order of their ranks.
    is_irregular: Vec<bool>,
}

/// Pairs of neighbours already looked at, by one thread: a table in which later ones take the place of earlier ones.
pub(crate) struct FitCache {
    slots: Vec<u64>,
}

const FIT_SLOTS: usize = 1 << 15;

impl FitCache {
    pub(crate) fn new() -> Self {
        FitCache { slots: vec![u64::MAX; FIT_SLOTS] }
    }
}

impl Linear {
    /// `contents` are the bytes every token stands for, none for one that no text gives; `initial` the tokens that texts
    /// begin as.
    pub(crate) fn new(contents: &[Vec<u8>], initial: impl Iterator<Item = u32>, pairs: &PairTable) -> Self {
        let mut linear = Linear {
            trie: Trie::new(std::iter::empty()),
            origins: vec![Origin { left: NONE, right: NONE, made: NONE }; contents.len()],
            shorter: vec![NONE; contents.len()],
            lengths: contents.iter().map(|content| content.len() as u32).collect(),
            longest: contents.iter().map(Vec::len).max().unwrap_or(0),
            is_irregular: vec![false; contents.len()],
        };
        initial.for_each(|token| linear.origins[token as usize].made = 0);
        // A token is made of shorter ones, which have been judged before it.
        let mut merges: Vec<(u32, u64, u32)> =
            pairs.iter().map(|(key, merge)| (linear.lengths[merge.token as usize], key, merge.token)).collect();
        merges.sort_unstable();
        let mut is_simulated = vec![false; contents.len()];
        for (length, key, token) in merges {
            let (left, right) = crate::tokenizer::merge::key_pair(key);
            let index = token as usize;
            if length == 0 || linear.is_known(token) || !linear.is_known(left) || !linear.is_known(right) {
                continue;
            }
            let Some(merge) = pairs.get(left, right) else { continue };
            let made = merge.rank.saturating_add(1);
            let is_regular = made > linear.origins[left as usize].made
                && made > linear.origins[right as usize].made
                && !linear.is_irregular[left as usize]
                && !linear.is_irregular[right as usize];
            if is_regular {
                if !linear.meet(pairs, left, right, false) {
                    linear.origins[index] = Origin { left, right, made };
                }
            } else if !std::mem::replace(&mut is_simulated[index], true) {
                let mut word = linear.initials(&[left, right]);
                if let Some((left, right)) = pairs.join(&mut word)
                    && let [Symbol { token: joined, .. }] = word[..]
                    && joined == token
                {
                    linear.origins[index] = Origin { left, right, made };
                    linear.is_irregular[index] = true;
                }
            }
        }
        let known = (0..contents.len() as u32).filter(|&token| linear.is_known(token));
        linear.trie = Trie::new(known.map(|token| (contents[token as usize].as_slice(), token)));
        for (token, content) in contents.iter().enumerate() {
            if let Some((_, last)) = content.split_last().filter(|_| linear.origins[token].made != NONE) {
                linear.shorter[token] =
                    linear.trie.prefixes(&content[..last.len()]).last().map_or(NONE, |found| found.1);
            }
        }
        linear
    }

    /// Whether a token encodes to itself.
    fn is_known(&self, token: u32) -> bool {
        self.origins[token as usize].made != NONE
    }

    /// The tokens a text of these begins as.
    fn initials(&self, tokens: &[u32]) -> Vec<Symbol> {
        let mut out = Vec::new();
        let mut waiting: Vec<u32> = tokens.iter().rev().copied().collect();
        while let Some(token) = waiting.pop() {
            let Origin { left, right, made } = self.origins[token as usize];
            match made {
                0 => out.push(Symbol { token, length: self.lengths[token as usize] }),
                _ => waiting.extend([right, left]),
            }
        }
        out
    }

    /// Whether a merge joins anything across the border between two regular tokens; `whole` counts that of the two
    /// themselves too.
    fn meet(&self, pairs: &PairTable, left: u32, right: u32, whole: bool) -> bool {
        let (mut left, mut right) = (left, right);
        // What faces the border is used up on its own side by merges of these ranks.
        let (mut left_used, mut right_used) = (NONE, NONE);
        let mut is_counted = whole;
        loop {
            // Of merges of one rank the leftmost comes first: on the left side before this one, on the right after it.
            if is_counted
                && let Some(merge) = pairs.get(left, right)
                && merge.rank < left_used
                && merge.rank <= right_used
            {
                return true;
            }
            is_counted = true;
            let (before, after) = (self.origins[left as usize], self.origins[right as usize]);
            match (before.made, after.made) {
                (0, 0) => return false,
                (first, second) if second >= first => {
                    right_used = second - 1;
                    right = after.left;
                }
                (first, _) => {
                    left_used = first - 1;
                    left = before.right;
                }
            }
        }
    }

    /// Whether the two stay apart when encoded together.
    fn fit(&self, pairs: &PairTable, left: u32, right: u32) -> bool {
        if !self.is_irregular[left as usize] && !self.is_irregular[right as usize] {
            return !self.meet(pairs, left, right, true);
        }
        let mut word = self.initials(&[left, right]);
        pairs.join(&mut word);
        matches!(word[..], [first, second] if (first.token, second.token) == (left, right))
    }

    fn fit_cached(&self, pairs: &PairTable, cache: &mut FitCache, left: u32, right: u32) -> bool {
        let key = u64::from(left) << 32 | u64::from(right) << 1;
        let slot = &mut cache.slots[(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 49) as usize & (FIT_SLOTS - 1)];
        if *slot & !1 == key {
            return *slot & 1 == 1;
        }
        let fits = self.fit(pairs, left, right);
        *slot = key | u64::from(fits);
        fits
    }

    /// Append the tokens of `text`; `false`, with nothing appended, if it does not begin as tokens at all.
    pub(crate) fn encode(&self, pairs: &PairTable, cache: &mut FitCache, text: &[u8], out: &mut Vec<u32>) -> bool {
        let start = out.len();
        let mut dead = Places::new(text.len());
        let mut repeats = Repeats::new(text, self.longest);
        let mut position = 0;
        let longest = |position: usize| self.trie.longest(&text[position..]).map_or(NONE, |found| found.1);
        let mut token = longest(0);
        while position < text.len() {
            if token == NONE {
                dead.mark(position);
                let Some(last) = (out.len() > start).then(|| out.pop()).flatten() else {
                    return false;
                };
                repeats.went_back(out.len());
                position -= self.lengths[last as usize] as usize;
                token = self.shorter[last as usize];
                continue;
            }
            let end = position + self.lengths[token as usize] as usize;
            let fits = !dead.has(end)
                && match out[start..].last() {
                    Some(&last) => self.fit_cached(pairs, cache, last, token),
                    None => true,
                };
            if !fits {
                token = self.shorter[token as usize];
                continue;
            }
            out.push(token);
            position = repeats.go_on(text, end, &mut dead, out);
            token = longest(position);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::tokenizer::merge::tests::{random_merges, symbols};
    use crate::tokenizer::merge::{Merge, pair_key};

    /// Against the definition, with merges in the order of learning and in any order.
    #[test]
    fn tokens_equal_those_of_the_definition() {
        let mut rng = Rng::new(23);
        let (mut regular, mut irregular) = (0, 0);
        for round in 0..400 {
            let (pairs, contents) = random_merges(&mut rng, 60, round % 2 == 0);
            let linear = Linear::new(&contents, 0..256, &pairs);
            let mut cache = FitCache::new();
            let made = linear.origins.iter().filter(|origin| origin.made != 0 && origin.made != NONE).count();
            irregular += linear.is_irregular.iter().filter(|is| **is).count();
            regular += made;
            for length in [0, 1, 2, 3, 5, 9, 20, 63, 64, 150] {
                let letters = 1 + rng.below(4);
                let mut word: Vec<u8> = (0..length).map(|_| b'a' + rng.below(letters) as u8).collect();
                if rng.below(3) == 0 {
                    // A run of one letter inside.
                    let (at, letter) = (rng.index(word.len() + 1), b'a' + rng.below(letters) as u8);
                    word.splice(at..at, std::iter::repeat_n(letter, rng.index(120)));
                }
                let mut expected = symbols(&word);
                pairs.join(&mut expected);
                let mut out = vec![7];
                assert!(linear.encode(&pairs, &mut cache, &word, &mut out));
                assert_eq!(out[1..], expected.iter().map(|symbol| symbol.token).collect::<Vec<_>>());
            }
        }
        assert!(regular > 1000 && irregular > 100, "{regular} {irregular}");
    }

    /// Pairs of neighbouring letters, the last of the alphabet first: which pairs are joined shows at the end of a round only, so that the
    /// search marks places far ahead, which must not be carried past what repeats or past the end.
    #[test]
    fn places_far_ahead_of_a_text_that_repeats() {
        for letters in [5u8, 6, 7, 12, 21, 40, 41] {
            let letter = |at: u8| u32::from(b'A' + at);
            let made: Vec<u8> = (0..letters - 1).rev().collect();
            let merges = made
                .iter()
                .zip(0u32..)
                .map(|(&at, rank)| (pair_key(letter(at), letter(at + 1)), Merge { rank, token: 256 + rank }));
            let pairs = PairTable::new(merges.collect::<Vec<_>>().into_iter());
            let mut contents: Vec<Vec<u8>> = (0..=255u8).map(|byte| vec![byte]).collect();
            contents.extend(made.iter().map(|&at| vec![b'A' + at, b'A' + at + 1]));
            let linear = Linear::new(&contents, 0..256, &pairs);
            for length in 100..600 {
                let word: Vec<u8> = (0..length).map(|at| b'A' + (at % usize::from(letters)) as u8).collect();
                let mut expected = symbols(&word);
                pairs.join(&mut expected);
                let mut out = Vec::new();
                assert!(linear.encode(&pairs, &mut FitCache::new(), &word, &mut out), "{letters} {length}");
                assert_eq!(out, expected.iter().map(|symbol| symbol.token).collect::<Vec<_>>(), "{letters} {length}");
            }
        }
    }

    #[test]
    fn a_text_of_other_letters_is_refused() {
        let (pairs, mut contents) = random_merges(&mut Rng::new(1), 10, true);
        contents[usize::from(b'z')] = Vec::new();
        let linear = Linear::new(&contents, (0..256).filter(|&byte| byte != u32::from(b'z')), &pairs);
        let mut out = vec![7];
        assert!(!linear.encode(&pairs, &mut FitCache::new(), b"abz", &mut out));
        assert_eq!(out, [7]);
    }
}
