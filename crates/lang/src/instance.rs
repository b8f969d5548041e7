//! Instances a model is tuned, aligned and measured on, in the field's JSONL shapes: conversations (OpenAI `messages`),
//! preference pairs (TRL's explicit prompt: `prompt`, `chosen`, `rejected`) and evaluation items.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Standing instructions.
    System,
    /// Standing instructions of who built the application, as newer formats tell them apart.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// What a tool gave back.
    Tool,
}

impl Role {
    /// The name as it stands in files and templates.
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; empty where the model only calls tools.
    #[serde(default, deserialize_with = "text_or_null")]
    pub content: String,
    /// Further fields as OpenAI has them (`tool_calls`, `tool_call_id`, `name`, `reasoning_content`), for the template.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// `null` is no text; so is it written where a message only calls tools.
fn text_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

impl Message {
    /// A turn of `role` that says `content`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Message { role, content: content.into(), more: Map::new() }
    }

    /// A turn of the person.
    pub fn user(content: impl Into<String>) -> Self {
        Message::new(Role::User, content)
    }

    /// A turn of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Message::new(Role::Assistant, content)
    }

    /// The message as templates see it.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("role".to_owned(), self.role.name().into());
        // A turn that only calls tools has no content at all, which some templates ask for.
        if !self.content.is_empty() || !self.more.contains_key("tool_calls") {
            fields.insert("content".to_owned(), self.content.as_str().into());
        }
        fields.extend(self.more.iter().map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(fields)
    }
}

/// A conversation to learn from: the model's turns are the targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Stable name inside its set.
    #[serde(default)]
    pub id: String,
    /// The turns, oldest first.
    pub messages: Vec<Message>,
    /// What the conversation practises (`facts`, `arithmetic`, …).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// ISO 639-1 code, where known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lang: String,
    /// Definitions of the tools the model may call, as JSON schemas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
}

/// Two answers to one prompt, the first preferred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// Stable name inside its set.
    #[serde(default)]
    pub id: String,
    /// The turns before the answer, oldest first; the last is the person's.
    pub prompt: Vec<Message>,
    /// The preferred answer.
    pub chosen: String,
    /// The other answer.
    pub rejected: String,
    /// What the pair is about (`helpful`, `honest`, `harmless`, …).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// ISO 639-1 code, where known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

/// One item of an evaluation: the answer is right when, after the item's extraction, it equals `answer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalItem {
    /// Stable name inside its set.
    #[serde(default)]
    pub id: String,
    /// Which score it counts for (`facts`, `arithmetic`, `format`, …).
    pub task: String,
    /// The turns before the answer, oldest first; the last is the person's.
    pub prompt: Vec<Message>,
    /// The expected answer, whole, as a good model would write it.
    pub answer: String,
    /// How the compared part is taken from an answer.
    #[serde(default)]
    pub extract: Extract,
    /// ISO 639-1 code, where known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

/// Which part of an answer is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extract {
    /// The whole answer, surrounding white space apart.
    #[default]
    Whole,
    /// The last run of digits (with its sign): for sums with worked steps.
    LastNumber,
}
