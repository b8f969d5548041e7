//! AdamW against the update rule written out in f64, and which rule moves what. The goldens are in `parity`.

use tensor::optim::{AdamW, AdamWConfig, Muon, Optimizer, Rule, StepConfig};
use tensor::{Gradients, Parameters};

use crate::support::{add, noise};

#[test]
fn steps_follow_the_rule() {
    let mut parameters = Parameters::new();
    let ids = [add(&mut parameters, "w", &[300, 70], 1), add(&mut parameters, "g", &[70], 2)];
    let frozen = add(&mut parameters, "frozen", &[3], 3);
    parameters.set_trainable(frozen, false);
    let before = parameters.get(frozen).to_f32_vec();
    let config = AdamWConfig { lr: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 };
    let scale = 0.5;
    let mut optimizer = AdamW::new(&parameters);
    let mut expected: Vec<Vec<[f64; 3]>> = ids
        .iter()
        .map(|&id| parameters.get(id).to_f32_vec().iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect())
        .collect();
    for step in 1..=4 {
        let mut gradients = Gradients::zeros_like(&parameters);
        for (i, &id) in ids.iter().enumerate() {
            let values = noise(parameters.get(id).len(), 10 * step + i as u64);
            gradients.get_mut(id).copy_from_slice(&values);
            let decay = if i == 0 { 0.1 } else { 0.0 };
            for ([p, m, v], &g) in expected[i].iter_mut().zip(&values) {
                let g = f64::from(g) * scale;
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.95 * *v + 0.05 * g * g;
                let (mean, square) = (*m / (1.0 - 0.9f64.powi(step as i32)), *v / (1.0 - 0.95f64.powi(step as i32)));
                *p -= 0.01 * decay * *p;
                *p -= 0.01 * mean / (square.sqrt() + 1e-8);
            }
        }
        gradients.get_mut(frozen).fill(1.0);
        optimizer.step(&mut parameters, &gradients, &config, scale as f32, &|id| id == ids[0]);
    }
    assert_eq!(optimizer.steps(), 4);
    for (&id, expected) in ids.iter().zip(&expected) {
        for (found, [p, _, _]) in parameters.get(id).to_f32_vec().iter().zip(expected) {
            assert!((f64::from(*found) - p).abs() < 2e-6, "{found} instead of {p}");
        }
        for (found, [_, m, v]) in optimizer.first_moment(id).iter().zip(optimizer.second_moment(id)).zip(expected) {
            assert!((f64::from(*found.0) - m).abs() < 1e-6 && (f64::from(*found.1) - v).abs() < 1e-6);
        }
    }
    assert_eq!(parameters.get(frozen).to_f32_vec(), before);
}

#[test]
fn moments_are_carried_over() {
    let mut parameters = Parameters::new();
    let id = add(&mut parameters, "w", &[4, 5], 1);
    let mut gradients = Gradients::zeros_like(&parameters);
    gradients.get_mut(id).copy_from_slice(&noise(20, 2));
    let mut first = AdamW::new(&parameters);
    first.step(&mut parameters, &gradients, &AdamWConfig::default(), 1.0, &|_| true);
    let mut copy = parameters.clone();
    let mut second = AdamW::new(&copy);
    second.load(id, first.first_moment(id), first.second_moment(id)).unwrap();
    second.set_step(first.steps());
    first.step(&mut parameters, &gradients, &AdamWConfig::default(), 1.0, &|_| true);
    second.step(&mut copy, &gradients, &AdamWConfig::default(), 1.0, &|_| true);
    assert_eq!(parameters.get(id).to_f32_vec(), copy.get(id).to_f32_vec());
    assert!(second.load(id, &[0.0], &[0.0]).is_err());
}

#[test]
fn each_rule_takes_its_own_and_state_is_carried_over() {
    let mut parameters = Parameters::new();
    let matrix = add(&mut parameters, "matrix", &[6, 5], 1);
    let gain = add(&mut parameters, "gain", &[5], 2);
    let mut gradients = Gradients::zeros_like(&parameters);
    for id in [matrix, gain] {
        gradients.get_mut(id).copy_from_slice(&noise(parameters.get(id).len(), 3));
    }
    let step = StepConfig::default();
    let (mut alone, mut by_adamw) = (parameters.clone(), parameters.clone());
    let mut both = Optimizer::new(&parameters, &|_| Rule::Muon);
    both.step(&mut parameters, &gradients, &step, 1.0, &|_| true);
    Muon::new(&alone, &|id| id == matrix).step(&mut alone, &gradients, &step.muon, 1.0, &|_| true);
    AdamW::new(&by_adamw).step(&mut by_adamw, &gradients, &step.adamw, 1.0, &|_| true);
    // A gain is no matrix, so Muon leaves it to AdamW.
    assert_eq!(parameters.get(matrix).to_f32_vec(), alone.get(matrix).to_f32_vec());
    assert_eq!(parameters.get(gain).to_f32_vec(), by_adamw.get(gain).to_f32_vec());
    assert_eq!(both.state(matrix).iter().map(|(letter, _)| *letter).collect::<Vec<_>>(), ["m"]);
    assert_eq!(both.state(gain).iter().map(|(letter, _)| *letter).collect::<Vec<_>>(), ["m", "v"]);

    let mut copy = parameters.clone();
    let mut resumed = Optimizer::new(&copy, &|_| Rule::Muon);
    for id in [matrix, gain] {
        let state: Vec<Vec<f32>> = both.state(id).iter().map(|(_, values)| values.to_vec()).collect();
        resumed.load(id, &state).unwrap();
        assert!(resumed.load(id, &[vec![0.0]]).is_err());
    }
    resumed.set_step(both.steps());
    both.step(&mut parameters, &gradients, &step, 1.0, &|_| true);
    resumed.step(&mut copy, &gradients, &step, 1.0, &|_| true);
    for id in [matrix, gain] {
        assert_eq!(parameters.get(id).to_f32_vec(), copy.get(id).to_f32_vec());
    }
}
