//! Lines of decisions read back, as any command writes them: a build (`rule` and `reason`), a policy over signals or an inspection
//! (`decision` and `reasons`).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use lang::document::Document;
use serde_json::Value;

use crate::error::CorpusError;

/// A longer line is no decision.
const LONGEST_LINE: u64 = 256 << 20;

/// What was decided about one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// The document's id.
    pub id: String,
    /// Empty: it was kept. Else the names of what dropped it: of a build the step and the test in it, of a policy its rules in order.
    pub by: Vec<String>,
    /// What was measured, as the line says it; empty where it does not.
    pub detail: String,
    /// Whether `by` is a step with its test.
    of_a_build: bool,
}

impl Decided {
    /// Reads a line; `None` when it is no decision.
    pub fn parse(line: &[u8]) -> Option<Decided> {
        let value: Value = serde_json::from_slice(line).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let id = text("id")?.to_owned();
        if let Some(decision) = text("decision") {
            let reasons = value.get("reasons").and_then(Value::as_array);
            let mut by: Vec<String> =
                reasons.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            match decision {
                "keep" => by.clear(),
                "drop" if by.is_empty() => by.push("dropped".to_owned()),
                "drop" => {}
                _ => return None,
            }
            return Some(Decided { id, by, detail: String::new(), of_a_build: false });
        }
        let reason = text("reason")?;
        let mut by = Vec::new();
        match value.get("rule")? {
            Value::Null => {}
            Value::String(rule) => {
                by.push(rule.clone());
                by.extend(reason.split_once(':').map(|(test, _)| test.to_owned()));
            }
            _ => return None,
        }
        Some(Decided {
            id,
            detail: if by.is_empty() { String::new() } else { reason.to_owned() },
            by,
            of_a_build: true,
        })
    }

    /// Whether the document stays.
    pub fn kept(&self) -> bool {
        self.by.is_empty()
    }

    /// Whether `rule` dropped it: the name of a step, of a test in a step, of a rule, or `step: test`.
    pub fn is_by(&self, rule: &str) -> bool {
        self.by.iter().any(|name| name == rule) || (!self.kept() && self.label() == rule)
    }

    /// One name for what became of it: `kept`, `step: test`, or the first rule that dropped it.
    pub fn label(&self) -> String {
        match &self.by[..] {
            [] => "kept".to_owned(),
            [step, test, ..] if self.of_a_build => format!("{step}: {test}"),
            [first, ..] => first.clone(),
        }
    }
}

/// A file of decisions, line by line.
pub struct Decisions {
    path: PathBuf,
    input: BufReader<File>,
    line: Vec<u8>,
    number: usize,
}

impl Decisions {
    /// Opens the file.
    ///
    /// # Errors
    /// [`CorpusError::Io`].
    pub fn open(path: &Path) -> Result<Decisions, CorpusError> {
        let file = File::open(path).map_err(|error| CorpusError::io(path, "read", error))?;
        Ok(Decisions {
            path: path.to_owned(),
            input: BufReader::with_capacity(1 << 18, file),
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next decision.
    ///
    /// # Errors
    /// [`CorpusError::BadJson`] for a line that is none, [`CorpusError::Io`].
    pub fn read(&mut self) -> Result<Option<Decided>, CorpusError> {
        loop {
            self.line.clear();
            let read = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut self.line);
            if read.map_err(|error| CorpusError::io(&self.path, "read", error))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return Decided::parse(&self.line).map(Some).ok_or_else(|| CorpusError::BadJson {
                path: self.path.clone(),
                line: self.number,
                problem: "is no decision (an `id` with `decision` and `reasons`, or with `rule` and `reason`)"
                    .to_owned(),
            });
        }
    }

    /// The decision about the next document of a corpus in the order of the decisions. Documents may be missing (a finished corpus has
    /// only those that stay): their decisions are passed over.
    ///
    /// # Errors
    /// [`CorpusError::NoDecision`] when there is none about it in the rest of the file; those of [`Decisions::read`].
    pub fn about(&mut self, document: &Document) -> Result<Decided, CorpusError> {
        while let Some(decided) = self.read()? {
            // The second document of an id is called `id~2` in decisions.
            let rest = decided.id.strip_prefix(&document.id);
            let is_count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('~').is_some_and(is_count)) {
                return Ok(decided);
            }
        }
        Err(CorpusError::NoDecision { path: self.path.clone(), id: document.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_commands_are_read() {
        let parse = |line: &str| Decided::parse(line.as_bytes());
        let kept = parse(r#"{"id":"a","rule":null,"reason":"","masked":[]}"#).unwrap();
        assert!(kept.kept() && kept.label() == "kept" && !kept.is_by("kept"));
        let built = parse(r#"{"id":"a","rule":"gopher","reason":"few_words: words < 50"}"#).unwrap();
        assert_eq!((built.label().as_str(), built.detail.as_str()), ("gopher: few_words", "few_words: words < 50"));
        assert!(
            ["gopher", "few_words", "gopher: few_words"].iter().all(|rule| built.is_by(rule)) && !built.is_by("few")
        );
        let decided = parse(r#"{"id":"a","decision":"drop","reasons":["short","odd"],"cut_lines":[]}"#).unwrap();
        assert!(decided.label() == "short" && decided.is_by("odd") && !decided.is_by("short: odd"));
        assert!(parse(r#"{"id":"a","decision":"keep","reasons":[]}"#).unwrap().kept());
        for bad in [
            "",
            "[]",
            r#"{"id":"a"}"#,
            r#"{"id":"a","text":"x"}"#,
            r#"{"id":"a","decision":"maybe"}"#,
            r#"{"rule":null,"reason":""}"#,
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn decisions_are_matched_in_order_and_what_has_none_is_named() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("decisions.jsonl");
        let line = |id: &str| format!("{{\"id\":\"{id}\",\"rule\":null,\"reason\":\"\"}}\n");
        std::fs::write(&path, [line("a"), line("b"), "\n".to_owned(), line("a~2"), line("c")].concat()).unwrap();
        let document = |id: &str| Document { id: id.to_owned(), ..Document::default() };
        let mut decisions = Decisions::open(&path).unwrap();
        let ids = ["a", "a", "c"].map(|id| decisions.about(&document(id)).unwrap().id);
        assert_eq!(ids, ["a", "a~2", "c"]);
        assert!(matches!(decisions.about(&document("d")), Err(CorpusError::NoDecision { id, .. }) if id == "d"));
        std::fs::write(&path, line("a") + "{\"id\": 3}\n").unwrap();
        let mut decisions = Decisions::open(&path).unwrap();
        decisions.read().unwrap();
        assert!(matches!(decisions.read(), Err(CorpusError::BadJson { line: 2, .. })));
    }
}
