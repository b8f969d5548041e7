//! Alpaca: `instruction`, `input`, `output`, with the turns before in `history` and standing instructions in `system`. An
//! input stands on a line of its own under the instruction.

use lang::instance::{Conversation, Message, Role};
use serde_json::{Map, Value};

use super::{Bad, bad, kind, made, text, text_or_none, tools};

pub(super) fn conversation(record: &Map<String, Value>) -> Result<Conversation, Bad> {
    let mut messages = Vec::new();
    let system = text_or_none(record, "system")?;
    if !system.trim().is_empty() {
        messages.push(Message::new(Role::System, system));
    }
    match record.get("history") {
        None | Some(Value::Null) => {}
        Some(Value::Array(turns)) => {
            for (at, turn) in turns.iter().enumerate() {
                match turn.as_array().map(Vec::as_slice) {
                    Some([Value::String(question), Value::String(answer)]) => {
                        messages.extend([Message::user(question.as_str()), Message::assistant(answer.as_str())]);
                    }
                    _ => return bad(format!("history[{at}]"), "must be a question and its answer"),
                }
            }
        }
        Some(other) => return bad("history", format!("{} where a list should be", kind(other))),
    }
    let (instruction, input) = (text(record, "instruction")?, text_or_none(record, "input")?);
    messages.push(Message::user(match (instruction.trim().is_empty(), input.trim().is_empty()) {
        (_, true) => instruction,
        (true, false) => input,
        (false, false) => format!("{instruction}\n{input}"),
    }));
    let answer = if record.contains_key("output") { "output" } else { "response" };
    messages.push(Message::assistant(text(record, answer)?));
    Ok(made(messages, tools(record)?, record))
}
