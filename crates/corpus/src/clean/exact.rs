//! Later copies of a text. Two texts are the same when they are equal in lower case with runs of white space folded.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::stage::{Drop, Stage};

pub(super) fn apply(stage: &mut Stage<'_>) {
    let keys = stage.map(|document| key(&document.text));
    let mut first: HashMap<u128, usize> = HashMap::with_capacity(keys.len());
    for (index, key) in keys {
        match first.get(&key) {
            // 128 bits: among a thousand million documents a false match has a chance of 10^-21.
            Some(&kept) => {
                let duplicate_of = Some(stage.documents[kept].id.clone());
                stage.drop(index, Drop { reason: "same_text: as an earlier document".to_string(), duplicate_of });
            }
            None => {
                first.insert(key, index);
            }
        }
    }
}

fn key(text: &str) -> u128 {
    let mut folded = String::with_capacity(text.len());
    for piece in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        if piece.is_ascii() {
            folded.push_str(piece);
            let start = folded.len() - piece.len();
            folded[start..].make_ascii_lowercase();
        } else {
            folded.push_str(&piece.to_lowercase());
        }
    }
    xxh3_128(folded.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_do_not_matter() {
        assert_eq!(key("The  cat\nsat. "), key("the cat sat."));
        assert_ne!(key("the cat sat"), key("the cat sat."));
        assert_eq!(key("Été 你好"), key("été\t你好"));
    }
}
