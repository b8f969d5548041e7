//! Renders chat templates for a comparison with the reference: every line of stdin is
//! `{"template", "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "variables"}`, every
//! line of stdout `{"text"}` or `{"error"}`, with the spans of the messages.

use std::io::{BufRead, Write};

use lang::chat::{ChatOptions, ChatTemplate};
use serde_json::{Value, json};

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let answer = match render(&line) {
            Ok(answer) => answer,
            Err(error) => json!({"error": error.to_string()}),
        };
        if writeln!(out, "{answer}").is_err() {
            return;
        }
    }
}

fn render(line: &str) -> Result<Value, Box<dyn std::error::Error>> {
    let case: Value = serde_json::from_str(line)?;
    let list = |name: &str| case[name].as_array().cloned();
    let options = ChatOptions {
        tools: list("tools"),
        documents: list("documents"),
        add_generation_prompt: case["add_generation_prompt"] == true,
        continue_final_message: case["continue_final_message"] == true,
        variables: case["variables"].as_object().cloned().unwrap_or_default(),
    };
    let template = ChatTemplate::new(case["template"].as_str().ok_or("no template")?, Vec::new())?;
    let messages = list("messages").unwrap_or_default();
    let text = template.render_json(&messages, &options)?;
    let placed = match options.continue_final_message {
        true => Value::Null,
        false => match template.place(&messages, &options, &|_| false) {
            Ok(placed) => json!({
                "unplaced": placed.unplaced,
                "generation": placed.generation.iter().map(|block| &placed.text[block.clone()]).collect::<Vec<_>>(),
                "spans": placed.spans.iter().map(|span| json!([span.message, &placed.text[span.range.clone()]])).collect::<Vec<_>>(),
            }),
            Err(error) => json!({"error": error.to_string()}),
        },
    };
    Ok(json!({"text": text, "placed": placed}))
}
