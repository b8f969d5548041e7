//! Values that are no numbers are traced to the operation, the layer, the step and the token they come from.

use train::{Silent, TrainError, Trap};

use super::*;

fn fill(parameters: &mut Parameters, name: &str, value: f32) {
    let id = parameters.id(name).unwrap();
    parameters.values_mut(id).fill(value);
}

/// Trains the tiny model, changed by `change`; the error, and that nothing was updated.
fn failure(config: &TrainConfig, change: impl FnOnce(&mut Parameters)) -> (TrainError, String) {
    let work = tempfile::tempdir().unwrap();
    let (decoder, mut parameters) = tiny_model();
    change(&mut parameters);
    let before = bytes_of(&parameters);
    let error = pretraining(config)
        .run(&decoder, &mut parameters, config, work.path(), &|| false, &mut Silent)
        .expect_err("there is a value that is no number");
    assert_eq!(bytes_of(&parameters), before, "nothing may be updated");
    let message = error.to_string();
    (error, message)
}

fn trap_of(error: TrainError) -> Trap {
    match error {
        TrainError::NonFinite { trap: Some(trap), .. } => *trap,
        other => panic!("{other}"),
    }
}

#[test]
fn a_weight_that_is_no_number_is_named_with_its_layer() {
    let config = TrainConfig { eval_every: 0, ..settings(4) };
    for layer in [0, 1] {
        let name = format!("model.layers.{layer}.mlp.down_proj.weight");
        let (error, message) = failure(&config, |parameters| {
            let id = parameters.id(&name).unwrap();
            // Row 3, column 5 of (16, 32).
            parameters.values_mut(id)[3 * 32 + 5] = f32::NAN;
        });
        let parts = [
            "the loss is NaN at step 1: going forward, the first such value is NaN in the output of linear".to_owned(),
            format!("(layers.{layer}.mlp, {name}) at row 0, column 3, which is token "),
            " of row ".to_owned(),
            " at place 0, in document ".to_owned(),
            format!("{name} itself holds NaN at row 3, column 5"),
            "nothing was updated".to_owned(),
            "start from other weights".to_owned(),
        ];
        for part in &parts {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
        let trap = trap_of(error);
        assert_eq!((trap.backward, trap.op, trap.part, trap.row, trap.column), (false, "linear", "output", 0, 3));
    }
}

/// The token the message names is the one the batch holds there.
#[test]
fn the_token_is_that_of_the_batch() {
    let config = TrainConfig { eval_every: 0, ..settings(4) };
    let (error, message) = failure(&config, |parameters| {
        // The vector of token 7.
        let id = parameters.id("model.embed_tokens.weight").unwrap();
        parameters.values_mut(id)[7 * 16 + 2] = f32::INFINITY;
    });
    let trap = trap_of(error);
    assert_eq!((trap.op, trap.layer.as_str(), trap.column), ("embedding", "embeddings", 2));
    let token = trap.token.unwrap();
    assert_eq!(token.id, 7);
    // Rows of twelve tokens of a stream of documents of nine and a separator before each.
    let number = |part: &str| -> u64 {
        let rest = token.place.split(part).nth(1).unwrap();
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    let (row, place, document) = (number("row "), number("place "), number("document "));
    let at = row * 12 + place;
    assert_eq!(document, at / 10 + 1, "{message}");
    assert_eq!(counting_documents(40, 1)[document as usize - 1][at as usize % 10 - 1], 7, "{message}");
}

/// Weights that are numbers, whose product is none.
#[test]
fn an_overflow_going_forward_is_found() {
    let config = TrainConfig { eval_every: 0, ..settings(4) };
    let (error, message) = failure(&config, |parameters| {
        fill(parameters, "model.layers.1.self_attn.v_proj.weight", 1e38);
        fill(parameters, "model.layers.1.input_layernorm.weight", 1e10);
    });
    let trap = trap_of(error);
    assert_eq!((trap.op, trap.layer.as_str()), ("linear", "layers.1.attention"), "{message}");
    assert_eq!(trap.parameter.as_deref(), Some("model.layers.1.self_attn.v_proj.weight"));
    assert_eq!(trap.weight, None);
    assert!(message.contains("lower `learning_rate`"), "{message}");
}

/// silu(0) = 0 hides the huge values of `up` going forward; its derivative there is one half and does not.
#[test]
fn an_overflow_going_backward_is_found() {
    for layer in [0, 1] {
        let config = TrainConfig { eval_every: 0, gradient_accumulation: 2, ..settings(4) };
        let (error, message) = failure(&config, |parameters| {
            let name = |part: &str| format!("model.layers.{layer}.mlp.{part}_proj.weight");
            fill(parameters, &name("gate"), 0.0);
            let (up, down) = (parameters.id(&name("up")).unwrap(), parameters.id(&name("down")).unwrap());
            parameters.values_mut(up).iter_mut().for_each(|value| *value *= 1e25);
            parameters.values_mut(down).iter_mut().for_each(|value| *value *= 1e25);
        });
        assert!(message.starts_with("the gradient norm is "), "{message}");
        assert!(message.contains("at step 1: going backward, the first such value is "), "{message}");
        let trap = trap_of(error);
        let found = (trap.backward, trap.op, trap.part, trap.layer.clone());
        assert_eq!(found, (true, "swiglu", "slope", format!("layers.{layer}.mlp")), "{message}");
        assert!(!trap.value.is_finite() && trap.token.is_some(), "{message}");
    }
}

/// f32 holds each of the gradients but not their squares.
#[test]
fn gradients_too_large_for_a_norm_name_the_largest() {
    let config = TrainConfig { eval_every: 0, ..settings(4) };
    let (error, message) = failure(&config, |parameters| {
        fill(parameters, "model.layers.0.mlp.gate_proj.weight", 0.0);
        let up = parameters.id("model.layers.0.mlp.up_proj.weight").unwrap();
        parameters.values_mut(up).iter_mut().for_each(|value| *value *= 1e25);
    });
    assert!(message.contains("all gradients are finite, but their squares are not; the largest is "), "{message}");
    let trap = trap_of(error);
    assert_eq!(trap.parameter.as_deref(), Some("model.layers.0.mlp.gate_proj.weight"), "{message}");
    assert!(trap.value.is_finite() && trap.value.abs() > 1e19);
}

/// The loss is one number of many rows; the row is found all the same.
#[test]
fn a_loss_names_the_row_it_comes_from() {
    let config = DecoderConfig { tie_word_embeddings: false, ..tiny_model().0.config().clone() };
    let decoder = Decoder::new(config).unwrap();
    let mut parameters = decoder.init(3);
    let head = decoder.head().weight;
    parameters.values_mut(head)[5] = f32::NAN;
    let config = TrainConfig { eval_every: 0, ..settings(4) };
    let work = tempfile::tempdir().unwrap();
    let run = pretraining(&config).run(&decoder, &mut parameters, &config, work.path(), &|| false, &mut Silent);
    let error = run.unwrap_err();
    let message = error.to_string();
    let trap = trap_of(error);
    assert_eq!((trap.op, trap.layer.as_str(), trap.row), ("linear_cross_entropy", "loss", 0), "{message}");
    assert_eq!(trap.token.as_ref().map(|token| token.place.contains("at place 0")), Some(true), "{message}");
    assert_eq!(trap.weight.map(|weight| weight.0), Some("lm_head.weight".to_owned()));
}

#[test]
fn held_out_rows_are_named_too() {
    let (error, message) = failure(&settings(4), |parameters| fill(parameters, "model.norm.weight", f32::INFINITY));
    assert!(message.starts_with("the loss on the held-out batches is NaN at step 0: going forward"), "{message}");
    let trap = trap_of(error);
    assert_eq!((trap.op, trap.layer.as_str()), ("rms_norm", "final_norm"));
    assert!(trap.token.is_some_and(|token| token.place.starts_with("row 0 at place 0")), "{message}");
}

/// The last checkpoint is part of the message: it is where to go on from.
#[test]
fn a_run_that_diverges_names_its_last_checkpoint() {
    let config = TrainConfig {
        learning_rate: 1e1,
        clip_norm: 0.0,
        optimizer: OptimizerKind::Sgd,
        momentum: 0.0,
        warmup_steps: 3,
        eval_every: 0,
        checkpoint_every: 1,
        ..settings(200)
    };
    let (error, message) = failure_after_updates(&config);
    let TrainError::NonFinite { step, .. } = error else { panic!("{message}") };
    assert!(step > 1, "{message}");
    assert!(message.contains(&format!("checkpoint-{:06}", step - 1)), "{message}");
}

fn failure_after_updates(config: &TrainConfig) -> (TrainError, String) {
    let work = tempfile::tempdir().unwrap();
    let (decoder, mut parameters) = tiny_model();
    // Weights so large that plain descent leaves the numbers within a few steps.
    for name in ["model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight"] {
        let id = parameters.id(name).unwrap();
        parameters.values_mut(id).iter_mut().for_each(|value| *value *= 1e4);
    }
    let run = pretraining(config).run(&decoder, &mut parameters, config, work.path(), &|| false, &mut Silent);
    let error = run.expect_err("the run diverges");
    let message = error.to_string();
    (error, message)
}

/// A parameter of another shape than the network's: the operation, both shapes and the layer.
#[test]
fn a_shape_that_does_not_fit_names_operation_shapes_and_layer() {
    let (decoder, whole) = tiny_model();
    let mut parameters = Parameters::new();
    for (_, name, tensor) in whole.iter() {
        let wrong = name == "model.layers.1.mlp.up_proj.weight";
        let tensor = if wrong { tensor::Tensor::zeros([32, 15], tensor::DType::F32) } else { tensor.clone() };
        parameters.add(name, tensor).unwrap();
    }
    let config = settings(2);
    let pair = train::PreferencePair { prompt: vec![1], chosen: vec![2], rejected: vec![3] };
    let error = Stage::align(&[pair], &[], train::DpoConfig::default(), &config, &decoder, &parameters, &mut |_, _| {})
        .err()
        .unwrap()
        .to_string();
    assert_eq!(error, "linear: shapes [2, 16] and [32, 15] do not fit (in layers.1.mlp)");
}
