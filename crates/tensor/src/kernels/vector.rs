//! Elementwise loops and sums over plain vectors.

use super::lanes::{self, dispatch};

/// Values a block: large enough that a block costs more than handing it out.
pub(crate) const BLOCK: usize = 1 << 14;

dispatch! {
    /// `out = x` rounded to the nearest bf16 (ties to even), kept as f32.
    fn round_to_bf16(x: &[f32], out: &mut [f32]) = round_body
}

#[inline(always)]
fn round_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = round_one(x);
    }
}

/// One value rounded to bf16; a NaN stays one.
#[inline(always)]
pub(crate) fn round_one(x: f32) -> f32 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) & 0xffff_0000;
    f32::from_bits(if x.is_nan() { bits } else { rounded })
}

dispatch! {
    /// `out += x`.
    fn add_assign(x: &[f32], out: &mut [f32]) = add_assign_body
}

#[inline(always)]
fn add_assign_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += x;
    }
}

dispatch! {
    /// `out += factor * x`.
    fn add_scaled(factor: f32, x: &[f32], out: &mut [f32]) = add_scaled_body
}

#[inline(always)]
fn add_scaled_body<const FMA: bool>(factor: f32, x: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = lanes::fma::<FMA>(factor, x, *out);
    }
}

dispatch! {
    /// `out *= x`.
    fn mul_assign(x: &[f32], out: &mut [f32]) = mul_assign_body
}

#[inline(always)]
fn mul_assign_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out *= x;
    }
}

dispatch! {
    /// `out += a * b`.
    fn add_product(a: &[f32], b: &[f32], out: &mut [f32]) = add_product_body
}

#[inline(always)]
fn add_product_body<const FMA: bool>(a: &[f32], b: &[f32], out: &mut [f32]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = lanes::fma::<FMA>(a, b, *out);
    }
}

dispatch! {
    /// The inner product.
    fn dot(a: &[f32], b: &[f32]) -> f32 = dot_body
}

#[inline(always)]
fn dot_body<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    lanes::dot::<FMA>(a, b)
}

dispatch! {
    /// `out[i] = a[i, ..] · b[i, ..]` for rows of `width`.
    fn row_dots(a: &[f32], b: &[f32], width: usize, out: &mut [f32]) = row_dots_body
}

#[inline(always)]
fn row_dots_body<const FMA: bool>(a: &[f32], b: &[f32], width: usize, out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a.chunks_exact(width)).zip(b.chunks_exact(width)) {
        *out = lanes::dot::<FMA>(a, b);
    }
}

/// The sum, in f64, over fixed blocks in order.
pub(crate) fn sum(x: &[f32]) -> f64 {
    x.chunks(1 << 10).map(|block| f64::from(block_sum(block))).sum()
}

dispatch! {
    /// The sum of few values.
    fn block_sum(x: &[f32]) -> f32 = sum_body
}

#[inline(always)]
fn sum_body<const FMA: bool>(x: &[f32]) -> f32 {
    lanes::sum(x)
}

/// The sum of squares, in f64, over fixed blocks in order.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    x.chunks(1 << 10).map(|block| f64::from(dot(block, block))).sum()
}

dispatch! {
    /// Whether every value is finite.
    fn all_finite(x: &[f32]) -> bool = all_finite_body
}

#[inline(always)]
fn all_finite_body<const FMA: bool>(x: &[f32]) -> bool {
    let mut worst = 0u32;
    for &x in x {
        worst = worst.max(x.to_bits() & 0x7f80_0000);
    }
    worst < 0x7f80_0000
}

dispatch! {
    /// `sums[j] += Σᵢ x[i, j]` over the rows of `x`, in order.
    fn add_columns(x: &[f32], sums: &mut [f32]) = add_columns_body
}

#[inline(always)]
fn add_columns_body<const FMA: bool>(x: &[f32], sums: &mut [f32]) {
    for row in x.chunks_exact(sums.len()) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_half() {
        let cases = [0.0f32, -0.0, 1.0, 1.003_906_2, 1.011_718_8, 3.4e38, 1e-40, f32::INFINITY, -2.718_281_7];
        for x in cases {
            assert_eq!(round_one(x).to_bits(), half::bf16::from_f32(x).to_f32().to_bits(), "{x}");
        }
        assert!(round_one(f32::NAN).is_nan());
    }

    #[test]
    fn sums_and_finiteness() {
        let x: Vec<f32> = (0..5000).map(|i| (i % 7) as f32).collect();
        assert_eq!(sum(&x), x.iter().map(|&x| f64::from(x)).sum::<f64>());
        assert_eq!(sum_of_squares(&x), x.iter().map(|&x| f64::from(x * x)).sum::<f64>());
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = x.clone();
            assert!(all_finite(&x));
            x[4321] = bad;
            assert!(!all_finite(&x));
        }
        let mut sums = [1.0; 3];
        add_columns(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut sums);
        assert_eq!(sums, [6.0, 8.0, 10.0]);
    }
}
