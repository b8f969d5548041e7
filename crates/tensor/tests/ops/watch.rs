//! Watchers see every value in order, with its part of the model, and change nothing.

use std::cell::RefCell;

use tensor::{Gradients, ParamId, Parameters, Part, Tape, TensorError};

use crate::support::add;

/// Two parts: a table, then a linear map, a norm and a loss over the same table.
fn model() -> (Parameters, [ParamId; 4]) {
    let mut parameters = Parameters::new();
    let table = add(&mut parameters, "table", &[4, 3], 1);
    let weight = add(&mut parameters, "weight", &[3, 3], 2);
    let bias = add(&mut parameters, "bias", &[3], 3);
    let gain = add(&mut parameters, "gain", &[3], 4);
    (parameters, [table, weight, bias, gain])
}

/// What was seen: part, scope, operation, parameter, number of values.
type Line = (Part, String, &'static str, Option<ParamId>, usize);

/// Forward and backward, watched; the gradients and what was seen.
fn run(parameters: &Parameters, [table, weight, bias, gain]: [ParamId; 4]) -> (Vec<Vec<f32>>, Vec<Line>) {
    let seen = RefCell::new(Vec::new());
    let note = |value: &tensor::Seen| {
        let line = (value.part, value.scope.to_owned(), value.op, value.parameter, value.values.len());
        seen.borrow_mut().push(line);
    };
    let mut gradients = Gradients::zeros_like(parameters);
    let mut watch = note;
    let mut tape = Tape::new(parameters);
    tape.watch(&mut watch);
    tape.scope("in");
    let x = tape.embedding(table, &[0, 1]).unwrap();
    tape.scope("out");
    let y = tape.linear(x, weight, Some(bias)).unwrap();
    let y = tape.rms_norm(y, gain, 1e-5).unwrap();
    let y = tape.add(x, y).unwrap();
    let loss = tape.linear_cross_entropy(y, table, &[1, 2], &[0.5; 2]).unwrap();
    tape.backward_watched(loss, &[1.0], &mut gradients, &mut |value| note(value)).unwrap();
    let all = parameters.iter().map(|(id, _, _)| gradients.get(id).to_vec()).collect();
    (all, seen.into_inner())
}

#[test]
fn every_value_is_shown_where_it_belongs() {
    let (parameters, ids) = model();
    let [table, weight, bias, gain] = ids;
    let (watched, seen) = run(&parameters, ids);
    let line = |part, scope: &str, op, parameter, len| (part, scope.to_owned(), op, parameter, len);
    let expected = [
        line(Part::Output, "in", "embedding", Some(table), 6),
        line(Part::Output, "out", "linear", Some(weight), 6),
        line(Part::Output, "out", "rms_norm", Some(gain), 6),
        line(Part::Output, "out", "add", None, 6),
        line(Part::Output, "out", "linear_cross_entropy", Some(table), 1),
        line(Part::Slope, "out", "linear_cross_entropy", Some(table), 6),
        line(Part::Gradient, "out", "linear_cross_entropy", Some(table), 12),
        line(Part::Slope, "out", "add", None, 6),
        line(Part::Slope, "out", "add", None, 6),
        line(Part::Slope, "out", "rms_norm", Some(gain), 6),
        line(Part::Gradient, "out", "rms_norm", Some(gain), 3),
        line(Part::Slope, "out", "linear", Some(weight), 6),
        line(Part::Gradient, "out", "linear", Some(weight), 9),
        line(Part::Gradient, "out", "linear", Some(bias), 3),
        line(Part::Gradient, "in", "embedding", Some(table), 12),
    ];
    assert_eq!(seen, expected);

    // The same without anybody watching.
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let x = tape.embedding(table, &[0, 1]).unwrap();
    let y = tape.linear(x, weight, Some(bias)).unwrap();
    let y = tape.rms_norm(y, gain, 1e-5).unwrap();
    let y = tape.add(x, y).unwrap();
    let loss = tape.linear_cross_entropy(y, table, &[1, 2], &[0.5; 2]).unwrap();
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    let plain: Vec<Vec<f32>> = parameters.iter().map(|(id, _, _)| gradients.get(id).to_vec()).collect();
    assert_eq!(watched, plain);
}

#[test]
fn a_value_that_is_no_number_is_found_with_its_part() {
    let (mut parameters, [table, weight, ..]) = model();
    parameters.values_mut(weight)[4] = f32::NAN;
    let mut found = Vec::new();
    let mut watch = |seen: &tensor::Seen| {
        let bad = seen.first_not_finite();
        found.extend(bad.map(|(_, row, column)| (seen.scope.to_owned(), seen.op, row, column)));
    };
    let mut tape = Tape::forward_only(&parameters);
    tape.watch(&mut watch);
    tape.scope("layers.0");
    let x = tape.embedding(table, &[0, 1]).unwrap();
    tape.scope("layers.1");
    let y = tape.linear(x, weight, None).unwrap();
    let y = tape.add(x, y).unwrap();
    let error = tape.check_finite(y).unwrap_err();
    assert!(error.to_string().starts_with("linear: the output holds NaN at row 0, column 1"), "{error}");
    let TensorError::In { part, .. } = error else { panic!("{error}") };
    assert_eq!(part, "layers.1");
    // The second row of the weights makes the second column of every row.
    let place = |op, row| ("layers.1".to_owned(), op, row, 1);
    assert_eq!(found, [place("linear", 0), place("add", 0)]);
}
