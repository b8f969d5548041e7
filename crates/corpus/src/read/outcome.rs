//! Where the readers of all formats put what they find: documents go on to the caller one by one, problems and counts
//! into the report of the unit.

use lang::document::Document;

use super::ReadOptions;
use super::report::{Place, Problem, UnitReport};
use super::unit::Unit;
use crate::error::CorpusError;

/// Takes the documents of a unit, in order; an error ends the reading.
pub type Sink<'s> = &'s mut dyn FnMut(Document) -> Result<(), CorpusError>;

/// What one unit gives while it is read.
pub(super) struct Outcome<'s> {
    pub(super) report: UnitReport,
    sink: Sink<'s>,
    max_problems: usize,
    as_is: bool,
}

impl<'s> Outcome<'s> {
    pub(super) fn new(unit: &Unit, options: &ReadOptions, sink: Sink<'s>) -> Self {
        let mut report = UnitReport::default();
        report.file.path.clone_from(&unit.path);
        report.file.format = unit.format.name().to_string();
        Outcome { report, sink, max_problems: options.max_problems, as_is: options.as_is }
    }

    /// Names and counts something wrong.
    pub(super) fn problem(&mut self, place: Place, kind: &str, what: impl Into<String>) {
        self.report.n_problems += 1;
        self.count(kind, 1);
        if self.report.problems.len() < self.max_problems {
            let path = self.report.file.path.clone();
            self.report.problems.push(Problem { path, place, kind: kind.to_string(), what: what.into() });
        }
    }

    /// Counts an event that is no problem.
    pub(super) fn count(&mut self, event: &str, times: u64) {
        if times == 0 {
            return;
        }
        match self.report.counts.get_mut(event) {
            Some(count) => *count += times,
            None => {
                self.report.counts.insert(event.to_string(), times);
            }
        }
    }

    /// Passes a document on after normalising its text, unless it is wanted as it is; an empty one is a problem.
    pub(super) fn document(&mut self, mut document: Document, place: Place) -> Result<(), CorpusError> {
        if self.as_is {
            self.count("invalid sequences replaced", document.text.matches('\u{fffd}').count() as u64);
        } else {
            if !crate::text::is_normal(&document.text) {
                let (text, changed) = crate::text::normalise(&document.text);
                self.count("control characters dropped", changed.controls);
                self.count("invalid sequences replaced", changed.replaced);
                document.text = text;
            }
            let trimmed = document.text.trim();
            if trimmed.len() < document.text.len() {
                document.text = trimmed.to_string();
            }
        }
        if document.text.trim().is_empty() {
            self.problem(place, "empty document", "document without any text");
            return Ok(());
        }
        self.report.file.documents += 1;
        self.report.file.bytes += document.text.len() as u64;
        (self.sink)(document)
    }
}
