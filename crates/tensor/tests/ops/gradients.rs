//! Every operation's derivative against central differences of its value.

use tensor::{CrossEntropy, Gradients, LinearIds, ParamId, Parameters, Tape, Var};

use crate::support::{add, distance, noise, rows_of};

/// Compares d(Σ seed · output) by every parameter with differences of it.
pub fn check(name: &str, shapes: &[&[usize]], build: &dyn Fn(&mut Tape, &[ParamId]) -> Var) {
    let mut parameters = Parameters::new();
    let ids: Vec<ParamId> = shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| add(&mut parameters, &format!("p{i}"), shape, 11 + i as u64))
        .collect();
    let count = {
        let mut tape = Tape::forward_only(&parameters);
        let out = build(&mut tape, &ids);
        tape.value(out).len()
    };
    let seed = noise(count, 99);
    let objective = |parameters: &Parameters| -> f64 {
        let mut tape = Tape::forward_only(parameters);
        let out = build(&mut tape, &ids);
        tape.value(out).as_f32().unwrap().iter().zip(&seed).map(|(&y, &s)| f64::from(y) * f64::from(s)).sum()
    };
    // Gradients start at one, so that a derivative that overwrites instead of adding is found.
    let mut gradients = Gradients::zeros_like(&parameters);
    ids.iter().for_each(|&id| gradients.get_mut(id).fill(1.0));
    let mut tape = Tape::new(&parameters);
    let out = build(&mut tape, &ids);
    tape.backward(out, &seed, &mut gradients).unwrap();
    drop(tape);
    const STEP: f32 = 1e-2;
    for &id in &ids {
        let found: Vec<f32> = gradients.get(id).iter().map(|g| g - 1.0).collect();
        let mut differences = Vec::with_capacity(found.len());
        for i in 0..found.len() {
            let value = parameters.get(id).as_f32().unwrap()[i];
            let mut at = |x: f32| {
                parameters.values_mut(id)[i] = x;
                objective(&parameters)
            };
            let difference = at(value + STEP) - at(value - STEP);
            at(value);
            differences.push((difference / f64::from((value + STEP) - (value - STEP))) as f32);
        }
        let error = distance(&found, &differences);
        assert!(error < 2e-3, "{name}, parameter {}: relative error {error}\n{found:?}\n{differences:?}", id.index());
    }
}

#[test]
fn embedding_and_linear() {
    check("embedding", &[&[5, 3]], &|tape, p| tape.embedding(p[0], &[4, 0, 4, 2, 4]).unwrap());
    check("linear", &[&[4, 3], &[5, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.linear(x, p[1], None).unwrap()
    });
    check("linear with bias", &[&[4, 3], &[5, 3], &[5]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.linear(x, p[1], Some(p[2])).unwrap()
    });
    check("logits", &[&[2, 3], &[7, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.logits(x, p[1]).unwrap()
    });
    check("one weight used twice", &[&[3, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let y = tape.linear(x, p[0], None).unwrap();
        tape.linear(y, p[0], None).unwrap()
    });
}

#[test]
fn norms_and_rope() {
    check("rms_norm", &[&[3, 21], &[21]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.rms_norm(x, p[1], 1e-3).unwrap()
    });
    check("layer_norm", &[&[3, 21], &[21], &[21]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.layer_norm(x, p[1], p[2], 1e-3).unwrap()
    });
    check("a value normed twice", &[&[2, 18], &[18], &[18]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let a = tape.rms_norm(x, p[1], 1e-3).unwrap();
        let b = tape.layer_norm(x, p[1], p[2], 1e-3).unwrap();
        tape.add(a, b).unwrap()
    });
    check("rope", &[&[3, 8]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let y = tape.rope(x, &[0, 3, 700], 4, 100.0).unwrap();
        tape.add(x, y).unwrap()
    });
}

#[test]
fn elementwise() {
    type Map = fn(&mut Tape, Var, Var) -> Var;
    let maps: [(&str, Map); 14] = [
        ("swiglu", |tape, a, b| tape.swiglu(a, b).unwrap()),
        ("swiglu of one", |tape, a, _| tape.swiglu(a, a).unwrap()),
        ("gelu", |tape, a, _| tape.gelu(a).unwrap()),
        ("geglu", |tape, a, b| tape.geglu(a, b).unwrap()),
        ("geglu of one", |tape, a, _| tape.geglu(a, a).unwrap()),
        ("gelu_erf", |tape, a, _| tape.gelu_erf(a).unwrap()),
        ("silu", |tape, a, _| tape.silu(a).unwrap()),
        ("tanh", |tape, a, _| tape.tanh(a).unwrap()),
        ("add", |tape, a, b| tape.add(a, b).unwrap()),
        ("add to itself", |tape, a, _| tape.add(a, a).unwrap()),
        ("mul", |tape, a, b| tape.mul(a, b).unwrap()),
        ("square", |tape, a, _| tape.mul(a, a).unwrap()),
        ("scale", |tape, a, _| tape.scale(a, -2.5).unwrap()),
        ("dropout", |tape, a, _| tape.dropout(a, 0.4, 7).unwrap()),
    ];
    for (name, map) in maps {
        check(name, &[&[3, 19], &[3, 19]], &move |tape, p| {
            let (a, b) = (rows_of(tape, p[0]), rows_of(tape, p[1]));
            let y = map(tape, a, b);
            // Everything also reaches the result past the operation, so that slopes must add.
            let y = tape.add(y, a).unwrap();
            tape.add(y, b).unwrap()
        });
    }
}

#[test]
fn reductions() {
    check("sum", &[&[3, 4]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.sum(x).unwrap()
    });
    check("mean", &[&[3, 4]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.mean(x).unwrap()
    });
    check("segment_sum", &[&[5, 1]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.segment_sum(x, &[Some(2), None, Some(0), Some(2), Some(2)], 4).unwrap()
    });
}

#[test]
fn projections() {
    check("linear_cross_entropy", &[&[4, 3], &[6, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.linear_cross_entropy(x, p[1], &[5, 0, 999, 2], &[0.5, 2.0, 0.0, -1.0]).unwrap()
    });
    let settings = CrossEntropy { label_smoothing: 0.3, z_loss: 0.2, ignored_target: Some(4) };
    check("cross-entropy with smoothing, z-loss and an ignored row", &[&[4, 3], &[6, 3]], &move |tape, p| {
        let x = rows_of(tape, p[0]);
        let weights = [0.5, 2.0, 1.0, -1.0];
        tape.linear_cross_entropy_with(x, p[1], &[5, 0, 4, 2], &weights, &settings).unwrap().total
    });
    let settings = CrossEntropy { label_smoothing: 0.1, z_loss: 0.5, ignored_target: None };
    check("cross-entropy over a vocabulary of one", &[&[4, 3], &[1, 3]], &move |tape, p| {
        let x = rows_of(tape, p[0]);
        tape.linear_cross_entropy_with(x, p[1], &[0; 4], &[1.0; 4], &settings).unwrap().total
    });
    let settings = CrossEntropy { label_smoothing: 0.1, z_loss: 0.2, ignored_target: None };
    check("cross-entropy with a bias", &[&[4, 3], &[6, 3], &[6]], &move |tape, p| {
        let x = rows_of(tape, p[0]);
        let head = LinearIds { weight: p[1], bias: Some(p[2]) };
        tape.linear_cross_entropy_with(x, head, &[5, 0, 999, 2], &[0.5, 2.0, 0.0, -1.0], &settings).unwrap().total
    });
    check("log-probabilities with a bias", &[&[4, 3], &[6, 3], &[6]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let head = LinearIds { weight: p[1], bias: Some(p[2]) };
        tape.linear_log_probs(x, head, &[Some(5), Some(0), None, Some(2)]).unwrap()
    });
    check("tied cross-entropy", &[&[6, 3]], &|tape, p| {
        let x = tape.embedding(p[0], &[1, 1, 3]).unwrap();
        tape.linear_cross_entropy(x, p[0], &[1, 3, 5], &[1.0; 3]).unwrap()
    });
    check("linear_log_probs", &[&[4, 3], &[6, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        tape.linear_log_probs(x, p[1], &[Some(5), Some(0), None, Some(2)]).unwrap()
    });
    check("log-probabilities by segment", &[&[4, 3], &[6, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let y = tape.linear_log_probs(x, p[1], &[Some(5), Some(0), None, Some(2)]).unwrap();
        tape.segment_sum(y, &[Some(0), Some(1), None, Some(1)], 2).unwrap()
    });
}

#[test]
fn gather() {
    check("gather", &[&[5, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let x = tape.mul(x, x).unwrap();
        let y = tape.gather(x, &[4, 0, 4, 2, 4, 4]).unwrap();
        let z = tape.gather(x, &[1, 1, 1, 4, 3, 0]).unwrap();
        tape.add(y, z).unwrap()
    });
}
