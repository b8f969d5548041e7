//! Dialogue trees of the shape of OpenAssistant (Köpf et al. 2023): a record has a `prompt` with `text`, `role` and
//! `replies`, each of them again a message with replies. A path from the prompt to a leaf is a conversation.

use lang::document::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which paths of a tree become documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paths {
    /// The path of the best-ranked replies; of unranked ones the first.
    #[default]
    Best,
    /// Every path from the prompt to a leaf, a document each.
    All,
}

/// Trees have a handful of paths; what a made-up one has beyond this is left out.
const MAX_PATHS: usize = 10_000;

/// True when a record without text is a dialogue tree.
pub(super) fn is_tree(record: &Map<String, Value>) -> bool {
    record.get("prompt").and_then(Value::as_object).is_some_and(is_message)
}

fn is_message(message: &Map<String, Value>) -> bool {
    message.get("text").is_some_and(Value::is_string) && message.get("replies").is_none_or(Value::is_array)
}

/// The conversations of a tree; `number` names it where it has no id.
pub(super) fn documents(record: &Map<String, Value>, paths: Paths, relative: &str, number: u64) -> Vec<Document> {
    let Some(prompt) = record.get("prompt").and_then(Value::as_object) else { return Vec::new() };
    let id = match record.get("message_tree_id").or_else(|| prompt.get("message_id")).and_then(Value::as_str) {
        Some(id) => id.to_string(),
        None => format!("{relative}#{number}"),
    };
    let mut found = Vec::new();
    walk(prompt, paths, &mut Vec::new(), &mut found);
    let several = paths == Paths::All;
    let lang =
        prompt.get("lang").and_then(Value::as_str).map(|lang| lang.split('-').next().unwrap_or(lang).to_string());
    let conversations = found.into_iter().enumerate();
    conversations
        .map(|(index, path)| {
            let turns: Vec<String> = path.iter().map(|message| turn(message)).collect();
            let mut document = Document {
                id: if several { format!("{id}#{}", index + 1) } else { id.clone() },
                text: turns.join("\n\n"),
                source: relative.to_string(),
                lang: lang.clone(),
                ..Document::default()
            };
            document.meta.insert("turns".to_string(), turns.len().into());
            document
        })
        .collect()
}

type Message = Map<String, Value>;

fn walk<'m>(message: &'m Message, paths: Paths, so_far: &mut Vec<&'m Message>, found: &mut Vec<Vec<&'m Message>>) {
    if found.len() >= MAX_PATHS {
        return;
    }
    so_far.push(message);
    let mut replies: Vec<&Message> = message
        .get("replies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(|reply| is_message(reply) && reply.get("deleted") != Some(&Value::Bool(true)))
        .collect();
    // Rank 0 is best; the sort is stable, so unranked replies stay in their order behind.
    replies.sort_by_key(|reply| reply.get("rank").and_then(Value::as_u64).unwrap_or(u64::MAX));
    if paths == Paths::Best {
        replies.truncate(1);
    }
    if replies.is_empty() {
        found.push(so_far.clone());
    }
    for reply in replies {
        walk(reply, paths, so_far, found);
    }
    so_far.pop();
}

fn turn(message: &Message) -> String {
    let text = message.get("text").and_then(Value::as_str).unwrap_or_default().trim();
    match message.get("role").and_then(Value::as_str) {
        Some("prompter" | "user") => format!("User: {text}"),
        Some("assistant") => format!("Assistant: {text}"),
        Some(other) => format!("{other}: {text}"),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = r#"{"message_tree_id":"t","tree_state":"ready","prompt":{"text":"Why?","role":"prompter","lang":"en",
        "replies":[
          {"text":"Worse.","role":"assistant","rank":1,"replies":[{"text":"Oh.","role":"prompter","replies":[]}]},
          {"text":"Gone.","role":"assistant","rank":0,"deleted":true,"replies":[]},
          {"text":"Better.","role":"assistant","rank":0,"replies":[{"text":"Thanks.","role":"prompter"},{"text":"No.","role":"prompter"}]}
        ]}}"#;

    #[test]
    fn paths_become_conversations() {
        let record: Map<String, Value> = serde_json::from_str(TREE).unwrap();
        assert!(is_tree(&record));
        let texts = |paths| -> Vec<(String, String)> {
            documents(&record, paths, "x.jsonl", 1).into_iter().map(|d| (d.id, d.text.replace("\n\n", "|"))).collect()
        };
        let best = "User: Why?|Assistant: Better.|User: Thanks.";
        assert_eq!(texts(Paths::Best), [("t".to_string(), best.to_string())]);
        let all = [best, "User: Why?|Assistant: Better.|User: No.", "User: Why?|Assistant: Worse.|User: Oh."];
        let expected: Vec<(String, String)> =
            all.iter().enumerate().map(|(index, text)| (format!("t#{}", index + 1), (*text).to_string())).collect();
        assert_eq!(texts(Paths::All), expected);
        let other: Map<String, Value> = serde_json::from_str(r#"{"prompt":"Say it.","completion":"It."}"#).unwrap();
        assert!(!is_tree(&other));
    }
}
