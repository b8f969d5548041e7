//! `onto info` and `onto doctor`: what a thing is, and what this machine offers.

use anyhow::{Result, bail};
use lang::artifact;
use lang::tokenizer::Tokenizer;
use nn::Model;
use serde_json::json;

use super::Session;
use crate::cli::InfoArguments;
use crate::run::stage::peak_memory;
use crate::terminal::{grouped, line_to_stdout};

pub fn info(session: &Session, arguments: &InfoArguments) -> Result<()> {
    let path = &arguments.path;
    if !path.exists() {
        bail!("there is nothing at {}", path.display());
    }
    let mut facts = serde_json::Map::new();
    if path.join(artifact::MANIFEST).exists() {
        let manifest = artifact::verify(path)?;
        facts.insert("artifact".into(), json!(manifest));
        facts.insert("verified".into(), json!(true));
    }
    if path.join("config.json").exists() {
        let (model, _) = Model::load(path)?;
        let network = model.network();
        facts.insert("parameters".into(), json!(network.n_parameters()));
        facts.insert("parameters_non_embedding".into(), json!(network.n_parameters_non_embedding()));
        facts.insert("config".into(), network.describe());
    }
    if path.join("tokenizer.json").exists() {
        let tokenizer = Tokenizer::load_any(path)?;
        facts.insert("vocabulary_size".into(), json!(tokenizer.vocabulary_size()));
    }
    if facts.is_empty() {
        bail!("{} is no artifact, model or tokenizer this program knows", path.display());
    }
    if session.global.json {
        return line_to_stdout(&json!(facts).to_string());
    }
    if let Some(manifest) = facts.get("artifact") {
        for key in ["kind", "sha256", "program_version", "started", "ended"] {
            line_to_stdout(&format!("{key:<16} {}", manifest[key].as_str().unwrap_or_default()))?;
        }
        for input in manifest["inputs"].as_array().into_iter().flatten() {
            line_to_stdout(&format!(
                "made from        {} {} {}",
                input["relation"].as_str().unwrap_or_default(),
                &input["sha256"].as_str().unwrap_or_default().chars().take(12).collect::<String>(),
                input["path"].as_str().unwrap_or_default()
            ))?;
        }
        line_to_stdout("every file matches its hash")?;
    }
    for key in ["parameters", "parameters_non_embedding", "vocabulary_size"] {
        if let Some(number) = facts.get(key).and_then(serde_json::Value::as_f64) {
            line_to_stdout(&format!("{key:<16} {}", grouped(number)))?;
        }
    }
    Ok(())
}

pub fn doctor(session: &Session) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .unwrap_or(0)
        * 1024;
    // The same seed must give the same text here as anywhere: the generator's own pinned test runs in the suite; here
    // a small sample shows that the machine computes at all.
    let sample = microworld::evaluation(1, 2, 0.5);
    let facts = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "cores": cores,
        "threads": tensor::threads(),
        "isa": tensor::isa().name(),
        "isas": tensor::available_isas().into_iter().map(tensor::Isa::name).collect::<Vec<_>>(),
        "isa_refused": tensor::refused_isa().map(|refusal| refusal.to_string()),
        "memory_bytes": total,
        "peak_rss_bytes": peak_memory(),
        "microworld_items": sample.len(),
    });
    if session.global.json {
        return line_to_stdout(&facts.to_string());
    }
    for (key, value) in facts.as_object().into_iter().flatten() {
        line_to_stdout(&format!("{key:<18} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))?;
    }
    Ok(())
}
