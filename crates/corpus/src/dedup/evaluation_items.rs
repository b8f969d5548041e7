//! Evaluation sets of any of the usual shapes, as what is looked for in a corpus: a prompt and its right answer.
//!
//! The keys of a JSON line say what it is; wrappers such as `Question:` and `Answer:` are taken off, since a leaked item
//! seldom carries them. Text files give an item for every line.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::CorpusError;

/// One item of an evaluation set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluationItem {
    /// Its name: its own id, or file and line.
    pub id: String,
    /// What is asked or shown.
    pub prompt: String,
    /// The right answer or continuation; empty where there is none.
    pub answer: String,
}

/// Keys that hold the prompt, the most telling first.
const PROMPTS: [&str; 16] = [
    "query",
    "question",
    "prompt",
    "ctx",
    "context",
    "instruction",
    "input",
    "goal",
    "premise",
    "problem",
    "sentence",
    "text",
    "passage",
    "story",
    "source",
    "sentence1",
];
/// Keys that stand before the prompt, where there are any.
const BEFORE: [&str; 3] = ["passage", "context", "article"];
/// Keys that hold the answer as text.
const ANSWERS: [&str; 9] =
    ["continuation", "answer", "answers", "target", "output", "completion", "response", "label", "gold"];
/// Keys that hold choices.
const CHOICES: [&str; 5] = ["choices", "endings", "options", "context_options", "answers"];

impl EvaluationItem {
    /// Reads one JSON line; none when it has no text that could be looked for. `place` names the item when it has no id.
    pub fn from_json(value: &Value, place: &str) -> Option<EvaluationItem> {
        let map = match value {
            Value::String(text) => {
                return Some(EvaluationItem { id: place.to_string(), prompt: bare(text), answer: String::new() });
            }
            Value::Object(map) => map,
            _ => return None,
        };
        let id = ["id", "ind", "task_id", "question_id"].iter().find_map(|key| scalar(map.get(*key)?));
        let task = map.get("task").or_else(|| map.get("subject")).and_then(Value::as_str);
        let id = match (task, id) {
            (Some(task), Some(id)) => format!("{task}/{id}"),
            (None, Some(id)) => format!("{place}#{id}"),
            _ => place.to_string(),
        };
        let choices = CHOICES.iter().find_map(|key| Some((*key, choice_texts(map.get(*key)?)?)));
        let right = choices.as_ref().and_then(|(_, choices)| right_choice(map, choices));
        // Winograd schemas: the choices are the beginnings.
        if let (Some(("context_options", _)), Some(begin)) = (&choices, &right) {
            let rest = map.get("continuation").and_then(Value::as_str).unwrap_or_default();
            return Some(EvaluationItem { id, prompt: bare(&format!("{begin} {rest}")), answer: String::new() });
        }
        let (key, mut prompt) = PROMPTS.iter().find_map(|key| Some((*key, text_of(map.get(*key)?)?)))?;
        if let Some(before) = BEFORE.iter().filter(|before| **before != key).find_map(|key| map.get(*key)?.as_str()) {
            prompt = format!("{before}\n{prompt}");
        }
        let answer = right
            .or_else(|| ANSWERS.iter().filter(|other| **other != key).find_map(|key| text_of(map.get(*key)?)))
            .unwrap_or_default();
        Some(EvaluationItem { id, prompt: bare(&prompt), answer: answer.trim().to_string() })
    }

    /// The lines of a text file.
    pub fn from_text(text: &str, name: &str) -> Vec<EvaluationItem> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(number, line)| EvaluationItem {
                id: format!("{name}:{}", number + 1),
                prompt: line.trim().to_string(),
                answer: String::new(),
            })
            .collect()
    }
}

/// Reads evaluation sets: files or folders (recursively, in path order; hidden files are passed over) of `.jsonl`,
/// `.json` and `.txt`, also `.gz` and `.zst`. What cannot be used is named in the second list, and nothing else is left out.
///
/// # Errors
/// [`CorpusError::Missing`], [`CorpusError::Io`], [`CorpusError::Memory`] for sets of more than `memory` bytes of text,
/// [`CorpusError::NoDocuments`] when no item was found.
pub fn read_evaluation_items(
    paths: &[PathBuf],
    memory: u64,
) -> Result<(Vec<EvaluationItem>, Vec<String>), CorpusError> {
    let (mut items, mut problems) = (Vec::new(), Vec::new());
    let (mut files, mut left) = (0, memory);
    for path in paths {
        let mut found = Vec::new();
        collect(path, &mut found)?;
        files += found.len();
        for file in found {
            let name = file.strip_prefix(path).ok().filter(|rest| !rest.as_os_str().is_empty());
            let name = name.map_or_else(|| file.file_name().map(PathBuf::from).unwrap_or_default(), Path::to_path_buf);
            let before = items.len();
            read_file(&file, &name.to_string_lossy(), left, &mut items, &mut problems)?;
            let read: usize = items[before..].iter().map(|item| item.prompt.len() + item.answer.len()).sum();
            left = left.saturating_sub(read as u64);
        }
    }
    if items.is_empty() {
        let first = problems.first().map(|problem| format!("; first: {problem}")).unwrap_or_default();
        let path = paths.first().cloned().unwrap_or_default();
        return Err(CorpusError::NoDocuments { path, files, problems: problems.len(), first });
    }
    Ok((items, problems))
}

/// Files below a path, in path order. Links to folders are not followed, so there are no loops.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), CorpusError> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CorpusError::Missing { path: path.to_owned() },
        _ => CorpusError::io(path, "read", error),
    })?;
    if metadata.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let fail = |error| CorpusError::io(path, "read", error);
    let entries = std::fs::read_dir(path).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let mut entries: Vec<(PathBuf, bool)> = entries
        .iter()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir())))
        .collect();
    entries.sort();
    for (path, is_folder) in entries {
        if is_folder {
            collect(&path, files)?;
        } else if path.is_file() && !path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("readme.md")) {
            files.push(path);
        }
    }
    Ok(())
}

fn read_file(
    path: &Path,
    name: &str,
    most: u64,
    items: &mut Vec<EvaluationItem>,
    problems: &mut Vec<String>,
) -> Result<(), CorpusError> {
    let fail = |error| CorpusError::io(path, "read", error);
    let file = BufReader::new(File::open(path).map_err(fail)?);
    let (inner, unpacked): (&str, Box<dyn Read>) = if let Some(inner) = name.strip_suffix(".gz") {
        (inner, Box::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else if let Some(inner) = name.strip_suffix(".zst") {
        (inner, Box::new(zstd::stream::read::Decoder::with_buffer(file).map_err(fail)?))
    } else {
        (name, Box::new(file))
    };
    let kind = Path::new(inner).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if !["jsonl", "ndjson", "json", "txt", "md"].contains(&kind.as_str()) {
        problems.push(format!("{}: evaluation sets are .jsonl, .json and .txt (also .gz, .zst)", path.display()));
        return Ok(());
    }
    let mut bytes = Vec::new();
    // JSON has more bytes than its texts.
    let limit = most.saturating_mul(4);
    if let Err(error) = unpacked.take(limit + 1).read_to_end(&mut bytes) {
        problems.push(format!("{}: {error} after {} bytes", path.display(), bytes.len()));
    }
    if bytes.len() as u64 > limit {
        return Err(CorpusError::memory(
            format!("the evaluation set {}", path.display()),
            most.saturating_mul(8),
            most,
        ));
    }
    let text = String::from_utf8_lossy(&bytes);
    if ["txt", "md"].contains(&kind.as_str()) {
        items.extend(EvaluationItem::from_text(&text, name));
        return Ok(());
    }
    if kind == "json"
        && let Ok(Value::Array(values)) = serde_json::from_str::<Value>(&text)
    {
        for (number, value) in values.iter().enumerate() {
            match EvaluationItem::from_json(value, &format!("{name}:{}", number + 1)) {
                Some(item) => items.push(item),
                None => problems.push(format!("{}, item {}: no text to look for", path.display(), number + 1)),
            }
        }
        return Ok(());
    }
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{name}:{}", number + 1);
        match serde_json::from_str(line).map(|value| EvaluationItem::from_json(&value, &place)) {
            Ok(Some(item)) => items.push(item),
            Ok(None) => problems.push(format!("{}, line {}: no text to look for", path.display(), number + 1)),
            Err(error) => problems.push(format!("{}, line {}: {error}", path.display(), number + 1)),
        }
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text, the text of a list's first member, or the last turn of a person in a list of messages.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Array(items) => {
            let turns = items.iter().rev().find(|item| item.get("role").and_then(Value::as_str) == Some("user"));
            match turns {
                Some(turn) => turn.get("content").and_then(Value::as_str).map(str::to_string),
                None => items.first().and_then(text_of),
            }
        }
        Value::Object(map) => ["text", "content", "value"].iter().find_map(|key| text_of(map.get(*key)?)),
        _ => None,
    }
}

fn choice_texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text_of).collect(),
        // ARC: {"text": [...], "label": [...]}.
        Value::Object(map) => choice_texts(map.get("text")?),
        _ => None,
    }
}

/// The choice that `gold`, `answer` or `label` names by number or letter, or repeats.
fn right_choice(map: &Map<String, Value>, choices: &[String]) -> Option<String> {
    let named = ["gold", "answer", "label", "answerKey", "correct"].iter().find_map(|key| map.get(*key))?;
    let index = match named {
        Value::Number(number) => number.as_u64()? as usize,
        Value::String(text) => {
            if choices.contains(text) {
                return Some(text.clone());
            }
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(letter @ 'A'..='Z'), None) => letter as usize - 'A' as usize,
                (Some(digit @ '0'..='9'), None) => digit as usize - '0' as usize,
                _ => return None,
            }
        }
        _ => return None,
    };
    choices.get(index).cloned()
}

/// Without the labels that evaluation harnesses put around a question.
fn bare(text: &str) -> String {
    const OPENERS: [&str; 6] = ["question:", "q:", "passage:", "context:", "problem:", "goal:"];
    const CLOSERS: [&str; 2] = ["answer:", "a:"];
    let mut text = text.trim();
    for opener in OPENERS {
        if text.len() >= opener.len() && text.is_char_boundary(opener.len()) {
            let (head, rest) = text.split_at(opener.len());
            if head.eq_ignore_ascii_case(opener) {
                text = rest.trim_start();
                break;
            }
        }
    }
    for closer in CLOSERS {
        let start = text.len().saturating_sub(closer.len());
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        if text.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(closer))
            && before.is_none_or(|c| !c.is_alphanumeric())
        {
            text = text[..start].trim_end();
            break;
        }
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_of_known_sets() {
        let check = |value: Value, prompt: &str, answer: &str| {
            let item = EvaluationItem::from_json(&value, "file:1").unwrap();
            assert_eq!((item.prompt.as_str(), item.answer.as_str()), (prompt, answer), "{value}");
        };
        check(json!({"query": "Question: Why?\nAnswer:", "choices": ["no", "yes"], "gold": 1}), "Why?", "yes");
        check(json!({"question": "Two?", "choices": ["1", "2"], "answer": "B", "subject": "x"}), "Two?", "2");
        check(json!({"context": "Once upon a", "continuation": "time"}), "Once upon a", "time");
        check(json!({"ctx": "He", "endings": ["ran", "sat"], "label": "1"}), "He", "sat");
        check(
            json!({"context_options": ["Ann so Ann", "Ann so Bea"], "continuation": "won.", "gold": 1}),
            "Ann so Bea won.",
            "",
        );
        check(json!({"prompt": [{"role": "user", "content": "Hi?"}], "answer": "Hello"}), "Hi?", "Hello");
        check(json!({"passage": "P.", "question": "is it", "answer": true}), "P.\nis it", "");
        check(
            json!({"question": "Q?", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "A"}),
            "Q?",
            "x",
        );
        check(json!({"question": "How many?", "answer": "Four. #### 4"}), "How many?", "Four. #### 4");
        check(json!("just a text"), "just a text", "");
        assert!(EvaluationItem::from_json(&json!({"n": 3}), "f").is_none());
        assert!(EvaluationItem::from_json(&json!(3), "f").is_none());
        assert_eq!(EvaluationItem::from_json(&json!({"id": 7, "task": "t", "text": "a"}), "f").unwrap().id, "t/7");
    }

    #[test]
    fn labels_are_taken_off_once_and_only_there() {
        assert_eq!(bare("Q: what is A: b"), "what is A: b");
        assert_eq!(bare("question: 你好？\nAnswer:"), "你好？");
        assert_eq!(bare("Pasta:"), "Pasta:");
        assert_eq!(bare("a:"), "");
    }
}
