//! `onto bench corpus build`: a whole build, from files to a corpus: bytes of text a second.

use anyhow::Result;
use corpus::build::{Build, BuildConfig};
use corpus::policy::Policy;
use corpus::signals::TagOptions;
use serde_json::json;

use super::{Scratch, best};
use crate::cli::BenchBuildArguments;
use crate::commands::Session;
use crate::commands::corpora::budget::memory;
use crate::terminal::line_to_stdout;

pub fn build(session: &Session, arguments: &BenchBuildArguments) -> Result<()> {
    let mut config = BuildConfig {
        policies: vec![arguments.policy.clone()],
        duplicates: Some(arguments.duplicates.clone()),
        ..BuildConfig::default()
    };
    // What is measured is what the peer does too: reading, the rules, duplicates, writing.
    config.clean.personal_data.enabled = arguments.personal_data;
    let policies = [Policy::preset(&arguments.policy)?];
    let scratch = Scratch::new()?;
    let (work, out) = (scratch.0.join("work"), scratch.0.join("out"));
    let mut amounts = None;
    let seconds = best(arguments.seconds, &mut || {
        for folder in [&work, &out] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
        }
        std::fs::create_dir_all(&out)?;
        let report = corpus::build::build(&Build {
            inputs: &arguments.paths,
            config: &config,
            policies: &policies,
            signals: &TagOptions::default(),
            held_out: &[],
            work: &work,
            out: &out,
            memory: memory(session),
            watch: &|_, _, _| {},
            interrupted: &|| false,
        })?;
        amounts = Some(report.account.all);
        Ok(())
    })?;
    let all = amounts.unwrap_or_default();
    let rate = all.before.bytes as f64 / seconds;
    let threads = rayon::current_num_threads();
    let report = json!({
        "policy": arguments.policy, "duplicates": arguments.duplicates, "threads": threads, "documents": all.before.documents,
        "kept": all.after.documents, "text_bytes": all.before.bytes, "seconds": seconds, "bytes_per_second": rate,
    });
    if session.global.json {
        return line_to_stdout(&report.to_string());
    }
    line_to_stdout(&format!(
        "{} documents, {:.1} MB of text, {} stay, policy {}, duplicates {}, {threads} threads\na whole build {:>8.1} MB/s",
        all.before.documents,
        all.before.bytes as f64 / 1e6,
        all.after.documents,
        arguments.policy,
        arguments.duplicates,
        rate / 1e6,
    ))
}
