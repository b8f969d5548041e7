//! The checks behind the patterns: check digits, value ranges, neighbours and the words before a number.

/// Luhn's check (ISO/IEC 7812-1, annex B) over a string of digits.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, double) if double > 9 => double - 9,
                (_, double) => double,
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&d| d != b'0')
}

/// True for card numbers: issuer prefix, length and check digit agree.
pub(super) fn is_card(digits: &[u8]) -> bool {
    if digits.len() < 12 || !luhn(digits) {
        return false;
    }
    let number = |length: usize| digits[..length].iter().fold(0u32, |n, d| n * 10 + u32::from(d - b'0'));
    match digits.len() {
        // Visa has 13, 16 and 19 digits; 13 without a separator may be any number, and is taken with its prefix only.
        13 => digits[0] == b'4',
        14 => matches!(number(3), 300..=305 | 309) || matches!(number(2), 36 | 38 | 39),
        15 => matches!(number(2), 34 | 37) || matches!(number(4), 1800 | 2131),
        16 => {
            matches!(digits[0], b'4')
                || matches!(number(2), 51..=55 | 60 | 62 | 64 | 65 | 35)
                || matches!(number(4), 2221..=2720)
        }
        19 if digits[0] == b'4' => true,
        12 | 17 | 18 | 19 => matches!(number(2), 50 | 56..=58 | 60..=69),
        _ => false,
    }
}

/// The check digit of a Chinese identity number (GB 11643-1999, ISO 7064 mod 11-2) over its 18 characters.
pub(super) fn is_identity_number(characters: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    if characters.len() != 18 || !characters[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = characters.iter().zip(WEIGHTS).map(|(c, w)| u32::from(c - b'0') * w).sum();
    characters[17].to_ascii_uppercase() == b"10X98765432"[(sum % 11) as usize]
}

/// The length of account numbers (ISO 13616) by country.
pub(super) fn iban_length(country: &str) -> Option<usize> {
    const LENGTHS: &[(&str, usize)] = &[
        ("AD", 24),
        ("AE", 23),
        ("AL", 28),
        ("AT", 20),
        ("AZ", 28),
        ("BA", 20),
        ("BE", 16),
        ("BG", 22),
        ("BH", 22),
        ("BR", 29),
        ("BY", 28),
        ("CH", 21),
        ("CR", 22),
        ("CY", 28),
        ("CZ", 24),
        ("DE", 22),
        ("DK", 18),
        ("DO", 28),
        ("EE", 20),
        ("EG", 29),
        ("ES", 24),
        ("FI", 18),
        ("FO", 18),
        ("FR", 27),
        ("GB", 22),
        ("GE", 22),
        ("GI", 23),
        ("GL", 18),
        ("GR", 27),
        ("GT", 28),
        ("HR", 21),
        ("HU", 28),
        ("IE", 22),
        ("IL", 23),
        ("IQ", 23),
        ("IS", 26),
        ("IT", 27),
        ("JO", 30),
        ("KW", 30),
        ("KZ", 20),
        ("LB", 28),
        ("LC", 32),
        ("LI", 21),
        ("LT", 20),
        ("LU", 20),
        ("LV", 21),
        ("MC", 27),
        ("MD", 24),
        ("ME", 22),
        ("MK", 19),
        ("MR", 27),
        ("MT", 31),
        ("MU", 30),
        ("NL", 18),
        ("NO", 15),
        ("PK", 24),
        ("PL", 28),
        ("PS", 29),
        ("PT", 25),
        ("QA", 29),
        ("RO", 24),
        ("RS", 22),
        ("SA", 24),
        ("SC", 31),
        ("SE", 24),
        ("SI", 19),
        ("SK", 24),
        ("SM", 27),
        ("ST", 25),
        ("SV", 28),
        ("TL", 23),
        ("TN", 24),
        ("TR", 26),
        ("UA", 29),
        ("VA", 22),
        ("VG", 24),
        ("XK", 20),
    ];
    LENGTHS.iter().find(|(code, _)| *code == country).map(|(_, length)| *length)
}

/// The mod-97 check of an account number without spaces.
pub(super) fn is_iban(compact: &str) -> bool {
    if !compact.is_ascii() || compact.len() < 5 {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let mut rest = 0u32;
    for c in tail.chars().chain(head.chars()) {
        rest = match c.to_digit(36) {
            Some(value) if value < 10 => (rest * 10 + value) % 97,
            Some(value) => (rest * 100 + value) % 97,
            None => return false,
        };
    }
    rest == 1
}

/// True when the piece `start..end` is not part of a longer word or number: no letter, digit or underscore of ASCII
/// touches it (Chinese characters may), and no point, comma, dash or slash joins it to another digit.
pub(super) fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let joint = |b: u8| matches!(b, b'.' | b',' | b'-' | b'/');
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(end).copied();
    let touched = before.is_some_and(word) || after.is_some_and(word);
    let joined_before = before.is_some_and(joint) && digit(start.checked_sub(2));
    let joined_after = after.is_some_and(joint) && digit(end.checked_add(1));
    !touched && !joined_before && !joined_after
}

/// True when one of `words` stands in the `reach` characters before `start`.
pub(super) fn preceded_by(text: &str, start: usize, reach: usize, words: &[&str]) -> bool {
    let before = &text[..start];
    let begin = before.char_indices().rev().nth(reach.saturating_sub(1)).map_or(0, |(at, _)| at);
    let before = before[begin..].to_lowercase();
    words.iter().any(|word| {
        before.match_indices(word).any(|(at, _)| {
            // Latin words must stand alone: "call" not in "recall", but "called" may go on.
            !word.is_ascii() || !before[..at].ends_with(|c: char| c.is_ascii_alphabetic())
        })
    })
}

/// True when one of `words` follows `end` after at most a space or a sign.
pub(super) fn followed_by(text: &str, end: usize, words: &[&str]) -> bool {
    let after: String = text[end..].trim_start_matches([' ', '-', '(', ':', ',']).chars().take(12).collect();
    let after = after.to_lowercase();
    words.iter().any(|word| after.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        assert!(luhn(b"79927398713") && !luhn(b"79927398710") && !luhn(b"0000000000000000"));
        assert!(is_card(b"4111111111111111") && is_card(b"6011111111111117") && !is_card(b"1234567812345670"));
        assert!(is_identity_number(b"11010519491231002X") && !is_identity_number(b"110105194912310021"));
        assert!(is_iban("GB82WEST12345698765432") && !is_iban("GB82WEST12345698765433"));
    }
}
