//! What a finished build tells: written as `build-report.json` beside the corpus, and what its data card is drawn from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::account::Account;
use crate::policy::{Policy, unasked as of_policy};

/// One step of a build, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepName {
    /// Name, as decisions say it.
    pub name: String,
    /// What it does, in one line.
    pub about: String,
}

/// The duplicates that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clusters {
    /// Clusters of at least two documents.
    pub clusters: u64,
    /// Documents dropped for a representative.
    pub dropped: u64,
    /// How many clusters there are of each size; sizes from 1024 on are rounded down to powers of two.
    pub sizes: BTreeMap<u64, u64>,
    /// The largest clusters.
    pub largest: Vec<Cluster>,
}

/// One cluster of duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The document that stays.
    pub representative: String,
    /// Documents in it, the representative included.
    pub size: u64,
    /// The first of the others.
    pub members: Vec<String>,
}

/// All of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildReport {
    /// The steps, in order; aligned with the account's.
    pub steps: Vec<StepName>,
    /// Numbers and examples.
    pub account: Account,
    /// Duplicates.
    pub clusters: Clusters,
    /// The first problems of reading, each with file and place.
    pub problems: Vec<String>,
    /// All problems of reading.
    pub n_problems: u64,
    /// Remarks of the steps.
    pub notes: Vec<String>,
    /// Rules of policies that could not be asked of some or all documents, each in a sentence with what would help.
    #[serde(default)]
    pub unasked: Vec<String>,
    /// The settings.
    pub config: serde_json::Value,
}

/// What the policies could not ask; `command` is what their flags would be given to.
pub(super) fn unasked(names: &[StepName], account: &Account, policies: &[Policy], command: &str) -> Vec<String> {
    let steps = names.iter().zip(&account.steps);
    steps
        .filter_map(|(name, step)| Some((policies.iter().find(|policy| policy.name == name.name)?, step)))
        .flat_map(|(policy, step)| of_policy(policy, &step.undefined, step.before.documents, command))
        .collect()
}
