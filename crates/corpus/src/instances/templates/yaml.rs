//! YAML as trees of JSON values with the lines they stand on, for files of templates: tags are passed over (`!Template`),
//! scalars without quotes are read as YAML 1.1 does for what such files hold.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Nodes of a file, aliases counted each time: more would come from a file that is made to grow.
const MOST_NODES: usize = 2_000_000;
/// Levels of a file.
const DEEPEST: usize = 64;

/// A node of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// The line it begins on, from 1.
    pub(super) line: usize,
    pub(super) value: Yaml,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The item of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Yaml::Map(items) => items.iter().find(|(key, _)| key == name).map(|(_, item)| item),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Yaml::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What a file is wrong in: the line and what.
pub(super) type Fault = (usize, String);

/// The one document of `text`.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, line) => return Err((line, "the file is empty".to_owned())),
            (event, line) => return reader.node(event, line, 0),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err((error.marker().line(), error.info().to_owned())),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node, Fault> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || depth > DEEPEST {
            return Err((line, "the file is too deep or too large".to_owned()));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                (if is_null { Yaml::Null } else { Yaml::Text(text.into_owned()) }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, line) => items.push(self.node(event, line, depth + 1)?),
                    }
                }
                (Yaml::List(items), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::MappingEnd {
                        break;
                    }
                    let key = match self.node(event, line, depth + 1)?.value {
                        Yaml::Text(key) => key,
                        Yaml::Null => String::new(),
                        _ => return Err((line, "a key must be a word".to_owned())),
                    };
                    let (event, line) = self.next()?;
                    items.push((key, self.node(event, line, depth + 1)?));
                }
                (Yaml::Map(items), anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| (line, "an alias of nothing".to_owned()))?;
                self.nodes += count(&node);
                return Ok(node);
            }
            _ => return Err((line, "the file ends too early".to_owned())),
        };
        let node = Node { line, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Yaml::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Yaml::Map(items) => 1 + items.iter().map(|(_, item)| count(item)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read_with_lines_and_tags_passed_over() {
        let text = "dataset: d\ntemplates:\n  x: !Template\n    jinja: \"a\\n{{b}}\\\n      \\ c\"\n    list:\n    - 1\n    - null\n    empty: ''\n    none:\n";
        let root = read(text).unwrap();
        assert_eq!(root.get("dataset").unwrap().text(), Some("d"));
        let template = root.get("templates").unwrap().get("x").unwrap();
        let jinja = template.get("jinja").unwrap();
        assert_eq!((jinja.text(), jinja.line), (Some("a\n{{b}} c"), 4));
        let Yaml::List(list) = &template.get("list").unwrap().value else { panic!() };
        assert_eq!((list[0].text(), &list[1].value), (Some("1"), &Yaml::Null));
        assert_eq!(
            (template.get("empty").unwrap().text(), &template.get("none").unwrap().value),
            (Some(""), &Yaml::Null)
        );
    }

    #[test]
    fn bad_files_are_errors_with_lines() {
        assert!(read("a: [1, 2").unwrap_err().0 > 0);
        assert!(read("").is_err());
        assert!(read("a: 'x\nb: y").is_err());
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(read(&format!("{}1", "- ".repeat(500))).is_err());
        // Aliases of aliases grow without end.
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..9 {
            let before = format!("*a{}", at - 1);
            bomb.push_str(&format!("a{at}: &a{at} [{}]\n", [before.as_str(); 10].join(", ")));
        }
        assert!(read(&bomb).unwrap_err().1.contains("too large"));
    }
}
