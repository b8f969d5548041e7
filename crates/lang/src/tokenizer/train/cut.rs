//! The components of `tokenizer.json` that a trained tokenizer gets, and cutting texts by them while training.

use std::path::Path;

use serde_json::{Value, json};

use super::config::{CutStyle, ModelKind, Normalization, TrainConfig};
use crate::tokenizer::aligned::Aligned;
use crate::tokenizer::assemble::byte_level_cut;
use crate::tokenizer::fields::Source;
use crate::tokenizer::normalize::{self, Normalizer};
use crate::tokenizer::pattern::known::{self, Digits, Pattern};
use crate::tokenizer::pipeline::Cut;
use crate::tokenizer::{Components, TokenizerError, pre_tokenize};

/// The components as `tokenizer.json` has them; the template around texts is put there when the ids are known.
pub(super) fn components(config: &TrainConfig) -> Components {
    Components {
        normalizer: normalizer(config),
        pre_tokenizer: pre_tokenizer(config),
        decoder: decoder(config),
        ..Components::default()
    }
}

/// Cuts texts while training, as the trained tokenizer will.
pub(super) struct Cutter {
    normalizer: Option<Box<dyn Normalizer>>,
    cut: Cut,
    /// Every character is a piece.
    characters: bool,
}

impl Cutter {
    pub(super) fn new(config: &TrainConfig, components: &Components) -> Result<Cutter, TokenizerError> {
        let source = Source::new(Path::new("tokenizer.json"));
        let normalizer = normalize::read(&source, &components.normalizer)?;
        let byte_level = match config.is_byte_level() {
            true => byte_level_cut(&source, &components.pre_tokenizer)?,
            false => None,
        };
        let cut = match byte_level {
            Some(cut) => cut,
            None => Cut::Any(pre_tokenize::read(&source, &components.pre_tokenizer)?),
        };
        Ok(Cutter { normalizer, cut, characters: config.model == ModelKind::Character })
    }

    /// Calls `visit` with every piece of `text`; of byte-level vocabularies as it stands in the text.
    pub(super) fn cut(&self, text: &str, visit: &mut dyn FnMut(&str)) {
        if let (None, Cut::Known(pattern)) = (&self.normalizer, &self.cut) {
            return pattern.split(text).for_each(visit);
        }
        let mut aligned = Aligned::new(text, 0..text.len(), false);
        if let Some(normalizer) = &self.normalizer {
            normalizer.normalize(&mut aligned);
        }
        let pieces = self.cut.pieces(aligned);
        for range in pieces.ranges {
            let piece = &pieces.text.text[range];
            match self.characters {
                true => piece.char_indices().for_each(|(at, letter)| visit(&piece[at..at + letter.len_utf8()])),
                false => visit(piece),
            }
        }
    }
}

fn normalizer(config: &TrainConfig) -> Value {
    let bert = |lowercase: bool| {
        json!({
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": true,
            "strip_accents": null,
            "lowercase": lowercase,
        })
    };
    match config.normalization {
        Normalization::None => Value::Null,
        Normalization::Nfc => json!({"type": "NFC"}),
        Normalization::Nfkc => json!({"type": "NFKC"}),
        Normalization::NmtNfkc => json!({"type": "Sequence", "normalizers": [
            {"type": "Nmt"},
            {"type": "NFKC"},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ]}),
        Normalization::BertCased => bert(false),
        Normalization::BertUncased => bert(true),
        Normalization::Lowercase => json!({"type": "Lowercase"}),
    }
}

fn split(regex: &str) -> Value {
    json!({
        "type": "Split",
        "pattern": { "Regex": regex },
        "behavior": "Isolated",
        "invert": false,
    })
}

/// Numbers in groups of up to `digits`.
fn split_numbers(digits: u8) -> Value {
    split(&if digits == 1 { r"\p{N}".to_owned() } else { format!(r"\p{{N}}{{1,{digits}}}") })
}

fn byte_level(add_prefix_space: bool, use_regex: bool) -> Value {
    json!({
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": true,
        "use_regex": use_regex,
    })
}

/// The expression of a pattern over bytes, with its numbers in groups of up to `digits`.
fn expression(cut: CutStyle, digits: Option<u8>) -> String {
    let llama = |digits| Pattern::Llama { digits, split_han: false }.regexes()[0];
    let (expression, own) = match cut {
        CutStyle::Cl100k => (known::CL100K, 3),
        CutStyle::O200k => (known::O200K, 3),
        CutStyle::Llama3 => (llama(Digits::Triples), 3),
        CutStyle::Qwen2 => (llama(Digits::Single), 1),
        _ => (known::GPT2, 0),
    };
    let numbers = |digits: u8| if digits == 1 { r"|\p{N}|".to_owned() } else { format!(r"|\p{{N}}{{1,{digits}}}|") };
    match digits {
        Some(digits) if own > 0 => expression.replace(&numbers(own), &numbers(digits)),
        _ => expression.to_owned(),
    }
}

fn pre_tokenizer(config: &TrainConfig) -> Value {
    if config.model == ModelKind::Character {
        return Value::Null;
    }
    let han = config.split_han.then(|| split(known::HAN));
    let digits = config.digits.map(split_numbers);
    let members: Vec<Value> = match config.cut {
        // The pattern is part of the component.
        CutStyle::Gpt2 => han.into_iter().chain(digits).chain([byte_level(false, true)]).collect(),
        cut if cut.is_byte_level() => {
            let cuts = han.into_iter().chain([split(&expression(cut, config.digits)), byte_level(false, false)]);
            return json!({ "type": "Sequence", "pretokenizers": cuts.collect::<Vec<_>>() });
        }
        cut => {
            let own = match cut {
                CutStyle::Metaspace => {
                    json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true})
                }
                CutStyle::Bert => json!({"type": "BertPreTokenizer"}),
                CutStyle::Words => json!({"type": "Whitespace"}),
                _ => json!({"type": "WhitespaceSplit"}),
            };
            // A line break that the normalizer leaves belongs to no word.
            let has_lines = cut == CutStyle::Metaspace && config.normalization != Normalization::NmtNfkc;
            let lines = has_lines.then(|| split(r"[\r\n]"));
            [own].into_iter().chain(lines).chain(han).chain(digits).collect()
        }
    };
    match <[Value; 1]>::try_from(members) {
        Ok([only]) => only,
        Err(members) => json!({ "type": "Sequence", "pretokenizers": members }),
    }
}

fn decoder(config: &TrainConfig) -> Value {
    if config.is_byte_level() {
        return byte_level(true, true);
    }
    match (config.model, config.cut) {
        (ModelKind::WordPiece, _) => json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        (_, CutStyle::Metaspace) if config.byte_fallback => json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]}),
        (_, CutStyle::Metaspace) => {
            json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true})
        }
        (ModelKind::Character, _) if config.byte_fallback => {
            json!({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]})
        }
        (ModelKind::Character, _) => json!({"type": "Fuse"}),
        _ => Value::Null,
    }
}
