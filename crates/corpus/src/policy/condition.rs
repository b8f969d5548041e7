//! Conditions of a policy: comparisons of signals and numbers, put together with `and`, `or`, `not` and parentheses.
//!
//! ```text
//! datatrove_text_words < 50
//! lang != "en" or lang_confidence < 0.65
//! line.words < 3 and not line.javascript
//! kept.removed_words > 0.05
//! ```
//!
//! Numbers may be added, subtracted, multiplied and divided. A signal that was not measured (or a division by zero) makes a comparison
//! undefined; `or` is still true where its other side is, `and` still false where its other side is.

use super::names::{self, KEPT, LINE};
use crate::error::CorpusError;
use crate::signals::{COLUMNS, Kind, Signals, place};
use crate::text::nearest;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Either holds.
    Or(Box<Condition>, Box<Condition>),
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Two numbers compared.
    Numbers(Comparison, Term, Term),
    /// A column of text is, or is not, a word.
    Words(bool, &'static str, String),
    /// A number that is not zero.
    Truth(Term),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// A number in a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// As written.
    Number(f64),
    /// A column of the table.
    Column(usize),
    /// A fact of the line at hand.
    Line(usize),
    /// A measure of the lines that are not cut.
    Kept(usize),
    /// Two numbers put together by `+`, `-`, `*` or `/`.
    Both(char, Box<Term>, Box<Term>),
}

/// What a condition is asked about.
pub struct Facts<'a> {
    /// The document's signals.
    pub signals: &'a Signals,
    /// The line at hand, for conditions about lines.
    pub line: Option<&'a crate::signals::Line>,
    /// The measures of what is kept.
    pub kept: &'a [f64],
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong and where, as a sentence without the rule's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, at: 0, depth: 0 };
        let condition = parser.either()?;
        match parser.tokens.get(parser.at) {
            None => Ok(condition),
            Some(token) => Err(format!("`{}` is not expected here", token.text())),
        }
    }

    /// Whether it holds; `None` where a signal it needs was not measured.
    pub fn holds(&self, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Condition::Or(a, b) => match (a.holds(facts), b.holds(facts)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Condition::And(a, b) => match (a.holds(facts), b.holds(facts)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Condition::Not(inner) => inner.holds(facts).map(|holds| !holds),
            Condition::Words(equal, column, word) => facts.signals.text(column).map(|found| (found == word) == *equal),
            Condition::Truth(term) => term.value(facts).map(|value| value != 0.0),
            Condition::Numbers(comparison, a, b) => {
                let (a, b) = (a.value(facts)?, b.value(facts)?);
                Some(match comparison {
                    Comparison::Less => a < b,
                    Comparison::LessOrEqual => a <= b,
                    Comparison::Greater => a > b,
                    Comparison::GreaterOrEqual => a >= b,
                    Comparison::Equal => a == b,
                    Comparison::Unequal => a != b,
                })
            }
        }
    }

    /// Calls `visit` with every number in it.
    pub fn visit(&self, visit: &mut dyn FnMut(&Term)) {
        match self {
            Condition::Or(a, b) | Condition::And(a, b) => {
                a.visit(visit);
                b.visit(visit);
            }
            Condition::Not(inner) => inner.visit(visit),
            Condition::Numbers(_, a, b) => {
                a.visit(visit);
                b.visit(visit);
            }
            Condition::Truth(term) => term.visit(visit),
            Condition::Words(_, column, _) => {
                if let Some(place) = place(column) {
                    visit(&Term::Column(place));
                }
            }
        }
    }
}

impl Term {
    fn value(&self, facts: &Facts<'_>) -> Option<f64> {
        let value = match self {
            Term::Number(number) => *number,
            Term::Column(place) => *facts.signals.numbers.get(*place)?,
            Term::Line(index) => (LINE[*index].value)(facts.line?),
            Term::Kept(index) => *facts.kept.get(*index)?,
            Term::Both(sign, a, b) => {
                let (a, b) = (a.value(facts)?, b.value(facts)?);
                match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ => a / b,
                }
            }
        };
        value.is_finite().then_some(value)
    }

    fn visit(&self, visit: &mut dyn FnMut(&Term)) {
        visit(self);
        if let Term::Both(_, a, b) = self {
            a.visit(visit);
            b.visit(visit);
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Number(f64),
    Word(String),
    Sign(&'static str),
}

impl Token {
    fn text(&self) -> String {
        match self {
            Token::Name(name) => name.clone(),
            Token::Number(number) => number.to_string(),
            Token::Word(word) => format!("\"{word}\""),
            Token::Sign(sign) => (*sign).to_owned(),
        }
    }
}

const SIGNS: [&str; 12] = ["<=", ">=", "==", "!=", "<", ">", "(", ")", "+", "-", "*", "/"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let until = |test: fn(char) -> bool| rest.find(|c: char| !test(c)).unwrap_or(rest.len());
        if first.is_ascii_alphabetic() || first == '_' {
            let end = until(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            out.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if first.is_ascii_digit() || first == '.' {
            let end = until(|c| c.is_ascii_digit() || c == '.' || c == '_');
            let digits = rest[..end].replace('_', "");
            let number = digits.parse().map_err(|_| format!("`{}` is not a number", &rest[..end]))?;
            out.push(Token::Number(number));
            rest = &rest[end..];
        } else if first == '"' {
            let end = rest[1..].find('"').ok_or("a quoted word is not closed")?;
            out.push(Token::Word(rest[1..=end].to_owned()));
            rest = &rest[end + 2..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            return Err(format!("`{first}` means nothing in a condition"));
        }
        rest = rest.trim_start();
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Parentheses inside each other; a policy comes from outside, and must not fill the stack.
const DEEPEST: usize = 64;

impl Parser {
    fn name_is(&self, name: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Name(found)) if found == name)
    }

    fn take_sign(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) if signs.contains(sign) => {
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn either(&mut self) -> Result<Condition, String> {
        let mut left = self.both()?;
        while self.name_is("or") {
            self.at += 1;
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut left = self.one()?;
        while self.name_is("and") {
            self.at += 1;
            left = Condition::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("conditions are nested more than {DEEPEST} deep"));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.name_is("not") {
            self.at += 1;
            return self.deeper(|parser| Ok(Condition::Not(Box::new(parser.one()?))));
        }
        // A parenthesis opens a condition or a sum: a condition is tried first.
        let start = self.at;
        if self.take_sign(&["("]).is_some() {
            let inner = self.deeper(Self::either);
            if let Ok(inner) = inner
                && self.take_sign(&[")"]).is_some()
                && !matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if *sign != ")")
            {
                return Ok(inner);
            }
            self.at = start;
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        if let Some(Token::Name(name)) = self.tokens.get(self.at)
            && let Some(place) = place(name)
            && COLUMNS[place].0.kind == Kind::Text
        {
            let column = COLUMNS[place].0.name;
            self.at += 1;
            let equal = match self.take_sign(&["==", "!="]) {
                Some(sign) => sign == "==",
                None => return Err(format!("`{column}` is text: compare it with == or != and a quoted word")),
            };
            let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() else {
                return Err(format!("`{column}` is text: compare it with a quoted word"));
            };
            self.at += 1;
            return Ok(Condition::Words(equal, column, word));
        }
        let left = self.sum()?;
        let Some(sign) = self.take_sign(&["<=", ">=", "==", "!=", "<", ">"]) else { return Ok(Condition::Truth(left)) };
        let comparison = match sign {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            "==" => Comparison::Equal,
            _ => Comparison::Unequal,
        };
        Ok(Condition::Numbers(comparison, left, self.sum()?))
    }

    fn sum(&mut self) -> Result<Term, String> {
        let mut left = self.product()?;
        while let Some(sign) = self.take_sign(&["+", "-"]) {
            let sign = if sign == "+" { '+' } else { '-' };
            left = Term::Both(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Term, String> {
        let mut left = self.term()?;
        while let Some(sign) = self.take_sign(&["*", "/"]) {
            let sign = if sign == "*" { '*' } else { '/' };
            left = Term::Both(sign, Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Term, String> {
        if self.take_sign(&["-"]).is_some() {
            let inner = self.deeper(Self::term)?;
            return Ok(Term::Both('-', Box::new(Term::Number(0.0)), Box::new(inner)));
        }
        if self.take_sign(&["("]).is_some() {
            let inner = self.deeper(Self::sum)?;
            return match self.take_sign(&[")"]) {
                Some(_) => Ok(inner),
                None => Err("a parenthesis is not closed".to_owned()),
            };
        }
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Number(number)) => Ok(Term::Number(number)),
            Some(Token::Name(name)) => named(&name),
            Some(token) => Err(format!("a signal or a number is expected, not `{}`", token.text())),
            None => Err("a signal or a number is missing at the end".to_owned()),
        }
    }
}

/// The number a name stands for.
fn named(name: &str) -> Result<Term, String> {
    if let Some(rest) = name.strip_prefix("line.") {
        if let Some(index) = LINE.iter().position(|fact| fact.name == rest) {
            return Ok(Term::Line(index));
        }
    } else if let Some(rest) = name.strip_prefix("kept.") {
        if let Some(index) = KEPT.iter().position(|measure| measure.0 == rest) {
            return Ok(Term::Kept(index));
        }
    } else if let Some(place) = place(name) {
        return match COLUMNS[place].0.kind {
            Kind::Text => Err(format!("`{name}` is text, and a number is expected")),
            _ => Ok(Term::Column(place)),
        };
    }
    let all = names::all();
    let near =
        nearest(name, all.iter().map(String::as_str)).map(|near| format!("; nearest is `{near}`")).unwrap_or_default();
    Err(format!("there is no signal `{name}`{near}"))
}

impl From<String> for CorpusError {
    fn from(what: String) -> Self {
        CorpusError::Policy { what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, words: f64, lang: Option<&str>) -> Option<bool> {
        let mut signals = Signals { numbers: vec![f64::NAN; COLUMNS.len()], ..Signals::default() };
        signals.set("words", words).unwrap();
        signals.texts.extend(lang.map(|lang| ("lang", lang.to_owned())));
        Condition::parse(text).unwrap().holds(&Facts { signals: &signals, line: None, kept: &[] })
    }

    #[test]
    fn conditions_are_read_as_written() {
        assert_eq!(holds("words < 50", 49.0, None), Some(true));
        assert_eq!(holds("words < 50 or words > 60 and words < 70", 65.0, None), Some(true));
        assert_eq!(holds("(words < 50 or words > 60) and not words < 70", 65.0, None), Some(false));
        assert_eq!(holds("(words + 2) * 3 - 1 == 5 - -3", 1.0, None), Some(true));
        assert_eq!(holds("lang != \"en\" or words >= 1_000", 1.0, Some("en")), Some(false));
        assert_eq!(holds("words", 0.0, None), Some(false));
    }

    #[test]
    fn what_was_not_measured_is_neither_true_nor_false() {
        assert_eq!(holds("bad_words > 0", 1.0, None), None);
        assert_eq!(holds("bad_words > 0 or words > 0", 1.0, None), Some(true));
        assert_eq!(holds("bad_words > 0 and words > 1", 1.0, None), Some(false));
        assert_eq!(holds("not lang == \"en\"", 1.0, None), None);
        assert_eq!(holds("words / (words - 1) > 1", 1.0, None), None);
        assert_eq!(holds("words > 1", f64::NAN, None), None);
    }

    #[test]
    fn mistakes_are_explained() {
        let error = |text: &str| Condition::parse(text).unwrap_err();
        assert_eq!(error("dolma_word < 5"), "there is no signal `dolma_word`; nearest is `dolma_words`");
        assert_eq!(error("line.wordz < 5"), "there is no signal `line.wordz`; nearest is `line.words`");
        assert!(error("lang < 5").contains("is text"));
        assert!(error("words < ").contains("missing at the end"));
        assert!(error("words < 5 5").contains("`5` is not expected"));
        assert!(error("words ? 5").contains("`?` means nothing"));
        assert!(error("words < nan").contains("no signal `nan`"));
        assert!(error("(words < 5").contains("parenthesis") || error("(words < 5").contains("expected"));
        assert!(error(&format!("{}words{}", "(".repeat(9000), ")".repeat(9000))).contains("nested"));
        assert!(error(&"not ".repeat(9000)).contains("nested"));
    }
}
