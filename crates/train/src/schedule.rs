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
}

/// Time scale of the inverse square root in a run without warm-up: transformers' own.
const INVERSE_SQRT_STEPS: u64 = 10_000;

impl Schedule {
    /// The factor at update `step` (from 0), between 0 and 1.
    pub fn factor(&self, step: u64) -> f64 {
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
                squeezed(if self.kind == ScheduleKind::Wsd { 1.0 - progress } else { 1.0 - progress.sqrt() })
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

    fn check(kind: ScheduleKind, min_ratio: f64, expected: &[f64]) {
        let schedule = Schedule { kind, steps: 10, warmup_steps: 2, decay_steps: 4, min_ratio };
        for (step, want) in expected.iter().enumerate() {
            let got = schedule.factor(step as u64);
            assert!((got - want).abs() < 1e-12, "{kind:?} min {min_ratio} step {step}: {got} is not {want}");
        }
    }

    /// What `oracle/schedules.py` prints (transformers 5.23.0) for 10 training steps: 2 of warm-up and, for WSD, 4 stable
    /// and 4 of decay; the last entry is one step past the end.
    #[test]
    fn equals_transformers_at_every_step() {
        let (a, b, c) = (0.9619397662556434, 0.8535533905932737, 0.6913417161825449);
        let (d, e, f) = (0.30865828381745514, 0.14644660940672627, 0.03806023374435663);
        check(ScheduleKind::Cosine, 0.0, &[0.0, 0.5, 1.0, a, b, c, 0.5, d, e, f, 0.0]);
        let (a, b, c) = (0.9657457896300791, 0.8681980515339464, 0.7222075445642904);
        let (d, e, f) = (0.3777924554357096, 0.23180194846605365, 0.13425421036992097);
        check(ScheduleKind::Cosine, 0.1, &[0.0, 0.5, 1.0, a, b, c, 0.55, d, e, f, 0.1]);
        check(ScheduleKind::Linear, 0.0, &[0.0, 0.5, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0]);
        check(ScheduleKind::Wsd, 0.0, &[0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]);
        check(ScheduleKind::Wsd, 0.1, &[0.1, 0.55, 1.0, 1.0, 1.0, 1.0, 1.0, 0.775, 0.55, 0.325, 0.1]);
        let (d, e) = (0.2928932188134524, 0.1339745962155614);
        check(ScheduleKind::WsdSqrt, 0.0, &[0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, d, e, 0.0]);
        let (d, e) = (0.36360389693210715, 0.22057713659400527);
        check(ScheduleKind::WsdSqrt, 0.1, &[0.1, 0.55, 1.0, 1.0, 1.0, 1.0, 1.0, 0.55, d, e, 0.1]);
        check(ScheduleKind::Constant, 0.0, &[0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }

    /// From the same script; transformers knows no minimum here.
    #[test]
    fn the_inverse_square_root_equals_transformers_down_to_the_minimum() {
        let (a, b, c) = (0.8164965809277261, 0.7071067811865475, 0.6324555320336759);
        let (d, e, f, g) = (0.5773502691896258, 0.5345224838248488, 0.47140452079103173, 0.4472135954999579);
        check(ScheduleKind::InverseSqrt, 0.0, &[0.0, 0.5, 1.0, a, b, c, d, e, 0.5, f, g]);
        check(ScheduleKind::InverseSqrt, 0.55, &[0.0, 0.5, 1.0, a, b, c, d, 0.55, 0.55, 0.55, 0.55]);
        let kind = ScheduleKind::InverseSqrt;
        let schedule = Schedule { kind, steps: 10, warmup_steps: 0, decay_steps: 0, min_ratio: 0.0 };
        for (step, want) in [(0, 1.0), (1, 0.9999500037496877), (5, 0.9997500937109545), (10, 0.9995003746877732)] {
            assert!((schedule.factor(step) - want).abs() < 1e-12, "step {step}");
        }
    }

    #[test]
    fn a_decay_longer_than_the_run_starts_after_the_warmup() {
        let schedule =
            Schedule { kind: ScheduleKind::Wsd, steps: 4, warmup_steps: 2, decay_steps: 100, min_ratio: 0.0 };
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
            let schedule = Schedule { kind, steps: 5, warmup_steps: 0, decay_steps: 1, min_ratio: 0.0 };
            assert_eq!(schedule.factor(0), 1.0, "{kind:?}");
        }
    }
}
