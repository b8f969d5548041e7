//! Every rule behind the optimiser: its golden, its threads, its state.

use serde_json::Value;
use tensor::optim::{AdafactorConfig, LionConfig, Optimizer, Rule, SgdConfig, StepConfig};
use tensor::{Gradients, ParamId, Parameters, Tensor, set_threads};

use crate::support::{add, noise};

const RULES: [Rule; 5] = [Rule::AdamW, Rule::Muon, Rule::Lion, Rule::Sgd, Rule::Adafactor];

fn scaled(count: usize, seed: u64, size: f32) -> Vec<f32> {
    noise(count, seed).iter().map(|x| x * size).collect()
}

fn check(found: &[f32], expected: &Value, stride: usize, what: &str) {
    let found = found.iter().step_by(stride);
    let expected: Vec<f64> = expected.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (&found, expected) in found.zip(expected) {
        let bound = 2e-6 * expected.abs().max(1.0);
        assert!((f64::from(found) - expected).abs() <= bound, "{what}: {found} instead of {expected}");
    }
}

/// The golden is made by `oracle/optimizers.py`: PyTorch's gradient descent and Adafactor, the published Lion.
#[test]
fn steps_are_those_of_the_golden() {
    let golden: Value = serde_json::from_str(include_str!("../goldens/optimizers.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let number = |key: &str| case["settings"][key].as_f64().unwrap() as f32;
        let mut step = StepConfig::default();
        let rule = match case["rule"].as_str().unwrap() {
            "lion" => {
                let (beta1, beta2) = (number("beta1"), number("beta2"));
                step.lion = LionConfig { lr: number("lr"), beta1, beta2, weight_decay: number("weight_decay") };
                Rule::Lion
            }
            "sgd" => {
                let nesterov = case["settings"]["nesterov"].as_bool().unwrap();
                let (momentum, weight_decay) = (number("momentum"), number("weight_decay"));
                step.sgd = SgdConfig { lr: number("lr"), momentum, weight_decay, nesterov };
                Rule::Sgd
            }
            _ => {
                let (beta2_decay, clip_threshold) = (number("beta2_decay"), number("d"));
                let (lr, weight_decay) = (number("lr"), number("weight_decay"));
                step.adafactor =
                    AdafactorConfig { lr, beta2_decay, clip_threshold, weight_decay, ..AdafactorConfig::default() };
                Rule::Adafactor
            }
        };
        let shape: Vec<usize> =
            case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let what = format!("{rule:?} {} {shape:?}", case["settings"]);
        let (count, stride) = (shape.iter().product(), case["stride"].as_u64().unwrap() as usize);
        let [weight_size, gradient_size] =
            ["weight_size", "gradient_size"].map(|key| case[key].as_f64().unwrap() as f32);
        let mut parameters = Parameters::new();
        let start = Tensor::from_f32(&shape[..], scaled(count, 1, weight_size)).unwrap();
        let id = parameters.add("w", start).unwrap();
        let mut optimizer = Optimizer::new(&parameters, &|_| rule);
        let mut gradients = Gradients::zeros_like(&parameters);
        for (index, weights) in case["weights"].as_array().unwrap().iter().enumerate() {
            // Scaled up here and down by the step: the scale must reach the rule before anything is remembered.
            gradients.get_mut(id).copy_from_slice(&scaled(count, 2 + index as u64, 2.0 * gradient_size));
            optimizer.step(&mut parameters, &gradients, &step, 0.5, &|_| true);
            check(&parameters.get(id).to_f32_vec(), weights, stride, &format!("{what} step {index}"));
        }
        for (letter, values) in case["state"].as_object().unwrap() {
            let state = optimizer.state(id);
            let (_, found) = state.iter().find(|(known, _)| known == letter).unwrap();
            check(found, values, stride, &format!("{what} {letter}"));
        }
    }
}

/// A matrix and a vector of several blocks, a small matrix, one that does not decay, one that stays.
fn network() -> (Parameters, Vec<ParamId>) {
    let mut parameters = Parameters::new();
    let shapes: [(&str, &[usize]); 5] =
        [("long", &[300, 130]), ("table", &[20_000]), ("small", &[6, 5]), ("gain", &[5]), ("frozen", &[4, 4])];
    let ids: Vec<ParamId> =
        (1..).zip(shapes).map(|(seed, (name, shape))| add(&mut parameters, name, shape, seed)).collect();
    parameters.set_trainable(ids[4], false);
    (parameters, ids)
}

fn take_steps(optimizer: &mut Optimizer, parameters: &mut Parameters, ids: &[ParamId], steps: std::ops::Range<u64>) {
    let mut config = StepConfig::default();
    config.sgd = SgdConfig { momentum: 0.9, weight_decay: 0.1, ..config.sgd };
    config.lion.weight_decay = 0.1;
    config.adafactor.weight_decay = 0.1;
    let mut gradients = Gradients::zeros_like(parameters);
    for step in steps {
        for &id in ids {
            let values = noise(parameters.get(id).len(), 100 * step + id.index() as u64);
            gradients.get_mut(id).copy_from_slice(&values);
        }
        optimizer.step(parameters, &gradients, &config, 0.5, &|id| id != ids[3]);
    }
}

fn bits(parameters: &Parameters) -> Vec<u32> {
    parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).map(f32::to_bits).collect()
}

#[test]
fn threads_never_show() {
    for rule in RULES {
        let run = |threads| {
            set_threads(threads).unwrap();
            let (mut parameters, ids) = network();
            let mut optimizer = Optimizer::new(&parameters, &|_| rule);
            take_steps(&mut optimizer, &mut parameters, &ids, 0..3);
            bits(&parameters)
        };
        let one = run(1);
        for threads in [2, 3] {
            assert!(run(threads) == one, "{rule:?}: {threads} threads give other bits");
        }
    }
}

#[test]
fn state_is_carried_over_and_measured() {
    for rule in RULES {
        let (mut parameters, ids) = network();
        let frozen = parameters.get(ids[4]).to_f32_vec();
        let mut straight = Optimizer::new(&parameters, &|_| rule);
        take_steps(&mut straight, &mut parameters, &ids, 0..2);
        let mut copy = parameters.clone();
        let mut resumed = Optimizer::new(&copy, &|_| rule);
        for &id in &ids {
            let state: Vec<Vec<f32>> = straight.state(id).iter().map(|(_, values)| values.to_vec()).collect();
            let len: usize = state.iter().map(Vec::len).sum();
            assert_eq!(len, rule.state_len(parameters.get(id).shape()), "{rule:?}");
            resumed.load(id, &state).unwrap();
            let mut cut = state.clone();
            cut[0].pop();
            assert!(resumed.load(id, &cut).is_err(), "{rule:?}");
            cut.clear();
            assert!(resumed.load(id, &cut).is_err(), "{rule:?}");
        }
        let elsewhere = ParamId::from_index(99);
        assert!(resumed.load(elsewhere, &[vec![0.0], vec![0.0]]).is_err());
        resumed.set_step(straight.steps());
        take_steps(&mut straight, &mut parameters, &ids, 2..4);
        take_steps(&mut resumed, &mut copy, &ids, 2..4);
        assert_eq!((straight.steps(), resumed.steps()), (4, 4));
        assert!(bits(&parameters) == bits(&copy), "{rule:?}");
        assert_eq!(parameters.get(ids[4]).to_f32_vec(), frozen, "{rule:?}");
    }
}

/// No rule divides zero by zero, and Lion, whose steps are all of one size, takes none here.
#[test]
fn no_gradient_is_no_step() {
    for rule in RULES {
        let (mut parameters, _) = network();
        let before = bits(&parameters);
        let gradients = Gradients::zeros_like(&parameters);
        let mut optimizer = Optimizer::new(&parameters, &|_| rule);
        for _ in 0..2 {
            optimizer.step(&mut parameters, &gradients, &StepConfig::default(), 1.0, &|_| false);
        }
        assert!(bits(&parameters) == before, "{rule:?}");
    }
}
