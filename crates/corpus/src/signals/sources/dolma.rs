//! Gopher's statistics as dolma 1.2.1 measures them (tagger `gopher_v1`): words are what white space separates; the length is the
//! median; all occurrences of what repeats count; shares of characters are of the words' characters.

use super::share;
use crate::signals::repeats::{self, Runs};
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "dolma",
    source: "dolma 1.2.1, tagger gopher_v1",
    columns: &[
        Column::integer("dolma_words", "words as white space separates them"),
        Column::number("dolma_word_length", "median characters of a word"),
        Column::number("dolma_symbols", "share of words with # or …"),
        Column::number("dolma_alpha_words", "share of words with a letter"),
        Column::integer("dolma_stop_words", "occurrences of stop words, as written"),
        Column::number("dolma_bullet_lines", "share of lines that begin with * or -, white space not left out"),
        Column::number("dolma_ellipsis_lines", "share of lines that end in …"),
        Column::number("dolma_dup_lines", "share of lines that stand more than once"),
        Column::number("dolma_dup_line_chars", "characters of those to characters of words"),
        Column::number(
            "dolma_top_2gram",
            "characters of the most frequent pair of words, times its count, to those of words",
        ),
        Column::number("dolma_top_3gram", "the same for three words"),
        Column::number("dolma_top_4gram", "the same for four words"),
        Column::number("dolma_dup_5gram", "characters of runs of 5 words that repeat, to those of all runs of 5"),
        Column::number("dolma_dup_6gram", "the same for 6 words"),
        Column::number("dolma_dup_7gram", "the same for 7 words"),
        Column::number("dolma_dup_8gram", "the same for 8 words"),
        Column::number("dolma_dup_9gram", "the same for 9 words"),
        Column::number("dolma_dup_10gram", "the same for 10 words"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let words = &view.scratch.spaced;
    let counts = &view.scratch.counts;
    let mut borrowed = view.scratch.working.borrow_mut();
    let working = &mut *borrowed;
    let n = words.len() as u64;
    let (mut lines, mut bullets, mut cut) = (0u64, 0u64, 0u64);
    working.elements.clear();
    // The peer measures nothing of an empty text.
    for (raw, facts) in view.scratch.raw_lines.iter().zip(&view.lines.lines).filter(|_| !view.text.is_empty()) {
        let line = &view.text.as_bytes()[raw.start..raw.end];
        lines += 1;
        bullets += u64::from(matches!(line, [b'*' | b'-', ..]));
        cut += u64::from(line.ends_with("…".as_bytes()));
        working.elements.push((raw.hash, facts.characters));
    }
    let found = repeats::duplicates(&working.elements, &mut working.table);
    out.set_all(
        0,
        &[
            n as f64,
            median(&words.lengths, &mut working.lengths),
            share(counts.symbol_words, n),
            share(counts.alpha_words, n),
            counts.stop_words as f64,
            share(bullets, lines),
            share(cut, lines),
            share(found.every, lines),
            found.every_characters as f64 / words.characters.max(1) as f64,
        ],
    );
    let mut runs = [Runs::default(); 9];
    repeats::runs(&words.hashes, &words.lengths, &mut working.buffers, &mut runs);
    for (index, run) in runs.iter().enumerate() {
        let value = if index < 3 {
            share(u64::from(run.top_count) * u64::from(run.top_characters), words.characters)
        } else {
            share(run.repeated, run.all)
        };
        out.set(9 + index, value);
    }
}

/// The median of lengths; the mean of the two in the middle of an even number, 0 of none.
fn median(lengths: &[u32], counts: &mut Vec<u32>) -> f64 {
    // Nearly all words are short: counting is cheaper than sorting.
    const SHORT: u32 = 64;
    counts.clear();
    counts.resize(SHORT as usize, 0);
    lengths.iter().filter(|length| **length < SHORT).for_each(|length| counts[*length as usize] += 1);
    let nth = |rank: usize| {
        let mut before = 0;
        for (length, count) in counts.iter().enumerate() {
            before += *count as usize;
            if before > rank {
                return length as f64;
            }
        }
        let mut long: Vec<u32> = lengths.iter().copied().filter(|length| *length >= SHORT).collect();
        long.sort_unstable();
        f64::from(long[rank - before])
    };
    match lengths.len() {
        0 => 0.0,
        n if n % 2 == 1 => nth(n / 2),
        n => (nth(n / 2 - 1) + nth(n / 2)) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_short_and_long() {
        let median = |lengths: &[u32]| median(lengths, &mut Vec::new());
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[4, 1, 900]), 4.0);
        assert_eq!(median(&[900, 1, 800, 2]), 401.0);
        assert_eq!(median(&[900, 800, 70]), 800.0);
    }
}
