//! `onto tokenizer …`: training, encoding and decoding, looking.

mod convert;
mod draw;
mod encode;
mod inspect;
mod inspect_chat;
mod page;
mod statistics;
mod texts;
pub(crate) mod train;

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use lang::tokenizer::Tokenizer;

use super::Session;
use crate::cli::TokenizerCommand;

pub fn tokenizer(session: &Session, command: &TokenizerCommand) -> Result<()> {
    match command {
        TokenizerCommand::Train(arguments) => train::train(session, arguments),
        TokenizerCommand::Encode(arguments) => encode::encode(session, arguments),
        TokenizerCommand::Decode(arguments) => encode::decode(arguments, session.global.json),
        TokenizerCommand::Inspect(arguments) => match &arguments.chat {
            Some(chat) => inspect_chat::inspect(session, arguments, chat),
            None => inspect::inspect(session, arguments),
        },
        TokenizerCommand::Convert(arguments) => convert::convert(session, arguments),
    }
}

/// What went wrong with the tokenizer that `--tokenizer` names.
fn cannot_use(path: &Path) -> String {
    format!(
        "cannot use the tokenizer {}\nhint: --tokenizer takes tokenizer.json, a .model, .tiktoken, .gguf or vocab file, or a \
         folder with one",
        path.display()
    )
}

/// The tokenizer that `--tokenizer` names.
pub fn load(path: &Path) -> Result<Tokenizer> {
    Tokenizer::load(path).with_context(|| cannot_use(path))
}

/// The words typed, or stdin.
fn input(words: &[String]) -> Result<Vec<u8>> {
    if words.is_empty() || words == ["-"] {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
        Ok(bytes)
    } else {
        Ok(words.join(" ").into_bytes())
    }
}

/// The tokenizer that `--tokenizer` names, for looking at text only: a model would need a token that ends a text.
fn load_any(path: &Path) -> Result<Tokenizer> {
    Tokenizer::load_any(path).with_context(|| cannot_use(path))
}
