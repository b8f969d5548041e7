//! Learning-rate schedules: the factor the peak rate is multiplied by at each step.
//!
//! Steps count optimiser updates from 0, as PyTorch's `LambdaLR` does: with a warm-up of `w > 0` steps the first update
//! has factor 0 and update `w` is the first at full rate. Every shape equals the function of the same name in
//! transformers' `optimization.py` at every step. Two have no minimum rate there: linear is squeezed into
//! `[min_ratio, 1]` the way its cosine is, the inverse square root falls until it is there and no further.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The shape of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Half a cosine from the peak to the minimum (Loshchilov & Hutter, SGDR, 2017).
    #[default]
    Cosine,
    /// Warm-up, stable, decay along a straight line (Hu et al., MiniCPM, 2024).
    Wsd,
    /// Warm-up, stable, decay as 1 − √progress (Hägele et al., 2024).
    WsdSqrt,
    /// A straight line from the peak to the minimum.
    Linear,
    /// One over the root of the step counted in warm-ups (Vaswani et al. 2017), but never below the minimum. The length
    /// of the run has no part in it, unless the warm-up is a share of that.
    InverseSqrt,
    /// The peak to the end.
    Constant,
}

/// How a cooldown falls from where it begins to the minimum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CooldownShape {
    /// Along a straight line.
    #[default]
    Linear,
    /// As 1 − √progress (Hägele et al., 2024).
    Sqrt,
}

impl CooldownShape {
    /// What is left of the way down after `progress` of the time.
    fn left(self, progress: f64) -> f64 {
        match self {
            CooldownShape::Linear => 1.0 - progress,
            CooldownShape::Sqrt => 1.0 - progress.sqrt(),
        }
    }
}

/// A decay at the end of a rate that has none of its own. What comes before it does not depend on it, so it can be
/// appended to a run that was made without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// Its length; the last of the run's steps.
    pub steps: u64,
    /// Its shape.
    pub shape: CooldownShape,
}

/// A schedule with its lengths, all in steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The shape.
    pub kind: ScheduleKind,
    /// Length of the whole run.
    pub steps: u64,
    /// Length of the warm-up.
    pub warmup_steps: u64,
    /// Length of the decay at the end; only the WSD shapes look at it.
    pub decay_steps: u64,
    /// The minimum rate over the peak rate.
    pub min_ratio: f64,
    /// A decay at the end, for the constant rate and the inverse square root.
    pub cooldown: Option<Cooldown>,
}

/// Time scale of the inverse square root in a run without warm-up: transformers' own.
const INVERSE_SQRT_STEPS: u64 = 10_000;

impl Schedule {
    /// The factor at update `step` (from 0), between 0 and 1.
    pub fn factor(&self, step: u64) -> f64 {
        if let Some(cooldown) = self.cooldown {
            let start = self.steps.saturating_sub(cooldown.steps).max(self.warmup_steps);
            if step >= start {
                let progress = share(step - start, cooldown.steps).min(1.0);
                return cooldown.shape.left(progress) * (self.before_cooldown(start) - self.min_ratio) + self.min_ratio;
            }
        }
        self.before_cooldown(step)
    }

    /// The update with which the decay at the end begins, for the shapes whose rate does not depend on the run's length
    /// before it: from the state there, another end can be chosen.
    pub fn decay_start(&self) -> Option<u64> {
        let decay = match (self.kind, self.cooldown) {
            (ScheduleKind::Wsd | ScheduleKind::WsdSqrt, _) => self.decay_steps,
            (ScheduleKind::Constant | ScheduleKind::InverseSqrt, Some(cooldown)) => cooldown.steps,
            (ScheduleKind::Constant | ScheduleKind::InverseSqrt, None) => 0,
            (ScheduleKind::Cosine | ScheduleKind::Linear, _) => return None,
        };
        Some(self.steps.saturating_sub(decay).max(self.warmup_steps))
    }

    fn before_cooldown(&self, step: u64) -> f64 {
        let squeezed = |factor: f64| (factor * (1.0 - self.min_ratio) + self.min_ratio).max(0.0);
        if step < self.warmup_steps {
            let factor = step as f64 / self.warmup_steps as f64;
            // transformers starts the warm-up of WSD, and only of WSD, at the minimum rate.
            return match self.kind {
                ScheduleKind::Wsd | ScheduleKind::WsdSqrt => squeezed(factor),
                _ => factor,
            };
        }
        let after_warmup = share(step - self.warmup_steps, self.steps.saturating_sub(self.warmup_steps));
        match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Cosine => squeezed(0.5 * (1.0 + (PI * after_warmup).cos())),
            ScheduleKind::Linear => squeezed((1.0 - after_warmup).max(0.0)),
            ScheduleKind::InverseSqrt => {
                let scale = if self.warmup_steps > 0 { self.warmup_steps } else { INVERSE_SQRT_STEPS };
                let passed = step - self.warmup_steps;
                (1.0 / share(scale + passed, scale).sqrt()).max(self.min_ratio)
            }
            ScheduleKind::Wsd | ScheduleKind::WsdSqrt => {
                let decay_start = self.steps.saturating_sub(self.decay_steps).max(self.warmup_steps);
                if step < decay_start {
                    return 1.0;
                }
                if step >= decay_start + self.decay_steps {
                    return self.min_ratio;
                }
                let progress = share(step - decay_start, self.decay_steps);
                let is_linear = self.kind == ScheduleKind::Wsd;
                squeezed(if is_linear { CooldownShape::Linear } else { CooldownShape::Sqrt }.left(progress))
            }
        }
    }
}

/// `part / whole`, with an empty whole counted as one step.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape between warm-up and minimum is transformers' own (`tests/parity`); a minimum it does not know.
    #[test]
    fn the_inverse_square_root_stops_at_the_minimum() {
        let kind = ScheduleKind::InverseSqrt;
        let schedule = Schedule { kind, steps: 10, warmup_steps: 2, decay_steps: 4, min_ratio: 0.55, cooldown: None };
        let free = Schedule { min_ratio: 0.0, ..schedule };
        for step in 2..=10 {
            assert_eq!(schedule.factor(step), free.factor(step).max(0.55), "step {step}");
        }
        assert!(free.factor(7) < 0.55 && free.factor(6) > 0.55);
    }

    /// Before a cooldown, the rate is that of any run without one, to the last bit: it can be appended.
    #[test]
    fn a_cooldown_leaves_what_comes_before_it() {
        for kind in [ScheduleKind::Constant, ScheduleKind::InverseSqrt] {
            for shape in [CooldownShape::Linear, CooldownShape::Sqrt] {
                let cooldown = Some(Cooldown { steps: 4, shape });
                let with = Schedule { kind, steps: 10, warmup_steps: 2, decay_steps: 0, min_ratio: 0.1, cooldown };
                let without = Schedule { steps: 6, cooldown: None, ..with };
                for step in 0..6 {
                    assert_eq!(with.factor(step).to_bits(), without.factor(step).to_bits());
                }
                assert_eq!((with.decay_start(), without.decay_start()), (Some(6), Some(6)));
            }
        }
    }

    /// A constant rate with a linear cooldown is the WSD shape, but for where the warm-up begins.
    #[test]
    fn a_constant_rate_with_a_cooldown_is_wsd() {
        let cooldown = Some(Cooldown { steps: 4, shape: CooldownShape::Linear });
        let constant = Schedule {
            kind: ScheduleKind::Constant,
            steps: 10,
            warmup_steps: 2,
            decay_steps: 0,
            min_ratio: 0.1,
            cooldown,
        };
        let wsd = Schedule { kind: ScheduleKind::Wsd, decay_steps: 4, cooldown: None, ..constant };
        for step in 2..12 {
            assert_eq!(constant.factor(step).to_bits(), wsd.factor(step).to_bits(), "step {step}");
        }
    }

    #[test]
    fn a_decay_longer_than_the_run_starts_after_the_warmup() {
        let schedule = Schedule {
            kind: ScheduleKind::Wsd,
            steps: 4,
            warmup_steps: 2,
            decay_steps: 100,
            min_ratio: 0.0,
            cooldown: None,
        };
        assert_eq!([0, 1, 2].map(|step| schedule.factor(step)), [0.0, 0.5, 1.0]);
        assert!(schedule.factor(3) < 1.0);
    }

    #[test]
    fn no_warmup_starts_at_the_peak() {
        for kind in [
            ScheduleKind::Cosine,
            ScheduleKind::Wsd,
            ScheduleKind::Linear,
            ScheduleKind::InverseSqrt,
            ScheduleKind::Constant,
        ] {
            let schedule = Schedule { kind, steps: 5, warmup_steps: 0, decay_steps: 1, min_ratio: 0.0, cooldown: None };
            assert_eq!(schedule.factor(0), 1.0, "{kind:?}");
        }
    }
}
