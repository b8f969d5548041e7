//! `onto bench corpus …`: one file a part of corpus work.

mod dedup;

use anyhow::Result;

use super::super::Session;
use crate::cli::BenchCorpusCommand;

pub fn corpus(session: &Session, command: &BenchCorpusCommand) -> Result<()> {
    match command {
        BenchCorpusCommand::Dedup(arguments) => dedup::dedup(session, arguments),
    }
}
