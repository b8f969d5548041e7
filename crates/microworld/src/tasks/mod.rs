//! What a tuned model is asked: one file a task, and the registry with the share of each in tuning data.

mod arithmetic;
mod dialogue;
mod facts;
mod format;
mod pairs;
mod plan;
mod series;
mod translate;

pub(crate) use pairs::{PAIRS, PairKind};

use crate::world::{Language, World};
use lang::instance::{Extract, Message};
use lang::rng::Rng;

/// A prompt with its one right answer and a wrong one.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) prompt: Vec<Message>,
    pub(crate) answer: String,
    /// A wrong value or a wrong form.
    pub(crate) wrong: String,
    pub(crate) extract: Extract,
}

impl Exchange {
    /// A single question of the person.
    pub(crate) fn new(prompt: String, answer: String, wrong: String) -> Self {
        Exchange { prompt: vec![Message::user(prompt)], answer, wrong, extract: Extract::Whole }
    }

    /// The prompt's last turn.
    pub(crate) fn question(&self) -> &str {
        self.prompt.last().map(|m| m.content.as_str()).unwrap_or_default()
    }
}

/// A kind of exchange.
pub(crate) struct Task {
    /// Name in conversations and evaluation items.
    pub(crate) name: &'static str,
    /// Parts in a hundred of the tuning data; the rest goes to the two-sided [`PAIRS`].
    pub(crate) weight: u64,
    /// Whether held-out items of it are measured by exact match.
    pub(crate) evaluated: bool,
    /// Whether its exchanges also make preference pairs (right against wrong).
    pub(crate) paired: bool,
    /// Makes one exchange in a world of the language.
    pub(crate) generate: fn(&mut Rng, &World, Language) -> Exchange,
}

/// The registry of tasks.
pub(crate) const TASKS: &[Task] = &[
    Task { name: "facts", weight: 9, evaluated: true, paired: true, generate: facts::generate },
    Task { name: "arithmetic", weight: 20, evaluated: true, paired: true, generate: arithmetic::generate },
    Task { name: "format", weight: 24, evaluated: true, paired: true, generate: format::generate },
    Task { name: "series", weight: 29, evaluated: false, paired: false, generate: series::generate },
    Task { name: "dialogue", weight: 2, evaluated: false, paired: false, generate: dialogue::generate },
    Task { name: "translate", weight: 2, evaluated: false, paired: false, generate: translate::generate },
    Task { name: "plan", weight: 2, evaluated: false, paired: false, generate: plan::generate },
];

/// `(english, chinese)` by language.
pub(crate) fn by<T>(language: Language, english: T, chinese: T) -> T {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}
