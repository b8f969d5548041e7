//! Loss spikes: seen before they do harm, undone where they already have.
//!
//! A step is a spike when its loss (or the norm of its gradient) stands too many standard deviations above the mean of the
//! steps accepted before it, or is no number. Chowdhery and others ("PaLM", 2022, section 5.1) found that neither the
//! batch alone nor the weights alone make a spike, and went back to a state some hundred steps before it, leaving out the
//! batches seen since. Skipping the one batch (as llm.c and OLMo do) is the same with no steps to go back.
//!
//! What is decided is a function of the settings and of what happened, never of when a run was interrupted: the state gone
//! back to stands at a multiple of `spike_rollback`, and the losses compared with are part of every checkpoint.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::trap::Trap;
use crate::update::Measured;

/// What the guard remembers: part of a run's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Losses of the last accepted steps, as bits, so that a file changes nothing.
    losses: Vec<u64>,
    /// Norms of their gradients.
    norms: Vec<u64>,
    /// Batches left out so far: update `step` takes batch `step + skipped`.
    pub(crate) skipped: u64,
    /// Spikes so far.
    pub(crate) spikes: u64,
    /// The step whose state was gone back to last. It is known to be good: an update was taken from it before.
    returned_to: Option<u64>,
}

/// A step that was not taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spike {
    /// The update that was to be taken, counted from 1.
    pub step: u64,
    /// `loss` or `grad_norm`.
    pub measure: &'static str,
    /// What it was; none when it is no number.
    pub value: Option<f64>,
    /// What it had to stay below.
    pub threshold: Option<f64>,
    /// Mean of the steps before it.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub deviation: Option<f64>,
    /// Which spike of the run it is, from 1.
    pub number: u64,
    /// The number of updates that were kept, when it is less than those that were taken.
    pub rolled_back_to: Option<u64>,
    /// First and last of the batches left out, counted from 0 in the order of the seed.
    pub skipped_batches: (u64, u64),
    /// Batches left out since the run began.
    pub skipped: u64,
    /// The rows of the batch that did it.
    pub rows: Vec<u64>,
    /// The rows of all batches left out, batch by batch.
    pub skipped_rows: Vec<Vec<u64>>,
    /// Where the first value that is no number comes from, when it is one.
    pub trap: Option<Trap>,
}

impl fmt::Display for Spike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.measure == "loss" { "the loss" } else { "the gradient norm" };
        match (self.value, self.threshold, self.mean) {
            (Some(value), Some(threshold), Some(mean)) => {
                write!(f, "{what} of step {} is {value:.4}, above {threshold:.4} (mean {mean:.4})", self.step)?;
            }
            _ => write!(f, "{what} of step {} is no number", self.step)?,
        }
        if let Some(trap) = &self.trap {
            write!(f, " ({trap})")?;
        }
        let shown = self.rows.iter().take(8).map(u64::to_string).collect::<Vec<_>>().join(", ");
        let more = if self.rows.len() > 8 { format!(" and {} more", self.rows.len() - 8) } else { String::new() };
        write!(f, "; its batch holds rows {shown}{more}")
    }
}

/// What a value is compared with.
struct Bounds {
    mean: f64,
    deviation: f64,
    threshold: f64,
}

impl Memory {
    /// The measure of a step that makes it a spike, with what it was compared with; none for a step to be taken.
    pub(crate) fn judge(&self, config: &TrainConfig, measured: &Measured) -> Option<Verdict> {
        let of = [
            ("loss", measured.loss, &self.losses, config.spike_threshold),
            ("grad_norm", measured.grad_norm, &self.norms, config.spike_norm_threshold),
        ];
        of.into_iter().find_map(|(measure, value, before, deviations)| {
            if !value.is_finite() {
                return Some(Verdict { measure, value: None, bounds: None });
            }
            let bounds = (deviations > 0.0).then(|| bounds(before, deviations, config.spike_window)).flatten()?;
            (value > bounds.threshold).then_some(Verdict { measure, value: Some(value), bounds: Some(bounds) })
        })
    }

    /// Remembers a step that was taken.
    pub(crate) fn accept(&mut self, config: &TrainConfig, measured: &Measured) {
        if !config.guards_spikes() {
            return;
        }
        let window = config.spike_window as usize;
        for (list, value) in [(&mut self.losses, measured.loss), (&mut self.norms, measured.grad_norm)] {
            list.push(value.to_bits());
            let surplus = list.len().saturating_sub(window);
            list.drain(..surplus);
        }
    }

    /// Remembers that batches were left out because of `spike`.
    pub(crate) fn leave_out(&mut self, spike: &Spike) {
        (self.spikes, self.skipped) = (spike.number, spike.skipped);
        self.returned_to = spike.rolled_back_to;
    }

    /// The number of updates after which the state stands that a spike after `step` updates goes back to: the last
    /// multiple of `every` below `step`, since a state at `step` itself has not shown yet that it is good; unless it has.
    pub(crate) fn way_back(&self, step: u64, every: u64) -> u64 {
        if self.returned_to == Some(step) { step } else { way_back(step, every) }
    }

    /// What is remembered after going back to a state that remembers `earlier`: its steps, but all batches left out.
    pub(crate) fn back_to(&self, earlier: Memory) -> Memory {
        Memory { losses: earlier.losses, norms: earlier.norms, ..*self }
    }
}

/// Why a step is a spike.
pub(crate) struct Verdict {
    pub(crate) measure: &'static str,
    value: Option<f64>,
    bounds: Option<Bounds>,
}

impl Verdict {
    /// The spike without what was done about it.
    pub(crate) fn spike(&self, step: u64, number: u64) -> Spike {
        let bounds = self.bounds.as_ref();
        Spike {
            step,
            measure: self.measure,
            value: self.value,
            threshold: bounds.map(|bounds| bounds.threshold),
            mean: bounds.map(|bounds| bounds.mean),
            deviation: bounds.map(|bounds| bounds.deviation),
            number,
            rolled_back_to: None,
            skipped_batches: (0, 0),
            skipped: 0,
            rows: Vec::new(),
            skipped_rows: Vec::new(),
            trap: None,
        }
    }
}

/// Mean and standard deviation of the values before, once there are enough of them.
fn bounds(before: &[u64], deviations: f64, window: u64) -> Option<Bounds> {
    if before.len() < 2 || (before.len() as u64) < window.div_ceil(2) {
        return None;
    }
    let values = || before.iter().map(|&bits| f64::from_bits(bits));
    let mean = values().sum::<f64>() / before.len() as f64;
    let squares = values().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    let deviation = (squares / (before.len() - 1) as f64).sqrt();
    Some(Bounds { mean, deviation, threshold: mean + deviations * deviation })
}

/// The last multiple of `every` below `step`: what [`Memory::way_back`] is, but right after a rollback.
pub(crate) fn way_back(step: u64, every: u64) -> u64 {
    step.saturating_sub(1) / every.max(1) * every
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(loss: f64, grad_norm: f64) -> Measured {
        Measured::of(loss, grad_norm)
    }

    fn config(window: u64) -> TrainConfig {
        TrainConfig { spike_threshold: 3.0, spike_window: window, ..TrainConfig::default() }
    }

    /// By hand: 1, 2, 3, 4 have mean 2.5 and (sample) standard deviation √(5/3).
    #[test]
    fn a_spike_is_three_deviations_above_the_mean() {
        let (config, mut memory) = (config(8), Memory::default());
        for loss in [1.0, 2.0, 3.0] {
            memory.accept(&config, &measured(loss, 1.0));
            assert!(memory.judge(&config, &measured(1e9, 1.0)).is_none(), "too few to judge by");
        }
        memory.accept(&config, &measured(4.0, 1.0));
        let threshold = 2.5 + 3.0 * (5.0f64 / 3.0).sqrt();
        assert!(memory.judge(&config, &measured(threshold - 1e-9, 1.0)).is_none());
        let spike = memory.judge(&config, &measured(threshold + 1e-9, 1.0)).unwrap().spike(7, 1);
        assert_eq!((spike.measure, spike.mean), ("loss", Some(2.5)));
        assert!((spike.threshold.unwrap() - threshold).abs() < 1e-12);
    }

    #[test]
    fn only_the_last_steps_count() {
        let (config, mut memory) = (config(4), Memory::default());
        for loss in [100.0, 100.0, 100.0, 1.0, 1.1, 0.9, 1.0] {
            memory.accept(&config, &measured(loss, 1.0));
        }
        assert_eq!(memory.losses.len(), 4);
        assert!(memory.judge(&config, &measured(1.2, 1.0)).is_none());
        assert!(memory.judge(&config, &measured(1.3, 1.0)).is_some());
    }

    #[test]
    fn the_gradient_norm_has_a_threshold_of_its_own() {
        let (mut config, mut memory) = (config(4), Memory::default());
        for norm in [1.0, 1.1, 0.9, 1.0] {
            memory.accept(&config, &measured(1.0, norm));
        }
        assert!(memory.judge(&config, &measured(1.0, 50.0)).is_none());
        config.spike_norm_threshold = 6.0;
        assert_eq!(memory.judge(&config, &measured(1.0, 50.0)).unwrap().measure, "grad_norm");
        assert_eq!(memory.judge(&config, &measured(f64::NAN, f64::NAN)).unwrap().measure, "loss");
        assert_eq!(memory.judge(&config, &measured(1.0, f64::INFINITY)).unwrap().measure, "grad_norm");
    }

    #[test]
    fn a_state_that_has_not_shown_itself_good_is_not_gone_back_to() {
        let mut memory = Memory::default();
        assert_eq!([0, 1, 5, 6, 10, 11].map(|step| memory.way_back(step, 5)), [0, 0, 0, 5, 5, 10]);
        memory.returned_to = Some(5);
        assert_eq!([0, 1, 5, 6, 10, 11].map(|step| memory.way_back(step, 5)), [0, 0, 5, 5, 5, 10]);
    }
}
