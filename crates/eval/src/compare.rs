//! Which part of an answer counts, and whether it is right.

use lang::instance::Extract;

/// The part of `answer` that is compared; `None` when there is no such part.
///
/// [`Extract::Whole`] is the text without the white space around it. [`Extract::LastNumber`] is the last number:
/// digits, with commas between groups of three taken out, a decimal part where digits follow the point, and a sign that
/// stands before it and after no digit (`7-3` ends in 3, `= -3` in −3). Full-width digits count as digits; leading
/// zeros and zeros that end a decimal part do not count.
pub fn extracted(answer: &str, extract: Extract) -> Option<String> {
    match extract {
        Extract::Whole => Some(answer.trim().to_owned()),
        Extract::LastNumber => last_number(answer),
    }
}

/// Whether `answer` is right when `expected` is: both have the compared part and it is the same. An expected answer
/// without a number is compared whole.
pub fn is_correct(answer: &str, expected: &str, extract: Extract) -> bool {
    match extracted(expected, extract) {
        Some(expected) => extracted(answer, extract) == Some(expected),
        None => answer.trim() == expected.trim(),
    }
}

fn last_number(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().map(plain).collect();
    let is_digit = |at: usize| characters.get(at).is_some_and(char::is_ascii_digit);
    let end = characters.iter().rposition(char::is_ascii_digit)? + 1;
    let mut start = end;
    let mut point = None;
    while start > 0 {
        let before = start - 1;
        if is_digit(before) {
            start = before;
        } else if characters[before] == '.' && point.is_none() && before > 0 && is_digit(before - 1) {
            point = Some(before);
            start = before;
        } else if characters[before] == ',' && before > 0 && is_digit(before - 1) {
            // Between groups of three only: "1,234" is one number, "3,14" two.
            let group = (before + 1..characters.len()).take_while(|&at| is_digit(at)).count();
            if group != 3 {
                break;
            }
            start = before;
        } else {
            break;
        }
    }
    let signed = start > 0 && characters[start - 1] == '-' && !(start > 1 && is_digit(start - 2));
    let digits: String = characters[start..end].iter().filter(|character| **character != ',').collect();
    let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
    let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if signed && (whole != "0" || !decimals.is_empty()) { "-" } else { "" };
    let separator = if decimals.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{separator}{decimals}"))
}

/// Full-width digits and the typographic minus as ASCII.
fn plain(character: char) -> char {
    match character {
        '０'..='９' => char::from(b'0' + (u32::from(character) - u32::from('０')) as u8),
        '−' | '－' => '-',
        '．' => '.',
        '，' => ',',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_numbers() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(extracted(text, Extract::LastNumber).as_deref(), expected, "{text:?}");
        };
        check("", None);
        check("no number", None);
        check("7 + 8 = 15, write 5 carry 1\nanswer: 85.", Some("85"));
        check("7-3", Some("3"));
        check("= -3", Some("-3"));
        check("-0", Some("0"));
        check("12 − 15 = −3", Some("-3"));
        check("it costs 1,234 coins", Some("1234"));
        check("1,234,567", Some("1234567"));
        check("a list: 3,14", Some("14"));
        check("3.50", Some("3.5"));
        check("v1.2.3", Some("2.3"));
        check("答案是４２。", Some("42"));
        check("007", Some("7"));
        check("5.", Some("5"));
        check(".5", Some("5"));
    }

    #[test]
    fn right_and_wrong() {
        assert!(is_correct(" Larkhaven\n", "Larkhaven", Extract::Whole));
        assert!(!is_correct("larkhaven", "Larkhaven", Extract::Whole));
        assert!(is_correct("40 + 7 = 47, so 47", "47", Extract::LastNumber));
        assert!(!is_correct("", "47", Extract::LastNumber));
        assert!(!is_correct("1.5", "2.5", Extract::LastNumber));
        assert!(is_correct("none", "none ", Extract::LastNumber));
    }
}
