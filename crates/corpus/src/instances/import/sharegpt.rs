//! ShareGPT: `conversations` of `from` and `value`. Tools are called by turns of `function_call`, whose value is JSON, and
//! answer by turns of `observation`.

use lang::instance::{Conversation, Message, Role};
use serde_json::{Map, Value, json};

use super::{Bad, bad, kind, list, made, text, text_or_none, tools};

pub(super) fn conversation(record: &Map<String, Value>) -> Result<Conversation, Bad> {
    let (name, turns) = list(record, &["conversations", "conversation"])?;
    let mut messages: Vec<Message> = Vec::new();
    let system = text_or_none(record, "system")?;
    if !system.trim().is_empty() {
        messages.push(Message::new(Role::System, system));
    }
    for (at, turn) in turns.iter().enumerate() {
        let place = |field: &str| format!("{name}[{at}]{field}");
        let Value::Object(turn) = turn else {
            return bad(place(""), format!("{} where an object should be", kind(turn)));
        };
        let within = |bad: Bad| Bad { field: place(&format!(".{}", bad.field)), ..bad };
        let (from, value) = (text(turn, "from").map_err(within)?, text(turn, "value").map_err(within)?);
        messages.push(match from.to_lowercase().as_str() {
            "human" | "user" | "prompter" => Message::user(value),
            "gpt" | "chatgpt" | "assistant" | "model" | "bot" | "bing" | "bard" => Message::assistant(value),
            "system" => Message::new(Role::System, value),
            "observation" | "tool" | "function" | "function_response" => Message::new(Role::Tool, value),
            "function_call" | "tool_call" => {
                let calls = calls(&value).or_else(|problem| bad(place(".value"), problem))?;
                let mut message = Message::assistant("");
                message.more.insert("tool_calls".to_owned(), calls.into());
                message
            }
            other => return bad(place(".from"), format!("`{other}` is no known speaker")),
        });
    }
    Ok(made(messages, tools(record)?, record))
}

/// The calls that a text spells: one object with `name` and `arguments`, or a list of them.
fn calls(text: &str) -> Result<Vec<Value>, String> {
    let parsed: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let list = match parsed {
        Value::Array(list) => list,
        one => vec![one],
    };
    let call = |call: &Value| -> Result<Value, String> {
        let name = call.get("name").and_then(Value::as_str).ok_or("a call has no name")?;
        let arguments = call.get("arguments").or(call.get("parameters")).cloned().unwrap_or_else(|| json!({}));
        Ok(json!({"type": "function", "function": {"name": name, "arguments": arguments}}))
    };
    list.iter().map(call).collect()
}
