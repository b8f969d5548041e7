//! A whole model, forward and back: near the plain version in bf16, and the same bits for any number of threads.

use tensor::{DType, Gradients, Isa, Mask, Tape, set_isa, set_threads, testing};

use crate::emulator::{self, Amx};
use crate::support::{Model, distance};
use crate::turn;

/// The loss and all gradients.
fn step(rows: usize, batch: usize) -> [Vec<f32>; 2] {
    let model = Model::SMALL;
    let mut parameters = model.parameters();
    parameters.set_compute_dtype(DType::Bf16);
    let head = parameters.id("embedding").unwrap();
    let ids: Vec<u32> = (0..rows).map(|i| (i * 13 % 97) as u32).collect();
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = model.hidden(&mut tape, &ids, batch, &Mask::Causal).unwrap();
    let targets: Vec<u32> = ids.iter().map(|id| (id + 5) % 97).collect();
    let loss = tape.linear_cross_entropy(hidden, head, &targets, &vec![1.0 / rows as f32; rows]).unwrap();
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    let loss = tape.value(loss).to_f32_vec();
    drop(tape);
    [loss, parameters.iter().flat_map(|(id, _, _)| gradients.get(id).to_vec()).collect()]
}

#[test]
fn a_step_is_that_of_the_plain_version() {
    let Some((_turn, amx)) = turn() else { return };
    let before = emulator::products();
    let found = step(330, 3);
    assert!(amx == Amx::Processor || emulator::products() > before + 1000, "AMX is not used");
    set_isa(Isa::Scalar).unwrap();
    let expected = step(330, 3);
    // A value near a rounding boundary may fall on either side in bf16, 2⁻⁸ apart.
    for (found, expected) in found.iter().zip(&expected) {
        let error = distance(found, expected);
        assert!(error < 2e-2, "{error}");
    }
}

#[test]
fn threads_never_show() {
    let Some((_turn, amx)) = turn() else { return };
    let bits = |[loss, gradients]: [Vec<f32>; 2]| -> Vec<u32> {
        loss.into_iter().chain(gradients).map(f32::to_bits).collect()
    };
    let run = |threads| {
        set_threads(threads).unwrap();
        bits(step(430, 5))
    };
    let one = run(1);
    assert!(one.iter().all(|&bits| f32::from_bits(bits).is_finite()));
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads} threads give other bits");
    }
    testing::set_plain_tiles(true);
    let plain = run(2);
    testing::set_plain_tiles(false);
    assert!(amx == Amx::Processor || plain == one, "the instructions give other bits than the plain version");
}
