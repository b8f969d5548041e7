//! The state of a recurrent model that goes from batch to batch. That it is PyTorch's is in `parity`.

use nn::{Network as _, RecurrentConfig, RecurrentModel};
use tensor::Cell;

use super::*;

fn tiny_recurrent(cell: Cell) -> (RecurrentModel, Parameters) {
    let sizes = RecurrentConfig { vocab_size: 24, embedding_size: 16, hidden_size: 16, ..RecurrentConfig::default() };
    let model = RecurrentModel::new(RecurrentConfig { cell, ..sizes }).unwrap();
    let parameters = model.init(3);
    (model, parameters)
}

fn running_text(config: &TrainConfig, mask_documents: bool) -> Stage {
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new(counting_documents(40, 1))),
        held_out: Some((Arc::new(MemoryTokens::new(counting_documents(12, 99))), 100)),
        end_of_text: 0,
        mask_documents,
    };
    Stage::pretrain(&text, config).unwrap()
}

/// Eight lanes of four rows of twelve tokens, cut into two micro-batches.
fn carrying(steps: u64) -> TrainConfig {
    TrainConfig { carry_state: true, gradient_accumulation: 2, dropout: 0.1, ..settings(steps) }
}

#[test]
fn a_run_that_was_stopped_goes_on_from_the_state_it_had() {
    for cell in [Cell::Lstm, Cell::Gru] {
        // Among them stops in the middle of a lane, and at its end.
        let config = TrainConfig { checkpoint_every: 3, ..carrying(11) };
        let (model, start) = tiny_recurrent(cell);
        let stage = running_text(&config, false);
        let end = |stops: &[u64]| {
            let work = tempfile::tempdir().unwrap();
            let mut parameters = start.clone();
            for &steps in stops {
                let mut parameters = start.clone();
                stage.run(&model, &mut parameters, &config, work.path(), &after(steps), &mut Notes::default()).unwrap();
            }
            stage.run(&model, &mut parameters, &config, work.path(), &after(u64::MAX), &mut Notes::default()).unwrap();
            (work, bytes_of(&parameters))
        };
        let (work, straight) = end(&[]);
        for stops in [&[1][..], &[4], &[2, 3, 1], &[6]] {
            assert!(end(stops).1 == straight, "{cell:?}: stopped after {stops:?}");
        }
        // Of the checkpoints only the ones within a lane hold a state.
        let has_state = |step: u64| work.path().join(format!("checkpoint-{step:06}/carried.safetensors")).exists();
        assert!(has_state(9) && has_state(11));
        let replayed = stage
            .replay(&model, &mut start.clone(), &config, work.path(), 11, &mut Notes::default(), &mut |_| {}, None)
            .unwrap();
        assert_eq!((replayed.first_difference, replayed.from), (None, 9));
        let without = TrainConfig { carry_state: false, ..config.clone() };
        let mut parameters = start.clone();
        let work = tempfile::tempdir().unwrap();
        stage.run(&model, &mut parameters, &without, work.path(), &after(u64::MAX), &mut Notes::default()).unwrap();
        assert!(bytes_of(&parameters) != straight, "the state does not show");
    }
}

#[test]
fn a_state_that_is_gone_is_damage() {
    let config = TrainConfig { checkpoint_every: 2, ..carrying(7) };
    let (model, start) = tiny_recurrent(Cell::Lstm);
    let stage = running_text(&config, false);
    let work = tempfile::tempdir().unwrap();
    let mut notes = Notes::default();
    stage.run(&model, &mut start.clone(), &config, work.path(), &after(6), &mut notes).unwrap();
    std::fs::remove_file(work.path().join("checkpoint-000006/carried.safetensors")).unwrap();
    stage.run(&model, &mut start.clone(), &config, work.path(), &after(u64::MAX), &mut notes).unwrap();
    assert!(notes.warnings[0].contains("carried.safetensors"), "{:?}", notes.warnings);
}

#[test]
fn states_are_carried_by_recurrent_models_on_running_text_only() {
    let (model, start) = tiny_recurrent(Cell::Rnn);
    let message = |config: &TrainConfig, mask_documents: bool, network: &dyn nn::Network, start: &Parameters| {
        let work = tempfile::tempdir().unwrap();
        let stage = running_text(config, mask_documents);
        let mut parameters = start.clone();
        let run = stage.run(network, &mut parameters, config, work.path(), &after(1), &mut Notes::default());
        run.unwrap_err().to_string()
    };
    let refused = "`pretrain.carry_state` is true, but it must be false";
    let (decoder, weights) = tiny_model();
    let found = message(&carrying(3), false, &decoder, &weights);
    assert_eq!(found, format!("{refused}: only a recurrent model has a state to carry"));
    let found = message(&carrying(3), true, &model, &start);
    assert_eq!(found, format!("{refused}, unless the rows are running text whose documents are not separated"));
    let wide = TrainConfig { gradient_accumulation: 9, ..carrying(3) };
    let found = message(&wide, false, &model, &start);
    assert_eq!(found, format!("{refused}: the text has 33 rows, an update 36, and each is to go on by itself"));
}
