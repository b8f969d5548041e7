//! `onto corpus dedup`: duplicates among documents, and repeated parts of them, in bounded memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use corpus::CorpusError;
use corpus::dedup::{
    Budget, Clusters, DocumentDedup, DocumentOptions, PRESETS, Representative, SPAN_PRESETS, SpanDedup, SpanKeys,
    SpanOptions, SpanRemovals, Summary, THRESHOLD, Verdicts,
};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::budget::{each_batch, memory, scratch};
use super::file_inputs;
use crate::cli::{DedupArguments, DedupLevel, Stays};
use crate::commands::Session;
use crate::run::source::DOCUMENTS;
use crate::run::stage::Stage;
use crate::terminal::{Usage, to_stdout};

/// A line for every member of every cluster, inside the artifact.
const CLUSTERS: &str = "clusters.jsonl";
/// A line for every part that was cut out, inside the artifact.
const REMOVED: &str = "removed.jsonl";
/// Bytes of JSON that go to stdout at once.
const AT_ONCE: usize = 1 << 16;

/// What was typed, resolved.
enum Plan {
    Documents(DocumentOptions),
    Parts(SpanOptions),
}

fn resolve(arguments: &DedupArguments) -> Result<Plan> {
    let level = arguments.level.map(DedupLevel::name);
    let name = arguments.preset.as_deref().or(level).unwrap_or("default");
    let documents = arguments.level.is_none_or(|level| level == DedupLevel::Document);
    if let Some(mut options) = DocumentOptions::preset(name).filter(|_| documents) {
        options.representative = match arguments.keep {
            Stays::First => Representative::First,
            Stays::Longest => Representative::Longest,
        };
        if let Some(threshold) = arguments.threshold {
            options.set_threshold(threshold);
        } else if arguments.verify
            && let Some(near) = options.near.as_mut().filter(|near| near.verify.is_none())
        {
            near.verify = Some(THRESHOLD);
        }
        return Ok(Plan::Documents(options));
    }
    let parts = arguments.level != Some(DedupLevel::Document);
    if let Some(mut options) = SpanOptions::preset(name).filter(|_| parts) {
        if let (Some(level), Some(of_level)) = (arguments.level, level.and_then(SpanOptions::preset))
            && of_level.unit != options.unit
        {
            let message = format!("preset {name} does not compare {}s", format!("{level:?}").to_lowercase());
            return Err(Usage(message).into());
        }
        options.span = arguments.span.unwrap_or(options.span);
        options.min_document_words = arguments.min_words.unwrap_or(options.min_document_words);
        return Ok(Plan::Parts(options));
    }
    let known = [PRESETS.as_slice(), SPAN_PRESETS.as_slice()].concat();
    let message = if known.contains(&name) {
        format!("preset {name} is not one of that level")
    } else {
        format!("no preset `{name}`; there are {}", known.join(", "))
    };
    Err(Usage(message).into())
}

pub fn dedup(session: &Session, arguments: &DedupArguments) -> Result<()> {
    let plan = resolve(arguments)?;
    let budget = Budget::of(memory(session))?;
    let Some(out) = session.global.out.clone() else {
        return match &plan {
            Plan::Documents(options) => {
                let verdicts = documents(session, arguments, options, &budget)?;
                report(session, verdicts.summary(), verdicts.into_clusters())
            }
            Plan::Parts(options) => {
                let mut removals = parts(session, arguments, options, &budget)?;
                cut(session, arguments, &mut removals, &budget, None)?;
                report_parts(session, &removals)
            }
        };
    };
    let inputs = file_inputs(&arguments.paths)?;
    let config = match &plan {
        Plan::Documents(options) => json!({"level": "document", "options": options}),
        Plan::Parts(options) => json!({"level": "part", "options": options}),
    };
    let stage = Stage { name: "dedup", kind: "corpus", path: &out, config, seed: 0, inputs };
    let context = session.context(&out);
    let (manifest, _) = context.stage(stage, |dir, _| match &plan {
        Plan::Documents(options) => {
            let mut verdicts = documents(session, arguments, options, &budget)?;
            write_kept(session, arguments, &mut verdicts, &budget, dir)?;
            let summary = verdicts.summary();
            // Listed in the artifact, and read back from there for stdout: it may be an old one that is reused.
            write_clusters(verdicts.into_clusters(), &dir.join(CLUSTERS))?;
            Ok(metrics(&json!(summary)))
        }
        Plan::Parts(options) => {
            let mut removals = parts(session, arguments, options, &budget)?;
            cut(session, arguments, &mut removals, &budget, Some(dir))?;
            Ok(metrics(&json!(removals.summary())))
        }
    })?;
    let number = |key: &str| manifest.metrics.get(key).and_then(Value::as_u64).unwrap_or_default();
    let (documents, dropped) = (number("documents"), number("dropped"));
    let mut head = json!({
        "documents": documents, "kept": documents - dropped, "dropped": dropped,
        "artifact": out.to_string_lossy(), "sha256": manifest.sha256,
    });
    if let Plan::Parts(_) = plan {
        for key in ["changed", "spans", "removed_bytes"] {
            head[key] = json!(number(key));
        }
    }
    print_with_clusters(session, head, |print| match &plan {
        Plan::Documents(_) => listed_clusters(&out.join(CLUSTERS), print),
        Plan::Parts(_) => Ok(()),
    })
}

fn metrics(summary: &Value) -> Map<String, Value> {
    // Temporary files are no matter of the result, and their sizes depend on the budget.
    let fields = summary.as_object().into_iter().flatten().filter(|(key, _)| *key != "scratch_bytes");
    fields.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// First reading: fingerprints of all documents, and the verdicts.
fn documents(
    session: &Session,
    arguments: &DedupArguments,
    options: &DocumentOptions,
    budget: &Budget,
) -> Result<Verdicts> {
    let place = scratch(session, arguments.scratch.as_deref());
    let mut dedup = DocumentDedup::new(options, budget.work, &place)?;
    let maker = dedup.fingerprinter();
    each_batch(session, "fingerprints", &arguments.paths, budget, true, |batch| {
        let prints: Vec<_> = batch.par_iter().map(|document| maker.fingerprint(&document.text)).collect();
        for (document, print) in batch.iter().zip(&prints) {
            dedup.add_fingerprint(&document.id, print)?;
        }
        Ok(())
    })?;
    session.terminal.say("  sorting, comparing and joining");
    Ok(dedup.finish()?)
}

/// Second reading: the documents that stay.
fn write_kept(
    session: &Session,
    arguments: &DedupArguments,
    verdicts: &mut Verdicts,
    budget: &Budget,
    dir: &Path,
) -> Result<()> {
    let path = dir.join(DOCUMENTS);
    let mut file = Lines::create(&path)?;
    let mut number = 0;
    each_batch(session, "writing", &arguments.paths, budget, false, |batch| {
        for document in &batch {
            if verdicts.of(number)?.is_none_or(|verdict| verdict.kept()) {
                file.put(document)?;
            }
            number += 1;
        }
        Ok(())
    })?;
    file.finish()
}

/// JSON lines, written as they come.
pub(super) struct Lines<'p> {
    path: &'p Path,
    file: BufWriter<File>,
}

impl<'p> Lines<'p> {
    pub(super) fn create(path: &'p Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Lines { path, file: BufWriter::with_capacity(1 << 18, file) })
    }

    pub(super) fn put(&mut self, value: &impl serde::Serialize) -> Result<(), CorpusError> {
        let written = serde_json::to_writer(&mut self.file, value).map_err(std::io::Error::from);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|source| CorpusError::Io { path: self.path.to_owned(), action: "write", source })
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.file.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn write_clusters(clusters: Clusters, path: &Path) -> Result<()> {
    let mut file = Lines::create(path)?;
    for member in clusters {
        let member = member?;
        let verdict = &member.verdict;
        file.put(&json!({
            "cluster": verdict.representative, "size": verdict.cluster_size, "document": verdict.document,
            "id": member.id, "kept": verdict.kept(), "reason": verdict.reason,
        }))?;
    }
    file.finish()
}

/// Clusters of the artifact, as lists of ids.
fn listed_clusters(path: &Path, print: &mut dyn FnMut(bool, &str) -> Result<()>) -> Result<()> {
    use std::io::BufRead as _;
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for line in std::io::BufReader::new(file).lines() {
        let line: Value = serde_json::from_str(&line.with_context(|| format!("cannot read {}", path.display()))?)?;
        print(line["kept"] == true, line["id"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn report(session: &Session, summary: Summary, clusters: Clusters) -> Result<()> {
    let head = json!({
        "documents": summary.documents, "kept": summary.kept, "dropped": summary.dropped,
        "dropped_same_text": summary.dropped_same_text, "largest_cluster": summary.largest_cluster,
    });
    print_with_clusters(session, head, |print| {
        for member in clusters {
            let member = member?;
            print(member.verdict.kept(), &member.id)?;
        }
        Ok(())
    })
}

/// Prints the object `head` with a key `clusters` more, whose lists never stand in memory as a whole. `each` calls its argument
/// for every member: does it begin a cluster, and its id.
fn print_with_clusters(
    session: &Session,
    head: Value,
    each: impl FnOnce(&mut dyn FnMut(bool, &str) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let (between, inside) = if session.global.json { ("", "") } else { ("\n  ", "\n    ") };
    let head = if session.global.json { head.to_string() } else { serde_json::to_string_pretty(&head)? };
    let mut text = head.trim_end_matches(['}', '\n']).to_owned();
    text.push_str(&format!(",{between}\"clusters\":["));
    let mut any = false;
    each(&mut |begins, id| {
        match (begins, any) {
            (true, true) => text.push_str(&format!("],{inside}[")),
            (true, false) => text.push_str(&format!("{inside}[")),
            (false, _) => text.push(','),
        }
        any = true;
        text.push_str(&serde_json::to_string(id)?);
        if text.len() > AT_ONCE {
            to_stdout(&text)?;
            text.clear();
        }
        Ok(())
    })?;
    let end = if session.global.json { "}" } else { "\n}" };
    text.push_str(if any { "]]" } else { "]" });
    to_stdout(&format!("{text}{end}\n"))
}

/// First reading for parts.
fn parts(
    session: &Session,
    arguments: &DedupArguments,
    options: &SpanOptions,
    budget: &Budget,
) -> Result<SpanRemovals> {
    let place = scratch(session, arguments.scratch.as_deref());
    let mut dedup = SpanDedup::new(options, budget.work, &place)?;
    each_batch(session, "parts", &arguments.paths, budget, true, |batch| {
        // A document at a time on each thread: keys are larger than the text they are made of.
        for some in batch.chunks(rayon::current_num_threads()) {
            let keys: Vec<SpanKeys> = some.par_iter().map(|document| SpanKeys::of(&document.text, options)).collect();
            for keys in &keys {
                dedup.add_keys(keys)?;
            }
        }
        Ok(())
    })?;
    session.terminal.say("  sorting");
    Ok(dedup.finish()?)
}

/// Second reading for parts: cuts, and writes when there is a place to.
fn cut(
    session: &Session,
    arguments: &DedupArguments,
    removals: &mut SpanRemovals,
    budget: &Budget,
    dir: Option<&Path>,
) -> Result<()> {
    let paths = dir.map(|dir| (dir.join(DOCUMENTS), dir.join(REMOVED)));
    let mut files = match &paths {
        Some((documents, removed)) => Some((Lines::create(documents)?, Lines::create(removed)?)),
        None => None,
    };
    each_batch(session, "cutting", &arguments.paths, budget, false, |batch| {
        for mut document in batch {
            let cut = removals.cut(&document.text)?;
            let Some((documents, removed)) = &mut files else { continue };
            for range in &cut.removed {
                let text = &document.text[range.clone()];
                let (start, end) = (range.start, range.end);
                removed.put(&json!({"id": document.id, "start": start, "end": end, "text": text}))?;
            }
            if !cut.dropped {
                document.text = cut.text;
                documents.put(&document)?;
            }
        }
        Ok(())
    })?;
    if let Some((documents, removed)) = files {
        documents.finish()?;
        removed.finish()?;
    }
    Ok(())
}

fn report_parts(session: &Session, removals: &SpanRemovals) -> Result<()> {
    let summary = removals.summary();
    let head = json!({
        "documents": summary.documents, "kept": summary.documents - summary.dropped, "dropped": summary.dropped,
        "changed": summary.changed, "spans": summary.spans, "removed_bytes": summary.removed_bytes,
    });
    print_with_clusters(session, head, |_| Ok(()))
}
