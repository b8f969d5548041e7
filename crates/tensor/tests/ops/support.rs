//! What the tests share: reproducible numbers, comparison, a small transformer.

use tensor::{
    AttentionShape, Cell, DType, Gradients, Mask, ParamId, Parameters, Recurrence, RecurrentShape, RecurrentWeights,
    Result, Tape, Tensor, Var,
};

/// `count` reproducible numbers in [−1, 1).
pub fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(next).collect()
}

/// Add a parameter of noise.
pub fn add(parameters: &mut Parameters, name: &str, shape: &[usize], seed: u64) -> ParamId {
    let values = noise(shape.iter().product(), seed);
    parameters.add(name, Tensor::from_f32(shape, values).unwrap()).unwrap()
}

/// A trainable parameter as a value on the tape: every row of it once.
pub fn rows_of(tape: &mut Tape, table: ParamId) -> Var {
    let rows = tape.parameters().get(table).shape()[0] as u32;
    tape.embedding(table, &(0..rows).collect::<Vec<_>>()).unwrap()
}

/// The Euclidean distance of two lists, relative to the second.
pub fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    difference / norm(&mut expected.iter().map(|&x| f64::from(x))).max(1e-12)
}

/// A LLaMA-shaped model of `layers` layers, with its sizes.
pub struct Model {
    pub width: usize,
    pub heads: usize,
    pub kv: usize,
    pub vocabulary: usize,
    pub layers: usize,
}

impl Model {
    pub const SMALL: Model = Model { width: 48, heads: 6, kv: 2, vocabulary: 97, layers: 2 };

    pub fn parameters(&self) -> Parameters {
        let (d, f, narrow) = (self.width, self.width * 5 / 2, self.width / self.heads * self.kv);
        let mut parameters = Parameters::new();
        let mut seed = 0;
        let mut matrix = |name: String, shape: [usize; 2]| {
            seed += 1;
            let values = noise(shape[0] * shape[1], seed).iter().map(|x| 0.2 * x).collect();
            parameters.add(name, Tensor::from_f32(shape, values).unwrap()).unwrap();
        };
        matrix("embedding".into(), [self.vocabulary, d]);
        for layer in 0..self.layers {
            let shapes = [[d, d], [narrow, d], [narrow, d], [d, d], [f, d], [f, d], [d, f]];
            for (name, shape) in ["q", "k", "v", "o", "gate", "up", "down"].iter().zip(shapes) {
                matrix(format!("{layer}.{name}"), shape);
            }
        }
        for layer in 0..=self.layers {
            for norm in ["norm1", "norm2"] {
                parameters.add(format!("{layer}.{norm}"), Tensor::from_f32([d], vec![1.0; d]).unwrap()).unwrap();
            }
        }
        parameters
    }

    pub fn hidden(&self, tape: &mut Tape, ids: &[u32], batch: usize, mask: &Mask) -> Result<Var> {
        let time = ids.len() / batch;
        let positions: Vec<u32> = (0..ids.len()).map(|i| (i % time) as u32).collect();
        let parameters = tape.parameters();
        let id = |layer: usize, name: &str| parameters.id(&format!("{layer}.{name}")).unwrap();
        let head_dim = self.width / self.heads;
        let shape = AttentionShape { batch, time, n_heads: self.heads, n_kv_heads: self.kv, head_dim };
        let mut x = tape.embedding(parameters.id("embedding").unwrap(), ids)?;
        for layer in 0..self.layers {
            let n = tape.rms_norm(x, id(layer, "norm1"), 1e-5)?;
            let [q, k, v] = ["q", "k", "v"].map(|name| tape.linear(n, id(layer, name), None));
            let (q, k) = (tape.rope(q?, &positions, head_dim, 1e4)?, tape.rope(k?, &positions, head_dim, 1e4)?);
            let attended = tape.attention(q, k, v?, &shape, mask)?;
            let branch = tape.linear(attended, id(layer, "o"), None)?;
            x = tape.add(x, branch)?;
            let n = tape.rms_norm(x, id(layer, "norm2"), 1e-5)?;
            let (gate, up) = (tape.linear(n, id(layer, "gate"), None)?, tape.linear(n, id(layer, "up"), None)?);
            let inner = tape.swiglu(gate, up)?;
            let inner = tape.dropout(inner, 0.1, layer as u64)?;
            let branch = tape.linear(inner, id(layer, "down"), None)?;
            x = tape.add(x, branch)?;
        }
        tape.rms_norm(x, id(self.layers, "norm1"), 1e-5)
    }
}

/// A recurrent layer with its sizes; its parameters are noise, and among them is an input `x`.
#[derive(Clone, Copy)]
pub struct Layer {
    pub cell: Cell,
    pub batch: usize,
    pub time: usize,
    pub inputs: usize,
    pub hidden: usize,
}

impl Layer {
    pub fn parameters(&self) -> Parameters {
        let outer = self.cell.gates() * self.hidden;
        let mut parameters = Parameters::new();
        let shrink = 1.0 / (self.hidden as f32).sqrt();
        let shapes: [(&str, &[usize], f32); 5] = [
            ("w_ih", &[outer, self.inputs], 1.0 / (self.inputs as f32).sqrt()),
            ("w_hh", &[outer, self.hidden], shrink),
            ("b_ih", &[outer], 0.5),
            ("b_hh", &[outer], 0.5),
            ("x", &[self.batch * self.time, self.inputs], 1.0),
        ];
        for (seed, (name, shape, size)) in shapes.into_iter().enumerate() {
            let values = noise(shape.iter().product(), 40 + seed as u64).iter().map(|x| 1.5 * size * x).collect();
            parameters.add(name, Tensor::from_f32(shape, values).unwrap()).unwrap();
        }
        parameters
    }

    pub fn weights(&self, parameters: &Parameters) -> RecurrentWeights {
        let [input, hidden, input_bias, hidden_bias] =
            ["w_ih", "w_hh", "b_ih", "b_hh"].map(|name| parameters.id(name).unwrap());
        RecurrentWeights { input, hidden, input_bias: Some(input_bias), hidden_bias: Some(hidden_bias) }
    }

    pub fn run(&self, tape: &mut Tape, x: Var, initial: Option<Var>, document_of: Option<&[u32]>) -> Recurrence {
        let &Layer { cell, batch, time, .. } = self;
        let weights = self.weights(tape.parameters());
        tape.recurrent(x, &weights, &RecurrentShape { cell, batch, time, initial, document_of }).unwrap()
    }

    /// Outputs, last state, and the gradients of all parameters for slopes of noise.
    pub fn step(&self, compute: DType, document_of: Option<&[u32]>) -> Vec<Vec<f32>> {
        let mut parameters = self.parameters();
        parameters.set_compute_dtype(compute);
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let x = rows_of(&mut tape, parameters.id("x").unwrap());
        let first = self.run(&mut tape, x, None, document_of);
        // The same weights once more, from the state that was left.
        let second = self.run(&mut tape, x, Some(first.state), document_of);
        let y = tape.mul(first.output, second.output).unwrap();
        let seed = noise(tape.value(y).len(), 9);
        tape.backward(y, &seed, &mut gradients).unwrap();
        let mut all = vec![tape.value(second.output).to_f32_vec(), tape.value(second.state).to_f32_vec()];
        all.extend(parameters.iter().map(|(id, _, _)| gradients.get(id).to_vec()));
        all
    }
}
