//! Street addresses in Latin letters: around every short number that stands beside a capitalised word.
//!
//! A street is taken with its number when a word of it is a word of streets (`5 Oak Lane`, `12 rue de Lyon`,
//! `Gartenweg 7`), when the form alone says so (`PO Box 77`, `123 Something Suite 5`), or when a phrase before it announces an
//! address. What follows (flat, town, postal code, country) goes with it.

use std::sync::LazyLock;

use regex::Regex;

use super::Taken;
use super::address_words::{AFTER, BEFORE, BETWEEN, COUNTRIES, CUES, ENDINGS, UNITS};
use super::checks::{compile, slack};
use super::scan::{Scan, Window};
use super::words::{self, COMMON, FIRST, LAST, PLACE};

/// A capitalised word of a street's name, or a small one inside it.
const NAME: &str = r"(?:\p{Lu}[\p{L}'’\-]*\.?|[0-9]{1,3}(?:st|nd|rd|th))";
const SMALL: &str = r"(?:de la|de los|de las|de|du|des|del|della|dei|delle|da|do|dos|das|di|von|van|van der|van de|der|the|of|and|y|e|la|le|les|al)";

/// From a number on: `12b, North Main Street`.
static NUMBER_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^[0-9]{{1,6}}(?:[A-Za-z]|[-/][0-9]{{1,4}}[A-Za-z]?)?,? (?:(?:[NSEW]\.?|[NS][EW]|North|South|East|West) )?(?:[0-9]{{1,4}} )?{NAME}(?: (?:{NAME}|{SMALL})){{0,4}}?(?:(?: | ?-)(?:{AFTER})\b\.?)(?: (?:{NAME} ){{1,2}}(?:{AFTER})\b\.?)?(?: (?:[NSEW]\b|[NS][EW]\b|North|South|East|West))?"
    ))
});
/// The same in small letters, where a phrase announces it.
static NUMBER_FIRST_SMALL: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"(?i)^[0-9]{{1,6}}[a-z]?,? (?:[0-9]{{1,4}} )?\p{{L}}[\p{{L}}'’\-]*(?: \p{{L}}[\p{{L}}'’\-]*){{0,3}}? (?:{AFTER})\b\.?"
    ))
});
/// `12 bis, rue de la Paix`, `10 place Bellecour`.
static FRENCH: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^[0-9]{{1,4}}(?: ?(?:bis|ter|quater|[A-Z]))?,? (?i:rue|avenue|av\.|boulevard|bd\.?|place|chemin|allée|allées|impasse|quai|cours|route|square|passage|villa|cité|faubourg|sentier)(?: (?:{SMALL}|d['’]|l['’]|{NAME}|[dl]['’]{NAME})){{1,6}}"
    ))
});
/// A number, a name, a number, as many generated addresses are: `6750 Koskikatu 25`.
static BOTH_SIDES: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^[0-9]{{1,6}},? {NAME}(?: (?:{NAME}|{SMALL}|u\.|utca|út|tér)){{0,4}} [0-9]{{1,4}}[A-Za-z]?\b\.?"
    ))
});
/// A number and a name with a flat after it.
static WITH_UNIT: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^[0-9]{{1,6}},? (?:[0-9]{{1,4}} )?{NAME}(?: (?:{NAME}|{SMALL}|street|road|avenue)){{0,5}}(?:,? |,?\n ?)(?:{UNITS})\.? ?#?[0-9]"
    ))
});
/// A number and one to four names, for where a phrase announces an address.
static ANNOUNCED: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^[0-9]{{1,6}}[A-Za-z]?,? (?:[0-9]{{1,4}} )?{NAME}(?: (?:{NAME}|{SMALL})){{0,4}}(?: [0-9]{{1,4}}\b)?(?: (?:street|road|avenue|lane)\b)?"
    ))
});
static CUE: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"(?i)(?:{CUES})(?: is| are)?[:,]?\s{{0,12}}$")));
/// Mail that goes to a box.
static BOX: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)\b(?:P\. ?O\. ?Box|PO Box|Post Office Box|Postfach|Boîte Postale|Apartado(?: de Correos)?|Casella Postale|Postbus) [0-9]{1,7}|\bPSC [0-9]{1,5},? Box [0-9]{1,5}|\bUnit [0-9]{1,5},? Box [0-9]{1,5}",
    )
});
/// Mail to ships and bases, up to its code.
static SHIP: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?:US[A-Z]{1,3} \p{Lu}[\p{L}'’\-]+\s*,?\s*)(?:APO|FPO|DPO) A[AEP] $"));
/// What may follow a street: a flat.
static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"(?i)^(?:,? ?\n?[> ?]{{0,5}}|,? )(?:(?:{UNITS})\.? ?#?[0-9]{{1,5}}[A-Za-z]?\b|#[0-9]{{1,5}}\b|[0-9]{{1,2}}(?:st|nd|rd|th) floor\b)"
    ))
});
/// … a town with a postal code, or a country.
static TOWN: LazyLock<Regex> = LazyLock::new(|| {
    let place = r"(?:\p{Lu}\p{L}{0,2}\. ?)?\p{Lu}[\p{L}'’\-]*(?: (?:\p{Lu}[\p{L}'’\-()]*|\(\p{Lu}[\p{L}'’\- ()]*\)|an der|am|im|ob der|de|du|del|di|la|le|les|sur|upon|der|den|u|nad)){0,4}";
    let gap = r"(?:,? ?\n[>? ]{0,5},? ?|, ?| )";
    let code = r"(?:[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}|[A-Z]{1,2}-?[0-9]{3,6}|[0-9]{4} ?[A-Z]{2}|[0-9]{5}-[0-9]{4}|[0-9]{2}-[0-9]{3}|[0-9]{3} [0-9]{2}|[0-9]{4,5})\b";
    compile(&format!(
        r"^{gap}(?:{code} {place}(?:{gap}(?:{COUNTRIES})\b)?|{place}(?:{gap}{place})?(?:{gap}(?:[A-Z]{{2,3}}|[0-9]{{2}}|nan)\b)?(?:{gap}(?:{COUNTRIES})\b)?{gap}{code}(?:{gap}(?:{COUNTRIES})\b)?|(?:{place}{gap})?(?:{COUNTRIES})\b|[A-Z]{{2}} {code}|{code}|APO A[AEP] [0-9]{{5}}|AP[AO]? A[AEP] [0-9]{{5}})"
    ))
});
/// … or a town alone after a comma, where the street is sure.
static TOWN_ONLY: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^, ?\p{Lu}[\p{L}'’\-]+(?: \p{Lu}[\p{L}'’\-]+){0,2}(?:, ?[A-Z]{2}\b)?"));
static MILITARY: LazyLock<Regex> = LazyLock::new(|| compile(r"(?i)^\n? ?,? ?(?:APO|FPO|DPO) A[AEP] [0-9]{5}"));

/// Longest stretch that is looked at after a number.
const REACH: usize = 180;

pub(super) fn search(text: &str, scan: &Scan, found: &mut Taken) {
    for window in &scan.windows {
        if let Some((start, end, reason)) = around(text, window, found) {
            let end = extended(text, end);
            found.add((start, end), "address", reason);
        }
    }
}

/// The core of an address with the window's first number.
fn around(text: &str, window: &Window, found: &Taken) -> Option<(usize, usize, &'static str)> {
    let bytes = text.as_bytes();
    let run = bytes[window.start..window.end].iter().take_while(|b| b.is_ascii_digit()).count();
    if run > 6 || !found.is_free(window.start, window.start + 1) {
        return None;
    }
    let glued = window.start.checked_sub(1).is_some_and(|before| {
        bytes[before].is_ascii_alphanumeric()
            || matches!(bytes[before], b'.' | b'$' | b'_' | b'%' | b':' | b'=')
                && window.start > 1
                && !bytes[before - 1].is_ascii_whitespace()
                && bytes[before] != b'.'
    });
    if let Some(boxed) = boxed(text, window) {
        return Some(boxed);
    }
    let after = &text[window.start..slack(text, window.start + REACH)];
    if !glued && may_begin_a_street(&after[run..]) {
        let hit = |pattern: &Regex| pattern.find(after).map(|m| window.start + m.end());
        let announced = || CUE.is_match(&text[back(text, window.start, 60)..window.start]);
        let checked = |end: usize| (!is_prose(text, window.start, end) || announced()).then_some(end);
        if let Some(end) = hit(&NUMBER_FIRST).and_then(checked) {
            return Some((window.start, end, "number, name, word of streets"));
        }
        if let Some(end) = hit(&FRENCH) {
            return Some((window.start, end, "number, word of streets, name"));
        }
        if let Some(end) = hit(&WITH_UNIT).and_then(checked) {
            // The unit's digits are taken by the extension.
            let core = &text[window.start..end];
            let unit = core.rfind(|c: char| c.is_whitespace() || c == '#').unwrap_or(core.len());
            let core = core[..unit].trim_end();
            let cut = core.rfind(char::is_whitespace).filter(|_| !core.ends_with('\n')).unwrap_or(core.len());
            let cut = if core[cut..].trim().is_empty() { unit } else { cut };
            return Some((
                window.start,
                window.start + core[..cut.min(core.len())].trim_end().trim_end_matches(',').len(),
                "number, name, flat",
            ));
        }
        if let Some(end) = hit(&BOTH_SIDES).and_then(checked) {
            let follows =
                UNIT.is_match(&text[end..slack(text, end + 40)]) || TOWN.is_match(&text[end..slack(text, end + 90)]);
            let own_line = (window.start == 0 || text[..window.start].ends_with('\n')) && text[end..].starts_with('\n');
            if follows || own_line || announced() {
                return Some((window.start, end, "number, name, number"));
            }
        }
        if announced() {
            if let Some(end) = hit(&ANNOUNCED).and_then(checked) {
                return Some((window.start, end, "announced as an address"));
            }
            if let Some(end) = hit(&NUMBER_FIRST_SMALL) {
                return Some((window.start, end, "announced as an address"));
            }
        }
    }
    street_before(text, window, run)
}

/// Whether a capitalised word, or a word of French streets, can begin after the number.
fn may_begin_a_street(rest: &str) -> bool {
    let mut rest = rest;
    if let Some(after) = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()) {
        rest = after;
    }
    rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '/' | ',' | ' ' | '\u{a0}'));
    rest.chars().next().is_some_and(char::is_alphabetic)
}

/// Words of streets that say little else.
const SURE: &[&str] = &[
    "Street",
    "St",
    "Avenue",
    "Ave",
    "Road",
    "Rd",
    "Boulevard",
    "Blvd",
    "Lane",
    "Ln",
    "Drive",
    "Dr",
    "Court",
    "Ct",
    "Terrace",
    "Parkway",
    "Pkwy",
    "Highway",
    "Hwy",
    "Crescent",
    "Cres",
    "Circle",
    "Cir",
    "Close",
    "Mews",
    "Gardens",
    "Grove",
    "Square",
    "Sq",
    "Alley",
    "Turnpike",
    "Plaza",
];

/// "5 The Way", "10 Years in the Way": no street. The first word after the number is a month or an ordinary word, and the
/// last one does not say street for sure.
fn is_prose(text: &str, start: usize, end: usize) -> bool {
    let piece = &text[start..end];
    let words: Vec<&str> =
        piece.split([' ', ',', '\n', '.']).filter(|word| word.starts_with(char::is_alphabetic)).collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return true };
    let flags = words::flags(first);
    let months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let small = ["The", "A", "An", "In", "On", "Of", "At", "And", "For", "From", "To", "By", "With"];
    let ordinary = flags & COMMON != 0 && flags & (FIRST | LAST) == 0;
    months.contains(first)
        || small.contains(first)
        || (ordinary
            && !SURE.contains(last)
            && UNIT.find(&text[end..slack(text, end + 40)]).is_none()
            && !piece.ends_with(|c: char| c.is_ascii_digit()))
}

/// A box of a post office whose number is in the window.
fn boxed(text: &str, window: &Window) -> Option<(usize, usize, &'static str)> {
    let begin = back(text, window.start, 40);
    let end = slack(text, window.end + 24);
    let before = &text[begin..window.start];
    let code = window.end >= window.start + 5
        && text.as_bytes()[window.start..window.start + 5].iter().all(u8::is_ascii_digit);
    if let Some(m) = SHIP.find(before).filter(|_| code) {
        return Some((begin + m.start(), window.start + 5, "military post"));
    }
    let is_near = ["ox ", "SC ", "nit ", "ach ", "ale ", "ado ", "eos ", "bus ", "OX ", "sc "]
        .iter()
        .any(|ending| before.ends_with(ending));
    if !is_near {
        return None;
    }
    let m = BOX.find_iter(&text[begin..end]).find(|m| begin + m.end() > window.start)?;
    (begin + m.start() <= window.start).then_some((begin + m.start(), begin + m.end(), "box of a post office"))
}

fn back(text: &str, start: usize, reach: usize) -> usize {
    let mut begin = start.saturating_sub(reach);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    begin
}

/// A street that stands before its number: `Gartenweg 7`, `Via Roma 12`, `Calle Mayor, 5`.
fn street_before(text: &str, window: &Window, run: usize) -> Option<(usize, usize, &'static str)> {
    if run > 5 {
        return None;
    }
    let number_end = end_of_number(text, window.start + run);
    let before = &text[back(text, window.start, 70)..window.start];
    let line = before.rsplit('\n').next().unwrap_or(before);
    let offset = window.start - line.len();
    let street = line.trim_end_matches([' ', '\u{a0}']);
    if street.len() == line.len() {
        return None;
    }
    let street = street.strip_suffix(',').unwrap_or(street);
    // The words of the street, from its last one backwards: capitalised ones and the small ones inside names.
    let mut first = street.len();
    let mut n_words = 0;
    for (place, word) in words_backwards(street) {
        let capital = word.starts_with(char::is_uppercase) || word.ends_with('/');
        let plain = word.trim_end_matches('.').to_lowercase();
        let is_type = BEFORE.contains(&plain.as_str()) || (n_words == 0 && BETWEEN.contains(&plain.as_str()));
        let inside = n_words > 0
            && [
                "de", "du", "des", "la", "le", "les", "del", "della", "dei", "da", "do", "dos", "das", "di", "van",
                "von", "der", "den", "dem", "los", "las",
            ]
            .contains(&plain.as_str());
        // A mark ends the words that can belong to the street; so does an ordinary word at the beginning of a sentence.
        let marked = n_words > 0 && word.ends_with([':', ',', ';', '!', '?', ')']);
        let ordinary = n_words > 0
            && !is_type
            && !inside
            && words::flags(word) & COMMON != 0
            && words::flags(word) & (FIRST | LAST) == 0;
        if !(capital || is_type || inside) || marked || (ordinary && plain.len() <= 4) || n_words == 5 {
            break;
        }
        n_words += 1;
        first = place;
        if is_type && n_words > 1 && BEFORE.contains(&plain.as_str()) && strong_before(&plain, capital) {
            return Some((with_number_before(text, offset + place), number_end, "word of streets, name, number"));
        }
    }
    if n_words == 0 {
        return None;
    }
    let (last_place, last) = words_backwards(street).next()?;
    let plain = last.trim_end_matches('.').to_lowercase();
    if BETWEEN.contains(&plain.as_str()) && n_words > 1 {
        return Some((with_number_before(text, offset + first), number_end, "name, word of streets, number"));
    }
    let ending =
        ENDINGS.iter().any(|ending| plain.ends_with(ending) && plain.chars().count() > ending.chars().count() + 2);
    if ending && last.starts_with(char::is_uppercase) && words::flags(last) & COMMON == 0 {
        return Some((with_number_before(text, offset + last_place), number_end, "ending of streets, number"));
    }
    let announced = || CUE.is_match(&text[back(text, offset + first, 60)..offset + first]);
    let last_is_prose = words::flags(last.trim_end_matches('.')) & (COMMON | PLACE) != 0;
    if !last_is_prose && announced() {
        return Some((offset + first, number_end, "announced as an address"));
    }
    None
}

/// Short words and prepositions before a name say "street" only where they are capitalised or unmistakable.
fn strong_before(word: &str, capital: bool) -> bool {
    match word {
        "am" | "an" | "im" | "zum" | "zur" | "unter" | "al" | "pl" | "os" | "place" | "square" | "passage"
        | "route" | "cours" | "largo" | "str" | "plaza" => false,
        "via" | "av" | "bd" | "camino" | "ronda" => capital,
        _ => true,
    }
}

/// The end of a house number: `12`, `12a`, `12-14`, `12/3`.
fn end_of_number(text: &str, end: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = end;
    if let Some(&letter) = bytes.get(end)
        && letter.is_ascii_alphabetic()
        && !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)
    {
        end += 1;
    } else if matches!(bytes.get(end), Some(b'-' | b'/')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + bytes[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    end
}

/// `23100 Ilichova 23`: some write another number first.
fn with_number_before(text: &str, start: usize) -> usize {
    let before = text[..start].trim_end_matches(' ');
    let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
    let number = before.len() - digits;
    let alone = !text[..number].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '-' | '/'));
    if (1..=6).contains(&digits) && alone && before.len() < start { number } else { start }
}

/// Words with their places, last first.
fn words_backwards(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut end = line.len() + 1;
    let placed = line.rsplit(' ').map(move |word| {
        end -= word.len() + 1;
        (end, word)
    });
    placed.filter(|(_, word)| !word.is_empty())
}

/// The end of the address whose street ends at `end`.
fn extended(text: &str, end: usize) -> usize {
    let mut end = end;
    for _ in 0..2 {
        if let Some(m) = UNIT.find(&text[end..slack(text, end + 40)]) {
            end += m.end();
        }
    }
    let rest = &text[end..slack(text, end + 140)];
    if let Some(m) = MILITARY.find(rest).or_else(|| TOWN.find(rest)) {
        end += m.end();
        let rest = &text[end..slack(text, end + 60)];
        if let Some(m) = TOWN.find(rest).filter(|m| rest[..m.end()].ends_with(|c: char| c.is_ascii_digit())) {
            end += m.end();
        }
    } else if let Some(m) = TOWN_ONLY.find(rest) {
        end += m.end();
    }
    end
}
