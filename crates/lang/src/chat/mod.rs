//! Conversations as token ids: Jinja chat templates as `transformers.apply_chat_template` renders them, and the loss
//! mask that says which tokens a model is trained to write.
//!
//! The mask follows the text, it is not searched for: texts carry marks through the template (`jinja::tracked`), and where they
//! come out is where each message has landed (`placed`); from there, what the model has to write is told (`mask`). What
//! the template wrote is parsed for special tokens, what people wrote never is, so `<|im_end|>` typed by a user ends
//! nothing.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use jiff::civil::DateTime;
use serde_json::{Map, Value as Json};

use crate::instance::Message;
use crate::jinja;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::config::FolderConfig;

mod error;
mod mask;
mod placed;

pub use error::ChatError;
pub use mask::{Encoded, LossOptions, Masked, TrainOn};
pub use placed::{Field, Placed, Span};

/// The special tokens of our vocabularies: end (and beginning) of text, beginning of a turn, end of a turn.
pub const SPECIAL_TOKENS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// The ChatML template, the default.
pub const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n\
    {{ message.content }}<|im_end|>\n\
    {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n\
    {% endif %}";

/// What `continue_final_message` puts behind the final message to find its end again.
const CONTINUE: &str = "CONTINUE_FINAL_MESSAGE_TAG ";

/// A chat template, ready to render.
#[derive(Clone)]
pub struct ChatTemplate {
    source: Arc<str>,
    engine: Arc<jinja::Engine>,
    /// `bos_token`, `eos_token`, … as the template may use them.
    named_tokens: Vec<(String, String)>,
    /// The opening of the model's turn, as it stands after one question; found when first asked for.
    opening: Arc<OnceLock<String>>,
}

/// What a conversation is rendered with beside its messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatOptions {
    /// Definitions of tools (JSON schemas) the model may call.
    pub tools: Option<Vec<Json>>,
    /// Documents the model may answer from, objects with `title` and `text`.
    pub documents: Option<Vec<Json>>,
    /// Add the opening of the model's next turn.
    pub add_generation_prompt: bool,
    /// Leave off everything after the final message, for the model to go on with it.
    pub continue_final_message: bool,
    /// Variables of the template itself (`enable_thinking`, …).
    pub variables: Map<String, Json>,
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
        let engine = jinja::chat_engine(source, None)?;
        Ok(ChatTemplate { source: source.into(), engine: engine.into(), named_tokens, opening: Arc::default() })
    }

    /// The template of the model folder `dir`: `chat_template.jinja`, else `chat_template` of `tokenizer_config.json`; of
    /// several the one named `default`.
    ///
    /// # Errors
    /// When there is none, a file is malformed, or the template is not Jinja.
    pub fn load(dir: &Path) -> Result<Self, ChatError> {
        ChatTemplate::load_named(dir, None, false)
    }

    /// The template `name` of the model folder `dir`; without a name the one for tools if there are some and it is there
    /// (`tool_use`), else the one named `default`.
    ///
    /// # Errors
    /// As [`load`](ChatTemplate::load), and when there is no template of this name.
    pub fn load_named(dir: &Path, name: Option<&str>, has_tools: bool) -> Result<Self, ChatError> {
        let config = FolderConfig::load(dir)?;
        let templates = &config.chat_templates;
        if templates.is_empty() {
            return Err(ChatError::NoTemplate(dir.to_owned()));
        }
        let find = |name: &str| templates.iter().find(|(known, _)| known == name).map(|(_, source)| source);
        let wanted = name.unwrap_or("default");
        let found = match name {
            None if has_tools => find("tool_use").or_else(|| find(wanted)),
            _ => find(wanted),
        };
        let Some(source) = found else {
            let known = templates.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(ChatError::NoNamedTemplate { name: wanted.to_owned(), known });
        };
        ChatTemplate::new(source, config.named_tokens)
    }

    /// The template with a clock that stands at `now`: `strftime_now` tells this time, so that the text is the same on
    /// every day.
    ///
    /// # Errors
    /// None that [`new`](ChatTemplate::new) did not give.
    pub fn at(self, now: DateTime) -> Result<Self, ChatError> {
        let engine = jinja::chat_engine(&self.source, Some(now))?.into();
        Ok(ChatTemplate { engine, opening: Arc::default(), ..self })
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
        self.render_json(&as_json(messages), &ChatOptions { add_generation_prompt, ..ChatOptions::default() })
    }

    /// As [`render`](ChatTemplate::render), of messages with any fields, with tools, documents and variables.
    ///
    /// # Errors
    /// As [`render`](ChatTemplate::render); a message has no role; the final message cannot be continued.
    pub fn render_json(&self, messages: &[Json], options: &ChatOptions) -> Result<String, ChatError> {
        let mut messages = placed::normalized(messages)?;
        let Some(last) = messages.last_mut() else {
            return Err(ChatError::Empty);
        };
        if !options.continue_final_message {
            return Ok(jinja::render(&self.engine, self.context(&messages, options))?);
        }
        if options.add_generation_prompt {
            return Err(ChatError::Options("a final message to continue and a generation prompt exclude each other"));
        }
        let content = put_behind(last, CONTINUE);
        let cannot = |problem| ChatError::Continue { index: messages.len(), problem };
        let Some(content) = content else {
            return Err(cannot("it has no text"));
        };
        let mut text = jinja::render(&self.engine, self.context(&messages, options))?;
        let Some(end) = text.rfind(CONTINUE.trim_end()).filter(|_| text.contains(content.trim())) else {
            return Err(cannot("the chat template does not write it as it is"));
        };
        let keeps_spaces = text[end..].starts_with(CONTINUE);
        text.truncate(end);
        if !keeps_spaces {
            text.truncate(text.trim_end().len());
        }
        Ok(text)
    }

    /// The ids a model continues: the messages and the opening of its turn. Special tokens inside messages are ordinary
    /// text; else the ids are those of transformers, except that with byte-level vocabularies a turn of the model begins
    /// a piece of its own, as it does when the model writes it.
    ///
    /// # Errors
    /// As [`render`](ChatTemplate::render); or special tokens in a message cannot be told from the template's.
    pub fn encode_prompt(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Vec<u32>, ChatError> {
        let options = ChatOptions { add_generation_prompt: true, ..ChatOptions::default() };
        Ok(self.encode_json(tokenizer, &as_json(messages), &options)?.ids)
    }

    /// The ids of a conversation to learn from. Targets are what the model has to write: the text of each of its turns
    /// with its reasoning and calls of tools, and the special token that ends it; in a template with
    /// `{% generation %}` blocks, what stands in them.
    ///
    /// # Errors
    /// As [`encode_prompt`](ChatTemplate::encode_prompt), or there is nothing to learn in a turn of the model, nothing
    /// that ends it, or its place cannot be told.
    pub fn encode_conversation(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Masked, ChatError> {
        let (options, loss) = (ChatOptions::default(), LossOptions::default());
        Ok(self.encode_training(tokenizer, &as_json(messages), &options, &loss)?.into())
    }
}

/// Messages as templates see them.
fn as_json(messages: &[Message]) -> Vec<Json> {
    messages.iter().map(Message::to_json).collect()
}

/// Puts `tag` behind the text of `message`, and gives that text.
fn put_behind(message: &mut Json, tag: &str) -> Option<String> {
    let text = match message.get_mut("content")? {
        Json::String(text) => text,
        Json::Array(parts) => match parts.iter_mut().rev().find_map(|part| part.get_mut("text"))? {
            Json::String(text) => text,
            _ => return None,
        },
        _ => return None,
    };
    let before = text.clone();
    text.push_str(tag);
    Some(before)
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
