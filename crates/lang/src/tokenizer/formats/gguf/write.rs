//! Writing a vocabulary as GGUF without weights, as llama.cpp's own vocabulary files are.

use serde_json::Value as Json;

use super::container::{Metadata, Value, serialize};
use super::pre::Cut;
use crate::tokenizer::formats::convert::{Files, described, must_be_absent};
use crate::tokenizer::formats::plain;
use crate::tokenizer::formats::sentencepiece::{self, Kind, UNIGRAM};
use crate::tokenizer::{Core, Tokenizer};

/// The file `vocabulary.gguf`.
pub(in crate::tokenizer::formats) fn write(tokenizer: &Tokenizer) -> Result<Files, String> {
    let core = &*tokenizer.core;
    let mut out = Metadata::default();
    let mut notes = Vec::new();
    let model = described(core);
    match model["type"].as_str() {
        _ if core.sentencepiece.is_some() => pieces(tokenizer, &mut out)?,
        Some("BPE") if core.pipeline.model.takes_bytes() => byte_pairs(core, &model, &mut out, &mut notes)?,
        Some("WordPiece") => word_pieces(core, &mut out)?,
        Some("BPE" | "Unigram") => pieces(tokenizer, &mut out)?,
        _ => return Err("it has no words for its model".to_owned()),
    }
    let mut set = |key: &str, value: Value| out.0.push((format!("tokenizer.{key}"), value));
    let roles = &core.roles;
    for (key, id) in [
        ("bos", roles.beginning_of_text),
        ("eos", roles.end_of_text),
        ("padding", roles.padding),
        ("eot", roles.end_of_turn),
    ] {
        if let Some(id) = id {
            set(&format!("ggml.{key}_token_id"), Value::Unsigned(id));
        }
    }
    for (name, key) in
        [("unk_token", "unknown"), ("sep_token", "seperator"), ("cls_token", "cls"), ("mask_token", "mask")]
    {
        let named = core.named_tokens.iter().find(|(known, _)| known == name);
        if let Some(&id) = named.and_then(|(_, text)| core.ids.get(text)) {
            set(&format!("ggml.{key}_token_id"), Value::Unsigned(id));
        }
    }
    let (before, after) = tokenizer.template();
    let is = |tokens: &[u32], role: Option<u32>| tokens.len() == 1 && role == Some(tokens[0]);
    let is_usual = |tokens: &[u32], role: Option<u32>| tokens.is_empty() || is(tokens, role);
    if !is_usual(&before, roles.beginning_of_text) || !is_usual(&after, roles.end_of_text) {
        return Err("around a text stand tokens other than its beginning and its end".to_owned());
    }
    set("ggml.add_bos_token", Value::Flag(is(&before, roles.beginning_of_text)));
    set("ggml.add_eos_token", Value::Flag(is(&after, roles.end_of_text)));
    if let Some(template) = &tokenizer.chat_template {
        set("chat_template", Value::Text(template.clone()));
    }
    Ok(Files { notes, ..Files::one("vocabulary.gguf", serialize(&out)) })
}

/// The keys all kinds have.
fn begin(out: &mut Metadata, architecture: &str, kind: &str, pre: &str, tokens: Vec<String>, kinds: Vec<Kind>) {
    let mut set = |key: &str, value: Value| out.0.push((key.to_owned(), value));
    set("general.architecture", Value::Text(architecture.to_owned()));
    set("tokenizer.ggml.model", Value::Text(kind.to_owned()));
    set("tokenizer.ggml.pre", Value::Text(pre.to_owned()));
    set("tokenizer.ggml.tokens", Value::Texts(tokens));
    set("tokenizer.ggml.token_type", Value::Numbers(kinds.into_iter().map(|kind| kind as i64).collect()));
}

/// What every token is for, of vocabularies without unknown ones.
fn kinds(core: &Core) -> Vec<Kind> {
    let mut kinds = vec![Kind::Normal; core.tokens.len()];
    for token in &core.added {
        kinds[token.id as usize] = if token.special { Kind::Control } else { Kind::UserDefined };
    }
    kinds
}

fn byte_pairs(
    core: &Core,
    model: &serde_json::Map<String, Json>,
    out: &mut Metadata,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    if core.components.normalizer["type"] == "NFC" {
        notes
            .push("the normalizer NFC is left out, as in other files of this kind: text must come composed".to_owned());
    } else {
        must_be_absent("normalizer", &core.components.normalizer)?;
    }
    let Some(cut) = Cut::doing(&core.components.pre_tokenizer, model["ignore_merges"] == true) else {
        return Err("there is no name for the way its text is cut".to_owned());
    };
    begin(out, "llama", "gpt2", cut.names[0], core.tokens.clone(), kinds(core));
    let spell = |id: u32| core.tokens[id as usize].as_str();
    let merges = core.pipeline.model.merges().iter().map(|&(left, right)| format!("{} {}", spell(left), spell(right)));
    out.0.push(("tokenizer.ggml.merges".to_owned(), Value::Texts(merges.collect())));
    Ok(())
}

fn pieces(tokenizer: &Tokenizer, out: &mut Metadata) -> Result<(), String> {
    let model = sentencepiece::model_of(tokenizer)?;
    if !model.escape_spaces || model.treat_space_as_suffix {
        return Err("spaces are not made visible before words".to_owned());
    }
    let is_unigram = model.model_type == UNIGRAM;
    if model.model_type > 2 || (!is_unigram && !model.chars_map.is_empty()) {
        return Err("characters alone, or with a map before byte-pair encoding, have no kind of their own".to_owned());
    }
    let (architecture, kind) = if is_unigram { ("t5", "t5") } else { ("llama", "llama") };
    let texts = model.pieces.iter().map(|piece| piece.text.clone()).collect();
    begin(out, architecture, kind, "default", texts, model.pieces.iter().map(|piece| piece.kind).collect());
    let mut set = |key: &str, value: Value| out.0.push((format!("tokenizer.ggml.{key}"), value));
    set("scores", Value::Floats(model.pieces.iter().map(|piece| piece.score).collect()));
    set("add_space_prefix", Value::Flag(model.add_dummy_prefix));
    set("remove_extra_whitespaces", Value::Flag(model.remove_extra_spaces));
    if !model.chars_map.is_empty() {
        set("precompiled_charsmap", Value::Bytes(model.chars_map));
    }
    Ok(())
}

fn word_pieces(core: &Core, out: &mut Metadata) -> Result<(), String> {
    plain::is_bert(core)?;
    let is_marked = |token: &str| token.starts_with('[') && token.ends_with(']');
    let marked = core.tokens.iter().map(|token| match token.strip_prefix("##") {
        Some(inside) => inside.to_owned(),
        None if is_marked(token) => token.clone(),
        None => format!("▁{token}"),
    });
    let tokens = marked.collect();
    begin(out, "bert", "bert", "default", tokens, kinds(core));
    Ok(())
}
