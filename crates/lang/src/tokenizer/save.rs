//! Writing the folder that `transformers.AutoTokenizer` reads: `tokenizer.json` laid out byte for byte as
//! `Tokenizer.save` of Hugging Face `tokenizers` does, `tokenizer_config.json` and `special_tokens_map.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Core, Tokenizer, TokenizerError};

pub(super) fn save(tokenizer: &Tokenizer, dir: &Path) -> Result<(), TokenizerError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TokenizerError::Io { path, source }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    let files = [
        ("tokenizer.json", file(&tokenizer.core), ""),
        ("tokenizer_config.json", config(tokenizer), "\n"),
        ("special_tokens_map.json", Value::Object(named_tokens(&tokenizer.core)), "\n"),
    ];
    for (name, value, end) in files {
        let path = dir.join(name);
        // `{:#}` of a `Value` is its indented JSON.
        std::fs::write(&path, format!("{value:#}{end}")).map_err(failed(&path))?;
    }
    Ok(())
}

/// What `tokenizer.json` says.
pub(super) fn file(core: &Core) -> Value {
    let added: Vec<Value> = core
        .added
        .iter()
        .map(|token| {
            json!({
                "id": token.id,
                "content": token.content,
                "single_word": token.single_word,
                "lstrip": token.strip_left,
                "rstrip": token.strip_right,
                "normalized": token.normalized,
                "special": token.special,
            })
        })
        .collect();
    let components = &core.components;
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": components.normalizer,
        "pre_tokenizer": components.pre_tokenizer,
        "post_processor": components.post_processor,
        "decoder": components.decoder,
        "model": core.pipeline.model.to_json(&core.tokens, &core.in_model),
    })
}

/// What `special_tokens_map.json` says.
pub(super) fn named_tokens(core: &Core) -> Map<String, Value> {
    let roles = &core.roles;
    let named = |names: [&str; 2]| core.named_tokens.iter().any(|(name, _)| names.contains(&name.as_str()));
    let found = [
        ("bos_token", roles.beginning_of_text, "cls_token"),
        ("eos_token", roles.end_of_text, "sep_token"),
        ("pad_token", roles.padding, "pad_token"),
    ]
    .into_iter()
    // What the files named stays as they named it: BERT's texts begin with its cls_token.
    .filter(|(name, _, other)| !named([name, other]))
    .filter_map(|(name, id, _)| Some((name.to_owned(), core.tokens[id? as usize].as_str().into())));
    let kept = core.named_tokens.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
    kept.chain(found).collect()
}

/// What `tokenizer_config.json` says.
pub(super) fn config(tokenizer: &Tokenizer) -> Value {
    let mut fields = Map::new();
    fields.insert("tokenizer_class".to_owned(), "PreTrainedTokenizerFast".into());
    fields.extend(named_tokens(&tokenizer.core));
    fields.insert("add_prefix_space".to_owned(), false.into());
    // Off: transformers would otherwise remove spaces before punctuation when decoding.
    fields.insert("clean_up_tokenization_spaces".to_owned(), false.into());
    if let Some(length) = tokenizer.model_max_length {
        fields.insert("model_max_length".to_owned(), length.into());
    }
    if let Some(template) = &tokenizer.chat_template {
        fields.insert("chat_template".to_owned(), template.as_str().into());
    }
    Value::Object(fields)
}
