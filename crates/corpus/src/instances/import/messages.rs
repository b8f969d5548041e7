//! OpenAI messages: `role` and `content`, a text or a list of parts, with `tool_calls`, `tool_call_id`, `name` and
//! reasoning kept as they are.

use lang::instance::{Conversation, Message, Role};
use serde_json::{Map, Value, json};

use super::{Bad, bad, kind, list, made, text, tools};

/// Fields of a message that are kept.
const KEPT: [&str; 6] = ["name", "tool_calls", "tool_call_id", "reasoning_content", "thinking", "reasoning"];

pub(super) fn conversation(record: &Map<String, Value>) -> Result<Conversation, Bad> {
    let (name, turns) = list(record, &["messages", "conversations", "conversation"])?;
    let mut messages = Vec::with_capacity(turns.len());
    for (at, turn) in turns.iter().enumerate() {
        let place = |field: &str| format!("{name}[{at}]{field}");
        let Value::Object(turn) = turn else {
            return bad(place(""), format!("{} where an object should be", kind(turn)));
        };
        let within = |bad: Bad| Bad { field: place(&format!(".{}", bad.field)), ..bad };
        let role = match text(turn, "role").map_err(within)?.as_str() {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" | "human" => Role::User,
            "assistant" | "model" => Role::Assistant,
            "tool" | "function" | "ipython" => Role::Tool,
            other => return bad(place(".role"), format!("`{other}` is no known role")),
        };
        let mut message = Message::new(role, "");
        for field in KEPT {
            if let Some(value) = turn.get(field).filter(|value| !value.is_null()) {
                message.more.insert(field.to_owned(), value.clone());
            }
        }
        content(turn, &mut message).map_err(within)?;
        if let Some(call) = turn.get("function_call").filter(|call| !call.is_null()) {
            let calls = json!([{"type": "function", "function": call}]);
            message.more.insert("tool_calls".to_owned(), calls);
        }
        check_calls(&message).map_err(within)?;
        messages.push(message);
    }
    Ok(made(messages, tools(record)?, record))
}

/// What a turn says: a text, nothing beside its calls, or parts.
fn content(turn: &Map<String, Value>, message: &mut Message) -> Result<(), Bad> {
    let parts = match turn.get("content") {
        Some(Value::String(text)) => {
            message.content.clone_from(text);
            return Ok(());
        }
        None | Some(Value::Null) if message.more.contains_key("tool_calls") || turn.contains_key("function_call") => {
            return Ok(());
        }
        Some(Value::Array(parts)) => parts,
        None => return bad("content", "is missing"),
        Some(other) => return bad("content", format!("{} where a text or a list should be", kind(other))),
    };
    let mut calls = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let said = part.as_str().or_else(|| part.get("text").or(part.get("value"))?.as_str());
        match (part.get("type").and_then(Value::as_str).unwrap_or("text"), said) {
            ("text" | "input_text" | "output_text", Some(said)) => message.content.push_str(said),
            ("reasoning" | "thinking", Some(said)) => {
                message.more.insert("reasoning_content".to_owned(), said.into());
            }
            ("tool_call" | "tool_calls", _) => calls.push(tool_call(part, at)?),
            ("tool" | "tool_response" | "tool_result", Some(said)) => message.content.push_str(said),
            (other, _) => return bad(format!("content[{at}]"), format!("parts of type `{other}` are no text")),
        }
    }
    if !calls.is_empty() {
        message.more.insert("tool_calls".to_owned(), calls.into());
    }
    Ok(())
}

/// A call among the parts of a turn, whose value may be an object or a text that spells one.
fn tool_call(part: &Value, at: usize) -> Result<Value, Bad> {
    let value = match part.get("value") {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(value) => Some(value.clone()),
        None => Some(part.clone()),
    };
    match value.as_ref().and_then(|value| Some((value.get("name")?.as_str()?, value.get("arguments")?))) {
        Some((name, arguments)) => Ok(json!({"type": "function", "function": {"name": name, "arguments": arguments}})),
        None => bad(format!("content[{at}]"), "the call has no name and arguments"),
    }
}

fn check_calls(message: &Message) -> Result<(), Bad> {
    let Some(calls) = message.more.get("tool_calls") else { return Ok(()) };
    let Some(calls) = calls.as_array() else {
        return bad("tool_calls", format!("{} where a list should be", kind(calls)));
    };
    for (at, call) in calls.iter().enumerate() {
        let function = call.get("function").unwrap_or(call);
        if function.get("name").and_then(Value::as_str).is_none() {
            return bad(format!("tool_calls[{at}]"), "the call has no name");
        }
    }
    Ok(())
}
