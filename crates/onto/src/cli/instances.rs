//! What can be typed after `onto instances`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `onto instances …`
#[derive(Debug, Subcommand)]
pub enum InstancesCommand {
    /// Daily chat (Alpaca, ShareGPT, OpenAI messages, OpenAssistant trees, pairs) → conversations to tune on.
    Import(ImportArguments),
    /// Records of a task data set through a library of prompt templates → conversations.
    Template(TemplateArguments),
    /// Turn instances round: from the answer back to what was asked.
    Invert(InvertArguments),
    /// Let a model or a command write new tasks after a pool of tasks by people (Self-Instruct).
    SelfInstruct(SelfInstructArguments),
    /// Say of every conversation whether it can be learnt whole: its loss mask, its ends, its length.
    Check(CheckArguments),
}

/// `onto instances import`
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// JSON or JSON lines, also .gz and .zst.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// What the files look like: alpaca, sharegpt, openai, oasst-trees, oasst-messages, pairs or self-instruct [default: told
    /// from the first record].
    #[arg(long, value_name = "SHAPE")]
    pub from: Option<String>,
    /// Of a tree of replies take every path, not the best one alone.
    #[arg(long)]
    pub all_paths: bool,
}

/// Records and the templates for them.
#[derive(Debug, Args)]
pub struct TemplateArguments {
    /// JSON lines, a record each.
    #[arg(long, short, value_name = "FILE", required = true)]
    pub data: PathBuf,
    /// Library of templates as promptsource writes them: a YAML file, a folder of them, or a tar archive (.zst, .gz).
    #[arg(long, short, value_name = "PATH", required = true)]
    pub templates: PathBuf,
    /// Data set whose templates are meant, as `super_glue/cb`; none: all of the library.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub dataset: String,
    /// One template by its name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Solved examples before each prompt, drawn from the other records.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub examples: usize,
}

/// `onto instances invert`
#[derive(Debug, Args)]
pub struct InvertArguments {
    /// Conversations, or the records of a task data set where --templates is given: JSON lines.
    #[arg(long, short, value_name = "FILE", required = true)]
    pub data: PathBuf,
    /// Library of templates whose instances are turned round.
    #[arg(long, short, value_name = "PATH")]
    pub templates: Option<PathBuf>,
    /// Data set whose templates are meant; none: all of the library.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub dataset: String,
    /// One template by its name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `onto instances self-instruct`
#[derive(Debug, Args)]
pub struct SelfInstructArguments {
    /// Tasks by people: JSON lines of `instruction`, `instances` and `is_classification`.
    #[arg(long, value_name = "FILE", required = true)]
    pub seeds: PathBuf,
    /// Model that writes.
    #[arg(long, short, value_name = "DIR", conflicts_with = "command", required_unless_present = "command")]
    pub model: Option<PathBuf>,
    /// Command that writes: it reads JSON lines with `prompt`, `stop`, `max_tokens` and `seed`, and answers each with a JSON
    /// line with `text`.
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// New tasks wanted.
    #[arg(long, default_value_t = 100, allow_negative_numbers = true)]
    pub tasks: usize,
    /// Requests for new tasks after which the work ends.
    #[arg(long, default_value_t = 1000, allow_negative_numbers = true)]
    pub requests: usize,
    /// A task at least as like one of the pool by ROUGE-L is not new.
    #[arg(long, default_value_t = 0.7, allow_negative_numbers = true)]
    pub novelty: f64,
    /// Most tokens of an answer.
    #[arg(long, default_value_t = 512, allow_negative_numbers = true)]
    pub max_tokens: usize,
    /// Temperature of the model.
    #[arg(long, default_value_t = 0.7, allow_negative_numbers = true)]
    pub temperature: f32,
}

/// `onto instances check`
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Conversations: JSON lines of `messages`.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Folder with tokenizer.json and the chat template.
    #[arg(long, short, value_name = "DIR")]
    pub tokenizer: PathBuf,
    /// Most tokens of a conversation.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_tokens: Option<usize>,
    /// Learn the last turn of the model alone.
    #[arg(long)]
    pub last: bool,
}
