//! Templates: where special tokens stand around one text, and around two.

use std::collections::HashMap;

use serde_json::Value;

use super::{Fields, PostProcessor, TokenizerError};
use crate::tokenizer::encoding::{Context, Token};

enum Piece {
    /// The tokens of the first text or the second.
    Text { is_second: bool, type_id: u32 },
    /// Special tokens.
    Special { ids: Vec<u32>, type_id: u32 },
}

struct Template {
    single: Vec<Piece>,
    pair: Vec<Piece>,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PostProcessor>, TokenizerError> {
    let mut special: HashMap<&str, Vec<u32>> = HashMap::new();
    let tokens = fields.object("special_tokens")?;
    for (name, _) in tokens.entries() {
        let token = tokens.object(name)?;
        let ids = token.list("ids")?.iter().map(|id| {
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
            id.ok_or_else(|| token.invalid("ids", "token ids are expected"))
        });
        special.insert(name, ids.collect::<Result<_, _>>()?);
    }
    let pieces = |key: &str| -> Result<Vec<Piece>, TokenizerError> {
        let list = fields.list(key)?.iter().enumerate();
        list.map(|(at, value)| piece(fields, &format!("{key}[{at}]"), value, &special)).collect()
    };
    let template = Template { single: pieces("single")?, pair: pieces("pair")? };
    if template.single.iter().any(|piece| matches!(piece, Piece::Text { is_second: true, .. })) {
        return Err(fields.invalid("single", "there is no second text in it"));
    }
    Ok(Box::new(template))
}

fn piece(
    fields: &Fields,
    place: &str,
    value: &Value,
    special: &HashMap<&str, Vec<u32>>,
) -> Result<Piece, TokenizerError> {
    let Some((kind, content)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Err(fields.invalid(place, "Sequence or SpecialToken is expected"));
    };
    let content = Fields::new(fields.source(), &format!("{}.{place}.{kind}", fields.place()), content)?;
    let type_id = u32::try_from(content.count("type_id")?);
    let type_id = type_id.map_err(|_| content.invalid("type_id", "it does not fit 32 bits"))?;
    match (kind.as_str(), content.text("id")?) {
        ("Sequence", "A") => Ok(Piece::Text { is_second: false, type_id }),
        ("Sequence", "B") => Ok(Piece::Text { is_second: true, type_id }),
        ("Sequence", other) => Err(content.invalid("id", format!("{other:?} is neither A nor B"))),
        ("SpecialToken", name) => match special.get(name) {
            Some(ids) => Ok(Piece::Special { ids: ids.clone(), type_id }),
            None => Err(content.invalid("id", format!("{name:?} is not in special_tokens"))),
        },
        _ => Err(content.unsupported(kind, ["Sequence", "SpecialToken"].into_iter())),
    }
}

impl PostProcessor for Template {
    fn process(&self, texts: Vec<Vec<Token>>, context: &Context) -> Vec<Vec<Token>> {
        let pieces = if texts.len() > 1 { &self.pair } else { &self.single };
        let mut out = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Text { is_second, type_id } => {
                    let text = texts.get(usize::from(*is_second)).cloned().unwrap_or_default();
                    out.push(text.into_iter().map(|token| Token { type_id: *type_id, ..token }).collect());
                }
                Piece::Special { ids, type_id } if context.add_special => {
                    out.push(ids.iter().map(|&id| Token::template(id, *type_id)).collect());
                }
                Piece::Special { .. } => {}
            }
        }
        out
    }

    fn around(&self) -> (Vec<u32>, Vec<u32>) {
        let is_text = |piece: &Piece| matches!(piece, Piece::Text { .. });
        let at = self.single.iter().position(is_text).unwrap_or(self.single.len());
        let ids = |pieces: &[Piece]| {
            let special = pieces.iter().filter_map(|piece| match piece {
                Piece::Special { ids, .. } => Some(ids.as_slice()),
                Piece::Text { .. } => None,
            });
            special.collect::<Vec<_>>().concat()
        };
        (ids(&self.single[..at]), ids(&self.single[at..]))
    }
}
