//! SentencePiece models (`tokenizer.model`; Kudo and Richardson, 2018), BPE and Unigram, encoded as SentencePiece itself
//! does it.
//!
//! The components put down for saving are those Hugging Face's converter chooses, because `tokenizer.json` cannot say
//! all a model says: its character map is looked up by graphemes there, and white space is taken away otherwise.

mod from_components;
mod model;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::convert::Files;
use crate::tokenizer::added::AddedToken;
use crate::tokenizer::assemble::{Parts, assemble};
use crate::tokenizer::config::FolderConfig;
use crate::tokenizer::fields::Source;
use crate::tokenizer::merge::{Merge, PairTable, QuickMap, pair_key};
use crate::tokenizer::model::bpe::{Bpe, Settings};
use crate::tokenizer::model::unigram::{Arithmetic, Unigram};
use crate::tokenizer::normalize::{CharsMap, Normalizer, SentencePiece};
use crate::tokenizer::pre_tokenize::{PreTokenizer, symbols::Symbols};
use crate::tokenizer::roles::Roles;
use crate::tokenizer::{Components, Tokenizer, TokenizerError, base64};
pub(in crate::tokenizer) use model::{BPE, Kind, Model, Piece, UNIGRAM};

/// Reads the model `file`; what stands beside it is in `config`.
pub(super) fn load(file: &Path, bytes: &[u8], config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let model = model::parse(bytes).map_err(|problem| source.invalid(problem))?;
    build(&source, model, config, Json::Null)
}

/// `tokenizer.model`, of a tokenizer that was read from one or does what one can say.
pub(super) fn write(tokenizer: &Tokenizer) -> Result<Files, String> {
    Ok(Files::one("tokenizer.model", model::serialize(&model_of(tokenizer)?)))
}

/// The model a tokenizer was read from, else the one that does the same.
pub(in crate::tokenizer) fn model_of(tokenizer: &Tokenizer) -> Result<Model, String> {
    match &tokenizer.core.sentencepiece {
        Some(model) => Ok(model.clone()),
        None => from_components::model(&tokenizer.core),
    }
}

/// The tokenizer of a model that `source` says; `post_processor` is what stands there in `tokenizer.json`.
pub(in crate::tokenizer) fn build(
    source: &Source,
    model: Model,
    config: &FolderConfig,
    post_processor: Json,
) -> Result<Tokenizer, TokenizerError> {
    let mut ids: HashMap<String, u32> = HashMap::with_capacity(model.pieces.len());
    for (id, piece) in (0..).zip(&model.pieces) {
        if piece.text.is_empty() {
            return Err(source.invalid(format!("piece {id} is empty")));
        }
        if let Some(first) = ids.insert(piece.text.clone(), id) {
            return Err(source.invalid(format!("pieces {first} and {id} are both {:?}", piece.text)));
        }
    }
    let Some(unknown) = model.pieces.iter().position(|piece| piece.kind == Kind::Unknown) else {
        return Err(source.invalid("there is no piece for the unknown"));
    };
    let map = match model.chars_map.is_empty() {
        true => None,
        false => Some(
            CharsMap::parse(&model.chars_map)
                .map_err(|problem| source.invalid(format!("normalizer_spec.precompiled_charsmap: {problem}")))?,
        ),
    };
    let of_kind = |kind: Kind| model.pieces.iter().zip(0u32..).filter(move |(piece, _)| piece.kind == kind);
    let symbols: Vec<(String, u32)> = of_kind(Kind::UserDefined).map(|(piece, id)| (piece.text.clone(), id)).collect();
    let special = |(piece, id): (&Piece, u32)| AddedToken::special(id, &piece.text);
    let mut added: Vec<AddedToken> = of_kind(Kind::Control).chain(of_kind(Kind::Unknown)).map(special).collect();
    added.sort_by_key(|token| token.id);

    let mut roles = Roles::find(config, &ids)?;
    let [beginning, end, padding] =
        model.roles.map(|id| u32::try_from(id).ok().filter(|id| (*id as usize) < model.pieces.len()));
    if config.named_tokens.is_empty() {
        roles.beginning_of_text = beginning.or(roles.beginning_of_text);
        roles.end_of_text = end.or(roles.end_of_text);
        roles.padding = padding.or(roles.padding);
    }
    // Most models of this time leave the text as it is, but for the spaces.
    let is_plain = map.is_none()
        && symbols.is_empty()
        && model.escape_spaces
        && !model.remove_extra_spaces
        && !model.treat_space_as_suffix;
    let is_bpe = model.model_type != UNIGRAM;
    let normalizer = SentencePiece {
        map,
        symbols: Symbols::new(&symbols),
        add_prefix: model.add_dummy_prefix,
        prefix_is_suffix: model.treat_space_as_suffix,
        remove_extra_spaces: model.remove_extra_spaces,
        escape_spaces: model.escape_spaces,
    };
    // Unigram finds the symbols of the user by their scores.
    let cut = Symbols::new(if is_bpe { &symbols } else { &[] });
    let instead =
        (!is_plain).then(|| -> (Box<dyn Normalizer>, Box<dyn PreTokenizer>) { (Box::new(normalizer), Box::new(cut)) });
    let components = Components { post_processor, ..components(&model) };
    let parts = Parts { components, all: ids.clone(), ids: &ids, added, roles, instead };
    let mut tokenizer = assemble(source, parts, |_, size| match model.model_type {
        UNIGRAM => Ok(Box::new(unigram(&model, unknown as u32, &ids))),
        BPE | 4 => Ok(Box::new(bpe(source, &model, unknown, &ids, size, symbols)?)),
        3 => Err(source.invalid("trainer_spec.model_type: models of whole words are not supported")),
        other => Err(source.invalid(format!("trainer_spec.model_type: {other} is not known"))),
    })?;
    if let Some(core) = Arc::get_mut(&mut tokenizer.core) {
        core.sentencepiece = Some(model);
    }
    Ok(tokenizer)
}

fn unigram(model: &Model, unknown: u32, ids: &HashMap<String, u32>) -> Unigram {
    let normal = || model.pieces.iter().filter(|piece| piece.kind == Kind::Normal).map(|piece| piece.score);
    let (least, most) = (normal().fold(f32::INFINITY, f32::min), normal().fold(f32::NEG_INFINITY, f32::max));
    let score = |piece: &Piece| match piece.kind {
        // Symbols of the user win against almost anything they could be cut into.
        Kind::UserDefined => piece.text.len() as f32 * most - 0.1,
        _ => piece.score,
    };
    let is_used = |id: &u32| matches!(model.pieces[*id as usize].kind, Kind::Normal | Kind::UserDefined);
    let own: HashMap<String, u32> =
        ids.iter().filter(|(_, id)| is_used(id)).map(|(text, &id)| (text.clone(), id)).collect();
    let scores: Vec<f64> = model.pieces.iter().map(|piece| f64::from(score(piece))).collect();
    let fallback = model.byte_fallback.then(|| byte_tokens(ids));
    Unigram::new(&own, scores, unknown, f64::from(least), fallback, Arithmetic::Single)
}

fn byte_tokens(ids: &HashMap<String, u32>) -> Box<[Option<u32>; 256]> {
    Box::new(std::array::from_fn(|byte| ids.get(&format!("<0x{byte:02X}>")).copied()))
}

/// The merges of a BPE model: any two neighbours that spell a piece may be joined, the piece with the highest score first.
fn bpe(
    source: &Source,
    model: &Model,
    unknown: usize,
    ids: &HashMap<String, u32>,
    size: usize,
    symbols: Vec<(String, u32)>,
) -> Result<Bpe, TokenizerError> {
    if let Some(piece) = model.pieces.iter().find(|piece| piece.kind == Kind::Unused) {
        return Err(source.invalid(format!("the piece {:?} is of the type unused, which is not supported", piece.text)));
    }
    let mut own: HashMap<String, u32> = HashMap::new();
    let mut ranked: Vec<u32> = Vec::new();
    for (id, piece) in (0u32..).zip(&model.pieces) {
        if piece.kind == Kind::Normal {
            own.insert(piece.text.clone(), id);
            ranked.push(id);
        }
    }
    let score = |id: u32| model.pieces[id as usize].score;
    ranked.sort_by(|&left, &right| score(right).total_cmp(&score(left)).then(left.cmp(&right)));
    // Characters that are no pieces can still be parts of pieces.
    let mut extra: HashMap<char, u32> = HashMap::new();
    let mut table: QuickMap<u64, Merge> = QuickMap::default();
    let mut listed = Vec::new();
    let mut rank = 0;
    for (at, &id) in ranked.iter().enumerate() {
        // Pieces of one score are of one rank: the leftmost place goes first.
        if at > 0 && score(ranked[at - 1]) > score(id) {
            rank += 1;
        }
        let text = &model.pieces[id as usize].text;
        if model.model_type != BPE {
            continue;
        }
        for (cut, _) in text.char_indices().skip(1) {
            let mut part = |part: &str| -> Option<u32> {
                let mut characters = part.chars();
                match (own.get(part), characters.next(), characters.next()) {
                    (Some(&id), ..) => Some(id),
                    (None, Some(character), None) => {
                        let next = (size + extra.len()) as u32;
                        Some(*extra.entry(character).or_insert(next))
                    }
                    _ => None,
                }
            };
            if let (Some(left), Some(right)) = (part(&text[..cut]), part(&text[cut..])) {
                table.insert(pair_key(left, right), Merge { rank, token: id });
                if (left as usize) < size && (right as usize) < size {
                    listed.push((left, right));
                }
            }
        }
    }
    let settings = Settings {
        unknown: Some((model.pieces[unknown].text.clone(), unknown as u32)),
        fuse_unknown: true,
        byte_fallback: model.byte_fallback,
        ..Settings::default()
    };
    let pairs = PairTable::new(table.into_iter().collect::<Vec<_>>().into_iter());
    let fallback = model.byte_fallback.then(|| byte_tokens(ids));
    Ok(Bpe::of_characters(&own, size, extra, pairs, listed, settings, fallback, symbols))
}

/// The components Hugging Face's converter gives such a model.
fn components(model: &Model) -> Components {
    let mut normalizers: Vec<Json> = Vec::new();
    if !model.chars_map.is_empty() {
        normalizers.push(json!({"type": "Precompiled", "precompiled_charsmap": base64::encode(&model.chars_map)}));
    }
    if model.remove_extra_spaces {
        normalizers.push(json!({"type": "Strip", "strip_left": true, "strip_right": true}));
        normalizers.push(json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}));
    }
    if model.add_dummy_prefix {
        normalizers.push(json!({"type": "Prepend", "prepend": "▁"}));
    }
    if model.escape_spaces {
        normalizers.push(json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"}));
    }
    let mut decoders = vec![json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "})];
    decoders.push(json!({"type": "ByteFallback"}));
    decoders.push(json!({"type": "Fuse"}));
    if model.add_dummy_prefix {
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    Components {
        normalizer: json!({"type": "Sequence", "normalizers": normalizers}),
        decoder: json!({"type": "Sequence", "decoders": decoders}),
        ..Components::default()
    }
}
