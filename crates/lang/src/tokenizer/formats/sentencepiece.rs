//! SentencePiece models (`tokenizer.model`; Kudo and Richardson, 2018), BPE and Unigram, encoded as SentencePiece itself
//! does it.
//!
//! The components put down for saving are those Hugging Face's converter chooses, because `tokenizer.json` cannot say
//! all a model says: its character map is looked up by graphemes there, and white space is taken away otherwise.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::protobuf::{Value, fields};
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

/// What a piece is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

struct Piece {
    text: String,
    score: f32,
    kind: Kind,
}

/// The settings of a model that say how it encodes, with their defaults.
struct Model {
    pieces: Vec<Piece>,
    /// 1 Unigram, 2 BPE, 3 words, 4 characters.
    model_type: u64,
    treat_space_as_suffix: bool,
    byte_fallback: bool,
    chars_map: Vec<u8>,
    add_dummy_prefix: bool,
    remove_extra_spaces: bool,
    escape_spaces: bool,
    /// Ids of the tokens that begin and end texts and fill up; negative for none.
    roles: [i32; 3],
}

fn parse(bytes: &[u8]) -> Result<Model, String> {
    let mut model = Model {
        pieces: Vec::new(),
        model_type: 1,
        treat_space_as_suffix: false,
        byte_fallback: false,
        chars_map: Vec::new(),
        add_dummy_prefix: true,
        remove_extra_spaces: true,
        escape_spaces: true,
        roles: [1, 2, -1],
    };
    each_field(bytes, "", |number, value| {
        match (number, value) {
            (1, Value::Bytes(piece)) => {
                let place = format!("piece {}", model.pieces.len());
                model.pieces.push(parse_piece(piece, &place)?);
            }
            (2, Value::Bytes(trainer)) => each_field(trainer, "trainer_spec", |number, value| {
                match (number, value) {
                    (3, Value::Number(kind)) => model.model_type = kind,
                    (24, Value::Number(flag)) => model.treat_space_as_suffix = flag != 0,
                    (35, Value::Number(flag)) => model.byte_fallback = flag != 0,
                    (41..=43, Value::Number(id)) => model.roles[number as usize - 41] = id as i32,
                    _ => {}
                }
                Ok(())
            })?,
            (3, Value::Bytes(normalizer)) => each_field(normalizer, "normalizer_spec", |number, value| {
                match (number, value) {
                    (2, Value::Bytes(map)) => model.chars_map = map.to_vec(),
                    (3, Value::Number(flag)) => model.add_dummy_prefix = flag != 0,
                    (4, Value::Number(flag)) => model.remove_extra_spaces = flag != 0,
                    (5, Value::Number(flag)) => model.escape_spaces = flag != 0,
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(model)
}

fn each_field(
    message: &[u8],
    place: &str,
    mut visit: impl FnMut(u64, Value) -> Result<(), String>,
) -> Result<(), String> {
    for field in fields(message) {
        let (number, value) = field.map_err(|wrong| match place {
            "" => format!("byte {}: {}", wrong.at, wrong.problem),
            _ => format!("{place}, byte {}: {}", wrong.at, wrong.problem),
        })?;
        visit(number, value)?;
    }
    Ok(())
}

fn parse_piece(message: &[u8], place: &str) -> Result<Piece, String> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: Kind::Normal };
    each_field(message, place, |number, value| {
        match (number, value) {
            (1, Value::Bytes(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| format!("{place} is not UTF-8"))?;
                piece.text = text.to_owned();
            }
            (2, Value::Fixed32(score)) => piece.score = f32::from_le_bytes(score),
            (3, Value::Number(kind)) => {
                piece.kind = match kind {
                    1 => Kind::Normal,
                    2 => Kind::Unknown,
                    3 => Kind::Control,
                    4 => Kind::UserDefined,
                    5 => Kind::Unused,
                    6 => Kind::Byte,
                    _ => return Err(format!("{place} is of the unknown type {kind}")),
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(piece)
}

/// Reads the model `file`; what stands beside it is in `config`.
pub(super) fn load(file: &Path, bytes: &[u8], config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let model = parse(bytes).map_err(|problem| source.invalid(problem))?;
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
    let is_bpe = model.model_type != 1;
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
    let parts = Parts { components: components(&model), all: ids.clone(), ids: &ids, added, roles, instead };
    assemble(&source, parts, |_, size| match model.model_type {
        1 => Ok(Box::new(unigram(&model, unknown as u32, &ids))),
        2 | 4 => Ok(Box::new(bpe(&source, &model, unknown, &ids, size, symbols)?)),
        3 => Err(source.invalid("trainer_spec.model_type: models of whole words are not supported")),
        other => Err(source.invalid(format!("trainer_spec.model_type: {other} is not known"))),
    })
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
        if model.model_type != 2 {
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
