//! Task data sets made into instances through a library of prompt templates, as P3 and T0 (Sanh et al. 2022) were made, and
//! turned round: from an answer back to what was asked about.

mod library;
mod yaml;

use lang::instance::{Conversation, Message};
use lang::jinja::{Placed, TemplateError};
use lang::rng::Rng;
use serde_json::{Map, Value};

pub use library::{Library, TaskTemplate};

use library::SEPARATOR;

/// Stands in for the separator in values, so that a text of the data set cannot end the prompt.
const PROTECTED: &str = "\u{E000}\u{E001}\u{E000}";
/// The variable that holds the answer choices.
const CHOICES: &str = "answer_choices";

/// What a template made of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What is asked.
    pub prompt: String,
    /// The right answers, the first one to learn; none where the template has no answer.
    pub targets: Vec<String>,
    /// The answers there are, where the task has a list of them.
    pub choices: Option<Vec<String>>,
    /// Where the texts of the record stand in the prompt.
    pub fields: Vec<(std::ops::Range<usize>, String)>,
}

impl TaskTemplate {
    /// Fills the template with `record`. `None` where it leaves this record out.
    ///
    /// # Errors
    /// The template fails for this record, or the record has a field of its own named `answer_choices`.
    pub fn apply(&self, record: &Map<String, Value>, rng: &Rng) -> Result<Option<Applied>, TemplateError> {
        let mut values = record.clone();
        values.values_mut().for_each(protect);
        let choices = match &self.choices {
            None => None,
            Some(template) => {
                let text = template.render(&values, rng)?;
                Some(text.split(SEPARATOR).map(|choice| restored(choice.trim())).collect::<Vec<_>>())
            }
        };
        if values.contains_key(CHOICES) {
            let message = format!("the record has a field {CHOICES}, which the template needs for itself");
            return Err(TemplateError::Failed { line: 0, message });
        }
        values.insert(CHOICES.to_owned(), choices.clone().into());
        let Placed { text, fields } = self.template.place(&values, rng)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let mut parts = text.split(SEPARATOR);
        let first = parts.next().unwrap_or_default();
        let start = first.len() - first.trim_start().len();
        let prompt = first.trim();
        // Values with the separator in them are rare, and their places are not worth keeping.
        let fields = match prompt.contains(PROTECTED) {
            true => Vec::new(),
            false => {
                let inside = |(range, name): (std::ops::Range<usize>, String)| {
                    let (from, to) = (range.start.max(start), range.end.min(start + prompt.len()));
                    (from < to && !name.starts_with(CHOICES)).then(|| (from - start..to - start, name))
                };
                fields.into_iter().filter_map(inside).collect()
            }
        };
        let targets = parts.map(|part| restored(part.trim())).collect();
        Ok(Some(Applied { prompt: restored(prompt), targets, choices, fields }))
    }
}

fn protect(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(SEPARATOR) => *text = text.replace(SEPARATOR, PROTECTED),
        Value::Array(items) => items.iter_mut().for_each(protect),
        Value::Object(fields) => fields.values_mut().for_each(protect),
        _ => {}
    }
}

fn restored(text: &str) -> String {
    text.replace(PROTECTED, SEPARATOR)
}

impl Applied {
    /// The instance as a conversation: the prompt asks, the first target answers. `None` without a prompt or an answer.
    pub fn conversation(&self) -> Option<Conversation> {
        let answer = self.targets.first().filter(|answer| !answer.is_empty() && !self.prompt.is_empty())?;
        let messages = vec![Message::user(self.prompt.as_str()), Message::assistant(answer.as_str())];
        Some(Conversation { messages, ..Conversation::default() })
    }

    /// The instance turned round: the answer is given, with the prompt but for the text of its longest field, and that
    /// text is asked for. `None` where no field of the record can be found in the prompt.
    ///
    /// Put back into its place the new answer gives the old prompt: nothing of the instance is lost.
    pub fn inverted(&self) -> Option<Conversation> {
        let answer = self.targets.first().filter(|answer| !answer.is_empty())?;
        let longest = self.fields.iter().map(|(range, _)| range.len()).max()?;
        let (range, name) = self.fields.iter().find(|(range, _)| range.len() == longest)?;
        // White space around it stays in the prompt.
        let field = &self.prompt[range.clone()];
        let start = range.start + field.len() - field.trim_start().len();
        let text = field.trim();
        let (before, after) = (&self.prompt[..start], &self.prompt[start + text.len()..]);
        // A text that gives itself away elsewhere in the prompt is nothing to ask for.
        if text.is_empty() || before.contains(text) || after.contains(text) {
            return None;
        }
        let gap = format!("[{name}]");
        let request = format!(
            "{}\n\n{before}{gap}{after}\n\n{}\n\n{answer}\n\n{}",
            phrase("A task with a gap:", self),
            phrase("Its answer:", self),
            phrase("Write the text that fits the gap.", self)
        );
        let messages = vec![Message::user(request), Message::assistant(text)];
        Some(Conversation { messages, ..Conversation::default() })
    }
}

/// The words around an inverted task in the language of the task.
fn phrase(english: &'static str, applied: &Applied) -> &'static str {
    match (crate::text::is_chinese(&applied.prompt), english) {
        (false, _) => english,
        (true, "A task with a gap:") => "下面的任务有一处空缺：",
        (true, "Its answer:") => "它的答案是：",
        (true, _) => "写出空缺处的文字。",
    }
}

/// A one-turn conversation turned round: the answer is given, and what was asked is asked for (Li et al. 2023,
/// "instruction backtranslation"). `None` for conversations of more turns and for calls of tools.
pub fn invert(conversation: &Conversation) -> Option<Conversation> {
    let (standing, turns): (Vec<&Message>, Vec<&Message>) =
        conversation.messages.iter().partition(|message| message.role == lang::instance::Role::System);
    let [question, answer] = turns[..] else { return None };
    if !standing.is_empty() || question.role != lang::instance::Role::User || !answer.more.is_empty() {
        return None;
    }
    let request = match crate::text::is_chinese(&answer.content) {
        true => format!("写一条指令，使下面的文字是它的回答：\n\n{}", answer.content),
        false => format!("Write an instruction to which this text is the answer:\n\n{}", answer.content),
    };
    Some(Conversation {
        messages: vec![Message::user(request), Message::assistant(question.content.as_str())],
        ..conversation.clone()
    })
}

/// What [`invert`] was given, from what it gave.
pub fn restore(inverted: &Conversation) -> Option<Conversation> {
    let [request, question] = &inverted.messages[..] else { return None };
    let answer = request.content.split_once("\n\n")?.1;
    let messages = vec![Message::user(question.content.as_str()), Message::assistant(answer)];
    Some(Conversation { messages, ..inverted.clone() })
}

/// A prompt with solved examples before it: each as its prompt and its answer, with an empty line between.
pub fn with_examples(applied: &Applied, examples: &[Applied]) -> Applied {
    let solved = |example: &Applied| Some(format!("{}\n{}\n\n", example.prompt, example.targets.first()?));
    let before: String = examples.iter().filter_map(solved).collect();
    let shift = before.len();
    let moved =
        |(range, name): &(std::ops::Range<usize>, String)| (range.start + shift..range.end + shift, name.clone());
    Applied { prompt: before + &applied.prompt, fields: applied.fields.iter().map(moved).collect(), ..applied.clone() }
}

#[cfg(test)]
mod tests;
