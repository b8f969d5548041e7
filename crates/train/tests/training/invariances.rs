//! What must not change a result: how an update is cut, how documents lie in rows, how many threads work. (That an
//! interruption does not is in `resume`, that instruction sets do not in a binary of its own, `tests/isa.rs`.)

use train::{Checkpointing, DataSet, NextToken, PackedConversations, StreamShape, TokenStream, TrainBatch};

use super::objectives::{conversations, loss_and_gradient};
use super::*;

/// The largest difference of two lists over the largest value of the first.
fn gap(expected: &[f32], found: &[f32]) -> f32 {
    assert_eq!(expected.len(), found.len());
    let scale = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
    expected.iter().zip(found).fold(0f32, |most, (a, b)| most.max((a - b).abs())) / scale
}

/// Bound: one part in a million of the largest weight after three updates; a sum is taken in another order, and that is all.
#[test]
fn accumulation_equals_one_larger_batch() {
    let weights = |batch_size, gradient_accumulation| {
        let config = TrainConfig { batch_size, gradient_accumulation, epsilon: 1e-3, ..settings(3) };
        let work = tempfile::tempdir().unwrap();
        let (decoder, mut parameters) = tiny_model();
        let mut notes = Notes::default();
        pretraining(&config)
            .run(&decoder, &mut parameters, &config, work.path(), &after(u64::MAX), &mut notes)
            .unwrap();
        (values_of(&parameters), notes.losses)
    };
    let (whole, whole_losses) = weights(12, 1);
    for (batch_size, gradient_accumulation) in [(4, 3), (1, 12)] {
        let (parts, losses) = weights(batch_size, gradient_accumulation);
        for (a, b) in whole_losses.iter().zip(&losses) {
            assert!((a - b).abs() <= 1e-6 * a, "{a} and {b}");
        }
        assert!(gap(&whole, &parts) <= 1e-6, "{}", gap(&whole, &parts));
    }
}

/// Micro-batches with different numbers of targets: the mean is over the targets of the whole update, not a mean of means.
/// Bound: one part in a million of the loss, two of the largest slope.
#[test]
fn accumulation_weighs_targets_and_not_micro_batches() {
    let (decoder, parameters) = tiny_model();
    let data = PackedConversations::new(conversations(9, 4), 16, "tune").unwrap();
    let rows: Vec<u64> = (0..data.row_count()).collect();
    let whole = data.rows(&rows).unwrap();
    let parts: Vec<TrainBatch> = rows.iter().map(|&row| data.rows(&[row]).unwrap()).collect();
    assert!(parts.len() > 2 && parts.iter().any(|part| part.counts.targets != parts[0].counts.targets));
    let objective = NextToken { label_smoothing: 0.1, z_loss: 1e-3 };
    let (loss, gradient) = loss_and_gradient(&objective, &decoder, &parameters, &[whole]);
    let (of_parts, gradient_of_parts) = loss_and_gradient(&objective, &decoder, &parameters, &parts);
    assert!((loss - of_parts).abs() < 1e-6 * loss, "{loss} and {of_parts}");
    assert!(gap(&gradient, &gradient_of_parts) < 2e-6, "{}", gap(&gradient, &gradient_of_parts));
}

/// Bound: as above.
#[test]
fn packed_rows_equal_one_conversation_a_row() {
    let (decoder, parameters) = tiny_model();
    let all = conversations(9, 4);
    let packed = PackedConversations::new(all.clone(), 24, "tune").unwrap();
    assert!(packed.report().rows < 9, "{:?}", packed.report());
    let together = packed.rows(&(0..packed.row_count()).collect::<Vec<_>>()).unwrap();
    let apart: Vec<TrainBatch> = all
        .into_iter()
        .map(|one| {
            let length = one.ids.len() - 1;
            PackedConversations::new(vec![one], length, "tune").unwrap().rows(&[0]).unwrap()
        })
        .collect();
    let (loss, gradient) = loss_and_gradient(&NextToken::default(), &decoder, &parameters, &[together]);
    let (loss_apart, gradient_apart) = loss_and_gradient(&NextToken::default(), &decoder, &parameters, &apart);
    assert!((loss - loss_apart).abs() < 1e-6 * loss, "{loss} and {loss_apart}");
    assert!(gap(&gradient, &gradient_apart) < 2e-6, "{}", gap(&gradient, &gradient_apart));
}

/// Documents in one row, each seeing itself alone, against every document in a row of its own. Bound: as above.
#[test]
fn packed_documents_equal_one_document_a_row() {
    let (decoder, parameters) = tiny_model();
    let documents: Vec<Vec<u32>> = (1..6u32).map(|d| (0..d).map(|at| 1 + (d * 7 + at * 5) % 23).collect()).collect();
    let rows_of = |documents: &[Vec<u32>], mask_documents: bool| {
        // A separator before each document, which predicts its first token.
        let sequence_length = documents.iter().map(|document| document.len() + 1).sum();
        let what = "the documents";
        let shape =
            StreamShape { what, end_of_text: 0, sequence_length, mask_documents, batch_size: 1, section: "pretrain" };
        let stream = TokenStream::new(Arc::new(MemoryTokens::new(documents)), &shape).unwrap();
        assert_eq!(stream.row_count(), 1);
        stream.rows(&[0]).unwrap()
    };
    let apart: Vec<TrainBatch> =
        documents.iter().map(|document| rows_of(std::slice::from_ref(document), true)).collect();
    let objective = NextToken::default();
    let (expected, slopes) = loss_and_gradient(&objective, &decoder, &parameters, &apart);
    let (loss, gradient) = loss_and_gradient(&objective, &decoder, &parameters, &[rows_of(&documents, true)]);
    assert!((loss - expected).abs() < 1e-6 * expected, "{loss} and {expected}");
    assert!(gap(&slopes, &gradient) < 2e-6, "{}", gap(&slopes, &gradient));
    // It is the borders that make it so.
    let (unmasked, _) = loss_and_gradient(&objective, &decoder, &parameters, &[rows_of(&documents, false)]);
    assert!((unmasked - expected).abs() > 1e-3, "{unmasked} and {expected}");
}

/// Equal bits, no bound, with everything on that is summed over many values.
#[test]
fn one_two_and_three_threads_give_the_same_bits() {
    for (dtype, optimizer) in [(Precision::F32, OptimizerKind::AdamW), (Precision::Bf16, OptimizerKind::Muon)] {
        let config = TrainConfig {
            dtype,
            optimizer,
            dropout: 0.1,
            gradient_accumulation: 2,
            label_smoothing: 0.1,
            z_loss: 1e-3,
            ..settings(6)
        };
        let results = [1, 2, 3].map(|threads| {
            tensor::set_threads(threads).unwrap();
            let work = tempfile::tempdir().unwrap();
            pretrain_in(work.path(), &config, u64::MAX).1
        });
        assert!(results[0] == results[1] && results[0] == results[2], "{dtype:?}");
    }
}

/// Equal bits, no bound: a block that is computed again is computed by the same code from the same values, dropout included.
#[test]
fn checkpointed_blocks_give_the_same_bits() {
    let results = [Checkpointing::None, Checkpointing::Block].map(|activation_checkpointing| {
        let config = TrainConfig { activation_checkpointing, dropout: 0.1, gradient_accumulation: 2, ..settings(6) };
        let work = tempfile::tempdir().unwrap();
        let (_, weights, notes) = pretrain_in(work.path(), &config, u64::MAX);
        (weights, notes.losses)
    });
    assert!(results[0] == results[1]);
}

/// Bound: in forty updates the losses of bf16 stay within two hundredths of those of f32, and they are not the same.
#[test]
fn bf16_learns_as_f32_does() {
    let losses = [Precision::F32, Precision::Bf16].map(|dtype| {
        let work = tempfile::tempdir().unwrap();
        pretrain_in(work.path(), &TrainConfig { dtype, eval_every: 0, ..settings(40) }, u64::MAX).2.losses
    });
    let apart = losses[0].iter().zip(&losses[1]).map(|(a, b)| (a - b).abs() / a).fold(0.0, f64::max);
    assert!(apart < 2e-2 && apart > 0.0, "{apart}");
    assert!(losses[0][39] < 0.7 * losses[0][0], "{losses:?}");
}
