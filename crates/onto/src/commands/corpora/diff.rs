//! `onto corpus diff`: what differs between two corpora, two lists of decisions or two tables of signals.

use std::path::{Path, PathBuf};

use anyhow::Result;
use corpus::compare::{
    CompareDecisions, CompareDocuments, CompareTables, DecisionFlips, DocumentsDiff, Key, Side, TablesDiff,
};
use corpus::decided::{Decided, Decisions};
use corpus::dedup::Budget;
use corpus::signals::table::{Reading as Columns, Table};
use lang::artifact;
use serde_json::{Value, json};

use super::budget::{memory, scratch};
use super::decide::tables;
use super::diff_text;
use super::looking::{Reading, decisions_in, each_document};
use crate::cli::{DiffArguments, DiffKey};
use crate::commands::Session;
use crate::terminal::{Differs, Usage, line_to_stdout, to_stdout};

/// Characters of an example.
const CHARACTERS: usize = 160;

/// What stands at a path.
enum Thing {
    /// Documents, perhaps with the decisions that left them.
    Corpus(Option<PathBuf>),
    /// Decisions alone.
    Decisions(PathBuf),
    /// Tables of signals.
    Signals,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) documents: Option<DocumentsDiff>,
    pub(super) decisions: Option<DecisionFlips>,
    pub(super) signals: Option<TablesDiff>,
}

impl Found {
    fn is_same(&self) -> bool {
        self.documents.as_ref().is_none_or(DocumentsDiff::is_same)
            && self.decisions.as_ref().is_none_or(DecisionFlips::is_same)
            && self.signals.as_ref().is_none_or(TablesDiff::is_same)
    }
}

pub fn diff(session: &Session, arguments: &DiffArguments) -> Result<()> {
    let budget = Budget::of(memory(session))?;
    let paths = [arguments.a.as_path(), arguments.b.as_path()];
    let mut found = Found::default();
    match (thing(paths[0])?, thing(paths[1])?) {
        (Thing::Signals, Thing::Signals) => found.signals = Some(signals(session, arguments, &budget, paths)?),
        (Thing::Corpus(a), Thing::Corpus(b)) => {
            found.documents = Some(documents(session, arguments, &budget, paths)?);
            if let (Some(a), Some(b)) = (a, b) {
                found.decisions = Some(decisions(session, arguments, &budget, [&a, &b])?);
            }
        }
        (Thing::Decisions(a) | Thing::Corpus(Some(a)), Thing::Decisions(b) | Thing::Corpus(Some(b))) => {
            found.decisions = Some(decisions(session, arguments, &budget, [&a, &b])?)
        }
        (a, b) => {
            let (a, b) = (name(&a), name(&b));
            let message =
                format!("{} is {a} and {} is {b}; both must be of one kind", paths[0].display(), paths[1].display());
            return Err(Usage(message).into());
        }
    }
    let same = found.is_same();
    if session.global.json {
        let shown = paths.map(|path| path.to_string_lossy());
        let answer = json!({"a": shown[0], "b": shown[1], "same": same, "documents": found.documents,
            "decisions": found.decisions, "signals": found.signals});
        line_to_stdout(&answer.to_string())?;
    } else {
        to_stdout(&diff_text::render(&found, paths))?;
    }
    if arguments.exit_code && !same { Err(Differs.into()) } else { Ok(()) }
}

fn name(thing: &Thing) -> &'static str {
    match thing {
        Thing::Corpus(_) => "a corpus",
        Thing::Decisions(_) => "a list of decisions",
        Thing::Signals => "a table of signals",
    }
}

/// What stands at a path, by its manifest or by what is in it.
fn thing(path: &Path) -> Result<Thing> {
    let is_table = |path: &Path| {
        path.extension().is_some_and(|ending| ending == "parquet")
            && Table::open(path).is_ok_and(|table| table.require(&["line_facts"]).is_ok())
    };
    if path.is_dir() {
        let kind = artifact::read(path).map(|manifest| manifest.kind).unwrap_or_default();
        let decisions = decisions_in(path);
        return Ok(match (kind.as_str(), decisions) {
            ("signals", _) => Thing::Signals,
            ("decisions", Some(decisions)) => Thing::Decisions(decisions),
            (_, decisions) if tables(path).is_ok_and(|tables| tables.iter().all(|table| is_table(table))) => {
                decisions.map_or(Thing::Signals, Thing::Decisions)
            }
            (_, decisions) => Thing::Corpus(decisions),
        });
    }
    if is_table(path) {
        return Ok(Thing::Signals);
    }
    if path.extension().is_some_and(|ending| ending == "jsonl") && first_line_decides(path) {
        return Ok(Thing::Decisions(path.to_owned()));
    }
    Ok(Thing::Corpus(None))
}

/// Whether a file begins with a decision that is no document as well.
fn first_line_decides(path: &Path) -> bool {
    use std::io::{BufRead as _, BufReader, Read as _};
    let Ok(file) = std::fs::File::open(path) else { return false };
    let mut line = Vec::new();
    let read = BufReader::new(file).take(1 << 26).read_until(b'\n', &mut line);
    let has_text = || serde_json::from_slice::<Value>(&line).is_ok_and(|value| value.get("text").is_some());
    read.is_ok() && Decided::parse(&line).is_some() && !has_text()
}

const SIDES: [Side; 2] = [Side::A, Side::B];

fn documents(
    session: &Session,
    arguments: &DiffArguments,
    budget: &Budget,
    paths: [&Path; 2],
) -> Result<DocumentsDiff> {
    let key = match arguments.by {
        DiffKey::Id => Key::Id,
        DiffKey::Text => Key::Text,
    };
    let place = scratch(session, arguments.scratch.as_deref());
    let mut compare = CompareDocuments::new(key, arguments.examples, CHARACTERS, budget.work / 2, &place)?;
    let readings = paths.map(|path| Reading::of(&[path.to_owned()]));
    for (side, reading) in SIDES.into_iter().zip(&readings) {
        each_document(session, "reading", reading, budget, true, |_, document| {
            compare.add(side, &document)?;
            Ok(true)
        })?;
    }
    let places = compare.matched()?.clone();
    for (side, reading) in SIDES.into_iter().zip(&readings).filter(|(side, _)| !places.done(*side, 0)) {
        each_document(session, "examples", reading, budget, false, |place, document| {
            if places.wants(side, place) {
                compare.bring(side, place, document);
            }
            Ok(!places.done(side, place + 1))
        })?;
    }
    let diff = compare.finish();
    if key == Key::Id && diff.all.same + diff.all.changed + diff.all.other_fields == 0 {
        session.terminal.warn("no id is in both; where ids were given anew, --by text compares the texts");
    }
    Ok(diff)
}

fn decisions(
    session: &Session,
    arguments: &DiffArguments,
    budget: &Budget,
    paths: [&Path; 2],
) -> Result<DecisionFlips> {
    let place = scratch(session, arguments.scratch.as_deref());
    let mut compare = CompareDecisions::new(arguments.examples, budget.work / 2, &place)?;
    for (side, path) in SIDES.into_iter().zip(paths) {
        let mut file = Decisions::open(path)?;
        while let Some(decided) = file.read()? {
            compare.add(side, &decided)?;
        }
    }
    let places = compare.matched()?.clone();
    let mut file = Decisions::open(paths[0])?;
    let mut at = 0;
    while !places.done(Side::A, at)
        && let Some(decided) = file.read()?
    {
        if places.wants(Side::A, at) {
            compare.bring(at, decided);
        }
        at += 1;
    }
    Ok(compare.finish())
}

fn signals(session: &Session, arguments: &DiffArguments, budget: &Budget, paths: [&Path; 2]) -> Result<TablesDiff> {
    let place = scratch(session, arguments.scratch.as_deref());
    let mut compare = CompareTables::new(arguments.examples, budget.work / 2, &place)?;
    let columns = Columns::default();
    let mut opened = Vec::new();
    for path in paths {
        opened.push(tables(path)?.iter().map(|path| Ok(Table::open(path)?)).collect::<Result<Vec<_>>>()?);
    }
    for (side, tables) in SIDES.into_iter().zip(&opened) {
        for table in tables {
            table.read(columns, &mut |row| compare.add(side, &row))?;
        }
    }
    let places = compare.matched()?.clone();
    for (side, tables) in SIDES.into_iter().zip(&opened) {
        let mut at = 0;
        for table in tables.iter() {
            if places.done(side, at) {
                break;
            }
            table.read(columns, &mut |row| {
                if places.wants(side, at) {
                    compare.bring(side, at, row);
                }
                at += 1;
                Ok(())
            })?;
        }
    }
    Ok(compare.finish())
}
