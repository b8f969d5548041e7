//! Rotary position embedding (Su et al., "RoFormer", 2021) in the half-split layout of Hugging Face: element `i` of a
//! head turns together with element `i + head_dim / 2`.

use super::lanes::{dispatch, fma};
use crate::buffer::Buffer;

/// Cosines and sines for a list of positions: one row a *distinct* position, and the row of every token.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) head_dim: usize,
    /// (distinct positions, head_dim): the cosines of a position, then its sines.
    table: Buffer,
    row_of: Buffer<u32>,
}

impl Turns {
    pub(crate) fn new(positions: &[u32], head_dim: usize, theta: f32) -> Turns {
        let mut sorted: Buffer<u32> = Buffer::copy_of(positions);
        sorted.sort_unstable();
        let mut count = 0;
        for index in 0..sorted.len() {
            if index == 0 || sorted[index] != sorted[index - 1] {
                // Never ahead of `index`, so what is compared next is still there.
                sorted[count] = sorted[index];
                count += 1;
            }
        }
        let distinct = &sorted[..count];
        let half = head_dim / 2;
        let mut table: Buffer = Buffer::zeros(count * head_dim);
        for (row, &position) in table.chunks_exact_mut(head_dim.max(1)).zip(distinct) {
            for i in 0..half {
                let frequency = f64::from(theta).powf(-2.0 * i as f64 / head_dim as f64);
                // As Hugging Face does, the frequency and the angle are f32 before the cosine is taken.
                let angle = position as f32 * frequency as f32;
                let (sine, cosine) = f64::from(angle).sin_cos();
                row[i] = cosine as f32;
                row[half + i] = sine as f32;
            }
        }
        let place = |position| distinct.binary_search(position).unwrap_or(0) as u32;
        Turns { head_dim, table, row_of: Buffer::collect(positions.len(), positions.iter().map(place)) }
    }

    /// Cosines and sines of one token.
    fn row(&self, token: usize) -> &[f32] {
        &self.table[self.row_of[token] as usize * self.head_dim..][..self.head_dim]
    }
}

/// Turn rows `first..` of the tokens: `x` and `out` are `width` wide.
pub(crate) fn rotate(x: &[f32], out: &mut [f32], width: usize, first: usize, turns: &Turns) {
    for (row, (x, out)) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        rotate_row(x, out, turns.row(first + row));
    }
}

/// As [`rotate`], where it lies; `sign` −1 turns back, which is the derivative.
pub(crate) fn rotate_in_place(x: &mut [f32], width: usize, first: usize, turns: &Turns, sign: f32) {
    for (row, x) in x.chunks_exact_mut(width).enumerate() {
        rotate_row_in_place(x, turns.row(first + row), sign);
    }
}

dispatch! {
    fn rotate_row(x: &[f32], out: &mut [f32], turn: &[f32]) = rotate_row_body
}

#[inline(always)]
fn rotate_row_body<const FMA: bool>(x: &[f32], out: &mut [f32], turn: &[f32]) {
    let half = turn.len() / 2;
    let (cosines, sines) = turn.split_at(half);
    for (x, out) in x.chunks_exact(turn.len()).zip(out.chunks_exact_mut(turn.len())) {
        let ((x1, x2), (out1, out2)) = (x.split_at(half), out.split_at_mut(half));
        for i in 0..half {
            out1[i] = fma::<FMA>(x1[i], cosines[i], -x2[i] * sines[i]);
            out2[i] = fma::<FMA>(x2[i], cosines[i], x1[i] * sines[i]);
        }
    }
}

dispatch! {
    fn rotate_row_in_place(x: &mut [f32], turn: &[f32], sign: f32) = rotate_row_in_place_body
}

#[inline(always)]
fn rotate_row_in_place_body<const FMA: bool>(x: &mut [f32], turn: &[f32], sign: f32) {
    let half = turn.len() / 2;
    let (cosines, sines) = turn.split_at(half);
    for x in x.chunks_exact_mut(turn.len()) {
        let (x1, x2) = x.split_at_mut(half);
        for i in 0..half {
            let (first, second, sine) = (x1[i], x2[i], sines[i] * sign);
            x1[i] = fma::<FMA>(first, cosines[i], -second * sine);
            x2[i] = fma::<FMA>(second, cosines[i], first * sine);
        }
    }
}
