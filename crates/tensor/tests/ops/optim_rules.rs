//! Every rule behind the optimiser: its threads, its state. The goldens are in `parity`.

use tensor::optim::{Optimizer, Rule, SgdConfig, StepConfig};
use tensor::{Gradients, ParamId, Parameters, set_threads};

use crate::support::{add, noise};

const RULES: [Rule; 5] = [Rule::AdamW, Rule::Muon, Rule::Lion, Rule::Sgd, Rule::Adafactor];

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
