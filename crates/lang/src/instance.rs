//! Instances a model is tuned, aligned and measured on, in the field's JSONL shapes: conversations (OpenAI `messages`),
//! preference pairs (TRL's explicit prompt: `prompt`, `chosen`, `rejected`) and evaluation items.

use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Standing instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn of the person.
    pub fn user(content: impl Into<String>) -> Self {
        Message { role: Role::User, content: content.into() }
    }

    /// A turn of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Message { role: Role::Assistant, content: content.into() }
    }
}

/// A conversation to learn from: the model's turns are the targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
