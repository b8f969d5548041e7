//! `onto corpus inspect`

use anyhow::Result;
use corpus::policy::Policy;
use corpus::signals::{Signals, Tagger};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::decide::policy;
use super::{clean_config, read_paths, stream_paths, tag};
use crate::cli::InspectArguments;
use crate::commands::Session;
use crate::run::text::clean_documents;
use crate::terminal::line_to_stdout;

/// Prints signals and decision, a line a document.
pub fn inspect(session: &Session, arguments: &InspectArguments) -> Result<()> {
    let policy = arguments.policy.as_deref().map(policy).transpose()?;
    let tagger = Tagger::new(tag::options(&arguments.signals)?);
    if let Some(policy) = policy {
        return stream_paths(session, &arguments.paths, &mut |documents| {
            let tagged: Vec<Signals> = documents.par_iter().map(|document| tagger.tag(document)).collect();
            tagged.iter().try_for_each(|signals| verdict_of(&policy, signals))
        });
    }
    // The cleaning of a recipe looks at all documents together.
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let config = clean_config(session)?;
    let described: Vec<Value> = documents
        .iter()
        .map(|document| {
            let mut line = describe(&tagger.tag(document));
            line["signals"]["noise"] = json!(corpus::clean::statistics::noise(&document.text, &config.statistics));
            line
        })
        .collect();
    let context = session.context(std::path::Path::new("."));
    let cleaned = clean_documents(&context, documents, &[], &config)?;
    for (decision, mut line) in cleaned.decisions.iter().zip(described) {
        let kept = decision.rule.is_none();
        line["decision"] = json!(if kept { "keep" } else { "drop" });
        line["reasons"] = json!(if kept { Vec::new() } else { vec![decision.reason.clone()] });
        line["removed_lines"] = json!(decision.removed_lines);
        line["duplicate_of"] = json!(decision.duplicate_of);
        line_to_stdout(&line.to_string())?;
    }
    Ok(())
}

/// A line with what the policy says.
fn verdict_of(policy: &Policy, signals: &Signals) -> Result<()> {
    let verdict = policy.decide(signals);
    let cut: Vec<Value> =
        verdict.cut.iter().map(|(line, rule)| json!({"line": line, "rule": policy.rules[*rule].name})).collect();
    let mut line = describe(signals);
    line["decision"] = json!(if verdict.keep { "keep" } else { "drop" });
    line["reasons"] = json!(verdict.reasons);
    line["cut_lines"] = json!(cut);
    line["undefined"] = json!(verdict.undefined);
    line_to_stdout(&line.to_string())
}

/// Id, language and signals of a document.
fn describe(signals: &Signals) -> Value {
    json!({
        "id": signals.id,
        "lang": signals.text("lang").filter(|lang| *lang != "und"),
        "lang_confidence": (signals.number("lang_confidence").unwrap_or(0.0) * 1e4).round() / 1e4,
        "signals": signals.flat(),
    })
}
