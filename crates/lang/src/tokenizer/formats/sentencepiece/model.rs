//! The content of a SentencePiece model: its pieces and the settings that say how it encodes, read and written as the
//! protocol buffer of `sentencepiece_model.proto`.

use crate::tokenizer::formats::protobuf::{Value, fields, write};

/// The `model_type` of Unigram.
pub(in crate::tokenizer) const UNIGRAM: u64 = 1;
/// The `model_type` of byte-pair encoding.
pub(in crate::tokenizer) const BPE: u64 = 2;

/// What a piece is for; the numbers are those of the files, of SentencePiece and of GGUF alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tokenizer) enum Kind {
    Normal = 1,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl Kind {
    pub(in crate::tokenizer) fn from_number(number: u64) -> Option<Kind> {
        use Kind::*;
        [Normal, Unknown, Control, UserDefined, Unused, Byte].into_iter().find(|kind| *kind as u64 == number)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::tokenizer) struct Piece {
    pub(in crate::tokenizer) text: String,
    pub(in crate::tokenizer) score: f32,
    pub(in crate::tokenizer) kind: Kind,
}

/// The settings of a model that say how it encodes, with their defaults.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tokenizer) struct Model {
    pub(in crate::tokenizer) pieces: Vec<Piece>,
    /// 1 Unigram, 2 BPE, 3 words, 4 characters.
    pub(in crate::tokenizer) model_type: u64,
    pub(in crate::tokenizer) treat_space_as_suffix: bool,
    pub(in crate::tokenizer) byte_fallback: bool,
    pub(in crate::tokenizer) chars_map: Vec<u8>,
    pub(in crate::tokenizer) add_dummy_prefix: bool,
    pub(in crate::tokenizer) remove_extra_spaces: bool,
    pub(in crate::tokenizer) escape_spaces: bool,
    /// Ids of the tokens that begin and end texts and fill up; negative for none.
    pub(in crate::tokenizer) roles: [i32; 3],
}

impl Default for Model {
    fn default() -> Self {
        Model {
            pieces: Vec::new(),
            model_type: UNIGRAM,
            treat_space_as_suffix: false,
            byte_fallback: false,
            chars_map: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_spaces: true,
            escape_spaces: true,
            roles: [1, 2, -1],
        }
    }
}

/// Reads a model; an error says where in the bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<Model, String> {
    let mut model = Model::default();
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
                piece.kind = Kind::from_number(kind).ok_or_else(|| format!("{place} is of the unknown type {kind}"))?;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(piece)
}

/// The bytes of the file that says `model`.
pub(super) fn serialize(model: &Model) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in &model.pieces {
        let mut message = Vec::new();
        write::bytes(&mut message, 1, piece.text.as_bytes());
        write::float(&mut message, 2, piece.score);
        if piece.kind != Kind::Normal {
            write::number(&mut message, 3, piece.kind as u64);
        }
        write::bytes(&mut out, 1, &message);
    }
    let mut trainer = Vec::new();
    write::number(&mut trainer, 3, model.model_type);
    write::number(&mut trainer, 4, model.pieces.len() as u64);
    write::number(&mut trainer, 24, model.treat_space_as_suffix.into());
    write::number(&mut trainer, 35, model.byte_fallback.into());
    let unknown = model.pieces.iter().position(|piece| piece.kind == Kind::Unknown);
    let unknown = unknown.and_then(|id| i32::try_from(id).ok()).unwrap_or(-1);
    // The library finds these tokens by their spelling, other programs by their ids.
    for (at, id) in (0..).zip([unknown].into_iter().chain(model.roles)) {
        // Negative numbers take ten bytes, as if they had 64 bits.
        write::number(&mut trainer, 40 + at, i64::from(id) as u64);
        if let Some(piece) = usize::try_from(id).ok().and_then(|id| model.pieces.get(id)) {
            write::bytes(&mut trainer, 45 + at, piece.text.as_bytes());
        }
    }
    write::bytes(&mut out, 2, &trainer);
    let mut normalizer = Vec::new();
    write::bytes(&mut normalizer, 1, if model.chars_map.is_empty() { b"identity" } else { b"user_defined" });
    write::bytes(&mut normalizer, 2, &model.chars_map);
    write::number(&mut normalizer, 3, model.add_dummy_prefix.into());
    write::number(&mut normalizer, 4, model.remove_extra_spaces.into());
    write::number(&mut normalizer, 5, model.escape_spaces.into());
    write::bytes(&mut out, 3, &normalizer);
    out
}
