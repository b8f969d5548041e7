//! Schedules, losses and one training loop; pre-training, tuning and alignment are recipes over it.
//!
//! [`run`] is the loop. What a stage learns from is a [`DataSet`] ([`TokenStream`], [`MaskedTokens`], [`PackedConversations`],
//! [`PreferencePairs`]), what it minimises an [`Objective`] ([`NextToken`], [`MaskedToken`], [`Dpo`]), how long and how fast a
//! [`TrainConfig`]; an [`Observer`] hears how it goes. Nothing here knows a terminal, a server or how corpora are made.

mod batch;
mod carried;
mod checkpoint;
mod config;
mod conversations;
mod digest;
mod dpo;
mod error;
mod events;
mod histograms;
mod masking;
mod metrics;
mod objective;
mod observer;
mod preferences;
mod rehearsal;
mod replay;
mod run;
mod schedule;
mod spikes;
mod stages;
mod token_stream;
mod trap;
mod update;

pub use batch::{Counts, DataOrder, DataPosition, DataSet, TrainBatch};
pub use checkpoint::IDENTITY_FILE;
pub use config::{Checkpointing, OptimizerKind, Precision, TrainConfig};
pub use conversations::{PackedConversations, PackingReport, TargetSequence};
pub use dpo::{Dpo, DpoConfig};
pub use error::{Result, TrainError};
pub use histograms::{HISTOGRAMS_FILE, HISTOGRAMS_FOLDER, Histogram};
pub use masking::{MaskedTokens, Masking};
pub use metrics::{EVENTS_FILE, METRICS_FILE, read_metrics};
pub use objective::{MaskedToken, NextToken, Objective, Scored};
pub use observer::{Evaluation, Observer, Silent, StepMetrics};
pub use preferences::{PreferencePair, PreferencePairs, PreferenceReport};
pub use rehearsal::{TimedUpdate, rehearse};
pub use replay::{Compared, Replayed, ReplayedStep, replay};
pub use run::{HeldOut, Outcome, Run, Summary, run};
pub use schedule::{Cooldown, CooldownShape, Schedule, ScheduleKind};
pub use spikes::Spike;
pub use stages::{PretrainText, Stage};
pub use token_stream::{MemoryTokens, StreamShape, TokenStore, TokenStream};
pub use trap::{Token, Trap};
