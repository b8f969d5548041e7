//! Mixtral's block and its losses (`oracle/experts.py`).

use tensor::{ExpertIds, Gradients, ParamId, Parameters, Tape, Tensor};

use crate::ledger::{Entry, cases, count, floats, number, parse, reference};
use crate::support::{add, noise, rows_of};

const BLOCK: &str = "route, experts (Mixtral)";

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/experts.json"));
    let entry = |subject, aspect| Entry::new(subject, aspect, reference(&golden, "transformers"), 3e-6);
    let (mut forward, mut gradient) = (entry(BLOCK, "forward"), entry(BLOCK, "gradient"));
    let losses = "load_balancing_loss, router_z_loss";
    let (mut loss_forward, mut loss_gradient) = (entry(losses, "forward"), entry(losses, "gradient"));
    for case in cases(&golden) {
        let [tokens, width, inner, experts] = ["tokens", "width", "inner", "experts"].map(|key| count(case, key));
        let (top_k, stride) = (count(case, "top_k"), count(case, "stride"));
        let mut parameters = Parameters::new();
        let x = add(&mut parameters, "x", &[tokens, width], 1);
        let size = number(case, "router_size");
        let values = noise(experts * width, 2).iter().map(|value| size * value).collect();
        let router = parameters.add("router", Tensor::from_f32([experts, width], values).unwrap()).unwrap();
        let mut matrix = |expert: usize, index: u64, shape: [usize; 2]| {
            add(&mut parameters, &format!("{expert}.{index}"), &shape, 10 + 3 * expert as u64 + index)
        };
        let ids: Vec<ExpertIds> = (0..experts)
            .map(|expert| ExpertIds {
                gate: matrix(expert, 0, [inner, width]),
                up: matrix(expert, 1, [inner, width]),
                down: matrix(expert, 2, [width, inner]),
            })
            .collect();

        let mut tape = Tape::new(&parameters);
        let hidden = rows_of(&mut tape, x);
        let logits = tape.linear(hidden, router, None).unwrap();
        let routing = tape.route(logits, top_k, true).unwrap();
        let y = tape.experts(hidden, &routing, &ids).unwrap();
        let chosen: Vec<f64> = routing.chosen().iter().map(|&expert| f64::from(expert)).collect();
        // A wrong choice is an error of the size of the whole.
        forward.compare_f64(&chosen, &floats(&case["chosen"]));
        for (var, key) in [(routing.weights(), "weights"), (y, "output")] {
            forward.compare(tape.value(var).as_f32().unwrap().iter().step_by(stride), &floats(&case[key]));
        }
        let mut gradients = Gradients::zeros_like(&parameters);
        tape.backward(y, &noise(tokens * width, 3), &mut gradients).unwrap();
        let all = |part: &dyn Fn(&ExpertIds) -> ParamId| -> Vec<f32> {
            ids.iter().flat_map(|expert| gradients.get(part(expert)).to_vec()).collect()
        };
        let found = [
            ("d_x", gradients.get(x).to_vec()),
            ("d_router", gradients.get(router).to_vec()),
            ("d_gate", all(&|expert| expert.gate)),
            ("d_up", all(&|expert| expert.up)),
            ("d_down", all(&|expert| expert.down)),
        ];
        for (key, found) in found {
            gradient.compare(found.iter().step_by(stride), &floats(&case[key]));
        }

        // The losses over two layers: the logits, and half of them with the experts in the opposite order.
        let values = tape.value(logits).to_f32_vec();
        let mut parameters = Parameters::new();
        let layer = parameters.add("logits", Tensor::from_f32([tokens, experts], values).unwrap()).unwrap();
        let turn: Vec<f32> = (0..experts * experts)
            .map(|at| if at / experts + at % experts + 1 == experts { 0.5 } else { 0.0 })
            .collect();
        let turn = parameters.add("turn", Tensor::from_f32([experts, experts], turn).unwrap()).unwrap();
        let counted: Vec<bool> = (0..tokens).map(|token| token != 2).collect();
        let counted = case["is_masked"].as_bool().unwrap().then_some(&counted[..]);
        for (index, key) in ["d_balance", "d_z"].into_iter().enumerate() {
            let mut tape = Tape::new(&parameters);
            let first = rows_of(&mut tape, layer);
            let layers = [first, tape.linear(first, turn, None).unwrap()];
            let loss = match index {
                0 => tape.load_balancing_loss(&layers, top_k, counted).unwrap(),
                _ => tape.router_z_loss(&layers, counted).unwrap(),
            };
            loss_forward.compare(tape.value(loss).as_f32().unwrap(), &[floats(&case["losses"])[index]]);
            let mut gradients = Gradients::zeros_like(&parameters);
            tape.backward(loss, &[1.0], &mut gradients).unwrap();
            loss_gradient.compare(gradients.get(layer).iter().step_by(stride), &floats(&case[key]));
        }
    }
    vec![forward, gradient, loss_forward, loss_gradient]
}
