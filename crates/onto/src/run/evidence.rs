//! The report of a life: everything its artifacts and logs have to say, gathered into `report.json` and `report.html`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use corpus::clean::CleanReport;
use lang::artifact;
use lang::document::Document;
use lang::tokenizer::Tokenizer;
use serde_json::{Map, Value, json};

use super::evaluation::{MEASURED, Measured};
use super::lines::{read_json, read_lines};
use super::place;
use super::source::HELD_OUT;
use super::stage::Context;
use super::text::{CLEAN_REPORT, read_scores};
use crate::recipe::Recipe;
use crate::report::{
    self, Answer, Cleaning, CleaningExample, Fact, FreeText, Goal, LossCurve, Measure, NoiseScore, PreferenceScores,
    ReportData, RuleCount, Sample, Score, Stage, TaskScores, TokenizerFacts, Unit,
};
use crate::terminal::grouped;

/// Most samples shown a task, language and verdict.
const SAMPLES: usize = 2;

/// Writes `report.json` and `report.html` at the top of the run's folder.
pub fn write_report(recipe: &Recipe, context: &Context, stages: &[Stage], seconds: f64) -> Result<()> {
    let data = gather(recipe, context, stages, seconds)?;
    let html = report::render(&data);
    let mut json = serde_json::to_value(&data)?;
    json["recipe_resolved"] = json!(recipe);
    let mut text = serde_json::to_string_pretty(&json)?;
    text.push('\n');
    artifact::write_atomic(&context.root.join("report.json"), text.as_bytes())?;
    artifact::write_atomic(&context.root.join("report.html"), html.as_bytes())?;
    Ok(())
}

fn gather(recipe: &Recipe, context: &Context, stages: &[Stage], seconds: f64) -> Result<ReportData> {
    let at = |stage: &str| place(&context.root, stage);
    let measured: Measured = read_json(&at("evaluation").join(MEASURED))?;
    let manifests: BTreeMap<&str, Map<String, Value>> =
        super::STAGES.iter().map(|&stage| Ok((stage, artifact::read(&at(stage))?.metrics))).collect::<Result<_>>()?;
    let mut metrics = BTreeMap::new();
    for (stage, values) in &manifests {
        for (name, value) in values {
            let Some(number) = value.as_f64() else { continue };
            // Names of the contract carry their stage already; the others get it here.
            let key = if name.starts_with("clean.") || *stage == "evaluation" {
                name.clone()
            } else {
                format!("{stage}.{name}")
            };
            metrics.insert(key, number);
        }
    }
    let curves = ["base", "tuned", "aligned"].iter().map(|stage| curve(&context.root, stage)).collect::<Vec<_>>();
    let bits_per_byte_curve = bits_curve(&context.root);
    Ok(ReportData {
        title: if recipe.title.is_empty() { recipe.name.clone() } else { recipe.title.clone() },
        summary: summary(recipe, &metrics),
        recipe: recipe.name.clone(),
        recipe_text: recipe.resolved()?,
        machine: machine(),
        total_seconds: stages.iter().map(|stage| stage.seconds).sum::<f64>().max(seconds),
        goals: goals(recipe, &metrics),
        stages: stages.to_vec(),
        curves: curves.into_iter().flatten().collect(),
        cleaning: Some(cleaning(&at("clean"))?),
        tokenizer: Some(tokenizer_facts(&at("tokenizer"), &at("clean"), &manifests["tokenizer"])?),
        model: model_facts(&manifests["base"]),
        bits_per_byte: bits_per_byte(&measured, recipe),
        bits_per_byte_curve,
        exact_match: exact_match(&measured),
        preferences: preferences(&measured),
        samples: samples(&measured),
        generations: measured
            .generations
            .iter()
            .map(|text| FreeText {
                model: text.model.clone(),
                prompt: text.prompt.clone(),
                text: text.text.clone(),
                settings: text.settings.clone(),
            })
            .collect(),
        metrics,
    })
}

fn summary(recipe: &Recipe, metrics: &BTreeMap<String, f64>) -> String {
    let source = if recipe.corpus.path.is_empty() {
        "the embedded Microworld".to_owned()
    } else {
        // The name alone: where it lies on one machine says nothing to the reader of the report.
        let path = Path::new(&recipe.corpus.path);
        path.file_name().map_or_else(|| recipe.corpus.path.clone(), |name| name.to_string_lossy().into_owned())
    };
    let number = |name: &str| metrics.get(name).copied().unwrap_or(0.0);
    format!(
        "A model of {} parameters, grown from {} documents of {source}: cleaned, cut into tokens, pre-trained, tuned on \
         instructions, aligned on preferences and measured on what it has never seen.",
        grouped(number("base.parameters")),
        grouped(number("source.documents")),
    )
}

fn machine() -> Vec<Fact> {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    vec![
        Fact::new("processor", processor),
        Fact::new("threads", tensor::threads().to_string()),
        Fact::new("instruction set", tensor::isa().name().to_owned()),
        Fact::new("program", format!("onto {}", env!("CARGO_PKG_VERSION"))),
    ]
}

fn goals(recipe: &Recipe, metrics: &BTreeMap<String, f64>) -> Vec<Goal> {
    let bars = &recipe.goals;
    let number = |name: &str| metrics.get(name).copied().unwrap_or(f64::NAN);
    let mut goals = vec![Goal::at_most(
        "bits per byte of the base model, against the n-gram baseline",
        number("base.bits_per_byte"),
        number("ngram.bits_per_byte"),
        Unit::Number,
    )];
    if bars.tuned_exact_match > 0.0 {
        let value = number("tuned.exact_match");
        goals.push(Goal::at_least("exact match of the tuned model", value, bars.tuned_exact_match, Unit::Share));
    }
    if bars.base_exact_match_below > 0.0 {
        let value = number("base.exact_match");
        goals.push(Goal::at_most("exact match of the base model", value, bars.base_exact_match_below, Unit::Share));
    }
    if bars.preference_gain > 0.0 {
        let gain = number("aligned.preference_accuracy") - number("tuned.preference_accuracy");
        goals.push(Goal::at_least("preference accuracy gained by alignment", gain, bars.preference_gain, Unit::Points));
    }
    if bars.exact_match_loss > 0.0 {
        let loss = number("tuned.exact_match") - number("aligned.exact_match");
        goals.push(Goal::at_most("exact match lost by alignment", loss, bars.exact_match_loss, Unit::Points));
    }
    if bars.cleaning > 0.0 {
        let worst = metrics
            .iter()
            .filter(|(name, _)| name.starts_with("clean.") && (name.ends_with("precision") || name.ends_with("recall")))
            .map(|(_, &value)| value)
            .fold(f64::NAN, f64::min);
        if worst.is_finite() {
            let name = "lowest precision or recall of the cleaning";
            goals.push(Goal::at_least(name, worst, bars.cleaning, Unit::Share));
        }
    }
    goals
}

/// The lines of a stage's training log, where there is one.
fn log(root: &Path, stage: &str) -> Vec<Map<String, Value>> {
    let path = root.join("logs").join(stage).join(train::METRICS_FILE);
    // Logs are no artifact: a run whose logs were removed still has its report, without curves.
    train::read_metrics(&path).unwrap_or_default()
}

fn points(lines: &[Map<String, Value>], name: &str) -> Vec<(f64, f64)> {
    lines.iter().filter_map(|line| Some((line.get("step")?.as_f64()?, line.get(name)?.as_f64()?))).collect()
}

fn curve(root: &Path, stage: &str) -> Option<LossCurve> {
    let lines = log(root, stage);
    let training = points(&lines, "loss");
    let evaluation = points(&lines, "eval_loss");
    let measure = if stage == "aligned" { "preference loss (nats a pair)" } else { "loss (nats a token)" };
    (!training.is_empty()).then(|| LossCurve {
        stage: stage.to_owned(),
        measure: measure.to_owned(),
        training,
        evaluation,
    })
}

fn bits_curve(root: &Path) -> Vec<(f64, f64)> {
    points(&log(root, "base"), "eval_bits_per_byte")
}

fn cleaning(clean: &Path) -> Result<Cleaning> {
    let report: CleanReport = read_json(&clean.join(CLEAN_REPORT))?;
    let mut examples = Vec::new();
    let mut rules = Vec::new();
    for rule in &report.rules {
        let name = serde_json::to_value(rule.rule)?.as_str().unwrap_or_default().replace('_', " ");
        let edits = rule.documents_edited > 0;
        for (list, decision) in
            [(&rule.dropped_examples, if edits { "changed" } else { "dropped" }), (&rule.kept_examples, "kept")]
        {
            for example in list.iter().take(3) {
                examples.push(CleaningExample {
                    rule: name.clone(),
                    decision: decision.to_owned(),
                    reason: example.reason.clone(),
                    text: example.text.clone(),
                });
            }
        }
        rules.push(RuleCount {
            rule: name,
            documents_in: rule.documents_before as u64,
            documents_dropped: (rule.documents_before - rule.documents_after) as u64,
            documents_changed: rule.documents_edited as u64,
            bytes_removed: rule.bytes_before.saturating_sub(rule.bytes_after),
        });
    }
    let noise = read_scores(clean)?
        .into_iter()
        .map(|(kind, score)| NoiseScore {
            kind: kind.replace('_', " "),
            planted: score.planted as u64,
            precision: score.precision,
            recall: score.recall,
        })
        .collect();
    Ok(Cleaning {
        rules,
        documents_kept: report.documents_after as u64,
        bytes_kept: report.bytes_after,
        noise,
        examples,
    })
}

fn tokenizer_facts(folder: &Path, clean: &Path, metrics: &Map<String, Value>) -> Result<TokenizerFacts> {
    let tokenizer = Tokenizer::load(folder)?;
    let held_out: Vec<Document> = read_lines(&clean.join(HELD_OUT))?;
    let bytes_per_token = metrics
        .iter()
        .filter_map(|(name, value)| {
            let language = name.strip_prefix("bytes_per_token.")?;
            Some(Measure { name: language.to_owned(), value: value.as_f64()?, highlight: false })
        })
        .collect();
    let mut samples = Vec::new();
    for language in ["en", "zh", ""] {
        let text = held_out.iter().find(|document| language.is_empty() || document.lang.as_deref() == Some(language));
        let Some(text) = text else { continue };
        let text: String = text.text.chars().take(if language == "zh" { 70 } else { 180 }).collect();
        let mut pieces: Vec<String> = Vec::new();
        let mut start = 0;
        for (_, range) in tokenizer.encode_with_offsets(&text) {
            // A character may be cut into several tokens, all of which stand for it; it is shown once, with the first.
            if start < range.end
                && let Some(piece) = text.get(start..range.end)
            {
                pieces.push(piece.to_owned());
                start = range.end;
            }
        }
        if !samples.contains(&pieces) && samples.len() < 2 {
            samples.push(pieces);
        }
    }
    Ok(TokenizerFacts { vocabulary_size: tokenizer.vocabulary_size() as u64, bytes_per_token, samples })
}

fn model_facts(metrics: &Map<String, Value>) -> Vec<Fact> {
    let number = |name: &str| metrics.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    vec![
        Fact::new("parameters", grouped(number("parameters"))),
        Fact::new("pre-training steps", grouped(number("steps"))),
        Fact::new("pre-training tokens", grouped(number("tokens"))),
        Fact::new("tokens a second", grouped(number("tokens_per_second"))),
    ]
}

fn bits_per_byte(measured: &Measured, recipe: &Recipe) -> Vec<Measure> {
    let ngram = format!("{}-gram (Kneser–Ney)", recipe.ngram.order);
    [("base", "base model"), ("ngram", ngram.as_str()), ("unigram", "unigram")]
        .iter()
        .filter_map(|(key, name)| {
            let value = measured.held_out.get(*key)?.total.bits_per_byte;
            Some(Measure { name: (*name).to_owned(), value, highlight: *key == "base" })
        })
        .collect()
}

fn interval(score: &eval::Score) -> Score {
    Score { score: score.score, low: score.low, high: score.high }
}

fn exact_match(measured: &Measured) -> Vec<TaskScores> {
    let Some(first) = measured.exact_match.values().next() else { return Vec::new() };
    let wanted = std::iter::once(&first.total).chain(&first.tasks).chain(&first.languages);
    wanted
        .map(|row| {
            let find = |model: &str| {
                let result = measured.exact_match.get(model)?;
                let mut scores = std::iter::once(&result.total).chain(&result.tasks).chain(&result.languages);
                scores.find(|score| score.task == row.task && score.language == row.language).map(interval)
            };
            TaskScores {
                task: if row.task.is_empty() { "all tasks".to_owned() } else { row.task.clone() },
                language: row.language.clone(),
                n: row.n as u64,
                base: find("base"),
                tuned: find("tuned"),
                aligned: find("aligned"),
            }
        })
        .collect()
}

fn preferences(measured: &Measured) -> Vec<PreferenceScores> {
    let (Some(before), Some(after)) = (measured.preferences.get("tuned"), measured.preferences.get("aligned")) else {
        return Vec::new();
    };
    let rows = std::iter::once(&before.total).chain(&before.tasks);
    rows.filter_map(|row| {
        let other =
            std::iter::once(&after.total).chain(&after.tasks).find(|other| other.score.task == row.score.task)?;
        Some(PreferenceScores {
            task: row.score.task.clone(),
            n: row.score.n as u64,
            before: interval(&row.score),
            after: interval(&other.score),
        })
    })
    .collect()
}

/// A few answers a task and language, right and wrong alike, side by side.
fn samples(measured: &Measured) -> Vec<Sample> {
    let Some(tuned) = measured.exact_match.get("tuned") else { return Vec::new() };
    let mut taken: BTreeMap<(String, String, bool), usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for (index, sample) in tuned.samples.iter().enumerate() {
        let count = taken.entry((sample.task.clone(), sample.language.clone(), sample.correct)).or_default();
        *count += 1;
        if *count > SAMPLES {
            continue;
        }
        let answer = |model: &str| {
            let sample = measured.exact_match.get(model)?.samples.get(index)?;
            Some(Answer { text: sample.answer.clone(), correct: sample.correct })
        };
        shown.push(Sample {
            task: sample.task.clone(),
            language: sample.language.clone(),
            prompt: sample.prompt.clone(),
            expected: sample.expected.clone(),
            base: answer("base"),
            tuned: answer("tuned"),
            aligned: answer("aligned"),
        });
    }
    shown.sort_by(|left, right| (&left.task, &left.language).cmp(&(&right.task, &right.language)));
    shown
}
