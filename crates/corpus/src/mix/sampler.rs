//! Which source does block number i of a stream come from? A function of the seed and i alone, so that a run that was
//! killed goes on anywhere; in every round a source is within one block of its share.
//!
//! Rounds of [`ROUND`] blocks are sampled systematically: the points (j + u) / ROUND for j = 0, 1, …, each of which falls
//! into the part of one source. The offset u walks through 0 to 1 by the golden ratio from round to round, so that the
//! parts that a round cannot divide even out over rounds; inside a round the order is shuffled.

use lang::rng::Rng;

/// Blocks of a round.
pub const ROUND: u64 = 256;

/// Draws sources by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    /// Cumulative shares; the last is 1.
    cumulative: Vec<f64>,
    seed: u64,
}

impl Sampler {
    /// A sampler for weights of which one at least is positive; nothing when none is.
    pub fn new(weights: &[f64], seed: u64) -> Option<Sampler> {
        let sum: f64 = weights.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) || weights.iter().any(|weight| *weight < 0.0) {
            return None;
        }
        let mut so_far = 0.0;
        let mut cumulative: Vec<f64> = weights
            .iter()
            .map(|weight| {
                so_far += weight;
                so_far / sum
            })
            .collect();
        // Rounding must not lose the last block.
        let last_used = weights.iter().rposition(|weight| *weight > 0.0)?;
        cumulative[last_used..].fill(1.0);
        Some(Sampler { cumulative, seed })
    }

    /// The source of block `index`.
    pub fn source(&self, index: u64) -> usize {
        let round = index / ROUND;
        let mut order: Vec<u64> = (0..ROUND).collect();
        Rng::for_item(self.seed, "mix.round", round).shuffle(&mut order);
        let offset = (0.5 + (round % (1 << 32)) as f64 * GOLDEN).fract();
        let point = (order[(index % ROUND) as usize] as f64 + offset) / ROUND as f64;
        self.cumulative.partition_point(|share| *share <= point).min(self.cumulative.len() - 1)
    }
}

/// The fractional part of the golden ratio: of all steps its multiples are spread most evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

#[cfg(test)]
mod tests {
    use super::*;

    /// A million tokens in blocks of 256: shares within half a percent, for every published mixture.
    #[test]
    fn shares_are_met_over_a_million_tokens() {
        for (name, _) in super::super::presets::PRESETS {
            let mixture = super::super::presets::preset(name).unwrap();
            let weights: Vec<f64> = mixture.source.iter().map(|source| source.share.unwrap()).collect();
            let sum: f64 = weights.iter().sum();
            let sampler = Sampler::new(&weights, 5).unwrap();
            let mut counts = vec![0u64; weights.len()];
            let blocks = 1_000_000 / 256;
            for index in 0..blocks {
                counts[sampler.source(index)] += 1;
            }
            for (count, weight) in counts.iter().zip(&weights) {
                let (achieved, target) = (*count as f64 / blocks as f64, weight / sum);
                assert!((achieved - target).abs() < 0.005, "{name}: {achieved} for {target}");
            }
        }
    }

    #[test]
    fn it_is_a_function_of_the_index() {
        let sampler = Sampler::new(&[0.5, 0.0, 0.3, 0.2], 9).unwrap();
        let forward: Vec<usize> = (0..1000).map(|index| sampler.source(index)).collect();
        let backward: Vec<usize> = (0..1000).rev().map(|index| sampler.source(index)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        assert!(!forward.contains(&1));
        assert_ne!(
            forward,
            (0..1000).map(|i| Sampler::new(&[0.5, 0.0, 0.3, 0.2], 10).unwrap().source(i)).collect::<Vec<_>>()
        );
        assert_eq!(Sampler::new(&[0.0], 1), None);
        assert_eq!(Sampler::new(&[1.0, -0.5], 1), None);
    }
}
