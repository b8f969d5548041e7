//! Byte-pair encoding, over bytes or over characters: with a token for the unknown, with tokens for the bytes of
//! characters outside the vocabulary (`byte_fallback`), and with marks on the pieces inside and at the end of words.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::borders::Borders;
use super::linear::Linear;
use super::{Model, ModelSource, Scratch, vocabulary_json};
use crate::rng::Rng;
use crate::tokenizer::merge::{Merge, PairTable, QuickMap, Symbol, pair_key};
use crate::tokenizer::word_cache::{Key, Singles, WORD_BYTES, push_few};
use crate::tokenizer::{Regularization, TokenizerError, bytes};

/// What is in the fields of a file besides vocabulary and merges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) unknown: Option<(String, u32)>,
    pub(crate) fuse_unknown: bool,
    pub(crate) byte_fallback: bool,
    pub(crate) ignore_merges: bool,
    pub(crate) prefix: Option<String>,
    pub(crate) suffix: Option<String>,
}

/// What a piece begins as.
enum Start {
    /// Bytes: the token of each.
    Bytes(Box<[u32; 256]>),
    /// Characters: the token of each that has one.
    Characters(QuickMap<u64, u32>),
}

pub(crate) struct Bpe {
    start: Start,
    settings: Settings,
    pairs: PairTable,
    merges: Vec<(u32, u32)>,
    /// Absent where words must go by the definition.
    linear: Option<Linear>,
    /// Where long pieces may be cut first; absent where neighbours that are no tokens have to do with each other.
    borders: Option<Borders>,
    /// Bytes of a piece that each token stands for.
    contents: Vec<Vec<u8>>,
    /// Tokens of single bytes, spelt `<0x0A>`.
    fallback: Option<Box<[Option<u32>; 256]>>,
    /// All tokens, where a prefix or a suffix asks for them.
    whole: HashMap<Box<[u8]>, u32>,
    /// Pieces that are tokens whatever the merges say: all tokens (`ignore_merges`), or symbols of the user.
    exact: HashMap<Box<[u8]>, u32>,
    /// How many ids there are. What is above stands for characters that are no tokens but may be joined.
    size: usize,
}

pub(super) fn read(source: ModelSource) -> Result<Box<dyn Model>, TokenizerError> {
    let fields = &source.fields;
    if fields.optional_number("dropout")?.is_some_and(|dropout| dropout != 0.0) {
        return Err(fields.invalid("dropout", "encoding at random is not supported"));
    }
    let given = |key: &str| -> Result<Option<String>, TokenizerError> {
        Ok(fields.optional_text(key)?.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let flag = |key: &str| -> Result<bool, TokenizerError> { Ok(fields.optional_flag(key)?.unwrap_or(false)) };
    let settings = Settings {
        unknown: match fields.get("unk_token") {
            None => None,
            Some(_) => Some(source.unknown()?),
        },
        fuse_unknown: flag("fuse_unk")?,
        byte_fallback: flag("byte_fallback")?,
        ignore_merges: flag("ignore_merges")?,
        prefix: given("continuing_subword_prefix")?,
        suffix: given("end_of_word_suffix")?,
    };
    let Some(entries) = &source.merges else {
        return Err(fields.invalid("merges", "it is missing"));
    };
    let ids = &source.ids;
    let mut table: QuickMap<u64, Merge> = QuickMap::default();
    table.reserve(entries.len());
    let mut merges = Vec::with_capacity(entries.len());
    let mut spelling = String::new();
    for (rank, (left, right)) in entries.iter().enumerate() {
        let place = || format!("merges[{rank}]");
        let find = |token: &str| match ids.get(token) {
            Some(&id) => Ok(id),
            None => Err(fields.invalid(&place(), format!("{left:?} {right:?} needs {token:?}, which is not in vocab"))),
        };
        // The mark of a piece inside a word is written once.
        let inner = settings.prefix.as_ref().map_or(right.as_str(), |prefix| right.get(prefix.len()..).unwrap_or(""));
        spelling.clear();
        spelling.extend([left, inner]);
        let (left_id, right_id, token) = (find(left)?, find(right)?, find(&spelling)?);
        if let Some(first) = table.insert(pair_key(left_id, right_id), Merge { rank: rank as u32, token }) {
            return Err(fields.invalid(&place(), format!("{left:?} {right:?} is merge {} already", first.rank)));
        }
        merges.push((left_id, right_id));
    }
    let has_affix = settings.prefix.is_some() || settings.suffix.is_some();
    let byte_tokens = (source.is_byte_level && !has_affix).then(|| byte_tokens(ids)).flatten();
    let table = PairTable::new(table.into_iter().collect::<Vec<_>>().into_iter());
    Ok(Box::new(Bpe::new(ids, source.size, byte_tokens, table, merges, settings)))
}

/// The tokens of all bytes by their byte-level spelling, if all have one.
fn byte_tokens(ids: &HashMap<String, u32>) -> Option<Box<[u32; 256]>> {
    let mut tokens = Box::new([0; 256]);
    for byte in 0..=255u8 {
        tokens[usize::from(byte)] = *ids.get(bytes::spell(byte).encode_utf8(&mut [0; 4]) as &str)?;
    }
    Some(tokens)
}

impl Bpe {
    /// `ids` are the tokens by their spelling, `size` one more than the largest id; with `byte_tokens` pieces come as bytes,
    /// else as characters.
    pub(crate) fn new(
        ids: &HashMap<String, u32>,
        size: usize,
        byte_tokens: Option<Box<[u32; 256]>>,
        pairs: PairTable,
        merges: Vec<(u32, u32)>,
        settings: Settings,
    ) -> Self {
        let mut contents = vec![Vec::new(); size];
        for (token, &id) in ids {
            contents[id as usize] = match &byte_tokens {
                Some(_) => token.chars().map(bytes::unspell).collect::<Option<Vec<u8>>>().unwrap_or_default(),
                None => token.as_bytes().to_vec(),
            };
        }
        let single = |token: &str| {
            let mut characters = token.chars();
            characters.next().filter(|_| characters.next().is_none())
        };
        let start = match byte_tokens {
            Some(tokens) => Start::Bytes(tokens),
            None => Start::Characters(
                ids.iter().filter_map(|(token, &id)| Some((u64::from(u32::from(single(token)?)), id))).collect(),
            ),
        };
        let fallback = settings
            .byte_fallback
            .then(|| Box::new(std::array::from_fn(|byte| ids.get(&format!("<0x{byte:02X}>")).copied())));
        let mut bpe = Bpe::from_parts(start, contents, pairs, merges, settings, fallback);
        if bpe.settings.ignore_merges {
            let own = bpe.contents.iter().zip(0..).filter(|(content, _)| !content.is_empty());
            bpe.exact = own.map(|(content, id)| (content.clone().into_boxed_slice(), id)).collect();
        }
        bpe
    }

    /// A model over characters as SentencePiece has it: `extra` are characters that are no tokens but parts of tokens, with
    /// ids from `size` on; `symbols` are pieces that are tokens as they are.
    pub(crate) fn of_characters(
        ids: &HashMap<String, u32>,
        size: usize,
        extra: HashMap<char, u32>,
        pairs: PairTable,
        merges: Vec<(u32, u32)>,
        settings: Settings,
        fallback: Option<Box<[Option<u32>; 256]>>,
        symbols: Vec<(String, u32)>,
    ) -> Self {
        let mut contents = vec![Vec::new(); size + extra.len()];
        let mut characters: QuickMap<u64, u32> = QuickMap::default();
        let mut add = |token: &str, id: u32| {
            contents[id as usize] = token.as_bytes().to_vec();
            let mut letters = token.chars();
            if let (Some(letter), None) = (letters.next(), letters.next()) {
                characters.insert(u64::from(u32::from(letter)), id);
            }
        };
        ids.iter().for_each(|(token, &id)| add(token, id));
        extra.iter().for_each(|(&letter, &id)| add(letter.encode_utf8(&mut [0; 4]), id));
        let mut bpe = Bpe::from_parts(Start::Characters(characters), contents, pairs, merges, settings, fallback);
        bpe.size = size;
        bpe.exact = symbols.into_iter().map(|(text, id)| (text.into_bytes().into_boxed_slice(), id)).collect();
        bpe
    }

    fn from_parts(
        start: Start,
        contents: Vec<Vec<u8>>,
        pairs: PairTable,
        merges: Vec<(u32, u32)>,
        settings: Settings,
        fallback: Option<Box<[Option<u32>; 256]>>,
    ) -> Self {
        let has_affix = settings.prefix.is_some() || settings.suffix.is_some();
        // Tokens that stand for what has none, and may be joined with others only by the definition.
        let mut outside: Vec<u32> = settings.unknown.iter().map(|(_, id)| *id).collect();
        outside.extend(fallback.iter().flat_map(|tokens| tokens.iter().flatten()));
        let are_joined = match outside.is_empty() {
            true => false,
            false => pairs.iter().any(|(key, _)| {
                let (left, right) = crate::tokenizer::merge::key_pair(key);
                outside.contains(&left) || outside.contains(&right)
            }),
        };
        let is_partial = fallback.as_ref().is_some_and(|tokens| tokens.iter().any(Option::is_none));
        let linear = (!has_affix && !are_joined && !is_partial).then(|| match &start {
            Start::Bytes(tokens) => Linear::new(&contents, tokens.iter().copied(), &pairs),
            Start::Characters(tokens) => Linear::new(&contents, tokens.values().copied(), &pairs),
        });
        let stands_alone = matches!(start, Start::Bytes(_)) || fallback.is_some();
        let borders = (linear.is_some() && stands_alone).then(|| Borders::new(contents.iter().map(Vec::as_slice)));
        let mut whole = HashMap::new();
        if has_affix {
            let own = contents.iter().zip(0..).filter(|(content, _)| !content.is_empty());
            whole.extend(own.map(|(content, id)| (content.clone().into_boxed_slice(), id)));
        }
        let (exact, size) = (HashMap::new(), contents.len());
        Bpe { start, settings, pairs, merges, linear, borders, contents, fallback, whole, exact, size }
    }

    /// The symbols of a piece before any merge, in the order of the reference: what is unknown waits until a known
    /// character follows.
    fn symbols(&self, piece: &str) -> Vec<Symbol> {
        let characters = match &self.start {
            Start::Bytes(tokens) => {
                return piece.bytes().map(|byte| Symbol { token: tokens[usize::from(byte)], length: 1 }).collect();
            }
            Start::Characters(characters) => characters,
        };
        let mut out: Vec<Symbol> = Vec::with_capacity(piece.len());
        let mut unknown: Option<Symbol> = None;
        let mut spelling = String::new();
        for (at, character) in piece.char_indices() {
            let length = character.len_utf8() as u32;
            let is_last = at + character.len_utf8() == piece.len();
            spelling.clear();
            if at > 0 {
                spelling.extend(self.settings.prefix.as_deref());
            }
            spelling.push(character);
            if is_last {
                spelling.extend(self.settings.suffix.as_deref());
            }
            let known = match spelling.len() == character.len_utf8() {
                true => characters.get(&u64::from(u32::from(character))).copied(),
                false => self.whole.get(spelling.as_bytes()).copied(),
            };
            if let Some(token) = known {
                out.extend(unknown.take());
                out.push(Symbol { token, length });
                continue;
            }
            if let Some(tokens) = &self.fallback {
                let bytes = spelling.bytes().map(|byte| tokens[usize::from(byte)]);
                if let Some(bytes) = bytes.collect::<Option<Vec<u32>>>() {
                    out.extend(bytes.into_iter().map(|token| Symbol { token, length: 1 }));
                    continue;
                }
            }
            let Some((_, token)) = &self.settings.unknown else { continue };
            match &mut unknown {
                Some(unknown) if self.settings.fuse_unknown => unknown.length += length,
                _ => out.extend(unknown.replace(Symbol { token: *token, length })),
            }
        }
        out.extend(unknown);
        out
    }

    /// Whether characters of `piece` are left out, which makes neighbours of what stands around them, or are such as may
    /// be joined without being tokens.
    fn is_special(&self, piece: &str) -> bool {
        let Start::Characters(characters) = &self.start else {
            return false;
        };
        let drops = self.settings.unknown.is_none() && self.fallback.is_none();
        if !drops && self.size == self.contents.len() {
            return false;
        }
        let mut last = None;
        piece.chars().any(|character| {
            // The same again is looked up once.
            last.replace(character) != Some(character)
                && match characters.get(&u64::from(u32::from(character))) {
                    Some(&id) => id as usize >= self.size,
                    None => drops,
                }
        })
    }

    /// What encodes `piece`, unless it must go by the definition.
    fn linear(&self, piece: &str) -> Option<&Linear> {
        self.linear.as_ref().filter(|_| !self.is_special(piece))
    }

    /// The tokens of a piece by the definition.
    fn join(&self, piece: &str) -> Vec<Symbol> {
        let mut word = self.symbols(piece);
        self.pairs.join(&mut word);
        self.without_extra_if_any(word)
    }

    fn without_extra_if_any(&self, word: Vec<Symbol>) -> Vec<Symbol> {
        let has_extra = word.iter().any(|symbol| symbol.token as usize >= self.size);
        if has_extra { self.without_extra(word) } else { word }
    }

    /// `word` with the bytes or the unknown in place of characters that are no tokens.
    fn without_extra(&self, word: Vec<Symbol>) -> Vec<Symbol> {
        let mut out: Vec<Symbol> = Vec::with_capacity(word.len());
        let unknown = self.settings.unknown.as_ref().map(|(_, token)| *token);
        for symbol in word {
            if (symbol.token as usize) < self.size {
                match out.last_mut() {
                    Some(last) if Some(last.token) == unknown && last.token == symbol.token => {
                        last.length += symbol.length
                    }
                    _ => out.push(symbol),
                }
            } else if let Some(tokens) = &self.fallback {
                let bytes = self.contents[symbol.token as usize].iter();
                let tokens = bytes.filter_map(|&byte| tokens[usize::from(byte)]);
                out.extend(tokens.map(|token| Symbol { token, length: 1 }));
            } else if let Some(token) = unknown {
                match out.last_mut() {
                    Some(last) if last.token == token => last.length += symbol.length,
                    _ => out.push(Symbol { token, length: symbol.length }),
                }
            }
        }
        out
    }

    /// The tokens of a piece whose characters all have tokens, or of bytes.
    fn encode_known(&self, linear: &Linear, piece: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        if !linear.encode(&self.pairs, &mut scratch.fits, piece, out)
            && let Ok(piece) = std::str::from_utf8(piece)
        {
            out.extend(self.join(piece).iter().map(|symbol| symbol.token));
        }
    }

    /// Append the tokens of a piece, or of a part that ends at borders.
    fn encode_part(&self, part: &str, scratch: &mut Scratch, out: &mut Vec<u32>) {
        if let (Start::Bytes(_), Some(linear)) = (&self.start, &self.linear) {
            self.encode_known(linear, part.as_bytes(), scratch, out);
            return;
        }
        match self.linear(part) {
            None => out.extend(self.join(part).iter().map(|symbol| symbol.token)),
            Some(linear) => {
                let mut target = (scratch, out);
                self.stretches(
                    part,
                    &mut target,
                    |(scratch, out), known| self.encode_known(linear, &part.as_bytes()[known], scratch, out),
                    |(_, out), token, _| out.push(token),
                );
            }
        }
    }

    /// Calls `known` with every stretch of characters that have tokens, `unknown` with the token of every other place and
    /// the bytes of the piece it stands for.
    fn stretches<T>(
        &self,
        piece: &str,
        target: &mut T,
        mut known: impl FnMut(&mut T, Range<usize>),
        mut unknown: impl FnMut(&mut T, u32, usize),
    ) {
        let Start::Characters(characters) = &self.start else {
            known(target, 0..piece.len());
            return;
        };
        let mut start = 0;
        // Bytes of unknown characters fused so far.
        let mut fused = 0;
        let (mut last, mut is_known) = (None, false);
        for (at, character) in piece.char_indices() {
            let length = character.len_utf8();
            // The same again is looked up once.
            if last.replace(character) != Some(character) {
                is_known = characters.contains_key(&u64::from(u32::from(character)));
            }
            if is_known {
                if fused > 0 {
                    self.settings.unknown.iter().for_each(|(_, token)| unknown(target, *token, fused));
                    fused = 0;
                }
                continue;
            }
            if start < at {
                known(target, start..at);
            }
            start = at + length;
            if let Some(tokens) = &self.fallback {
                piece.as_bytes()[at..start].iter().for_each(|&byte| {
                    tokens[usize::from(byte)].iter().for_each(|&token| unknown(target, token, 1));
                });
            } else if self.settings.fuse_unknown {
                fused += length;
            } else {
                self.settings.unknown.iter().for_each(|(_, token)| unknown(target, *token, length));
            }
        }
        if fused > 0 {
            self.settings.unknown.iter().for_each(|(_, token)| unknown(target, *token, fused));
        }
        if start < piece.len() {
            known(target, start..piece.len());
        }
    }
}

impl Model for Bpe {
    fn encode(&self, piece: &str, scratch: &mut Scratch, out: &mut Vec<u32>) {
        if !self.exact.is_empty()
            && let Some(&token) = self.exact.get(piece.as_bytes())
        {
            out.push(token);
            return;
        }
        match &self.borders {
            // Short words of a vocabulary's own language seldom come apart, and are kept as they are.
            Some(borders) if piece.len() > WORD_BYTES || !piece.is_ascii() => {
                borders.parts(piece, |start, end| {
                    let bytes = piece.as_bytes();
                    // Characters of three bytes have places of their own.
                    let place = Singles::place(&bytes[start..end]);
                    if let Some(tokens) = place.and_then(|place| scratch.singles.get(place)) {
                        return push_few(out, &tokens.0, tokens.1);
                    }
                    let part = &piece[start..end];
                    let Some(key) = Key::within(bytes, start, end) else {
                        return self.encode_part(part, scratch, out);
                    };
                    if let Some(tokens) = scratch.parts.get(key) {
                        return out.extend_from_slice(tokens);
                    }
                    let begin = out.len();
                    self.encode_part(part, scratch, out);
                    match place {
                        Some(place) => scratch.singles.put(place, &out[begin..]),
                        None => scratch.parts.put(key, &out[begin..]),
                    }
                });
            }
            _ => self.encode_part(piece, scratch, out),
        }
    }

    fn encode_ranges(&self, piece: &str, scratch: &mut Scratch, out: &mut Vec<(u32, Range<usize>)>) {
        let mut position = 0;
        let mut push = |out: &mut Vec<(u32, Range<usize>)>, token: u32, length: usize| {
            out.push((token, position..position + length));
            position += length;
        };
        if !self.exact.is_empty()
            && let Some(&token) = self.exact.get(piece.as_bytes())
        {
            push(out, token, piece.len());
            return;
        }
        let Some(linear) = self.linear(piece) else {
            self.join(piece).iter().for_each(|symbol| push(out, symbol.token, symbol.length as usize));
            return;
        };
        let mut tokens = Vec::new();
        let mut target = (scratch, &mut tokens);
        // Lengths of tokens that do not stand for their contents.
        self.stretches(
            piece,
            &mut target,
            |(scratch, tokens), known| {
                let mut ids = Vec::new();
                self.encode_known(linear, &piece.as_bytes()[known], scratch, &mut ids);
                tokens.extend(ids.into_iter().map(|id| (id, self.contents[id as usize].len())));
            },
            |(_, tokens), token, length| tokens.push((token, length)),
        );
        tokens.into_iter().for_each(|(token, length)| push(out, token, length));
    }

    fn can_be_drawn(&self, how: Regularization) -> bool {
        matches!(how, Regularization::Dropout { .. })
    }

    fn draw(&self, piece: &str, how: Regularization, rng: &mut Rng, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let dropout = match how {
            Regularization::Dropout { probability } if probability > 0.0 => probability,
            _ => return self.encode(piece, scratch, out),
        };
        // A symbol of the user is one token however merges go; words that are tokens whatever the merges say are cut too.
        if !self.settings.ignore_merges
            && let Some(&token) = self.exact.get(piece.as_bytes())
        {
            out.push(token);
            return;
        }
        let mut word = self.symbols(piece);
        self.pairs.join_with_dropout(&mut word, dropout, rng);
        out.extend(self.without_extra_if_any(word).iter().map(|symbol| symbol.token));
    }

    fn byte_token(&self, byte: u8) -> Option<u32> {
        match &self.start {
            Start::Bytes(tokens) => Some(tokens[usize::from(byte)]),
            Start::Characters(_) => self.fallback.as_ref().and_then(|tokens| tokens[usize::from(byte)]),
        }
    }

    fn takes_bytes(&self) -> bool {
        matches!(self.start, Start::Bytes(_))
    }

    fn to_json(&self, spelling: &[String], in_model: &[bool]) -> Map<String, Value> {
        let spell = |id: u32| spelling[id as usize].as_str();
        let merges: Vec<Value> = self.merges.iter().map(|&(left, right)| json!([spell(left), spell(right)])).collect();
        let settings = &self.settings;
        let fields = [
            ("type", json!("BPE")),
            ("dropout", Value::Null),
            ("unk_token", json!(settings.unknown.as_ref().map(|(name, _)| name))),
            ("continuing_subword_prefix", json!(settings.prefix)),
            ("end_of_word_suffix", json!(settings.suffix)),
            ("fuse_unk", json!(settings.fuse_unknown)),
            ("byte_fallback", json!(settings.byte_fallback)),
            ("ignore_merges", json!(settings.ignore_merges)),
            ("vocab", vocabulary_json(spelling, in_model)),
            ("merges", Value::Array(merges)),
        ];
        fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn merges(&self) -> &[(u32, u32)] {
        &self.merges
    }
}

#[cfg(test)]
mod tests;
