//! Ten steps of every optimiser (`oracle/optimizers.py`): PyTorch's, and the published Lion.

use serde_json::Value;
use tensor::optim::{AdafactorConfig, AdamWConfig, LionConfig, MuonConfig, Optimizer, Rule, SgdConfig, StepConfig};
use tensor::{Gradients, Parameters, Tensor};

use crate::ledger::{Entry, cases, count, floats, number, parse, reference};
use crate::support::noise;

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/optimizers.json"));
    let kept = floats(&golden["kept"]);
    let mut entries: Vec<Entry> = Vec::new();
    for case in cases(&golden) {
        let (name, package) = match case["rule"].as_str().unwrap() {
            "lion" => ("Lion, as published", "numpy"),
            "adamw" => ("AdamW", "torch"),
            "muon" => ("Muon", "torch"),
            "sgd" => ("SGD", "torch"),
            _ => ("Adafactor", "torch"),
        };
        if entries.last().is_none_or(|entry| entry.subject != name) {
            // Settings are f32 with us: 1 − 0.999, AdamW's share of a new square, is then 1.3e-5 off.
            let bound = if name == "AdamW" { 2e-5 } else { 4e-6 };
            entries.push(Entry::new(name, "ten steps", reference(&golden, package), bound));
        }
        let last = entries.len() - 1;
        compare(case, &kept, &mut entries[last]);
    }
    entries
}

/// The rule of a case and its settings.
fn rule_of(case: &Value) -> (Rule, StepConfig) {
    let settings = &case["settings"];
    let (lr, weight_decay) = (number(settings, "lr"), number(settings, "weight_decay"));
    let get = |key| number(settings, key);
    let mut step = StepConfig::default();
    let rule = match case["rule"].as_str().unwrap() {
        "adamw" => {
            step.adamw = AdamWConfig { lr, beta1: get("beta1"), beta2: get("beta2"), eps: get("eps"), weight_decay };
            Rule::AdamW
        }
        "muon" => {
            step.muon = MuonConfig { lr, momentum: get("momentum"), weight_decay };
            Rule::Muon
        }
        "lion" => {
            step.lion = LionConfig { lr, beta1: get("beta1"), beta2: get("beta2"), weight_decay };
            Rule::Lion
        }
        "sgd" => {
            let nesterov = settings["nesterov"].as_bool().unwrap();
            step.sgd = SgdConfig { lr, momentum: get("momentum"), weight_decay, nesterov };
            Rule::Sgd
        }
        "adafactor" => {
            let (beta2_decay, clip_threshold) = (get("beta2_decay"), get("d"));
            step.adafactor =
                AdafactorConfig { lr, beta2_decay, clip_threshold, weight_decay, ..AdafactorConfig::default() };
            Rule::Adafactor
        }
        other => panic!("the golden has a rule {other} that this test does not know"),
    };
    (rule, step)
}

fn compare(case: &Value, kept: &[f64], entry: &mut Entry) {
    let (rule, step) = rule_of(case);
    let shape: Vec<usize> = floats(&case["shape"]).iter().map(|&size| size as usize).collect();
    let (length, stride) = (shape.iter().product(), count(case, "stride"));
    let scaled = |seed: u64, size: f32| -> Vec<f32> { noise(length, seed).iter().map(|x| x * size).collect() };
    let mut parameters = Parameters::new();
    let start = Tensor::from_f32(shape, scaled(1, number(case, "weight_size"))).unwrap();
    let id = parameters.add("w", start).unwrap();
    let mut optimizer = Optimizer::new(&parameters, &|_| rule);
    let mut gradients = Gradients::zeros_like(&parameters);
    for taken in 1..=kept[kept.len() - 1] as u64 {
        // Scaled up here and down by the step: the scale must reach the rule before anything is remembered.
        let doubled = scaled(1 + taken, 2.0 * number(case, "gradient_size"));
        gradients.get_mut(id).copy_from_slice(&doubled);
        optimizer.step(&mut parameters, &gradients, &step, 0.5, &|_| true);
        if let Some(index) = kept.iter().position(|&step| step as u64 == taken) {
            let weights = parameters.get(id).as_f32().unwrap();
            entry.compare(weights.iter().step_by(stride), &floats(&case["weights"][index]));
        }
    }
    for (letter, values) in case["state"].as_object().unwrap() {
        let state = optimizer.state(id);
        let (_, found) = state.iter().find(|(known, _)| known == letter).unwrap();
        entry.compare(found.iter().step_by(stride), &floats(values));
    }
}
