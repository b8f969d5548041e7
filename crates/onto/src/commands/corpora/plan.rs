//! `onto corpus plan`

use anyhow::Result;
use corpus::dedup::{DocumentOptions, PRESETS};
use serde_json::json;

use super::budget::memory;
use crate::cli::PlanArguments;
use crate::commands::Session;
use crate::terminal::{Usage, line_to_stdout};

pub fn plan(session: &Session, arguments: &PlanArguments) -> Result<()> {
    let name = &arguments.preset;
    let options = DocumentOptions::preset(name)
        .ok_or_else(|| Usage(format!("no preset `{name}`; there are {}", PRESETS.join(", "))))?;
    let memory = memory(session);
    let threads = rayon::current_num_threads();
    let plan = corpus::dedup::plan(&arguments.paths, &options, memory, threads)?;
    if session.global.json {
        let mut object = json!(plan);
        object["preset"] = json!(name);
        object["threads"] = json!(threads);
        return line_to_stdout(&object.to_string());
    }
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let mut text = format!(
        "{} documents, {} of text in {} of files\n\
         temporary files   {}\n\
         result at most    {}\n\
         memory            {} (the least that would do: {})\n\
         time              {:.0} s on {threads} threads\n",
        plan.documents,
        mib(plan.text_bytes),
        mib(plan.stored_bytes),
        mib(plan.scratch_bytes),
        mib(plan.output_bytes),
        mib(plan.memory_bytes),
        mib(plan.least_memory_bytes),
        plan.seconds,
    );
    for assumption in &plan.assumptions {
        text.push_str(&format!("assumed: {assumption}\n"));
    }
    line_to_stdout(text.trim_end())
}
