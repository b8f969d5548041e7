//! A comparison as a person reads it.

use std::path::Path;

use corpus::compare::{DecisionFlips, DocumentsDiff, OneSided, TablesDiff};
use serde_json::Value;

use super::diff::Found;
use crate::terminal::{grouped, visible};

/// Rows of a list.
const ROWS: usize = 20;

pub fn render(found: &Found, paths: [&Path; 2]) -> String {
    let mut out = String::new();
    if let Some(diff) = &found.documents {
        documents(&mut out, diff, paths);
    }
    if let Some(flips) = &found.decisions {
        decisions(&mut out, flips);
    }
    if let Some(diff) = &found.signals {
        signals(&mut out, diff, paths);
    }
    visible(&out).into_owned()
}

fn count(number: u64) -> String {
    grouped(number as f64)
}

/// A line more.
macro_rules! say {
    ($out:expr, $($part:tt)*) => { $out.push_str(&(format!($($part)*) + "\n")) };
}

fn documents(out: &mut String, diff: &DocumentsDiff, paths: [&Path; 2]) {
    for (name, path, amount) in [("A", paths[0], diff.a), ("B", paths[1], diff.b)] {
        say!(out, "{name}  {}: {} documents, {} bytes", path.display(), count(amount.documents), count(amount.bytes));
    }
    say!(out, "\n{:>12} {:>12} {:>12} {:>12} {:>12}", "same", "changed", "fields", "only in A", "only in B");
    let all = [("all sources".to_owned(), diff.all)];
    let mut sources: Vec<_> = diff.sources.iter().map(|(name, counts)| (name.clone(), *counts)).collect();
    let differ =
        |counts: &corpus::compare::SourceDiff| counts.changed + counts.other_fields + counts.only_a + counts.only_b;
    sources.sort_by_key(|(_, counts)| std::cmp::Reverse(differ(counts)));
    let more = sources.len().saturating_sub(ROWS);
    for (name, counts) in all.into_iter().chain(sources.into_iter().take(ROWS)) {
        let [same, changed, fields, a, b] =
            [counts.same, counts.changed, counts.other_fields, counts.only_a, counts.only_b].map(count);
        let name = if name.is_empty() { "(no source)" } else { &name };
        say!(out, "{same:>12} {changed:>12} {fields:>12} {a:>12} {b:>12}  {name}");
    }
    if more > 0 {
        say!(out, "… and {more} more sources");
    }
    for (title, examples) in [("only in A", &diff.only_a_examples), ("only in B", &diff.only_b_examples)] {
        if !examples.is_empty() {
            say!(out, "\n{title}, for example");
        }
        for OneSided { id, source, text } in examples {
            let source = if source.is_empty() { String::new() } else { format!(" ({source})") };
            say!(out, "  {id}{source}  {}", text.replace('\n', " "));
        }
    }
    if !diff.changed_examples.is_empty() {
        say!(out, "\nchanged, for example");
    }
    for example in &diff.changed_examples {
        say!(out, "  {}: {} → {} bytes", example.id, example.bytes.0, example.bytes.1);
        example.removed.iter().for_each(|text| say!(out, "    − {text}"));
        example.added.iter().for_each(|text| say!(out, "    + {text}"));
    }
}

fn decisions(out: &mut String, flips: &DecisionFlips) {
    if !out.is_empty() {
        out.push('\n');
    }
    for (name, totals) in [("A", flips.a), ("B", flips.b)] {
        let [all, kept, dropped] = [totals.documents, totals.kept, totals.dropped].map(count);
        say!(out, "decisions of {name}: {kept} of {all} kept, {dropped} dropped");
    }
    let [keep, drop, newly_kept, newly_dropped] =
        [flips.both_keep, flips.both_drop, flips.newly_kept, flips.newly_dropped].map(count);
    say!(out, "kept by both {keep} · dropped by both {drop} · newly kept {newly_kept} · newly dropped {newly_dropped}");
    if flips.only_a + flips.only_b > 0 {
        say!(out, "documents only A decided about {} · only B {}", count(flips.only_a), count(flips.only_b));
    }
    let rules: Vec<_> = flips.rules.iter().filter(|(_, rule)| rule.a != rule.b).collect();
    if !rules.is_empty() {
        say!(out, "\n{:>12} {:>12} {:>12}", "A drops", "B drops", "change");
    }
    for (name, rule) in rules {
        let change = rule.b as i64 - rule.a as i64;
        say!(out, "{:>12} {:>12} {:>+12}  {name}", count(rule.a), count(rule.b), change);
    }
    if !flips.flips.is_empty() {
        say!(out, "\nother answers");
    }
    for flip in flips.flips.iter().take(ROWS) {
        let examples = flip.examples.join(", ");
        say!(out, "{:>12}  {} → {}  ({examples})", count(flip.documents), flip.from, flip.to);
    }
    if flips.flips.len() > ROWS {
        say!(out, "… and {} more pairs of answers", flips.flips.len() - ROWS);
    }
}

fn signals(out: &mut String, diff: &TablesDiff, paths: [&Path; 2]) {
    for (name, path, rows) in [("A", paths[0], diff.a), ("B", paths[1], diff.b)] {
        say!(out, "{name}  {}: {} documents", path.display(), count(rows));
    }
    let [same, changed, a, b] = [diff.same, diff.changed, diff.only_a, diff.only_b].map(count);
    say!(out, "same {same} · changed {changed} · only in A {a} · only in B {b}");
    if !diff.columns.is_empty() {
        say!(out, "\n{:<30} {:>12} {:>14} {:>14}", "column", "changed", "mean in A", "mean in B");
    }
    for column in &diff.columns {
        let mean = |mean: Option<f64>| mean.map_or_else(|| "–".to_owned(), |mean| format!("{mean:.4}"));
        let (a, b) = (mean(column.mean_a), mean(column.mean_b));
        say!(out, "{:<30} {:>12} {a:>14} {b:>14}", column.column, count(column.changed));
    }
    for example in &diff.examples {
        say!(out, "\n{}", example.id);
        for (column, a, b) in example.values.iter().take(ROWS) {
            let shown = |value: &Value| if value.is_null() { "–".to_owned() } else { value.to_string() };
            say!(out, "  {column}: {} → {}", shown(a), shown(b));
        }
    }
}
