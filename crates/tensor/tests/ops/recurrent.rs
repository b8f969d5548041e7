//! Recurrent layers: three loops in f64, finite differences, and what packing and carrying promise. The golden is in
//! `parity`.

use tensor::{Cell, DType, Gradients, Recurrence, RecurrentShape, RecurrentWeights, Tape, Tensor, set_threads};

use crate::gradients::check;
use crate::support::{Layer, add, distance, noise, rows_of};

/// What the layer computes, written as the equations are, in f64: outputs and the last state.
fn plain(layer: &Layer, x: &[f32], initial: &[f32], documents: Option<&[u32]>) -> (Vec<f32>, Vec<f32>) {
    let &Layer { cell, batch, time, inputs, hidden } = layer;
    let parameters = layer.parameters();
    let values = |name: &str| -> Vec<f64> {
        parameters.get(parameters.id(name).unwrap()).to_f32_vec().into_iter().map(f64::from).collect()
    };
    let [w, u, b, c] = ["w_ih", "w_hh", "b_ih", "b_hh"].map(values);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (mut outputs, mut last) = (vec![0.0; batch * time * hidden], vec![0.0; cell.states() * batch * hidden]);
    for sequence in 0..batch {
        let initial = |state: usize| initial[(state * batch + sequence) * hidden..][..hidden].to_vec();
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let mut h = wide(initial(0));
        let mut cells = if cell == Cell::Lstm { wide(initial(1)) } else { Vec::new() };
        for t in 0..time {
            let row = sequence * time + t;
            if t > 0 && documents.is_some_and(|documents| documents[row] != documents[row - 1]) {
                h.fill(0.0);
                cells.fill(0.0);
            }
            let dot = |weights: &[f64], gate: usize, x: &[f64]| -> f64 {
                weights[gate * x.len()..].iter().zip(x).map(|(w, x)| w * x).sum()
            };
            let x: Vec<f64> = x[row * inputs..][..inputs].iter().map(|&x| f64::from(x)).collect();
            let of_input = |gate: usize, j: usize| dot(&w, gate * hidden + j, &x) + b[gate * hidden + j];
            let of_state = |gate: usize, j: usize| dot(&u, gate * hidden + j, &h) + c[gate * hidden + j];
            let both = |gate: usize, j: usize| of_input(gate, j) + of_state(gate, j);
            let next: Vec<f64> = (0..hidden)
                .map(|j| match cell {
                    Cell::Rnn => both(0, j).tanh(),
                    Cell::Lstm => {
                        cells[j] = sigmoid(both(1, j)) * cells[j] + sigmoid(both(0, j)) * both(2, j).tanh();
                        sigmoid(both(3, j)) * cells[j].tanh()
                    }
                    Cell::Gru => {
                        let (r, z) = (sigmoid(both(0, j)), sigmoid(both(1, j)));
                        let n = (of_input(2, j) + r * of_state(2, j)).tanh();
                        (1.0 - z) * n + z * h[j]
                    }
                })
                .collect();
            h = next;
            for j in 0..hidden {
                outputs[row * hidden + j] = h[j] as f32;
            }
        }
        for j in 0..hidden {
            last[sequence * hidden + j] = h[j] as f32;
            if cell == Cell::Lstm {
                last[(batch + sequence) * hidden + j] = cells[j] as f32;
            }
        }
    }
    (outputs, last)
}

/// Documents whose bounds differ from sequence to sequence.
fn documents(batch: usize, time: usize) -> Vec<u32> {
    (0..batch * time).map(|row| ((row % time + row / time) / 3 + row / time * time) as u32).collect()
}

#[test]
fn outputs_are_those_of_three_loops() {
    let sizes =
        [(1, 1, 1, 1), (3, 4, 5, 1), (1, 7, 3, 10), (2, 5, 1, 16), (13, 3, 20, 33), (5, 6, 40, 70), (25, 2, 9, 300)];
    for cell in Cell::ALL {
        for (batch, time, inputs, hidden) in sizes {
            let layer = Layer { cell, batch, time, inputs, hidden };
            for is_packed in [false, true] {
                let documents = documents(batch, time);
                let documents = is_packed.then_some(&*documents);
                let x = noise(batch * time * inputs, 7);
                let initial = noise(cell.states() * batch * hidden, 8);
                let (expected, expected_last) = plain(&layer, &x, &initial, documents);
                let parameters = layer.parameters();
                let mut tape = Tape::forward_only(&parameters);
                let x = tape.input(Tensor::from_f32([batch * time, inputs], x).unwrap());
                let initial = tape.input(Tensor::from_f32([cell.states() * batch, hidden], initial).unwrap());
                let found = layer.run(&mut tape, x, Some(initial), documents);
                for (found, expected) in [(found.output, &expected), (found.state, &expected_last)] {
                    let error = distance(&tape.value(found).to_f32_vec(), expected);
                    assert!(error < 1e-5, "{cell:?} {batch} {time} {inputs} {hidden} {is_packed}: {error}");
                }
            }
        }
    }
}

#[test]
fn derivatives_are_differences() {
    let (batch, time, inputs, hidden) = (2, 4, 3, 3);
    let packed = [0, 0, 1, 1, 2, 3, 3, 3];
    for cell in Cell::ALL {
        let (outer, rows) = (cell.gates() * hidden, cell.states() * batch);
        let shapes: [&[usize]; 6] =
            [&[batch * time, inputs], &[outer, inputs], &[outer, hidden], &[outer], &[outer], &[rows, hidden]];
        for documents in [None, Some(&packed[..])] {
            let shape = |initial| RecurrentShape { cell, batch, time, initial, document_of: documents };
            check(&format!("{cell:?} {documents:?}"), &shapes, &|tape, p| {
                let (x, initial) = (rows_of(tape, p[0]), rows_of(tape, p[5]));
                let weights =
                    RecurrentWeights { input: p[1], hidden: p[2], input_bias: Some(p[3]), hidden_bias: Some(p[4]) };
                // Every output and every value of the last state counts, the last outputs twice.
                let found = tape.recurrent(x, &weights, &shape(Some(initial))).unwrap();
                let state = tape.scale(found.state, 2.0).unwrap();
                let state = tape.mul(state, initial).unwrap();
                let first = tape.rows(found.output, 1, rows).unwrap();
                tape.mul(first, state).unwrap()
            });
            check(&format!("{cell:?} {documents:?}, outputs"), &shapes[..3], &|tape, p| {
                let x = rows_of(tape, p[0]);
                let weights = RecurrentWeights { input: p[1], hidden: p[2], input_bias: None, hidden_bias: None };
                tape.recurrent(x, &weights, &shape(None)).unwrap().output
            });
        }
        check(&format!("{cell:?} used twice"), &[&[rows, hidden], shapes[1], shapes[2]], &|tape, p| {
            // The state of one call starts the next, and a weight's gradient is the sum over both.
            let initial = rows_of(tape, p[0]);
            let x = tape.embedding(p[1], &[0, 2, 1, 0]).unwrap();
            let weights = RecurrentWeights { input: p[1], hidden: p[2], input_bias: None, hidden_bias: None };
            let shape = RecurrentShape { cell, batch, time: 2, initial: Some(initial), document_of: None };
            let first = tape.recurrent(x, &weights, &shape).unwrap();
            let shape = RecurrentShape { initial: Some(first.state), ..shape };
            tape.recurrent(x, &weights, &shape).unwrap().state
        });
    }
    check("rows", &[&[5, 3]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let (first, last) = (tape.rows(x, 0, 3).unwrap(), tape.rows(x, 2, 3).unwrap());
        tape.mul(first, last).unwrap()
    });
}

/// The bits of all that one call gives: outputs, last state, every gradient.
fn bits(layer: &Layer, compute: DType, documents: Option<&[u32]>) -> Vec<u32> {
    layer.step(compute, documents).concat().into_iter().map(f32::to_bits).collect()
}

#[test]
fn threads_never_show() {
    for cell in Cell::ALL {
        for compute in [DType::F32, DType::Bf16] {
            let layer = Layer { cell, batch: 5, time: 6, inputs: 30, hidden: 150 };
            let documents = documents(5, 6);
            let run = |threads| {
                set_threads(threads).unwrap();
                bits(&layer, compute, Some(&documents))
            };
            let one = run(1);
            for threads in [2, 3, 1] {
                assert!(run(threads) == one, "{cell:?} {compute:?}: {threads} threads give other bits");
            }
        }
    }
}

/// Outputs of one sequence, from a zero state.
fn outputs(layer: &Layer, x: &[f32], documents: Option<&[u32]>) -> Vec<f32> {
    let parameters = layer.parameters();
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.input(Tensor::from_f32([x.len() / layer.inputs, layer.inputs], x.to_vec()).unwrap());
    let found = layer.run(&mut tape, x, None, documents);
    tape.value(found.output).to_f32_vec()
}

#[test]
fn packed_documents_are_those_alone() {
    for cell in Cell::ALL {
        let whole = Layer { cell, batch: 2, time: 9, inputs: 4, hidden: 40 };
        let x = noise(18 * 4, 3);
        let documents: Vec<u32> = [0, 0, 0, 1, 2, 2, 2, 2, 2, 5, 5, 5, 5, 5, 5, 5, 7, 7].to_vec();
        let packed = outputs(&whole, &x, Some(&documents));
        let alone: Vec<f32> = documents
            .chunk_by(|a, b| a == b)
            .scan(0, |at, document| {
                let from = *at;
                *at += document.len();
                Some((from, document.len()))
            })
            .flat_map(|(from, time)| outputs(&Layer { batch: 1, time, ..whole }, &x[from * 4..][..time * 4], None))
            .collect();
        assert!(distance(&packed, &alone) < 1e-6, "{cell:?}: {}", distance(&packed, &alone));
        assert!(distance(&outputs(&whole, &x, None), &alone) > 1e-3, "{cell:?}: what came before does not show");
    }
}

#[test]
fn a_carried_state_makes_two_calls_one() {
    for cell in Cell::ALL {
        let (whole, half) = (
            Layer { cell, batch: 3, time: 8, inputs: 4, hidden: 35 },
            Layer { cell, batch: 3, time: 4, inputs: 4, hidden: 35 },
        );
        let x = noise(24 * 4, 3);
        let parameters = whole.parameters();
        let mut tape = Tape::forward_only(&parameters);
        let all = tape.input(Tensor::from_f32([24, 4], x.clone()).unwrap());
        let all = whole.run(&mut tape, all, None, None);
        let mut state = None;
        let mut parts: Vec<Recurrence> = Vec::new();
        for part in 0..2 {
            let rows = |b: usize| (b * 8 + part * 4) * 4..(b * 8 + part * 4 + 4) * 4;
            let x: Vec<f32> = (0..3).flat_map(|b| x[rows(b)].to_vec()).collect();
            let x = tape.input(Tensor::from_f32([12, 4], x).unwrap());
            // As training carries it: by value.
            let initial = state.map(|state| tape.input(state));
            parts.push(half.run(&mut tape, x, initial, None));
            state = Some(tape.value(parts[part].state).clone());
        }
        let [first, second] = [0, 1].map(|part| tape.value(parts[part].output).to_f32_vec());
        let joined: Vec<f32> =
            first.chunks(4 * 35).zip(second.chunks(4 * 35)).flat_map(|(a, b)| [a, b].concat()).collect();
        assert!(distance(&joined, &tape.value(all.output).to_f32_vec()) < 1e-6, "{cell:?}");
        let last = tape.value(parts[1].state).to_f32_vec();
        assert!(distance(&last, &tape.value(all.state).to_f32_vec()) < 1e-6, "{cell:?}");
    }
}

#[test]
fn bf16_is_close_and_frozen_weights_stay() {
    for cell in Cell::ALL {
        let layer = Layer { cell, batch: 3, time: 5, inputs: 9, hidden: 37 };
        let exact = layer.step(DType::F32, None);
        let rounded = layer.step(DType::Bf16, None);
        for (rounded, exact) in rounded.iter().zip(&exact) {
            let error = distance(rounded, exact);
            assert!(error > 0.0 && error < 3e-2, "{cell:?}: {error}");
        }
        let mut parameters = layer.parameters();
        let [input, hidden] = ["w_ih", "w_hh"].map(|name| parameters.id(name).unwrap());
        for name in ["x", "w_hh", "b_ih"] {
            let id = parameters.id(name).unwrap();
            parameters.set_trainable(id, false);
        }
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let x = rows_of(&mut tape, parameters.id("x").unwrap());
        let y = layer.run(&mut tape, x, None, None).output;
        tape.backward(y, &vec![1.0; 15 * 37], &mut gradients).unwrap();
        assert!(gradients.get(input).iter().any(|&g| g != 0.0));
        assert!(gradients.get(hidden).iter().all(|&g| g == 0.0));
    }
}

#[test]
fn refusals() {
    let layer = Layer { cell: Cell::Gru, batch: 2, time: 3, inputs: 4, hidden: 5 };
    let mut parameters = layer.parameters();
    let other = add(&mut parameters, "other", &[7, 4], 1);
    let weights = layer.weights(&parameters);
    let mut tape = Tape::forward_only(&parameters);
    let x = rows_of(&mut tape, parameters.id("x").unwrap());
    let shape = RecurrentShape { cell: Cell::Gru, batch: 2, time: 3, initial: None, document_of: None };
    let with = |input, hidden, bias| RecurrentWeights { input, hidden, input_bias: Some(bias), hidden_bias: None };
    let bias = weights.input_bias.unwrap();
    let refusals = [
        (weights, RecurrentShape { time: 4, ..shape }, "gru: shapes [6, 4] and [2, 4] do not fit"),
        (weights, RecurrentShape { cell: Cell::Rnn, ..shape }, "rnn: shapes [15, 4] and [15, 5] do not fit"),
        (with(other, weights.hidden, bias), shape, "gru: shapes [7, 4] and [15, 5] do not fit"),
        (with(weights.hidden, weights.hidden, bias), shape, "gru: shapes [6, 4] and [15, 5] do not fit"),
        (with(weights.input, weights.input, bias), shape, "gru: shapes [15, 4] and [15, 4] do not fit"),
        (with(weights.input, weights.hidden, other), shape, "gru: shapes [15] and [7, 4] do not fit"),
        (weights, RecurrentShape { initial: Some(x), ..shape }, "gru: shapes [6, 4] and [2, 5] do not fit"),
        (weights, RecurrentShape { document_of: Some(&[0]), ..shape }, "gru: 1 document numbers, expected 6"),
    ];
    for (weights, shape, expected) in refusals {
        assert_eq!(tape.recurrent(x, &weights, &shape).unwrap_err().to_string(), expected);
    }
    assert_eq!(tape.rows(x, 4, 3).unwrap_err().to_string(), "rows: row 6 is out of range, it must be below 6");
    assert_eq!(tape.rows(x, 4, 0).unwrap_err().to_string(), "rows: the shape [0, 4] has no elements");
}
