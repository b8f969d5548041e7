//! Writing the folder that `transformers.AutoTokenizer` reads: `tokenizer.json` laid out byte for byte as
//! `Tokenizer.save` of Hugging Face `tokenizers` does, `tokenizer_config.json` and `special_tokens_map.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Inner, TokenizerError};

pub(super) fn save(inner: &Inner, dir: &Path) -> Result<(), TokenizerError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TokenizerError::Io { path, source }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    let files = [
        ("tokenizer.json", tokenizer(inner), ""),
        ("tokenizer_config.json", config(inner), "\n"),
        ("special_tokens_map.json", special_tokens_map(inner), "\n"),
    ];
    for (name, value, end) in files {
        let path = dir.join(name);
        // `{:#}` of a `Value` is its indented JSON.
        std::fs::write(&path, format!("{value:#}{end}")).map_err(failed(&path))?;
    }
    Ok(())
}

fn tokenizer(inner: &Inner) -> Value {
    let added: Vec<Value> = inner
        .added
        .iter()
        .map(|token| {
            json!({
                "id": token.id,
                "content": token.content,
                "single_word": false,
                "lstrip": token.strip_left,
                "rstrip": token.strip_right,
                "normalized": token.normalized,
                "special": token.special,
            })
        })
        .collect();
    let byte_level = |add_prefix_space: bool, use_regex: bool| {
        json!({
            "type": "ByteLevel",
            "add_prefix_space": add_prefix_space,
            "trim_offsets": true,
            "use_regex": use_regex,
        })
    };
    let split = |regex: &&str| {
        json!({
            "type": "Split",
            "pattern": { "Regex": regex },
            "behavior": "Isolated",
            "invert": false,
        })
    };
    let pre_tokenizer = match inner.pattern.regexes() {
        [] => byte_level(false, true),
        regexes => {
            let mut members: Vec<Value> = regexes.iter().map(split).collect();
            members.push(byte_level(false, false));
            json!({ "type": "Sequence", "pretokenizers": members })
        }
    };
    let vocabulary: Map<String, Value> = (0..)
        .zip(&inner.tokens)
        .filter(|&(id, _)| inner.in_model[id as usize])
        .map(|(id, token): (u32, &String)| (token.clone(), id.into()))
        .collect();
    let spelling = |id: u32| inner.tokens[id as usize].as_str();
    let merges: Vec<Value> =
        inner.merge_list.iter().map(|&(left, right)| json!([spelling(left), spelling(right)])).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": null,
        "decoder": byte_level(true, true),
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": inner.ignore_merges,
            "vocab": vocabulary,
            "merges": merges,
        },
    })
}

fn named_tokens(inner: &Inner) -> Map<String, Value> {
    let roles = &inner.roles;
    [("bos_token", roles.beginning_of_text), ("eos_token", roles.end_of_text), ("pad_token", roles.padding)]
        .into_iter()
        .map(|(name, id)| (name.to_owned(), inner.tokens[id as usize].as_str().into()))
        .collect()
}

fn special_tokens_map(inner: &Inner) -> Value {
    Value::Object(named_tokens(inner))
}

fn config(inner: &Inner) -> Value {
    let mut fields = Map::new();
    fields.insert("tokenizer_class".to_owned(), "PreTrainedTokenizerFast".into());
    fields.extend(named_tokens(inner));
    fields.insert("add_prefix_space".to_owned(), false.into());
    // Off: transformers would otherwise remove spaces before punctuation when decoding.
    fields.insert("clean_up_tokenization_spaces".to_owned(), false.into());
    if let Some(length) = inner.model_max_length {
        fields.insert("model_max_length".to_owned(), length.into());
    }
    if let Some(template) = &inner.chat_template {
        fields.insert("chat_template".to_owned(), template.as_str().into());
    }
    Value::Object(fields)
}
