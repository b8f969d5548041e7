//! Routing: derivatives, choices, experts that nobody chose, threads, refusals. The goldens are in `parity`.

use tensor::{DType, ExpertIds, Gradients, ParamId, Parameters, Tape, Tensor, Var, set_threads};

use crate::gradients::check;
use crate::support::{add, distance, noise, rows_of};

/// Times four they are far enough apart that no difference of a derivative changes a choice.
const LOGITS: [f32; 20] = [
    0.9, -0.3, 0.2, 0.5, -0.8, // tokens go to experts 0 and 3,
    -0.5, 0.7, -0.9, 0.1, 0.4, // 1 and 4,
    0.3, 0.9, 0.6, -0.2, -0.7, // 1 and 2,
    0.0, 0.35, -0.35, 0.7, -0.7, // 3 and 1
];

/// The logits as a value with a slope: `table` sets rows that are then shifted by what stands above.
fn logits(tape: &mut Tape, table: ParamId) -> Var {
    let noise = rows_of(tape, table);
    let small = tape.scale(noise, 0.5).unwrap();
    let fixed = tape.input(Tensor::from_f32([4, 5], LOGITS.map(|x| 4.0 * x).to_vec()).unwrap());
    tape.add(small, fixed).unwrap()
}

fn expert_ids(p: &[ParamId]) -> Vec<ExpertIds> {
    p.chunks_exact(3).map(|ids| ExpertIds { gate: ids[0], up: ids[1], down: ids[2] }).collect()
}

#[test]
fn derivatives_of_the_router() {
    for (top_k, is_renormalized) in [(2, true), (2, false), (1, false), (5, true), (5, false)] {
        check(&format!("route {top_k} {is_renormalized}"), &[&[4, 5]], &move |tape, p| {
            let x = logits(tape, p[0]);
            tape.route(x, top_k, is_renormalized).unwrap().weights()
        });
    }
    let counted = [true, false, true, true];
    check("load_balancing_loss", &[&[4, 5], &[4, 5]], &move |tape, p| {
        let layers = [logits(tape, p[0]), logits(tape, p[1])];
        tape.load_balancing_loss(&layers, 2, Some(&counted)).unwrap()
    });
    check("router_z_loss", &[&[4, 5], &[4, 5]], &move |tape, p| {
        let layers = [logits(tape, p[0]), logits(tape, p[1])];
        tape.router_z_loss(&layers, Some(&counted)).unwrap()
    });
}

#[test]
fn derivatives_of_the_experts() {
    let shapes: Vec<&[usize]> =
        [&[4, 3][..], &[4, 5]].into_iter().chain((0..5).flat_map(|_| [&[2, 3][..], &[2, 3], &[3, 2]])).collect();
    for (top_k, is_renormalized) in [(2, true), (1, false)] {
        check(&format!("experts {top_k}"), &shapes, &move |tape, p| {
            let (x, logits) = (rows_of(tape, p[0]), logits(tape, p[1]));
            let routing = tape.route(logits, top_k, is_renormalized).unwrap();
            let y = tape.experts(x, &routing, &expert_ids(&p[2..])).unwrap();
            tape.add(x, y).unwrap()
        });
    }
}

/// x, router and `n` experts, and what one pass gives: output and all gradients.
fn pass(tokens: usize, n: usize, compute: DType, change: &dyn Fn(&mut Parameters, &[ExpertIds])) -> Vec<Vec<f32>> {
    let (width, inner) = (20, 33);
    let mut parameters = Parameters::new();
    parameters.set_compute_dtype(compute);
    let x = add(&mut parameters, "x", &[tokens, width], 1);
    let router = add(&mut parameters, "router", &[n, width], 2);
    let shapes = [[inner, width], [inner, width], [width, inner]];
    let all: Vec<ParamId> =
        (0..3 * n).map(|i| add(&mut parameters, &format!("{i}"), &shapes[i % 3], 3 + i as u64)).collect();
    let experts = expert_ids(&all);
    change(&mut parameters, &experts);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let logits = tape.linear(hidden, router, None).unwrap();
    let routing = tape.route(logits, 2, true).unwrap();
    let y = tape.experts(hidden, &routing, &experts).unwrap();
    tape.backward(y, &noise(tokens * width, 9), &mut gradients).unwrap();
    let out = tape.value(y).to_f32_vec();
    [out].into_iter().chain(parameters.iter().map(|(id, _, _)| gradients.get(id).to_vec())).collect()
}

#[test]
fn threads_never_show() {
    for compute in [DType::F32, DType::Bf16] {
        let run = |threads| {
            set_threads(threads).unwrap();
            let all = pass(700, 6, compute, &|_, _| {});
            all.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
        };
        let one = run(1);
        assert!(one.iter().all(|&bits| f32::from_bits(bits).is_finite()));
        for threads in [2, 3] {
            assert!(run(threads) == one, "{threads} threads give other bits");
        }
    }
}

#[test]
fn bf16_is_near_f32() {
    // A fixed router, so that rounding changes no choice.
    let run = |compute| {
        let mut parameters = Parameters::new();
        parameters.set_compute_dtype(compute);
        let all: Vec<ParamId> = (0..15)
            .map(|i| add(&mut parameters, &format!("{i}"), &[[7, 6], [7, 6], [6, 7]][i % 3], i as u64))
            .collect();
        let mut tape = Tape::forward_only(&parameters);
        let x = tape.input(Tensor::from_f32([4, 6], noise(24, 1)).unwrap());
        let logits = tape.input(Tensor::from_f32([4, 5], LOGITS.to_vec()).unwrap());
        let routing = tape.route(logits, 2, true).unwrap();
        let y = tape.experts(x, &routing, &expert_ids(&all)).unwrap();
        tape.value(y).to_f32_vec()
    };
    let error = distance(&run(DType::Bf16), &run(DType::F32));
    // Three roundings of 2⁻⁹ each, of which some must show.
    assert!(error < 1e-2 && error > 1e-4, "{error}");
}

#[test]
fn experts_nobody_chose_and_frozen_ones_get_no_gradient() {
    // Three tokens with two choices each reach at most six of nine experts.
    let all = pass(3, 9, DType::F32, &|_, _| {});
    let is_zero = |values: &Vec<f32>| values.iter().all(|&g| g == 0.0);
    let reached: Vec<bool> = all[3..].chunks_exact(3).map(|expert| !expert.iter().any(is_zero)).collect();
    let unreached = all[3..].chunks_exact(3).filter(|expert| expert.iter().all(is_zero)).count();
    assert!(unreached >= 3 && reached.iter().filter(|&&reached| reached).count() == 9 - unreached, "{reached:?}");

    let frozen = pass(3, 9, DType::F32, &|parameters, experts| {
        experts.iter().for_each(|expert| parameters.set_trainable(expert.up, false));
    });
    assert!(frozen[3..].chunks_exact(3).all(|expert| is_zero(&expert[1])));
    for (index, (frozen, all)) in frozen.iter().zip(&all).enumerate().filter(|(index, _)| *index < 3 || index % 3 != 1)
    {
        assert_eq!(frozen, all, "{index}");
    }
}

#[test]
fn equal_logits_go_to_the_first_and_an_even_load_costs_top_k() {
    let parameters = Parameters::new();
    let mut tape = Tape::forward_only(&parameters);
    let even = tape.input(Tensor::from_f32([2, 4], vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]).unwrap());
    let routing = tape.route(even, 2, true).unwrap();
    assert_eq!((routing.chosen(), routing.top_k()), (&[0, 1, 2, 3][..], 2));
    assert_eq!(tape.value(routing.weights()).to_f32_vec(), [0.5; 4]);
    let loss = tape.load_balancing_loss(&[even], 2, None).unwrap();
    assert!((tape.value(loss).to_f32_vec()[0] - 2.0).abs() < 1e-6);
    // Values that are no numbers pass through instead of panicking.
    let odd = tape.input(Tensor::from_f32([1, 3], vec![f32::NAN, f32::INFINITY, 1.0]).unwrap());
    let routing = tape.route(odd, 2, true).unwrap();
    assert!(tape.value(routing.weights()).to_f32_vec()[0].is_nan());
}

#[test]
fn refusals_name_the_operation() {
    let mut parameters = Parameters::new();
    let all: Vec<ParamId> =
        (0..3).map(|i| add(&mut parameters, &format!("{i}"), &[[2, 3], [2, 3], [3, 2]][i], 1)).collect();
    let mut tape = Tape::new(&parameters);
    let x = tape.input(Tensor::from_f32([4, 3], noise(12, 1)).unwrap());
    let five = tape.input(Tensor::from_f32([4, 5], LOGITS.to_vec()).unwrap());
    let one = tape.input(Tensor::from_f32([4, 1], vec![0.0; 4]).unwrap());
    let routing = tape.route(one, 1, true).unwrap();
    let turned = ExpertIds { gate: all[2], up: all[1], down: all[0] };
    let wide = tape.input(Tensor::from_f32([2, 3], noise(6, 1)).unwrap());
    let refusals = [
        (tape.route(five, 0, true).err(), "route: a token cannot go to 0 of 5 experts"),
        (tape.route(five, 6, true).err(), "route: a token cannot go to 6 of 5 experts"),
        (tape.experts(x, &routing, &[]).err(), "experts: shapes [4, 1] and [4, 0] do not fit"),
        (tape.experts(wide, &routing, &expert_ids(&all)).err(), "experts: shapes [4, 1] and [2, 1] do not fit"),
        (tape.experts(x, &routing, &[turned]).err(), "experts: shapes [3, 2] and [3, 3] do not fit"),
        (tape.load_balancing_loss(&[], 1, None).err(), "load_balancing_loss: the shape [0] has no elements"),
        (
            tape.load_balancing_loss(&[five, one], 1, None).err(),
            "load_balancing_loss: shapes [4, 5] and [4, 1] do not fit",
        ),
        (tape.load_balancing_loss(&[one], 2, None).err(), "load_balancing_loss: a token cannot go to 2 of 1 experts"),
        (tape.router_z_loss(&[five], Some(&[true])).err(), "router_z_loss: 1 flags of tokens, expected 4"),
        (
            tape.router_z_loss(&[five], Some(&[false; 4])).err(),
            "router_z_loss: every row is ignored or has weight zero, so there is nothing to learn from",
        ),
    ];
    for (found, expected) in refusals {
        assert_eq!(found.unwrap().to_string(), expected);
    }
}

/// Experts in checkpointed parts: what their functions were made of is made again, the logits stay for the losses that
/// read those of all parts.
#[test]
fn checkpointed_experts_give_the_same_bits() {
    let (tokens, width, inner, n) = (40, 12, 17, 5);
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[tokens, width], 1);
    let shapes = [[inner, width], [inner, width], [width, inner]];
    let parts: Vec<(ParamId, Vec<ExpertIds>)> = (0..2)
        .map(|part| {
            let router = add(&mut parameters, &format!("{part}.router"), &[n, width], 2 + part);
            let ids = (0..3 * n).map(|i| add(&mut parameters, &format!("{part}.{i}"), &shapes[i % 3], 9 + i as u64));
            (router, expert_ids(&ids.collect::<Vec<_>>()))
        })
        .collect();
    let run = |checkpoints: bool, is_last: bool| {
        let mut tape = Tape::new(&parameters);
        tape.set_checkpointing(checkpoints);
        let (mut hidden, mut layers) = (rows_of(&mut tape, x), Vec::new());
        for (router, experts) in &parts {
            let part = |tape: &mut Tape, x: Var| -> Result<Var, tensor::TensorError> {
                let before = tape.tanh(x)?;
                let logits = tape.linear(before, *router, None)?;
                tape.keep(logits);
                layers.push(logits);
                let routing = tape.route(logits, 2, true)?;
                let y = tape.experts(before, &routing, experts)?;
                tape.release(before);
                let y = tape.add(x, y)?;
                tape.silu(y)
            };
            hidden = tape.checkpoint(hidden, part).unwrap();
        }
        let losses = [tape.load_balancing_loss(&layers, 2, None), tape.router_z_loss(&layers, None), tape.sum(hidden)];
        let [balance, z, sum] = losses.map(Result::unwrap);
        let both = tape.add(balance, z).unwrap();
        let loss = tape.add(both, sum).unwrap();
        let value = tape.value(loss).to_f32_vec()[0];
        let mut gradients = Gradients::none_like(&parameters);
        match is_last {
            true => tape.finish(loss, &[1.0], &mut gradients).unwrap(),
            false => tape.backward(loss, &[1.0], &mut gradients).unwrap(),
        }
        let bits = |id| gradients.get(id).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        (value.to_bits(), parameters.iter().map(|(id, _, _)| bits(id)).collect::<Vec<_>>())
    };
    let plain = run(false, false);
    assert!(plain.1.iter().all(|gradient| !gradient.is_empty()));
    for (checkpoints, is_last) in [(false, true), (true, false), (true, true)] {
        assert!(run(checkpoints, is_last) == plain, "checkpoints {checkpoints}, last {is_last}");
    }
}
