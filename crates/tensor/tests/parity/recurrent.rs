//! Two recurrent layers of each kind (`oracle/recurrent.py`).

use serde_json::Value;
use tensor::{Cell, Gradients, ParamId, Parameters, RecurrentShape, RecurrentWeights, Tape, Tensor, Var};

use crate::ledger::{Entry, cases, count, floats, parse, reference};
use crate::support::rows_of;

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/recurrent.json"));
    let sizes = ["batch", "time", "inputs", "hidden", "layers"].map(|key| count(&golden, key));
    let reference = reference(&golden, "torch");
    Cell::ALL.into_iter().zip(cases(&golden)).flat_map(|(cell, case)| compare(cell, case, sizes, &reference)).collect()
}

fn single(values: &Value) -> Vec<f32> {
    floats(values).iter().map(|&value| value as f32).collect()
}

/// `total` and the sum of a value's elements, each times its number of `seed`.
fn add_weighed(tape: &mut Tape, value: Var, seed: &Value, total: Option<Var>) -> Var {
    let (columns, seed) = (tape.shape(value).1, single(seed));
    let seed = tape.input(Tensor::from_f32([seed.len() / columns, columns], seed).unwrap());
    let product = tape.mul(value, seed).unwrap();
    let sum = tape.sum(product).unwrap();
    total.map_or(sum, |total| tape.add(total, sum).unwrap())
}

fn compare(cell: Cell, case: &Value, sizes: [usize; 5], reference: &str) -> [Entry; 2] {
    let [batch, time, inputs, hidden, layers] = sizes;
    assert_eq!(case["cell"], cell.name());
    let entry = |aspect| Entry::new(format!("recurrent ({})", cell.name()), aspect, reference.to_owned(), 3e-6);
    let (mut forward, mut gradient) = (entry("forward"), entry("gradient"));
    let mut parameters = Parameters::new();
    for (name, weight) in case["weights"].as_object().unwrap() {
        let shape: Vec<usize> = floats(&weight["shape"]).iter().map(|&size| size as usize).collect();
        parameters.add(name, Tensor::from_f32(shape, single(&weight["values"])).unwrap()).unwrap();
    }
    // Input and states are parameters here, so that their gradients are seen.
    let x = Tensor::from_f32([batch * time, inputs], single(&case["x"])).unwrap();
    let x = parameters.add("x", x).unwrap();
    let rows = cell.states() * batch;
    let initial: Vec<ParamId> = (0..layers)
        .map(|layer| {
            let values = Tensor::from_f32([rows, hidden], single(&case["initial"][layer])).unwrap();
            parameters.add(format!("initial {layer}"), values).unwrap()
        })
        .collect();
    let mut tape = Tape::new(&parameters);
    let mut value = rows_of(&mut tape, x);
    let mut total = None;
    for layer in 0..layers {
        let id = |name: &str| parameters.id(&format!("{name}_l{layer}")).unwrap();
        let weights = RecurrentWeights {
            input: id("weight_ih"),
            hidden: id("weight_hh"),
            input_bias: Some(id("bias_ih")),
            hidden_bias: Some(id("bias_hh")),
        };
        let initial = Some(rows_of(&mut tape, initial[layer]));
        let shape = RecurrentShape { cell, batch, time, initial, document_of: None };
        let found = tape.recurrent(value, &weights, &shape).unwrap();
        value = found.output;
        forward.compare(tape.value(found.state).as_f32().unwrap(), &floats(&case["last"][layer]));
        total = Some(add_weighed(&mut tape, found.state, &case["last_seed"][layer], total));
    }
    forward.compare(tape.value(value).as_f32().unwrap(), &floats(&case["output"]));
    let total = add_weighed(&mut tape, value, &case["seed"], total);
    let mut gradients = Gradients::zeros_like(&parameters);
    tape.backward(total, &[1.0], &mut gradients).unwrap();
    for (id, name, _) in parameters.iter() {
        let expected = match name.strip_prefix("initial ") {
            Some(layer) => &case["initial_gradient"][layer.parse::<usize>().unwrap()],
            None if name == "x" => &case["x_gradient"],
            None => &case["gradients"][name],
        };
        gradient.compare(gradients.get(id), &floats(expected));
    }
    [forward, gradient]
}
