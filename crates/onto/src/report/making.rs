//! How the model was made: lineage, cleaning, tokenizer, training.

use super::axis::{smoothed, thinned};
use super::charts::{self, LineChart, Series, Stroke};
use super::data::{Cleaning, CleaningExample, LossCurve, NoiseScore, ReportData, TokenizerFacts};
use super::graph::{self, Direction};
use super::markup::Markup;
use super::{fact_list, figure, format, mark, section, table};

/// Precision and recall from here on are called good; the bar of the cleaning.
const GOOD_DETECTION: f64 = 0.95;
/// Tokens shown of one sample text.
const TOKENS_SHOWN: usize = 120;

/// The stage graph and the stages with their hashes.
pub fn lineage(main: &mut Markup, data: &ReportData) {
    if data.stages.is_empty() {
        return;
    }
    let made = data.stages.iter().filter(|stage| !stage.skipped).count();
    let reused = data.stages.len() - made;
    let lead = match reused {
        0 => format!("{made} stages, each read only what the arrows bring and left one artifact, named by its hash."),
        _ => format!(
            "{made} of {} stages ran; the others were already there, made from the same inputs.",
            data.stages.len()
        ),
    };
    section(main, "lineage", "Lineage", &lead, |part| {
        part.element("figure", &[("class", "panel graph-panel")], |figure| {
            figure.raw(&graph::draw(&data.stages, Direction::Across));
            figure.raw(&graph::draw(&data.stages, Direction::Down));
            figure.element("ul", &[("class", "families")], |list| {
                for (name, class) in graph::FAMILIES {
                    list.element("li", &[], |item| {
                        item.leaf("span", &[("class", &format!("key {class}"))], "");
                        item.text(name);
                    });
                }
                list.leaf("li", &[], "Pale arrows: read as well, already part of an input.");
            });
        });
        part.element("details", &[("class", "panel")], |details| {
            details.leaf("summary", &[], "Stages, times and full hashes");
            let columns =
                [("Stage", ""), ("Artifact", ""), ("Time", "number"), ("Peak memory", "number"), ("SHA-256", "")];
            table(details, "Stages of the run", &columns, &data.stages, |row, stage| {
                row.element("th", &[("scope", "row")], |cell| {
                    cell.leaf("span", &[("class", &format!("key {}", graph::family(&stage.kind)))], "");
                    cell.text(&format::words(&stage.name));
                });
                row.element("td", &[], |cell| {
                    cell.leaf("code", &[], &stage.artifact);
                    cell.leaf("small", &[], &format::words(&stage.kind));
                });
                let time = if stage.skipped { "reused".into() } else { format::duration(stage.seconds) };
                row.leaf("td", &[("class", "number")], &time);
                let memory = match stage.peak_rss_bytes {
                    0 => "–".into(),
                    bytes => format::bytes(bytes as f64),
                };
                row.leaf("td", &[("class", "number")], &memory);
                row.element("td", &[], |cell| cell.leaf("code", &[("class", "hash")], &stage.sha256));
            });
        });
    });
}

/// Funnel, precision and recall, examples.
pub fn cleaning(main: &mut Markup, data: &ReportData) {
    let Some(cleaning) = &data.cleaning else { return };
    let all = cleaning.rules.first().map_or(cleaning.documents_kept, |rule| rule.documents_in);
    let lead = format!(
        "{} of {} documents ({}) were kept by rules that do not know how the noise was made.",
        format::count(cleaning.documents_kept),
        format::count(all),
        format::bytes(cleaning.bytes_kept as f64),
    );
    section(main, "cleaning", "Cleaning the corpus", &lead, |part| {
        let picture =
            charts::funnel("Documents kept and dropped by each rule", &cleaning.rules, cleaning.documents_kept);
        let note = "from top to bottom; red is what a rule dropped";
        part.element("div", &[("class", "columns uneven")], |columns| {
            figure(columns, "panel", "Documents through the rules", note, &picture);
            if !cleaning.noise.is_empty() {
                noise(columns, cleaning);
            }
        });
        examples(part, &cleaning.examples);
    });
}

fn noise(parent: &mut Markup, cleaning: &Cleaning) {
    parent.element("div", &[("class", "panel")], |panel| {
        let columns = [("Noise", ""), ("Planted", "number"), ("Precision", "number"), ("Recall", "number")];
        table(panel, "Planted noise that was found", &columns, &cleaning.noise, |row, noise: &NoiseScore| {
            row.leaf("th", &[("scope", "row")], &format::words(&noise.kind));
            row.leaf("td", &[("class", "number")], &format::count(noise.planted));
            for value in [noise.precision, noise.recall] {
                row.element("td", &[("class", "number meter-cell")], |cell| meter(cell, value));
            }
        });
    });
}

/// A share with a bar under it and a mark where it is under the bar of the cleaning.
fn meter(cell: &mut Markup, value: f64) {
    let good = value >= GOOD_DETECTION;
    if !good {
        cell.raw(mark(false));
    }
    cell.text(&format!("{value:.3}"));
    let width = format!("width:{:.1}%", value.clamp(0.0, 1.0) * 100.0);
    cell.element("span", &[("class", if good { "meter good" } else { "meter bad" })], |bar| {
        bar.leaf("i", &[("style", &width)], "");
    });
}

fn examples(part: &mut Markup, examples: &[CleaningExample]) {
    let mut rules: Vec<&str> = Vec::new();
    for example in examples {
        if !rules.contains(&example.rule.as_str()) {
            rules.push(&example.rule);
        }
    }
    for rule in rules {
        let of_rule: Vec<&CleaningExample> = examples.iter().filter(|example| example.rule == rule).collect();
        part.element("details", &[("class", "panel")], |details| {
            details.element("summary", &[], |summary| {
                summary.text(&format!("Examples: {}", format::words(rule)));
                summary.leaf("small", &[], &of_rule.len().to_string());
            });
            for example in of_rule {
                details.element("div", &[("class", "example")], |block| {
                    block.element("p", &[("class", "example-head")], |head| {
                        let class = format!("tag {}", if example.decision == "dropped" { "bad" } else { "good" });
                        head.leaf("span", &[("class", &class)], &example.decision);
                        head.text(&example.reason);
                    });
                    block.leaf("pre", &[], &example.text);
                });
            }
        });
    }
}

/// Vocabulary, compression and coloured samples.
pub fn tokenizer(main: &mut Markup, data: &ReportData) {
    let Some(tokenizer) = &data.tokenizer else { return };
    let lead = format!(
        "Byte-level byte-pair encoding with {} tokens, learned from the cleaned corpus; any bytes come back unchanged.",
        format::count(tokenizer.vocabulary_size)
    );
    section(main, "tokenizer", "Tokenizer", &lead, |part| {
        part.element("div", &[("class", "columns")], |columns| {
            if !tokenizer.bytes_per_token.is_empty() {
                let picture = charts::bars("Bytes per token", &tokenizer.bytes_per_token, "family-tokenizer", 0.0);
                figure(columns, "panel", "Bytes per token", "longer is better", &picture);
            }
            if !tokenizer.samples.is_empty() {
                columns.element("div", &[("class", "panel")], |panel| token_samples(panel, tokenizer));
            }
        });
    });
}

fn token_samples(panel: &mut Markup, tokenizer: &TokenizerFacts) {
    panel.leaf("p", &[("class", "panel-title")], "Text as tokens");
    for sample in &tokenizer.samples {
        panel.element("p", &[("class", "tokens")], |line| {
            for (index, token) in sample.iter().take(TOKENS_SHOWN).enumerate() {
                let class = format!("token token-{}", index % 5);
                let shown = token.replace('\n', "↵").replace(' ', "·");
                line.leaf("span", &[("class", &class)], &shown);
            }
            line.leaf("small", &[], &format!("{} tokens", sample.len()));
        });
    }
}

/// Model facts and loss curves.
pub fn training(main: &mut Markup, data: &ReportData) {
    let curves: Vec<&LossCurve> = data.curves.iter().filter(|curve| !curve.training.is_empty()).collect();
    if curves.is_empty() && data.model.is_empty() {
        return;
    }
    let lead = "Each stage starts from the weights of the one before; pale is every step, strong is its running mean.";
    section(main, "training", "Training", lead, |part| {
        if !data.model.is_empty() {
            part.element("div", &[("class", "panel")], |panel| fact_list(panel, &data.model));
        }
        // Three stages stand side by side, any other number two and two.
        let (class, width) = if curves.len() == 3 { ("columns three", 320.0) } else { ("columns", charts::WIDTH) };
        part.element("div", &[("class", class)], |columns| {
            for curve in &curves {
                figure(columns, "panel", &format::words(&curve.stage), &last_loss(curve), &loss_chart(curve, width));
            }
        });
    });
}

fn last_loss(curve: &LossCurve) -> String {
    let last = smoothed(&curve.training, smoothing_reach(curve.training.len())).last().copied();
    let steps = curve.training.last().map_or(0.0, |point| point.0);
    let held_out = curve.evaluation.last().map(|point| format!(", held-out {}", format::number(point.1)));
    last.map_or_else(String::new, |(_, loss)| {
        let rounded = (loss * 1000.0).round() / 1000.0;
        format!("{} steps, ends at {}{}", format::number(steps), format::number(rounded), held_out.unwrap_or_default())
    })
}

fn smoothing_reach(points: usize) -> usize {
    (points / 40).clamp(1, 8)
}

fn loss_chart(curve: &LossCurve, width: f64) -> String {
    let class = match curve.stage.as_str() {
        "tuned" | "tune" => "series-tuned",
        "aligned" | "align" => "series-aligned",
        _ => "series-base",
    };
    let raw = thinned(&curve.training, 320);
    let mean = smoothed(&raw, smoothing_reach(raw.len()));
    let mut series = vec![
        Series { name: String::new(), class, stroke: Stroke::Faint, points: raw },
        Series { name: "training".into(), class, stroke: Stroke::Line, points: mean },
    ];
    if !curve.evaluation.is_empty() {
        let points = curve.evaluation.clone();
        series.push(Series { name: "held-out".into(), class: "series-held-out", stroke: Stroke::Dots, points });
    }
    let y_label = if curve.measure.is_empty() { "loss" } else { &curve.measure };
    LineChart {
        label: format!("Loss of {} over its steps: {}", curve.stage, last_loss(curve)),
        x_label: "step".into(),
        y_label: y_label.into(),
        series,
        levels: Vec::new(),
        width,
    }
    .draw()
}
