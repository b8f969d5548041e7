//! What is added to a score for the distance of key and query.
//!
//! Every kind is a function of head and distance alone, so it is written out once as a row of numbers a head; a query
//! adds a stretch of that row to its scores. Legend: distance = key − query, counted from 1 − time.

use std::ops::Range;

use super::{AttentionShape, OP};
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::{ParamId, Parameters, Result, TensorError};

/// What is added to a score for the distance of key and query, after scaling and capping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttentionBias {
    /// Nothing.
    #[default]
    None,
    /// −slope · |query − key| with a slope for every head, [`alibi_slopes`] (Press, Smith & Lewis, "Train short, test
    /// long", 2022). Where a mask shows later keys, they count as those before; the paper is about causal masks.
    Alibi,
    /// A learned number for every head and [`t5_bucket`] of distances (Raffel et al. 2020). Attention does not scale its
    /// scores in that model: set [`super::AttentionRule::scale`] to 1.
    T5Buckets {
        /// (n_buckets, n_heads), as the `relative_attention_bias` of transformers.
        table: ParamId,
        /// Whether later keys have buckets of their own (encoders); without, they share that of distance 0.
        bidirectional: bool,
        /// The distance from which on all keys share the last bucket.
        max_distance: usize,
    },
}

/// The slopes of ALiBi: 2^(−8h/n) for heads h = 1 … n when n is a power of two; otherwise those of the next lower power
/// of two, then every second one of the next higher.
pub fn alibi_slopes(n_heads: usize) -> Vec<f32> {
    slopes(n_heads).collect()
}

fn slopes(n_heads: usize) -> impl Iterator<Item = f32> {
    let lower = if n_heads.is_power_of_two() { n_heads } else { n_heads.next_power_of_two() / 2 };
    let slope = |h: usize, n: usize| (-8.0 * h as f64 / n as f64).exp2() as f32;
    let first = (1..=lower).map(move |h| slope(h, lower));
    first.chain((1..).step_by(2).map(move |h| slope(h, 2 * lower))).take(n_heads)
}

/// The bucket of a distance key − query: half of the buckets (of one direction) hold one distance each, the others
/// stretches that grow with the logarithm up to `max_distance`.
///
/// # Errors
/// When there are fewer than two buckets a direction, or `max_distance` is not beyond the buckets of one distance.
pub fn t5_bucket(distance: i64, n_buckets: usize, bidirectional: bool, max_distance: usize) -> Result<usize> {
    let a_direction = if bidirectional { n_buckets / 2 } else { n_buckets };
    let exact = a_direction / 2;
    if exact == 0 || max_distance <= exact {
        let kind = if bidirectional { "in both directions" } else { "in one direction" };
        let what = format!("{n_buckets} buckets cannot hold distances up to {max_distance} {kind}");
        return Err(TensorError::argument(OP, what));
    }
    let is_later = bidirectional && distance > 0;
    let size = if bidirectional { distance.unsigned_abs() } else { distance.min(0).unsigned_abs() } as usize;
    let bucket = if size < exact {
        size
    } else {
        // In f32 as the reference, because truncation at the end shows the last bit.
        let share = ((size as f32 / exact as f32) as f64).ln() as f32;
        let share = share / (max_distance as f64 / exact as f64).ln() as f32;
        (exact + (share * (a_direction - exact) as f32) as usize).min(a_direction - 1)
    };
    Ok(bucket + if is_later { a_direction } else { 0 })
}

/// A bias written out for the sizes of an operation.
pub(crate) struct DistanceBias {
    time: usize,
    /// Distances there are: time + key_time − 1.
    pub(crate) distances: usize,
    /// (n_heads, distances)
    values: Buffer,
    learned: Option<Learned>,
}

/// Where learned values came from.
struct Learned {
    table: ParamId,
    /// (distances)
    bucket_of: Buffer<u32>,
}

impl DistanceBias {
    pub(super) fn new(
        parameters: &Parameters,
        kind: AttentionBias,
        shape: &AttentionShape,
        key_time: usize,
    ) -> Result<Option<DistanceBias>> {
        let &AttentionShape { time, n_heads, .. } = shape;
        let distances = time + key_time - 1;
        let mut values = Buffer::scratch(n_heads * distances);
        let distance = |index: usize| index as i64 - (time as i64 - 1);
        let learned = match kind {
            AttentionBias::None => return Ok(None),
            AttentionBias::Alibi => {
                for (row, slope) in values.chunks_exact_mut(distances).zip(slopes(n_heads)) {
                    row.iter_mut().enumerate().for_each(|(i, value)| *value = -slope * distance(i).abs() as f32);
                }
                None
            }
            AttentionBias::T5Buckets { table, bidirectional, max_distance } => {
                let tensor = parameters.checked(OP, table)?;
                let (n_buckets, columns) = tensor.matrix_shape(OP)?;
                if columns != n_heads {
                    return Err(TensorError::shape(OP, tensor.shape(), [n_buckets, n_heads]));
                }
                let bucket = |index| t5_bucket(distance(index), n_buckets, bidirectional, max_distance);
                let mut bucket_of = Buffer::scratch(distances);
                for (index, out) in bucket_of.iter_mut().enumerate() {
                    *out = bucket(index)? as u32;
                }
                for (head, row) in values.chunks_exact_mut(distances).enumerate() {
                    for (value, &bucket) in row.iter_mut().zip(&*bucket_of) {
                        *value = tensor.values()[bucket as usize * n_heads + head];
                    }
                }
                Some(Learned { table, bucket_of })
            }
        };
        Ok(Some(DistanceBias { time, distances, values, learned }))
    }

    /// Where the keys of query `t` stand in a head's row of distances.
    pub(crate) fn at(&self, t: usize, keys: &Range<usize>) -> Range<usize> {
        let zero = self.time - 1 - t;
        keys.start + zero..keys.end + zero
    }

    /// What is added to the scores of `keys` for query `t`.
    pub(crate) fn row(&self, head: usize, t: usize, keys: &Range<usize>) -> &[f32] {
        &self.values[head * self.distances..][self.at(t, keys)]
    }

    /// The parameter it was read from.
    pub(crate) fn table(&self) -> Option<ParamId> {
        self.learned.as_ref().map(|learned| learned.table)
    }

    /// Whether a gradient is wanted.
    pub(crate) fn is_trainable(&self, parameters: &Parameters) -> bool {
        self.table().is_some_and(|table| parameters.is_trainable(table))
    }

    /// Adds the slopes of all distances to the table: `slopes` (batch, n_heads, distances), summed in f64 over the
    /// batch in order, then over distances in order.
    pub(super) fn add_gradient(&self, to: &mut Slopes, slopes: &[f32]) {
        let Some(Learned { table, bucket_of }) = &self.learned else { return };
        let n_heads = self.values.len() / self.distances;
        let gradient = to.gradients.get_mut(*table);
        let mut sums: Buffer<f64> = Buffer::scratch(gradient.len() / n_heads);
        for head in 0..n_heads {
            sums.fill(0.0);
            for slopes in slopes.chunks_exact(n_heads * self.distances) {
                for (&bucket, &slope) in bucket_of.iter().zip(&slopes[head * self.distances..]) {
                    sums[bucket as usize] += f64::from(slope);
                }
            }
            for (gradient, sum) in gradient[head..].iter_mut().step_by(n_heads).zip(&*sums) {
                *gradient += *sum as f32;
            }
        }
    }
}
