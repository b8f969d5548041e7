//! Measuring a life on what it has never seen: text, questions, preferences.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Result;
use eval::{ExactMatch, HarnessResults, HeldOut, PreferenceAccuracy, bits_per_byte, exact_match, preference_accuracy};
use lang::chat::ChatTemplate;
use lang::document::Document;
use lang::instance::{EvalItem, Message, Preference};
use lang::model::LanguageModel;
use lang::sampling::SamplingConfig;
use lang::text::generate;
use lang::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use slm::{NGram, Unigram};

use super::lines::{read_lines, write_json};
use super::place;
use super::source::{EVALUATION, HELD_OUT, HELD_OUT_PREFERENCES};
use super::stage::Context;
use crate::recipe::Recipe;
use crate::terminal::Progress;

/// Everything measured, in one file inside the evaluation artifact.
pub const MEASURED: &str = "measured.json";

/// What was measured, by model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Held-out text: `base`, `unigram`, `ngram`.
    pub held_out: BTreeMap<String, HeldOut>,
    /// Held-out questions: `base`, `tuned`, `aligned`.
    pub exact_match: BTreeMap<String, ExactMatch>,
    /// Held-out preferences: `tuned`, `aligned`.
    pub preferences: BTreeMap<String, PreferenceAccuracy>,
    /// Free text.
    pub generations: Vec<Generation>,
}

/// A piece of text a model wrote without a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Generation {
    /// Which model.
    pub model: String,
    /// What it was given.
    pub prompt: String,
    /// What it wrote.
    pub text: String,
    /// How it was sampled.
    pub settings: String,
}

/// A progress bar that several threads may move.
struct Shared(Mutex<Progress>);

impl Shared {
    fn new(context: &Context, label: &str) -> Shared {
        Shared(Mutex::new(Progress::new(&context.terminal, label, 0)))
    }

    fn set(&self, done: usize, total: usize) {
        if let Ok(mut progress) = self.0.lock() {
            progress.set("", done, total);
        }
    }
}

/// Measures the base, tuned and aligned model of a run beside the counting baselines.
pub fn evaluate_life(recipe: &Recipe, context: &Context, dir: &Path) -> Result<Map<String, Value>> {
    let at = |stage: &str| place(&context.root, stage);
    let tokenizer = Tokenizer::load(&at("tokenizer"))?;
    let template = ChatTemplate::load(&at("tokenizer"))?;
    let mut held_out: Vec<Document> = read_lines(&at("clean").join(HELD_OUT))?;
    held_out.truncate(recipe.evaluate.documents);
    let texts: Vec<String> = held_out.iter().map(|document| document.text.clone()).collect();
    let items: Vec<EvalItem> = read_lines(&at("instances").join(EVALUATION))?;
    let pairs: Vec<Preference> = read_lines(&at("instances").join(HELD_OUT_PREFERENCES))?;

    let mut measured = Measured::default();
    let mut metrics = Map::new();
    let baselines = at("baselines");
    let unigram = Unigram::load(&baselines.join("unigram.arpa"))?;
    let ngram = NGram::load(&baselines.join("ngram.arpa"))?;
    let base = infer::open(&at("base"), &tokenizer)?;
    let by_counting_and_base: [(&str, &dyn LanguageModel); 3] =
        [("unigram", &unigram), ("ngram", &ngram), ("base", &*base)];
    for (name, model) in by_counting_and_base {
        context.check_interrupt("during evaluation")?;
        let bar = Shared::new(context, &format!("{name} bits/byte"));
        let score = bits_per_byte(model, &tokenizer, &texts, &|done, total| bar.set(done, total))?;
        metrics.insert(format!("{name}.bits_per_byte"), json!(score.total.bits_per_byte));
        metrics.insert(format!("{name}.token_perplexity"), json!(score.total.perplexity));
        measured.held_out.insert(name.to_owned(), score);
    }
    drop(base);

    for name in ["base", "tuned", "aligned"] {
        context.check_interrupt("during evaluation")?;
        let model = infer::open(&at(name), &tokenizer)?;
        let model = &*model;
        let mut harness = HarnessResults::new(name, &format!("models/{name}"));
        let bar = Shared::new(context, &format!("{name} questions"));
        let longest = Some(recipe.evaluate.max_tokens);
        let answers = exact_match(model, &tokenizer, &template, &items, longest, &|done, total| bar.set(done, total))?;
        metrics.insert(format!("{name}.exact_match"), json!(answers.total.score));
        for task in &answers.tasks {
            metrics.insert(format!("{name}.exact_match.{}", task.task), json!(task.score));
        }
        harness.add_exact_match(&answers);
        measured.exact_match.insert(name.to_owned(), answers);
        if name != "base" {
            let bar = Shared::new(context, &format!("{name} preferences"));
            let preferences =
                preference_accuracy(model, &tokenizer, &template, &pairs, &|done, total| bar.set(done, total))?;
            metrics.insert(format!("{name}.preference_accuracy"), json!(preferences.total.score.score));
            for task in &preferences.tasks {
                let key = format!("{name}.preference_accuracy.{}", task.score.task);
                metrics.insert(key, json!(task.score.score));
            }
            harness.add_preferences(&preferences);
            measured.preferences.insert(name.to_owned(), preferences);
        }
        if let Some(score) = measured.held_out.get(name) {
            harness.add_held_out("held_out", score);
        }
        let folder = dir.join(name);
        std::fs::create_dir_all(&folder)?;
        harness.write(&folder)?;
        measured.generations.extend(free_text(recipe, name, model, &tokenizer, &template, &texts)?);
    }
    write_json(&dir.join(MEASURED), &measured)?;
    Ok(metrics)
}

/// Free samples: the base model continues beginnings of held-out documents, the aligned one answers the recipe's
/// prompts.
fn free_text(
    recipe: &Recipe,
    name: &str,
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    held_out: &[String],
) -> Result<Vec<Generation>> {
    let config = SamplingConfig { temperature: 0.8, top_p: 0.95, seed: recipe.seed, ..SamplingConfig::greedy() };
    let mut stop = vec![tokenizer.end_of_text()];
    stop.extend(tokenizer.end_of_turn());
    let mut samples = Vec::new();
    let mut add = |prompt: String, ids: &[u32]| -> Result<()> {
        let room = model.context_length().unwrap_or(512).saturating_sub(ids.len() + 1).min(240);
        let generation = generate(model, tokenizer, ids, room, &stop, &config, &mut |_| true)?;
        samples.push(Generation {
            model: name.to_owned(),
            prompt,
            text: tokenizer.decode(&generation.ids, true),
            settings: format!("temperature {} · top-p {} · seed {}", config.temperature, config.top_p, config.seed),
        });
        Ok(())
    };
    match name {
        "base" => {
            for text in held_out.iter().take(recipe.evaluate.samples) {
                let prompt = beginning(text);
                let mut ids = vec![tokenizer.beginning_of_text()];
                ids.extend(tokenizer.encode(&prompt));
                add(prompt, &ids)?;
            }
        }
        "aligned" => {
            for prompt in recipe.evaluate.prompts.iter().take(recipe.evaluate.samples) {
                let ids = template.encode_prompt(tokenizer, &[Message::user(prompt.clone())])?;
                add(prompt.clone(), &ids)?;
            }
        }
        _ => {}
    }
    Ok(samples)
}

/// The first few words of a text (characters, where words are not spaced).
fn beginning(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let spaced = line.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
    spaced.chars().take(48).collect()
}
