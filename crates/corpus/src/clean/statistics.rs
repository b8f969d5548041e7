//! Statistics that tell text from noise: Gopher's and C4's ideas (facts in their papers: arXiv 2112.11446, 1910.10683),
//! adapted to short documents and to Chinese. Gopher's "at least 50 words, two stop words" would drop every sum, name
//! list and one-line answer; here each test needs enough text to be meaningful and looks for positive signs of noise.
//!
//! The last test compares a document with the corpus: words (pairs of characters in Chinese) that no other document
//! knows. It catches noise that is pronounceable, and needs no list of words.

use rayon::prelude::*;

use super::StatisticsConfig;
use super::letter_pairs::is_implausible;
use super::near::combine;
use super::repeated::{character_runs, is_ruler, repeated_four_grams, repeated_lines, top_token};
use super::stage::{Drop, Stage};
use crate::text::words::{is_common_han, is_english_function_word};
use crate::text::{HashKeyed, Token, TokenKind, is_han, is_latin, tokens};

/// Fewest bytes of text for a judgement on mixed words.
const FEWEST_MIXED: usize = 24;
/// Fewest words with impossible letter pairs that make a text noise, whatever their share.
const FEWEST_IMPLAUSIBLE: usize = 3;
/// Fewest Latin words for a judgement on words; fewest Han characters for one on characters.
const FEWEST_WORDS: usize = 4;
const FEWEST_HAN: usize = 16;
/// The comparison with other documents needs this many documents, and a corpus in which the middle document is known
/// to this share.
pub(crate) const FEWEST_DOCUMENTS: usize = 200;
pub(crate) const TYPICAL_KNOWN: f64 = 0.6;
/// A word is known when it stands in at least this many documents (three, so that two copies of noise know nothing).
pub(crate) const KNOWN_FROM: u32 = 3;
/// Fewest words or pairs for the comparison.
pub(crate) const FEWEST_UNITS: usize = 12;

/// Why `text` is noise, or `None`. Reasons start with the test's name and a colon.
pub fn noise(text: &str, config: &StatisticsConfig) -> Option<String> {
    let counts = Characters::count(text);
    let hashed = hashed_tokens(text);
    noise_by_form(text, &counts, &hashed, config).or_else(|| {
        if counts.visible < config.min_characters {
            return None;
        }
        let common = counts.common_han as f64 / counts.han.max(1) as f64;
        Words::count(&hashed, &counts).noise(&counts, config).or_else(|| {
            let reason = below("rare_characters", common, config.min_common_han, "the Han characters are common ones");
            reason.filter(|_| counts.han >= FEWEST_HAN)
        })
    })
}

/// Why `text` is noise whatever its language: symbols, repetition, letters mixed with digits.
pub fn noise_in_any_language(text: &str, config: &StatisticsConfig) -> Option<String> {
    noise_by_form(text, &Characters::count(text), &hashed_tokens(text), config)
}

fn hashed_tokens(text: &str) -> Vec<(Token<'_>, u64)> {
    let mut out = Vec::with_capacity(text.len() / 4);
    out.extend(tokens(text).map(|token| (token, token.hash())));
    out
}

fn noise_by_form(
    text: &str,
    counts: &Characters,
    hashed: &[(Token<'_>, u64)],
    config: &StatisticsConfig,
) -> Option<String> {
    if counts.visible < config.min_characters {
        // Next to nothing, or nothing but rulers.
        return (counts.ruled >= 4 * config.min_characters)
            .then(|| format!("few_letters: {} characters in rulers, {} others", counts.ruled, counts.visible));
    }
    let visible = counts.visible as f64;
    let letters = (counts.letters + counts.digits) as f64 / visible;
    let symbols = counts.symbols as f64 / visible;
    let runs = character_runs(text);
    if let Some(reason) = below("few_letters", letters, config.min_letter_share, "the characters are letters or digits")
        .or_else(|| above("symbols", symbols, config.max_symbol_share, "the characters are symbols"))
        .or_else(|| above("character_runs", runs, config.max_run_share, "the characters repeat their neighbours"))
    {
        return Some(reason);
    }
    let all: Vec<u64> = hashed.iter().map(|(_, hash)| *hash).collect();
    // A page of sums has as many equals signs as it likes.
    let words = hashed.iter().filter(|(token, _)| token.kind != TokenKind::Operator);
    let words: Vec<u64> = words.map(|(_, hash)| *hash).collect();
    let (repeats, lines, top) = (repeated_four_grams(&all), repeated_lines(text), top_token(&words));
    above("repeated_n_grams", repeats, config.max_repeated_four_grams, "the runs of four tokens stood before")
        .or_else(|| above("repeated_lines", lines, config.max_repeated_lines, "the lines stood before"))
        .or_else(|| above("repeated_token", top, config.max_top_token, "the tokens are the same"))
        .or_else(|| mixed_noise(text, counts, config))
}

fn above(name: &str, value: f64, limit: f64, what: &str) -> Option<String> {
    (value > limit).then(|| format!("{name}: {value:.2} of {what}, at most {limit:.2}"))
}

fn below(name: &str, value: f64, limit: f64, what: &str) -> Option<String> {
    (value < limit).then(|| format!("{name}: {value:.2} of {what}, at least {limit:.2}"))
}

/// Pieces between spaces that mix letters with digits, signs or cases, by characters, so that one endless piece counts.
fn mixed_noise(text: &str, characters: &Characters, config: &StatisticsConfig) -> Option<String> {
    // Latin words in a Chinese text are names and terms.
    if characters.han > 0 {
        return None;
    }
    let (mut total, mut mixed) = (0usize, 0usize);
    for piece in text.split_whitespace() {
        total += piece.len();
        if is_mixed(piece) {
            mixed += piece.len();
        }
    }
    if total < FEWEST_MIXED {
        return None;
    }
    let what = "the text is words that mix letters with digits, signs or cases";
    above("mixed_words", mixed as f64 / total as f64, config.max_mixed_share, what)
}

/// Characters of a text by class.
#[derive(Debug, Default)]
struct Characters {
    visible: usize,
    letters: usize,
    digits: usize,
    /// Neither letters, digits nor the punctuation of sentences; signs of sums and of data are taken out where the text
    /// is one.
    symbols: usize,
    han: usize,
    common_han: usize,
    /// Signs that stand between the items of lists, line ends among them.
    separators: usize,
    structured: bool,
    /// Characters in rulers (`-----`, `=====`), which are counted nowhere else.
    ruled: usize,
}

impl Characters {
    fn count(text: &str) -> Self {
        let mut counts = Characters::default();
        let (mut operators, mut brackets) = (0usize, 0usize);
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            counts.separators += usize::from(matches!(c, ',' | ';' | '\n' | '|' | ':' | '/'));
            if c.is_whitespace() {
                continue;
            }
            if is_ruler(c) && characters.peek() == Some(&c) {
                counts.ruled += 1;
                while characters.next_if_eq(&c).is_some() {
                    counts.ruled += 1;
                }
                continue;
            }
            counts.visible += 1;
            if c.is_ascii_alphabetic() {
                counts.letters += 1;
            } else if is_han(c) {
                counts.letters += 1;
                counts.han += 1;
                counts.common_han += usize::from(is_common_han(c));
            } else if c.is_numeric() {
                counts.digits += 1;
            } else if c.is_alphabetic() {
                counts.letters += 1;
            } else if matches!(
                c,
                '+' | '-' | '*' | '/' | '=' | '×' | '÷' | '−' | '<' | '>' | '%' | '$' | '^' | '≈' | '≤' | '≥'
            ) {
                operators += 1;
            } else if matches!(c, '{' | '}' | '[' | ']' | '_' | '|' | '\\' | '#' | '`') {
                brackets += 1;
            } else if !is_punctuation(c) {
                counts.symbols += 1;
            }
        }
        counts.structured = text.contains("\":") || text.contains("': ") || text.contains("{\"");
        // Sums have about one operator for two digits; data, code and tables have brackets around letters.
        counts.symbols += operators.saturating_sub(counts.digits);
        counts.symbols += brackets.saturating_sub(counts.letters / 2);
        counts
    }
}

fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '.' | ','
            | '!'
            | '?'
            | ';'
            | ':'
            | '\''
            | '"'
            | '('
            | ')'
            | '&'
            | '@'
            | '~'
            | '…'
            | '–'
            | '—'
            | '‘'
            | '’'
            | '“'
            | '”'
            | '·'
            | '•'
            | '°'
            | '€'
            | '£'
            | '¥'
            | '￥'
    ) || matches!(u32::from(c), 0x3001..=0x301f | 0xff01..=0xff5e)
}

/// What the Latin words of a text look like.
#[derive(Debug, Default)]
struct Words {
    words: usize,
    characters: usize,
    implausible_words: usize,
    implausible_characters: usize,
    function_words: usize,
    separators: usize,
}

impl Words {
    fn count(hashed: &[(Token<'_>, u64)], characters: &Characters) -> Self {
        let mut counts = Words { separators: characters.separators, ..Words::default() };
        for (token, hash) in hashed {
            if token.kind == TokenKind::Word && token.text.starts_with(is_latin) {
                let length = token.text.chars().count();
                counts.words += 1;
                counts.characters += length;
                if is_english_function_word(*hash) {
                    counts.function_words += 1;
                } else if is_implausible(token.text) {
                    counts.implausible_words += 1;
                    counts.implausible_characters += length;
                }
            }
        }
        counts
    }

    fn noise(&self, characters: &Characters, config: &StatisticsConfig) -> Option<String> {
        // Latin words in a Chinese text are names and terms.
        if self.words < FEWEST_WORDS || characters.han > self.characters {
            return None;
        }
        let mean = self.characters as f64 / self.words as f64;
        if mean > config.max_mean_word {
            return Some(format!(
                "long_words: {mean:.1} characters in the mean word, at most {:.1}",
                config.max_mean_word
            ));
        }
        let implausible = self.implausible_characters as f64 / self.characters as f64;
        // One or two odd words may be names or terms.
        if implausible > config.max_implausible_share && self.implausible_words >= FEWEST_IMPLAUSIBLE {
            let limit = config.max_implausible_share;
            return Some(format!(
                "implausible_words: {implausible:.2} of the letters are in such words, at most {limit:.2}"
            ));
        }
        // Lists of words (commas, lines) and data have no function words and are text all the same.
        let listed = characters.structured || self.separators * 4 > self.words;
        let share = self.function_words as f64 / self.words as f64;
        if self.words >= config.function_words_from && share < config.min_function_share && !listed {
            let limit = config.min_function_share;
            return Some(format!("no_function_words: {share:.3} of the words, at least {limit:.3}"));
        }
        None
    }
}

/// True for pieces like `x7Kq9`, `aBcDe`, `k#4$w`: letters, digits and signs change places inside, or cases do.
fn is_mixed(piece: &str) -> bool {
    // Addresses and paths mix by nature.
    if piece.contains("://") || piece.contains('@') || piece.starts_with("www.") {
        return false;
    }
    // Letters, digits, and the signs of noise; the signs of words, code and addresses count as what they stand beside.
    let class = |c: char| {
        if c.is_alphabetic() {
            Some(0)
        } else if c.is_numeric() {
            Some(1)
        } else {
            "#$%^&*@!~?|\\".contains(c).then_some(2)
        }
    };
    let core = piece.trim_matches(|c: char| !c.is_alphanumeric());
    if core.chars().count() < 4 || !core.contains(|c: char| c.is_alphabetic()) {
        return false;
    }
    let (mut changes, mut rises) = (0, 0);
    let mut characters = core.chars().peekable();
    while let Some(c) = characters.next() {
        let Some(&next) = characters.peek() else { break };
        changes += usize::from(matches!((class(c), class(next)), (Some(a), Some(b)) if a != b));
        rises += usize::from(c.is_lowercase() && next.is_uppercase());
    }
    changes >= 2 || rises >= 2
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    let config = &stage.config.statistics;
    let verdicts = stage.map(|document| noise(&document.text, config));
    for (index, reason) in verdicts {
        if let Some(reason) = reason {
            stage.drop(index, Drop { reason, duplicate_of: None });
        }
    }
    drop_unknown(stage);
}

/// Drops documents whose words (Chinese: pairs of characters) stand in no other documents.
fn drop_unknown(stage: &mut Stage<'_>) {
    let alive = stage.alive();
    if alive.len() < FEWEST_DOCUMENTS {
        return;
    }
    let documents = &stage.documents;
    let units: Vec<Vec<u64>> = alive.par_iter().map(|&i| units(&documents[i].text)).collect();
    let mut documents_with: HashKeyed<u32> = HashKeyed::default();
    for unit in units.iter().flatten() {
        *documents_with.entry(*unit).or_default() += 1;
    }
    let shares: Vec<Option<f64>> = units
        .par_iter()
        .map(|units| {
            let known = units.iter().filter(|unit| documents_with[*unit] >= KNOWN_FROM).count();
            (units.len() >= FEWEST_UNITS).then(|| known as f64 / units.len() as f64)
        })
        .collect();
    let mut sorted: Vec<f64> = shares.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() || sorted[sorted.len() / 2] < TYPICAL_KNOWN {
        return;
    }
    let limit = stage.config.statistics.min_known_units;
    for (&index, share) in alive.iter().zip(shares) {
        if let Some(share) = share.filter(|share| *share < limit && !has_function_words(&stage.documents[index].text)) {
            let reason = unknown_words(share, limit);
            stage.drop(index, Drop { reason, duplicate_of: None });
        }
    }
}

/// The reason of a document of which too little stands in others.
pub(crate) fn unknown_words(share: f64, limit: f64) -> String {
    format!("unknown_words: {share:.2} of the words or character pairs stand elsewhere, at least {limit:.2}")
}

/// True for texts with as many function words, or common Han characters, as running text has: something new to the
/// corpus, not noise.
pub(crate) fn has_function_words(text: &str) -> bool {
    let characters = Characters::count(text);
    let words = Words::count(&hashed_tokens(text), &characters);
    words.function_words * 8 >= words.words.max(1) || characters.common_han * 4 >= characters.han.max(1)
}

/// Hashes of the different words and pairs of Han characters of a text, sorted.
pub(crate) fn units(text: &str) -> Vec<u64> {
    let mut out = Vec::new();
    // Hash and end of the Han character before.
    let mut previous: Option<(u64, usize)> = None;
    for token in tokens(text) {
        match token.kind {
            TokenKind::Word => out.push(token.hash()),
            TokenKind::Character => {
                let hash = token.hash();
                if let Some((before, _)) = previous.filter(|(_, end)| *end == token.start) {
                    out.push(combine(&[before, hash]));
                }
                previous = Some((hash, token.start + token.text.len()));
            }
            TokenKind::Number | TokenKind::Operator => {}
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_text_survives() {
        let config = StatisticsConfig::default();
        for text in [
            "47 + 38 = 85",
            "What is 47 + 38?\nFirst add the ones: 7 + 8 = 15. Write 5, carry 1.\nThen 4 + 3 + 1 = 8.\nThe answer is 85.",
            "3 x 1 = 3\n3 x 2 = 6\n3 x 3 = 9\n3 x 4 = 12\n3 x 5 = 15\n3 x 6 = 18",
            "Q: Who has the red kite?\nA: Tom.\nQ: Who has the blue kite?\nA: Ann.\nQ: Who has no kite?\nA: Bob.",
            "\"No!\" said Ann. \"No, no, no! I will not go!\"",
            "{\"name\": \"Ann\", \"age\": 7, \"likes\": [\"kites\", \"pies\"], \"home\": {\"street\": \"Elm\", \"number\": 4}}",
            "apple, pear, plum, cherry, grape, lemon, peach, melon, fig, kiwi, mango, lime, date, quince, berry",
            "User: Hi!\nAssistant: Hello! How can I help?\nUser: What is 2 + 2?\nAssistant: 4",
            "Zorbin Kellak met Marrowyn Thessal near Quillon Bay on 3 May 1952.",
            "小明有3个苹果，又买了5个，一共有8个。",
            "问：3 + 5 = ?\n答：8",
            "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。",
            "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
            "fn main() { let x = 3; println!(\"{x}\"); }",
            "| name | age |\n|------|-----|\n| Ann | 7 |\n| Bob | 8 |",
            "OK",
            "The NASA and ESA teams met the BBC in the USA.",
        ] {
            assert_eq!(noise(text, &config), None, "{text}");
        }
    }

    #[test]
    fn noise_is_named() {
        let config = StatisticsConfig::default();
        let check = |text: &str, test: &str| {
            let reason = noise(text, &config).unwrap_or_else(|| panic!("kept: {text}"));
            assert!(reason.starts_with(&format!("{test}:")), "{text}: {reason}");
        };
        check("xqzt wkfjd bvncm qpwlx zxcvb jhgfd trwqk plmkj", "implausible_words");
        check("asdkjh qwlekj zmxncb vbnqwe rtyuiop ghjdks lqpwoe zxmcnb", "implausible_words");
        check("@#$%^ &*()! ~~|| <<>> %%$$ ##@@ ^^&&", "few_letters");
        check("★☆♪♫ ab ★☆♪♫ cd ★☆♪♫ ef ghij klmn opqr", "symbols");
        check(&"spam ham ".repeat(12), "repeated_n_grams");
        check(&"a".repeat(60), "character_runs");
        check("哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈", "character_runs");
        check(&"好的没有了".repeat(8), "repeated_n_grams");
        check("x7Kq9 b3Zt1 qW4eR t8Yu2 p0Lk3 m5Nb6 v7Cx8", "mixed_words");
        check("龘靐齉爩鱻麤龗灪籲鸞虌鬱钃驫鑱齾麷", "rare_characters");
        check(
            "lorutami benoka sifalo pudera mikono talesi gorupa nedifo basura kelomi vatuno pirase dolami setuka \
             rinopa faludo beska morune tilado kasepo nurami gelota vidose paruno lemika sodafe tunira bokale misupo \
             darevi nokula fesamo ritupa golena vasido kumera",
            "no_function_words",
        );
    }

    #[test]
    fn short_texts_are_not_judged() {
        assert_eq!(noise("zzxq", &StatisticsConfig::default()), None);
        assert_eq!(noise("", &StatisticsConfig::default()), None);
    }
}
