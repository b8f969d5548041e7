//! Recurrent language models: folders, packed rows, carried states. The golden is in `parity`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::sync::Arc;

use nn::{Batch, Network as _, RecurrentConfig, RecurrentModel};
use tensor::weights::load_safetensors;
use tensor::{Cell, Mask, Parameters, Tape, Tensor};

/// Distance relative to the second, by the Euclidean norm.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    difference / norm(&mut expected.iter().map(|&x| f64::from(x))).max(1e-12)
}

fn small(cell: Cell) -> RecurrentModel {
    let sizes = RecurrentConfig { vocab_size: 23, embedding_size: 9, hidden_size: 14, ..RecurrentConfig::default() };
    RecurrentModel::new(RecurrentConfig { cell, ..sizes }).unwrap()
}

#[test]
fn a_new_model_begins_as_pytorch_begins_one() {
    let model = small(Cell::Gru);
    let parameters = model.init(3);
    let bound = 1.0 / 14f32.sqrt();
    for (_, name, tensor) in parameters.iter() {
        let values = tensor.to_f32_vec();
        let largest = values.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        assert!(largest <= bound && largest > 0.8 * bound, "{name}: {largest} of {bound}");
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 4.0 * bound / (3.0 * values.len() as f32).sqrt(), "{name}: mean {mean}");
    }
    // Counted by hand: tables 23 · 9 and 23 · 14, layers 3 · 14 · (9 + 14 + 2) and 3 · 14 · (14 + 14 + 2).
    assert_eq!(model.n_parameters(), 23 * 9 + 23 * 14 + 42 * 25 + 42 * 30);
    assert_eq!(model.flops_per_token(35, 1.0), 6.0 * (42 * 23 + 42 * 28 + 23 * 14) as f64);
    assert!(!model.decays(parameters.id("rnn.bias_hh_l1").unwrap()));
    assert!(model.is_block_matrix(parameters.id("rnn.weight_hh_l1").unwrap()));
    assert!(!model.is_block_matrix(model.head().weight));
}

#[test]
fn folders_come_back() {
    for (cell, is_tied) in [(Cell::Rnn, false), (Cell::Lstm, true), (Cell::Gru, false)] {
        let config = RecurrentConfig {
            cell,
            vocab_size: 23,
            embedding_size: if is_tied { 14 } else { 9 },
            hidden_size: 14,
            tie_word_embeddings: is_tied,
            eos_token_id: 2,
            ..RecurrentConfig::default()
        };
        let model = RecurrentModel::new(config.clone()).unwrap();
        let parameters = model.init(5);
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        model.save(&parameters, first.path(), &[]).unwrap();
        let (loaded, weights) = RecurrentModel::load(first.path()).unwrap();
        assert_eq!(loaded.config(), &config);
        loaded.save(&weights, second.path(), &[2]).unwrap();
        for file in ["config.json", "model.safetensors", "generation_config.json"] {
            let [a, b] = [&first, &second].map(|dir| fs::read(dir.path().join(file)).unwrap());
            assert!(a == b, "{cell:?}: {file}");
        }
        let stored = load_safetensors(&first.path().join("model.safetensors")).unwrap();
        assert_eq!(stored.contains_key("head.weight"), !is_tied);
        assert!(stored.contains_key("rnn.weight_ih_l0"));
    }
}

#[test]
fn broken_folders_are_named() {
    let model = small(Cell::Lstm);
    let dir = tempfile::tempdir().unwrap();
    model.save(&model.init(1), dir.path(), &[]).unwrap();
    let path = dir.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    let changes = [
        ("onto_recurrent", "llama", "model_type: expected \"onto_recurrent\", found \"llama\""),
        ("\"lstm\"", "\"qrnn\"", "there is no cell \"qrnn\""),
        ("hidden_size", "hidden", "unknown field `hidden`"),
        ("\"hidden_size\": 14", "\"hidden_size\": 0", "hidden_size is 0"),
        (
            "\"hidden_size\": 14",
            "\"hidden_size\": 15",
            "rnn.weight_ih_l0 has shape [56, 9], the config asks for [60, 9]",
        ),
        ("\"n_layers\": 2", "\"n_layers\": 3", "4 tensors are missing, the first is rnn.weight_ih_l2"),
        ("\"n_layers\": 2", "\"n_layers\": 1", "4 tensors do not belong"),
    ];
    for (from, to, expected) in changes {
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&path, text.replace(from, to)).unwrap();
        let message = RecurrentModel::load(dir.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

fn hidden(model: &RecurrentModel, parameters: &Parameters, batch: &Batch) -> Vec<f32> {
    let mut tape = Tape::forward_only(parameters);
    let hidden = model.hidden(&mut tape, batch, None).unwrap();
    tape.value(hidden).to_f32_vec()
}

#[test]
fn packed_rows_and_carried_states() {
    for cell in Cell::ALL {
        let model = small(cell);
        let parameters = model.init(2);
        let row: Vec<u32> = (0..9).map(|i| (i * 7 + 3) % 23).collect();
        let packed = Batch::packed(&[&row], &[[4, 5]]).unwrap();
        let apart = [&row[..4], &row[4..]].map(|row| hidden(&model, &parameters, &Batch::causal(&[row]).unwrap()));
        assert!(distance(&hidden(&model, &parameters, &packed), &apart.concat()) < 1e-6, "{cell:?}");

        let whole = hidden(&model, &parameters, &Batch::causal(&[&row]).unwrap());
        let mut states: Vec<Tensor> = Vec::new();
        let mut carried = Vec::new();
        for part in [&row[..4], &row[4..]] {
            let mut tape = Tape::forward_only(&parameters);
            let batch = Batch::causal(&[part]).unwrap();
            let (hidden, last) = model.hidden_from(&mut tape, &batch, &states, None).unwrap();
            carried.extend(tape.value(hidden).to_f32_vec());
            states = last.into_iter().map(|state| tape.value(state).clone()).collect();
        }
        assert!(distance(&carried, &whole) < 1e-6, "{cell:?}");
        assert!(distance(&apart.concat(), &whole) > 1e-2, "{cell:?}: the state does not show");
    }
}

#[test]
fn dropout_and_refusals() {
    let model = small(Cell::Lstm);
    let parameters = model.init(2);
    let batch = Batch::causal(&[[1, 2, 3], [4, 5, 6]]).unwrap();
    let dropped = |seed| {
        let mut tape = Tape::forward_only(&parameters);
        let hidden = model.hidden(&mut tape, &batch, Some((0.5, seed))).unwrap();
        tape.value(hidden).to_f32_vec()
    };
    let zeros = dropped(1).iter().filter(|&&x| x == 0.0).count();
    assert!((20..64).contains(&zeros), "{zeros} of 84 are dropped");
    assert_eq!(dropped(1), dropped(1));
    assert_ne!(dropped(1), dropped(2));

    let mut tape = Tape::forward_only(&parameters);
    let mut message = |batch: &Batch| model.hidden(&mut tape, batch, None).unwrap_err().to_string();
    let unknown = Batch::causal(&[[1, 23]]).unwrap();
    assert_eq!(message(&unknown), "token id 23 at position 1 is outside the vocabulary of 23");
    let full = Batch { mask: Mask::Full, ..batch.clone() };
    assert!(message(&full).contains("reads from left to right, not under Full"));
    let short = Batch { time: 2, ..batch.clone() };
    assert_eq!(message(&short), "batch: 2 rows of 2 tokens, but 6 ids and 6 positions");
    let packed = Batch { mask: Mask::Packed { document_of: Arc::from([0u32]) }, ..batch.clone() };
    assert!(message(&packed).contains("1 document numbers, expected 6"));
    let state = Tensor::from_f32([4, 14], vec![0.0; 56]).unwrap();
    let error = model.hidden_from(&mut tape, &batch, &[state], None).unwrap_err();
    assert_eq!(error.to_string(), "batch: 1 states for 2 layers");
}
