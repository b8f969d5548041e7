//! Jinja as Python renders it: what chat templates of models and prompt templates of data sets are written in. The engine
//! is minijinja; here are Python's methods (`python`), the filters and tests that differ (`filters`, `json`), and a bound on
//! what a template may spend.
//!
//! Texts can be followed through a template by marks (`tracked`), which is how loss masks are made.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::DateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde_json::{Map, Value as Json};
use thiserror::Error as ThisError;

use crate::rng::Rng;
use arguments::invalid;
use source::{Depth, controls, in_tags};
use tracked::{END_GENERATION, GENERATION};

mod arguments;
mod filters;
mod json;
mod number;
mod objects;
mod python;
mod source;
pub(crate) mod tracked;

/// What one rendering may spend: an instruction or 64 bytes of text cost one unit, so an endless template ends within a
/// second and 128 MiB.
const FUEL: u64 = 2_000_000;
/// The longest template; longer ones are no templates but mistakes.
const LONGEST_SOURCE: usize = 4 << 20;
/// Bytes of the longest text a template may write.
const LONGEST_TEXT: usize = 64 << 20;
/// The variables that stand for the marks of `{% generation %}` while a text is followed through the template.
const BEGIN: &str = "__generation_begins__";
const END: &str = "__generation_ends__";
/// The name of the one template of an environment.
const NAME: &str = "template";
/// The function that refuses values nested too deep to be set.
const CHECK: &str = "__checked__";
/// Lists in lists deeper than this are refused: nothing that is told or asked is, and freeing them takes stack.
const DEEPEST_VALUE: usize = 200;
/// Values in one level of lists in lists.
const WIDEST_VALUE: usize = 500_000;
/// Stack for templates with very long tags; it is reserved, and used only as far as they need it.
const LARGE_STACK: usize = 512 << 20;
/// Stands before what `raise_exception` said, to tell it from what the engine says.
const REFUSAL: char = '\u{FDEF}';

/// What can go wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum TemplateError {
    /// It is not Jinja, or fails for these values.
    #[error("line {line}: {message}")]
    Failed {
        /// Line of the template, from 1; 0 where unknown.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// It called `raise_exception`.
    #[error("line {line}: it refuses these values: {message}")]
    Refused {
        /// Line of the template, from 1; 0 where unknown.
        line: usize,
        /// What it says.
        message: String,
    },
    /// It does not come to an end.
    #[error("line {line}: it runs too long or writes too much")]
    OutOfFuel {
        /// Line of the template it was at.
        line: usize,
    },
}

/// A prompt template of a data set, as the templates of P3 and T0 are rendered: Jinja's own white space rules, lists and
/// dictionaries that grow, and the filters `choice` and `most_frequent`.
#[derive(Clone, Debug)]
pub struct PromptTemplate {
    environment: Arc<Engine>,
}

impl PromptTemplate {
    /// Reads `source`.
    ///
    /// # Errors
    /// [`TemplateError::Failed`] names the line where it is not Jinja.
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        let mut engine = engine(source, SyntaxConfig::default(), &growing(source), None)?;
        let environment = &mut engine.environment;
        environment.add_function("__list__", || Value::from_object(objects::List::default()));
        environment.add_function("__dictionary__", || Value::from_object(objects::Dictionary::default()));
        environment.add_filter("choice", objects::choice);
        environment.add_filter("most_frequent", objects::most_frequent);
        environment.add_filter("highlight", |value: Value| value);
        Ok(PromptTemplate { environment: engine.into() })
    }

    /// The text it makes of `values`; what `choice` chooses is drawn from `rng`.
    ///
    /// # Errors
    /// It fails for these values, refuses them, or does not come to an end.
    pub fn render(&self, values: &Map<String, Json>, rng: &Rng) -> Result<String, TemplateError> {
        let values = values.iter().map(|(name, value)| (name.clone(), Value::from(Serde(value))));
        let dice = (objects::Dice::NAME.to_owned(), Value::from_object(objects::Dice::new(rng.clone())));
        render(&self.environment, values.chain([dice]).collect())
    }
}

/// A rendered prompt template, with the places of the values in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The text.
    pub text: String,
    /// Stretches that are texts of the values, in order: bytes of the text, and the name of the value (`answers.text` for
    /// one inside another).
    pub fields: Vec<(Range<usize>, String)>,
}

impl PromptTemplate {
    /// Renders as [`render`](PromptTemplate::render), and tells where the texts of `values` landed. No places are told
    /// where the template looks at a text in a way that cannot be followed.
    ///
    /// # Errors
    /// As [`render`](PromptTemplate::render).
    pub fn place(&self, values: &Map<String, Json>, rng: &Rng) -> Result<Placed, TemplateError> {
        let text = self.render(values, rng)?;
        let mut names = Vec::new();
        let mut marked = values.clone();
        for (name, value) in marked.iter_mut() {
            mark_fields(value, name, &mut names);
        }
        let rendered = self.render(&marked, rng).unwrap_or_default();
        let read = tracked::Text::read(&rendered);
        let same = read.plain == text && !values.values().any(has_reserved);
        let name = |(range, origin): (Range<usize>, usize)| Some((range, names.get(origin)?.clone()));
        let fields = if same { read.spans.into_iter().filter_map(name).collect() } else { Vec::new() };
        Ok(Placed { text, fields })
    }
}

fn mark_fields(value: &mut Json, name: &str, names: &mut Vec<String>) {
    match value {
        Json::String(text) if !text.is_empty() => {
            *text = tracked::mark(text, names.len());
            names.push(name.to_owned());
        }
        Json::Array(items) => items.iter_mut().for_each(|item| mark_fields(item, name, names)),
        Json::Object(fields) => {
            fields.iter_mut().for_each(|(inner, item)| mark_fields(item, &format!("{name}.{inner}"), names))
        }
        _ => {}
    }
}

fn has_reserved(value: &Json) -> bool {
    match value {
        Json::String(text) => tracked::has_marks(text),
        Json::Array(items) => items.iter().any(has_reserved),
        Json::Object(fields) => fields.values().any(has_reserved),
        _ => false,
    }
}

/// `source` with the empty lists and dictionaries that are given names made into ones that grow.
fn growing(source: &str) -> String {
    in_tags(source, |inside| {
        let assigns = inside.trim_start_matches(['-', '+', ' ', '\n']).starts_with("set ");
        let empty = |text: &str, open: char, close: char, new: &str| {
            let mut out = String::new();
            let mut rest = text;
            while let Some(at) = rest.find(open) {
                let after = rest[at + 1..].trim_start();
                // An empty pair behind a name is an index or a call, and behind a dot no literal either.
                let begins = rest[..at].trim_end().ends_with(['=', '(', ',', ':']);
                match after.strip_prefix(close).filter(|_| begins) {
                    Some(after) => {
                        out.push_str(&rest[..at]);
                        out.push_str(new);
                        rest = after;
                    }
                    None => {
                        out.push_str(&rest[..at + 1]);
                        rest = &rest[at + 1..];
                    }
                }
            }
            out + rest
        };
        assigns.then(|| empty(&empty(inside, '[', ']', "__list__()"), '{', '}', "__dictionary__()"))
    })
}

/// The environment of a chat template as transformers has it: blocks take their line with them, `raise_exception` and
/// `strftime_now` (which tells `now`, else the time of the clock), and `{% generation %}`.
pub(crate) fn chat_engine(source: &str, now: Option<DateTime>) -> Result<Engine, TemplateError> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(template_error)?;
    engine(source, syntax, &with_generation_marks(source), now)
}

/// A template, ready to render.
#[derive(Debug)]
pub(crate) struct Engine {
    environment: Environment<'static>,
    depth: Depth,
}

/// Runs `work`, for deep templates with a stack of its own.
fn with_stack<T: Send>(depth: Depth, work: impl FnOnce() -> T + Send) -> Result<T, TemplateError> {
    if depth == Depth::Ordinary {
        return Ok(work());
    }
    let failed = || TemplateError::Failed { line: 0, message: "there is no memory for so long a tag".to_owned() };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(LARGE_STACK).spawn_scoped(scope, work);
        thread.map_err(|_| failed())?.join().map_err(|_| failed())
    })
}

fn engine(source: &str, syntax: SyntaxConfig, prepared: &str, now: Option<DateTime>) -> Result<Engine, TemplateError> {
    let depth = source::depth(source);
    if depth == Depth::Endless {
        return Err(TemplateError::Failed { line: 0, message: "a tag is too long".to_owned() });
    }
    if source.len() > LONGEST_SOURCE {
        let message = format!("it has {} bytes, and {LONGEST_SOURCE} are the most", source.len());
        return Err(TemplateError::Failed { line: 0, message });
    }
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(python::method);
    environment.set_formatter(|out, state, value| match number::as_float(value) {
        Some(float) => out.write_str(&number::float(float)).map_err(Error::from),
        None => minijinja::escape_formatter(out, state, value),
    });
    filters::add(&mut environment);
    objects::add(&mut environment);
    environment.add_function("raise_exception", |message: Value| -> Result<Value, Error> {
        Err(invalid(format!("{REFUSAL}{message}")))
    });
    environment.add_function("strftime_now", move |format: &str| -> Result<String, Error> {
        let now = now.unwrap_or_else(|| jiff::ZonedDateTime::now().datetime());
        jiff::fmt::strtime::format(format, now).map_err(|error| invalid(error.to_string()))
    });
    environment.add_function(CHECK, |state: &State, value: Value| -> Result<Value, Error> {
        check_depth(state, &value)?;
        Ok(value)
    });
    let prepared = source::checked_sets(prepared, CHECK);
    with_stack(depth, move || {
        environment.add_template_owned(NAME, prepared).map_err(template_error)?;
        Ok(Engine { environment, depth })
    })?
}

/// Refuses lists and dictionaries that are nested too deep.
fn check_depth(state: &State, value: &Value) -> Result<(), Error> {
    let mut level = vec![value.clone()];
    for _ in 0..DEEPEST_VALUE {
        state.consume_fuel(level.len() as u64 / 4)?;
        let mut next = Vec::new();
        for value in &level {
            match value.kind() {
                ValueKind::Seq => next.extend(value.try_iter()?.filter(|item| item.as_object().is_some())),
                ValueKind::Map => {
                    let items = value.try_iter()?.filter_map(|key| value.get_item(&key).ok());
                    next.extend(items.filter(|item| item.as_object().is_some()));
                }
                _ => {}
            }
            // Lists that share their parts have more ways through them than parts.
            if next.len() > WIDEST_VALUE {
                return Err(invalid("the value is too large"));
            }
        }
        if next.is_empty() {
            return Ok(());
        }
        level = next;
    }
    Err(invalid("the value is nested too deep"))
}

/// The variables that make `{% generation %}` blocks seen.
pub(crate) fn generation_marks() -> [(String, Value); 2] {
    [(BEGIN, GENERATION), (END, END_GENERATION)].map(|(name, mark)| (name.to_owned(), mark.to_string().into()))
}

/// Renders the template of `engine`.
pub(crate) fn render(engine: &Engine, context: Vec<(String, Value)>) -> Result<String, TemplateError> {
    let text = with_stack(engine.depth, move || {
        let template = engine.environment.get_template(NAME).map_err(template_error)?;
        template.render(Value::from_pairs(context)).map_err(template_error)
    })??;
    if text.len() > LONGEST_TEXT { Err(TemplateError::OutOfFuel { line: 0 }) } else { Ok(text) }
}

fn template_error(error: Error) -> TemplateError {
    // The first cause is what went wrong; what stands around it are the calls that led there.
    let mut cause: &Error = &error;
    while let Some(inner) = std::error::Error::source(cause).and_then(|source| source.downcast_ref::<Error>()) {
        cause = inner;
    }
    let line = cause.line().or(error.line()).unwrap_or(0);
    match cause.kind() {
        ErrorKind::OutOfFuel => TemplateError::OutOfFuel { line },
        kind => {
            let message = cause.detail().map_or_else(|| kind.to_string(), str::to_owned);
            match message.strip_prefix(REFUSAL) {
                Some(said) => TemplateError::Refused { line, message: tracked::Text::read(said).plain.into_owned() },
                None => TemplateError::Failed { line, message: tracked::Text::read(&message).plain.into_owned() },
            }
        }
    }
}

/// `source` with the tags `generation` and `endgeneration`, by which templates of transformers say what is learnt, made
/// into a condition that always holds and writes a mark at its begin and its end, if asked to.
///
/// Each tag becomes three, the first with the white space control of its left side and the last with that of its right.
fn with_generation_marks(source: &str) -> String {
    in_tags(source, |inside| {
        let (left, right) = controls(inside);
        match inside.trim_matches(['-', '+']).trim() {
            "generation" => Some(format!("{left} if true %}}{{{{ {BEGIN} }}}}{{% if true {right}")),
            "endgeneration" => Some(format!("{left} endif %}}{{{{ {END} }}}}{{% endif {right}")),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests;
