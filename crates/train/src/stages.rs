//! The three neural stages as data for the one loop: what each learns from, what it is measured on, what it minimises.

use std::path::Path;
use std::sync::Arc;

use nn::Network;
use tensor::{Parameters, Seen};

use crate::batch::DataSet;
use crate::config::TrainConfig;
use crate::conversations::{PackedConversations, PackingReport, TargetSequence};
use crate::dpo::{Dpo, DpoConfig};
use crate::error::Result;
use crate::masking::{MaskedTokens, Masking};
use crate::objective::{MaskedToken, NextToken, Objective};
use crate::observer::Observer;
use crate::preferences::{PreferencePair, PreferencePairs, PreferenceReport};
use crate::rehearsal::{TimedUpdate, rehearse};
use crate::replay::{Replayed, ReplayedStep, replay};
use crate::run::{HeldOut, Outcome, Run, run};
use crate::token_stream::{StreamShape, TokenStore, TokenStream};

/// The section of a recipe that pre-training is set in.
const PRETRAIN: &str = "pretrain";

/// Text to pre-train on.
pub struct PretrainText {
    /// The corpus.
    pub corpus: Arc<dyn TokenStore>,
    /// Documents that are only measured on, with their size in bytes.
    pub held_out: Option<(Arc<dyn TokenStore>, u64)>,
    /// The token that stands between documents.
    pub end_of_text: u32,
    /// Whether attention stops at document borders.
    pub mask_documents: bool,
}

/// A stage, ready to run.
pub struct Stage {
    section: &'static str,
    data: Box<dyn DataSet>,
    held_out: Option<Box<dyn DataSet>>,
    bytes_per_token: Option<f64>,
    objective: Box<dyn Objective>,
}

impl Stage {
    /// Next-token prediction on running text.
    ///
    /// # Errors
    /// Settings out of range, or fewer tokens than one batch.
    pub fn pretrain(text: &PretrainText, config: &TrainConfig) -> Result<Stage> {
        let (data, held_out) = streams(text, config)?;
        let bytes_per_token = match (&text.held_out, &held_out) {
            (Some((_, bytes)), Some(stream)) => Some(*bytes as f64 / (stream.token_count() - 1) as f64),
            _ => None,
        };
        Ok(Stage {
            section: PRETRAIN,
            data: Box::new(data),
            held_out: held_out.map(|stream| Box::new(stream) as Box<dyn DataSet>),
            bytes_per_token,
            objective: Box::new(NextToken::new(config)),
        })
    }

    /// Running text with some tokens masked, for an encoder that says what they were. A loss on them is no likelihood of
    /// the text, so nothing is told in bits a byte.
    ///
    /// # Errors
    /// Settings out of range, or fewer tokens than one batch.
    pub fn pretrain_masked(text: &PretrainText, masking: &Masking, config: &TrainConfig) -> Result<Stage> {
        masking.validate(PRETRAIN)?;
        let (data, held_out) = streams(text, config)?;
        // The model is measured on one way of masking the held-out text, the same every time.
        let held_out_masking = Masking { patterns: 1, ..*masking };
        let held_out =
            held_out.map(|stream| MaskedTokens::new(stream, text.end_of_text, held_out_masking, config.seed));
        Ok(Stage {
            section: PRETRAIN,
            data: Box::new(MaskedTokens::new(data, text.end_of_text, *masking, config.seed)),
            held_out: held_out.map(|rows| Box::new(rows) as Box<dyn DataSet>),
            bytes_per_token: None,
            objective: Box::new(MaskedToken { loss: NextToken::new(config) }),
        })
    }

    /// Next-token prediction on the answers of conversations. `held_out` may be empty.
    ///
    /// # Errors
    /// Settings out of range, or no conversation left to learn from.
    pub fn tune(
        conversations: Vec<TargetSequence>,
        held_out: Vec<TargetSequence>,
        config: &TrainConfig,
    ) -> Result<(Stage, PackingReport)> {
        let section = "tune";
        config.validate(section)?;
        let data = PackedConversations::new(conversations, config.sequence_length, section)?;
        let report = *data.report();
        let held_out: Option<Box<dyn DataSet>> = if held_out.is_empty() {
            None
        } else {
            Some(Box::new(PackedConversations::new(held_out, config.sequence_length, section)?))
        };
        let objective = Box::new(NextToken::new(config));
        Ok((Stage { section, data: Box::new(data), held_out, bytes_per_token: None, objective }, report))
    }

    /// DPO on preference pairs, against the model given as it is now. `held_out` may be empty. `progress(done, total)`
    /// is called while the reference model scores the pairs.
    ///
    /// # Errors
    /// Settings out of range or of no meaning here, or no pair left to learn from.
    pub fn align(
        pairs: &[PreferencePair],
        held_out: &[PreferencePair],
        dpo: DpoConfig,
        config: &TrainConfig,
        network: &dyn Network,
        parameters: &Parameters,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(Stage, PreferenceReport)> {
        let section = "align";
        config.validate(section)?;
        dpo.validate(section)?;
        dpo.check_settings(config, section)?;
        // The reference computes as the model in training will, or the two would differ before the first update, and
        // an earlier stage's leftover setting would reach into this one.
        let mut reference = parameters.clone();
        reference.set_compute_dtype(config.dtype.into());
        let total = pairs.len() + held_out.len();
        let mut prepare = |pairs: &[PreferencePair], before: usize| {
            let (length, batch_size) = (config.sequence_length, config.batch_size);
            let mut progress = |done: usize, _: usize| progress(before + done, total);
            PreferencePairs::new(pairs, length, batch_size, section, network, &reference, &mut progress)
        };
        let data = prepare(pairs, 0)?;
        let report = *data.report();
        let held_out: Option<Box<dyn DataSet>> =
            if held_out.is_empty() { None } else { Some(Box::new(prepare(held_out, pairs.len())?)) };
        let objective = Box::new(Dpo { config: dpo });
        Ok((Stage { section, data: Box::new(data), held_out, bytes_per_token: None, objective }, report))
    }

    /// Updates that read every row of the data once.
    pub fn steps_per_epoch(&self, config: &TrainConfig) -> u64 {
        self.data.row_count().div_ceil((config.batch_size * config.gradient_accumulation).max(1) as u64)
    }

    /// Runs the stage: see [`run`].
    pub fn run(
        &self,
        network: &dyn Network,
        parameters: &mut Parameters,
        config: &TrainConfig,
        work: &Path,
        interrupt: &(dyn Fn() -> bool + Sync),
        observer: &mut dyn Observer,
    ) -> Result<Outcome> {
        run(&self.as_run(network, config, work, interrupt), parameters, observer)
    }

    /// Takes the stage's updates and times them, without evaluation, logs or checkpoints: see [`rehearse`].
    pub fn rehearse(
        &self,
        network: &dyn Network,
        parameters: &mut Parameters,
        config: &TrainConfig,
        watch: &mut dyn FnMut(&TimedUpdate),
    ) -> Result<()> {
        rehearse(&self.as_run(network, config, Path::new(""), &|| false), parameters, watch)
    }

    /// Takes the stage's updates up to `step` again and compares them with what `work` holds of them: see [`replay`].
    pub fn replay(
        &self,
        network: &dyn Network,
        parameters: &mut Parameters,
        config: &TrainConfig,
        work: &Path,
        step: u64,
        observer: &mut dyn Observer,
        heard: &mut dyn FnMut(&ReplayedStep),
        trace: Option<&mut dyn FnMut(&Seen)>,
    ) -> Result<Replayed> {
        replay(&self.as_run(network, config, work, &|| false), parameters, step, observer, heard, trace)
    }

    fn as_run<'a>(
        &'a self,
        network: &'a dyn Network,
        config: &'a TrainConfig,
        work: &'a Path,
        interrupt: &'a (dyn Fn() -> bool + Sync),
    ) -> Run<'a> {
        let held_out = self.held_out.as_deref().map(|data| HeldOut { data, bytes_per_token: self.bytes_per_token });
        Run {
            section: self.section,
            network,
            objective: &*self.objective,
            data: &*self.data,
            held_out,
            config,
            work,
            interrupt,
        }
    }
}

/// The corpus and the held-out text as rows.
fn streams(text: &PretrainText, config: &TrainConfig) -> Result<(TokenStream, Option<TokenStream>)> {
    config.validate(PRETRAIN)?;
    let shape = StreamShape {
        what: "the corpus",
        end_of_text: text.end_of_text,
        sequence_length: config.sequence_length,
        mask_documents: text.mask_documents,
        batch_size: config.batch_size,
        section: PRETRAIN,
    };
    let data = TokenStream::new(text.corpus.clone(), &shape)?;
    let held_out = match &text.held_out {
        // Held-out text has to fill one row only: its last batch may be short.
        Some((store, _)) => {
            Some(TokenStream::new(store.clone(), &StreamShape { what: "the held-out text", batch_size: 1, ..shape })?)
        }
        None => None,
    };
    Ok((data, held_out))
}
