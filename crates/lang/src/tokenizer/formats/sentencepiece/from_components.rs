//! The SentencePiece model that does what a tokenizer of other components does: Unigram or byte-pair encoding of characters,
//! over text whose spaces are made visible.

use serde_json::Value;

use super::model::{BPE, Kind, Model, Piece, UNIGRAM};
use crate::tokenizer::formats::convert::described;
use crate::tokenizer::{Core, base64};

/// What happens to white space.
#[derive(Default)]
struct Spaces {
    chars_map: Vec<u8>,
    add_prefix: bool,
    remove_extra: bool,
    escape: bool,
}

pub(super) fn model(core: &Core) -> Result<Model, String> {
    let described = described(core);
    let spaces = spaces(core)?;
    let (model_type, scores) = match described["type"].as_str() {
        Some("Unigram") => (UNIGRAM, unigram_scores(&described["vocab"])?),
        Some("BPE") if core.pipeline.model.takes_bytes() => {
            return Err("its tokens are bytes, not characters".to_owned());
        }
        Some("BPE") => {
            let plain = ["continuing_subword_prefix", "end_of_word_suffix"].iter().all(|key| described[*key].is_null());
            if !plain || described["ignore_merges"] == true {
                return Err("its pieces are marked inside or at the end of words, or merges are passed over".to_owned());
            }
            (BPE, merge_scores(core)?)
        }
        kind => return Err(format!("its model is {}", kind.unwrap_or("of no known type"))),
    };
    let byte_fallback = described["byte_fallback"] == true;
    let unknown = match model_type {
        UNIGRAM => described["unk_id"].as_u64().map(|id| id as usize),
        _ => described["unk_token"].as_str().and_then(|name| core.ids.get(name)).map(|&id| id as usize),
    };
    let Some(unknown) = unknown else {
        return Err("it has no token for the unknown".to_owned());
    };
    let kind = |id: usize, token: &str| -> Result<Kind, String> {
        let added = core.added.iter().find(|added| added.id as usize == id);
        Ok(match added {
            _ if id == unknown => Kind::Unknown,
            Some(added) if added.special => Kind::Control,
            Some(added) if added.single_word || added.strip_left || added.strip_right => {
                return Err(format!("the added token {token:?} takes heed of what stands around it"));
            }
            Some(_) => Kind::UserDefined,
            None if byte_fallback && is_byte(token) => Kind::Byte,
            None => Kind::Normal,
        })
    };
    let mut pieces = Vec::with_capacity(core.tokens.len());
    for (id, token) in core.tokens.iter().enumerate() {
        let score = scores.get(id).copied().unwrap_or(0.0);
        pieces.push(Piece { text: token.clone(), score, kind: kind(id, token)? });
    }
    // What names the tokens says more than what is usual.
    let role = |id: Option<u32>| match id.map(|id| (id, pieces[id as usize].kind)) {
        Some((id, Kind::Control)) => i32::try_from(id).unwrap_or(-1),
        _ => -1,
    };
    let roles = [core.roles.beginning_of_text, core.roles.end_of_text, core.roles.padding].map(role);
    let padding = if roles[2] == roles[1] { -1 } else { roles[2] };
    Ok(Model {
        model_type,
        byte_fallback,
        chars_map: spaces.chars_map,
        add_dummy_prefix: spaces.add_prefix,
        remove_extra_spaces: spaces.remove_extra,
        escape_spaces: spaces.escape,
        roles: [roles[0], roles[1], padding],
        pieces,
        treat_space_as_suffix: false,
    })
}

fn is_byte(token: &str) -> bool {
    let digits = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| digits.len() == 2 && u8::from_str_radix(digits, 16).is_ok())
}

fn unigram_scores(vocabulary: &Value) -> Result<Vec<f32>, String> {
    let entries = vocabulary.as_array().map(Vec::as_slice).unwrap_or_default();
    let score = |entry: &Value| entry[1].as_f64().map(|score| score as f32);
    let scores: Option<Vec<f32>> = entries.iter().map(score).collect();
    scores.ok_or_else(|| "a token has no score".to_owned())
}

/// Scores by which the tokens are joined in the order of the merges.
fn merge_scores(core: &Core) -> Result<Vec<f32>, String> {
    // Characters come after everything joined, as SentencePiece's own trainer has them.
    let mut scores: Vec<Option<f32>> = vec![None; core.tokens.len()];
    let mut rank = 0.0;
    for &(left, right) in core.pipeline.model.merges() {
        let joined = format!("{}{}", core.tokens[left as usize], core.tokens[right as usize]);
        let Some(&token) = core.ids.get(&joined) else {
            return Err(format!("a merge makes {joined:?}, which is no token"));
        };
        if scores[token as usize].is_none() {
            scores[token as usize] = Some(rank);
            rank -= 1.0;
        }
    }
    Ok(scores.into_iter().map(|score| score.unwrap_or(rank)).collect())
}

/// The members of a component that may be a sequence of them.
fn members<'a>(component: &'a Value, key: &str) -> Vec<&'a Value> {
    match component[key].as_array() {
        Some(list) => list.iter().collect(),
        None if component.is_null() => Vec::new(),
        None => vec![component],
    }
}

fn spaces(core: &Core) -> Result<Spaces, String> {
    let mut spaces = Spaces::default();
    for part in members(&core.components.normalizer, "normalizers") {
        match part["type"].as_str().unwrap_or_default() {
            "Precompiled" if spaces.chars_map.is_empty() => {
                let map = part["precompiled_charsmap"].as_str().and_then(base64::decode);
                spaces.chars_map = map.ok_or("its character map is not base64")?;
            }
            "Prepend" if part["prepend"] == "▁" => spaces.add_prefix = true,
            "Strip" if part["strip_left"] == true && part["strip_right"] == true => spaces.remove_extra = true,
            "Replace" if part["pattern"]["Regex"] == " {2,}" && (part["content"] == " " || part["content"] == "▁") => {
                spaces.remove_extra = true;
            }
            "Replace" if part["pattern"]["String"] == " " && part["content"] == "▁" => spaces.escape = true,
            other => return Err(format!("it has no place for the normalizer {other}")),
        }
    }
    for part in members(&core.components.pre_tokenizer, "pretokenizers") {
        match part["type"].as_str().unwrap_or_default() {
            "WhitespaceSplit" => spaces.remove_extra = true,
            "Metaspace" if part["replacement"] == "▁" => {
                spaces.escape = true;
                let scheme = part["prepend_scheme"].as_str();
                spaces.add_prefix |= match scheme {
                    Some(scheme) => scheme != "never",
                    None => part["add_prefix_space"] != false,
                };
            }
            other => return Err(format!("it has no place for the pre-tokenizer {other}")),
        }
    }
    if !spaces.escape {
        return Err("spaces are not made visible in its tokens".to_owned());
    }
    Ok(spaces)
}
