//! The data card of a corpus: what came in, what each step dropped and why, what stayed, and documents to look at. One
//! file like the report of a run; the search over the sample is a few lines of script inside it.

use std::collections::BTreeMap;

use corpus::build::account::{Example, InOut, Lengths, StepAccount};
use corpus::build::report::BuildReport;

use super::charts;
use super::data::{Fact, Measure, RuleCount};
use super::markup::Markup;
use super::svg::{Anchor, Picture, fitted};
use super::{Head, Section, fact_list, figure, format, language_name, section, sections_page, table, written};

/// Rows of a distribution that are drawn; the rest is one row.
const MOST_ROWS: usize = 16;

/// Finds text in the sample as it is typed.
const SEARCH: &str = "const box=document.getElementById('search'),rows=[...document.querySelectorAll('.find')],\
said=document.getElementById('found');function look(){const w=box.value.toLowerCase().split(/\\s+/).filter(Boolean);\
let n=0;for(const r of rows){const t=r.textContent.toLowerCase(),y=w.every(x=>t.includes(x));r.hidden=!y;n+=y}\
said.textContent=n+' of '+rows.length+' documents'}box.addEventListener('input',look);look();";

/// The whole page. `facts` stand under the heading.
pub fn render(title: &str, facts: &[Fact], report: &BuildReport) -> String {
    let all = &report.account.all;
    let summary = format!(
        "{} of {} documents and {} of {} of text are in this corpus.",
        format::count(all.after.documents),
        format::count(all.before.documents),
        format::bytes(all.after.bytes as f64),
        format::bytes(all.before.bytes as f64),
    );
    let sections = written(SECTIONS, report);
    let foot = &["Made by onto corpus build. This file needs no network."];
    sections_page(&Head { eyebrow: "Data card of a corpus", title, summary: &summary, facts, top: "", foot }, &sections)
}

const SECTIONS: &[Section<BuildReport>] = &[
    ("steps", "Steps", steps),
    ("contents", "Contents", contents),
    ("duplicates", "Duplicates", duplicates),
    ("personal", "Personal data", personal),
    ("dropped", "What was dropped", dropped),
    ("sample", "Sample", sample),
    ("reading", "Reading", reading),
    ("settings", "Settings", settings),
];

/// The funnel and its numbers.
fn steps(main: &mut Markup, report: &BuildReport) {
    let rows: Vec<(&str, &str, &StepAccount)> = report
        .steps
        .iter()
        .zip(&report.account.steps)
        .map(|(step, account)| (step.name.as_str(), step.about.as_str(), account))
        .collect();
    if rows.is_empty() {
        return;
    }
    let lead = "Every document met these steps in this order; the reasons stand in decisions.jsonl, a line a document.";
    section(main, "steps", "From all documents to the corpus", lead, |part| {
        let counts: Vec<RuleCount> = rows
            .iter()
            .map(|(name, _, account)| RuleCount {
                rule: (*name).to_owned(),
                documents_in: account.before.documents,
                documents_dropped: account.before.documents - account.after.documents,
                documents_changed: account.edited,
                ..RuleCount::default()
            })
            .collect();
        let kept = report.account.all.after.documents;
        part.element("div", &[("class", "columns uneven")], |columns| {
            let picture = charts::funnel("Documents kept and dropped by each step", &counts, kept);
            figure(columns, "panel", "Documents through the steps", "red is what a step dropped", &picture);
            columns.element("div", &[("class", "panel")], |panel| {
                let heads = [("Step", ""), ("Bytes in", "number"), ("Bytes out", "number"), ("Edited", "number")];
                table(panel, "Text through the steps", &heads, &rows, |row, (name, about, account)| {
                    row.element("th", &[("scope", "row"), ("title", about)], |cell| cell.text(&format::words(name)));
                    row.leaf("td", &[("class", "number")], &format::bytes(account.before.bytes as f64));
                    row.leaf("td", &[("class", "number")], &format::bytes(account.after.bytes as f64));
                    row.leaf("td", &[("class", "number")], &format::count(account.edited));
                });
            });
        });
    });
}

/// Languages, sources and lengths, before and after.
fn contents(main: &mut Markup, report: &BuildReport) {
    let account = &report.account;
    if account.all.before.documents == 0 {
        return;
    }
    let lead = "Strong bars are what is in the corpus, pale ones what came in.";
    section(main, "contents", "What is in it", lead, |part| {
        part.element("div", &[("class", "columns")], |columns| {
            let languages = groups(&account.languages, language_name);
            figure(columns, "panel", "Languages", "documents", &before_after("Documents by language", &languages));
            let sources = groups(&account.sources, |name| if name.is_empty() { "(not named)" } else { name });
            figure(columns, "panel", "Sources", "documents", &before_after("Documents by source", &sources));
        });
        let lengths = lengths(&account.lengths_before, &account.lengths_after);
        figure(part, "panel", "Lengths", "documents by bytes of text", &columns_of("Documents by length", &lengths));
    });
}

/// A name with what came in and what stayed.
type Group = (String, u64, u64);

fn groups(map: &BTreeMap<String, InOut>, name: impl Fn(&str) -> &str) -> Vec<Group> {
    let mut rows: Vec<Group> =
        map.iter().map(|(key, at)| (name(key).to_owned(), at.before.documents, at.after.documents)).collect();
    rows.sort_by(|a, b| (b.2, b.1).cmp(&(a.2, a.1)).then_with(|| a.0.cmp(&b.0)));
    if rows.len() > MOST_ROWS {
        let rest = rows.split_off(MOST_ROWS - 1);
        let sum = |pick: fn(&Group) -> u64| rest.iter().map(pick).sum();
        rows.push((format!("{} others", rest.len()), sum(|row| row.1), sum(|row| row.2)));
    }
    rows
}

/// Horizontal bars in pairs: pale what came in, strong what stayed.
fn before_after(label: &str, rows: &[Group]) -> String {
    let (step, left, right) = (34.0, 128.0, charts::WIDTH - 118.0);
    let most = rows.iter().map(|row| row.1.max(row.2)).max().unwrap_or(1).max(1) as f64;
    let mut picture = Picture::new(charts::WIDTH, step * rows.len() as f64 + 8.0);
    for (index, (name, before, after)) in rows.iter().enumerate() {
        let top = 4.0 + step * index as f64;
        let wide = |count: u64| (right - left) * count as f64 / most;
        picture.text("bar-name", (left - 12.0, top + 19.0), Anchor::End, &fitted(name, 12.5, left - 16.0));
        picture.rect("fill-quiet", (left, top + 4.0), (wide(*before), 20.0), 3.0);
        picture.rect("family-data", (left, top + 8.0), (wide(*after), 12.0), 3.0);
        let said = if before == after {
            format::count(*after)
        } else {
            format!("{} of {}", format::short(*after as f64), format::short(*before as f64))
        };
        let end = left + wide((*before).max(*after)) + 8.0;
        picture.text("bar-value", (end, top + 18.5), Anchor::Start, &said);
    }
    picture.finish("chart", label)
}

/// One column a bucket, from the first that holds anything to the last.
fn lengths(before: &Lengths, after: &Lengths) -> Vec<Group> {
    let at = |lengths: &Lengths, bucket: usize| lengths.buckets.get(bucket).copied().unwrap_or(0);
    let end = before.buckets.len().max(after.buckets.len());
    let first = (0..end).find(|&bucket| at(before, bucket) + at(after, bucket) > 0).unwrap_or(0);
    (first..end)
        .map(|bucket| (format::bytes(2f64.powi(bucket as i32)), at(before, bucket), at(after, bucket)))
        .collect()
}

fn columns_of(label: &str, rows: &[Group]) -> String {
    let (width, left, bottom, top) = (940.0, 60.0, 196.0, 22.0);
    let step = (width - left - 10.0) / rows.len().max(1) as f64;
    let most = rows.iter().map(|row| row.1.max(row.2)).max().unwrap_or(1).max(1) as f64;
    let mut picture = Picture::new(width, 226.0);
    picture.line("axis", (left, bottom), (width - 10.0, bottom));
    for (index, (name, before, after)) in rows.iter().enumerate() {
        let at = left + step * index as f64;
        let high = |count: u64| (bottom - top) * count as f64 / most;
        let thick = (step * 0.72).min(64.0);
        let start = at + (step - thick) / 2.0;
        picture.rect("fill-quiet", (start, bottom - high(*before)), (thick, high(*before)), 2.0);
        let inner = thick * 0.6;
        picture.rect("family-data", (start + (thick - inner) / 2.0, bottom - high(*after)), (inner, high(*after)), 2.0);
        picture.text("tick", (at, bottom + 18.0), Anchor::Middle, name);
        let tall = high((*before).max(*after));
        picture.text("tick", (start + thick / 2.0, bottom - tall - 6.0), Anchor::Middle, &format::short(*after as f64));
    }
    picture.finish("chart", label)
}

fn duplicates(main: &mut Markup, report: &BuildReport) {
    let clusters = &report.clusters;
    if clusters.clusters == 0 {
        return;
    }
    let lead = format!(
        "{} documents were dropped for the {} that stay for their clusters; all of them are listed in clusters.jsonl.",
        format::count(clusters.dropped),
        format::count(clusters.clusters)
    );
    section(main, "duplicates", "Duplicates", &lead, |part| {
        part.element("div", &[("class", "columns")], |columns| {
            let mut sizes: Vec<Measure> = clusters
                .sizes
                .iter()
                .map(|(size, count)| Measure { name: format!("of {size}"), value: *count as f64, highlight: true })
                .collect();
            sizes.truncate(10);
            let picture = charts::bars("Clusters by size", &sizes, "family-data", 0.0);
            figure(columns, "panel", "Clusters by size", "documents in a cluster", &picture);
            columns.element("div", &[("class", "panel")], |panel| {
                let heads = [("Stays", ""), ("Size", "number"), ("Dropped for it", "")];
                table(panel, "The largest clusters", &heads, &clusters.largest, |row, cluster| {
                    row.element("td", &[], |cell| cell.leaf("code", &[], &cluster.representative));
                    row.leaf("td", &[("class", "number")], &format::count(cluster.size));
                    row.element("td", &[], |cell| {
                        let more = if cluster.size as usize > cluster.members.len() + 1 { ", …" } else { "" };
                        cell.leaf("code", &[], &format!("{}{more}", cluster.members.join(", ")));
                    });
                });
            });
        });
    });
}

fn personal(main: &mut Markup, report: &BuildReport) {
    if report.account.personal.is_empty() {
        return;
    }
    let total: u64 = report.account.personal.values().sum();
    let lead = format!("{} pieces were replaced by placeholders; decisions.jsonl keeps where.", format::count(total));
    section(main, "personal", "Personal data", &lead, |part| {
        let mut kinds: Vec<Measure> = report
            .account
            .personal
            .iter()
            .map(|(kind, count)| Measure { name: format::words(kind), value: *count as f64, highlight: true })
            .collect();
        kinds.sort_by(|a, b| b.value.total_cmp(&a.value));
        part.element("div", &[("class", "columns")], |columns| {
            let picture = charts::bars("Pieces masked by kind", &kinds, "family-data", 0.0);
            figure(columns, "panel", "Masked pieces", "by kind", &picture);
        });
    });
}

/// Examples of each step and reason.
fn dropped(main: &mut Markup, report: &BuildReport) {
    let steps: Vec<(&str, &StepAccount)> = report
        .steps
        .iter()
        .zip(&report.account.steps)
        .filter(|(_, account)| !account.reasons.is_empty())
        .map(|(step, account)| (step.name.as_str(), account))
        .collect();
    if steps.is_empty() {
        return;
    }
    let lead = "Examples are drawn by a hash of the document's id: the same in every build of this corpus.";
    section(main, "dropped", "What was dropped, and why", lead, |part| {
        for (name, account) in steps {
            let events: u64 = account.reasons.values().sum();
            part.element("details", &[("class", "panel")], |details| {
                details.element("summary", &[], |summary| {
                    summary.text(&format::words(name));
                    summary.leaf("small", &[], &format::count(events));
                });
                let mut reasons: Vec<(&String, &u64)> = account.reasons.iter().collect();
                reasons.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
                let heads = [("Reason", ""), ("Times", "number"), ("Share", "number")];
                table(details, "Reasons", &heads, &reasons, |row, (reason, count)| {
                    row.leaf("th", &[("scope", "row")], &format::words(reason));
                    row.leaf("td", &[("class", "number")], &format::count(**count));
                    let share = **count as f64 / events.max(1) as f64;
                    row.leaf("td", &[("class", "number")], &format::share(share));
                });
                for (reason, _) in &reasons {
                    if let Some(sample) = account.dropped_examples.get(*reason) {
                        sample.examples().for_each(|example| write_example(details, example, "bad", reason));
                    }
                }
                account.kept_examples.examples().for_each(|example| write_example(details, example, "good", "kept"));
            });
        }
    });
}

fn write_example(parent: &mut Markup, example: &Example, class: &str, tag: &str) {
    parent.element("div", &[("class", "example")], |block| {
        block.element("p", &[("class", "example-head")], |head| {
            head.leaf("span", &[("class", &format!("tag {class}"))], &format::words(tag));
            head.leaf("code", &[], &example.id);
            if let Some((_, detail)) = example.reason.split_once(':') {
                head.text(&format!(" {}", detail.trim()));
            }
        });
        let lang = example.lang.as_deref().unwrap_or_default();
        block.leaf("pre", &super::language_attribute(lang), &example.text);
    });
}

fn sample(main: &mut Markup, report: &BuildReport) {
    let sample = &report.account.sample;
    if sample.examples().next().is_none() {
        return;
    }
    section(
        main,
        "sample",
        "Documents to look at",
        "Drawn by a hash of their ids, so every part has its chance.",
        |part| {
            part.element("p", &[("class", "search")], |line| {
                let attributes =
                    [("id", "search"), ("type", "search"), ("placeholder", "Find words, ids, languages …")];
                line.empty("input", &attributes);
                line.leaf("small", &[("id", "found")], "");
            });
            part.element("div", &[("class", "samples")], |list| {
                for example in sample.examples() {
                    list.element("article", &[("class", "sample find")], |article| {
                        article.element("div", &[("class", "question")], |inner| {
                            inner.element("p", &[("class", "sample-task")], |head| {
                                head.leaf("code", &[], &example.id);
                                for fact in [example.lang.as_deref().unwrap_or_default(), &example.source] {
                                    if !fact.is_empty() {
                                        head.leaf("span", &[], fact);
                                    }
                                }
                            });
                            let lang = example.lang.as_deref().unwrap_or_default();
                            let mut attributes = super::language_attribute(lang);
                            attributes.push(("class", "prompt"));
                            inner.leaf("p", &attributes, &example.text);
                        });
                    });
                }
            });
            part.element("script", &[], |script| script.raw(SEARCH));
        },
    );
}

fn reading(main: &mut Markup, report: &BuildReport) {
    if report.n_problems == 0 && report.notes.is_empty() && report.unasked.is_empty() {
        return;
    }
    let lead = format!("{} records or files could not be read or were repaired.", format::count(report.n_problems));
    section(main, "reading", "Problems and remarks", &lead, |part| {
        part.element("div", &[("class", "panel")], |panel| {
            let mut lines: Vec<&str> = report.unasked.iter().chain(&report.notes).map(String::as_str).collect();
            lines.extend(report.problems.iter().map(String::as_str));
            let mut text = lines.join("\n");
            if report.n_problems > report.problems.len() as u64 {
                text.push_str(&format!("\n… and {} more", report.n_problems - report.problems.len() as u64));
            }
            panel.leaf("pre", &[], &text);
        });
    });
}

fn settings(main: &mut Markup, report: &BuildReport) {
    let lead = "The same settings, inputs and program give the same bytes, for any number of workers.";
    section(main, "settings", "Settings", lead, |part| {
        let facts: Vec<Fact> =
            report.steps.iter().map(|step| Fact::new(format::words(&step.name), &step.about)).collect();
        part.element("div", &[("class", "panel wide-facts")], |panel| fact_list(panel, &facts));
        part.element("details", &[("class", "panel")], |details| {
            details.leaf("summary", &[], "All settings");
            let text = serde_json::to_string_pretty(&report.config).unwrap_or_default();
            details.leaf("pre", &[("class", "recipe")], &text);
        });
    });
}
