//! Where each message's text landed: a template is rendered with marks around what people wrote (`jinja::tracked`), and again
//! without. Only if both give the same text, marks apart, are the marks believed.

use std::ops::Range;

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Map, Value as Json};

use super::{ChatError, ChatOptions, ChatTemplate};
use crate::jinja;
use crate::jinja::tracked::{Text, has_marks, is_mark, mark};

/// A rendered conversation, and where its parts stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The text, equal to that of [`ChatTemplate::render_json`].
    pub text: String,
    /// Text of the messages, in order; what lies between was written by the template.
    pub spans: Vec<Span>,
    /// What the template's `{% generation %}` blocks wrote, in order of their ends.
    pub generation: Vec<Range<usize>>,
    /// Messages whose text the template looks at in a way that cannot be followed, counted from 0.
    pub unplaced: Vec<usize>,
}

/// A stretch of a rendered conversation that somebody else than the template wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The message it is of, counted from 0; none for tools and documents.
    pub message: Option<usize>,
    /// Which part of the message.
    pub field: Field,
}

/// Parts of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// What is said.
    Content,
    /// What was thought before (`reasoning_content` and its other names).
    Reasoning,
    /// The name or an argument of a tool that is called.
    Call,
    /// Anything else.
    Other,
}

/// Names of the field in which reasoning is passed.
pub(super) const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// Which texts are marked.
#[derive(Clone, Copy)]
enum Marked {
    All,
    /// Of one message alone.
    Message(usize),
    /// Of tools and documents alone.
    Rest,
    /// None; `{% generation %}` blocks only.
    Blocks,
}

/// Puts marks into JSON.
struct Marker<'a> {
    marked: Marked,
    /// Whether a text holds a special token, so that it must be told from the template's text wherever it stands.
    is_dangerous: &'a dyn Fn(&str) -> bool,
    origins: Vec<(Option<usize>, Field)>,
}

impl Marker<'_> {
    fn applies(&self, message: Option<usize>) -> bool {
        match self.marked {
            Marked::All => true,
            Marked::Message(wanted) => message == Some(wanted),
            Marked::Rest => message.is_none(),
            Marked::Blocks => false,
        }
    }

    /// Marks the texts anywhere in `value`; only those with special tokens in them where the field is none that the
    /// template is known to write out.
    fn value(&mut self, value: &mut Json, message: Option<usize>, field: Field) {
        match value {
            Json::String(text) if text.is_empty() || !self.applies(message) => {}
            Json::String(text) if (field != Field::Other || (self.is_dangerous)(text)) => {
                *text = mark(text, self.origins.len());
                self.origins.push((message, field));
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.value(item, message, field)),
            Json::Object(fields) => fields.values_mut().for_each(|item| self.value(item, message, field)),
            _ => {}
        }
    }

    fn message(&mut self, fields: &mut Map<String, Json>, at: usize) {
        for (name, value) in fields.iter_mut() {
            match (name.as_str(), value) {
                ("role", _) => {}
                ("content", Json::Array(parts)) => parts.iter_mut().for_each(|part| match part {
                    Json::Object(part) => part.iter_mut().for_each(|(name, value)| {
                        let field = if name == "text" { Field::Content } else { Field::Other };
                        self.value(value, Some(at), field);
                    }),
                    part => self.value(part, Some(at), Field::Content),
                }),
                ("content", value) => self.value(value, Some(at), Field::Content),
                ("tool_calls", Json::Array(calls)) => calls.iter_mut().for_each(|call| self.call(call, at)),
                (name, value) if REASONING.contains(&name) => self.value(value, Some(at), Field::Reasoning),
                (_, value) => self.value(value, Some(at), Field::Other),
            }
        }
    }

    fn call(&mut self, call: &mut Json, at: usize) {
        let Json::Object(fields) = call else { return };
        for (name, value) in fields.iter_mut() {
            match name.as_str() {
                "function" => self.call(value, at),
                "name" | "arguments" => self.value(value, Some(at), Field::Call),
                _ => self.value(value, Some(at), Field::Other),
            }
        }
    }
}

impl ChatTemplate {
    /// Renders a conversation and tells where each message's text landed. `is_dangerous` says of a text whether it holds a
    /// special token; such texts are followed wherever they stand, in tools and names too.
    ///
    /// # Errors
    /// As [`render_json`](ChatTemplate::render_json), and [`ChatError::Reserved`].
    pub fn place(
        &self,
        messages: &[Json],
        options: &ChatOptions,
        is_dangerous: &dyn Fn(&str) -> bool,
    ) -> Result<Placed, ChatError> {
        self.place_rendered(self.render_json(messages, options)?, messages, options, is_dangerous)
    }

    /// As [`place`](ChatTemplate::place), with the rendered `text` at hand.
    pub(super) fn place_rendered(
        &self,
        text: String,
        messages: &[Json],
        options: &ChatOptions,
        is_dangerous: &dyn Fn(&str) -> bool,
    ) -> Result<Placed, ChatError> {
        check_reserved(messages, options)?;
        let attempt = |marked| self.place_marked(&text, messages, options, is_dangerous, marked);
        let mut placed = Placed::default();
        if let Some(found) = attempt(Marked::All) {
            placed = found;
        } else {
            // Something is compared or cut in a way that sees the marks: the others can still be placed, one by one.
            for at in 0..messages.len() {
                match attempt(Marked::Message(at)) {
                    Some(found) => placed.spans.extend(found.spans),
                    None => placed.unplaced.push(at),
                }
            }
            placed.spans.extend(attempt(Marked::Rest).map(|found| found.spans).unwrap_or_default());
            placed.spans.sort_by_key(|span| (span.range.start, span.range.end));
            placed.generation = attempt(Marked::Blocks).map(|found| found.generation).unwrap_or_default();
        }
        placed.text = text;
        Ok(placed)
    }

    fn place_marked(
        &self,
        text: &str,
        messages: &[Json],
        options: &ChatOptions,
        is_dangerous: &dyn Fn(&str) -> bool,
        marked: Marked,
    ) -> Option<Placed> {
        let mut marker = Marker { marked, is_dangerous, origins: Vec::new() };
        let mut messages = normalized(messages).ok()?;
        for (at, message) in messages.iter_mut().enumerate() {
            if let Json::Object(fields) = message {
                marker.message(fields, at);
            }
        }
        let mut options = options.clone();
        for list in [&mut options.tools, &mut options.documents].into_iter().flatten() {
            list.iter_mut().for_each(|value| marker.value(value, None, Field::Other));
        }
        let mut context = self.context(&messages, &options);
        context.extend(jinja::generation_marks());
        let rendered = jinja::render(&self.engine, context).ok()?;
        let read = Text::read(&rendered);
        if read.plain != text || read.is_broken {
            return None;
        }
        let spans = read.spans.into_iter().filter_map(|(range, origin)| {
            let &(message, field) = marker.origins.get(origin)?;
            Some(Span { range, message, field })
        });
        Some(Placed { text: String::new(), spans: spans.collect(), generation: read.generation, unplaced: Vec::new() })
    }

    /// What the template may ask for.
    pub(super) fn context(&self, messages: &[Json], options: &ChatOptions) -> Vec<(String, Value)> {
        let mut context: Vec<(String, Value)> =
            self.named_tokens.iter().map(|(name, content)| (name.clone(), Value::from(content.as_str()))).collect();
        context.push(("messages".to_owned(), Value::from(Serde(messages))));
        context.push(("add_generation_prompt".to_owned(), Value::from(options.add_generation_prompt)));
        context.push(("tools".to_owned(), Value::from(Serde(&options.tools))));
        context.push(("documents".to_owned(), Value::from(Serde(&options.documents))));
        // The caller's word is the last, as in transformers.
        let own = options.variables.iter();
        context.extend(own.map(|(name, value)| (name.clone(), Value::from(Serde(value)))));
        context
    }
}

/// The messages as transformers gives them to a template: fields that are null are left out, and reasoning has all the
/// names that templates know it by.
pub(super) fn normalized(messages: &[Json]) -> Result<Vec<Json>, ChatError> {
    let each = |(at, message): (usize, &Json)| {
        let problem = |problem: &str| ChatError::Message { index: at + 1, problem: problem.to_owned() };
        let Json::Object(fields) = message else {
            return Err(problem("it is not an object with role and content"));
        };
        if !fields.get("role").is_some_and(Json::is_string) {
            return Err(problem("it has no role"));
        }
        let mut fields: Map<String, Json> = fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some(reasoning) = REASONING.iter().find_map(|name| fields.get(*name)).cloned() {
            let mut aliased = Map::new();
            aliased.insert("thinking".to_owned(), reasoning.clone());
            aliased.append(&mut fields);
            aliased.insert("reasoning_content".to_owned(), reasoning);
            fields = aliased;
        }
        Ok(Json::Object(fields))
    };
    messages.iter().enumerate().map(each).collect()
}

/// Refuses texts that have the marks' own characters.
fn check_reserved(messages: &[Json], options: &ChatOptions) -> Result<(), ChatError> {
    fn find(value: &Json) -> Option<char> {
        match value {
            Json::String(text) if has_marks(text) => text.chars().find(|&c| is_mark(c)),
            Json::Array(items) => items.iter().find_map(find),
            Json::Object(fields) => fields.values().find_map(find),
            _ => None,
        }
    }
    let reserved = |place: String, found: char| Err(ChatError::Reserved { place, code: found.into() });
    for (at, message) in messages.iter().enumerate() {
        if let Some(found) = find(message) {
            return reserved(format!("message {}", at + 1), found);
        }
    }
    let lists = [("the tools", &options.tools), ("the documents", &options.documents)];
    for (place, list) in lists {
        if let Some(found) = list.iter().flatten().find_map(find) {
            return reserved(place.to_owned(), found);
        }
    }
    Ok(())
}
