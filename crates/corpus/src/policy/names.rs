//! The names that a policy can use beside the columns: facts of a line (`line.…`) and measures of what is kept (`kept.…`).

use crate::signals::lines::seen;
use crate::signals::{COLUMNS, Line};

/// A fact of a line.
pub struct LineName {
    /// Its name after `line.`.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Its value; 1 and 0 for yes and no.
    pub value: fn(&Line) -> f64,
}

macro_rules! flags {
    ($(($name:literal, $bit:ident, $about:literal)),* $(,)?) => {
        &[$(LineName { name: $name, about: $about, value: |line| f64::from(u8::from(line.has(seen::$bit))) }),*]
    };
}

static FLAGS: &[LineName] = flags![
    ("terminal", TERMINAL, "ends in . ? ! or \""),
    ("apostrophe", APOSTROPHE, "ends in '"),
    ("ellipsis", ELLIPSIS, "ends in ..."),
    ("any_terminal", ANY_TERMINAL, "ends in a terminal mark of any script"),
    ("javascript", JAVASCRIPT, "has \"javascript\" in it"),
    ("lorem_ipsum", LOREM_IPSUM, "has \"lorem ipsum\" in it"),
    ("curly_bracket", CURLY_BRACKET, "has { in it"),
    ("policy", POLICY, "has a phrase of cookie notices or terms of use in it"),
    ("counter", COUNTER, "is a counter of a social network"),
    ("phrase", PHRASE, "has \"items in cart\", \"read more...\" or \"sign-in\" in its place, and at most ten words"),
    ("only_phrase", ONLY_PHRASE, "is nothing but such a phrase"),
    ("raw_terminal", RAW_TERMINAL, "ends in . ? ! or \", citation marks counted"),
    ("blank", BLANK, "is blank"),
];

static NUMBERS: &[LineName] = &[
    LineName { name: "characters", about: "characters", value: |line| line.characters.into() },
    LineName {
        name: "clean_characters",
        about: "characters without white space at the ends and citation marks",
        value: |line| line.clean_characters.into(),
    },
    LineName { name: "words", about: "words as white space separates them", value: |line| line.words.into() },
    LineName { name: "unicode_words", about: "words by Unicode's boundaries", value: |line| line.unicode_words.into() },
    LineName { name: "tokens", about: "tokens by spaCy's rules", value: |line| line.tokens.into() },
    LineName { name: "sentences", about: "sentences by spaCy's rule", value: |line| line.sentences.into() },
    LineName { name: "longest_word", about: "characters of the longest word", value: |line| line.longest_word.into() },
    LineName {
        name: "uppercase_ratio",
        about: "share of characters in upper case",
        value: |line| ratio(line.uppercase, line.characters),
    },
    LineName { name: "digit_ratio", about: "share of digits", value: |line| ratio(line.digits, line.characters) },
];

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

/// Every fact of a line.
pub static LINE: std::sync::LazyLock<Vec<&'static LineName>> =
    std::sync::LazyLock::new(|| NUMBERS.iter().chain(FLAGS).collect());

/// Measures of the lines that are not cut, with what they say. FineWeb's rules and C4's and RefinedWeb's last ones are about these.
pub const KEPT: &[(&str, &str)] = &[
    ("lines", "lines"),
    ("full_lines", "lines that are not blank"),
    ("words", "words as white space separates them"),
    ("unicode_words", "words by Unicode's boundaries"),
    ("tokens", "tokens by spaCy's rules"),
    ("sentences", "sentences by spaCy's rule"),
    ("removed_words", "share of the words by Unicode's boundaries that is gone"),
    ("terminal_lines", "share of lines that are not blank and end in a terminal mark of any script"),
    ("short_lines", "share of lines that are not blank and have at most 30 characters"),
    ("dup_line_chars", "characters of lines that stood before, to those of all lines"),
    ("new_lines", "line feeds between the lines, to tokens"),
];

/// Every name that a condition can use about a line, with what it says.
pub fn lines() -> impl Iterator<Item = (String, &'static str)> {
    LINE.iter().map(|fact| (format!("line.{}", fact.name), fact.about))
}

/// Every name that a condition can use.
pub fn all() -> Vec<String> {
    let columns = COLUMNS.iter().map(|(column, _)| column.name.to_owned());
    columns.chain(lines().map(|(name, _)| name)).chain(KEPT.iter().map(|(name, _)| format!("kept.{name}"))).collect()
}
