//! What can be typed behind a neural stage: its own arguments, or what is done with a run of it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::TrainArguments;

/// `onto pretrain`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct StageArguments {
    /// What to do with a run, instead of making one.
    #[command(subcommand)]
    pub command: Option<StageCommand>,
    /// How to make one.
    #[command(flatten)]
    pub train: TrainArguments,
}

/// `onto tune|align`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ModelStageArguments {
    /// What to do with a run, instead of making one.
    #[command(subcommand)]
    pub command: Option<ModelStageCommand>,
    /// How to make one.
    #[command(flatten)]
    pub train: TrainArguments,
}

/// `onto pretrain …`
#[derive(Debug, Subcommand)]
pub enum StageCommand {
    /// Take steps of a run again and compare them bit by bit with its log and checkpoints.
    Replay(ReplayArguments),
    /// Give a run of constant, inverse-square-root or WSD rate another end: a decay from its last state before it falls.
    Cooldown(CooldownArguments),
}

/// `onto tune|align …`
#[derive(Debug, Subcommand)]
pub enum ModelStageCommand {
    /// Take steps of a run again and compare them bit by bit with its log and checkpoints.
    Replay(ReplayArguments),
}

/// `onto pretrain|tune|align replay`
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The folder of a life, of a model, of its logs, or the folder it works in.
    pub run: PathBuf,
    /// The last step to take again; the first is that after the newest checkpoint before it.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub step: u64,
    /// Show every value of the last step, forward and backward: layer, operation, range, what is not finite.
    #[arg(long)]
    pub trace: bool,
}

/// `onto pretrain cooldown`
#[derive(Debug, Args)]
pub struct CooldownArguments {
    /// The folder of a life, of a model, of its logs, or the folder it works in.
    pub run: PathBuf,
    /// Length of the cooldown in updates.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: u64,
    /// How the rate falls [default: as the run's recipe says].
    #[arg(long)]
    pub shape: Option<Shape>,
}

/// How a rate falls.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shape {
    /// Along a straight line.
    Linear,
    /// As one minus the root of the progress.
    Sqrt,
}

impl From<Shape> for train::CooldownShape {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Linear => train::CooldownShape::Linear,
            Shape::Sqrt => train::CooldownShape::Sqrt,
        }
    }
}
