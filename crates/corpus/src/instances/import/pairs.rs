//! Pairs of a prompt and its completion, and the tasks of Self-Instruct, each of whose instances is a pair.

use lang::instance::{Conversation, Message};
use serde_json::{Map, Value};

use super::{Bad, alpaca, bad, list, made, text};

pub(super) fn conversation(record: &Map<String, Value>) -> Result<Conversation, Bad> {
    let answer = if record.contains_key("completion") { "completion" } else { "response" };
    // Completions of the older interfaces begin with the space between the two.
    let messages =
        vec![Message::user(text(record, "prompt")?.trim_end()), Message::assistant(text(record, answer)?.trim_start())];
    let mut found = made(messages, Vec::new(), record);
    if let (true, Some(Value::String(template))) = (found.task.is_empty(), record.get("template")) {
        found.task = template.clone();
    }
    Ok(found)
}

/// One conversation for every instance of a task.
pub(super) fn task(record: &Map<String, Value>) -> Result<Vec<Conversation>, Bad> {
    let instruction = text(record, "instruction")?;
    let mut out = Vec::new();
    for (at, instance) in list(record, &["instances"])?.1.iter().enumerate() {
        let Value::Object(instance) = instance else {
            return bad(format!("instances[{at}]"), "must be an object with input and output");
        };
        let mut instance = instance.clone();
        instance.insert("instruction".to_owned(), instruction.as_str().into());
        let found = alpaca::conversation(&instance);
        let mut found = found.map_err(|bad| Bad { field: format!("instances[{at}].{}", bad.field), ..bad })?;
        if let Some(Value::String(id)) = record.get("id") {
            found.id = if at == 0 { id.clone() } else { format!("{id}.{at}") };
        }
        if let Some(Value::String(name)) = record.get("name") {
            found.task = name.clone();
        }
        out.push(found);
    }
    Ok(out)
}
