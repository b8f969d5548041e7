//! Base64 (RFC 4648, standard alphabet), in which tiktoken writes tokens and `tokenizer.json` a binary table.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The number of every letter; 255 for what is none.
const NUMBERS: [u8; 256] = {
    let mut numbers = [255; 256];
    let mut number = 0;
    while number < 64 {
        numbers[ALPHABET[number] as usize] = number as u8;
        number += 1;
    }
    numbers
};

/// The bytes that `text` stands for; `None` if it is not base64 with its padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in body.as_bytes().chunks(4) {
        let mut word = 0u32;
        for &letter in chunk {
            let number = NUMBERS[usize::from(letter)];
            if number == 255 {
                return None;
            }
            word = word << 6 | u32::from(number);
        }
        word <<= 6 * (4 - chunk.len());
        out.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(out)
}

/// `bytes` as base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = [0u8; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for at in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648.
    #[test]
    fn published_vectors() {
        for (text, spelling) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(text.as_bytes()), spelling);
            assert_eq!(decode(spelling).as_deref(), Some(text.as_bytes()));
        }
        for broken in ["Zg=", "Zg", "Z===", "Zm9!"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
