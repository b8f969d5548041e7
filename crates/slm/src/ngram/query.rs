//! Asking: here are the last tokens; give me the probability of one next token, or of all.

use lang::model::{LanguageModel, ModelError, Session};
use rayon::prelude::*;

use super::NGram;

impl NGram {
    /// ln p(`word` | `context`), of which the last `order − 1` tokens count.
    ///
    /// # Errors
    /// When a token is outside the vocabulary.
    pub fn log_prob(&self, context: &[u32], word: u32) -> Result<f64, ModelError> {
        self.check(&[word])?;
        let context = &context[context.len().saturating_sub(self.order() - 1)..];
        self.check(context)?;
        Ok(self.unchecked_log_prob(context, word))
    }

    /// As [`NGram::log_prob`] for tokens known to be in the vocabulary and a context of at most `order − 1`.
    fn unchecked_log_prob(&self, context: &[u32], word: u32) -> f64 {
        let mut backoff = 0.0;
        for start in 0..context.len() {
            let Some(node) = self.find(&context[start..]) else {
                continue;
            };
            let level = context.len() - start - 1;
            if let Some(entry) = self.child(level, node, word) {
                return backoff + self.levels[level + 1].log_probs[entry];
            }
            backoff += self.levels[level].log_backoffs[node];
        }
        backoff + self.levels[0].log_probs[word as usize]
    }

    /// Natural-log probabilities of every next token, into `out` (`vocabulary_size` long).
    fn fill(&self, context: &[u32], out: &mut [f32]) {
        // The contexts that exist, shortest first: (level of the context, its entry).
        let nodes: Vec<(usize, usize)> = (1..=context.len())
            .filter_map(|length| self.find(&context[context.len() - length..]).map(|node| (length - 1, node)))
            .collect();
        let mut backoff: f64 = nodes.iter().map(|&(level, node)| self.levels[level].log_backoffs[node]).sum();
        for (out, log_prob) in out.iter_mut().zip(&self.levels[0].log_probs) {
            *out = (backoff + log_prob) as f32;
        }
        for (level, node) in nodes {
            backoff -= self.levels[level].log_backoffs[node];
            let children = &self.levels[level].children;
            let longer = &self.levels[level + 1];
            for entry in children[node] as usize..children[node + 1] as usize {
                out[longer.words[entry] as usize] = (backoff + longer.log_probs[entry]) as f32;
            }
        }
    }

    /// The entry of an n-gram on level `tokens.len() - 1`; `None` when it is not there, or is empty.
    pub(super) fn find(&self, tokens: &[u32]) -> Option<usize> {
        let (&first, rest) = tokens.split_first()?;
        // The first level is dense.
        let mut node = first as usize;
        for (level, &word) in rest.iter().enumerate() {
            node = self.child(level, node, word)?;
        }
        Some(node)
    }

    /// The entry on `level + 1` that continues entry `node` of `level` with `word`.
    pub(super) fn child(&self, level: usize, node: usize, word: u32) -> Option<usize> {
        let children = &self.levels[level].children;
        let (start, end) = (children[node] as usize, children[node + 1] as usize);
        self.levels[level + 1].words[start..end].binary_search(&word).ok().map(|at| start + at)
    }

    fn check(&self, ids: &[u32]) -> Result<(), ModelError> {
        let vocabulary_size = self.vocabulary_size;
        match ids.iter().find(|&&id| id as usize >= vocabulary_size) {
            Some(&id) => Err(ModelError::UnknownToken { id, vocabulary_size }),
            None => Ok(()),
        }
    }
}

impl LanguageModel for NGram {
    fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// No limit: what lies further back than `order − 1` tokens is forgotten.
    fn context_length(&self) -> Option<usize> {
        None
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(NGramSession {
            model: self,
            context: Vec::with_capacity(self.order()),
            read: 0,
            next: vec![0.0; self.vocabulary_size],
        })
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check(ids)?;
        let width = self.order() - 1;
        let positions = (1..ids.len()).into_par_iter();
        Ok(positions.map(|at| self.unchecked_log_prob(&ids[at.saturating_sub(width)..at], ids[at]) as f32).collect())
    }
}

struct NGramSession<'a> {
    model: &'a NGram,
    /// The last `order − 1` tokens read.
    context: Vec<u32>,
    read: usize,
    next: Vec<f32>,
}

impl Session for NGramSession<'_> {
    fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
        self.model.check(ids)?;
        let width = self.model.order() - 1;
        self.context.extend(&ids[ids.len().saturating_sub(width)..]);
        self.context.drain(..self.context.len().saturating_sub(width));
        self.read += ids.len();
        Ok(())
    }

    fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
        self.model.fill(&self.context, &mut self.next);
        Ok(&self.next)
    }

    fn tokens_read(&self) -> usize {
        self.read
    }
}
