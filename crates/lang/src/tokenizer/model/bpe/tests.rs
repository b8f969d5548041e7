//! Repeated text against the definition, through everything that cuts a piece before it is encoded.

use super::*;
use crate::tokenizer::merge::tests::random_merges;

/// A model over bytes or over characters with tokens for bytes, of random merges of `a` to `d`.
fn random(rng: &mut Rng, of_bytes: bool, ordered: bool) -> Bpe {
    let (pairs, contents) = random_merges(rng, 60, ordered);
    let merges = Vec::new();
    if of_bytes {
        let mut ids: HashMap<String, u32> = HashMap::new();
        for (content, id) in contents.iter().zip(0..) {
            ids.insert(content.iter().map(|&byte| bytes::spell(byte)).collect(), id);
        }
        let byte_tokens = Box::new(std::array::from_fn(|byte| byte as u32));
        return Bpe::new(&ids, contents.len(), Some(byte_tokens), pairs, merges, Settings::default());
    }
    // Below 256 stand the tokens of bytes; those of `a` to `d` are letters.
    let mut ids: HashMap<String, u32> = HashMap::new();
    for (content, id) in contents.iter().zip(0u32..) {
        let is_text = id >= 256 || (97..101).contains(&id);
        ids.insert(if is_text { String::from_utf8(content.clone()).unwrap() } else { format!("<0x{id:02X}>") }, id);
    }
    ids.extend((97..101).map(|byte| (format!("<0x{byte:02X}>"), contents.len() as u32 + byte - 97)));
    let settings = Settings { byte_fallback: true, ..Settings::default() };
    Bpe::new(&ids, contents.len() + 4, None, pairs, merges, settings)
}

/// `text` by the model, and by the definition.
fn check(bpe: &Bpe, scratch: &mut Scratch, text: &str) {
    let expected: Vec<Symbol> = bpe.join(text);
    let mut out = vec![7];
    bpe.encode(text, scratch, &mut out);
    let tokens: Vec<u32> = expected.iter().map(|symbol| symbol.token).collect();
    assert_eq!(out[1..], tokens, "{text:?}");
    let mut ranges = Vec::new();
    bpe.encode_ranges(text, scratch, &mut ranges);
    let lengths: Vec<(u32, usize)> = ranges.iter().map(|(token, range)| (*token, range.len())).collect();
    let wanted: Vec<(u32, usize)> = expected.iter().map(|symbol| (symbol.token, symbol.length as usize)).collect();
    assert_eq!(lengths, wanted, "{text:?}");
}

/// A run of every length up to 2000: of letters that have merges, of others, of characters of several bytes.
#[test]
fn runs_of_all_lengths() {
    let mut rng = Rng::new(41);
    for round in 0..4 {
        for of_bytes in [true, false] {
            let mut bpe = random(&mut rng, of_bytes, round % 2 == 0);
            let mut scratch = Scratch::new();
            for length in 1..=2000 {
                if length % 100 == 0 {
                    (bpe, scratch) = (random(&mut rng, of_bytes, round % 2 == 0), Scratch::new());
                }
                let unit = *rng.choose(&["a", "b", "c", "d", "x", " ", "\0", "河", "🙂"]);
                check(&bpe, &mut scratch, &unit.repeat(length));
            }
        }
    }
}

/// Runs with other text before, between and after, and of periods of several characters.
#[test]
fn runs_within_text() {
    let mut rng = Rng::new(42);
    for round in 0..400 {
        let bpe = random(&mut rng, round % 2 == 0, round % 3 == 0);
        let mut scratch = Scratch::new();
        for _ in 0..5 {
            let mut text = String::new();
            for _ in 0..1 + rng.below(4) {
                let letters = ["a", "b", "c", "d", "a", "b", "x", "河", "沴", "🙂"];
                let unit: String = (0..1 + rng.below(3)).map(|_| *rng.choose(&letters)).collect();
                let most = if rng.below(2) == 0 { 400 } else { 4 };
                text.push_str(&unit.repeat(rng.index(most)));
            }
            check(&bpe, &mut scratch, &text);
        }
    }
}
