//! The byte-level spelling of GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019): each
//! of the 256 bytes is written as one printable character, so that a token of any bytes is a JSON string.
//!
//! Bytes that Latin-1 prints (`!`–`~`, `¡`–`¬`, `®`–`ÿ`) stand for themselves; the other 68 take U+0100, U+0101, … in
//! byte order, which is why a space is spelt `Ġ`.

/// Whether Latin-1 prints `byte`, so that it is its own spelling.
const fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// Spelling of each byte as a code point.
const SPELLING: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut byte = 0;
    let mut next = 0x100;
    while byte < 256 {
        if is_printable(byte as u8) {
            table[byte] = byte as u16;
        } else {
            table[byte] = next;
            next += 1;
        }
        byte += 1;
    }
    table
};

/// Byte of each code point below U+0144; `u16::MAX` where there is none.
const BYTE: [u16; 0x144] = {
    let mut table = [u16::MAX; 0x144];
    let mut byte = 0;
    while byte < 256 {
        table[SPELLING[byte] as usize] = byte as u16;
        byte += 1;
    }
    table
};

/// The character that stands for `byte`.
pub(crate) fn spell(byte: u8) -> char {
    char::from_u32(u32::from(SPELLING[usize::from(byte)])).expect("every spelling is below U+0144, thus a character")
}

/// The byte that `spelling` stands for.
pub(crate) fn unspell(spelling: char) -> Option<u8> {
    BYTE.get(spelling as usize).and_then(|&byte| u8::try_from(byte).ok())
}

/// The bytes a whole token stands for; a token with a character outside the table is its own UTF-8 (as in the decoder
/// of Hugging Face).
pub(crate) fn unspell_token(token: &str) -> Vec<u8> {
    token.chars().map(unspell).collect::<Option<Vec<u8>>>().unwrap_or_else(|| token.as_bytes().to_vec())
}

/// The 256 bytes ordered by the code point of their spelling: the order of the alphabet in a trained vocabulary.
pub(crate) fn alphabet() -> [u8; 256] {
    let mut bytes: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    bytes.sort_unstable_by_key(|&byte| SPELLING[usize::from(byte)]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spellings that appear in GPT-2's `vocab.json`.
    #[test]
    fn published_spellings() {
        for (byte, expected) in
            [(b' ', 'Ġ'), (b'\n', 'Ċ'), (b'\t', 'ĉ'), (0, 'Ā'), (0x7F, 'ġ'), (0xAD, 'Ń'), (b'a', 'a')]
        {
            assert_eq!(spell(byte), expected);
        }
    }

    #[test]
    fn every_byte_survives() {
        for byte in 0..=255u8 {
            assert_eq!(unspell(spell(byte)), Some(byte));
        }
        assert_eq!(unspell(' '), None);
        assert_eq!(unspell('中'), None);
    }
}
