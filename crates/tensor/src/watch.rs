//! What a watcher of a tape sees, and what many numbers come to: for traps, traces and histograms.
//!
//! Watching changes no bit of a result: values are shown after they are made and before anything else uses them.

use crate::ParamId;

/// What a watched value is to its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its output.
    Output,
    /// The slope of one of its inputs (dL/dinput), after its derivative was added to it.
    Slope,
    /// The gradient of one of its parameters, after its derivative was added to it.
    Gradient,
}

/// A value on its way over a tape.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'t> {
    /// What it is to the operation.
    pub part: Part,
    /// The part of the model the operation stands in, as [`Tape::scope`](crate::Tape::scope) was told; else empty.
    pub scope: &'t str,
    /// The operation.
    pub op: &'static str,
    /// The parameter that the value is the gradient of; for outputs and slopes the operation's weight, where it has one.
    pub parameter: Option<ParamId>,
    /// Values in a row.
    pub columns: usize,
    /// The values, row after row.
    pub values: &'t [f32],
}

impl Seen<'_> {
    /// The first value that is no finite number, with its row and column.
    pub fn first_not_finite(&self) -> Option<(f32, usize, usize)> {
        if crate::kernels::vector::all_finite(self.values) {
            return None;
        }
        let (index, &value) = self.values.iter().enumerate().find(|(_, value)| !value.is_finite())?;
        Some((value, index / self.columns.max(1), index % self.columns.max(1)))
    }
}

/// What many numbers come to. Those that are not finite are counted and left out of everything else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// How many numbers there are, finite or not.
    pub count: u64,
    /// How many are NaN or infinite.
    pub not_finite: u64,
    /// The least of the finite ones; 0 when there is none.
    pub least: f64,
    /// The greatest of the finite ones; 0 when there is none.
    pub greatest: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
}

impl Statistics {
    /// Of `values`, summed in order in f64.
    pub fn of(values: &[f32]) -> Statistics {
        let mut statistics = Statistics {
            count: values.len() as u64,
            not_finite: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            sum: 0.0,
            sum_of_squares: 0.0,
        };
        for &value in values {
            let value = f64::from(value);
            if !value.is_finite() {
                statistics.not_finite += 1;
                continue;
            }
            statistics.least = statistics.least.min(value);
            statistics.greatest = statistics.greatest.max(value);
            statistics.sum += value;
            statistics.sum_of_squares += value * value;
        }
        if statistics.not_finite == statistics.count {
            (statistics.least, statistics.greatest) = (0.0, 0.0);
        }
        statistics
    }

    /// The mean of the finite ones; 0 when there is none.
    pub fn mean(&self) -> f64 {
        self.sum / self.finite().max(1) as f64
    }

    /// The root of the mean square of the finite ones; 0 when there is none.
    pub fn root_mean_square(&self) -> f64 {
        (self.sum_of_squares / self.finite().max(1) as f64).sqrt()
    }

    fn finite(&self) -> u64 {
        self.count - self.not_finite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_leave_out_what_is_no_number() {
        let statistics = Statistics::of(&[3.0, f32::NAN, -1.0, f32::INFINITY, 2.0]);
        assert_eq!((statistics.count, statistics.not_finite), (5, 2));
        assert_eq!((statistics.least, statistics.greatest), (-1.0, 3.0));
        assert_eq!((statistics.sum, statistics.sum_of_squares), (4.0, 14.0));
        assert!((statistics.mean() - 4.0 / 3.0).abs() < 1e-15);
        assert!((statistics.root_mean_square() - (14.0f64 / 3.0).sqrt()).abs() < 1e-15);
        for nothing in [&[][..], &[f32::NAN]] {
            let statistics = Statistics::of(nothing);
            assert_eq!((statistics.least, statistics.greatest, statistics.mean()), (0.0, 0.0, 0.0));
        }
    }
}
