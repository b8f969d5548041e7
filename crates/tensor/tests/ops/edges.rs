//! Sizes of one, and values that are not numbers.

use tensor::{AttentionShape, Gradients, Mask, Parameters, Tape, Tensor, TensorError};

use crate::support::{Model, add, rows_of};

#[test]
fn smallest_model() {
    let model = Model { width: 2, heads: 1, kv: 1, vocabulary: 1, layers: 1 };
    let parameters = model.parameters();
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = model.hidden(&mut tape, &[0], 1, &Mask::Causal).unwrap();
    let head = parameters.id("embedding").unwrap();
    let loss = tape.linear_cross_entropy(hidden, head, &[0], &[1.0]).unwrap();
    assert_eq!(tape.value(loss).to_f32_vec(), [0.0]);
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    assert_eq!(gradients.norm(), 0.0);
}

#[test]
fn odd_times_and_batches() {
    let model = Model::SMALL;
    let parameters = model.parameters();
    let head = parameters.id("embedding").unwrap();
    for (batch, time) in [(1, 1), (1, 33), (3, 7), (2, 97)] {
        let ids: Vec<u32> = (0..batch * time).map(|i| (i % 97) as u32).collect();
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let hidden = model.hidden(&mut tape, &ids, batch, &Mask::Causal).unwrap();
        let loss = tape.linear_cross_entropy(hidden, head, &ids, &vec![1.0; ids.len()]).unwrap();
        tape.backward(loss, &[1.0], &mut gradients).unwrap();
        tape.check_finite(loss).unwrap();
        assert!(gradients.norm() > 0.0 && gradients.norm().is_finite());
    }
}

#[test]
fn a_nan_is_found_where_it_began() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[4, 4], 1);
    let gain = parameters.add("gain", Tensor::from_f32([4], vec![1.0, f32::NAN, 1.0, 1.0]).unwrap()).unwrap();
    let mut tape = Tape::forward_only(&parameters);
    let y = rows_of(&mut tape, x);
    tape.check_finite(y).unwrap();
    let normed = tape.rms_norm(y, gain, 1e-5).unwrap();
    let shape = AttentionShape { batch: 1, time: 4, n_heads: 1, n_kv_heads: 1, head_dim: 4 };
    let attended = tape.attention(normed, normed, normed, &shape, &Mask::Causal).unwrap();
    let loss = tape.linear_cross_entropy(attended, x, &[0, 1, 2, 3], &[1.0; 4]).unwrap();
    assert!(tape.value(loss).to_f32_vec()[0].is_nan());
    let error = tape.check_finite(loss).unwrap_err();
    assert!(matches!(error, TensorError::NotFinite { op: "rms_norm", row: 0, column: 1, .. }), "{error}");
}

#[test]
fn one_thread_of_many_calls_shares_the_pool() {
    // Tapes on several threads at once, as data loaders and servers have them.
    let model = Model::SMALL;
    let parameters = model.parameters();
    let ids: Vec<u32> = (0..66).map(|i| (i % 97) as u32).collect();
    let run = || {
        let mut tape = Tape::forward_only(&parameters);
        let hidden = model.hidden(&mut tape, &ids, 2, &Mask::Causal).unwrap();
        tape.value(hidden).to_f32_vec()
    };
    let alone = run();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        workers.into_iter().for_each(|worker| assert_eq!(worker.join().unwrap(), alone));
    });
}
