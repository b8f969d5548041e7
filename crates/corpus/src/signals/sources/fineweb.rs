//! FineWeb's own statistics (arXiv 2406.17557) as datatrove 0.10.1 measures them on a text as it is. In FineWeb's pipeline they are
//! measured on what C4's line rules leave; a policy asks for those with the names `kept.…`.

use super::share;
use crate::signals::lines::seen;
use crate::signals::marks::TERMINAL;
use crate::signals::repeats;
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

/// Characters of a line that counts as short.
const SHORT: usize = 30;

pub static FAMILY: Family = Family {
    name: "fineweb",
    source: "datatrove 0.10.1, FineWebQualityFilter",
    columns: &[
        Column::integer("fineweb_lines", "lines that are not blank"),
        Column::number("fineweb_terminal_lines", "share of those that end in a terminal mark of any script"),
        Column::number("fineweb_short_lines", "share of those with at most 30 characters"),
        Column::number("fineweb_dup_line_chars", "characters of lines that stood before, to all but line feeds"),
        Column::number("fineweb_new_lines", "line feeds to tokens"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let mut borrowed = view.scratch.working.borrow_mut();
    let working = &mut *borrowed;
    working.elements.clear();
    let (mut ends, mut short, mut feeds) = (0u64, 0u64, 0u64);
    for (line, facts) in view.scratch.raw_lines.iter().zip(&view.lines.lines) {
        feeds += 1;
        if facts.has(seen::BLANK) {
            continue;
        }
        ends += u64::from(view.text[line.start..line.end].ends_with(|c| TERMINAL.has(c)));
        short += u64::from(facts.characters as usize <= SHORT);
        working.elements.push((line.hash, facts.characters));
    }
    feeds = feeds.saturating_sub(1);
    let lines = working.elements.len() as u64;
    let found = repeats::duplicates(&working.elements, &mut working.table);
    out.set_all(
        0,
        &[
            lines as f64,
            share(ends, lines),
            share(short, lines),
            share(found.later_characters, view.scratch.counts.characters - feeds),
            share(feeds, view.scratch.tokens.len() as u64),
        ],
    );
}
