//! Everything that can go wrong while training, with what a person needs to put it right.

use std::path::{Path, PathBuf};

use nn::NnError;
use tensor::Tape;
use thiserror::Error;

use crate::spikes::Spike;
use crate::trap::Trap;

/// A failure of configuration, data, arithmetic or disk.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A setting outside its range; found before any work starts.
    #[error("`{key}` is {value}, but it must be {allowed}")]
    Config {
        /// The key as the recipe spells it, section included.
        key: String,
        /// What was given.
        value: String,
        /// What would be accepted.
        allowed: String,
    },
    /// The text is shorter than one batch.
    #[error(
        "{what} has {found} tokens, but one batch needs {needed} ({batch_size} sequences of {sequence_length} \
         tokens and one to predict)\nhint: lower `{section}.batch_size` or `{section}.sequence_length`, or give more text"
    )]
    TooFewTokens {
        /// `the corpus` or `the held-out text`.
        what: &'static str,
        /// Tokens there are, separators included.
        found: u64,
        /// Tokens one micro-batch takes.
        needed: u64,
        /// Sequences in a micro-batch.
        batch_size: usize,
        /// Tokens in a sequence.
        sequence_length: usize,
        /// The section of the recipe the two keys stand in.
        section: String,
    },
    /// No sequence is left to learn from.
    #[error(
        "none of the {given} {what} can be learnt from: {too_long} longer than {sequence_length} tokens, {without_target} \
         without a target token\nhint: raise `{section}.sequence_length`, or check that the answers are not empty"
    )]
    NoTargets {
        /// `conversations` or `preference pairs`.
        what: &'static str,
        /// How many were given.
        given: usize,
        /// How many were too long.
        too_long: usize,
        /// How many had no target.
        without_target: usize,
        /// The limit they were measured against.
        sequence_length: usize,
        /// The section of the recipe.
        section: String,
    },
    /// Ids and target flags of one sequence do not match, or token data contradict themselves.
    #[error("malformed training data: {0}")]
    Data(String),
    /// The loss or a gradient stopped being a number.
    #[error(
        "{what} is {value} at step {step}{place}; nothing was updated{checkpoint}\nhint: {hint}",
        place = trap.as_ref().map(|trap| format!(": {trap}")).unwrap_or_default(),
        hint = non_finite_hint(trap.as_deref())
    )]
    NonFinite {
        /// `the loss` or `the gradient norm`.
        what: &'static str,
        /// The offending value.
        value: f64,
        /// The step that was being taken, counted from 1.
        step: u64,
        /// Where the first value that is no number comes from, where it was found.
        trap: Option<Box<Trap>>,
        /// `; the last checkpoint is …`, where there is one, else empty.
        checkpoint: String,
    },
    /// More spikes than the run may have.
    #[error(
        "{spike}; that is one more than the {limit} that the run may have{checkpoint}\nhint: lower \
         `{section}.learning_rate`, or raise `{section}.spike_threshold` or `{section}.spike_limit`"
    )]
    Spikes {
        /// The last one.
        spike: Box<Spike>,
        /// How many the run may have.
        limit: u64,
        /// `; the last checkpoint is …`, where there is one, else empty.
        checkpoint: String,
        /// The section of the recipe.
        section: String,
    },
    /// The state a run has to go back to cannot be read.
    #[error("the state to go back to, {path}, cannot be used: {reason}\nhint: remove {work} to start anew")]
    NoWayBack {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The work folder that holds it.
        work: PathBuf,
    },
    /// A step that was not taken, or not written down.
    #[error("{path} has no step {step} to take again\nhint: it tells of steps 1 to {reached}")]
    NoSuchStep {
        /// The log.
        path: PathBuf,
        /// The step asked for.
        step: u64,
        /// The last step there is.
        reached: u64,
    },
    /// What is to be replayed was recorded by another run than the one at hand.
    #[error("{path} was written {reason}\nhint: give the data, the model and the settings that it was made with")]
    NotThatRun {
        /// The checkpoint or the log.
        path: PathBuf,
        /// How the runs differ.
        reason: String,
    },
    /// A checkpoint belongs to another run.
    #[error("{path} was made {reason}, so this run cannot go on from it\nhint: remove {work} to start anew")]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// How it differs: `from other data`, `with learning_rate = 0.1 (now 0.2)`, …
        reason: String,
        /// The work folder that holds it.
        work: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}{hint}", hint = io_hint(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The engine refused an operation.
    #[error(transparent)]
    Tensor(#[from] tensor::TensorError),
    /// The model refused a batch.
    #[error(transparent)]
    Model(#[from] NnError),
}

/// What the functions of this crate return.
pub type Result<T> = std::result::Result<T, TrainError>;

impl TrainError {
    /// Adds the part of the model that `tape` is in to the failure of an operation; for `map_err`.
    pub(crate) fn located(self, tape: &Tape) -> TrainError {
        match self {
            TrainError::Tensor(error) | TrainError::Model(NnError::Tensor(error)) => tape.located(error).into(),
            error => error,
        }
    }

    /// Wraps a system error with the path it happened at; for `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError + '_ {
        move |source| TrainError::Io { path: path.to_owned(), source }
    }
}

fn non_finite_hint(trap: Option<&Trap>) -> &'static str {
    match trap {
        Some(Trap { weight: Some(_), .. }) => "no training mends weights that are no numbers: start from other weights",
        _ => "lower `learning_rate`, lengthen `warmup_steps` or lower `clip_norm`",
    }
}

fn io_hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "\nhint: free some space, or lower `keep_checkpoints`; the run goes on from its last checkpoint"
        }
        _ => "",
    }
}
