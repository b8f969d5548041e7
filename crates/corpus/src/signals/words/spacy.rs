//! spaCy's rule-based English tokenizer (`spacy.blank("en")`, 3.8), which datatrove uses for words and sentences: prefixes and
//! suffixes are taken off one by one, what is left is an exception, an address, or is cut at infixes.
//!
//! Only the rules' behaviour is kept; the goldens beside the tests compare the tokens of thousands of texts with the peer's.

use std::sync::LazyLock;

use regex::Regex;

use super::specials::SPECIALS;
use crate::signals::python::CharSet;

/// A token as a range of bytes.
pub type Range = (u32, u32);

const QUOTES: &str = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧";
const MARKS: &str = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪";
const CURRENCIES: &str = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫€₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿";
/// Units that are cut off a number; the longest that fits is taken.
const UNITS: &str = "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa \
    Pa mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар \
    Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب";
/// Scripts without case, and blocks that count as letters with them.
const CASELESS: &str = r"\x{1200}-\x{137f}\x{980}-\x{9ff}\x{591}-\x{5f4}\x{fb1d}-\x{fb4f}\x{620}-\x{64a}\x{66e}-\x{6d5}\x{6e5}-\x{6ff}\x{750}-\x{77f}\x{8a0}-\x{8bd}\x{fb50}-\x{fbb1}\x{fbd3}-\x{fd3d}\x{fd50}-\x{fdc7}\x{fdf0}-\x{fdfb}\x{fe70}-\x{fefc}\x{1ee00}-\x{1eebb}\x{d80}-\x{dff}\x{900}-\x{97f}\x{c80}-\x{cff}\x{b80}-\x{bff}\x{c00}-\x{c7f}\x{ac00}-\x{d7af}\x{1100}-\x{11ff}\x{3040}-\x{30ff}\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{20000}-\x{2a6df}\x{2a700}-\x{2ebef}\x{2e80}-\x{2fdf}\x{2ff0}-\x{303f}\x{31c0}-\x{31ef}\x{3200}-\x{33ff}\x{f900}-\x{faff}\x{fe30}-\x{fe4f}\x{1f200}-\x{1f2ff}\x{2f800}-\x{2fa1f}";
const LOWER: &str = r"[[\p{Ll}&&[a-z\x{ff41}-\x{ff5a}\x{df}-\x{ff}\x{100}-\x{17f}\x{180}-\x{24f}\x{2c60}-\x{2c7b}\x{2c7e}\x{2c7f}\x{a722}-\x{a787}\x{a78b}-\x{a7b9}\x{a7fa}\x{ab30}-\x{ab5a}\x{ab60}-\x{ab64}\x{250}-\x{2af}\x{1d00}-\x{1d25}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1eff}]]ёа-яәөүҗңһα-ωάέίόώήύщюяіїєґѓѕјљњќѐѝ";
const UPPER: &str = r"[[\p{Lu}&&[A-Z\x{ff21}-\x{ff3a}\x{c0}-\x{de}\x{100}-\x{17f}\x{180}-\x{24f}\x{2c60}-\x{2c7b}\x{2c7e}\x{2c7f}\x{a722}-\x{a787}\x{a78b}-\x{a7b9}\x{1e00}-\x{1eff}]]ЁА-ЯӘӨҮҖҢҺΑ-ΩΆΈΊΌΏΉΎІЇЄҐЃЅЈЉЊЌЀЍ";
const LETTER: &str = r"[A-Za-z\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{ff}\x{100}-\x{1bf}\x{1c4}-\x{24f}\x{2c60}-\x{2c7b}\x{2c7e}\x{2c7f}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{a790}-\x{a7b9}\x{a7fa}\x{ab30}-\x{ab5a}\x{ab60}-\x{ab64}\x{250}-\x{2af}\x{1d00}-\x{1d25}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1eff}ёа-яЁА-ЯәөүҗңһӘӨҮҖҢҺα-ωάέίόώήύΑ-ΩΆΈΊΌΏΉΎіїєґІЇЄҐѓѕјљњќѐѝЃЅЈЉЊЌЀЍ";

struct Sets {
    icons: CharSet,
    /// Single characters that are taken off the front.
    prefixes: CharSet,
    /// … off the end.
    suffixes: CharSet,
    currencies: CharSet,
    quotes: CharSet,
    lower: CharSet,
    upper: CharSet,
    letters: CharSet,
    /// What may stand before a full stop that is taken off.
    before_stop: CharSet,
    units: Vec<&'static str>,
    host: Regex,
    number: Regex,
}

static SETS: LazyLock<Sets> = LazyLock::new(|| {
    // The peer's list of symbols is that of Unicode 11.
    let icons = || CharSet::new(r"[\p{So}&&\p{Age=11.0}]");
    let class = |members: &str| CharSet::new(&format!("{members}{CASELESS}]"));
    let host = r"(?:[A-Za-z0-9\x{a1}-\x{ffff}][A-Za-z0-9\x{a1}-\x{ffff}_-]{0,62})?[A-Za-z0-9\x{a1}-\x{ffff}]\.";
    let start = r"^(?:[\w+\-.]{2,}://)?(?:\S+(?::\S*)?@)?";
    let end = r"(?::\d{2,5})?(?:[/?#]\S*)?$";
    let never = || Regex::new("[^\\s\\S]");
    let compile = |pattern: &str| Regex::new(pattern).or_else(|_| never());
    let lower = format!("{LOWER}{CASELESS}]");
    // Both patterns are constants, and the tests match them.
    let (Ok(host), Ok(number)) = (
        compile(&format!("{start}(?:{host})+{lower}{{2,63}}{end}")),
        compile(&format!("{start}((?:\\d{{1,3}}\\.){{3}}\\d{{1,3}}){end}")),
    ) else {
        unreachable!("a pattern that matches nothing compiles")
    };
    let mut units: Vec<&str> = UNITS.split_whitespace().collect();
    units.sort_by_key(|unit| std::cmp::Reverse(unit.len()));
    Sets {
        icons: icons(),
        prefixes: icons().with(&CharSet::of(&format!("§%=—–{MARKS}{QUOTES}{CURRENCIES}"))),
        suffixes: icons().with(&CharSet::of(&format!("—–{MARKS}{QUOTES}"))),
        currencies: CharSet::of(CURRENCIES),
        quotes: CharSet::of(&format!("{QUOTES}\\")),
        lower: class(LOWER),
        upper: class(UPPER),
        letters: class(LETTER),
        before_stop: class(LOWER).with(&CharSet::of(&format!("0123456789%²-+|{MARKS}{QUOTES}"))),
        units,
        host,
        number,
    }
});

/// Bytes of the prefix to take off `text`, 0 for none.
fn prefix(sets: &Sets, text: &str) -> usize {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return 0 };
    if first.is_ascii_alphanumeric() {
        return match first {
            'U' if text.starts_with("US$") => 3,
            'C' | 'A' if text[1..].starts_with('$') => 2,
            _ => 0,
        };
    }
    match first {
        '+' => usize::from(!characters.next().is_some_and(|c| c.is_ascii_digit())),
        '.' => {
            let dots = text.len() - text.trim_start_matches('.').len();
            if dots >= 2 { dots } else { 0 }
        }
        _ if sets.prefixes.has(first) => first.len_utf8(),
        _ => 0,
    }
}

/// Bytes of the suffix to take off `text`, 0 for none: the longest that any rule gives.
fn suffix(sets: &Sets, text: &str) -> usize {
    let mut back = text.chars().rev();
    let Some(last) = back.next() else { return 0 };
    let before = back.next();
    let mut longest = 0;
    if sets.suffixes.has(last) {
        longest = last.len_utf8();
        if last == '…' && before == Some('…') {
            longest *= 2;
        }
    }
    match last {
        's' | 'S' if matches!(before, Some('\'' | '’')) => longest = 1 + before.map_or(0, char::len_utf8),
        '+' if before.is_some_and(|c| c.is_ascii_digit()) => longest = longest.max(1),
        '.' => {
            let dots = text.len() - text.trim_end_matches('.').len();
            let second = back.next();
            let stop = match before {
                Some(c) if sets.before_stop.has(c) => true,
                Some('F' | 'f' | 'C' | 'c' | 'K' | 'k') if second == Some('°') => true,
                Some(c) => sets.upper.has(c) && second.is_some_and(|c| sets.upper.has(c)),
                None => false,
            };
            longest = longest.max(if dots >= 2 { dots } else { usize::from(stop) });
        }
        _ => {}
    }
    let number_before = |cut: usize| text[..text.len() - cut].ends_with(|c: char| c.is_ascii_digit());
    if sets.currencies.has(last) {
        let one = last.len_utf8();
        let long = ["US$", "C$", "A$"].iter().find(|&&name| text.ends_with(name) && number_before(name.len()));
        match long {
            Some(name) => longest = longest.max(name.len()),
            None if number_before(one) => longest = longest.max(one),
            None => {}
        }
    }
    // A unit follows a digit, so a word without digits has none.
    if !last.is_ascii_digit() && text.bytes().any(|byte| byte.is_ascii_digit()) {
        let fits = |unit: &&&str| text.ends_with(**unit) && number_before(unit.len());
        if let Some(unit) = sets.units.iter().find(fits) {
            longest = longest.max(unit.len());
        }
    }
    longest
}

fn is_special(text: &str) -> bool {
    SPECIALS.of(text).is_some()
}

/// Takes affixes off; gives what is left, and the affixes in `front` and `back` (from the outside in).
fn split_affixes(sets: &Sets, text: &str, specials: bool, front: &mut Vec<Range>, back: &mut Vec<Range>) -> Range {
    let (mut start, mut end) = (0, text.len());
    let special = |start: usize, end: usize| specials && start < end && is_special(&text[start..end]);
    while start < end && !special(start, end) {
        let before = (start, end);
        let inner = &text[start..end];
        let first = prefix(sets, inner);
        if first != 0 && special(start + first, end) {
            front.push((start as u32, (start + first) as u32));
            start += first;
            break;
        }
        let last = suffix(sets, &inner[first..]);
        if last != 0 && special(start, end - last) {
            back.push(((end - last) as u32, end as u32));
            end -= last;
            break;
        }
        if first != 0 {
            front.push((start as u32, (start + first) as u32));
            start += first;
        }
        if last != 0 {
            back.push(((end - last) as u32, end as u32));
            end -= last;
        }
        if before == (start, end) {
            break;
        }
    }
    (start as u32, end as u32)
}

/// Whether `text` is an address, by the peer's pattern.
fn is_address(sets: &Sets, text: &str) -> bool {
    if !text.contains('.') || text.len() < 4 {
        return false;
    }
    if sets.host.is_match(text) {
        return true;
    }
    let Some(found) = sets.number.captures(text).and_then(|c| c.get(1)) else { return false };
    let parts: Vec<u32> = found.as_str().split('.').filter_map(|part| part.parse().ok()).collect();
    let [a, b, c, d] = parts[..] else { return false };
    let private =
        a == 10 || a == 127 || (a, b) == (169, 254) || (a, b) == (192, 168) || (a == 172 && (16..=31).contains(&b));
    !private && (1..=223).contains(&a) && b <= 255 && c <= 255 && (1..=254).contains(&d)
}

/// The next infix at or after byte `from`.
fn infix(sets: &Sets, text: &str, from: usize) -> Option<(usize, usize)> {
    let mut before = text[..from].chars().next_back();
    let mut places = text[from..].char_indices().map(|(at, c)| (from + at, c)).peekable();
    while let Some((at, c)) = places.next() {
        let after = places.peek().map(|&(_, c)| c);
        let letter = |c: Option<char>| c.is_some_and(|c| sets.letters.has(c));
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let length = match c {
            c if c.is_ascii_alphanumeric() => 0,
            '.' => {
                let dots = text[at..].len() - text[at..].trim_start_matches('.').len();
                let quote = |c: Option<char>| c.is_some_and(|c| sets.quotes.has(c));
                let between = (before.is_some_and(|c| sets.lower.has(c)) || quote(before))
                    && (after.is_some_and(|c| sets.upper.has(c)) || quote(after));
                if dots >= 2 { dots } else { usize::from(between) }
            }
            '…' => c.len_utf8(),
            '+' | '-' | '*' | '^' if digit(before) && (digit(after) || after == Some('-')) => 1,
            ',' if letter(before) && letter(after) => 1,
            '-' | '–' | '—' | '~' if letter(before) || digit(before) => ["-", "–", "—", "--", "---", "——", "~"]
                .iter()
                .find(|&&dash| text[at..].starts_with(dash) && letter(text[at + dash.len()..].chars().next()))
                .map_or(0, |dash| dash.len()),
            ':' | '<' | '>' | '=' | '/' if (letter(before) || digit(before)) && letter(after) => 1,
            c if !c.is_ascii() && sets.icons.has(c) => c.len_utf8(),
            _ => 0,
        };
        if length != 0 {
            return Some((at, at + length));
        }
        before = Some(c);
    }
    None
}

/// Cuts `text` by the rules alone. `None` when no affix rule touches it.
pub(super) fn cut_by_rules(text: &str) -> Option<Vec<u32>> {
    let sets = &*SETS;
    let touched = prefix(sets, text) != 0 || suffix(sets, text) != 0 || infix(sets, text, 0).is_some();
    if !touched {
        return None;
    }
    let mut tokens = Vec::new();
    cut(sets, text, false, &mut tokens);
    Some(tokens.iter().map(|(start, end)| end - start).collect())
}

fn push_pieces(pieces: &[u32], start: u32, out: &mut Vec<Range>) {
    let mut at = start;
    for piece in pieces {
        out.push((at, at + piece));
        at += piece;
    }
}

fn cut(sets: &Sets, text: &str, specials: bool, out: &mut Vec<Range>) {
    let mut back = Vec::new();
    let (start, end) = split_affixes(sets, text, specials, out, &mut back);
    let middle = &text[start as usize..end as usize];
    if start < end {
        let special = if specials { SPECIALS.of(middle) } else { None };
        if let Some(special) = special {
            push_pieces(&special.pieces, start, out);
        } else if is_address(sets, middle) {
            out.push((start, end));
        } else {
            let (mut from, mut search) = (0, 0);
            while let Some((at, stop)) = infix(sets, middle, search) {
                search = stop;
                // An infix at the very front stays there.
                if at == 0 {
                    continue;
                }
                if at > from {
                    out.push((start + from as u32, start + at as u32));
                }
                out.push((start + at as u32, start + stop as u32));
                from = stop;
            }
            if from < middle.len() {
                out.push((start + from as u32, end));
            }
        }
    }
    out.extend(back.into_iter().rev());
}

/// Cuts a run of characters without white space into tokens; ranges are appended to `out`.
pub fn tokenize(text: &str, out: &mut Vec<Range>) {
    let begin = out.len();
    if let Some(special) = SPECIALS.of(text) {
        push_pieces(&special.pieces, 0, out);
        return;
    }
    cut(&SETS, text, true, out);
    if out.len() - begin > 1 {
        join_specials(text, begin, out);
    }
}

/// The tokens of a text without those of white space: what datatrove calls the words of English.
pub fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut ranges = Vec::new();
    for part in text.split(crate::signals::python::is_space).filter(|part| !part.is_empty()) {
        ranges.clear();
        tokenize(part, &mut ranges);
        out.extend(ranges.iter().map(|&(start, end)| &part[start as usize..end as usize]));
    }
    out
}

/// Exceptions that stand inside the word as the tokens the rules make of them become the exception's own pieces; the longest
/// first, of equal ones the first.
fn join_specials(text: &str, begin: usize, out: &mut Vec<Range>) {
    /// No exception that affix rules touch has more tokens.
    const MOST: usize = 12;
    let tokens = &out[begin..];
    let mut found: Vec<(usize, usize)> = Vec::new();
    for from in 0..tokens.len() {
        for to in from + 1..=tokens.len().min(from + MOST) {
            let inside = &text[tokens[from].0 as usize..tokens[to - 1].1 as usize];
            if inside.len() > SPECIALS.longest {
                break;
            }
            let Some(special) = SPECIALS.of(inside) else { continue };
            let same = |lengths: &Vec<u32>| lengths.iter().copied().eq(tokens[from..to].iter().map(|(a, b)| b - a));
            if special.by_rules.as_ref().is_some_and(same) {
                found.push((from, to));
            }
        }
    }
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|&(from, to)| (std::cmp::Reverse(to - from), from));
    let mut seen = vec![false; tokens.len()];
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for (from, to) in found {
        if !seen[from] && !seen[to - 1] {
            chosen.push((from, to));
        }
        seen[from..to].fill(true);
    }
    chosen.sort_unstable();
    let old: Vec<Range> = out.split_off(begin);
    let mut at = 0;
    for (from, to) in chosen {
        out.extend_from_slice(&old[at..from]);
        let inside = &text[old[from].0 as usize..old[to - 1].1 as usize];
        if let Some(special) = SPECIALS.of(inside) {
            push_pieces(&special.pieces, old[from].0, out);
        }
        at = to;
    }
    out.extend_from_slice(&old[at..]);
}
