//! The checks behind the patterns: check digits, value ranges, neighbours and the words before a number.

use std::sync::LazyLock;

use regex::Regex;

/// Compiles a constant pattern. A space in it stands for no-break spaces too.
pub(super) fn compile(pattern: &str) -> Regex {
    Regex::new(&pattern.replace(' ', "[ \u{a0}\u{202f}]"))
        .expect("the pattern is a constant, compiled by the tests of this module")
}

/// `end`, or the last boundary of a character before it, or the end of the text.
pub(super) fn slack(text: &str, end: usize) -> usize {
    let mut end = end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Words that make the number after them a name of something else.
static NUMBERING: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)(?:(?:^|[^\p{Latin}])(?:e?isbn|doi|e?issn|arxiv|pmid|pmc|oclc|lccn|ean|upc|gtin|asin|sku|imei|version|order|invoice|tracking|serial|part|article|item|model|patent|case|ref|reference|transaction|ticket|receipt|bestell|auftrags|rechnungs|rechnung|artikel|serien|kunden|sendungs|commande|facture|référence|numéro de série|pedido|factura|build|commit|sha|md5|uuid|no\.)(?:[ -]?(?:numbers?|no\.?|nr\.?|nummer|num|id|code|1[03]|[0-9]))?(?: (?:is|was|are|ist|est|es|of))?|订单|单号|编号|版本|序列|流水|学号|工号|货号|条码|书号|期号|qq|订单号|编号是)(?:号|号码)?(?:是|为)?[ .:：#=\-_/(]{0,4}$",
    )
});

/// True when the words right before `start` say that the number is no personal one.
pub(super) fn numbered(text: &str, start: usize) -> bool {
    NUMBERING.is_match(before(text, start, 40))
}

/// The `reach` bytes before `start`, on the same line.
fn before(text: &str, start: usize, reach: usize) -> &str {
    let mut begin = start.saturating_sub(reach);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    let piece = &text[begin..start];
    piece.rfind('\n').map_or(piece, |line| &piece[line + 1..])
}

/// True inside a web address, where digits name a page; `tel:` and chat links keep their numbers.
pub(super) fn in_an_address(text: &str, start: usize) -> bool {
    let piece = before(text, start, 200);
    let token =
        piece.rfind(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '(')).map_or(piece, |at| &piece[at..]);
    let web = token.contains("://") || token.contains("www.");
    web && !["tel:", "wa.me/", "phone="].iter().any(|link| token.contains(link))
}

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
    let number =
        |range: std::ops::Range<usize>| characters[range].iter().fold(0u32, |n, d| n * 10 + u32::from(d - b'0'));
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    if !matches!(number(0..2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
        || !(1850..=2100).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days(year, month)).contains(&day)
    {
        return false;
    }
    let sum: u32 = characters.iter().zip(WEIGHTS).map(|(c, w)| u32::from(c - b'0') * w).sum();
    characters[17].to_ascii_uppercase() == b"10X98765432"[(sum % 11) as usize]
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The length of account numbers (ISO 13616) by country.
pub(super) fn iban_length(country: &str) -> Option<usize> {
    const COUNTRIES: &[(usize, &str)] = &[
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FK FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH HR LI LV"),
        (22, "BG BH CR DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (32, "LC"),
        (33, "RU"),
    ];
    COUNTRIES.iter().find(|(_, codes)| codes.split(' ').any(|code| code == country)).map(|(length, _)| *length)
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
        // The check character agrees, but there is no 30 February and no province 99.
        assert!(!is_identity_number(b"110105199002300028") && !is_identity_number(b"990105194912310023"));
        assert!(is_iban("GB82WEST12345698765432") && !is_iban("GB82WEST12345698765433"));
    }
}
