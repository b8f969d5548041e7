//! Gopher's quality and repetition statistics (arXiv 2112.11446) as datatrove 0.10.1 measures them: words are tokens of spaCy's
//! English rules; lengths leave out words of punctuation alone; an element is a duplicate from its second occurrence on; runs of 5
//! to 10 words are found by a walk that jumps over what it found; all shares are of the text's characters.

use super::share;
use crate::signals::hash;
use crate::signals::python::{is_space, split_lines};
use crate::signals::repeats::{self, Duplicates, Runs};
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "datatrove",
    source: "datatrove 0.10.1, GopherQualityFilter and GopherRepetitionFilter",
    columns: &[
        Column::integer("datatrove_text_words", "tokens that are not punctuation alone"),
        Column::number("datatrove_word_length", "mean characters of those"),
        Column::number("datatrove_hashes", "# signs to tokens"),
        Column::number("datatrove_ellipses", "ellipses (... and …) to tokens"),
        Column::number("datatrove_bullet_lines", "share of lines that begin with • or -"),
        Column::number("datatrove_ellipsis_lines", "share of lines that end in an ellipsis"),
        Column::number("datatrove_alpha_words", "share of tokens with a letter"),
        Column::integer("datatrove_stop_words", "different stop words (of 8) among the tokens, as written"),
        Column::number("datatrove_dup_paragraphs", "share of paragraphs that stood before"),
        Column::number("datatrove_dup_paragraph_chars", "characters of those to all"),
        Column::number("datatrove_dup_lines", "share of lines that stood before"),
        Column::number("datatrove_dup_line_chars", "characters of those to all"),
        Column::number("datatrove_top_2gram", "characters of the most frequent pair of words, times its count, to all"),
        Column::number("datatrove_top_3gram", "the same for three words"),
        Column::number("datatrove_top_4gram", "the same for four words"),
        Column::number("datatrove_dup_5gram", "characters of runs of 5 words that stood before, to all"),
        Column::number("datatrove_dup_6gram", "the same for 6 words"),
        Column::number("datatrove_dup_7gram", "the same for 7 words"),
        Column::number("datatrove_dup_8gram", "the same for 8 words"),
        Column::number("datatrove_dup_9gram", "the same for 9 words"),
        Column::number("datatrove_dup_10gram", "the same for 10 words"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let text = view.text;
    let scratch = &view.scratch;
    let counts = &scratch.counts;
    let tokens = scratch.tokens.len() as u64;
    let ellipses = counts.dots + counts.ellipses;
    let (mut lines, mut bullets, mut cut) = (0u64, 0u64, 0u64);
    let mut line = |line: &str| {
        lines += 1;
        bullets += u64::from(line.trim_start_matches(is_space).starts_with(['•', '-']));
        let end = line.trim_end_matches(is_space);
        cut += u64::from(end.ends_with("...") || end.ends_with('…'));
    };
    match view.lines.pieces {
        Some(_) => split_lines(text).for_each(&mut line),
        None if text.is_empty() => {}
        None => {
            // No line after a last line end.
            let all = &view.scratch.raw_lines;
            let count = all.len() - usize::from(text.ends_with('\n'));
            all[..count].iter().for_each(|raw| line(&text[raw.start..raw.end]));
        }
    }
    out.set_all(
        0,
        &[
            counts.text_tokens as f64,
            share(counts.text_token_characters, counts.text_tokens),
            share(counts.hashes, tokens),
            share(ellipses, tokens),
            share(bullets, lines),
            share(cut, lines),
            share(counts.alpha_tokens, tokens),
            f64::from(counts.stop_tokens.count_ones()),
        ],
    );
    repetition(view, out);
}

fn repetition(view: &View<'_>, out: &mut Out<'_>) {
    let text = view.text;
    let all = view.scratch.counts.characters;
    // Paragraphs are parted by two line feeds or more, lines by one or more.
    let stripped = crate::signals::python::strip(text);
    let paragraphs = paragraphs(stripped, view);
    out.set(8, share(paragraphs.later, paragraphs.all));
    out.set(9, share(paragraphs.later_characters, all));
    let lines = lines(view);
    out.set(10, share(lines.later, lines.all));
    out.set(11, share(lines.later_characters, all));
    let mut borrowed = view.scratch.working.borrow_mut();
    let buffers = &mut borrowed.buffers;
    let words = &view.scratch.tokens;
    let mut runs = [Runs::default(); 3];
    repeats::runs(&words.hashes, &words.lengths, buffers, &mut runs);
    for (index, run) in runs.iter().enumerate() {
        // The peer joins words by spaces.
        let characters = u64::from(run.top_characters) + index as u64 + 1;
        out.set(12 + index, if run.top_count == 0 { 0.0 } else { share(characters * u64::from(run.top_count), all) });
    }
    let mut later = [0; 6];
    repeats::walk(&view.scratch.joined, &words.lengths, buffers, &mut later);
    for (index, characters) in later.into_iter().enumerate() {
        out.set(15 + index, share(characters, all));
    }
}

/// Repeated lines, as runs of line feeds part them: only the first and the last may be empty.
fn lines(view: &View<'_>) -> Duplicates {
    let mut borrowed = view.scratch.working.borrow_mut();
    let working = &mut *borrowed;
    working.elements.clear();
    let all = &view.scratch.raw_lines;
    for (number, (line, facts)) in all.iter().zip(&view.lines.lines).enumerate() {
        if line.start < line.end || number == 0 || number + 1 == all.len() {
            working.elements.push((line.hash, facts.characters));
        }
    }
    repeats::duplicates(&working.elements, &mut working.table)
}

/// Repeated pieces of `text` between runs of at least two line feeds.
fn paragraphs(text: &str, view: &View<'_>) -> Duplicates {
    let mut borrowed = view.scratch.working.borrow_mut();
    let working = &mut *borrowed;
    working.elements.clear();
    let mut push = |piece: &str| {
        working.elements.push((hash::bytes(piece.as_bytes()), piece.chars().count() as u32));
    };
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(found) = memchr::memmem::find(&bytes[start..], b"\n\n") {
        let at = start + found;
        push(&text[start..at]);
        start = at + bytes[at..].iter().take_while(|&&byte| byte == b'\n').count();
    }
    if start == 0 {
        // The only one repeats nothing.
        return Duplicates { all: 1, ..Duplicates::default() };
    }
    push(&text[start..]);
    repeats::duplicates(&working.elements, &mut working.table)
}
