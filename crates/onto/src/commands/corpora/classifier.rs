//! `onto corpus classifier …`

use anyhow::Result;
use corpus::quality::{Classifier, Example, TrainConfig, area_under_curve};
use serde_json::{Map, Value, json};

use super::read_paths;
use crate::cli::{ClassifierCommand, ClassifierScoreArguments, ClassifierTrainArguments};
use crate::commands::{Session, finished};
use crate::run::stage::Stage;
use crate::terminal::line_to_stdout;

pub fn classifier(session: &Session, command: &ClassifierCommand) -> Result<()> {
    match command {
        ClassifierCommand::Train(arguments) => train(session, arguments),
        ClassifierCommand::Score(arguments) => score(session, arguments),
    }
}

fn train(session: &Session, arguments: &ClassifierTrainArguments) -> Result<()> {
    let out = session.out()?;
    let (good, mut inputs) = read_paths(session, &arguments.positive)?;
    let (bad, more) = read_paths(session, &arguments.negative)?;
    inputs.extend(more);
    let config = TrainConfig {
        epochs: usize::try_from(arguments.epochs)?,
        n: usize::try_from(arguments.words)?,
        buckets: 1 << arguments.bucket_bits,
        seed: session.seed(0),
        ..TrainConfig::default()
    };
    let context = session.context(&out);
    let stage = Stage {
        name: "classifier",
        kind: "classifier",
        path: &out,
        config: json!(config),
        seed: session.seed(0),
        inputs,
    };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let examples: Vec<Example<'_>> = good
            .iter()
            .map(|document| Example { text: &document.text, good: true })
            .chain(bad.iter().map(|document| Example { text: &document.text, good: false }))
            .collect();
        let classifier = Classifier::train(&examples, &config)?;
        classifier.save(dir)?;
        let scores: Vec<(f64, bool)> =
            examples.iter().map(|example| (classifier.score(example.text), example.good)).collect();
        let mut metrics = Map::new();
        metrics.insert("positive_documents".into(), json!(good.len()));
        metrics.insert("negative_documents".into(), json!(bad.len()));
        metrics.insert("training_auc".into(), json!(area_under_curve(&scores)));
        Ok(metrics)
    })?;
    finished(session, &out, &manifest, record.skipped)
}

fn score(session: &Session, arguments: &ClassifierScoreArguments) -> Result<()> {
    let classifier = Classifier::load(&arguments.classifier)?;
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let mut scores = Vec::new();
    for document in &documents {
        let score = classifier.score(&document.text);
        let label = arguments.label.as_ref().and_then(|field| document.meta.get(field)).and_then(truth);
        scores.extend(label.map(|label| (score, label)));
        line_to_stdout(&json!({"id": document.id, "score": (score * 1e6).round() / 1e6, "label": label}).to_string())?;
    }
    if arguments.label.is_some() {
        match area_under_curve(&scores) {
            Some(area) => {
                session.terminal.say(&format!("area under the ROC curve: {area:.4} over {} labels", scores.len()))
            }
            None => session.terminal.warn("the labels are all of one kind, or none was found"),
        }
    }
    Ok(())
}

/// A label as JSON writes it.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(label) => Some(*label),
        Value::Number(number) => number.as_f64().map(|number| number > 0.5),
        Value::String(text) => match text.as_str() {
            "1" | "true" | "good" => Some(true),
            "0" | "false" | "bad" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
