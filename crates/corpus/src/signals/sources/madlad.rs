//! Statistics in the manner of MADLAD-400 (arXiv 2309.04662, rules 2 to 4), a line that is not blank taken for a sentence: lists, lines of
//! unusual length, lines of technical characters. Its rules 1 (the language of every sentence) and 5 (patterns found by reading) are not
//! measured.

use super::share;
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "madlad",
    source: "MADLAD-400, rules 2, 3 and 4 over lines",
    columns: &[
        Column::integer("madlad_lines", "lines that are not blank"),
        Column::number("madlad_list_lines", "share of those of at least 12 words, more than half with a capital"),
        Column::number("madlad_odd_length_lines", "share of those with fewer than 20 or more than 500 characters"),
        Column::number(
            "madlad_technical_lines",
            "share of those with more than a fifth of characters 0-9 { } + / ( ) >",
        ),
        Column::number("madlad_questionable_lines", "share of those with any of the three"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let (mut lines, mut lists, mut odd, mut technical, mut any) = (0u64, 0u64, 0u64, 0u64, 0u64);
    for (line, facts) in view.scratch.raw_lines.iter().zip(&view.lines.lines) {
        if facts.words == 0 {
            continue;
        }
        lines += 1;
        let is_odd = !(20..=500).contains(&facts.characters);
        let is_technical = f64::from(line.technical) > 0.2 * f64::from(facts.characters);
        let is_list = facts.words >= 12 && line.capital_words * 2 > facts.words;
        lists += u64::from(is_list);
        odd += u64::from(is_odd);
        technical += u64::from(is_technical);
        any += u64::from(is_list || is_odd || is_technical);
    }
    let of = |part| share(part, lines);
    out.set_all(0, &[lines as f64, of(lists), of(odd), of(technical), of(any)]);
}
