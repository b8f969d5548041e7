//! `onto corpus tag`

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use corpus::quality::{BadWords, Classifier, Perplexity, UrlLists};
use corpus::read::{ReadOptions, UniqueIds, read_unit, units};
use corpus::signals::table::TableWriter;
use corpus::signals::{COLUMNS, Signals, TagOptions, Tagger};
use lang::artifact;
use lang::document::Document;
use rayon::prelude::*;
use serde_json::{Map, json};

use super::budget::fitting;
use super::file_inputs;
use super::warn_of_problems;
use crate::cli::{SignalArguments, TagArguments};
use crate::commands::{Session, finished, open};
use crate::run::stage::Stage;
use crate::terminal::{Interrupted, Progress, to_stdout};

/// Documents that are measured at once: enough for every thread, and a bound for memory.
const AT_ONCE: usize = 512;
/// Bytes of text that are held at once.
const BYTES_AT_ONCE: usize = 64 << 20;

/// Measures documents, unit by unit, into one table a unit.
pub fn tag(session: &Session, arguments: &TagArguments) -> Result<()> {
    if arguments.columns {
        return list_columns(session);
    }
    let out = session.out()?;
    let tagger = Tagger::new(options(&arguments.signals)?);
    let read_options = fitting(session, &ReadOptions::default());
    let held_at_once = BYTES_AT_ONCE.min(2 * read_options.max_record_bytes);
    let (units, mut report) = units(&arguments.paths, &read_options)?;
    let mut inputs = file_inputs(&arguments.paths)?;
    let mut signals_of = Map::new();
    for (name, path) in named(&arguments.signals) {
        inputs.push(artifact::input(path, name)?);
        signals_of.insert(name.to_owned(), json!(path.to_string_lossy()));
    }
    if arguments.signals.personal {
        signals_of.insert("personal".to_owned(), json!(true));
    }
    let context = session.context(&out);
    let columns: Vec<&str> = COLUMNS.iter().map(|(column, _)| column.name).collect();
    let stage = Stage {
        name: "tag",
        kind: "signals",
        path: &out,
        config: json!({"columns": columns, "signals": signals_of}),
        seed: session.seed(0),
        inputs,
    };
    let progress = RefCell::new(Progress::new(&session.terminal, "tagging", units.len() as u64));
    let (manifest, record) = context.stage(stage, |dir, _| {
        let mut ids = UniqueIds::default();
        let (mut documents, mut bytes) = (0u64, 0u64);
        for (number, unit) in units.iter().enumerate() {
            let mut writer = TableWriter::create(&dir.join(format!("part-{number:05}.parquet")))?;
            let mut waiting: Vec<Document> = Vec::new();
            let mut held = 0;
            let mut flush = |waiting: &mut Vec<Document>| -> Result<(), corpus::CorpusError> {
                waiting.iter_mut().for_each(|document| ids.make_unique(&mut document.id));
                let tagged: Vec<Signals> = waiting.par_iter().map(|document| tagger.tag(document)).collect();
                documents += waiting.len() as u64;
                bytes += waiting.iter().map(|document| document.text.len() as u64).sum::<u64>();
                waiting.clear();
                tagged.into_iter().try_for_each(|signals| writer.push(signals))
            };
            let unit_report = read_unit(unit, &read_options, &mut |document| {
                held += document.text.len();
                waiting.push(document);
                if waiting.len() >= AT_ONCE || held >= held_at_once {
                    held = 0;
                    flush(&mut waiting)?;
                }
                Ok(())
            })?;
            flush(&mut waiting)?;
            writer.finish()?;
            report.absorb(unit_report, read_options.max_problems);
            progress.borrow_mut().set("tagging", number + 1, units.len());
            if session.interrupt.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(Interrupted("stopped while tagging; nothing was written".to_owned()).into());
            }
        }
        let mut metrics = Map::new();
        metrics.insert("documents".into(), json!(documents));
        metrics.insert("bytes".into(), json!(bytes));
        metrics.insert("problems".into(), json!(report.n_problems));
        Ok(metrics)
    })?;
    drop(progress);
    warn_of_problems(&session.terminal, &report);
    finished(session, &out, &manifest, record.skipped)
}

/// The lists and models that were named, with what they are to the result.
pub fn named(arguments: &SignalArguments) -> impl Iterator<Item = (&'static str, &Path)> {
    [
        ("bad-words", &arguments.bad_words),
        ("url-lists", &arguments.url_lists),
        ("classifier", &arguments.classifier),
        ("model", &arguments.model),
    ]
    .into_iter()
    .filter_map(|(name, path)| path.as_deref().map(|path| (name, path)))
}

/// Opens the lists and models that signals need.
pub fn options(arguments: &SignalArguments) -> Result<TagOptions> {
    let mut options = TagOptions::default();
    if arguments.personal {
        options = options.with_personal()?;
    }
    if let Some(path) = &arguments.bad_words {
        options.bad_words = Some(Arc::new(BadWords::read(path)?));
    }
    if let Some(path) = &arguments.url_lists {
        options.url_lists = Some(Arc::new(UrlLists::read(path)?));
    }
    if let Some(path) = &arguments.classifier {
        let classifier = Classifier::load(path)
            .with_context(|| "no classifier there\nhint: `onto corpus classifier train` makes one".to_owned())?;
        options.classifier = Some(Arc::new(classifier));
    }
    if let Some(path) = &arguments.model {
        let opened = open::open(path, arguments.tokenizer.as_deref())?;
        let tokenizer = opened.tokenizer;
        let encode = move |text: &str| [&[tokenizer.beginning_of_text()][..], &tokenizer.encode(text)].concat();
        options.perplexity = Some(Arc::new(Perplexity::new(Arc::from(opened.model), Arc::new(encode))));
    }
    Ok(options)
}

/// Every column, and every name a policy can use beside them.
fn list_columns(session: &Session) -> Result<()> {
    let columns = COLUMNS.iter().map(|(column, family)| {
        json!({"name": column.name, "kind": column.kind.name(), "about": column.about, "source": family.source})
    });
    let lines = corpus::policy::line_names().map(|(name, about)| {
        json!({"name": name, "kind": "number", "about": about, "source": "a line, in a policy's conditions"})
    });
    let kept = corpus::policy::KEPT.iter().map(|(name, about)| {
        json!({"name": format!("kept.{name}"), "kind": "number", "about": about, "source": "the lines that are not cut"})
    });
    let all: Vec<_> = columns.chain(lines).chain(kept).collect();
    let text: String = if session.global.json {
        json!(all).to_string() + "\n"
    } else {
        all.iter()
            .map(|row| {
                let word = |key: &str| row[key].as_str().unwrap_or_default();
                format!("{:28} {:8} {}\n", word("name"), word("kind"), word("about"))
            })
            .collect()
    };
    to_stdout(&text)
}
