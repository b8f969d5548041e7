//! Putting a tokenizer together from its components, whichever format they were read from.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::added::{AddedToken, Matcher};
use super::aligned::Aligned;
use super::fields::Source;
use super::model::Model;
use super::normalize::Normalizer;
use super::pattern::known;
use super::pipeline::{Cut, Pipeline};
use super::pre_tokenize::PreTokenizer;
use super::roles::Roles;
use super::{Components, Core, Tokenizer, TokenizerError, bytes, decode, normalize, post_process, pre_tokenize};

/// What a format gives.
pub(super) struct Parts<'a> {
    pub(super) components: Components,
    /// Tokens of the model's own vocabulary.
    pub(super) ids: &'a HashMap<String, u32>,
    /// Those and the added tokens, as [`check_vocabulary`] gives them.
    pub(super) all: HashMap<String, u32>,
    /// Ordered by id.
    pub(super) added: Vec<AddedToken>,
    pub(super) roles: Roles,
    /// What normalizes and cuts in place of the components, where `tokenizer.json` cannot say it.
    pub(super) instead: Option<(Box<dyn Normalizer>, Box<dyn PreTokenizer>)>,
}

/// The tokens of the vocabulary and the added ones, which must not contradict each other.
pub(super) fn check_vocabulary(
    source: &Source,
    ids: &HashMap<String, u32>,
    added: &[AddedToken],
) -> Result<HashMap<String, u32>, TokenizerError> {
    let mut all = ids.clone();
    for AddedToken { content, id, .. } in added {
        if let Some(known) = ids.get(content).filter(|known| *known != id) {
            return Err(source.invalid(format!("{content:?} is {known} in vocab but {id} in added_tokens")));
        }
        all.insert(content.clone(), *id);
    }
    Ok(all)
}

/// The spelling of each id, which must be 0, 1, 2, … without gap or repetition.
fn spellings(source: &Source, ids: &HashMap<String, u32>) -> Result<Vec<String>, TokenizerError> {
    let mut by_id: Vec<(u32, &String)> = ids.iter().map(|(token, &id)| (id, token)).collect();
    by_id.sort_unstable();
    if let Some(pair) = by_id.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(source.invalid(format!("id {} is both {:?} and {:?}", pair[0].0, pair[0].1, pair[1].1)));
    }
    if let Some((expected, (id, token))) =
        by_id.iter().enumerate().find(|(expected, (id, _))| *expected != *id as usize)
    {
        return Err(source.invalid(format!("no token has id {expected}, but {token:?} has {id}")));
    }
    Ok(by_id.into_iter().map(|(_, token)| token.clone()).collect())
}

/// `make_model` is told whether pieces are spelt byte by byte and how many ids there are.
pub(super) fn assemble(
    source: &Source,
    parts: Parts,
    make_model: impl FnOnce(bool, usize) -> Result<Box<dyn Model>, TokenizerError>,
) -> Result<Tokenizer, TokenizerError> {
    let Parts { components, ids: own, all, added, roles, instead } = parts;
    let tokens = spellings(source, &all)?;
    let mut normalizer = normalize::read(source, &components.normalizer)?;
    // Read even if it is not run, so that mistakes in it are found.
    let pre_tokenizer = pre_tokenize::read(source, &components.pre_tokenizer)?;
    let byte_level = byte_level_cut(source, &components.pre_tokenizer)?;
    let model = make_model(byte_level.is_some(), tokens.len())?;
    let mut cut = match byte_level {
        Some(cut) if model.takes_bytes() => cut,
        _ => Cut::Any(pre_tokenizer),
    };
    if let Some((own_normalizer, own_cut)) = instead {
        normalizer = Some(own_normalizer);
        cut = Cut::Any(Some(own_cut));
    }
    let post_processor = post_process::read(source, &components.post_processor)?;
    let decoder = decode::read(source, &components.decoder)?;

    let mut in_model = vec![false; tokens.len()];
    own.values().for_each(|&id| in_model[id as usize] = true);
    let mut is_special = vec![false; tokens.len()];
    let mut token_bytes: Option<Vec<Vec<u8>>> = decode::is_byte_level(&components.decoder)
        .then(|| tokens.iter().map(|token| bytes::unspell_token(token)).collect());
    let mut decoded_as = HashMap::new();
    let (mut raw, mut normalized) = (Vec::new(), Vec::new());
    for token in &added {
        is_special[token.id as usize] = token.special;
        if let Some(token_bytes) = &mut token_bytes {
            token_bytes[token.id as usize] = token.content.as_bytes().to_vec();
        }
        if !token.normalized {
            raw.push((token.content.clone(), token.clone()));
            continue;
        }
        let mut text = Aligned::new(&token.content, 0..token.content.len(), false);
        normalizer.iter().for_each(|normalizer| normalizer.normalize(&mut text));
        if text.text != token.content {
            decoded_as.insert(token.id, text.text.clone());
        }
        normalized.push((text.text, token.clone()));
    }
    let pipeline = Pipeline::new(normalizer, cut, model, Matcher::new(raw), Matcher::new(normalized));
    let core = Core {
        pipeline,
        post_processor,
        decoder,
        components,
        tokens,
        token_bytes,
        decoded_as,
        ids: all,
        added,
        is_special,
        in_model,
        roles,
        named_tokens: Vec::new(),
        sentencepiece: None,
    };
    Ok(Tokenizer { core: core.into(), chat_template: None, model_max_length: None })
}

/// Pre-tokenizers that only cut, so that bytes can go on to the model as they are.
const CUTTING: [&str; 8] = [
    "BertPreTokenizer",
    "CharDelimiterSplit",
    "Digits",
    "FixedLength",
    "Punctuation",
    "Split",
    "Whitespace",
    "WhitespaceSplit",
];

/// How to cut a text whose pieces the pre-tokenizer `value` spells byte by byte in the end, without spelling them; `None`
/// if it does something else.
pub(super) fn byte_level_cut(source: &Source, value: &Value) -> Result<Option<Cut>, TokenizerError> {
    let members = match value["type"].as_str() {
        Some("ByteLevel") => std::slice::from_ref(value),
        Some("Sequence") => value["pretokenizers"].as_array().map(Vec::as_slice).unwrap_or_default(),
        _ => &[],
    };
    let Some((last, before)) = members.split_last() else {
        return Ok(None);
    };
    let cuts = |member: &Value| CUTTING.iter().any(|kind| member["type"] == *kind);
    if last["type"] != "ByteLevel" || last["add_prefix_space"] != false || !before.iter().all(cuts) {
        return Ok(None);
    }
    // GPT-2's pattern is part of the last member.
    let has_pattern = last["use_regex"].as_bool().unwrap_or(true);
    let regexes: Option<Vec<&str>> = before
        .iter()
        .map(|member| {
            let is_plain = member["behavior"] == "Isolated" && member["invert"] != true;
            member["pattern"]["Regex"].as_str().filter(|_| is_plain)
        })
        .collect();
    let known = match (regexes.as_deref(), has_pattern) {
        (Some([]), true) => Some(known::Pattern::Gpt2),
        (Some([]), false) => return Ok(Some(Cut::Bytes(Vec::new()))),
        (Some(regexes), false) => known::Pattern::from_regexes(regexes),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(Some(Cut::Known(known)));
    }
    let place = |at: usize| format!("pre_tokenizer.pretokenizers[{at}]");
    let mut cuts: Vec<Box<dyn PreTokenizer>> = before
        .iter()
        .enumerate()
        .map(|(at, member)| pre_tokenize::read_member(source, &place(at), member))
        .collect::<Result<_, _>>()?;
    if has_pattern {
        let gpt2 = json!({"type": "Split", "pattern": {"Regex": known::GPT2}, "behavior": "Isolated", "invert": false});
        cuts.push(pre_tokenize::read_member(source, "pre_tokenizer", &gpt2)?);
    }
    Ok(Some(Cut::Bytes(cuts)))
}
