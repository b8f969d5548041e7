//! A verdict from signals, and what it leaves of a text.

use super::condition::Facts;
use super::names::KEPT;
use super::{Action, LineEnds, Policy};
use crate::signals::lines::seen;
use crate::signals::{Line, Signals};

/// Characters of a short line, to FineWeb.
const SHORT: u32 = 30;

/// What a policy says of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is kept.
    pub keep: bool,
    /// The rules that drop it, in the order in which they were found to hold.
    pub reasons: Vec<String>,
    /// Lines that are cut (their number from 0, the number of the rule), in order.
    pub cut: Vec<(usize, usize)>,
    /// Rules that could not be asked, because a signal was not measured.
    pub undefined: Vec<String>,
}

impl Policy {
    /// The verdict on a document.
    pub fn decide(&self, signals: &Signals) -> Verdict {
        let mut verdict = Verdict::default();
        let lines = match self.lines {
            LineEnds::Feeds => &signals.lines.lines[..],
            LineEnds::Any => signals.lines.split_lines(),
        };
        let mut alive = vec![true; lines.len()];
        let mut kept: Option<[f64; KEPT.len()]> = None;
        let mut at = 0;
        while at < self.rules.len() {
            let rule = &self.rules[at];
            if rule.about_lines {
                let end =
                    self.rules[at..].iter().position(|rule| !rule.about_lines).map_or(self.rules.len(), |n| at + n);
                self.ask_lines(at..end, signals, lines, &mut alive, &mut verdict);
                kept = None;
                at = end;
                continue;
            }
            if rule.about_kept && kept.is_none() {
                kept = Some(measure(lines, &alive, self.remove_phrases));
            }
            let kept = kept.as_ref().map_or(&[][..], |kept| &kept[..]);
            match rule.condition.holds(&Facts { signals, line: None, kept }) {
                Some(true) => verdict.reasons.push(rule.name.clone()),
                Some(false) => {}
                None => verdict.undefined.push(rule.name.clone()),
            }
            at += 1;
        }
        verdict.cut.sort_unstable();
        verdict.keep = verdict.reasons.is_empty();
        verdict
    }

    fn ask_lines(
        &self,
        rules: std::ops::Range<usize>,
        signals: &Signals,
        lines: &[Line],
        alive: &mut [bool],
        verdict: &mut Verdict,
    ) {
        for (number, line) in lines.iter().enumerate() {
            if !alive[number] {
                continue;
            }
            for index in rules.clone() {
                let rule = &self.rules[index];
                match rule.condition.holds(&Facts { signals, line: Some(line), kept: &[] }) {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        if !verdict.undefined.contains(&rule.name) {
                            verdict.undefined.push(rule.name.clone());
                        }
                        continue;
                    }
                }
                match rule.action {
                    Action::CutLine => {
                        alive[number] = false;
                        verdict.cut.push((number, index));
                    }
                    Action::Drop => {
                        if !verdict.reasons.contains(&rule.name) {
                            verdict.reasons.push(rule.name.clone());
                        }
                    }
                }
                break;
            }
        }
    }

    /// The lines of a text, as the policy parts them; a verdict's cut lines are places among these.
    pub fn lines_of<'t>(&self, text: &'t str) -> Vec<&'t str> {
        match self.lines {
            LineEnds::Feeds => text.split('\n').collect(),
            LineEnds::Any => crate::signals::python::split_lines(text).collect(),
        }
    }

    /// What a verdict leaves of the text it was made for: the lines that are not cut, cleaned as the policy says.
    pub fn apply(&self, text: &str, verdict: &Verdict) -> String {
        if verdict.cut.is_empty() && !self.clean_lines && !self.remove_phrases {
            return text.to_owned();
        }
        let lines = self.lines_of(text);
        let mut cut = verdict.cut.iter().map(|(number, _)| *number).peekable();
        let mut out = String::with_capacity(text.len());
        let mut first = true;
        for (number, line) in lines.into_iter().enumerate() {
            if cut.next_if_eq(&number).is_some() {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push('\n');
            }
            if self.clean_lines {
                let line = crate::signals::python::strip(line);
                match crate::signals::phrases::without_citations(line) {
                    Some(clean) => out.push_str(&clean),
                    None => out.push_str(line),
                }
            } else if self.remove_phrases
                && line.split_whitespace().count() <= 10
                && let Some(rest) = crate::signals::phrases::without_phrases(line)
            {
                out.push_str(&rest);
            } else {
                out.push_str(line);
            }
        }
        crate::signals::python::strip(&out).to_owned()
    }
}

/// The measures of [`KEPT`], in its order.
fn measure(lines: &[Line], alive: &[bool], remove_phrases: bool) -> [f64; KEPT.len()] {
    let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
    let sum = |of: &dyn Fn(&Line) -> u32| -> f64 {
        lines.iter().zip(alive).filter(|(_, alive)| **alive).map(|(line, _)| f64::from(of(line))).sum()
    };
    let is_full = |line: &Line| line.clean_characters > 0 && !line.has(seen::BLANK);
    let count = |test: &dyn Fn(&Line) -> bool| sum(&|line| u32::from(is_full(line) && test(line)));
    let kept = sum(&|_| 1);
    let full = count(&|_| true);
    let unicode_words =
        sum(&|line| line.unicode_words - if remove_phrases { line.phrase_words.min(line.unicode_words) } else { 0 });
    let all_words: f64 = lines.iter().map(|line| f64::from(line.unicode_words)).sum();
    let mut seen_lines = std::collections::HashSet::new();
    let repeated: f64 = lines
        .iter()
        .zip(alive)
        .filter(|(line, alive)| **alive && is_full(line) && !seen_lines.insert((line.hash, line.clean_characters)))
        .map(|(line, _)| f64::from(line.clean_characters))
        .sum();
    let tokens = sum(&|line| line.tokens);
    [
        kept,
        full,
        sum(&|line| line.words),
        unicode_words,
        tokens,
        sum(&|line| line.sentences),
        share(all_words - unicode_words, all_words),
        share(count(&|line| line.has(seen::ANY_TERMINAL)), full),
        share(count(&|line| line.clean_characters <= SHORT), full),
        share(repeated, sum(&|line| line.clean_characters)),
        share((kept - 1.0).max(0.0), tokens),
    ]
}
