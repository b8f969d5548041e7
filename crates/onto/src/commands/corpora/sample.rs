//! `onto corpus sample`: some documents to look at, drawn evenly from any input.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Result, bail};
use corpus::decided::{Decided, Decisions};
use corpus::dedup::Budget;
use corpus::sample::{Amount, Chosen, Filter, Sampled, Sampler, Wanted, language};
use corpus::text::excerpt;
use lang::artifact;
use lang::document::Document;
use serde_json::{Map, Value, json};

use super::budget::memory;
use super::dedup::Lines;
use super::file_inputs;
use super::looking::{Reading, decisions_in, each_document, inputs_behind};
use crate::cli::{SampleArguments, SampleForm, SampleGroup};
use crate::commands::{Session, finished};
use crate::run::source::DOCUMENTS;
use crate::run::stage::Stage;
use crate::terminal::{Usage, grouped, to_stdout, visible};

/// Documents where no number is named.
const SOME: usize = 10;

/// What is drawn from what.
struct Plan {
    reading: Reading,
    decisions: Option<PathBuf>,
    filter: Filter,
    amount: Amount,
    per: Option<SampleGroup>,
    seed: u64,
}

/// How many of what.
#[derive(Default)]
struct Counts {
    read: u64,
    asked_for: u64,
    taken: u64,
}

pub fn sample(session: &Session, arguments: &SampleArguments) -> Result<()> {
    let plan = plan(session, arguments)?;
    let budget = Budget::of(memory(session))?;
    let Some(out) = &session.global.out else {
        let to_terminal = std::io::stdout().is_terminal() && !session.global.json;
        let text = arguments.form.map_or(to_terminal, |form| form == SampleForm::Text);
        let counts = draw(session, &plan, &budget, &mut |chosen| {
            to_stdout(&if text { shown(&chosen, arguments.characters) } else { line(chosen)? })
        })?;
        let [taken, asked, read] = [counts.taken, counts.asked_for, counts.read].map(|n| grouped(n as f64));
        session.terminal.say(&format!("{taken} of {asked} documents that were asked for; {read} read"));
        return Ok(());
    };
    let mut inputs = file_inputs(&plan.reading.paths)?;
    if let Some(path) = &plan.decisions {
        inputs.push(artifact::input(path, "decisions")?);
    }
    let config = json!({
        "amount": match plan.amount {
            Amount::Documents(documents) => json!({"documents": documents}),
            Amount::Share(share) => json!({"share": share}),
        },
        "per": plan.per.map(|per| format!("{per:?}").to_lowercase()),
        "filter": format!("{:?}", plan.filter),
        "read": plan.reading.options,
    });
    let context = session.context(out);
    let stage = Stage { name: "sample", kind: "corpus", path: out, config, seed: plan.seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let path = dir.join(DOCUMENTS);
        let mut file = Lines::create(&path)?;
        let counts = draw(session, &plan, &budget, &mut |chosen| Ok(file.put(&told(chosen))?))?;
        file.finish()?;
        let mut metrics = Map::new();
        metrics.insert("documents".into(), json!(counts.taken));
        metrics.insert("asked_for".into(), json!(counts.asked_for));
        metrics.insert("read".into(), json!(counts.read));
        Ok(metrics)
    })?;
    finished(session, out, &manifest, record.skipped)
}

/// What was typed, resolved.
fn plan(session: &Session, arguments: &SampleArguments) -> Result<Plan> {
    let amount = match arguments.share {
        Some(share) if !(0.0..=1.0).contains(&share) => {
            return Err(Usage(format!("--share is {share}, but a share is from 0 to 1")).into());
        }
        Some(_) if arguments.per.is_some() => {
            return Err(
                Usage("--per takes --documents of every group, so it does not go with --share".to_owned()).into()
            );
        }
        Some(share) => Amount::Share(share),
        None => Amount::Documents(arguments.documents.unwrap_or(SOME)),
    };
    let decision = if arguments.kept {
        Wanted::Kept
    } else if !arguments.dropped_by.is_empty() {
        Wanted::By(arguments.dropped_by.clone())
    } else if arguments.dropped {
        Wanted::Dropped
    } else {
        Wanted::Any
    };
    let asks = decision != Wanted::Any || arguments.per == Some(SampleGroup::Rule);
    let filter = Filter { sources: arguments.source.clone(), languages: arguments.lang.clone(), decision };
    let (reading, decisions) = match (&arguments.decisions, &arguments.paths[..]) {
        (Some(file), paths) => (Reading::of(paths), Some(file.clone())),
        (None, paths) if !asks => (Reading::of(paths), None),
        (None, [folder]) if decisions_in(folder).is_some() => (inputs_behind(folder)?, decisions_in(folder)),
        (None, _) => bail!(
            "there are no decisions about these documents\n\
             hint: name a folder made by `onto corpus build` or `decide`, or a file of decisions with --decisions FILE"
        ),
    };
    Ok(Plan { reading, decisions, filter, amount, per: arguments.per, seed: session.seed(0) })
}

/// Reads once, or twice where the texts of the sample are more than memory holds.
fn draw(
    session: &Session,
    plan: &Plan,
    budget: &Budget,
    write: &mut dyn FnMut(Chosen) -> Result<()>,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut sampler = Sampler::new(plan.amount, plan.seed, usize::try_from(budget.work)?);
    each(session, plan, budget, true, &mut |place, document, decided| {
        counts.read += 1;
        if !plan.filter.takes(&document, decided.as_ref()) {
            return Ok(true);
        }
        counts.asked_for += 1;
        if let Amount::Share(share) = plan.amount {
            if Sampler::takes_share(plan.seed, share, place) {
                counts.taken += 1;
                write(Chosen { place, document, decided })?;
            }
            return Ok(true);
        }
        let group = match plan.per {
            None => String::new(),
            Some(SampleGroup::Source) => document.source.clone(),
            Some(SampleGroup::Lang) => language(&document),
            Some(SampleGroup::Rule) => decided.as_ref().map(Decided::label).unwrap_or_default(),
        };
        sampler.offer(place, &group, || Chosen { place, document, decided });
        Ok(true)
    })?;
    match sampler.finish() {
        Sampled::Documents(documents) => {
            for chosen in documents {
                counts.taken += 1;
                write(chosen)?;
            }
        }
        Sampled::Places(places) => {
            let last = places.last().copied();
            each(session, plan, budget, false, &mut |place, document, decided| {
                if places.contains(&place) {
                    counts.taken += 1;
                    write(Chosen { place, document, decided })?;
                }
                Ok(Some(place) < last)
            })?;
        }
    }
    Ok(counts)
}

/// Every document with what was decided about it.
fn each(
    session: &Session,
    plan: &Plan,
    budget: &Budget,
    warn: bool,
    one: &mut dyn FnMut(u64, Document, Option<Decided>) -> Result<bool>,
) -> Result<()> {
    let mut decisions = plan.decisions.as_deref().map(Decisions::open).transpose()?;
    each_document(session, "sampling", &plan.reading, budget, warn, |place, mut document| {
        let decided = decisions.as_mut().map(|decisions| decisions.about(&document)).transpose()?;
        if let Some(decided) = &decided {
            document.id.clone_from(&decided.id);
        }
        one(place, document, decided)
    })
}

/// The document, with what was decided about it among its fields.
fn told(chosen: Chosen) -> Document {
    let mut document = chosen.document;
    if let Some(decided) = chosen.decided {
        let mut put = |key: &str, value: Value| {
            document.meta.entry(key).or_insert(value);
        };
        put("decision", json!(if decided.kept() { "keep" } else { "drop" }));
        if !decided.kept() {
            put("dropped_by", json!(decided.label()));
        }
        if !decided.detail.is_empty() {
            put("reason", json!(decided.detail));
        }
    }
    document
}

fn line(chosen: Chosen) -> Result<String> {
    Ok(serde_json::to_string(&told(chosen))? + "\n")
}

/// A document as a person reads it.
fn shown(chosen: &Chosen, characters: usize) -> String {
    let document = &chosen.document;
    let length = document.text.chars().count();
    let mut facts = vec![document.id.clone()];
    facts.extend(Some(document.source.clone()).filter(|source| !source.is_empty()));
    facts.extend(document.lang.clone());
    facts.extend(document.url.clone());
    facts.push(format!("{} characters", grouped(length as f64)));
    facts.extend(chosen.decided.as_ref().map(|decided| match decided.kept() {
        true => "kept".to_owned(),
        false if decided.detail.is_empty() => format!("dropped by {}", decided.by.join(", ")),
        false => format!("dropped by {}: {}", decided.by[0], decided.detail),
    }));
    let facts = facts.join(" · ").replace(['\n', '\t'], " ");
    visible(&format!("── {facts}\n{}\n\n", excerpt(&document.text, characters))).into_owned()
}
