//! Phrases that lines are looked through for, in any case: placeholders, notices about cookies and terms of use (C4), buttons of shops and
//! blogs (RefinedWeb). The pass over the words asks for each where a phrase may begin, by its last four bytes; nearly all words are
//! done with that comparison.

use super::lines::seen;

/// What may follow a first word, and what the line is then marked with.
type Follow = &'static [(&'static str, u32)];

/// A phrase in the text: where it begins and ends, and its bit.
pub(super) type Found = (usize, usize, u32);

/// The first words of phrases, by their last four bytes in lower case.
fn first_word(tail: u32) -> Option<(&'static str, Follow)> {
    const fn last(bytes: &[u8; 4]) -> u32 {
        u32::from_le_bytes(*bytes)
    }
    const OREM: u32 = last(b"orem");
    const ERMS: u32 = last(b"erms");
    const VACY: u32 = last(b"vacy");
    const OKIE: u32 = last(b"okie");
    const USES: u32 = last(b"uses");
    const TEMS: u32 = last(b"tems");
    const READ: u32 = last(b"read");
    Some(match tail {
        OREM => ("lorem", &[(" ipsum", seen::LOREM_IPSUM)]),
        ERMS => ("terms", &[(" of use", seen::POLICY)]),
        VACY => ("privacy", &[(" policy", seen::POLICY)]),
        OKIE => ("cookie", &[(" policy", seen::POLICY)]),
        USES => ("uses", &[(" cookies", seen::POLICY)]),
        TEMS => ("items", &[(" in cart", seen::PHRASE)]),
        READ => ("read", &[(" more", seen::PHRASE)]),
        // "use" has three letters: what stands before it does not matter.
        _ if tail >> 8 == last(b"use ") & 0xff_ffff => {
            ("use", &[(" of cookies", seen::POLICY), (" cookies", seen::POLICY)])
        }
        _ => return None,
    })
}

fn begins(text: &[u8], phrase: &str) -> bool {
    text.get(..phrase.len()).is_some_and(|head| head.eq_ignore_ascii_case(phrase.as_bytes()))
}

/// The phrase whose first word ends at `end`.
#[inline]
pub(super) fn at_end_of_word(text: &[u8], end: usize) -> Option<Found> {
    let tail = match text[..end].last_chunk::<4>() {
        Some(tail) => u32::from_le_bytes(*tail),
        // At the beginning of the text only "use" is that short.
        None => u32::from_le_bytes([0, *text.first()?, *text.get(1)?, *text.get(2)?]),
    } | 0x2020_2020;
    let (first, follow) = first_word(tail)?;
    let start = end.checked_sub(first.len())?;
    if !begins(&text[start..], first) {
        return None;
    }
    let (rest, bit) = follow.iter().find(|(rest, _)| begins(&text[end..], rest))?;
    Some((start, end + rest.len(), *bit))
}

/// Phrases without a space, inside the word from `start` to `end`, in order.
pub(super) fn inside(text: &[u8], start: usize, end: usize, found: &mut impl FnMut(Found)) {
    const SCRIPT: &str = "javascript";
    const SIGN_IN: &str = "sign-in";
    const DASH: usize = 4;
    // The two do not overlap, so that the first comes first by its `j` or its dash too.
    for at in memchr::memchr3_iter(b'j', b'J', b'-', &text[start..end]) {
        let at = start + at;
        let (first, phrase, bit) = match text[at] {
            b'-' if at - start < DASH => continue,
            b'-' => (at - DASH, SIGN_IN, seen::PHRASE),
            _ => (at, SCRIPT, seen::JAVASCRIPT),
        };
        if begins(&text[first..end], phrase) {
            found((first, first + phrase.len(), bit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    const PHRASES: [(&str, u32); 11] = [
        ("javascript", seen::JAVASCRIPT),
        ("lorem ipsum", seen::LOREM_IPSUM),
        ("terms of use", seen::POLICY),
        ("privacy policy", seen::POLICY),
        ("cookie policy", seen::POLICY),
        ("uses cookies", seen::POLICY),
        ("use of cookies", seen::POLICY),
        ("use cookies", seen::POLICY),
        ("items in cart", seen::PHRASE),
        ("read more", seen::PHRASE),
        ("sign-in", seen::PHRASE),
    ];

    /// The marks of a line as a search for all phrases at once gives them.
    fn by_search(line: &str) -> u32 {
        let phrases = PHRASES.iter().map(|(phrase, _)| phrase);
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(phrases).unwrap();
        search.find_iter(line).map(|found| PHRASES[found.pattern().as_usize()].1).fold(0, |all, bit| all | bit)
    }

    fn marks(line: &str) -> u32 {
        let all = seen::JAVASCRIPT | seen::LOREM_IPSUM | seen::POLICY | seen::PHRASE;
        let text = line.as_bytes();
        let mut marks = 0;
        let mut start = 0;
        for word in line.split(' ') {
            let end = start + word.len();
            if !word.is_empty() {
                marks |= at_end_of_word(text, end).map_or(0, |found| found.2);
                let mut last = start;
                inside(text, start, end, &mut |found| {
                    assert!(found.0 >= last, "{line:?} out of order");
                    last = found.1;
                    marks |= found.2;
                });
            }
            start = end + 1;
        }
        marks & all
    }

    #[test]
    fn every_phrase_is_found_anywhere_in_any_case() {
        for (phrase, bit) in PHRASES {
            let joined = [format!("{phrase}/javascript"), format!("javascript/{phrase}")];
            let plain = [phrase.to_owned(), phrase.to_uppercase(), format!("中文x{phrase}y."), format!("a {phrase}")];
            for line in plain.into_iter().chain(joined) {
                assert_eq!(marks(&line) & bit, bit, "{line}");
                assert_eq!(marks(&line), by_search(&line), "{line}");
            }
            assert_eq!(marks(&phrase[1..]) & bit, by_search(&phrase[1..]) & bit, "{phrase}");
        }
    }

    proptest! {
        #[test]
        fn marks_are_those_of_a_search(picks in proptest::collection::vec(0usize..22, 0..8)) {
            let parts = ["use", "uses", " ", " ", "of", "cookies", "cookie", "policy", "privacy", "terms", "read", "more", "sign-", "in",
                "java", "script", "items", "cart", "Lorem", "ipsum", "x", "é"];
            let line: String = picks.iter().map(|&pick| parts[pick]).collect();
            prop_assert_eq!(marks(&line), by_search(&line), "{}", line);
        }
    }
}
