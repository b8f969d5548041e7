//! Sizes and shares that need no source: lengths, kinds of characters, lines.

use super::share;
use crate::signals::lines::seen;
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "general",
    source: "no source: sizes, and shares of all characters",
    columns: &[
        Column::integer("bytes", "bytes of the text"),
        Column::integer("characters", "characters of the text"),
        Column::integer("lines", "lines as line feeds separate them"),
        Column::integer("words", "words as white space separates them"),
        Column::integer("tokens", "tokens by spaCy's rules for English"),
        Column::integer("sentences", "sentences of all lines, by spaCy's rule"),
        Column::number("line_length_mean", "mean characters of the lines that are not blank"),
        Column::integer("line_length_max", "characters of the longest line"),
        Column::integer("word_length_max", "characters of the longest word"),
        Column::number("alnum_ratio", "share of letters and numbers"),
        Column::number("digit_ratio", "share of digits"),
        Column::number("uppercase_ratio", "share of letters in upper case"),
        Column::number("space_ratio", "share of white space"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let counts = &view.scratch.counts;
    let lines = &view.lines.lines;
    let full = lines.iter().filter(|line| !line.has(seen::BLANK));
    let (filled, characters) = full.clone().fold((0, 0), |(n, sum), line| (n + 1, sum + u64::from(line.characters)));
    let of_all = |part: u64| share(part, counts.characters);
    out.set_all(
        0,
        &[
            view.text.len() as f64,
            counts.characters as f64,
            lines.len() as f64,
            view.scratch.spaced.len() as f64,
            view.scratch.tokens.len() as f64,
            full.clone().map(|line| u64::from(line.sentences)).sum::<u64>() as f64,
            share(characters, filled),
            lines.iter().map(|line| line.characters).max().unwrap_or(0).into(),
            lines.iter().map(|line| line.longest_word).max().unwrap_or(0).into(),
            of_all(counts.alnum),
            of_all(counts.digits),
            of_all(counts.uppercase),
            of_all(counts.spaces),
        ],
    );
}
