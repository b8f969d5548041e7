//! Gopher's statistics as DCLM's reproduction of RefinedWeb measures them (arXiv 2406.11794, 2306.01116): lengths of pages and runs are
//! of words by Unicode's boundaries that begin with a letter or number, other rules split by white space; lines and paragraphs are
//! stripped and blank ones left out; all occurrences of what repeats count; runs of 5 to 10 words count the words they cover.

use super::share;
use crate::signals::hash;
use crate::signals::lines::seen;
use crate::signals::python::strip;
use crate::signals::repeats::{self, Duplicates, Runs, Table};
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "dclm",
    source: "DCLM baselines 361714b, refinedweb.yaml",
    columns: &[
        Column::integer("dclm_words", "words by Unicode's boundaries that begin with a letter or number"),
        Column::number("dclm_word_length", "mean characters of words as white space separates them"),
        Column::number(
            "dclm_symbols",
            "# signs and ellipses (... . . . …) to words by white space; 1 where there are none",
        ),
        Column::number("dclm_bullet_lines", "share of lines that begin with ● • * -"),
        Column::number("dclm_ellipsis_lines", "share of lines that end in ... or . . . or …"),
        Column::number(
            "dclm_non_alpha_words",
            "share of words by white space without a letter; 1 where there are none",
        ),
        Column::integer("dclm_stop_words", "occurrences of stop words, in lower case"),
        Column::number("dclm_dup_lines", "share of lines that stand more than once; 1 where there are none"),
        Column::number("dclm_dup_line_chars", "their characters to those of all lines"),
        Column::number("dclm_dup_paragraphs", "share of paragraphs that stand more than once; 1 where there are none"),
        Column::number("dclm_dup_paragraph_chars", "their characters to those of all paragraphs"),
        Column::number(
            "dclm_top_2gram",
            "characters of the longest most frequent pair of words, times its count, to those of words",
        ),
        Column::number("dclm_top_3gram", "the same for three words"),
        Column::number("dclm_top_4gram", "the same for four words"),
        Column::number("dclm_dup_5gram", "characters of words inside runs of 5 that repeat, to those of words"),
        Column::number("dclm_dup_6gram", "the same for 6 words"),
        Column::number("dclm_dup_7gram", "the same for 7 words"),
        Column::number("dclm_dup_8gram", "the same for 8 words"),
        Column::number("dclm_dup_9gram", "the same for 9 words"),
        Column::number("dclm_dup_10gram", "the same for 10 words"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let text = view.text;
    let words = &view.scratch.unicode;
    let counts = &view.scratch.counts;
    let spaced = view.scratch.spaced.len() as u64;
    let of_words = |part: u64| if spaced == 0 { 1.0 } else { share(part, spaced) };
    let spaced_dots = memchr::memmem::find_iter(text.as_bytes(), ". . .").count() as u64;
    let ellipses = counts.dots + spaced_dots + counts.ellipses;
    let (mut bullets, mut cut) = (0u64, 0u64);
    let mut borrowed = view.scratch.working.borrow_mut();
    let working = &mut *borrowed;
    working.elements.clear();
    for (raw, facts) in
        view.scratch.raw_lines.iter().zip(&view.lines.lines).filter(|(_, facts)| !facts.has(seen::BLANK))
    {
        let whole = &text[raw.start..raw.end];
        let line = strip(whole);
        bullets += u64::from(line.starts_with(['●', '•', '*', '-']));
        cut += u64::from(line.ends_with("...") || line.ends_with(". . .") || line.ends_with('…'));
        working.elements.push(if line.len() == whole.len() { (raw.hash, facts.characters) } else { element(line) });
    }
    let lines = repeats::duplicates(&working.elements, &mut working.table);
    let paragraphs = paragraphs(text, &mut working.elements, &mut working.table);
    drop(borrowed);
    let (line_share, line_characters) = repeated(lines);
    let (paragraph_share, paragraph_characters) = repeated(paragraphs);
    out.set_all(
        0,
        &[
            words.len() as f64,
            share(view.scratch.spaced.characters, spaced),
            of_words(counts.hashes + ellipses),
            share(bullets, lines.all),
            share(cut, lines.all),
            of_words(spaced - counts.alpha_words),
            counts.stop_words_lowered as f64,
            line_share,
            line_characters,
            paragraph_share,
            paragraph_characters,
        ],
    );
    let mut runs = [Runs::default(); 9];
    repeats::runs(&words.hashes, &words.lengths, &mut view.scratch.working.borrow_mut().buffers, &mut runs);
    for (index, run) in runs.iter().enumerate() {
        let value = match (index, run.top_count) {
            // What stands once is no repetition here.
            (_, 0 | 1) => 0.0,
            (0..3, count) => share(u64::from(count) * u64::from(run.top_longest), words.characters),
            _ => share(run.covered, words.characters),
        };
        out.set(11 + index, value);
    }
}

/// Shares of repeated segments and of their characters: nothing repeats in one segment, and no segments are a reason to drop.
fn repeated(found: Duplicates) -> (f64, f64) {
    match found.all {
        0 => (1.0, 1.0),
        1 => (0.0, 0.0),
        _ => (share(found.every, found.all), share(found.every_characters, found.all_characters)),
    }
}

fn element(text: &str) -> (u64, u32) {
    (hash::bytes(text.as_bytes()), text.chars().count() as u32)
}

/// What two line feeds part.
fn paragraphs(text: &str, elements: &mut Vec<(u64, u32)>, table: &mut Table) -> Duplicates {
    elements.clear();
    let mut start = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), "\n\n") {
        let paragraph = strip(&text[start..at]);
        if !paragraph.is_empty() {
            elements.push(element(paragraph));
        }
        start = at + 2;
    }
    let last = strip(&text[start..]);
    if elements.is_empty() {
        // One repeats nothing, and most texts have one.
        return Duplicates { all: u64::from(!last.is_empty()), ..Duplicates::default() };
    }
    if !last.is_empty() {
        elements.push(element(last));
    }
    repeats::duplicates(elements, table)
}
