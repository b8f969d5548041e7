//! Scales and the round numbers that stand along them.

/// A stretch of numbers laid along a stretch of pixels.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    /// Numbers `low..high` on pixels `from..to`; pixels may run downwards.
    pub fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = widened(low, high);
        Scale { low, high, from, to, logarithmic: false }
    }

    /// As [`Scale::linear`], but equal ratios take equal room. Falls back to linear where `low` is not positive.
    pub fn logarithmic(low: f64, high: f64, from: f64, to: f64) -> Self {
        let logarithmic = low > 0.0;
        let (low, high) = widened(low, high);
        Scale { low, high, from, to, logarithmic: logarithmic && low > 0.0 }
    }

    /// The pixel of a number, kept inside the stretch.
    pub fn at(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + place.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round numbers inside the stretch, about `wanted` of them.
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        if self.logarithmic {
            let ticks = logarithmic_ticks(self.low, self.high);
            if ticks.len() >= 3 {
                return ticks;
            }
        }
        linear_ticks(self.low, self.high, wanted)
    }
}

/// A stretch of length zero, or one with a number that is none, is given some room.
fn widened(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        (0.0, 1.0)
    } else if high > low {
        (low, high)
    } else {
        let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        (low - room, low + room)
    }
}

/// The step is 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let rough = (high - low) / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|index| index as f64 * step).collect()
}

/// 1, 2 and 5 times each power of ten; only the powers where there are many.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let factors: &[f64] = if last - first > 4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    (first..=last)
        .flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)))
        .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
        .collect()
}

/// A tick as it is written: thousands in short, no trailing zeros.
pub fn tick_label(value: f64) -> String {
    if value.abs() >= 10_000.0 {
        return super::format::short(value);
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.strip_prefix('-') {
        Some("0") => "0".into(),
        Some(rest) => format!("−{rest}"),
        None => text.into(),
    }
}

/// At most `limit` points that keep the shape of a curve: means over equal stretches of it.
pub fn thinned(points: &[(f64, f64)], limit: usize) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.0.is_finite() && p.1.is_finite()).collect();
    if finite.len() <= limit.max(2) {
        return finite;
    }
    (0..limit)
        .map(|index| {
            let part = &finite[index * finite.len() / limit..(index + 1) * finite.len() / limit];
            let n = part.len() as f64;
            (part.iter().map(|p| p.0).sum::<f64>() / n, part.iter().map(|p| p.1).sum::<f64>() / n)
        })
        .collect()
}

/// The mean of each point with up to `reach` neighbours on either side, fewer near the ends.
pub fn smoothed(points: &[(f64, f64)], reach: usize) -> Vec<(f64, f64)> {
    points
        .iter()
        .enumerate()
        .map(|(index, &(x, _))| {
            // The window stays centred, so that a falling curve is not drawn above itself.
            let reach = reach.min(index).min(points.len() - 1 - index).max(usize::from(index + 1 == points.len()));
            let window = &points[index.saturating_sub(reach)..(index + reach + 1).min(points.len())];
            (x, window.iter().map(|point| point.1).sum::<f64>() / window.len() as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, wanted: usize) -> Vec<String> {
        scale.ticks(wanted).into_iter().map(tick_label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Scale::linear(0.0, 1.0, 0.0, 1.0), 5), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(
            labels(Scale::linear(0.0, 23_000.0, 0.0, 1.0), 5),
            ["0", "5000", "10\u{a0}k", "15\u{a0}k", "20\u{a0}k"]
        );
        assert_eq!(labels(Scale::logarithmic(0.4, 9.0, 0.0, 1.0), 5), ["0.5", "1", "2", "5"]);
        assert_eq!(labels(Scale::linear(-1.0, 1.0, 0.0, 1.0), 4), ["−1", "−0.5", "0", "0.5", "1"]);
    }

    #[test]
    fn degenerate_stretches_have_room() {
        for scale in [Scale::linear(2.0, 2.0, 0.0, 100.0), Scale::linear(f64::NAN, 2.0, 0.0, 100.0)] {
            assert!(scale.at(2.0).is_finite() && !scale.ticks(4).is_empty());
        }
        assert_eq!(Scale::logarithmic(1.0, 100.0, 0.0, 10.0).at(10.0), 5.0);
    }

    #[test]
    fn thinning_keeps_the_mean() {
        let points: Vec<(f64, f64)> = (0..1000).map(|i| (i as f64, 2.0 * i as f64)).collect();
        let thin = thinned(&points, 100);
        assert_eq!(thin.len(), 100);
        assert_eq!(thin[0], (4.5, 9.0));
        assert_eq!(smoothed(&[(0.0, 3.0), (1.0, 6.0), (2.0, 0.0)], 1), [(0.0, 3.0), (1.0, 3.0), (2.0, 3.0)]);
    }
}
