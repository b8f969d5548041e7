//! What can go wrong between messages and ids.

use std::path::PathBuf;

use thiserror::Error;

use crate::jinja::TemplateError;
use crate::tokenizer::TokenizerError;

/// What can go wrong between messages and ids.
#[derive(Debug, Error)]
pub enum ChatError {
    /// The files of the template could not be read.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The folder has no template.
    #[error("{0}: there is no chat template\nhint: add chat_template.jinja or chat_template in tokenizer_config.json")]
    NoTemplate(PathBuf),
    /// The folder has templates, but not this one.
    #[error("there is no chat template named {name}; there are: {known}")]
    NoNamedTemplate {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The template is not Jinja, or fails for these messages.
    #[error("chat template, line {line}: {message}")]
    Template {
        /// Line of the template, from 1; 0 where unknown.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The template called `raise_exception`: it does not take these messages.
    #[error("the chat template refuses these messages (line {line}): {message}")]
    Refused {
        /// Line of the template, from 1; 0 where unknown.
        line: usize,
        /// What the template says.
        message: String,
    },
    /// The template does not come to an end.
    #[error("chat template, line {line}: it runs too long or writes too much")]
    OutOfFuel {
        /// Line of the template it was at.
        line: usize,
    },
    /// There are no messages.
    #[error("the conversation is empty")]
    Empty,
    /// A message is not an object with a role, or a part of it is not what it must be.
    #[error("message {index}: {problem}")]
    Message {
        /// Number of the message, from 1.
        index: usize,
        /// What is wrong.
        problem: String,
    },
    /// Two things were asked for that exclude each other.
    #[error("{0}")]
    Options(&'static str),
    /// The final message cannot be continued.
    #[error("message {index} cannot be continued: {problem}")]
    Continue {
        /// Number of the message, from 1.
        index: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The input has characters by which texts are followed through the template.
    #[error(
        "{place} has the noncharacter U+{code:04X}, which no text has in Unicode and by which texts are followed here\n\
         hint: take it out"
    )]
    Reserved {
        /// Which message, or what else.
        place: String,
        /// The character.
        code: u32,
    },
    /// The template left a message out.
    #[error("the chat template drops message {index} ({role})")]
    Dropped {
        /// Number of the message, from 1.
        index: usize,
        /// Who speaks in it.
        role: String,
    },
    /// The template changed the order of the model's messages or wrote one twice.
    #[error("the chat template repeats or moves message {index} ({role})")]
    Moved {
        /// Number of the message, from 1.
        index: usize,
        /// Who speaks in it.
        role: String,
    },
    /// The template changed the text of a message, so that its place cannot be told.
    #[error("the chat template changes the text of message {index} ({role}), so its place cannot be told")]
    Changed {
        /// Number of the message, from 1.
        index: usize,
        /// Who speaks in it.
        role: String,
    },
    /// A turn of the model has nothing to learn.
    #[error("message {index} (assistant) is empty: there is nothing to learn")]
    EmptyTarget {
        /// Number of the message, from 1.
        index: usize,
    },
    /// Nothing in the conversation is the model's.
    #[error("the conversation has no assistant message: there is nothing to learn")]
    NoTarget,
    /// The template marks what is learnt, but nothing here.
    #[error("the loss mask is empty: no {{% generation %}} block of the chat template has text of this conversation")]
    EmptyMask,
    /// No special token follows a turn of the model, which could not learn to stop.
    #[error("the chat template puts no special token after message {index} (assistant), so its end cannot be learnt")]
    NoEndOfTurn {
        /// Number of the message, from 1.
        index: usize,
    },
    /// The token that ends a turn of the model is not among the targets.
    #[error(
        "the stop token {token} after message {index} (assistant) is outside the loss mask, so the model would not learn \
         to stop\nhint: put it inside the {{% generation %}} block of the chat template"
    )]
    StopOutsideMask {
        /// Number of the message, from 1.
        index: usize,
        /// Its spelling.
        token: String,
    },
    /// A turn of the model does not fit.
    #[error(
        "message {index} (assistant) would be cut: the conversation has {tokens} tokens, and {limit} are the most\n\
         hint: raise the limit or leave the conversation out"
    )]
    Truncated {
        /// Number of the message, from 1.
        index: usize,
        /// Tokens of the whole conversation.
        tokens: usize,
        /// The most that were allowed.
        limit: usize,
    },
}

impl From<TemplateError> for ChatError {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Failed { line, message } => ChatError::Template { line, message },
            TemplateError::Refused { line, message } => ChatError::Refused { line, message },
            TemplateError::OutOfFuel { line } => ChatError::OutOfFuel { line },
        }
    }
}
