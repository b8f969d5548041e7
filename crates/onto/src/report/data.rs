//! What a report shows, as plain data: the run fills it in, [`render`](super::render) draws it, and the same tree
//! written as JSON is `report.json`.
//!
//! Every part may be empty; a section without data is left out of the page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything one life of a model has to tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportData {
    /// Heading of the page.
    pub title: String,
    /// One sentence under the heading.
    pub summary: String,
    /// Name of the recipe.
    pub recipe: String,
    /// The resolved recipe as TOML.
    pub recipe_text: String,
    /// The machine and the program: (`processor`, `2 × …`), (`program`, `onto 0.1.0`), …
    pub machine: Vec<Fact>,
    /// Wall-clock seconds of the whole run.
    pub total_seconds: f64,
    /// Measures with a bar to clear, most important first.
    pub goals: Vec<Goal>,
    /// The stages in the order they ran.
    pub stages: Vec<Stage>,
    /// Every number, by `<stage>.<measure>`.
    pub metrics: BTreeMap<String, f64>,
    /// One per neural stage.
    pub curves: Vec<LossCurve>,
    /// What the cleaning did.
    pub cleaning: Option<Cleaning>,
    /// What the tokenizer learned.
    pub tokenizer: Option<TokenizerFacts>,
    /// What the model is: (`parameters`, `1.3 M`), …
    pub model: Vec<Fact>,
    /// Bits per byte of held-out text, one per model; lower is better.
    pub bits_per_byte: Vec<Measure>,
    /// Held-out bits per byte over the training steps of the base model: (step, bits per byte).
    pub bits_per_byte_curve: Vec<(f64, f64)>,
    /// Exact match by task and language for each generation of the model.
    pub exact_match: Vec<TaskScores>,
    /// Held-out preference accuracy before and after alignment.
    pub preferences: Vec<PreferenceScores>,
    /// Questions with the answer of each generation.
    pub samples: Vec<Sample>,
    /// Text written without a task.
    pub generations: Vec<FreeText>,
}

/// One labelled fact, already in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The fact.
    pub value: String,
}

impl Fact {
    /// A labelled fact.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Fact { name: name.into(), value: value.into() }
    }
}

/// How a number is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain number.
    #[default]
    Number,
    /// A share of one, written in per cent.
    Share,
    /// A difference of two shares, written in percentage points with its sign.
    Points,
    /// Seconds, written as a duration.
    Seconds,
    /// Bytes, written in binary multiples.
    Bytes,
}

/// A measure with a bar to clear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// What is measured.
    pub name: String,
    /// The measured value.
    pub value: f64,
    /// The bar.
    pub bound: f64,
    /// Whether the value must stay at or under the bar instead of reaching it.
    #[serde(default)]
    pub at_most: bool,
    /// How value and bar are written.
    #[serde(default)]
    pub unit: Unit,
    /// The verdict.
    pub met: bool,
}

impl Goal {
    /// `value` must reach `bound`.
    pub fn at_least(name: impl Into<String>, value: f64, bound: f64, unit: Unit) -> Self {
        Goal { name: name.into(), value, bound, at_most: false, unit, met: value >= bound }
    }

    /// `value` must not exceed `bound`.
    pub fn at_most(name: impl Into<String>, value: f64, bound: f64, unit: Unit) -> Self {
        Goal { name: name.into(), value, bound, at_most: true, unit, met: value <= bound }
    }
}

/// One stage and the artifact it left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stage {
    /// Unique name: `corpus`, `base`, …
    pub name: String,
    /// Kind of the artifact: `corpus`, `tokenizer`, `shards`, `model`, `evaluation`, `report`, …
    pub kind: String,
    /// Path of the artifact.
    pub artifact: String,
    /// Content hash of the artifact in hexadecimal.
    pub sha256: String,
    /// Names of the stages whose artifacts were read.
    pub inputs: Vec<String>,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Peak resident memory while the stage ran.
    pub peak_rss_bytes: u64,
    /// Whether an artifact made from the same inputs already stood there.
    pub skipped: bool,
}

/// The loss of one neural stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossCurve {
    /// Name of the stage.
    pub stage: String,
    /// What is drawn: `loss (nats per token)`.
    pub measure: String,
    /// (step, loss) of the training batches.
    pub training: Vec<(f64, f64)>,
    /// (step, loss) on held-out data.
    pub evaluation: Vec<(f64, f64)>,
}

/// What the cleaning did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cleaning {
    /// The rules in the order they were applied.
    pub rules: Vec<RuleCount>,
    /// Documents left at the end.
    pub documents_kept: u64,
    /// Bytes left at the end.
    pub bytes_kept: u64,
    /// How well each kind of planted noise was found.
    pub noise: Vec<NoiseScore>,
    /// Documents a rule dropped, changed or looked at and kept.
    pub examples: Vec<CleaningExample>,
}

/// One rule of the cleaning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleCount {
    /// Name of the rule.
    pub rule: String,
    /// Documents that reached it.
    pub documents_in: u64,
    /// Documents it dropped.
    pub documents_dropped: u64,
    /// Documents it changed and let through.
    pub documents_changed: u64,
    /// Bytes it removed, by dropping or changing.
    pub bytes_removed: u64,
}

/// How well one kind of planted noise was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoiseScore {
    /// Kind of noise.
    pub kind: String,
    /// How many were planted.
    pub planted: u64,
    /// Right removals over all removals, 0 to 1.
    pub precision: f64,
    /// Right removals over all that were planted, 0 to 1.
    pub recall: f64,
}

/// One document as a rule saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CleaningExample {
    /// Name of the rule.
    pub rule: String,
    /// `dropped`, `changed` or `kept`.
    pub decision: String,
    /// Why, in a few words.
    pub reason: String,
    /// The text or its beginning.
    pub text: String,
}

/// What the tokenizer learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenizerFacts {
    /// Number of token ids.
    pub vocabulary_size: u64,
    /// Mean bytes of text per token, by language or source; higher is better.
    pub bytes_per_token: Vec<Measure>,
    /// Short texts cut into their tokens.
    pub samples: Vec<Vec<String>>,
}

/// One named number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Whether this is the one the page is about (drawn in full colour).
    #[serde(default)]
    pub highlight: bool,
}

/// The score of one generation of the model, with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of items, 0 to 1.
    pub score: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Exact match on one task in one language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskScores {
    /// Name of the task.
    pub task: String,
    /// ISO 639-1 code; empty for all languages together.
    pub language: String,
    /// Number of items.
    pub n: u64,
    /// After pre-training.
    pub base: Option<Score>,
    /// After instruction tuning.
    pub tuned: Option<Score>,
    /// After alignment.
    pub aligned: Option<Score>,
}

/// Preference accuracy on one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreferenceScores {
    /// What the pairs are about; empty for all together.
    pub task: String,
    /// Number of pairs.
    pub n: u64,
    /// Before alignment.
    pub before: Score,
    /// After alignment.
    pub after: Score,
}

/// One answer of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer as generated.
    pub text: String,
    /// Whether it is right.
    pub correct: bool,
}

/// A question with the answer of each generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// Name of the task.
    pub task: String,
    /// ISO 639-1 code, where known.
    pub language: String,
    /// What was asked.
    pub prompt: String,
    /// The right answer.
    pub expected: String,
    /// After pre-training.
    pub base: Option<Answer>,
    /// After instruction tuning.
    pub tuned: Option<Answer>,
    /// After alignment.
    pub aligned: Option<Answer>,
}

/// Text written without a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FreeText {
    /// Which model wrote it.
    pub model: String,
    /// What it was given.
    pub prompt: String,
    /// What it wrote after that.
    pub text: String,
    /// Sampling settings in a few words.
    pub settings: String,
}
