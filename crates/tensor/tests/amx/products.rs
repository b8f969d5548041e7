//! Linear maps of all sizes, forward and both ways back, against three loops in f64 over operands rounded to bf16.

use tensor::{DType, Gradients, Isa, Parameters, Tape, set_isa, testing};

use crate::emulator::{self, Amx};
use crate::support::{add, noise, rows_of};
use crate::turn;

/// (rows, inner, outer): around one, two and more tiles each way, and around the depth of one pass, which is 512.
const SIZES: [(usize, usize, usize); 15] = [
    (1, 1, 1),
    (16, 32, 16),
    (32, 64, 32),
    (17, 33, 15),
    (31, 31, 33),
    (33, 65, 17),
    (48, 30, 50),
    (64, 96, 64),
    (5, 700, 3),
    (3, 6, 1030),
    (1, 520, 40),
    (70, 1, 70),
    (300, 40, 70),
    (1100, 20, 40),
    (530, 33, 250),
];

/// An output and the slopes of x and of the weight, of y = x · weightᵀ taken twice from the same x.
fn linear((rows, inner, outer): (usize, usize, usize), dy: &[f32]) -> [Vec<f32>; 3] {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[rows, inner], 1);
    let weight = add(&mut parameters, "w", &[outer, inner], 2);
    parameters.set_compute_dtype(DType::Bf16);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let input = rows_of(&mut tape, x);
    // Twice, so that slopes are added to what is there.
    let (first, second) = (tape.linear(input, weight, None).unwrap(), tape.linear(input, weight, None).unwrap());
    let y = tape.add(first, second).unwrap();
    tape.backward(y, dy, &mut gradients).unwrap();
    [tape.value(first).to_f32_vec(), gradients.get(x).to_vec(), gradients.get(weight).to_vec()]
}

/// Element (i, j) of a product with its `depth` terms, and the sum of their sizes.
fn exact(depth: usize, left: impl Fn(usize) -> f32, right: impl Fn(usize) -> f32) -> (f64, f64) {
    let round = |x: f32| f64::from(half::bf16::from_f32(x).to_f32());
    let terms = (0..depth).map(|l| round(left(l)) * round(right(l)));
    terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
}

/// Every value within what `depth` additions in f32 can lose (Higham 2002, section 3.1), once for each of `times`.
fn check(
    found: &[f32],
    columns: usize,
    (depth, times): (usize, usize),
    of: impl Fn(usize, usize) -> (f64, f64),
    what: &str,
) {
    for (at, &found) in found.iter().enumerate() {
        let (sum, size) = of(at / columns, at % columns);
        let (expected, bound) = (sum * times as f64, (depth + times + 2) as f64 * 2f64.powi(-24) * size * times as f64);
        let error = (f64::from(found) - expected).abs();
        assert!(error <= bound + 1e-30, "{what} {} {}: {found} instead of {expected}", at / columns, at % columns);
    }
}

#[test]
fn linear_maps_of_every_size() {
    let Some((_turn, amx)) = turn() else { return };
    for size in SIZES {
        let (rows, inner, outer) = size;
        let (x, weight, dy) = (noise(rows * inner, 1), noise(outer * inner, 2), noise(rows * outer, 3));
        let before = emulator::products();
        let [y, dx, dw] = linear(size, &dy);
        assert!(amx == Amx::Processor || emulator::products() > before, "AMX is not used");
        let name = |which: &str| format!("{which} of {rows} {inner} {outer}:");
        check(&y, outer, (inner, 1), |i, j| exact(inner, |l| x[i * inner + l], |l| weight[j * inner + l]), &name("y"));
        check(
            &dx,
            inner,
            (outer, 2),
            |i, j| exact(outer, |l| dy[i * outer + l], |l| weight[l * inner + j]),
            &name("dx"),
        );
        check(&dw, inner, (rows, 2), |i, j| exact(rows, |l| dy[l * outer + i], |l| x[l * inner + j]), &name("dw"));
        // The emulator and the plain version, which share no line, give the same bits. What is documented of the
        // processor's arithmetic is what both do; whether it does so to the bit was not seen.
        testing::set_plain_tiles(true);
        let plain = linear(size, &dy);
        testing::set_plain_tiles(false);
        if amx == Amx::Emulator {
            assert!([y, dx, dw] == plain, "{size:?}: the instructions give other bits than the plain version");
        }
        assert!(!emulator::is_configured(), "the tile registers stay in use");
    }
}

#[test]
fn products_in_f32_stay_those_of_avx512() {
    let Some((_turn, _)) = turn() else { return };
    let run = || {
        let mut parameters = Parameters::new();
        let (x, weight) = (add(&mut parameters, "x", &[50, 70], 1), add(&mut parameters, "w", &[40, 70], 2));
        let mut tape = Tape::new(&parameters);
        let input = rows_of(&mut tape, x);
        let y = tape.linear(input, weight, None).unwrap();
        tape.value(y).to_f32_vec()
    };
    let before = emulator::products();
    let found = run();
    assert_eq!(emulator::products(), before);
    set_isa(Isa::Avx512).unwrap();
    assert!(found == run());
}
