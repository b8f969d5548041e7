//! The four normal forms of Unicode (UAX #15), in the version the reference has: characters newer than Unicode 9 are left
//! as they are and join with nothing.

use unicode_normalization::char as unicode;

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::{Aligned, Change};
use crate::tokenizer::char_set::is_in_unicode_9;

/// Which of the forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

pub(super) fn read_nfc(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Form::Nfc))
}

pub(super) fn read_nfd(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Form::Nfd))
}

pub(super) fn read_nfkc(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Form::Nfkc))
}

pub(super) fn read_nfkd(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Form::Nfkd))
}

impl Normalizer for Form {
    fn normalize(&self, text: &mut Aligned) {
        normalize_form(text, *self);
    }
}

/// Bring `text` into `form`.
pub(super) fn normalize_form(text: &mut Aligned, form: Form) {
    // Every form leaves ASCII alone.
    if text.text.is_ascii() {
        return;
    }
    let decomposed = decompose(&text.text, matches!(form, Form::Nfkc | Form::Nfkd));
    match form {
        Form::Nfd | Form::Nfkd => text.change(decomposed.into_iter().map(|(_, change)| change), 0),
        Form::Nfc | Form::Nfkc => text.change(compose(decomposed), 0),
    }
}

fn combining_class(character: char) -> u8 {
    if is_in_unicode_9(character) { unicode::canonical_combining_class(character) } else { 0 }
}

/// Calls `push` with the characters that stand for one in canonical decomposition, and their combining classes.
pub(super) fn canonical_parts(character: char, mut push: impl FnMut(u8, char)) {
    if character.is_ascii() || !is_in_unicode_9(character) {
        push(0, character);
    } else {
        unicode::decompose_canonical(character, |part| push(combining_class(part), part));
    }
}

/// The characters with their combining classes, in canonical order.
fn decompose(text: &str, compatible: bool) -> Vec<(u8, Change)> {
    let mut out: Vec<(u8, Change)> = Vec::with_capacity(text.len());
    // Where the run of combining characters begins that is not in order yet.
    let mut pending = 0;
    for character in text.chars() {
        let mut change = 0;
        let mut push = |part: char| {
            let class = combining_class(part);
            if class == 0 {
                out[pending..].sort_by_key(|(class, _)| *class);
                pending = out.len() + 1;
            }
            out.push((class, (part, change)));
            change = 1;
        };
        if character.is_ascii() || !is_in_unicode_9(character) {
            push(character);
        } else if compatible {
            unicode::decompose_compatible(character, &mut push);
        } else {
            unicode::decompose_canonical(character, &mut push);
        }
    }
    out[pending..].sort_by_key(|(class, _)| *class);
    out
}

fn join(left: char, right: char) -> Option<char> {
    let known = is_in_unicode_9(left) && is_in_unicode_9(right);
    known.then(|| unicode::compose(left, right)).flatten()
}

/// Canonical composition of an ordered text.
fn compose(decomposed: Vec<(u8, Change)>) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::with_capacity(decomposed.len());
    // The last starter, which following characters may join; those that do not wait behind it.
    let mut starter: Option<Change> = None;
    let mut waiting: Vec<Change> = Vec::new();
    let mut last_class = 0;
    for (class, (character, change)) in decomposed {
        let Some((base, base_change)) = starter else {
            match class {
                0 => starter = Some((character, change)),
                _ => out.push((character, change)),
            }
            continue;
        };
        // A character of the same or a lower class in between blocks the way.
        let is_blocked = !waiting.is_empty() && last_class >= class;
        if !is_blocked && let Some(joined) = join(base, character) {
            starter = Some((joined, base_change + change - 1));
        } else if class == 0 {
            out.push((base, base_change));
            out.append(&mut waiting);
            starter = Some((character, change));
        } else {
            waiting.push((character, change));
            last_class = class;
        }
    }
    out.extend(starter);
    out.append(&mut waiting);
    out
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    /// Against the `unicode-normalization` crate on text whose characters Unicode 9 has.
    #[test]
    fn texts_equal_those_of_the_unicode_crate() {
        let mut rng = crate::rng::Rng::new(3);
        let pool: Vec<char> =
            "aeoÅåéế\u{301}\u{323}\u{307}\u{327}ﬁ①각ㄱ\u{1100}\u{1161}\u{11a8}\u{9c7}\u{9be}ｱﾞ\u{345}ᾳ\u{344}"
                .chars()
                .collect();
        for _ in 0..3000 {
            let text: String = (0..rng.below(8)).map(|_| *rng.choose(&pool)).collect();
            let check = |form: Form, expected: String| {
                let mut aligned = Aligned::new(&text, 0..text.len(), true);
                normalize_form(&mut aligned, form);
                assert_eq!(aligned.text, expected, "{form:?} {text:?}");
                assert_eq!(aligned.spans.unwrap().len(), expected.len());
            };
            check(Form::Nfc, text.nfc().collect());
            check(Form::Nfd, text.nfd().collect());
            check(Form::Nfkc, text.nfkc().collect());
            check(Form::Nfkd, text.nfkd().collect());
        }
    }

    #[test]
    fn newer_characters_stay() {
        let text = "\u{105d2}\u{307}";
        let mut aligned = Aligned::new(text, 0..text.len(), false);
        normalize_form(&mut aligned, Form::Nfc);
        assert_eq!(aligned.text, text);
    }
}
