//! The substrings training starts from: those whose characters are there most often, found in a suffix array.
//!
//! Only substrings that are followed by different things in different places are taken, the end of a word being one such thing: any
//! other is always followed by the same, and the longer one is as frequent. They are the inner nodes of the suffix tree, cut off at
//! the longest piece (Abouelhoda et al., "Replacing suffix trees with enhanced suffix arrays", 2004). Whole words that always end
//! alike are taken if they are there often. With all of them training keeps long rare words and gives up short pieces, which costs a
//! text that it has not seen up to 1 % more tokens; with none frequent names are missing (`benchmarks/LOG.md`).

use std::collections::HashMap;

use rayon::slice::ParallelSliceMut as _;

use super::super::config::UnigramConfig;
use super::{Piece, Sentences};
use crate::tokenizer::merge::QuickMap;
use crate::tokenizer::pre_tokenize::scripts;

/// A substring: where it is, how long it is in characters, and how often it is there.
struct Found {
    start: u32,
    length: u32,
    count: u64,
}

/// Characters by number: 0 ends a word, frequent ones have low numbers.
struct Numbered {
    letters: Vec<char>,
    text: Vec<u16>,
    /// The sentence that each place is in.
    sentence: Vec<u32>,
}

/// A whole word is a piece to start from if it is there as often as this, whatever follows its beginnings.
const FREQUENT_WORD: u64 = 5;
/// More characters than this are rarely told apart: the rarest stand alone.
const MOST_LETTERS: usize = u16::MAX as usize - 1;

fn numbered(sentences: &Sentences, counts: &[(char, u64)]) -> Numbered {
    let letters: Vec<char> = counts.iter().take(MOST_LETTERS).map(|(letter, _)| *letter).collect();
    let numbers: QuickMap<u64, u16> =
        letters.iter().zip(1..).map(|(letter, number)| (u64::from(u32::from(*letter)), number)).collect();
    let (mut text, mut sentence) = (Vec::new(), Vec::new());
    for (index, (words, _)) in sentences.iter().enumerate() {
        let codes = words.chars().map(|letter| numbers.get(&u64::from(u32::from(letter))).copied().unwrap_or(0));
        text.extend(codes.chain([0]));
        sentence.resize(text.len(), index as u32);
        // Places are numbered in 32 bits.
        if text.len() > u32::MAX as usize - (1 << 20) {
            break;
        }
    }
    Numbered { letters, text, sentence }
}

/// Pieces to start from: all characters, and as many substrings of up to `longest` characters as there may be.
pub(super) fn pieces(sentences: &Sentences, longest: usize, settings: &UnigramConfig) -> Vec<Piece> {
    let mut counts: HashMap<char, u64> = HashMap::new();
    for (word, count) in sentences.iter() {
        word.chars().for_each(|letter| *counts.entry(letter).or_default() += count);
    }
    let mut counts: Vec<(char, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|&(letter, count)| (std::cmp::Reverse(count), letter));
    let numbered = numbered(sentences, &counts);
    let mut found = substrings(&numbered, &sentences.counts, longest);
    let valid = Validity::new(&numbered.letters, settings.split_scripts);
    found.retain(|found| valid.is_valid(numbered.slice(found)));
    let weight = |found: &Found| found.count.saturating_mul(u64::from(found.length));
    let room = settings.seed_pieces.saturating_sub(counts.len());
    let order = |left: &Found, right: &Found| {
        weight(right).cmp(&weight(left)).then_with(|| numbered.slice(left).cmp(numbered.slice(right)))
    };
    found.par_sort_unstable_by(order);
    found.truncate(room);
    let total: f64 = counts.iter().map(|(_, count)| *count as f64).sum::<f64>()
        + found.iter().map(|found| weight(found) as f64).sum::<f64>();
    let score = |weight: u64| (weight as f64).ln() - total.ln();
    let single = counts.iter().map(|(letter, count)| Piece { text: letter.to_string(), score: score(*count) });
    let longer = found.iter().map(|found| {
        let letters = numbered.slice(found).iter().map(|&number| numbered.letters[usize::from(number) - 1]);
        Piece { text: letters.collect(), score: score(weight(found)) }
    });
    let mut pieces: Vec<Piece> = single.chain(longer).collect();
    pieces.par_sort_unstable_by(|left, right| left.text.cmp(&right.text));
    pieces
}

impl Numbered {
    fn slice(&self, found: &Found) -> &[u16] {
        &self.text[found.start as usize..][..found.length as usize]
    }
}

/// Substrings of two to `longest` characters that are followed by different things, and frequent whole words.
fn substrings(numbered: &Numbered, counts: &[u64], longest: usize) -> Vec<Found> {
    let text = &numbered.text;
    // A place and what begins there.
    let at = |place: u32| &text[place as usize..(place as usize + longest).min(text.len())];
    let mut places: Vec<u32> = (0..text.len() as u32).filter(|&place| text[place as usize] != 0).collect();
    places.par_sort_unstable_by(|&left, &right| at(left).cmp(at(right)).then(left.cmp(&right)));
    // How many characters two neighbours share, within a word; its end is a character like any other.
    let shared = |left: u32, right: u32| {
        let mut is_within = true;
        let pairs = at(left).iter().zip(at(right));
        pairs.take_while(|(left, right)| left == right && std::mem::replace(&mut is_within, **left != 0)).count() as u32
    };
    let mut found: Vec<Found> = Vec::new();
    // Substrings that the place before and the present one share, each longer than the one below: its length and the occurrences
    // before it.
    let mut open: Vec<(u32, u64)> = Vec::new();
    let mut seen = 0u64;
    for (number, &place) in places.iter().enumerate() {
        let own = seen;
        seen += counts[numbered.sentence[place as usize] as usize];
        let next = places.get(number + 1).map_or(0, |&next| shared(place, next));
        let is_start = place == 0 || text[place as usize - 1] == 0;
        if is_start && seen - own >= FREQUENT_WORD {
            let length = at(place).iter().take_while(|&&letter| letter != 0).count() as u32;
            let is_whole = text[place as usize + length as usize] == 0;
            let before = number.checked_sub(1).map_or(0, |before| shared(places[before], place));
            if is_whole && length > 1 && next < length && before < length {
                found.push(Found { start: place, length, count: seen - own });
            }
        }
        let mut begun = own;
        while let Some(&(length, before)) = open.last() {
            if length <= next {
                break;
            }
            open.pop();
            begun = before;
            if length > 1 && text[(place + length - 1) as usize] != 0 {
                found.push(Found { start: place, length, count: seen - before });
            }
        }
        if next > 0 && open.last().is_none_or(|&(length, _)| length < next) {
            open.push((next, begun));
        }
    }
    found
}

/// Which substrings may be pieces.
struct Validity {
    /// Of each character: its script, digits and marks being scripts of their own; 0 for what goes with any. The first stands for
    /// none.
    kinds: Vec<u16>,
    space: u16,
    split_scripts: bool,
}

/// Kinds that are no script.
const ANY: u16 = 0;
const DIGIT: u16 = u16::MAX;

impl Validity {
    fn new(letters: &[char], split_scripts: bool) -> Self {
        let kind = |letter: &char| match *letter {
            '▁' => ANY,
            letter if letter.is_numeric() => DIGIT,
            letter => scripts::number_of(letter),
        };
        let space = letters.iter().position(|letter| *letter == '▁').map_or(0, |at| at as u16 + 1);
        Validity { kinds: [ANY].into_iter().chain(letters.iter().map(kind)).collect(), space, split_scripts }
    }

    fn is_valid(&self, piece: &[u16]) -> bool {
        // A space begins a piece; alone it is a piece too.
        if self.space != 0 && piece[1..].contains(&self.space) {
            return false;
        }
        if !self.split_scripts {
            return true;
        }
        let mut kinds = piece.iter().map(|&letter| self.kinds[usize::from(letter)]).filter(|kind| *kind != ANY);
        match kinds.next() {
            Some(first) => kinds.all(|kind| kind == first),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashSet};

    use super::super::super::table::Counted;
    use super::*;
    use crate::rng::Rng;

    fn sentences(words: &BTreeMap<String, u64>) -> Sentences {
        let mut counted = Counted::default();
        words.iter().for_each(|(word, count)| counted.push(word, *count));
        let alphabet: HashSet<char> = words.keys().flat_map(|word| word.chars()).collect();
        Sentences::new(&counted, &alphabet, 1)
    }

    /// Every substring tried in every word.
    #[test]
    fn substrings_equal_looking_everywhere() {
        let mut rng = Rng::new(12);
        for round in 0..60 {
            let words: BTreeMap<String, u64> = (0..1 + round)
                .map(|_| {
                    let word = (0..=rng.below(7)).map(|_| *rng.choose(&['a', 'b', '河'])).collect();
                    (word, 1 + rng.below(9))
                })
                .collect();
            let longest = 4;
            let (mut counts, mut follow): (BTreeMap<String, u64>, BTreeMap<String, BTreeSet<String>>) =
                Default::default();
            for (number, (word, count)) in words.iter().enumerate() {
                let letters: Vec<char> = word.chars().collect();
                for start in 0..letters.len() {
                    for end in start + 2..=letters.len().min(start + longest) {
                        let piece: String = letters[start..end].iter().collect();
                        *counts.entry(piece.clone()).or_default() += count;
                        // The end of a word is a thing to follow, and every place after the longest piece another one.
                        let next = match letters.get(end) {
                            _ if end - start == longest => format!("{number} {start}"),
                            None => "end".to_owned(),
                            Some(next) => next.to_string(),
                        };
                        follow.entry(piece).or_default().insert(next);
                    }
                }
            }
            // A word that others end with too is followed by their end alone, and is left out with them.
            let stands_alone = |piece: &str| words.keys().filter(|word| word.ends_with(piece)).count() == 1;
            let is_frequent =
                |piece: &str| words.get(piece).is_some_and(|count| *count >= FREQUENT_WORD) && stands_alone(piece);
            let expected: BTreeMap<String, u64> =
                counts.into_iter().filter(|(piece, _)| follow[piece].len() > 1 || is_frequent(piece)).collect();
            let sentences = sentences(&words);
            let settings = UnigramConfig { split_scripts: false, ..UnigramConfig::default() };
            let pieces = pieces(&sentences, longest, &settings);
            let total: f64 = pieces.iter().map(|piece| piece.score.exp()).sum();
            assert!((total - 1.0).abs() < 1e-9);
            let single: u64 = words.iter().map(|(word, count)| word.chars().count() as u64 * count).sum();
            let weights: u64 = expected.iter().map(|(piece, count)| piece.chars().count() as u64 * count).sum();
            let found: BTreeMap<String, u64> = pieces
                .iter()
                .filter(|piece| piece.text.chars().count() > 1)
                .map(|piece| {
                    let weight = piece.score.exp() * (single + weights) as f64;
                    (piece.text.clone(), (weight / piece.text.chars().count() as f64).round() as u64)
                })
                .collect();
            assert_eq!(found, expected, "{words:?}");
        }
    }

    #[test]
    fn pieces_do_not_cross_scripts() {
        let words: BTreeMap<String, u64> = ["▁ab1", "▁ab", "b河", "河水", "河水x", "ab,", "▁▁", "か河x", "か河"]
            .into_iter()
            .map(|word| (word.to_owned(), 3))
            .collect();
        let pieces = pieces(&sentences(&words), 16, &UnigramConfig::default());
        let longer: Vec<&str> =
            pieces.iter().map(|piece| piece.text.as_str()).filter(|piece| piece.chars().count() > 1).collect();
        // Kana and Han are one script, as in SentencePiece.
        assert_eq!(longer, ["ab", "▁ab", "か河", "河水"]);
    }
}
