//! Sixteen lanes at a time, for every instruction set from one source.
//!
//! [`dispatch!`] compiles an inlined body three times: with AVX-512, with AVX2 + FMA, and with neither. The compiler
//! turns loops over `[f32; 16]` into vector instructions of whatever width is enabled; AMX, which only multiplies matrices,
//! has AVX-512's. Hand-written intrinsics lost: they were no faster for these loops and needed an unsafe block each.
//!
//! `FMA` says whether `a * b + c` may be one instruction; without the instruction `mul_add` would be a slow call, so
//! the plain version rounds twice and differs from the others in the last bits.

/// How many values one step handles: the width of an AVX-512 register.
pub(crate) const LANES: usize = 16;

/// Defines `fn name(arguments)`, which runs `body::<FMA>(arguments)` compiled for the instruction set in use.
macro_rules! dispatch {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        #[allow(private_interfaces, reason = "a body may take a struct of its file")]
        pub(crate) fn $name($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                match $crate::isa() {
                    // SAFETY: `isa` only returns instruction sets found on this processor, and AMX only beside AVX-512.
                    // Covered by tests/isa.rs.
                    $crate::Isa::Avx512 | $crate::Isa::Amx => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::Isa::Scalar => {}
                }
            }
            $body::<false>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

/// `a * b + c`, in one rounding where the instruction set has it.
#[inline(always)]
pub(crate) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The sum of sixteen lanes as a balanced tree, so that every instruction set adds in the same order.
#[inline(always)]
pub(crate) fn tree_sum(lanes: [f32; LANES]) -> f32 {
    let mut values = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            values[i] += values[i + width];
        }
        width /= 2;
    }
    values[0]
}

/// The last, incomplete step of a row as a whole one. Treating the rest value by value would force the sums out of
/// their registers for every row.
#[inline(always)]
pub(crate) fn padded(rest: &[f32], padding: f32) -> [f32; LANES] {
    let mut lanes = [padding; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    lanes
}

/// The sum over two rows of one length of what `term(a, b, sum)` adds, which is nothing for `padding` twice.
#[inline(always)]
pub(crate) fn sum2(a: &[f32], b: &[f32], padding: f32, term: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            sums[i] = term(a[i], b[i], sums[i]);
        }
    }
    if !a_rest.is_empty() {
        let (a, b) = (padded(a_rest, padding), padded(b_rest, padding));
        for i in 0..LANES {
            sums[i] = term(a[i], b[i], sums[i]);
        }
    }
    tree_sum(sums)
}

/// The inner product.
#[inline(always)]
pub(crate) fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    sum2(a, b, 0.0, fma::<FMA>)
}

/// The sum.
#[inline(always)]
pub(crate) fn sum(a: &[f32]) -> f32 {
    sum2(a, a, 0.0, |a, _, sum| sum + a)
}

/// The largest value; minus infinity for none. A NaN is passed over here and found by the sum that follows.
#[inline(always)]
pub(crate) fn maximum(a: &[f32]) -> f32 {
    let mut best = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = a.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            best[i] = if chunk[i] > best[i] { chunk[i] } else { best[i] };
        }
    }
    let rest = padded(rest, f32::NEG_INFINITY);
    for i in 0..LANES {
        best[i] = if rest[i] > best[i] { rest[i] } else { best[i] };
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            best[i] = if best[i + width] > best[i] { best[i + width] } else { best[i] };
        }
        width /= 2;
    }
    best[0]
}

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 in two parts: the first has few bits, so that its product with a small integer is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Adding and subtracting 1.5 · 2²³ rounds to the nearest integer, and leaves that integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// eˣ within 2 ulp (3 without FMA); 0 below −87.3, infinity above 88.7, NaN for NaN.
///
/// Argument reduction and polynomial are those of the Cephes library (Moshier, `expf.c`).
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    let low = if x < -87.336_54 { -87.336_54 } else { x };
    let bounded = if low > 88.722_83 { 88.722_83 } else { low };
    let shifted = fma::<FMA>(bounded, LOG2_E, ROUNDER);
    let n = shifted - ROUNDER;
    let power = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let r = fma::<FMA>(n, -LN_2_LOW, fma::<FMA>(n, -LN_2_HIGH, bounded));
    let mut y = 1.987_569_2e-4;
    y = fma::<FMA>(y, r, 1.398_199_9e-3);
    y = fma::<FMA>(y, r, 8.333_452e-3);
    y = fma::<FMA>(y, r, 4.166_579_6e-2);
    y = fma::<FMA>(y, r, 1.666_666_5e-1);
    y = fma::<FMA>(y, r, 5e-1);
    y = fma::<FMA>(y, r * r, r) + 1.0;
    // 2ⁿ in two halves: n reaches 128, which no single f32 power of two does.
    let half = power >> 1;
    let first = f32::from_bits(((half + 127) << 23) as u32);
    let second = f32::from_bits(((power - half + 127) << 23) as u32);
    let result = y * first * second;
    let result = if x < -87.336_54 { 0.0 } else { result };
    if x > 88.722_83 { f32::INFINITY } else { result }
}

/// 1 / (1 + e⁻ˣ) within 4 ulp, without overflow on either side.
#[inline(always)]
pub(crate) fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    let e = exp::<FMA>(-x.abs());
    let numerator = if x >= 0.0 { 1.0 } else { e };
    // Comparisons with NaN are false, and e is NaN then.
    numerator / (1.0 + e)
}

/// The hyperbolic tangent within 4 ulp: Cephes' odd polynomial near zero, exponentials elsewhere.
#[inline(always)]
pub(crate) fn tanh<const FMA: bool>(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let mut y = -5.704_988_7e-3;
    y = fma::<FMA>(y, square, 2.063_909e-2);
    y = fma::<FMA>(y, square, -5.373_971_6e-2);
    y = fma::<FMA>(y, square, 1.333_144_2e-1);
    y = fma::<FMA>(y, square, -3.333_328e-1);
    let small = fma::<FMA>(y * square, x, x);
    let e = exp::<FMA>(-2.0 * size);
    let large = ((1.0 - e) / (1.0 + e)).copysign(x);
    if size < 0.625 { small } else { large }
}

/// Φ(x) = (1 + erf(x / √2)) / 2, the normal distribution, within 6 ulp, and the e^(−x²/2) it was made of. Below −13.2,
/// where single precision ends, it is 0.
///
/// The tail Φ(−u) is e^(−u²/2) · P(s) / (u + 3.5) with s = (u − 3.5) / (u + 3.5), which maps all u ≥ 0 to [−1, 1); P has
/// a relative error of 2⁻²⁷ (fitted by oracle/normal.py). One minus erf loses every digit of the tail, and a rounded
/// square would cost e^(−u²/2) its last six bits: what rounding took from it is put back.
#[inline(always)]
pub(crate) fn normal<const FMA: bool>(x: f32) -> (f32, f32) {
    let size = x.abs();
    let u = if size > 14.0 { 14.0 } else { size };
    let square = u * u;
    // The product of two f32 is exact in f64.
    let rest = if FMA { u.mul_add(u, -square) } else { (f64::from(u) * f64::from(u) - f64::from(square)) as f32 };
    let density = exp::<FMA>(-0.5 * square);
    let density = fma::<FMA>(density * -0.5, rest, density);
    let inverse = 1.0 / (u + 3.5);
    let s = (u - 3.5) * inverse;
    let mut y = 1.127_370_7e-4;
    y = fma::<FMA>(y, s, 4.256_609e-4);
    y = fma::<FMA>(y, s, -4.946_537e-4);
    y = fma::<FMA>(y, s, -3.177_798e-3);
    y = fma::<FMA>(y, s, 6.492_408_6e-3);
    y = fma::<FMA>(y, s, 1.740_691e-2);
    y = fma::<FMA>(y, s, -1.160_528_3e-1);
    y = fma::<FMA>(y, s, 3.154_25e-1);
    y = fma::<FMA>(y, s, -5.655_618e-1);
    y = fma::<FMA>(y, s, 7.444_161e-1);
    let tail = density * (y * inverse);
    (if x < 0.0 { tail } else { 1.0 - tail }, density)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(found: f32, expected: f64) -> f64 {
        let unit = f64::from(f32::EPSILON) * expected.abs().max(f64::from(f32::MIN_POSITIVE));
        (f64::from(found) - expected).abs() / unit
    }

    fn check(name: &str, range: (f32, f32), bound: f64, ours: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) {
        let steps = 200_000;
        for i in 0..=steps {
            let x = range.0 + (range.1 - range.0) * i as f32 / steps as f32;
            let error = ulps(ours(x), truth(f64::from(x)));
            assert!(error <= bound, "{name}({x}) = {}, {error} ulp from {}", ours(x), truth(f64::from(x)));
        }
    }

    #[test]
    fn functions_keep_their_stated_error() {
        check("exp", (-87.3, 88.7), 2.0, exp::<true>, f64::exp);
        check("exp", (-87.3, 88.7), 3.0, exp::<false>, f64::exp);
        check("sigmoid", (-80.0, 80.0), 4.0, sigmoid::<true>, |x| 1.0 / (1.0 + (-x).exp()));
        check("sigmoid", (-80.0, 80.0), 4.0, sigmoid::<false>, |x| 1.0 / (1.0 + (-x).exp()));
        check("tanh", (-20.0, 20.0), 4.0, tanh::<true>, f64::tanh);
        check("tanh", (-20.0, 20.0), 4.0, tanh::<false>, f64::tanh);
    }

    /// Φ in f64: its power series near zero, the continued fraction of its tail elsewhere (Abramowitz & Stegun 26.2.11
    /// and 26.2.14).
    fn normal_cdf(x: f64) -> f64 {
        let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        if x.abs() < 4.0 {
            let (mut term, mut sum, mut n) = (x, x, 1.0);
            while sum + term != sum {
                n += 2.0;
                term *= x * x / n;
                sum += term;
            }
            return 0.5 + density * sum;
        }
        let tail = density / (1..200).rev().fold(x.abs(), |rest, n| x.abs() + f64::from(n) / rest);
        if x < 0.0 { tail } else { 1.0 - tail }
    }

    #[test]
    fn the_normal_distribution_keeps_its_stated_error() {
        for range in [(-13.0, -4.0), (-4.0, 0.0), (0.0, 13.0), (-1e-3, 1e-3)] {
            check("normal", range, 6.0, |x| normal::<true>(x).0, normal_cdf);
            check("normal", range, 6.0, |x| normal::<false>(x).0, normal_cdf);
            check("density", range, 4.0, |x| normal::<true>(x).1, |x| (-0.5 * x * x).exp());
        }
        for function in [|x| normal::<true>(x).0, |x| normal::<false>(x).0] {
            assert_eq!([-20.0, f32::NEG_INFINITY, 0.0, 20.0, f32::INFINITY].map(function), [0.0, 0.0, 0.5, 1.0, 1.0]);
            assert!(function(f32::NAN).is_nan());
        }
    }

    #[test]
    fn functions_at_the_edges() {
        assert_eq!(exp::<true>(0.0), 1.0);
        assert_eq!(exp::<true>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<true>(f32::INFINITY), f32::INFINITY);
        assert_eq!((sigmoid::<true>(f32::INFINITY), sigmoid::<true>(f32::NEG_INFINITY)), (1.0, 0.0));
        assert_eq!((tanh::<true>(f32::INFINITY), tanh::<true>(f32::NEG_INFINITY)), (1.0, -1.0));
        for function in [exp::<true>, exp::<false>, sigmoid::<true>, tanh::<true>] {
            assert!(function(f32::NAN).is_nan());
        }
    }
}
