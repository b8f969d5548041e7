//! Telephone numbers: the forms of the United States, of mainland China and of Europe, international ones anywhere, and
//! any seven digits or more that words around them call a telephone number.

use std::cell::OnceCell;
use std::sync::LazyLock;

use regex::Regex;

use super::Taken;
use super::checks::{compile, in_an_address, numbered, slack, stands_alone};
use super::scan::Window;

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| compile($pattern));
    };
}

pattern!(CHINESE_MOBILE, r"(?:(?:\+|00)?86[- ]?|\(\+?86\) ?)?1[3-9][0-9](?:[0-9]{8}|[- ][0-9]{4}[- ][0-9]{4})");
pattern!(
    CHINESE_LINE,
    r"(?:\(0[1-9][0-9]{1,2}\) ?|0[1-9][0-9]{1,2}[- ])[2-8][0-9]{2,3}[- ]?[0-9]{4}(?:-[0-9]{1,5})?|[48]00-[0-9]{3}-?[0-9]{4}|[48]00-[0-9]{4}-?[0-9]{3}"
);
pattern!(AMERICAN, r"(?:\+?1[-. ]?)?(?:\([0-9]{3}\)[ -]{0,2}|[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}");
pattern!(INTERNATIONAL, r"(?:\+|(?-u:\b)00)(?: ?[1-9][0-9]{0,3})(?:[ .\-/]{0,2}\(?[0-9]{1,12}\)?){1,7}");
pattern!(
    NATIONAL,
    r"\(?0[1-9][0-9]{1,4}\)?[ /-]{0,3}[0-9]{3,8}(?:[ -][0-9]{2,5}){0,3}|0[1-9](?:[ .-][0-9]{2,3}){3,4}|0[1-9](?:[ .-][0-9]{2}){4}"
);
pattern!(FICTITIOUS, r"555-[0-9]{4}");
pattern!(ANNOUNCED, r"[0-9(+](?:[ ().\-/]{0,2}[0-9]){6,13}");
pattern!(EXTENSION, r"(?i)^,?[ ]{0,2}(?:x|ext\.?|extension|durchwahl|dw|poste|转|分机)[ .:]{0,2}[0-9]{1,6}");

pattern!(
    ANNOUNCING,
    r"(?i)(?:^|[^\p{Latin}])(?:phone|telephone|tel|call|mobile|mob|cell|fax|whatsapp|ring|dial|text me|reach me|hotline|desk:|office:|home:|work:|messages to|answering at|contact|kontakt|my number|reachable|sms|signal|telegram|telefon|rufnummer|handy|mobil|ruf mich|rufen sie|anrufen|erreichbar|durchwahl|téléphone|téléphon|tél|portable|appel|joindre|joignable|numéro|móvil|teléfono|llam|telefono|cellulare|chiam|telefone|celular|telefoon|mobiel)|电话|手机|致电|拨打|热线|联系方式|联系人|传真|座机|短信|微信"
);
pattern!(ANNOUNCED_AFTER, r"(?i)^[ \-(:,（]{0,3}(?:office|fax|mobile|cell|phone|tel|home|work|手机|电话|传真)");

/// The calling codes of the world with one and two digits; all others have three.
const SHORT_CODES: &[&str] = &[
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
    "86", "90", "91", "92", "93", "94", "95", "98",
];
/// First two digits of the codes with three.
const LONG_CODES: &[&str] = &[
    "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "80", "85", "87",
    "88", "96", "97", "99",
];

pub(super) fn search(text: &str, window: &Window, found: &mut Taken) {
    // A bracket or a plus may stand right before the first digit.
    let mut begin = window.start;
    while begin > 0 && matches!(text.as_bytes()[begin - 1], b'(' | b'+') {
        begin -= 1;
    }
    let piece = &text[begin..window.end];
    let mut search = Search { text, begin, piece, found, announced: OnceCell::new(), in_an_address: OnceCell::new() };
    let digits = |piece: &str| piece.bytes().filter(u8::is_ascii_digit).count();
    search.take(&CHINESE_MOBILE, "mainland mobile", |_, _| true);
    search.take(&CHINESE_LINE, "mainland line", |_, _| true);
    // Spaces alone may separate the numbers of a list; a bracket, a dash, a point or a word before tells.
    search.take(&AMERICAN, "area code, exchange, line", |search, (start, end)| {
        text[start..end].contains(['(', '-', '.', '+']) || search.announced(start, end)
    });
    search.take(&INTERNATIONAL, "calling code", |search, (start, end)| {
        let piece = &text[start..end];
        let before = text[..start].trim_end();
        let sum = piece.starts_with('+') && before.ends_with(|c: char| c.is_ascii_digit() || c == ')');
        let bare = piece.starts_with("00") && !piece.contains([' ', '-', '/', '.', '(']);
        let number = piece.trim_start_matches("00");
        (8..=15).contains(&digits(number))
            && has_calling_code(number)
            && !sum
            && (!bare || search.announced(start, end))
    });
    search.take(&NATIONAL, "national form", |search, (start, end)| {
        let piece = &text[start..end];
        let separated = piece.contains([' ', '-', '/', ')', '.', '\u{a0}', '\u{202f}']);
        (9..=12).contains(&digits(piece)) && (separated || search.announced(start, end))
    });
    search.take(&FICTITIOUS, "555 exchange", |_, _| true);
    search.take(&ANNOUNCED, "announced as one", |search, (start, end)| {
        let piece = &text[start..end];
        (7..=14).contains(&digits(piece)) && !is_date(piece) && search.announced(start, end)
    });
}

struct Search<'t> {
    text: &'t str,
    begin: usize,
    piece: &'t str,
    found: &'t mut Taken,
    announced: OnceCell<bool>,
    in_an_address: OnceCell<bool>,
}

impl Search<'_> {
    fn take(&mut self, pattern: &Regex, reason: &'static str, is_good: impl Fn(&Self, (usize, usize)) -> bool) {
        for m in pattern.find_iter(self.piece) {
            let (start, end) = (self.begin + m.start(), self.begin + m.end());
            let rest = &self.text[end..slack(self.text, end + 24)];
            let whole = end + EXTENSION.find(rest).map_or(0, |m| m.end());
            let alone = self.found.is_free(start, end) && stands_alone(self.text, start, whole);
            // "3760 044341 93893": the tail of a longer number is no number of its own.
            let before = &self.text.as_bytes()[..start];
            let tail = matches!(before, [.., digit, b' ' | b'-'] if digit.is_ascii_digit())
                && !m.as_str().starts_with(['+', '(']);
            if !alone || tail || !is_good(self, (start, end)) || numbered(self.text, start) {
                continue;
            }
            if *self.in_an_address.get_or_init(|| in_an_address(self.text, self.begin)) {
                return;
            }
            self.found.add((start, whole), "phone", reason);
        }
    }

    /// Do the words before, or right after, say that this is a telephone number?
    fn announced(&self, start: usize, end: usize) -> bool {
        let before = *self.announced.get_or_init(|| {
            let mut from = start.saturating_sub(40);
            while !self.text.is_char_boundary(from) {
                from += 1;
            }
            ANNOUNCING.is_match(&self.text[from..start])
        });
        before || ANNOUNCED_AFTER.is_match(&self.text[end..slack(self.text, end + 24)])
    }
}

fn has_calling_code(number: &str) -> bool {
    let digits: String = number.chars().filter(char::is_ascii_digit).take(3).collect();
    SHORT_CODES.iter().any(|code| digits.starts_with(code)) || LONG_CODES.iter().any(|code| digits.starts_with(code))
}

/// `2021-05-03`, `03.05.2021`, `2021/05/03`, with or without a time after it.
fn is_date(piece: &str) -> bool {
    let parts: Vec<&str> = piece.split([' ', '\u{a0}']).next().unwrap_or(piece).split(['-', '.', '/']).collect();
    let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    matches!(sizes[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
}
