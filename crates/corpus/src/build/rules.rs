//! The steps that look at one document at a time: this program's own rules (those of [`crate::clean`]) and policies over
//! signals.

use lang::document::Document;

use super::sketch::Sketch;
use crate::clean::boilerplate::repeats::{furniture_lines, least};
pub(super) use crate::clean::statistics::unknown_words;
use crate::clean::statistics::{self, FEWEST_UNITS, KNOWN_FROM};
use crate::clean::{CleanConfig, boilerplate, language};
use crate::policy::Policy;
use crate::signals::Signals;

/// 2^24 counters: 64 MiB for the words of a corpus. In a corpus with many more different words the counters fill up,
/// all words come to be known, and the rule that needs them drops less.
const WORD_COUNTERS: u32 = 24;
/// 2^20 counters: 4 MiB for lines that look like page furniture.
const LINE_COUNTERS: u32 = 20;

/// What stands in how many documents.
pub(super) struct Counts {
    words: Sketch,
    lines: Sketch,
}

impl Counts {
    /// Nothing counted yet; hardly any memory where nothing will be.
    pub(super) fn new(needed: bool) -> Self {
        let bits = |bits| if needed { bits } else { 1 };
        Counts { words: Sketch::new(bits(WORD_COUNTERS)), lines: Sketch::new(bits(LINE_COUNTERS)) }
    }

    /// Counts one document.
    pub(super) fn add(&self, text: &str, config: &CleanConfig) {
        if config.boilerplate.enabled {
            furniture_lines(text).into_iter().for_each(|line| self.lines.add(line));
        }
        if config.statistics.enabled {
            statistics::units(text).into_iter().for_each(|unit| self.words.add(unit));
        }
    }

    /// Share of the text's different words (pairs of Han characters) that stand in other documents too; `None`: too few
    /// to tell.
    pub(super) fn known(&self, text: &str) -> Option<f64> {
        let units = statistics::units(text);
        let known = units.iter().filter(|unit| self.words.count(**unit) >= KNOWN_FROM).count();
        (units.len() >= FEWEST_UNITS).then(|| known as f64 / units.len() as f64)
    }
}

/// What a step says of a document.
pub(super) enum Fate {
    Keep,
    /// It stays with another text.
    Edit(String),
    Drop(String),
}

/// What the look at a document found out beside its fate.
#[derive(Default)]
pub(super) struct Found {
    pub(super) removed_lines: Vec<String>,
    pub(super) lang: Option<String>,
    /// Rules that could not be asked.
    pub(super) undefined: Vec<String>,
}

/// This program's own steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Boilerplate,
    Language,
    Statistics,
}

/// What a step sees.
pub(super) struct Sight<'s> {
    pub(super) config: &'s CleanConfig,
    pub(super) counts: &'s Counts,
    /// Documents of the corpus.
    pub(super) documents: u64,
}

impl Own {
    /// What the step says of a document's text as it stands now.
    pub(super) fn judge(self, document: &Document, sight: &Sight<'_>, found: &mut Found) -> Fate {
        let Sight { config, counts, documents } = sight;
        match self {
            Own::Boilerplate => {
                let least = least(&config.boilerplate, usize::try_from(*documents).unwrap_or(usize::MAX));
                let is_repeated = |line| counts.lines.count(line) as usize >= least;
                match boilerplate::edit(&document.text, &config.boilerplate, Some(&is_repeated)) {
                    None => Fate::Keep,
                    Some(edited) => {
                        found.removed_lines.extend(edited.removed);
                        if edited.text.is_empty() {
                            Fate::Drop(boilerplate::NOTHING_LEFT.to_owned())
                        } else {
                            Fate::Edit(edited.text)
                        }
                    }
                }
            }
            Own::Language => {
                let guess = language::judge(&document.text, config);
                let Some(lang) = guess.lang else { return Fate::Keep };
                found.lang = Some(lang.to_owned());
                if config.language.allowed.iter().any(|allowed| allowed == lang) {
                    Fate::Keep
                } else {
                    Fate::Drop(format!("{lang}: {}", guess.evidence))
                }
            }
            Own::Statistics => statistics::noise(&document.text, &config.statistics).map_or(Fate::Keep, Fate::Drop),
        }
    }
}

/// What a policy says of a document whose signals these are.
pub(super) fn by_policy(policy: &Policy, document: &Document, signals: &Signals, found: &mut Found) -> Fate {
    let verdict = policy.decide(signals);
    if !verdict.cut.is_empty() {
        let lines = policy.lines_of(&document.text);
        let cut = verdict.cut.iter().filter_map(|(number, _)| lines.get(*number));
        found.removed_lines.extend(cut.map(ToString::to_string));
    }
    found.undefined.extend(verdict.undefined.iter().cloned());
    if found.lang.is_none() {
        found.lang = signals.text("lang").map(str::to_owned);
    }
    if let Some(name) = verdict.reasons.first() {
        let when = policy.rules.iter().find(|rule| rule.name == *name).map_or("", |rule| &rule.when);
        return Fate::Drop(format!("{name}: {when}"));
    }
    let text = policy.apply(&document.text, &verdict);
    if text.is_empty() {
        Fate::Drop("nothing_left: every line was cut".to_owned())
    } else if text == document.text {
        Fate::Keep
    } else {
        Fate::Edit(text)
    }
}
