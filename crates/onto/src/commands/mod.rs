//! One file a group of commands; here is the table that leads to them.

mod bench;
mod cooldown;
mod corpora;
mod instances;
mod measure;
mod open;
mod replay;
mod run;
mod show;
mod stages;
mod talk;
mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;

pub use corpora::warn_of_problems;
pub use vocabulary::load as load_tokenizer;

use lang::artifact::Manifest;
use serde_json::json;

use crate::cli::{Arguments, Command, CorpusCommand, Global, InstancesCommand, TokenizerCommand};
use crate::run::stage::Context;
use crate::terminal::{Terminal, Usage, interrupt_flag, line_to_stdout};

/// What every command gets: the global flags, made ready.
pub struct Session {
    /// The flags as typed.
    pub global: Global,
    /// Where talk goes.
    pub terminal: Terminal,
    /// Raised by Ctrl-C.
    pub interrupt: Arc<AtomicBool>,
}

impl Session {
    /// A stage context that writes under `root`.
    pub fn context(&self, root: &Path) -> Context {
        Context {
            root: root.to_owned(),
            command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            terminal: self.terminal.clone(),
            interrupt: Arc::clone(&self.interrupt),
            memory_limit: self.global.memory,
            redo: Vec::new(),
        }
    }

    /// The folder to write to, which this command needs.
    pub fn out(&self) -> Result<PathBuf> {
        self.global
            .out
            .clone()
            .ok_or_else(|| Usage("this command writes a folder: name it with --out DIR".to_owned()).into())
    }

    /// The seed typed, or `default`.
    pub fn seed(&self, default: u64) -> u64 {
        self.global.seed.unwrap_or(default)
    }
}

/// Runs what was typed.
pub fn dispatch(arguments: Arguments) -> Result<()> {
    let global = arguments.global;
    let threads = match global.threads {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    tensor::set_threads(threads)?;
    if let Some(isa) = global.isa {
        tensor::set_isa(isa)?;
    }
    // The stages that work on text use rayon's own pool; it can be set up only once, and this is the once.
    drop(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global());
    let session = Session {
        terminal: Terminal::new(global.quiet, global.no_progress),
        interrupt: interrupt_flag(has_safe_points(&arguments.command)),
        global,
    };
    if session.global.isa.is_none()
        && let Some(refusal) = tensor::refused_isa()
    {
        session.terminal.warn(&format!("{refusal}; {} is used", tensor::isa().name()));
    }
    corpus::read::use_stores(corpora::store_settings());
    match arguments.command {
        Command::Run(arguments) => run::run(&session, &arguments),
        Command::Corpus(command) => corpora::corpus(&session, &command),
        Command::Tokenizer(command) => vocabulary::tokenizer(&session, &command),
        Command::Instances(command) => instances::instances(&session, &command),
        Command::Ngram(command) => stages::ngram(&session, &command),
        Command::Pretrain(arguments) => stages::pretrain(&session, &arguments),
        Command::Tune(arguments) => stages::tune(&session, &arguments),
        Command::Align(arguments) => stages::align(&session, &arguments),
        Command::Score(arguments) => measure::score(&session, &arguments),
        Command::Generate(arguments) => talk::generate(&session, &arguments),
        Command::Chat(arguments) => talk::chat(&session, &arguments),
        Command::Eval(arguments) => measure::eval(&session, &arguments),
        Command::Bench(command) => bench::bench(&session, &command),
        Command::Info(arguments) => show::info(&session, &arguments),
        Command::Doctor => show::doctor(&session),
    }
}

/// Whether a command writes an artifact, or looks at the flag while it talks; the others can end anywhere.
fn has_safe_points(command: &Command) -> bool {
    match command {
        Command::Run(_) | Command::Pretrain(_) | Command::Tune(_) | Command::Align(_) | Command::Ngram(_) => true,
        Command::Generate(_) | Command::Chat(_) => true,
        Command::Corpus(command) => matches!(
            command,
            CorpusCommand::Make(_)
                | CorpusCommand::Build(_)
                | CorpusCommand::Convert(_)
                | CorpusCommand::Tag(_)
                | CorpusCommand::Mix(_)
                | CorpusCommand::Shards(_)
        ),
        Command::Tokenizer(command) => matches!(command, TokenizerCommand::Train(_)),
        Command::Instances(command) => !matches!(command, InstancesCommand::Check(_)),
        Command::Score(_) | Command::Eval(_) | Command::Bench(_) | Command::Info(_) | Command::Doctor => false,
    }
}

/// Says where the artifact of a stage run by its own command stands.
fn finished(session: &Session, out: &Path, manifest: &Manifest, skipped: bool) -> Result<()> {
    if session.global.json {
        let metrics = &manifest.metrics;
        line_to_stdout(
            &json!({"artifact": out.to_string_lossy(), "sha256": manifest.sha256, "skipped": skipped, "metrics": metrics}).to_string(),
        )
    } else {
        line_to_stdout(&format!("{} {}", manifest.kind, out.display()))
    }
}
