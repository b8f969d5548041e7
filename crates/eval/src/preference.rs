//! Preference accuracy: how often a model gives the preferred answer the higher probability, the measure that direct
//! preference optimisation moves (Rafailov and others, 2023).

use std::sync::atomic::{AtomicUsize, Ordering};

use lang::chat::ChatTemplate;
use lang::instance::{Message, Preference};
use lang::model::LanguageModel;
use lang::text::TextError;
use lang::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::score::{Score, grouped};
use crate::{EvalError, Progress};

/// One pair as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreferenceSample {
    /// Name of the pair.
    pub id: String,
    /// What the pair is about.
    pub task: String,
    /// ISO 639-1 code, where known.
    pub language: String,
    /// ln of the probability of the preferred answer and the end of its turn.
    pub chosen_log_prob: f64,
    /// The same of the other answer.
    pub rejected_log_prob: f64,
}

impl PreferenceSample {
    /// By how many nats the preferred answer is likelier.
    pub fn margin(&self) -> f64 {
        self.chosen_log_prob - self.rejected_log_prob
    }

    /// 1 when the preferred answer is likelier, ½ when both are equally likely, else 0.
    pub fn correct(&self) -> f64 {
        match self.chosen_log_prob.partial_cmp(&self.rejected_log_prob) {
            Some(std::cmp::Ordering::Greater) => 1.0,
            Some(std::cmp::Ordering::Equal) => 0.5,
            _ => 0.0,
        }
    }
}

/// Preference accuracy over some pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreferenceScore {
    /// Accuracy with its interval.
    #[serde(flatten)]
    pub score: Score,
    /// Mean margin in nats.
    pub mean_margin: f64,
}

/// Preference accuracy over a set of pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreferenceAccuracy {
    /// All pairs together.
    pub total: PreferenceScore,
    /// By task, in the order of first appearance.
    pub tasks: Vec<PreferenceScore>,
    /// Every pair, in the order given.
    pub samples: Vec<PreferenceSample>,
}

/// Compares, for every pair, the total log-probabilities of both answers after the prompt, the end of the turn
/// included. They are not divided by the length: that is the quantity the alignment objective is written in.
///
/// # Errors
/// No pairs, a template that does not take a pair's turns, or a model that fails.
pub fn preference_accuracy(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    pairs: &[Preference],
    progress: Progress,
) -> Result<PreferenceAccuracy, EvalError> {
    if pairs.is_empty() {
        return Err(EvalError::Empty { what: "preference pairs" });
    }
    let done = AtomicUsize::new(0);
    let samples = pairs
        .par_iter()
        .map(|pair| {
            let log_prob = |answer: &str| answer_log_prob(model, tokenizer, template, pair, answer);
            let sample = PreferenceSample {
                id: pair.id.clone(),
                task: pair.task.clone(),
                language: pair.lang.clone(),
                chosen_log_prob: log_prob(&pair.chosen)?,
                rejected_log_prob: log_prob(&pair.rejected)?,
            };
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, pairs.len());
            Ok(sample)
        })
        .collect::<Result<Vec<PreferenceSample>, EvalError>>()?;
    let score = |task: &str, samples: &[&PreferenceSample]| {
        let correct = samples.iter().map(|sample| sample.correct()).sum();
        let margins: f64 = samples.iter().map(|sample| sample.margin()).sum();
        PreferenceScore {
            score: Score::new(task, "", correct, samples.len()),
            mean_margin: margins / samples.len().max(1) as f64,
        }
    };
    let groups = grouped(&samples, |sample| (sample.task.as_str(), ""));
    let tasks = groups.iter().map(|group| score(group.0, &group.2)).collect();
    let total = score("", &samples.iter().collect::<Vec<_>>());
    Ok(PreferenceAccuracy { total, tasks, samples })
}

fn answer_log_prob(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    pair: &Preference,
    answer: &str,
) -> Result<f64, EvalError> {
    let mut conversation = pair.prompt.clone();
    conversation.push(Message::assistant(answer));
    let masked = template
        .encode_conversation(tokenizer, &conversation)
        .map_err(|source| EvalError::Chat { id: pair.id.clone(), source })?;
    let log_probs = model
        .log_probs(&masked.ids)
        .map_err(|source| EvalError::Text { id: pair.id.clone(), source: TextError::Model(source) })?;
    // Earlier turns of the model are targets too, but they are the same for both answers: the last run is the answer.
    let is_target = masked.is_target.get(1..).unwrap_or_default();
    let last_run = is_target
        .iter()
        .zip(&log_probs)
        .rev()
        .skip_while(|(is_target, _)| !**is_target)
        .take_while(|(is_target, _)| **is_target);
    Ok(last_run.map(|(_, log_prob)| f64::from(*log_prob)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, tokenizer};

    fn pair(id: &str, task: &str, chosen: &str, rejected: &str) -> Preference {
        Preference {
            id: id.into(),
            prompt: vec![
                Message::user("What is 4 + 3?"),
                Message::assistant("7"),
                Message::user(format!("Where does {id} live?")),
            ],
            chosen: chosen.into(),
            rejected: rejected.into(),
            task: task.into(),
            lang: "en".into(),
        }
    }

    #[test]
    fn likelier_answers_win_and_ties_count_half() {
        let tokenizer = tokenizer();
        let template = ChatTemplate::chatml();
        let pairs = [
            pair("Mina", "helpful", "Larkhaven", "the mill"),
            pair("Teo", "helpful", "Larkhaven", "the mill"),
            pair("Ada", "honest", "the mill", "the mill"),
        ];
        let mut model = Scripted::new(&tokenizer, None);
        model.answers(&template, &pairs[0].prompt, "Larkhaven");
        model.answers(&template, &pairs[1].prompt, "the mill");
        let result = preference_accuracy(&model, &tokenizer, &template, &pairs, &|_, _| ()).unwrap();
        let correct: Vec<f64> = result.samples.iter().map(|sample| sample.correct()).collect();
        assert_eq!(correct, [1.0, 0.0, 0.5]);
        assert_eq!((result.total.score.n, result.total.score.score), (3, 0.5));
        assert_eq!(result.tasks.len(), 2);
        assert_eq!(result.tasks[1].mean_margin, 0.0);

        // The scripted answer costs its tokens and the end of the turn, each with the scripted probability.
        let tokens = tokenizer.encode("Larkhaven").len() + 1;
        let expected = tokens as f64 * f64::from(model.certain());
        assert!((result.samples[0].chosen_log_prob - expected).abs() < 1e-4);
        assert!(result.samples[0].margin() > 1.0);
        let empty = preference_accuracy(&model, &tokenizer, &template, &[], &|_, _| ());
        assert!(matches!(empty, Err(EvalError::Empty { .. })));
    }
}
