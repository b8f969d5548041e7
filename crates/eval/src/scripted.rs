//! A model that says what the test wrote for it, through a tokenizer trained on the spot.

use lang::chat::ChatTemplate;
use lang::instance::{EvalItem, Extract, Message};
use lang::model::{LanguageModel, ModelError, Session};
use lang::tokenizer::{Tokenizer, TrainConfig};

/// Trained on a few words of both languages.
pub fn tokenizer() -> Tokenizer {
    let texts = ["Mina lives in Larkhaven. Where does Teo live? In the mill.", "米娜住在云雀港。泰奥住在哪里？"];
    let config = TrainConfig { vocab_size: 320, ..TrainConfig::default() };
    Tokenizer::train(&texts, &config, &mut |_, _| ()).unwrap()
}

/// A question in one turn.
pub fn item(id: &str, task: &str, lang: &str, question: &str, answer: &str, extract: Extract) -> EvalItem {
    EvalItem {
        id: id.into(),
        task: task.into(),
        prompt: vec![Message::user(question)],
        answer: answer.into(),
        extract,
        lang: lang.into(),
    }
}

/// After a scripted prompt it says the scripted answer, nearly surely; anywhere else all tokens are equally likely.
pub struct Scripted {
    tokenizer: Tokenizer,
    context: Option<usize>,
    lines: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Scripted {
    /// A model without lines, with or without a limit to its context.
    pub fn new(tokenizer: &Tokenizer, context: Option<usize>) -> Self {
        Scripted { tokenizer: tokenizer.clone(), context, lines: Vec::new() }
    }

    /// What it says after `prompt`, before it ends its turn.
    pub fn answers(&mut self, template: &ChatTemplate, prompt: &[Message], answer: &str) {
        let prompt = template.encode_prompt(&self.tokenizer, prompt).unwrap();
        let mut ids = self.tokenizer.encode(answer);
        ids.extend(self.tokenizer.end_of_turn());
        self.lines.push((prompt, ids));
    }

    /// Log-probability of a scripted token.
    pub fn certain(&self) -> f32 {
        0.9f32.ln()
    }
}

impl LanguageModel for Scripted {
    fn vocabulary_size(&self) -> usize {
        self.tokenizer.vocabulary_size()
    }

    fn context_length(&self) -> Option<usize> {
        self.context
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Reading { model: self, read: Vec::new(), next: Vec::new() })
    }
}

struct Reading<'a> {
    model: &'a Scripted,
    read: Vec<u32>,
    next: Vec<f32>,
}

impl Session for Reading<'_> {
    fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
        self.read.extend(ids);
        match self.model.context {
            Some(limit) if self.read.len() > limit => Err(ModelError::ContextFull { tokens: self.read.len(), limit }),
            _ => Ok(()),
        }
    }

    fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
        let size = self.model.vocabulary_size();
        let scripted = self.model.lines.iter().find_map(|(prompt, answer)| {
            let said = self.read.strip_prefix(prompt.as_slice())?;
            answer.strip_prefix(said)?.first()
        });
        self.next = match scripted {
            Some(&id) => {
                let mut next = vec![(0.1 / (size - 1) as f32).ln(); size];
                next[id as usize] = self.model.certain();
                next
            }
            None => vec![-(size as f32).ln(); size],
        };
        Ok(&self.next)
    }

    fn tokens_read(&self) -> usize {
        self.read.len()
    }
}
