//! Conversations as token ids: Jinja chat templates as `transformers.apply_chat_template` renders them, and the loss
//! mask that says which tokens a model is trained to write.
//!
//! The mask follows the text, it is not searched for. The template is rendered twice, once with the messages and once
//! with a private-use mark in place of each; the second tells where each message landed in the first. What the template
//! wrote is parsed for special tokens, what people wrote never is, so `<|im_end|>` typed by a user ends nothing.

use std::path::Path;
use std::sync::Arc;

use minijinja::{Environment, Value};
use thiserror::Error;

use jinja::template_error;

use crate::instance::{Message, Role};
use crate::tokenizer::config::FolderConfig;
use crate::tokenizer::{Tokenizer, TokenizerError};

mod jinja;

/// The special tokens of our vocabularies: end (and beginning) of text, beginning of a turn, end of a turn.
pub const SPECIAL_TOKENS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// The ChatML template, the default.
pub const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n\
    {{ message.content }}<|im_end|>\n\
    {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n\
    {% endif %}";

/// Characters around the number of a message in the marked rendering; the last private-use characters of Unicode.
const MARK: [char; 2] = ['\u{10FFFC}', '\u{10FFFD}'];

/// What can go wrong between messages and ids.
#[derive(Debug, Error)]
pub enum ChatError {
    /// The files of the template could not be read.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The folder has no template.
    #[error("{0}: there is no chat template\nhint: add chat_template.jinja or chat_template in tokenizer_config.json")]
    NoTemplate(std::path::PathBuf),
    /// The template is not Jinja, or fails for these messages; `raise_exception` of a template arrives here too.
    #[error("chat template, line {line}: {message}")]
    Template {
        /// Line of the template, from 1; 0 where unknown.
        line: usize,
        /// What is wrong.
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
    /// The template left a message out.
    #[error("the chat template drops message {index} ({role})")]
    Dropped {
        /// Number of the message, from 1.
        index: usize,
        /// Who speaks in it.
        role: &'static str,
    },
    /// The template changed the order of the messages or wrote one twice.
    #[error("the chat template repeats or moves message {index} ({role})")]
    Moved {
        /// Number of the message, from 1.
        index: usize,
        /// Who speaks in it.
        role: &'static str,
    },
    /// The template changed the text of a message, so that its tokens cannot be told.
    #[error("the chat template changes the text of message {index} ({role})")]
    Changed {
        /// Number of the message, from 1.
        index: usize,
        /// Who speaks in it.
        role: &'static str,
    },
    /// A turn of the model has nothing to learn.
    #[error("message {index} (assistant) is empty: there is nothing to learn")]
    EmptyTarget {
        /// Number of the message, from 1.
        index: usize,
    },
    /// No turn is the model's.
    #[error("the conversation has no assistant message: there is nothing to learn")]
    NoTarget,
    /// No special token follows a turn of the model, which could not learn to stop.
    #[error("the chat template puts no special token after message {index} (assistant), so its end cannot be learnt")]
    NoEndOfTurn {
        /// Number of the message, from 1.
        index: usize,
    },
}

/// A conversation as ids with its loss mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The whole conversation.
    pub ids: Vec<u32>,
    /// For each id, whether the model is trained to write it: the text of the model's turns and the token that ends
    /// each.
    pub is_target: Vec<bool>,
}

/// A chat template, ready to render.
#[derive(Clone)]
pub struct ChatTemplate {
    source: Arc<str>,
    environment: Arc<Environment<'static>>,
    /// `bos_token`, `eos_token`, … as the template may use them.
    named_tokens: Vec<(String, String)>,
}

impl std::fmt::Debug for ChatTemplate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ChatTemplate").field("source", &self.source).finish_non_exhaustive()
    }
}

impl ChatTemplate {
    /// The ChatML template ([`CHATML`]).
    pub fn chatml() -> Self {
        let mark = |name: &str| (name.to_owned(), SPECIAL_TOKENS[0].to_owned());
        ChatTemplate::new(CHATML, vec![mark("bos_token"), mark("eos_token"), mark("pad_token")])
            .expect("ChatML is a constant that the tests render")
    }

    /// A template of its own source; `named_tokens` are the texts it may use by name (`bos_token`, `eos_token`).
    ///
    /// # Errors
    /// [`ChatError::Template`] when the source is not Jinja.
    pub fn new(source: &str, named_tokens: Vec<(String, String)>) -> Result<Self, ChatError> {
        let environment = jinja::environment(source)?;
        Ok(ChatTemplate { source: source.into(), environment: environment.into(), named_tokens })
    }

    /// The template of the model folder `dir`: `chat_template.jinja`, else `chat_template` of `tokenizer_config.json`.
    ///
    /// # Errors
    /// When there is none, a file is malformed, or the template is not Jinja.
    pub fn load(dir: &Path) -> Result<Self, ChatError> {
        let config = FolderConfig::load(dir)?;
        match config.chat_template {
            Some(source) => ChatTemplate::new(&source, config.named_tokens),
            None => Err(ChatError::NoTemplate(dir.to_owned())),
        }
    }

    /// The Jinja source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The conversation as text, equal to `apply_chat_template(messages, tokenize=False)` of transformers.
    /// `add_generation_prompt` adds the opening of the model's next turn.
    ///
    /// # Errors
    /// The template fails, refuses these messages, or does not come to an end.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, ChatError> {
        self.render_contents(
            messages.iter().map(|message| (message.role, message.content.clone())),
            add_generation_prompt,
        )
    }

    fn render_contents(
        &self,
        messages: impl Iterator<Item = (Role, String)>,
        add_generation_prompt: bool,
    ) -> Result<String, ChatError> {
        let messages: Vec<Value> = messages
            .map(|(role, content)| {
                Value::from_pairs([("role", Value::from(name(role))), ("content", Value::from(content))])
            })
            .collect();
        if messages.is_empty() {
            return Err(ChatError::Empty);
        }
        let mut context: Vec<(String, Value)> =
            self.named_tokens.iter().map(|(name, content)| (name.clone(), Value::from(content.as_str()))).collect();
        context.push(("messages".to_owned(), Value::from(messages)));
        context.push(("add_generation_prompt".to_owned(), Value::from(add_generation_prompt)));
        context.push(("tools".to_owned(), Value::from(())));
        context.push(("documents".to_owned(), Value::from(())));
        let template = self.environment.get_template("chat template").map_err(template_error)?;
        template.render(Value::from_pairs(context)).map_err(template_error)
    }

    /// The ids a model continues: the messages and the opening of its turn.
    ///
    /// Text between special tokens is encoded in one piece as Hugging Face does, but a turn of the model begins a piece
    /// of its own, as it does when the model writes it. Special tokens inside messages are ordinary text.
    ///
    /// # Errors
    /// As [`render`](ChatTemplate::render), or the template drops, moves or changes a message.
    pub fn encode_prompt(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Vec<u32>, ChatError> {
        let pieces = self.pieces(messages, true)?;
        Ok(encode_pieces(tokenizer, &pieces, false)?.ids)
    }

    /// The ids of a conversation to learn from. Targets are the text of every turn of the model and the special token
    /// after it, with white space that the template puts between the two.
    ///
    /// # Errors
    /// As [`encode_prompt`](ChatTemplate::encode_prompt), or there is nothing to learn in a turn of the model, or
    /// nothing that ends it.
    pub fn encode_conversation(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Masked, ChatError> {
        if let Some(at) =
            messages.iter().position(|message| message.role == Role::Assistant && message.content.is_empty())
        {
            return Err(ChatError::EmptyTarget { index: at + 1 });
        }
        let pieces = self.pieces(messages, false)?;
        let masked = encode_pieces(tokenizer, &pieces, true)?;
        if masked.is_target.contains(&true) { Ok(masked) } else { Err(ChatError::NoTarget) }
    }

    /// The rendered text, cut into what the template wrote and what each message says.
    fn pieces(&self, messages: &[Message], add_generation_prompt: bool) -> Result<Vec<Piece>, ChatError> {
        let rendered = self.render(messages, add_generation_prompt)?;
        // An empty message leaves no trace to find; the marked rendering has it empty too.
        let marked = self.render_contents(
            messages.iter().enumerate().map(|(at, message)| {
                let mark = || format!("{}{at}{}", MARK[0], MARK[1]);
                (message.role, if message.content.is_empty() { String::new() } else { mark() })
            }),
            add_generation_prompt,
        )?;
        let mut expected = (0..messages.len()).filter(|&at| !messages[at].content.is_empty());
        let mut slots: Vec<(usize, &str)> = Vec::new();
        let mut parts = marked.split(MARK[0]);
        let opening = parts.next().unwrap_or_default();
        for part in parts {
            let (number, literal) = part.split_once(MARK[1]).unwrap_or((part, ""));
            let at = number.parse::<usize>().ok().filter(|&at| at < messages.len());
            match (at, expected.next()) {
                (Some(at), Some(wanted)) if at == wanted => slots.push((at, literal)),
                // A later message in this place: the wanted one is missing, unless it still comes.
                (Some(at), Some(wanted))
                    if at > wanted && !marked.contains(&format!("{}{wanted}{}", MARK[0], MARK[1])) =>
                {
                    return Err(ChatError::Dropped { index: wanted + 1, role: name(messages[wanted].role) });
                }
                (Some(at), _) => {
                    return Err(ChatError::Moved { index: at + 1, role: name(messages[at].role) });
                }
                (None, wanted) => return Err(changed(messages, wanted.unwrap_or(0))),
            }
        }
        if let Some(missing) = expected.next() {
            return Err(ChatError::Dropped { index: missing + 1, role: name(messages[missing].role) });
        }

        let mut pieces = vec![Piece { text: opening.to_owned(), message: None }];
        let Some(mut rest) = rendered.strip_prefix(opening) else {
            return Err(changed(messages, 0));
        };
        for (at, literal) in slots {
            let content = messages[at].content.as_str();
            // Many templates trim.
            let forms = [content, content.trim_end(), content.trim_start(), content.trim()];
            let landed =
                forms.into_iter().find_map(|form| Some((form, rest.strip_prefix(form)?.strip_prefix(literal)?)));
            let Some((form, after)) = landed else {
                return Err(changed(messages, at));
            };
            pieces.push(Piece { text: form.to_owned(), message: Some((at, messages[at].role)) });
            pieces.push(Piece { text: literal.to_owned(), message: None });
            rest = after;
        }
        if !rest.is_empty() {
            return Err(changed(messages, messages.len() - 1));
        }
        Ok(pieces)
    }
}

/// A stretch of a rendered conversation.
#[derive(Debug)]
struct Piece {
    text: String,
    /// The message it is the text of; `None` for what the template wrote.
    message: Option<(usize, Role)>,
}

/// Ids under construction.
struct Builder<'a> {
    tokenizer: &'a Tokenizer,
    masked: Masked,
    /// Plain text not encoded yet, so that it is encoded in one piece up to the next special token.
    pending: String,
}

impl Builder<'_> {
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.pending);
        self.text(&text, false);
    }

    fn text(&mut self, text: &str, is_target: bool) {
        self.masked.ids.extend(self.tokenizer.encode(text));
        self.masked.is_target.resize(self.masked.ids.len(), is_target);
    }

    fn token(&mut self, id: u32, is_target: bool) {
        self.flush();
        self.masked.ids.push(id);
        self.masked.is_target.push(is_target);
    }
}

fn encode_pieces(tokenizer: &Tokenizer, pieces: &[Piece], must_end: bool) -> Result<Masked, ChatError> {
    let masked = Masked { ids: Vec::new(), is_target: Vec::new() };
    let mut builder = Builder { tokenizer, masked, pending: String::new() };
    // The turn of the model whose end is awaited.
    let mut open: Option<usize> = None;
    for piece in pieces {
        match piece.message {
            Some((at, Role::Assistant)) => {
                if must_end && piece.text.is_empty() {
                    return Err(ChatError::EmptyTarget { index: at + 1 });
                }
                builder.flush();
                builder.text(&piece.text, true);
                open = Some(at);
            }
            Some(_) => builder.pending.push_str(&piece.text),
            None => {
                for (text, token) in tokenizer.split_special(&piece.text) {
                    match (token, open) {
                        (Some(id), _) => builder.token(id, open.take().is_some()),
                        (None, Some(_)) if text.trim().is_empty() => builder.text(text, true),
                        (None, Some(at)) if must_end => {
                            return Err(ChatError::NoEndOfTurn { index: at + 1 });
                        }
                        (None, _) => builder.pending.push_str(text),
                    }
                }
                if let (Some(at), true) = (open, must_end) {
                    return Err(ChatError::NoEndOfTurn { index: at + 1 });
                }
                open = None;
            }
        }
    }
    builder.flush();
    Ok(builder.masked)
}

fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

fn changed(messages: &[Message], at: usize) -> ChatError {
    ChatError::Changed { index: at + 1, role: messages.get(at).map_or("unknown", |message| name(message.role)) }
}

#[cfg(test)]
mod tests;
