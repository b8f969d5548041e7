//! Daily chat in the shapes it is published in, made into conversations of ours: Alpaca, ShareGPT, OpenAI messages,
//! OpenAssistant trees, and pairs of a prompt and its completion. Which shape a file has is told from its first record.
//!
//! A record that cannot be used is counted, named with its line and field, and passed over.

mod alpaca;
mod messages;
mod pairs;
pub(super) mod records;
mod sharegpt;
mod trees;

use std::fmt;
use std::path::Path;

use lang::instance::{Conversation, Message, Role};
use serde_json::{Map, Value};

use crate::CorpusError;

/// What a file of conversations may look like; one file a shape, and here the list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `instruction`, `input`, `output` (also `system` and `history`).
    Alpaca,
    /// `conversations` of `from` and `value`.
    ShareGpt,
    /// `messages` of `role` and `content`, with `tools` and `tool_calls`.
    Messages,
    /// One tree of replies a record: `prompt` with `replies`.
    Trees,
    /// One message a record, with the message it answers: `message_id`, `parent_id`.
    TreeMessages,
    /// `prompt` and `completion`.
    Pairs,
    /// Tasks as Self-Instruct writes them: `instruction` and `instances`.
    Tasks,
}

impl Shape {
    /// All shapes, in the order in which they are tried.
    pub const ALL: [Shape; 7] = [
        Shape::Trees,
        Shape::TreeMessages,
        Shape::Messages,
        Shape::ShareGpt,
        Shape::Tasks,
        Shape::Alpaca,
        Shape::Pairs,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Alpaca => "alpaca",
            Shape::ShareGpt => "sharegpt",
            Shape::Messages => "openai",
            Shape::Trees => "oasst-trees",
            Shape::TreeMessages => "oasst-messages",
            Shape::Pairs => "pairs",
            Shape::Tasks => "self-instruct",
        }
    }

    /// The fields by which it is told.
    fn fits(self, record: &Map<String, Value>) -> bool {
        let has = |name: &str| record.contains_key(name);
        let list_of = |name: &str, field: &str| {
            let list = record.get(name).and_then(Value::as_array);
            list.is_some_and(|list| list.first().is_some_and(|item| item.get(field).is_some()))
        };
        match self {
            Shape::Trees => record.get("prompt").is_some_and(|prompt| prompt.get("replies").is_some()),
            Shape::TreeMessages => has("message_id") && has("parent_id"),
            Shape::Messages => {
                list_of("messages", "role") || list_of("conversations", "role") || list_of("conversation", "role")
            }
            Shape::ShareGpt => list_of("conversations", "from") || list_of("conversation", "from"),
            Shape::Tasks => has("instruction") && list_of("instances", "output"),
            Shape::Alpaca => has("instruction") && (has("output") || has("response")),
            Shape::Pairs => has("prompt") && (has("completion") || has("response")),
        }
    }
}

/// How a file is made into conversations.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// What the file looks like; none: told from its first record.
    pub shape: Option<Shape>,
    /// Of a tree of replies take every path, not the best one alone.
    pub all_paths: bool,
}

/// Why a record is no conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file on which the record begins, from 1.
    pub line: usize,
    /// The field, as `messages[2].content`; empty for the record as a whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(formatter, "{}: {}", self.line, self.problem),
            field => write!(formatter, "{}: {field}: {}", self.line, self.problem),
        }
    }
}

/// What a file gave.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The shape it had.
    pub shape: Shape,
    /// The conversations, in the order of the file.
    pub conversations: Vec<Conversation>,
    /// Records read.
    pub records: usize,
    /// Records that could not be used.
    pub faults: Vec<Fault>,
}

/// What is wrong with one field.
#[derive(Debug)]
struct Bad {
    field: String,
    problem: String,
}

fn bad<T>(field: impl Into<String>, problem: impl Into<String>) -> Result<T, Bad> {
    Err(Bad { field: field.into(), problem: problem.into() })
}

/// Reads the file `path`, a JSON array or JSON lines, also packed by gzip or zstd.
///
/// # Errors
/// The file cannot be read, is no JSON, is of no known shape, or has not one record that can be used.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Imported, CorpusError> {
    let records::Records { records, mut faults } = records::read(path)?;
    let n_records = records.len() + faults.len();
    let first = records.iter().find_map(|(_, record)| record.as_object());
    let shape = match (options.shape, first) {
        (Some(shape), _) => shape,
        (None, Some(first)) => detect(path, first)?,
        (None, None) => return Err(nothing(path, n_records, &faults)),
    };
    let mut conversations = Vec::new();
    if shape == Shape::TreeMessages {
        trees::from_messages(&records, options.all_paths, &mut conversations, &mut faults);
    } else {
        for (line, record) in &records {
            let found = match record {
                Value::Object(record) => one(shape, record, options),
                other => bad("", format!("{} where an object should be", kind(other))),
            };
            let named = |mut conversation: Conversation, number: usize| {
                if conversation.id.is_empty() {
                    conversation.id = if number == 0 { format!("{line}") } else { format!("{line}.{number}") };
                }
                conversation
            };
            match found.and_then(|found| found.into_iter().map(checked).collect::<Result<Vec<_>, _>>()) {
                Ok(found) => {
                    conversations.extend(found.into_iter().enumerate().map(|(number, found)| named(found, number)))
                }
                Err(Bad { field, problem }) => faults.push(Fault { line: *line, field, problem }),
            }
        }
    }
    faults.sort_by_key(|fault| fault.line);
    if conversations.is_empty() {
        return Err(nothing(path, n_records, &faults));
    }
    Ok(Imported { shape, conversations, records: n_records, faults })
}

fn nothing(path: &Path, records: usize, faults: &[Fault]) -> CorpusError {
    let first = faults.first().map(|fault| format!("; first: {}:{fault}", path.display())).unwrap_or_default();
    CorpusError::NoConversations { path: path.to_owned(), records, first }
}

fn detect(path: &Path, first: &Map<String, Value>) -> Result<Shape, CorpusError> {
    Shape::ALL.into_iter().find(|shape| shape.fits(first)).ok_or_else(|| {
        let fields = first.keys().take(12).map(String::as_str).collect::<Vec<_>>().join(", ");
        let is_preference = first.contains_key("chosen");
        let hint = if is_preference { "\nhint: preference pairs go to `onto align` as they are" } else { "" };
        CorpusError::UnknownShape { path: path.to_owned(), fields, hint: hint.to_owned() }
    })
}

fn one(shape: Shape, record: &Map<String, Value>, options: &ImportOptions) -> Result<Vec<Conversation>, Bad> {
    match shape {
        Shape::Alpaca => alpaca::conversation(record).map(|found| vec![found]),
        Shape::ShareGpt => sharegpt::conversation(record).map(|found| vec![found]),
        Shape::Messages => messages::conversation(record).map(|found| vec![found]),
        Shape::Trees => trees::from_tree(record, options.all_paths),
        Shape::Pairs => pairs::conversation(record).map(|found| vec![found]),
        Shape::Tasks => pairs::task(record),
        Shape::TreeMessages => bad("", "messages of trees are read together"),
    }
}

/// What every conversation must be: turns in order, and something to learn.
fn checked(conversation: Conversation) -> Result<Conversation, Bad> {
    let messages = &conversation.messages;
    let mut before: Option<&Message> = None;
    for (at, message) in messages.iter().enumerate() {
        let field = || format!("message {}", at + 1);
        let calls = message.more.contains_key("tool_calls");
        match (message.role, before.map(|before| before.role)) {
            (Role::System | Role::Developer, _) => continue,
            (Role::Assistant, None) => return bad(field(), "the conversation begins with the model"),
            (Role::Tool, None | Some(Role::User)) => return bad(field(), "a tool answers without being called"),
            (Role::User, Some(Role::User)) => return bad(field(), "two turns of the person in a row"),
            (Role::Assistant, Some(Role::Assistant)) => return bad(field(), "two turns of the model in a row"),
            _ => {}
        }
        if message.content.trim().is_empty() && !calls && message.role != Role::Tool {
            return bad(field(), format!("the turn ({}) is empty", message.role.name()));
        }
        before = Some(message);
    }
    match messages.iter().any(|message| message.role == Role::Assistant) {
        true => Ok(conversation),
        false => bad("", "there is no turn of the model to learn from"),
    }
}

/// The text of `field`, which must be there.
fn text(record: &Map<String, Value>, field: &str) -> Result<String, Bad> {
    match record.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => bad(field, format!("{} where a text should be", kind(other))),
        None => bad(field, "is missing"),
    }
}

/// The text of `field`, empty where it is missing or null.
fn text_or_none(record: &Map<String, Value>, field: &str) -> Result<String, Bad> {
    match record.get(field) {
        None | Some(Value::Null) => Ok(String::new()),
        _ => text(record, field),
    }
}

/// A list under any of `names`, with the name it has.
fn list<'a>(record: &'a Map<String, Value>, names: &[&'static str]) -> Result<(&'static str, &'a Vec<Value>), Bad> {
    for &name in names {
        match record.get(name) {
            Some(Value::Array(list)) => return Ok((name, list)),
            None => {}
            Some(other) => return bad(name, format!("{} where a list should be", kind(other))),
        }
    }
    bad(names[0], "is missing")
}

/// Definitions of tools: a list, or a text that spells one.
fn tools(record: &Map<String, Value>) -> Result<Vec<Value>, Bad> {
    match record.get("tools") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(tools)) => Ok(tools.iter().cloned().map(wrapped).collect()),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(tools)) => Ok(tools.into_iter().map(wrapped).collect()),
            Ok(other) => bad("tools", format!("{} where a list should be", kind(&other))),
            Err(error) => bad("tools", format!("no JSON: {error}")),
        },
        Some(other) => bad("tools", format!("{} where a list should be", kind(other))),
    }
}

/// A tool as templates expect it: the function inside an object that says it is one.
fn wrapped(tool: Value) -> Value {
    match tool.get("function").is_none() && tool.get("name").is_some() {
        true => serde_json::json!({"type": "function", "function": tool}),
        false => tool,
    }
}

fn made(messages: Vec<Message>, tools: Vec<Value>, record: &Map<String, Value>) -> Conversation {
    let word = |names: &[&str]| {
        let found = names.iter().find_map(|name| record.get(*name));
        match found {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    };
    Conversation {
        id: word(&["id", "conversation_id", "uuid"]),
        messages,
        task: word(&["task"]),
        lang: word(&["lang", "language"]),
        tools,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
