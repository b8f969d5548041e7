//! Exact match: the model answers each question greedily, and the compared part of the answer must be the expected one.

use std::sync::atomic::{AtomicUsize, Ordering};

use lang::chat::ChatTemplate;
use lang::instance::{EvalItem, Extract, Role};
use lang::model::{LanguageModel, ModelError};
use lang::sampling::SamplingConfig;
use lang::text::{FinishReason, TextError, generate};
use lang::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::compare::{extracted, is_correct};
use crate::score::{Score, grouped};
use crate::{EvalError, Progress};

/// Answers may be this many times as long as the expected one, and [`SPARE_TOKENS`] more: enough for a detour, without
/// letting a model that never stops hold up the run.
const LENGTH_FACTOR: usize = 3;
const SPARE_TOKENS: usize = 16;

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its turn.
    Stop,
    /// The allowed number of tokens was reached.
    Length,
    /// The model's context was full.
    Context,
    /// The question alone does not fit the model's context; the answer is empty and wrong.
    PromptTooLong,
}

/// One question and the model's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Name of the item.
    pub id: String,
    /// Its task.
    pub task: String,
    /// ISO 639-1 code, where known.
    pub language: String,
    /// The person's last turn.
    pub prompt: String,
    /// The whole prompt as the chat template writes it.
    pub rendered: String,
    /// The expected answer, whole.
    pub expected: String,
    /// The model's answer, whole.
    pub answer: String,
    /// The compared part of the answer.
    pub extracted: Option<String>,
    /// Which part is compared.
    pub extract: Extract,
    /// Whether it is right.
    pub correct: bool,
    /// Tokens of the answer.
    pub tokens: usize,
    /// The most tokens the answer could have.
    pub max_tokens: usize,
    /// Why the answer ended.
    pub finish: Finish,
}

/// The answers to a set of questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExactMatch {
    /// All items together.
    pub total: Score,
    /// By task, all languages together, in the order of first appearance.
    pub tasks: Vec<Score>,
    /// By task and language, in the order of first appearance.
    pub languages: Vec<Score>,
    /// Every item, in the order given.
    pub samples: Vec<Sample>,
}

/// Lets `model` answer every item greedily and compares. An answer ends at the end of the turn, the end of the text or
/// after `max_tokens` tokens; by default three times the length of the expected answer and 16 more. `progress` hears of
/// every finished item.
///
/// # Errors
/// No items, a template that does not take an item's turns, a tokenizer that is not the model's, or a model that fails.
pub fn exact_match(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    items: &[EvalItem],
    max_tokens: Option<usize>,
    progress: Progress,
) -> Result<ExactMatch, EvalError> {
    if items.is_empty() {
        return Err(EvalError::Empty { what: "questions" });
    }
    let done = AtomicUsize::new(0);
    let samples = items
        .par_iter()
        .map(|item| {
            let sample = answer(model, tokenizer, template, item, max_tokens)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
            Ok(sample)
        })
        .collect::<Result<Vec<Sample>, EvalError>>()?;
    Ok(ExactMatch::from_samples(samples))
}

impl ExactMatch {
    /// Scores of answers that are there.
    pub fn from_samples(samples: Vec<Sample>) -> ExactMatch {
        let score = |task: &str, language: &str, samples: &[&Sample]| {
            let correct = samples.iter().filter(|sample| sample.correct).count();
            Score::new(task, language, correct as f64, samples.len())
        };
        let by_task = grouped(&samples, |sample| (sample.task.as_str(), ""));
        let by_language = grouped(&samples, |sample| (sample.task.as_str(), sample.language.as_str()));
        let tasks = by_task.iter().map(|group| score(group.0, "", &group.2)).collect();
        let languages = by_language.iter().map(|group| score(group.0, group.1, &group.2)).collect();
        let total = score("", "", &samples.iter().collect::<Vec<_>>());
        ExactMatch { total, tasks, languages, samples }
    }
}

fn answer(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    item: &EvalItem,
    max_tokens: Option<usize>,
) -> Result<Sample, EvalError> {
    let chat = |source| EvalError::Chat { id: item.id.clone(), source };
    let prompt = template.encode_prompt(tokenizer, &item.prompt).map_err(chat)?;
    let rendered = template.render(&item.prompt, true).map_err(chat)?;
    let max_tokens = max_tokens.unwrap_or_else(|| LENGTH_FACTOR * tokenizer.encode(&item.answer).len() + SPARE_TOKENS);
    let mut stop = vec![tokenizer.end_of_text()];
    stop.extend(tokenizer.end_of_turn());
    let greedy = SamplingConfig::greedy();
    let (ids, finish) = match generate(model, tokenizer, &prompt, max_tokens, &stop, &greedy, &mut |_| true) {
        Ok(generation) => match generation.finish_reason {
            FinishReason::Stop => (generation.ids, Finish::Stop),
            FinishReason::Context => (generation.ids, Finish::Context),
            FinishReason::Length | FinishReason::Interrupted => (generation.ids, Finish::Length),
        },
        // One question that is too long must not cost the answers to all the others.
        Err(TextError::Model(ModelError::ContextFull { .. })) => (Vec::new(), Finish::PromptTooLong),
        Err(source) => {
            return Err(EvalError::Text { id: item.id.clone(), source });
        }
    };
    let text = tokenizer.decode(&ids, true);
    let last_turn = item.prompt.iter().rfind(|message| message.role == Role::User);
    Ok(Sample {
        id: item.id.clone(),
        task: item.task.clone(),
        language: item.lang.clone(),
        prompt: last_turn.map(|message| message.content.clone()).unwrap_or_default(),
        rendered,
        expected: item.answer.clone(),
        extracted: extracted(&text, item.extract),
        extract: item.extract,
        correct: finish != Finish::PromptTooLong && is_correct(&text, &item.answer, item.extract),
        answer: text,
        tokens: ids.len(),
        max_tokens,
        finish,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::scripted::{Scripted, item, tokenizer};

    #[test]
    fn greedy_answers_are_compared_by_task_and_language() {
        let tokenizer = tokenizer();
        let template = ChatTemplate::chatml();
        let items = [
            item("a", "facts", "en", "Where does Mina live?", "Larkhaven", Extract::Whole),
            item("b", "facts", "zh", "米娜住在哪里？", "云雀港", Extract::Whole),
            item("c", "arithmetic", "en", "What is 4 + 3?", "4 + 3 = 7", Extract::LastNumber),
            item("d", "facts", "en", "Where does Teo live?", "the mill", Extract::Whole),
        ];
        let mut model = Scripted::new(&tokenizer, None);
        model.answers(&template, &items[0].prompt, " Larkhaven\n");
        model.answers(&template, &items[1].prompt, "云雀港");
        model.answers(&template, &items[2].prompt, "7");
        model.answers(&template, &items[3].prompt, "in Larkhaven");
        let heard = Mutex::new(Vec::new());
        let progress = |done, all| heard.lock().unwrap().push((done, all));
        let result = exact_match(&model, &tokenizer, &template, &items, None, &progress).unwrap();

        let flat = |score: &Score| (score.task.clone(), score.language.clone(), score.n, score.correct);
        let row = |task: &str, language: &str, n, correct| (task.to_owned(), language.to_owned(), n, correct);
        assert_eq!(flat(&result.total), row("", "", 4, 3.0));
        let tasks: Vec<_> = result.tasks.iter().map(flat).collect();
        assert_eq!(tasks, [row("facts", "", 3, 2.0), row("arithmetic", "", 1, 1.0)]);
        let languages: Vec<_> = result.languages.iter().map(flat).collect();
        let expected = [row("facts", "en", 2, 1.0), row("facts", "zh", 1, 1.0), row("arithmetic", "en", 1, 1.0)];
        assert_eq!(languages, expected);
        let answers: Vec<&str> = result.samples.iter().map(|sample| sample.answer.as_str()).collect();
        assert_eq!(answers, [" Larkhaven\n", "云雀港", "7", "in Larkhaven"]);
        assert_eq!(result.samples[3].prompt, "Where does Teo live?");
        assert!(result.samples.iter().all(|sample| sample.finish == Finish::Stop));
        let mut heard = heard.into_inner().unwrap();
        heard.sort_unstable();
        assert_eq!(heard, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    }

    #[test]
    fn endless_answers_and_long_questions_end() {
        let tokenizer = tokenizer();
        let template = ChatTemplate::chatml();
        let items = [item("a", "facts", "en", "Where does Mina live?", "Larkhaven", Extract::Whole)];
        let mut model = Scripted::new(&tokenizer, None);
        model.answers(&template, &items[0].prompt, &"Larkhaven ".repeat(50));
        let result = exact_match(&model, &tokenizer, &template, &items, Some(5), &|_, _| ()).unwrap();
        let sample = &result.samples[0];
        assert_eq!((sample.finish, sample.tokens, sample.correct), (Finish::Length, 5, false));

        let model = Scripted::new(&tokenizer, Some(3));
        let result = exact_match(&model, &tokenizer, &template, &items, None, &|_, _| ()).unwrap();
        assert_eq!((result.samples[0].finish, result.total.score), (Finish::PromptTooLong, 0.0));
        let none = exact_match(&model, &tokenizer, &template, &[], None, &|_, _| ());
        assert!(matches!(none, Err(EvalError::Empty { .. })));
    }
}
