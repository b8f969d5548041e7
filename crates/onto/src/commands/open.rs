//! Opening whatever `--model` names: a Hugging Face folder or an n-gram file, found out by looking.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lang::chat::{ChatError, ChatTemplate};
use lang::model::LanguageModel;
use lang::tokenizer::Tokenizer;
use slm::NGram;

/// A model of any generation with what is needed to read and write text with it.
pub struct OpenModel {
    /// The model.
    pub model: Box<dyn LanguageModel>,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// How conversations are written down for it.
    pub template: ChatTemplate,
    /// Tokens that end a text or a turn.
    pub stop: Vec<u32>,
}

/// Opens a model; `tokenizer` is where its tokenizer stands when not beside it.
pub fn open(path: &Path, tokenizer: Option<&Path>) -> Result<OpenModel> {
    if !path.exists() {
        bail!(
            "there is no model at {}\nhint: --model takes a folder with config.json and model.safetensors, or an .arpa \
             file; `onto run` makes one",
            path.display()
        );
    }
    let beside = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    let home = match tokenizer {
        Some(home) => home.to_owned(),
        None if beside.join("tokenizer.json").exists() => beside.to_owned(),
        // The baselines of a run stand beside its tokenizer stage.
        None => beside.join("../tokenizer"),
    };
    let arpa = if path.is_dir() { path.join("ngram.arpa") } else { path.to_owned() };
    let is_arpa = arpa.extension().is_some_and(|extension| extension == "arpa") && arpa.exists();
    if !is_arpa && !path.join("config.json").exists() {
        let inside = path.join("models/aligned");
        let hint = if inside.exists() {
            format!("this is the folder of a run; try --model {}", inside.display())
        } else {
            "a folder with config.json, model.safetensors and tokenizer.json, or an .arpa file".to_owned()
        };
        bail!("{} is no model this program knows\nhint: {hint}", path.display());
    }
    let tokenizer = Tokenizer::load(&home).with_context(|| {
        format!(
            "the tokenizer of {} cannot be read\nhint: tokenizer.json stands beside the model, or `onto score \
             --tokenizer DIR` names it",
            path.display()
        )
    })?;
    let template = match ChatTemplate::load(&home) {
        Err(ChatError::NoTemplate(_)) => ChatTemplate::chatml(),
        found => found?,
    };
    let mut stop = vec![tokenizer.end_of_text()];
    stop.extend(tokenizer.end_of_turn());
    let model: Box<dyn LanguageModel> =
        if path.join("config.json").exists() { infer::open(path, &tokenizer)? } else { Box::new(NGram::load(&arpa)?) };
    if tokenizer.vocabulary_size() > model.vocabulary_size() {
        bail!(
            "the tokenizer in {} has {} tokens, the model {}: they do not belong together",
            home.display(),
            tokenizer.vocabulary_size(),
            model.vocabulary_size()
        );
    }
    Ok(OpenModel { model, tokenizer, template, stop })
}
