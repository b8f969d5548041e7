//! What the model can do: held-out text, questions, preferences, samples, free writing.

use super::charts::{self, LineChart, ScoreRow, Series, Stroke};
use super::data::{Answer, Measure, PreferenceScores, ReportData, Sample, Score, TaskScores};
use super::markup::Markup;
use super::{figure, format, language_attribute, language_name, mark, section, table};

/// Bits per byte against the counting baselines, and how they fell.
pub fn language(main: &mut Markup, data: &ReportData) {
    if data.bits_per_byte.is_empty() && data.bits_per_byte_curve.is_empty() {
        return;
    }
    section(main, "language", "Held-out text", &language_lead(&data.bits_per_byte), |part| {
        part.element("div", &[("class", "columns")], |columns| {
            if !data.bits_per_byte.is_empty() {
                let height = if data.bits_per_byte_curve.is_empty() { 0.0 } else { 260.0 };
                let picture =
                    charts::bars("Bits per byte of held-out text", &data.bits_per_byte, "series-base", height);
                figure(
                    columns,
                    "panel",
                    "Bits per byte",
                    "shorter is better; the same tokens for every model",
                    &picture,
                );
            }
            if !data.bits_per_byte_curve.is_empty() {
                let picture = bits_chart(data);
                figure(columns, "panel", "While it learned", "held-out bits per byte of the base model", &picture);
            }
        });
    });
}

fn language_lead(measures: &[Measure]) -> String {
    let ours = measures.iter().find(|measure| measure.highlight);
    let best = measures.iter().filter(|measure| !measure.highlight).min_by(|a, b| a.value.total_cmp(&b.value));
    match (ours, best) {
        (Some(ours), Some(best)) if best.value > 0.0 => {
            let change = ours.value / best.value - 1.0;
            let relation = if change <= 0.0 { "fewer" } else { "more" };
            format!(
                "{}: {} bits for a byte of unseen text, {} {relation} than {}.",
                capitalised(&ours.name),
                format::number(ours.value),
                format::share(change.abs()),
                best.name,
            )
        }
        _ => "How many bits each model needs for a byte of unseen text.".into(),
    }
}

fn bits_chart(data: &ReportData) -> String {
    let levels = data
        .bits_per_byte
        .iter()
        .filter(|measure| !measure.highlight)
        .map(|measure| (measure.name.clone(), measure.value, "series-quiet"))
        .collect();
    let points = data.bits_per_byte_curve.clone();
    LineChart {
        label: "Held-out bits per byte over the steps of pre-training".into(),
        x_label: "step".into(),
        y_label: "bits per byte".into(),
        series: vec![Series { name: "base".into(), class: "series-base", stroke: Stroke::Dots, points }],
        levels,
        width: charts::WIDTH,
    }
    .draw()
}

/// Exact match by task and language.
pub fn exact_match(main: &mut Markup, data: &ReportData) {
    let rows = &data.exact_match;
    if rows.is_empty() {
        return;
    }
    section(main, "answers", "Answers to held-out questions", &answers_lead(rows), |part| {
        part.element("div", &[("class", "columns")], |columns| {
            let series = [("base", "series-base"), ("tuned", "series-tuned"), ("aligned", "series-aligned")];
            let drawn: Vec<ScoreRow> = rows
                .iter()
                .map(|row| ScoreRow { name: row_name(row), scores: vec![row.base, row.tuned, row.aligned] })
                .collect();
            let picture = charts::scores("Exact match by task, with 95 % intervals", &series, &drawn, None);
            figure(columns, "panel", "Exact match", "dots with 95 % intervals", &picture);
            columns.element("div", &[("class", "panel")], |panel| {
                let heads = [
                    ("Task", ""),
                    ("Language", ""),
                    ("Items", "number"),
                    ("Base", "number"),
                    ("Tuned", "number"),
                    ("Aligned", "number"),
                ];
                table(panel, "Exact match in per cent, with 95 % intervals", &heads, rows, |line, row| {
                    line.leaf("th", &[("scope", "row")], &task_name(&row.task));
                    line.leaf("td", &[], language_name(&row.language));
                    line.leaf("td", &[("class", "number")], &format::count(row.n));
                    for score in [row.base, row.tuned, row.aligned] {
                        line.element("td", &[("class", "number")], |cell| score_cell(cell, score));
                    }
                });
            });
        });
    });
}

/// Task scores for all tasks and languages together: the row that says so, or the mean weighted by items.
fn overall(rows: &[TaskScores], pick: fn(&TaskScores) -> Option<Score>) -> Option<f64> {
    if let Some(row) = rows.iter().find(|row| row.task.is_empty() && row.language.is_empty()) {
        return pick(row).map(|score| score.score);
    }
    let single: Vec<(f64, f64)> = rows
        .iter()
        .filter(|row| !row.language.is_empty())
        .filter_map(|row| pick(row).map(|score| (score.score * row.n as f64, row.n as f64)))
        .collect();
    let items: f64 = single.iter().map(|pair| pair.1).sum();
    (items > 0.0).then(|| single.iter().map(|pair| pair.0).sum::<f64>() / items)
}

fn answers_lead(rows: &[TaskScores]) -> String {
    let parts: Vec<String> = [
        ("the base model", overall(rows, |row| row.base)),
        ("the tuned model", overall(rows, |row| row.tuned)),
        ("the aligned model", overall(rows, |row| row.aligned)),
    ]
    .into_iter()
    .filter_map(|(name, score)| score.map(|score| format!("{name} {}", format::share(score))))
    .collect();
    if parts.is_empty() {
        return "Greedy answers compared with the expected ones.".into();
    }
    format!("Right answers, letter for letter, to questions about text never seen: {}.", parts.join(", "))
}

fn row_name(row: &TaskScores) -> String {
    let task = task_name(&row.task);
    if row.language.is_empty() { task } else { format!("{task} · {}", row.language) }
}

fn task_name(task: &str) -> String {
    if task.is_empty() { "all".into() } else { format::words(task) }
}

fn score_cell(cell: &mut Markup, score: Option<Score>) {
    let Some(score) = score else {
        cell.text("–");
        return;
    };
    cell.text(&format!("{:.1}", score.score * 100.0));
    cell.leaf("small", &[], &format!("{:.0}–{:.0}", score.low * 100.0, score.high * 100.0));
}

/// Preference accuracy before and after alignment.
pub fn preferences(main: &mut Markup, data: &ReportData) {
    let rows = &data.preferences;
    if rows.is_empty() {
        return;
    }
    let total = rows.iter().find(|row| row.task.is_empty());
    let lead = total.map_or_else(
        || "How often the model finds the preferred answer likelier than the other.".into(),
        |row| {
            format!(
                "The model finds the preferred answer likelier in {} of the pairs after alignment, {} before.",
                format::share(row.after.score),
                format::share(row.before.score)
            )
        },
    );
    section(main, "preferences", "Preferences", &lead, |part| {
        part.element("div", &[("class", "columns")], |columns| {
            let series = [("before (tuned)", "series-tuned"), ("after (aligned)", "series-aligned")];
            let drawn: Vec<ScoreRow> = rows
                .iter()
                .map(|row| ScoreRow { name: task_name(&row.task), scores: vec![Some(row.before), Some(row.after)] })
                .collect();
            let label = "Preference accuracy before and after alignment, with 95 % intervals";
            let picture = charts::scores(label, &series, &drawn, Some((0.5, "chance")));
            figure(columns, "panel", "Preference accuracy", "held-out pairs, with 95 % intervals", &picture);
            columns.element("div", &[("class", "panel")], |panel| {
                let heads = [
                    ("Pairs about", ""),
                    ("Pairs", "number"),
                    ("Before", "number"),
                    ("After", "number"),
                    ("Change", "number"),
                ];
                table(panel, "Preference accuracy in per cent", &heads, rows, |line, row: &PreferenceScores| {
                    line.leaf("th", &[("scope", "row")], &task_name(&row.task));
                    line.leaf("td", &[("class", "number")], &format::count(row.n));
                    line.element("td", &[("class", "number")], |cell| score_cell(cell, Some(row.before)));
                    line.element("td", &[("class", "number")], |cell| score_cell(cell, Some(row.after)));
                    let change = row.after.score - row.before.score;
                    let class = if change >= 0.0 { "number gain" } else { "number loss" };
                    line.leaf("td", &[("class", class)], &format::points(change));
                });
            });
        });
    });
}

/// Samples shown before the rest is folded away.
const SAMPLES_OPEN: usize = 6;

/// Questions with the answers of each generation.
pub fn samples(main: &mut Markup, data: &ReportData) {
    if data.samples.is_empty() {
        return;
    }
    let lead = "The same held-out question to each generation of the model, answered greedily.";
    section(main, "samples", "Before and after", lead, |part| {
        let (open, folded) = data.samples.split_at(data.samples.len().min(SAMPLES_OPEN));
        part.element("div", &[("class", "samples")], |list| open.iter().for_each(|sample| sample_card(list, sample)));
        if !folded.is_empty() {
            part.element("details", &[("class", "panel")], |details| {
                details.element("summary", &[], |summary| {
                    summary.text("More samples");
                    summary.leaf("small", &[], &folded.len().to_string());
                });
                details.element("div", &[("class", "samples")], |list| {
                    folded.iter().for_each(|sample| sample_card(list, sample));
                });
            });
        }
    });
}

fn sample_card(list: &mut Markup, sample: &Sample) {
    list.element("article", &[("class", "sample")], |card| {
        let language = language_attribute(&sample.language);
        card.element("div", &[("class", "question")], |question| {
            question.element("p", &[("class", "sample-task")], |task| {
                task.text(&format::words(&sample.task));
                if !sample.language.is_empty() {
                    task.leaf("span", &[], language_name(&sample.language));
                }
            });
            let mut attributes = vec![("class", "prompt")];
            attributes.extend(&language);
            question.leaf("p", &attributes, &sample.prompt);
            question.element("p", &[("class", "expected")], |expected| {
                expected.leaf("span", &[], "expected");
                expected.leaf("b", &language, &sample.expected);
            });
        });
        card.element("div", &[("class", "replies")], |replies| {
            for (name, answer) in [("base", &sample.base), ("tuned", &sample.tuned), ("aligned", &sample.aligned)] {
                if let Some(answer) = answer {
                    reply(replies, name, answer, &language);
                }
            }
        });
    });
}

fn reply(replies: &mut Markup, name: &str, answer: &Answer, language: &[(&str, &str)]) {
    let class = if answer.correct { "reply right" } else { "reply wrong" };
    replies.element("div", &[("class", class)], |reply| {
        reply.element("p", &[("class", "reply-name")], |head| {
            head.leaf("span", &[("class", &format!("key series-{name}"))], "");
            head.text(name);
            head.raw(mark(answer.correct));
        });
        let text = answer.text.trim();
        let mut attributes = vec![("class", if text.is_empty() { "reply-text nothing" } else { "reply-text" })];
        attributes.extend(language);
        reply.leaf("p", &attributes, if text.is_empty() { "(nothing)" } else { text });
    });
}

/// Text written without a task.
pub fn generations(main: &mut Markup, data: &ReportData) {
    if data.generations.is_empty() {
        return;
    }
    let lead = "What the model writes when it is left to itself; the words it was given are in bold.";
    section(main, "writing", "Free writing", lead, |part| {
        part.element("div", &[("class", "columns writing")], |columns| {
            for text in &data.generations {
                columns.element("article", &[("class", "panel free")], |card| {
                    card.element("p", &[("class", "prose")], |prose| {
                        prose.leaf("b", &[], &text.prompt);
                        prose.text(&text.text);
                    });
                    card.element("p", &[("class", "source")], |source| {
                        source.leaf("span", &[], &text.model);
                        source.text(&text.settings);
                    });
                });
            }
        });
    });
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
