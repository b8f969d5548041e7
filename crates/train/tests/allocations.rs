//! What a steady update of the loop asks the system for: the lists of its batch and nothing else, however large the model is,
//! whatever it is made of and however it is trained. Alone in its binary, because all of the process is counted.
//!
//! Values, slopes, gradients and the optimiser's work come from the engine's pool, where a steady step asks for nothing (the
//! engine's own test holds that). A batch is made anew for every update: ids, targets and flags are a few numbers a token
//! beside the thousands that the model makes of it, and a data set hands them over for good, so that nothing of a batch can
//! reach into the next.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use nn::{Decoder, DecoderConfig, Network, RecurrentConfig, RecurrentModel};
use tensor::allocations::{Counting, count};
use train::{
    Checkpointing, DataSet, MemoryTokens, NextToken, OptimizerKind, Run, StreamShape, TokenStream, TrainConfig,
    rehearse,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROWS: usize = 4;
const TIME: usize = 24;
/// The loop's own lists: rows of the update, its micro-batches, and the objective's weights and seed.
const LOOP: u64 = 5;

fn data(mask_documents: bool) -> TokenStream {
    let documents: Vec<Vec<u32>> = (0..60).map(|d| (0..20).map(|t| 1 + (d * 7 + t) % 40).collect()).collect();
    let shape = StreamShape {
        what: "the corpus",
        end_of_text: 0,
        sequence_length: TIME,
        mask_documents,
        batch_size: ROWS,
        section: "pretrain",
    };
    TokenStream::new(Arc::new(MemoryTokens::new(documents)), &shape).unwrap()
}

/// Allocations of each of the later updates.
fn of_updates(network: &dyn Network, data: &TokenStream, config: &TrainConfig) -> Vec<u64> {
    let mut parameters = network.init(1);
    let run = Run {
        section: "pretrain",
        network,
        objective: &NextToken::default(),
        data,
        held_out: None,
        config,
        work: Path::new(""),
        interrupt: &|| false,
    };
    let mut counts = Vec::with_capacity(config.steps as usize);
    rehearse(&run, &mut parameters, &mut |_| counts.push(count())).unwrap();
    counts.windows(2).skip(3).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn a_steady_update_asks_for_its_batch_and_nothing_else() {
    let decoder = |n_layers: usize, hidden_size: usize| {
        let config = DecoderConfig {
            vocab_size: 48,
            hidden_size,
            n_layers,
            n_heads: 2,
            n_kv_heads: 2,
            intermediate_size: 48,
            ..DecoderConfig::default()
        };
        Decoder::new(config).unwrap()
    };
    let (small, large) = (decoder(1, 16), decoder(3, 64));
    for (threads, mask_documents) in [(1, false), (2, false), (2, true)] {
        tensor::set_threads(threads).unwrap();
        let data = data(mask_documents);
        // What reading asks for, once for every row and list, and what the model is handed of it.
        let reading = |rows: &[u64]| {
            let before = count();
            let batch = data.rows(rows).unwrap();
            let input = batch.input();
            let asked = count() - before;
            drop((batch, input));
            asked
        };
        let asked = reading(&[0, 3, 5, 9]);
        assert!(asked > 5 && asked < 40, "{asked}");
        for optimizer in [OptimizerKind::AdamW, OptimizerKind::Muon] {
            for activation_checkpointing in [Checkpointing::None, Checkpointing::Block] {
                let config = TrainConfig {
                    steps: 9,
                    batch_size: ROWS,
                    sequence_length: TIME,
                    optimizer,
                    activation_checkpointing,
                    dropout: 0.1,
                    ..TrainConfig::default()
                };
                for network in [&small, &large] {
                    let found = of_updates(network, &data, &config);
                    assert!(
                        found.iter().all(|&found| found <= asked + LOOP),
                        "{found:?} for {asked} of reading: {optimizer:?}, {activation_checkpointing:?}, {threads} threads"
                    );
                }
            }
        }
    }
    // A state that is carried adds the lists that hold it; its values come from the pool too.
    let sizes = RecurrentConfig { vocab_size: 48, embedding_size: 16, hidden_size: 16, ..RecurrentConfig::default() };
    let network = RecurrentModel::new(sizes).unwrap();
    let config =
        TrainConfig { steps: 9, batch_size: ROWS, sequence_length: TIME, carry_state: true, ..TrainConfig::default() };
    let found = of_updates(&network, &data(false), &config);
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
    let without = of_updates(&network, &data(false), &TrainConfig { carry_state: false, ..config });
    assert!(found[0] <= without[0] + 2, "{found:?} {without:?}");
}
