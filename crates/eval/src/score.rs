//! A share of right items and how sure it is.

use serde::{Deserialize, Serialize};

/// The share of right items among those of one task and language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Name of the task; empty for all tasks.
    pub task: String,
    /// ISO 639-1 code; empty for all languages.
    pub language: String,
    /// Number of items.
    pub n: usize,
    /// Right items; a tie counts one half.
    pub correct: f64,
    /// `correct / n`, 0 when there are no items.
    pub score: f64,
    /// Standard error of the mean, √(p(1 − p)/(n − 1)), as lm-evaluation-harness gives it; 0 when `n` < 2.
    pub stderr: f64,
    /// Lower end of the 95 % Wilson interval.
    pub low: f64,
    /// Upper end of the 95 % Wilson interval.
    pub high: f64,
}

impl Score {
    /// The score of `correct` right items among `n`.
    pub fn new(task: &str, language: &str, correct: f64, n: usize) -> Score {
        let score = if n == 0 { 0.0 } else { correct / n as f64 };
        let stderr = if n < 2 { 0.0 } else { (score * (1.0 - score) / (n - 1) as f64).sqrt() };
        let (low, high) = wilson_interval(correct, n);
        Score { task: task.into(), language: language.into(), n, correct, score, stderr, low, high }
    }
}

/// The 95 % interval of a share (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).
/// Unlike the normal interval it stays inside 0..1 and is honest near both ends. Without items it is (0, 1).
pub fn wilson_interval(correct: f64, n: usize) -> (f64, f64) {
    /// The 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return (0.0, 1.0);
    }
    let n = n as f64;
    let p = correct / n;
    let scale = 1.0 + Z * Z / n;
    let middle = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// Groups items by (task, language), keeping the order in which they first appear: (task, language, items).
pub(crate) fn grouped<'a, T>(
    items: &'a [T],
    key: impl Fn(&'a T) -> (&'a str, &'a str),
) -> Vec<(&'a str, &'a str, Vec<&'a T>)> {
    let mut groups: Vec<(&str, &str, Vec<&T>)> = Vec::new();
    for item in items {
        let (task, language) = key(item);
        match groups.iter_mut().find(|group| (group.0, group.1) == (task, language)) {
            Some(group) => group.2.push(item),
            None => groups.push((task, language, vec![item])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    #[test]
    fn wilson_intervals_as_published() {
        for (correct, n, low, high) in [
            (81.0, 263, 0.2553, 0.3662),
            (15.0, 148, 0.0624, 0.1605),
            (0.0, 20, 0.0, 0.1611),
            (1.0, 29, 0.0061, 0.1718),
        ] {
            let (actual_low, actual_high) = wilson_interval(correct, n);
            assert!((actual_low - low).abs() < 5e-5 && (actual_high - high).abs() < 5e-5, "{actual_low} {actual_high}");
        }
        assert_eq!(wilson_interval(0.0, 0), (0.0, 1.0));
    }

    #[test]
    fn standard_error_is_that_of_the_mean() {
        let score = Score::new("t", "en", 3.0, 4);
        // Sample standard deviation of (1, 1, 1, 0) is 0.5; over √4.
        assert!((score.stderr - 0.25).abs() < 1e-12);
        assert_eq!(Score::new("t", "", 0.0, 0).score, 0.0);
    }
}
