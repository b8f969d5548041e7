//! Cross-entropy over a projection, with label smoothing, z-loss and ignored targets (`oracle/losses.py`).

use tensor::{CrossEntropy, Gradients, Parameters, Tape, Tensor};

use crate::ledger::{Entry, cases, count, floats, number, parse, reference};
use crate::support::{add, noise, rows_of};

/// What PyTorch and transformers mark ignored targets with, in 32 bits.
const IGNORED: u32 = -100i32 as u32;

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/losses.json"));
    let entry = |aspect| Entry::new("linear_cross_entropy", aspect, reference(&golden, "torch"), 2e-6);
    let (mut forward, mut gradient) = (entry("forward"), entry("gradient"));
    for case in cases(&golden) {
        let [rows, inner, vocabulary] = ["rows", "inner", "vocabulary"].map(|key| count(case, key));
        let mut parameters = Parameters::new();
        let size = number(case, "size");
        let values = noise(rows * inner, 1).iter().map(|x| size * x).collect();
        let x = parameters.add("x", Tensor::from_f32([rows, inner], values).unwrap()).unwrap();
        let weight = add(&mut parameters, "weight", &[vocabulary, inner], 2);
        let target = |row: usize| if row % 5 == 4 { IGNORED } else { (row * 31 % vocabulary) as u32 };
        let targets: Vec<u32> = (0..rows).map(target).collect();
        let of = |row: usize| if row % 7 == 6 { 0.0 } else { [1.0, 0.25, 2.0][row % 3] };
        let weights: Vec<f32> = (0..rows).map(of).collect();
        let settings = CrossEntropy {
            label_smoothing: number(case, "label_smoothing"),
            z_loss: number(case, "z_loss"),
            ignored_target: Some(IGNORED),
        };
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let hidden = rows_of(&mut tape, x);
        let loss = tape.linear_cross_entropy_with(hidden, weight, &targets, &weights, &settings).unwrap();
        tape.backward(loss.total, &[1.0], &mut gradients).unwrap();
        forward.compare(tape.value(loss.total).as_f32().unwrap(), &floats(&case["total"]));
        let parts = [loss.negative_log_likelihood, loss.smoothing, loss.z_loss];
        for (part, expected) in parts.iter().zip(floats(&case["parts"])) {
            forward.compare_f64(&[*part], &[expected]);
        }
        for (id, expected) in [x, weight].into_iter().zip(case["gradients"].as_array().unwrap()) {
            gradient.compare(gradients.get(id).iter().step_by(count(case, "stride")), &floats(expected));
        }
    }
    vec![forward, gradient]
}
