//! Scaled dot-product attention over blocks of query rows (Vaswani et al. 2017; the recomputing backward pass is that
//! of FlashAttention, Dao et al. 2022).
//!
//! Legend: B batch, T time of queries, K time of keys, H query heads, G key/value heads, D head_dim. q and out are
//! (B·T, H·D), k and v (B·K, G·D), log_sum_exp (B·G, H/G, T). A block holds scores (QUERIES, keys it may see), never
//! T × K. Keys and values of a head are packed once and serve every block of queries of every head of the group.

use std::ops::Range;

use super::matmul::{Format, Matrix, Packed, product, product_columns};
use super::scores::Row;
use super::vector;
use crate::buffer::Buffer;
use crate::ops::attention::{AttentionShape, Scoring};
use crate::threads;

/// Query rows a block: whole register tiles.
const QUERIES: usize = 48;
/// Query rows a block where products are those of tiles, which take 32 rows.
const QUERIES_IN_TILES: usize = 64;
/// Blocks of keys start at a multiple of this, the width of the widest packed panel.
const ALIGN: usize = 32;

/// One key/value head of one sequence, with its group of query heads.
struct Group<'a> {
    shape: &'a AttentionShape,
    scoring: &'a Scoring,
    b: usize,
    g: usize,
    /// Query rows a block.
    queries: usize,
}

/// A block of queries: its rows, the keys any of them sees (from an aligned one), and the distance of score rows.
struct Block {
    rows: Range<usize>,
    low: usize,
    width: usize,
    stride: usize,
}

impl<'a> Group<'a> {
    fn new(shape: &'a AttentionShape, scoring: &'a Scoring, format: Format, index: usize) -> Group<'a> {
        let queries = if format.is_tiles() { QUERIES_IN_TILES } else { QUERIES };
        Group { shape, scoring, b: index / shape.n_kv_heads, g: index % shape.n_kv_heads, queries }
    }

    fn heads_a_group(&self) -> usize {
        self.shape.n_heads / self.shape.n_kv_heads
    }

    /// Columns of q, and of k.
    fn widths(&self) -> (usize, usize) {
        (self.shape.n_heads * self.shape.head_dim, self.shape.n_kv_heads * self.shape.head_dim)
    }

    /// Where the group's keys and values start.
    fn narrow_at(&self) -> usize {
        self.b * self.scoring.spans.key_time * self.widths().1 + self.g * self.shape.head_dim
    }

    /// The number of the group's `head` among all.
    fn head(&self, head: usize) -> usize {
        self.g * self.heads_a_group() + head
    }

    /// Where row `t` of the group's head number `head` starts in q, out and their slopes.
    fn wide_at(&self, head: usize, t: usize) -> usize {
        let head = self.head(head);
        (self.b * self.shape.time + t) * self.widths().0 + head * self.shape.head_dim
    }

    fn blocks(&self) -> impl Iterator<Item = Block> {
        let (time, queries) = (self.shape.time, self.queries);
        (0..time).step_by(queries).map(move |from| {
            let rows = from..time.min(from + queries);
            let (low, high) = self.scoring.spans.union(self.b, rows.clone());
            let low = low / ALIGN * ALIGN;
            // An odd number of cache lines a row keeps columns of the block out of each other's cache sets.
            let stride = (high - low).next_multiple_of(16);
            let stride = if (stride / 16).is_multiple_of(2) { stride + 16 } else { stride };
            Block { rows, low, width: high - low, stride }
        })
    }

    /// The keys that query `t` sees, and their columns in the block.
    fn seen(&self, block: &Block, t: usize) -> (Range<usize>, Range<usize>) {
        let (start, end) = self.scoring.spans.of(self.b, t);
        (start..end, start - block.low..end - block.low)
    }
}

/// Fills `out`, and the logarithm of every row's softmax sum.
pub(crate) fn forward(
    shape: &AttentionShape,
    scoring: &Scoring,
    (q, k, v): (&[f32], &[f32], &[f32]),
    out: &mut [f32],
    log_sum_exp: &mut [f32],
) {
    let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
    let (heads, key_time) = (n_heads / n_kv_heads, scoring.spans.key_time);
    let format = Format::of_attention(scoring.compute);
    // Groups write their heads side by side here, so that every thread owns what it writes; then rows are put in place.
    let mut parts = Buffer::scratch(out.len());
    let part = heads * time * head_dim;
    threads::for_each_chunk2(&mut parts, part, log_sum_exp, heads * time, |index, parts, log_sum_exp| {
        let group = Group::new(shape, scoring, format, index);
        let (wide, narrow) = group.widths();
        let at = group.narrow_at();
        let keys = Packed::new(format, Matrix::rows(&k[at..], narrow).t(), head_dim, key_time);
        let values = Packed::new(format, Matrix::rows(&v[at..], narrow), key_time, head_dim);
        for block in group.blocks() {
            let rows = block.rows.len();
            let mut scores = Buffer::scratch(rows * block.stride);
            for head in 0..heads {
                let queries = Matrix::rows(&q[group.wide_at(head, block.rows.start)..], wide);
                score(queries, &keys, &block, head_dim, &mut scores);
                for (t, scores) in block.rows.clone().zip(scores.chunks_exact_mut(block.stride)) {
                    let (keys, seen) = group.seen(&block, t);
                    scores[..seen.start].fill(0.0);
                    scores[seen.end..block.width].fill(0.0);
                    let row = Row { head: group.head(head), t, keys };
                    log_sum_exp[head * time + t] = scoring.probabilities(&row, &mut scores[seen]);
                }
                let out = &mut parts[(head * time + block.rows.start) * head_dim..];
                let scores = Matrix::rows(&scores, block.stride);
                product(rows, block.width, scores, &values, block.low, out, head_dim, false);
            }
        }
    });
    interleave(&parts, out, batch, time, n_heads, head_dim);
}

/// `scores = queries · keysᵀ` over the block's keys.
fn score(queries: Matrix, keys: &Packed, block: &Block, head_dim: usize, scores: &mut [f32]) {
    let (rows, stride) = (block.rows.len(), block.stride);
    product_columns(rows, block.low..block.low + block.width, head_dim, queries, keys, 0, scores, stride, false);
}

/// From (batch, heads, time, head_dim) to (batch, time, heads, head_dim).
fn interleave(parts: &[f32], out: &mut [f32], batch: usize, time: usize, heads: usize, head_dim: usize) {
    debug_assert_eq!(out.len(), batch * time * heads * head_dim);
    const ROWS: usize = 64;
    threads::for_each_chunk(out, ROWS * heads * head_dim, |block, out| {
        for (row, out) in out.chunks_exact_mut(heads * head_dim).enumerate() {
            let (b, t) = ((block * ROWS + row) / time, (block * ROWS + row) % time);
            for (head, out) in out.chunks_exact_mut(head_dim).enumerate() {
                out.copy_from_slice(&parts[((b * heads + head) * time + t) * head_dim..][..head_dim]);
            }
        }
    });
}

/// What the backward pass finds.
pub(crate) struct Slopes {
    pub(crate) q: Buffer,
    pub(crate) k: Buffer,
    pub(crate) v: Buffer,
    /// (batch, n_heads, distances); empty unless asked for.
    pub(crate) bias: Buffer,
}

/// The slopes by q, k and v, and by the bias of every distance where that is learned; probabilities are computed again
/// from `log_sum_exp`.
pub(crate) fn backward(
    shape: &AttentionShape,
    scoring: &Scoring,
    (q, k, v): (&[f32], &[f32], &[f32]),
    (out, log_sum_exp, dy): (&[f32], &[f32], &[f32]),
    is_bias_learned: bool,
) -> Slopes {
    let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
    let (heads, key_time) = (n_heads / n_kv_heads, scoring.spans.key_time);
    let format = Format::of_attention(scoring.compute);
    let (part, kv_part) = (heads * time * head_dim, key_time * head_dim);
    let distances = scoring.bias.as_ref().filter(|_| is_bias_learned).map_or(0, |bias| bias.distances);
    // What a group sums over its queries, side by side: slopes of keys, of values, and of biases.
    let sum_part = 2 * kv_part + heads * distances;
    let (mut dq_parts, mut sum_parts) = (Buffer::scratch(q.len()), Buffer::zeros(batch * n_kv_heads * sum_part));
    // Σ p · dp over a row of scores is the inner product of the output's row and its slope.
    let mut inner = Buffer::scratch(batch * time * n_heads);
    threads::for_each_chunk(&mut inner, 1024, |block, inner| {
        let at = block * 1024 * head_dim;
        vector::row_dots(&dy[at..], &out[at..], head_dim, inner);
    });
    threads::for_each_chunk2(&mut dq_parts, part, &mut sum_parts, sum_part, |index, dq, sums| {
        let (dk, sums) = sums.split_at_mut(kv_part);
        let (dv, d_bias) = sums.split_at_mut(kv_part);
        let group = Group::new(shape, scoring, format, index);
        let (wide, narrow) = group.widths();
        let at = group.narrow_at();
        let (k, v) = (Matrix::rows(&k[at..], narrow), Matrix::rows(&v[at..], narrow));
        let keys = Packed::new(format, k.t(), head_dim, key_time);
        let values = Packed::new(format, v.t(), head_dim, key_time);
        let key_rows = Packed::new(format, k, key_time, head_dim);
        let (mut queries, mut slopes) =
            (Packed::empty(format, group.queries, head_dim), Packed::empty(format, group.queries, head_dim));
        for block in group.blocks() {
            let (rows, width, stride) = (block.rows.len(), block.width, block.stride);
            let (mut p, mut dp) = (Buffer::scratch(rows * stride), Buffer::scratch(rows * stride));
            let mut cap_slopes = Buffer::scratch(if scoring.soft_cap.is_some() { width } else { 0 });
            for head in 0..heads {
                let at = group.wide_at(head, block.rows.start);
                let (q, dy_rows) = (Matrix::rows(&q[at..], wide), Matrix::rows(&dy[at..], wide));
                score(q, &keys, &block, head_dim, &mut p);
                score(dy_rows, &values, &block, head_dim, &mut dp);
                for (row, t) in block.rows.clone().enumerate() {
                    let (keys, seen) = group.seen(&block, t);
                    let (p, dp) = (&mut p[row * stride..][..width], &mut dp[row * stride..][..width]);
                    for line in [&mut *p, &mut *dp] {
                        line[..seen.start].fill(0.0);
                        line[seen.end..].fill(0.0);
                    }
                    let (p, dp) = (&mut p[seen.clone()], &mut dp[seen]);
                    let shift = log_sum_exp[(index * heads + head) * time + t];
                    let inner = inner[(group.b * time + t) * n_heads + group.g * heads + head];
                    let row = Row { head: group.head(head), t, keys };
                    let d_bias = (distances > 0).then(|| &mut d_bias[head * distances..][..distances]);
                    scoring.slopes(&row, (p, dp), (shift, inner), d_bias, &mut cap_slopes);
                }
                let dq = &mut dq[(head * time + block.rows.start) * head_dim..];
                product(rows, width, Matrix::rows(&dp, stride), &key_rows, block.low, dq, head_dim, false);
                queries.fill(q, rows);
                slopes.fill(dy_rows, rows);
                let at = block.low * head_dim;
                product(width, rows, Matrix::rows(&dp, stride).t(), &queries, 0, &mut dk[at..], head_dim, true);
                product(width, rows, Matrix::rows(&p, stride).t(), &slopes, 0, &mut dv[at..], head_dim, true);
            }
        }
    });
    let [mut dq, mut dk, mut dv] = [q.len(), k.len(), v.len()].map(Buffer::scratch);
    interleave(&dq_parts, &mut dq, batch, time, n_heads, head_dim);
    let mut d_bias = Buffer::scratch(batch * n_heads * distances);
    split(&sum_parts, sum_part, &mut dk, (n_kv_heads, key_time, head_dim));
    split(&sum_parts[kv_part..], sum_part, &mut dv, (n_kv_heads, key_time, head_dim));
    for (group, out) in d_bias.chunks_exact_mut((heads * distances).max(1)).enumerate() {
        out.copy_from_slice(&sum_parts[group * sum_part + 2 * kv_part..][..out.len()]);
    }
    Slopes { q: dq, k: dk, v: dv, bias: d_bias }
}

/// From (batch, heads, time, head_dim), with the heads' parts `stride` apart, to (batch, time, heads, head_dim).
fn split(parts: &[f32], stride: usize, out: &mut [f32], (heads, time, head_dim): (usize, usize, usize)) {
    for (row, out) in out.chunks_exact_mut(heads * head_dim).enumerate() {
        let (b, t) = (row / time, row % time);
        for (head, out) in out.chunks_exact_mut(head_dim).enumerate() {
            out.copy_from_slice(&parts[(b * heads + head) * stride + t * head_dim..][..head_dim]);
        }
    }
}
