//! Building a corpus of any size: read, decide, deduplicate, decontaminate, mask, write. Every step reads and writes files
//! of batches (see `work`), so that memory does not grow with the input and a build that was killed goes on where
//! it was; batches are cut by shape and put together in order, so the bytes written do not depend on the workers.

pub mod account;
mod config;
mod decision;
mod duplicates;
mod finish;
mod ids;
mod look;
mod parts;
mod passed;
pub mod report;
mod rules;
mod sketch;
mod work;

use std::path::{Path, PathBuf};

use lang::instance::EvalItem;

pub use config::{BuildConfig, OutputFormat};
pub use decision::Decision;
pub use work::Watch;

use self::account::Account;
use self::report::{BuildReport, StepName};
use crate::error::CorpusError;
use crate::policy::Policy;
use crate::read::{ReadReport, units};
use crate::signals::TagOptions;

/// The least memory a build can be done in.
pub const LEAST_MEMORY: u64 = 192 << 20;
/// What the program itself and the counters of words take.
const FIXED_MEMORY: u64 = 96 << 20;

/// One build.
pub struct Build<'b> {
    /// Files and folders.
    pub inputs: &'b [PathBuf],
    /// What is done.
    pub config: &'b BuildConfig,
    /// The policies that `config` names, resolved.
    pub policies: &'b [Policy],
    /// Lists and models that some rules of the policies ask.
    pub signals: &'b TagOptions,
    /// Evaluation items that must not be in the corpus.
    pub held_out: &'b [EvalItem],
    /// Folder of unfinished work; what is done there is not done again.
    pub work: &'b Path,
    /// Folder the corpus is written to.
    pub out: &'b Path,
    /// About the bytes of memory to be used, at least [`LEAST_MEMORY`].
    pub memory: u64,
    /// Progress.
    pub watch: Watch<'b>,
    /// Asked between batches; `true` ends the build with [`CorpusError::Stopped`].
    pub interrupted: &'b (dyn Fn() -> bool + Sync),
}

/// Builds the corpus: `documents.*`, `decisions.jsonl`, `clusters.jsonl` and `build-report.json` in `out`.
///
/// # Errors
/// Settings out of range, inputs that are not there or hold no document, too little memory, a full disk,
/// [`CorpusError::Stopped`]. The work folder stays, and the same call goes on from it.
pub fn build(build: &Build<'_>) -> Result<BuildReport, CorpusError> {
    let config = build.config;
    config.clean.validate()?;
    if build.memory < LEAST_MEMORY {
        return Err(CorpusError::memory("a build", LEAST_MEMORY, build.memory));
    }
    std::fs::create_dir_all(build.work).map_err(|error| CorpusError::io(build.work, "create", error))?;
    let (units, listing) = units(build.inputs, &config.read)?;
    let batches = work::batches(&units);
    let work = work::Work { folder: build.work, watch: build.watch, interrupted: build.interrupted };
    let plan = Steps::new(config, build.policies, build.held_out)?;

    let read = look::read(&work, &batches, config)?;
    let reading = gather(&read, listing, config);
    reading.require_documents(build.inputs)?;
    let counted: Vec<u64> = read.iter().map(|batch| batch.documents).collect();
    let renamings = ids::find(&work, &counted, (build.memory - FIXED_MEMORY) / 4)?;
    let decided = look::decide(&work, &plan, build, &counted, &renamings)?;
    let passed = passed::Passed { work: &work, steps: &plan, known: look::KnownWords::gather(&decided) };
    let clusters = duplicates::find(passed, counted.len(), build)?;
    parts::find(passed, counted.len(), build)?;
    let (finished, remarks) = finish::finish(passed, counted.len(), build)?;

    let mut account = Account::new(plan.names.len(), config.limits());
    decided.into_iter().for_each(|batch| account.merge(batch.account));
    finished.into_iter().for_each(|batch| account.merge(batch));
    let mut notes = plan.notes.clone();
    notes.extend(reading.counts.iter().map(|(event, count)| format!("{event}: {count}")));
    notes.extend(remarks);
    if renamings.count() > 0 {
        notes.push(format!("duplicate ids renamed: {}", renamings.count()));
    }
    let unasked = report::unasked(&plan.names, &account, build.policies, "onto corpus build");
    finish::gather_files(&work, build, counted.len())?;
    let report = BuildReport {
        steps: plan.names,
        account,
        clusters,
        problems: reading.problems.iter().take(100).map(ToString::to_string).collect(),
        n_problems: reading.n_problems as u64,
        notes,
        unasked,
        config: serde_json::to_value(config).unwrap_or_default(),
    };
    finish::write_report(build.out, &report)?;
    Ok(report)
}

/// The steps of a build, in order.
struct Steps {
    names: Vec<StepName>,
    /// Looks at single documents, with its place in `names`.
    own: Vec<rules::Own>,
    /// Places of the later steps.
    unknown_words: Option<usize>,
    duplicates: Option<usize>,
    parts: Vec<usize>,
    decontamination: Option<usize>,
    personal: Option<usize>,
    notes: Vec<String>,
}

impl Steps {
    fn new(config: &BuildConfig, policies: &[Policy], held_out: &[EvalItem]) -> Result<Steps, CorpusError> {
        let mut names: Vec<StepName> = Vec::new();
        let mut name = |name: &str, about: &str| {
            names.push(StepName { name: name.to_owned(), about: about.to_owned() });
            names.len() - 1
        };
        let clean = &config.clean;
        let own_rules = [
            (
                rules::Own::Boilerplate,
                clean.boilerplate.enabled,
                "boilerplate",
                "removes lines that are page furniture: menus, consent notices, share buttons",
            ),
            (
                rules::Own::Language,
                clean.language.enabled,
                "language",
                "drops documents in other languages than the allowed ones",
            ),
            (
                rules::Own::Statistics,
                clean.statistics.enabled,
                "statistics",
                "drops noise: random letters, symbols, endless repetition",
            ),
        ];
        let mut own = Vec::new();
        for (rule, enabled, title, about) in own_rules {
            if config.own_rules() && enabled {
                own.push(rule);
                name(title, about);
            }
        }
        for policy in policies {
            name(&policy.name, &policy.about);
        }
        let unknown_words = (config.own_rules() && clean.statistics.enabled)
            .then(|| name("unknown_words", "drops noise of words that no other document knows"));
        let duplicates = config
            .duplicates()?
            .map(|_| name("duplicates", "drops texts that are equal or nearly equal to one that stays"));
        let mut parts = Vec::new();
        for level in config.repeats()? {
            let about = format!(
                "cuts {} out that stand elsewhere in the corpus too (dedup preset {})",
                level.described(),
                level.preset
            );
            parts.push(name(&format!("repeated_{}", level.preset), &about));
        }
        let decontamination = (clean.decontamination.enabled && !held_out.is_empty())
            .then(|| name("decontamination", "drops documents that contain an evaluation item"));
        let personal = clean.personal_data.enabled.then(|| {
            name(
                "personal_data",
                "masks personal data: e-mail and IP addresses, telephone, card, account and identity numbers",
            )
        });
        let mut notes = Vec::new();
        if clean.decontamination.enabled && held_out.is_empty() {
            notes.push("no evaluation items were given, so none were looked for".to_owned());
        }
        Ok(Steps { names, own, unknown_words, duplicates, parts, decontamination, personal, notes })
    }
}

/// The reports of all units, as if one reader had read them.
fn gather(read: &[look::ReadBatch], mut report: ReadReport, config: &BuildConfig) -> ReadReport {
    for batch in read {
        for unit in &batch.units {
            report.absorb(unit.clone(), config.read.max_problems);
        }
    }
    report
}
