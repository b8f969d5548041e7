//! `onto tokenizer train`

use anyhow::Result;
use lang::tokenizer::{Tokenizer, TrainConfig};
use serde_json::{Map, json};

use crate::cli::TokenizerTrainArguments;
use crate::commands::Session;
use crate::commands::corpora::read_paths;
use crate::terminal::{Progress, line_to_stdout};

pub fn train(session: &Session, arguments: &TokenizerTrainArguments) -> Result<()> {
    let out = session.out()?;
    let (documents, inputs) = read_paths(session, &arguments.paths)?;
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    let settings = TrainConfig {
        vocab_size: arguments.vocab_size,
        min_frequency: arguments.min_frequency,
        split_han: arguments.split_han,
        space_last: arguments.space_last,
        ..TrainConfig::default()
    };
    let context = session.context(&out);
    let config = json!({"vocab_size": settings.vocab_size, "min_frequency": settings.min_frequency,
                        "split_han": settings.split_han, "space_last": settings.space_last});
    let stage = crate::run::stage::Stage {
        name: "tokenizer",
        kind: "tokenizer",
        path: &out,
        config,
        seed: session.seed(0),
        inputs,
    };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let mut progress = Progress::new(&session.terminal, "merging", settings.vocab_size as u64);
        let tokenizer = Tokenizer::train(&texts, &settings, &mut |done, total| progress.set("", done, total))?;
        tokenizer.save(dir)?;
        let mut metrics = Map::new();
        metrics.insert("vocab_size".into(), json!(tokenizer.vocabulary_size()));
        Ok(metrics)
    })?;
    if session.global.json {
        line_to_stdout(
            &json!({"tokenizer": out.to_string_lossy(), "sha256": manifest.sha256, "skipped": record.skipped})
                .to_string(),
        )
    } else {
        line_to_stdout(&format!("tokenizer {}", out.display()))
    }
}
