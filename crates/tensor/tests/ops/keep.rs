//! What a tape lets go of changes no derivative: released values, checkpointed parts, the last backward pass.

use tensor::{
    AttentionBias, AttentionRule, AttentionShape, Gradients, Mask, ParamId, Parameters, Tape, TensorError, Var,
};

use crate::support::add;

const SHAPE: AttentionShape = AttentionShape { batch: 2, time: 5, n_heads: 2, n_kv_heads: 2, head_dim: 4 };
const IDS: [u32; 10] = [3, 1, 4, 1, 5, 0, 2, 6, 5, 3];

/// Two blocks with every operation whose value can be let go.
struct Model {
    parameters: Parameters,
    table: ParamId,
    blocks: Vec<[ParamId; 13]>,
}

impl Model {
    fn new() -> Model {
        let mut parameters = Parameters::new();
        let table = add(&mut parameters, "table", &[7, 8], 1);
        let shapes: [&[usize]; 13] =
            [&[8], &[8], &[8, 8], &[8, 8], &[8, 8], &[8, 8], &[8], &[12, 8], &[12, 8], &[8, 12], &[8], &[12], &[8, 2]];
        let block = |block: usize, parameters: &mut Parameters| {
            std::array::from_fn(|i| add(parameters, &format!("{block}.{i}"), shapes[i], (2 + 20 * block + i) as u64))
        };
        let blocks = (0..2).map(|index| block(index, &mut parameters)).collect();
        Model { parameters, table, blocks }
    }

    fn block(&self, tape: &mut Tape, x: Var, index: usize, releases: bool) -> Result<Var, TensorError> {
        let [gain, bias, q, k, v, out, gain2, gate, up, down, bias2, bias3, buckets] = self.blocks[index];
        let done = |tape: &mut Tape, vars: &[Var]| {
            if releases {
                vars.iter().for_each(|&var| tape.release(var));
            }
        };
        let positions: Vec<u32> = (0..10).map(|row| row % 5).collect();
        let normed = tape.layer_norm(x, gain, bias, 1e-5)?;
        let (q, k, v) = (tape.linear(normed, q, None)?, tape.linear(normed, k, None)?, tape.linear(normed, v, None)?);
        done(tape, &[normed]);
        let (turned_q, turned_k) = (tape.rope(q, &positions, 4, 100.0)?, tape.rope(k, &positions, 4, 100.0)?);
        done(tape, &[q, k]);
        let bias = AttentionBias::T5Buckets { table: buckets, bidirectional: false, max_distance: 9 };
        let rule = AttentionRule { bias, soft_cap: Some(3.0), ..Mask::Causal.into() };
        let attended = tape.attention_with(turned_q, turned_k, v, &SHAPE, &rule)?;
        done(tape, &[turned_q, turned_k, v]);
        let branch = tape.linear(attended, out, Some(bias2))?;
        done(tape, &[attended]);
        let dropped = tape.dropout(branch, 0.3, 77 + index as u64)?;
        done(tape, &[branch]);
        let middle = tape.add(x, dropped)?;
        done(tape, &[x, dropped]);
        let normed = tape.rms_norm(middle, gain2, 1e-5)?;
        let (gate, up) = (tape.linear(normed, gate, Some(bias3))?, tape.linear(normed, up, None)?);
        done(tape, &[normed]);
        let gated = tape.swiglu(gate, up)?;
        let squared = tape.mul(gate, gate)?;
        let warm = tape.geglu(up, gate)?;
        done(tape, &[gate, up]);
        let bent = tape.gelu(squared)?;
        let bent = tape.scale(bent, 0.5)?;
        done(tape, &[squared]);
        let inner = tape.add(gated, bent)?;
        done(tape, &[gated, bent]);
        let mut curved = warm;
        for curve in [Tape::gelu_erf, Tape::silu, Tape::tanh, Tape::relu] {
            let next = curve(tape, curved)?;
            done(tape, &[curved]);
            curved = next;
        }
        let turned = tape.gather(curved, &[9, 8, 7, 6, 5, 4, 3, 2, 2, 0])?;
        done(tape, &[curved]);
        let sum = tape.add(inner, turned)?;
        done(tape, &[inner, turned]);
        let inner = sum;
        let branch = tape.linear(inner, down, None)?;
        done(tape, &[inner]);
        let x = tape.add(middle, branch)?;
        done(tape, &[middle, branch]);
        Ok(x)
    }

    fn loss(&self, tape: &mut Tape, releases: bool) -> Result<Var, TensorError> {
        let mut x = tape.embedding(self.table, &IDS)?;
        for index in 0..self.blocks.len() {
            x = tape.checkpoint(x, |tape, x| self.block(tape, x, index, releases))?;
        }
        let weights = [0.1; 10];
        tape.linear_cross_entropy(x, self.table, &[1, 2, 3, 4, 5, 6, 0, 1, 2, 3], &weights)
    }

    fn gradients(&self, checkpoints: bool, releases: bool, is_last: bool) -> (f32, Gradients) {
        let mut tape = Tape::new(&self.parameters);
        tape.set_checkpointing(checkpoints);
        let loss = self.loss(&mut tape, releases).unwrap();
        let value = tape.value(loss).as_f32().unwrap()[0];
        let mut gradients = Gradients::none_like(&self.parameters);
        match is_last {
            true => tape.finish(loss, &[1.0], &mut gradients).unwrap(),
            false => tape.backward(loss, &[1.0], &mut gradients).unwrap(),
        }
        (value, gradients)
    }
}

fn bits(gradients: &Gradients, parameters: &Parameters) -> Vec<Vec<u32>> {
    parameters.iter().map(|(id, _, _)| gradients.get(id).iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn letting_go_changes_no_bit() {
    let mut model = Model::new();
    for frozen in [false, true] {
        if frozen {
            // A frozen map needs no value of its input, a frozen table no slopes at all.
            let ids = [model.table, model.blocks[0][3], model.blocks[1][7], model.blocks[1][0]];
            ids.into_iter().for_each(|id| model.parameters.set_trainable(id, false));
        }
        let (loss, expected) = model.gradients(false, false, false);
        let expected = bits(&expected, &model.parameters);
        assert!(expected.iter().flatten().any(|&bits| bits != 0));
        for choice in 1..8 {
            let [checkpoints, releases, is_last] = [1, 2, 4].map(|bit| choice & bit != 0);
            let (found, gradients) = model.gradients(checkpoints, releases, is_last);
            let what = format!("checkpoints {checkpoints}, releases {releases}, last {is_last}, frozen {frozen}");
            assert_eq!(found.to_bits(), loss.to_bits(), "{what}");
            assert!(bits(&gradients, &model.parameters) == expected, "{what}");
        }
    }
}

#[test]
fn what_was_let_go_can_be_differentiated_twice() {
    let model = Model::new();
    let (_, once) = model.gradients(false, false, false);
    let mut tape = Tape::new(&model.parameters);
    tape.set_checkpointing(true);
    let loss = model.loss(&mut tape, true).unwrap();
    for _ in 0..2 {
        let mut gradients = Gradients::zeros_like(&model.parameters);
        tape.backward(loss, &[1.0], &mut gradients).unwrap();
        assert!(bits(&gradients, &model.parameters) == bits(&once, &model.parameters));
    }
}

#[test]
fn a_released_value_is_refused() {
    let mut parameters = Parameters::new();
    let table = add(&mut parameters, "table", &[7, 8], 1);
    for mut tape in [Tape::new(&parameters), Tape::forward_only(&parameters)] {
        let x = tape.embedding(table, &[1, 2]).unwrap();
        let y = tape.scale(x, 2.0).unwrap();
        tape.release(x);
        assert_eq!((tape.shape(x), tape.value(x).len()), ((2, 8), 0));
        for refused in [tape.scale(x, 1.0), tape.add(y, x), tape.add(x, y), tape.linear(x, table, None), tape.sum(x)] {
            assert!(refused.unwrap_err().to_string().ends_with("an input was released before"));
        }
        let shape = AttentionShape { batch: 1, time: 2, n_heads: 1, n_kv_heads: 1, head_dim: 8 };
        assert!(tape.attention(y, y, x, &shape, &Mask::Full).is_err());
        assert_eq!(tape.value(y).len(), 16);
    }
}

/// The operation that went wrong first is named, though its value is no longer there.
#[test]
fn a_bad_value_that_was_let_go_is_found() {
    for checkpoints in [false, true] {
        let mut model = Model::new();
        let down = model.blocks[1][9];
        model.parameters.values_mut(down)[3] = f32::INFINITY;
        let mut tape = Tape::new(&model.parameters);
        tape.set_checkpointing(checkpoints);
        let loss = model.loss(&mut tape, true).unwrap();
        let error = tape.check_finite(loss).unwrap_err();
        assert!(matches!(error, TensorError::NotFinite { op: "linear", column: 0, .. }), "{error}");
    }
}

/// A parameter that is not used has a gradient of zeros after a backward pass, a frozen one has none.
#[test]
fn gradients_are_there_after_a_backward_pass() {
    let mut parameters = Parameters::new();
    let ids = ["used", "unused", "frozen"].map(|name| add(&mut parameters, name, &[3, 4], 1));
    parameters.set_trainable(ids[2], false);
    let mut gradients = Gradients::none_like(&parameters);
    assert!(gradients.get(ids[0]).is_empty() && gradients.norm() == 0.0);
    let mut tape = Tape::new(&parameters);
    let x = tape.embedding(ids[0], &[0, 2]).unwrap();
    let y = tape.sum(x).unwrap();
    tape.finish(y, &[1.0], &mut gradients).unwrap();
    let mut expected = vec![1.0; 12];
    expected[4..8].fill(0.0);
    assert_eq!(gradients.get(ids[0]), expected);
    assert_eq!((gradients.get(ids[1]), gradients.get(ids[2])), (&[0.0; 12][..], &[][..]));
    let twice = gradients.clone();
    gradients.add(&twice).unwrap();
    assert_eq!(gradients.norm(), (8.0f64 * 4.0).sqrt());
    gradients.forget();
    gradients.add(&twice).unwrap();
    assert_eq!(gradients.get(ids[0]), expected);
}
