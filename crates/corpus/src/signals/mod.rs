//! Tag once: every document gets its numbers, and nothing here decides.
//!
//! A *family* is a file that measures after one source: the columns it fills are in its registry slice, and `FAMILIES`
//! lists the families. Where sources differ in what a word, a line or a duplicate is, each has columns of its own, named
//! after it (`datatrove_…`, `dolma_…`, `dclm_…`), so that a policy can be told with the semantics of its source.
//!
//! All families read one `View` of the text, which is made in a single pass (words by three definitions, lines with
//! their facts). Facts about single lines stand in [`Lines`], because the decisions of C4 and RefinedWeb cut lines.

pub(crate) mod bytes;
mod column;
pub(crate) mod hash;
pub mod lines;
mod marks;
mod notices;
mod options;
pub(crate) mod phrases;
pub(crate) mod python;
mod repeats;
mod sentences;
mod sources;
pub mod table;
mod view;
pub mod words;

use std::cell::RefCell;

use lang::document::Document;
use serde_json::{Map, Value};

use crate::error::CorpusError;
pub use column::{COLUMNS, Column, Kind, place};
pub use lines::{Line, Lines};
pub use options::TagOptions;
use sources::FAMILIES;
use view::View;

/// One family of columns: what a source measures.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// The paper, program and version whose semantics the columns have.
    pub source: &'static str,
    /// The columns it fills, in the order of `measure`'s output.
    pub columns: &'static [Column],
    measure: fn(&View<'_>, &mut Out<'_>),
}

/// A piece of a document that a signal points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The signal it belongs to.
    pub kind: &'static str,
}

/// The signals of one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// The document's id.
    pub id: String,
    /// One value a column of [`COLUMNS`]; NaN where it was not measured, and for columns of text.
    pub numbers: Vec<f64>,
    /// The values of the columns of text, by name.
    pub texts: Vec<(&'static str, String)>,
    /// Facts about every line.
    pub lines: Lines,
    /// Places in the text that signals point at.
    pub spans: Vec<Span>,
}

impl Signals {
    /// The value of a numeric column; `None` where it was not measured or there is no such column.
    pub fn number(&self, name: &str) -> Option<f64> {
        let value = *self.numbers.get(place(name)?)?;
        (!value.is_nan()).then_some(value)
    }

    /// The value of a column of text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(column, _)| *column == name).map(|(_, text)| text.as_str())
    }

    /// Writes a measured value over a column: signals that are made elsewhere (personal data, clusters) come in here.
    ///
    /// # Errors
    /// [`CorpusError::UnknownColumn`] when there is no such column of numbers.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), CorpusError> {
        match place(name).and_then(|place| self.numbers.get_mut(place)) {
            Some(slot) => {
                *slot = value;
                Ok(())
            }
            None => Err(unknown(name)),
        }
    }

    /// Every value that was measured, by column name.
    pub fn flat(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for ((column, _), value) in COLUMNS.iter().zip(&self.numbers) {
            let json = match column.kind {
                Kind::Text => self.text(column.name).map(Value::from),
                Kind::Integer if !value.is_nan() => Some(Value::from(*value as i64)),
                // Six digits say all that a person or a threshold needs.
                Kind::Number if value.is_finite() => Some(Value::from((value * 1e6).round() / 1e6)),
                _ => None,
            };
            if let Some(json) = json {
                map.insert(column.name.to_owned(), json);
            }
        }
        map
    }
}

/// Where a family writes its values.
pub struct Out<'a> {
    numbers: &'a mut [f64],
    texts: &'a mut Vec<(&'static str, String)>,
    spans: &'a mut Vec<Span>,
    columns: &'static [Column],
}

impl Out<'_> {
    /// The value of the family's `index`-th column.
    fn set(&mut self, index: usize, value: f64) {
        self.numbers[index] = value;
    }

    /// Values from the `index`-th column on.
    fn set_all(&mut self, index: usize, values: &[f64]) {
        self.numbers[index..index + values.len()].copy_from_slice(values);
    }

    fn text(&mut self, index: usize, value: &str) {
        self.texts.push((self.columns[index].name, value.to_owned()));
    }

    fn span(&mut self, span: Span) {
        self.spans.push(span);
    }
}

/// An error that names the column meant.
pub(crate) fn unknown(name: &str) -> CorpusError {
    let names = COLUMNS.iter().map(|(column, _)| column.name);
    CorpusError::UnknownColumn { name: name.to_owned(), nearest: crate::text::nearest(name, names) }
}

/// Measures documents. One tagger serves any number of threads.
#[derive(Default)]
pub struct Tagger {
    options: TagOptions,
}

/// Bytes of a text whose buffers are not kept: they are some twenty times as large.
const LARGE: usize = 4 << 20;

thread_local! {
    /// Buffers that keep their room from document to document.
    static SCRATCH: RefCell<view::Scratch> = RefCell::default();
}

impl Tagger {
    /// A tagger.
    pub fn new(options: TagOptions) -> Self {
        Tagger { options }
    }

    /// The signals of one document: a function of the document and the options alone.
    pub fn tag(&self, document: &Document) -> Signals {
        // What a giant needs is given back at once.
        if document.text.len() > LARGE {
            return self.tag_with(&mut view::Scratch::default(), document);
        }
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.tag_with(&mut scratch, document),
            // A model that scores perplexity may call back into a tagger; it gets buffers of its own.
            Err(_) => self.tag_with(&mut view::Scratch::default(), document),
        })
    }

    fn tag_with(&self, scratch: &mut view::Scratch, document: &Document) -> Signals {
        let mut signals =
            Signals { id: document.id.clone(), numbers: vec![f64::NAN; COLUMNS.len()], ..Signals::default() };
        signals.lines = view::look(scratch, &document.text);
        let view = View { document, text: &document.text, scratch, lines: &signals.lines, options: &self.options };
        let mut rest: &mut [f64] = &mut signals.numbers;
        for family in FAMILIES {
            let (mine, others) = rest.split_at_mut(family.columns.len());
            rest = others;
            let mut out =
                Out { numbers: mine, texts: &mut signals.texts, spans: &mut signals.spans, columns: family.columns };
            (family.measure)(&view, &mut out);
        }
        signals
    }
}
