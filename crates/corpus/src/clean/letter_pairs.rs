//! Which pairs of neighbouring letters written English, names in it included, does not have: pairs with fewer than
//! thirty occurrences in a million in a few dozen English books and in lists of given names (Chinese ones in pinyin
//! too). Words of random letters have one such pair in four out of five cases, English words in one of a hundred.

/// For each letter, the letters that do not follow it; `$` is the end of the word.
const NEVER_AFTER: [&str; 26] = [
    "q",
    "cfghkmnpqvwxz",
    "bdfgjmnpsvwxz",
    "bcjkpqtxz",
    "",
    "bcdghjkmnpqsvwxz",
    "bcdfjkmpqvwxz",
    "cdfghjkpqvxz",
    "jw",
    "bcdfghjklmnpqrstvwxyz",
    "bcdfgjkmpqtvwxz",
    "ghjnqxz",
    "cdghjkqtvwxz",
    "mpx",
    "jq",
    "bcdfgjkmnqvwxz",
    "abcdefghjklmnopqrstvwxyz$",
    "jqxz",
    "djrvxz",
    "bdgjkpqvx",
    "hjquvxy",
    "bcdfghjklmnpqrstuvwxz",
    "bcfgjkmpqtvwxz",
    "bdfghjklmnoqrsvwxyz",
    "fghjpqxyz",
    "bcdfgjkmnpqrstvwx",
];

const MASKS: [u32; 26] = masks();

const fn masks() -> [u32; 26] {
    let mut out = [0u32; 26];
    let mut i = 0;
    while i < 26 {
        let bytes = NEVER_AFTER[i].as_bytes();
        let mut j = 0;
        while j < bytes.len() {
            out[i] |= 1 << if bytes[j] == b'$' { 26 } else { bytes[j] - b'a' };
            j += 1;
        }
        i += 1;
    }
    out
}

/// Shortest word judged: two-letter abbreviations break every rule.
const SHORTEST: usize = 3;

/// True when `word` cannot well be English: it has a pair of letters that English does not have, five consonants in a
/// row, or four letters and no vowel. Words with other than ASCII letters, short ones, and capitals up to five
/// (`NBC`, `HTML`) are never called implausible.
pub(super) fn is_implausible(word: &str) -> bool {
    let bytes = word.as_bytes();
    if bytes.len() < SHORTEST
        || !bytes.iter().all(u8::is_ascii_alphabetic)
        || (bytes.len() <= 5 && bytes.iter().all(u8::is_ascii_uppercase))
    {
        return false;
    }
    let (mut consonants, mut longest, mut vowels) = (0usize, 0usize, 0usize);
    let mut previous: Option<u8> = None;
    for byte in bytes {
        let letter = byte.to_ascii_lowercase() - b'a';
        if previous.is_some_and(|p| MASKS[usize::from(p)] & (1 << letter) != 0) {
            return true;
        }
        if b"aeiouy".contains(&(letter + b'a')) {
            consonants = 0;
            vowels += 1;
        } else {
            consonants += 1;
            longest = longest.max(consonants);
        }
        previous = Some(letter);
    }
    let ends_badly = previous.is_some_and(|p| MASKS[usize::from(p)] & (1 << 26) != 0);
    // "brrr", "hmm" and "psst" are written in stories; five letters without a vowel are not.
    ends_badly || longest >= 6 || (vowels == 0 && bytes.len() >= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_noise() {
        for word in ["the", "lengths", "queue", "rhythm", "Zhang", "Xiaoming", "Qiang", "hmm", "NBC", "Velmora", "don"]
        {
            assert!(!is_implausible(word), "{word}");
        }
        for word in ["xqzt", "wkfjd", "bvncmx", "qpwoei", "zxcvb", "jhgfds", "trwpl", "hjklm"] {
            assert!(is_implausible(word), "{word}");
        }
    }
}
