//! Decide later: a policy is a list of named conditions over [`crate::signals`], and a decision is made from a table of signals without
//! the text. So a changed threshold re-decides a corpus in seconds, and two policies can be compared document by document.
//!
//! A policy is a TOML file:
//!
//! ```toml
//! name = "mine"
//! about = "short pages go, and lines that ask for cookies"
//! lines = "lf"                      # or "any": every line break of Unicode
//! clean_lines = true                # what is kept of a line has no white space at its ends and no citation marks
//!
//! [[rule]]
//! name = "cookies"                  # rules about lines cut them …
//! when = "line.policy"
//! action = "cut_line"
//!
//! [[rule]]
//! name = "short"                    # … and rules about documents can ask for what is left
//! when = "kept.words < 50"
//! action = "drop"
//! ```
//!
//! Rules run in order. Rules about lines that stand one after another are asked line by line, the first that holds counts: a line that
//! is cut is not asked about again, and a document is dropped for a line only if no rule before has cut it.

pub mod condition;
mod decide;
mod flips;
mod names;
mod presets;
mod unasked;

use serde::Deserialize;

use crate::error::CorpusError;
use crate::signals::{COLUMNS, Kind};
use crate::text::nearest;
use condition::{Condition, Term};

pub use decide::Verdict;
pub use flips::{Flip, Flips};
pub use names::{KEPT, all as names, lines as line_names};
pub use presets::PRESETS;
pub use unasked::unasked;

/// What a rule does where its condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The document is dropped.
    Drop,
    /// The line is cut.
    CutLine,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name: the reason in a verdict.
    pub name: String,
    /// The condition as written.
    pub when: String,
    /// What it does.
    pub action: Action,
    condition: Condition,
    /// Whether it is about lines.
    about_lines: bool,
    /// Whether it asks for measures of what is kept.
    about_kept: bool,
}

/// How lines are parted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum LineEnds {
    /// By line feeds.
    #[default]
    #[serde(rename = "lf")]
    Feeds,
    /// By every line break of Unicode, as Python's `str.splitlines`.
    #[serde(rename = "any")]
    Any,
}

/// A list of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it is for, and whose semantics it has.
    pub about: String,
    /// How lines are parted.
    pub lines: LineEnds,
    /// Kept lines lose white space at their ends and citation marks.
    pub clean_lines: bool,
    /// Kept lines lose RefinedWeb's phrases.
    pub remove_phrases: bool,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    lines: LineEnds,
    #[serde(default)]
    clean_lines: bool,
    #[serde(default)]
    remove_phrases: bool,
    #[serde(default)]
    rule: Vec<FileRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRule {
    name: String,
    when: String,
    action: String,
}

impl Rule {
    /// The names of the columns it reads.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        self.condition.visit(&mut |term| {
            if let Term::Column(place) = term
                && !names.contains(&COLUMNS[*place].0.name)
            {
                names.push(COLUMNS[*place].0.name);
            }
        });
        names
    }
}

impl Policy {
    /// Reads a policy; `label` names it in errors.
    ///
    /// # Errors
    /// [`CorpusError::Policy`]: text that is no TOML, unknown keys, signals or actions (with the nearest name), rules of one name.
    pub fn parse(label: &str, text: &str) -> Result<Self, CorpusError> {
        let fail = |what: String| CorpusError::Policy { what: format!("{label}: {what}") };
        let file: File = toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        let mut rules: Vec<Rule> = Vec::new();
        for rule in file.rule {
            let of_rule = |what: String| fail(format!("rule `{}`: {what}", rule.name));
            if rule.name.trim().is_empty() {
                return Err(fail("a rule has no name".to_owned()));
            }
            if rules.iter().any(|earlier| earlier.name == rule.name) {
                return Err(of_rule("another rule has this name".to_owned()));
            }
            let action = match rule.action.as_str() {
                "drop" => Action::Drop,
                "cut_line" => Action::CutLine,
                other => {
                    let near = nearest(other, ["drop", "cut_line"].into_iter());
                    let near = near.map(|near| format!("; nearest is `{near}`")).unwrap_or_default();
                    return Err(of_rule(format!("there is no action `{other}`, only `drop` and `cut_line`{near}")));
                }
            };
            let condition = Condition::parse(&rule.when).map_err(of_rule)?;
            let (mut about_lines, mut about_kept) = (false, false);
            condition.visit(&mut |term| {
                about_lines |= matches!(term, Term::Line(_));
                about_kept |= matches!(term, Term::Kept(_));
            });
            if action == Action::CutLine && !about_lines {
                return Err(of_rule("it cuts lines, but its condition asks for no fact of a line (line.…)".to_owned()));
            }
            if about_lines && about_kept {
                return Err(of_rule(
                    "a condition asks for facts of a line or for what is kept, not for both".to_owned(),
                ));
            }
            rules.push(Rule { name: rule.name, when: rule.when, action, condition, about_lines, about_kept });
        }
        Ok(Policy {
            name: file.name,
            about: file.about,
            lines: file.lines,
            clean_lines: file.clean_lines,
            remove_phrases: file.remove_phrases,
            rules,
        })
    }

    /// One of the embedded policies.
    ///
    /// # Errors
    /// [`CorpusError::UnknownPreset`] with the nearest name.
    pub fn preset(name: &str) -> Result<Self, CorpusError> {
        match PRESETS.iter().find(|(preset, _)| *preset == name) {
            Some((_, text)) => Self::parse(name, text),
            None => Err(CorpusError::UnknownPreset {
                name: name.to_owned(),
                nearest: nearest(name, PRESETS.iter().map(|(preset, _)| *preset)),
            }),
        }
    }

    /// The names of the columns it reads.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.rules.iter().flat_map(Rule::columns).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether it reads the facts about lines.
    pub fn reads_lines(&self) -> bool {
        self.rules.iter().any(|rule| rule.about_lines || rule.about_kept)
    }

    /// Whether a column of text is read.
    pub fn reads_text(&self) -> bool {
        self.columns()
            .iter()
            .any(|name| COLUMNS.iter().any(|(column, _)| column.name == *name && column.kind == Kind::Text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Policy::parse("mine.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn bad_policies_are_explained() {
        let rule = |when: &str, action: &str| {
            format!("name = \"x\"\n[[rule]]\nname = \"r\"\nwhen = '{when}'\naction = \"{action}\"\n")
        };
        assert!(Policy::parse("p", &rule("words < 5", "drop")).is_ok());
        assert!(
            error(&rule("word < 5", "drop"))
                .contains("mine.toml: rule `r`: there is no signal `word`; nearest is `words`")
        );
        assert!(error(&rule("words < 5", "dorp")).contains("nearest is `drop`"));
        assert!(error(&rule("words < 5", "cut_line")).contains("no fact of a line"));
        assert!(error(&rule("line.words < kept.words", "drop")).contains("not for both"));
        assert!(error("name = ").contains("mine.toml"));
        assert!(error("name = \"x\"\nlines = \"crlf\"").contains("crlf"));
        assert!(error("name = \"x\"\nclean_line = true").contains("clean_line"));
        assert!(
            error(&format!(
                "{}{}",
                rule("words < 5", "drop"),
                "[[rule]]\nname = \"r\"\nwhen = \"words > 5\"\naction = \"drop\"\n"
            ))
            .contains("another rule")
        );
        let unknown = Policy::preset("goofer").unwrap_err().to_string();
        assert!(unknown.contains("gopher"), "{unknown}");
    }

    #[test]
    fn every_preset_is_a_policy_that_says_what_it_is() {
        for (name, _) in PRESETS {
            let policy = Policy::preset(name).unwrap();
            assert_eq!(policy.name, *name);
            assert!(!policy.about.is_empty() && !policy.rules.is_empty());
        }
    }
}
