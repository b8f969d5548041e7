//! OpenAssistant: trees of replies, where each message may have several answers, ranked by people. The best path takes at
//! every message the answer of lowest rank; all paths take every way from the first message to a last answer.

use std::collections::HashMap;

use lang::instance::{Conversation, Message, Role};
use serde_json::{Map, Value};

use super::{Bad, Fault, bad, checked, kind, text};

/// Paths of one tree; more come from files that are no trees of people.
const MOST_PATHS: usize = 10_000;

/// A message of a tree.
struct Node {
    id: String,
    message: Message,
    lang: String,
    /// 0 is the best; messages that nobody ranked come last.
    rank: i64,
    replies: Vec<usize>,
}

fn node(fields: &Map<String, Value>) -> Result<Node, Bad> {
    let role = match text(fields, "role")?.as_str() {
        "prompter" | "user" | "human" => Role::User,
        "assistant" => Role::Assistant,
        other => return bad("role", format!("`{other}` is no known role")),
    };
    let word = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rank = fields.get("rank").and_then(Value::as_f64).map_or(i64::MAX, |rank| rank as i64);
    Ok(Node {
        id: word("message_id"),
        message: Message::new(role, text(fields, "text")?),
        lang: word("lang"),
        rank,
        replies: Vec::new(),
    })
}

fn is_deleted(fields: &Map<String, Value>) -> bool {
    fields.get("deleted") == Some(&Value::Bool(true))
}

/// The conversations of a tree that stands in one record.
pub(super) fn from_tree(record: &Map<String, Value>, all_paths: bool) -> Result<Vec<Conversation>, Bad> {
    let mut nodes: Vec<Node> = Vec::new();
    // Messages to visit, each with the node it answers and its place in the record.
    let mut open: Vec<(&Value, Option<usize>, String)> = Vec::new();
    open.extend(record.get("prompt").map(|prompt| (prompt, None, "prompt".to_owned())));
    while let Some((value, parent, place)) = open.pop() {
        let Value::Object(fields) = value else {
            return bad(place, format!("{} where an object should be", kind(value)));
        };
        if is_deleted(fields) {
            continue;
        }
        let found = node(fields).map_err(|bad| Bad { field: format!("{place}.{}", bad.field), ..bad })?;
        let at = nodes.len();
        nodes.push(found);
        if let Some(parent) = parent {
            nodes[parent].replies.push(at);
        }
        match fields.get("replies") {
            None | Some(Value::Null) => {}
            // The last is visited first, so that replies end up in their order.
            Some(Value::Array(replies)) => open.extend(
                replies
                    .iter()
                    .enumerate()
                    .rev()
                    .map(|(number, reply)| (reply, Some(at), format!("{place}.replies[{number}]"))),
            ),
            Some(other) => return bad(format!("{place}.replies"), format!("{} where a list should be", kind(other))),
        }
    }
    if nodes.is_empty() {
        return bad("prompt", "is missing or deleted");
    }
    Ok(paths(&nodes, 0, all_paths))
}

/// The conversations of trees whose messages stand one a record, in the order of their first messages.
pub(super) fn from_messages(
    records: &[(usize, Value)],
    all_paths: bool,
    conversations: &mut Vec<Conversation>,
    faults: &mut Vec<Fault>,
) {
    let mut nodes: Vec<Node> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut parents: Vec<(usize, Option<String>)> = Vec::new();
    for (line, record) in records {
        let found = match record {
            Value::Object(fields) if is_deleted(fields) => continue,
            Value::Object(fields) => text(fields, "message_id").and_then(|_| node(fields)),
            other => bad("", format!("{} where an object should be", kind(other))),
        };
        match found {
            Ok(found) if places.contains_key(&found.id) => {
                faults.push(Fault {
                    line: *line,
                    field: "message_id".to_owned(),
                    problem: format!("`{}` stands twice", found.id),
                });
            }
            Ok(found) => {
                places.insert(found.id.clone(), nodes.len());
                parents.push((*line, record.get("parent_id").and_then(Value::as_str).map(str::to_owned)));
                nodes.push(found);
            }
            Err(Bad { field, problem }) => faults.push(Fault { line: *line, field, problem }),
        }
    }
    let mut roots = Vec::new();
    for (at, (line, parent)) in parents.into_iter().enumerate() {
        match parent.map(|parent| places.get(&parent).copied().ok_or(parent)) {
            None => roots.push((at, line)),
            Some(Ok(parent)) => nodes[parent].replies.push(at),
            Some(Err(parent)) => {
                let problem = format!("there is no message `{parent}`");
                faults.push(Fault { line, field: "parent_id".to_owned(), problem });
            }
        }
    }
    for (root, line) in roots {
        for path in paths(&nodes, root, all_paths) {
            match checked(path) {
                Ok(path) => conversations.push(path),
                Err(Bad { field, problem }) => faults.push(Fault { line, field, problem }),
            }
        }
    }
}

/// The best path from `root`, or all of them, each up to its last answer of the model.
fn paths(nodes: &[Node], root: usize, all_paths: bool) -> Vec<Conversation> {
    let mut found: Vec<Vec<usize>> = Vec::new();
    // Paths not yet at their end. Trees have no cycles: a node is reached from the one message it answers.
    let mut open = vec![vec![root]];
    while let Some(path) = open.pop() {
        let last = path[path.len() - 1];
        let mut replies = nodes[last].replies.clone();
        replies.sort_by_key(|&reply| nodes[reply].rank);
        if !all_paths {
            replies.truncate(1);
        }
        if replies.is_empty() || path.len() > nodes.len() || found.len() >= MOST_PATHS {
            let end = path.iter().rposition(|&at| nodes[at].message.role == Role::Assistant).map_or(0, |at| at + 1);
            if end > 0 && !found.iter().any(|known| known[..] == path[..end]) {
                found.push(path[..end].to_vec());
            }
            continue;
        }
        open.extend(replies.into_iter().rev().map(|reply| path.iter().copied().chain([reply]).collect()));
    }
    let conversation = |path: &Vec<usize>| Conversation {
        id: nodes[path[path.len() - 1]].id.clone(),
        messages: path.iter().map(|&at| nodes[at].message.clone()).collect(),
        lang: nodes[root].lang.clone(),
        ..Conversation::default()
    };
    found.iter().map(conversation).collect()
}
