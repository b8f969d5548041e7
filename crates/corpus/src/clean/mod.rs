//! Cleaning: one rule a file, one [registry](RULES), one recorded decision a document.
//!
//! The order is part of the design. Boilerplate lines go first, because a menu above a German page or above two copies
//! of a story would hide what the later rules look for. Language comes before statistics, whose letter-pair test is
//! English and would call other languages noise. Noise goes before duplicates, so that no noise represents a cluster;
//! exact duplicates go before near ones because they are cheap. Decontamination comes after deduplication, so that its
//! rarity weights count each text once. Personal data is masked last, on what stays, so that placeholders make no two
//! texts alike.

pub mod boilerplate;
mod config;
pub mod decontamination;
mod exact;
pub mod language;
mod letter_pairs;
pub mod near;
pub mod personal;
mod repeated;
mod report;
mod stage;
pub mod statistics;

use lang::document::Document;
use lang::instance::EvalItem;
use lang::truth::DocumentKind;
use serde::{Deserialize, Serialize};

use crate::error::CorpusError;
use crate::read::Progress;

pub use config::{
    BoilerplateConfig, CleanConfig, DecontaminationConfig, LanguageConfig, NearDuplicatesConfig, PersonalDataConfig,
    StatisticsConfig, Switch,
};
pub use report::{CleanReport, Example, RuleReport};
use stage::Stage;

/// Name of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    /// Page furniture, by lines.
    Boilerplate,
    /// Languages the corpus does not want.
    Language,
    /// Noise, by statistics.
    Statistics,
    /// The same text again.
    ExactDuplicates,
    /// Nearly the same text again.
    NearDuplicates,
    /// Evaluation items.
    Decontamination,
    /// Personal data.
    PersonalData,
}

/// One rule of the registry.
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// What it does, in one line.
    pub about: &'static str,
    /// The kind of document it drops; `None` for rules that edit inside documents.
    pub drops: Option<DocumentKind>,
    /// Whether the settings switch it on.
    pub enabled: fn(&CleanConfig) -> bool,
    apply: fn(&mut Stage<'_>),
}

/// Every rule, in the order in which they run.
pub static RULES: &[Rule] = &[
    Rule {
        name: RuleName::Boilerplate,
        about: "removes lines that are page furniture: menus, consent notices, share buttons, copyright lines",
        drops: None,
        enabled: |config| config.boilerplate.enabled,
        apply: boilerplate::apply,
    },
    Rule {
        name: RuleName::Language,
        about: "drops documents in other languages than the allowed ones",
        drops: Some(DocumentKind::WrongLanguage),
        enabled: |config| config.language.enabled,
        apply: language::apply,
    },
    Rule {
        name: RuleName::Statistics,
        about: "drops noise: random letters, symbols, endless repetition",
        drops: Some(DocumentKind::Gibberish),
        enabled: |config| config.statistics.enabled,
        apply: statistics::apply,
    },
    Rule {
        name: RuleName::ExactDuplicates,
        about: "drops later copies of a text, case and white space apart",
        drops: Some(DocumentKind::ExactDuplicate),
        enabled: |config| config.exact_duplicates.enabled,
        apply: exact::apply,
    },
    Rule {
        name: RuleName::NearDuplicates,
        about: "drops later texts that are nearly equal to an earlier one (MinHash, verified)",
        drops: Some(DocumentKind::NearDuplicate),
        enabled: |config| config.near_duplicates.enabled,
        apply: near::apply,
    },
    Rule {
        name: RuleName::Decontamination,
        about: "drops documents that contain an evaluation item",
        drops: Some(DocumentKind::TestLeak),
        enabled: |config| config.decontamination.enabled,
        apply: decontamination::apply,
    },
    Rule {
        name: RuleName::PersonalData,
        about: "masks personal data: e-mail and IP addresses, telephone, card, account and identity numbers",
        drops: None,
        enabled: |config| config.personal_data.enabled,
        apply: personal::apply,
    },
];

/// What happened to one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The document's id.
    pub id: String,
    /// The rule that dropped it; `None`: it was kept.
    pub rule: Option<RuleName>,
    /// Why it was dropped: a short name of the test, a colon, what was measured; empty when kept.
    pub reason: String,
    /// Lines that were removed, as they stood in the text.
    pub removed_lines: Vec<String>,
    /// Personal data that was masked.
    pub masked: Vec<Masked>,
    /// For duplicates: the id of the document that stays for them.
    pub duplicate_of: Option<String>,
}

/// One piece of personal data that was replaced by a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masked {
    /// Which kind, one of [`personal::KINDS`].
    pub kind: String,
    /// The text that stood there.
    pub text: String,
    /// Byte offset in the text before masking (after the removal of lines).
    pub start: usize,
    /// End of the piece, exclusive.
    pub end: usize,
}

/// A cleaned corpus.
#[derive(Clone, Debug)]
pub struct Cleaned {
    /// The kept documents, in their old order; `lang` is filled in where it was missing and could be told.
    pub documents: Vec<Document>,
    /// One decision a document that came in, in order.
    pub decisions: Vec<Decision>,
    /// Counts and examples by rule.
    pub report: CleanReport,
}

/// Applies every rule that `config` switches on, in the order of [`RULES`]. Documents that contain items of `held_out`
/// are dropped. The result depends on the arguments alone, not on the number of threads.
///
/// `progress` is called with a rule's name, documents done and documents there are.
///
/// # Errors
/// [`CorpusError::Config`] when a setting is out of range.
pub fn clean(
    documents: Vec<Document>,
    held_out: &[EvalItem],
    config: &CleanConfig,
    progress: Progress<'_>,
) -> Result<Cleaned, CorpusError> {
    config.validate()?;
    let mut stage = Stage::new(documents, held_out, config, progress);
    let mut report = CleanReport::starting(&stage);
    for rule in RULES {
        if (rule.enabled)(config) {
            let before = stage.snapshot();
            stage.start(rule.name);
            (rule.apply)(&mut stage);
            report.add(rule, &stage, before);
            report.add_notes(std::mem::take(&mut stage.notes));
        }
    }
    report.finish(&stage);
    let (documents, decisions) = stage.finish();
    Ok(Cleaned { documents, decisions, report })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_names_every_rule_once_and_can_be_switched_off() {
        let mut names: Vec<RuleName> = RULES.iter().map(|rule| rule.name).collect();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
        let mut config = CleanConfig::default();
        assert!(RULES.iter().all(|rule| (rule.enabled)(&config) && !rule.about.is_empty()));
        config.boilerplate.enabled = false;
        config.language.enabled = false;
        config.statistics.enabled = false;
        config.exact_duplicates.enabled = false;
        config.near_duplicates.enabled = false;
        config.decontamination.enabled = false;
        config.personal_data.enabled = false;
        assert!(RULES.iter().all(|rule| !(rule.enabled)(&config)));
        let document = Document { id: "a".into(), text: "zzxq kkkk a@b.com".into(), ..Document::default() };
        let cleaned = clean(vec![document.clone(), document], &[], &config, &|_, _, _| {}).unwrap();
        assert_eq!(cleaned.documents.len(), 2);
        assert!(cleaned.decisions.iter().all(|d| d.rule.is_none()));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let mut config = CleanConfig::default();
        config.near_duplicates.threshold = 1.5;
        let error = clean(Vec::new(), &[], &config, &|_, _, _| {}).unwrap_err().to_string();
        assert!(error.contains("clean.near_duplicates.threshold is 1.5"), "{error}");
        assert!(serde_json::from_str::<CleanConfig>(r#"{"language": {"allowd": []}}"#).is_err());
    }
}
