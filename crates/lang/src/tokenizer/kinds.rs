//! Every component against Hugging Face: the golden file of `oracle/tokenizer_kinds.py`.

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};
use sha2::Digest as _;

use super::aligned::Aligned;
use super::fields::Source;
use super::pre_tokenize::Pieces;
use super::*;

const GOLDEN: &str = include_str!("../../tests/data/tokenizer_kinds.json");

fn golden() -> Value {
    serde_json::from_str(GOLDEN).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().map(|text| text.as_str().unwrap()).collect()
}

fn source() -> Source {
    Source::new(Path::new("golden"))
}

/// Ranges of bytes as the reference gives them: in characters, one after another.
fn characters<'a>(text: &str, ranges: impl Iterator<Item = &'a Range<usize>>) -> Value {
    let count = |end: usize| match text.get(..end) {
        Some(before) => before.chars().count(),
        None => panic!("{end} is inside a character of {text:?}"),
    };
    json!(ranges.flat_map(|range| [count(range.start), count(range.end)]).collect::<Vec<_>>())
}

#[test]
fn normalizers_equal_hugging_face() {
    let golden = golden();
    for case in list(&golden["normalizers"]) {
        let component = &case["component"];
        let normalizer = normalize::read(&source(), component).unwrap().unwrap();
        for ((text, expected), offsets) in
            texts(&golden["strings"]).into_iter().zip(texts(&case["texts"])).zip(list(&case["offsets"]))
        {
            for track in [true, false] {
                let mut aligned = Aligned::new(text, 0..text.len(), track);
                normalizer.normalize(&mut aligned);
                assert_eq!(aligned.text, expected, "{component} {text:?}");
                if track {
                    let spans =
                        aligned.text.char_indices().map(|(at, letter)| aligned.origin(0, at..at + letter.len_utf8()));
                    let spans: Vec<Range<usize>> = spans.collect();
                    assert_eq!(characters(text, spans.iter()), *offsets, "{component} {text:?}");
                }
            }
        }
    }
}

#[test]
fn pre_tokenizers_equal_hugging_face() {
    let golden = golden();
    for case in list(&golden["pre_tokenizers"]) {
        let component = &case["component"];
        let cut = pre_tokenize::read(&source(), component).unwrap().unwrap();
        for ((text, expected), offsets) in
            texts(&golden["strings"]).into_iter().zip(list(&case["pieces"])).zip(list(&case["offsets"]))
        {
            for track in [true, cut.needs_origins(false)] {
                let mut pieces = Pieces::new(Aligned::new(text, 0..text.len(), track));
                cut.pre_tokenize(&mut pieces);
                let found: Vec<&str> = pieces.ranges.iter().map(|piece| &pieces.text.text[piece.clone()]).collect();
                assert_eq!(json!(found), *expected, "{component} {text:?}");
                if track {
                    let origins: Vec<Range<usize>> =
                        pieces.ranges.iter().map(|piece| pieces.text.origin(piece.start, piece.clone())).collect();
                    assert_eq!(characters(text, origins.iter()), *offsets, "{component} {text:?}");
                }
            }
        }
    }
}

#[test]
fn decoders_equal_hugging_face() {
    let golden = golden();
    for case in list(&golden["decoders"]) {
        let decoder = decode::read(&source(), &case["component"]).unwrap().unwrap();
        for (tokens, expected) in list(&golden["tokens"]).iter().zip(texts(&case["texts"])) {
            let tokens = texts(tokens).into_iter().map(str::to_owned).collect();
            assert_eq!(decoder.decode(tokens).concat(), expected, "{}", case["component"]);
        }
    }
}

/// Writes the file of a case and reads it.
fn load(dir: &Path, case: &Value) -> Tokenizer {
    let path = dir.join("tokenizer.json");
    std::fs::write(&path, case["file"].to_string()).unwrap();
    Tokenizer::load_any(&path).unwrap()
}

/// Tokens as the reference gives them: ids, offsets, types.
fn encoded(text: &str, tokens: &[Token]) -> Value {
    let column = |of: fn(&Token) -> u32| tokens.iter().map(of).collect::<Vec<_>>();
    json!([
        column(|token| token.id),
        characters(text, tokens.iter().map(|token| &token.range)),
        column(|token| token.type_id)
    ])
}

#[test]
fn tokenizers_equal_hugging_face() {
    let golden = golden();
    let strings = texts(&golden["strings"]);
    let dir = tempfile::tempdir().unwrap();
    for (name, case) in golden["tokenizers"].as_object().unwrap() {
        let mut tokenizer = load(dir.path(), case);
        // As read, and once more as we write it.
        for round in 0..2 {
            let mut as_text = list(&case["ids_special_as_text"]).iter();
            for (at, text) in strings.iter().enumerate() {
                let place = format!("{name}, round {round}: {text:?}");
                let ids = tokenizer.encode_with_special(text);
                assert_eq!(json!(ids), case["ids"][at], "{place}");
                let options = EncodeOptions { parse_special: true, add_special: false };
                let tokens = tokenizer.encode_texts(text, None, options);
                assert_eq!(tokens.iter().map(|token| token.id).collect::<Vec<_>>(), ids, "{place}");
                let ranges = tokens.iter().map(|token| &token.range);
                assert_eq!(characters(text, ranges), case["offsets"][at], "{place}");
                for (skip, expected) in [false, true].into_iter().zip(texts(&case["decoded"][at])) {
                    assert_eq!(tokenizer.decode(&ids, skip), expected, "{place} {ids:?} {skip}");
                }
                if text.contains(['<', '[']) {
                    assert_eq!(json!(tokenizer.encode(text)), *as_text.next().unwrap(), "{place}");
                }
                assert_eq!(tokenizer.count(text), tokenizer.encode(text).len());
            }
            let options = EncodeOptions { parse_special: true, add_special: true };
            for (at, text) in strings[1..8].iter().enumerate() {
                let tokens = tokenizer.encode_texts(text, None, options);
                assert_eq!(encoded(text, &tokens), case["with_template"][at], "{name} {text:?}");
                let pair = tokenizer.encode_texts(text, Some("the word"), options);
                let expected = &case["pairs"][at];
                assert_eq!(
                    json!(pair.iter().map(|token| token.id).collect::<Vec<_>>()),
                    expected[0],
                    "{name} {text:?}"
                );
                assert_eq!(
                    json!(pair.iter().map(|token| token.type_id).collect::<Vec<_>>()),
                    expected[2],
                    "{name} {text:?}"
                );
            }
            let copy = dir.path().join("copy");
            tokenizer.save(&copy).unwrap();
            tokenizer = Tokenizer::load_any(&copy).unwrap();
        }
    }
}

/// What a stream shows is what decoding gives, for every kind of decoder.
#[test]
fn streams_equal_decoding() {
    let golden = golden();
    let dir = tempfile::tempdir().unwrap();
    for (name, case) in golden["tokenizers"].as_object().unwrap() {
        let tokenizer = load(dir.path(), case);
        for text in texts(&golden["strings"]) {
            for skip in [false, true] {
                let ids = tokenizer.encode_with_special(text);
                let mut stream = DecodeStream::new(&tokenizer, skip);
                let mut shown: String = ids.iter().filter_map(|&id| stream.push(id)).collect();
                shown.extend(stream.finish());
                let decoded = tokenizer.decode(&ids, skip);
                // A run of byte tokens that is no text is spelt otherwise as a whole than piece by piece.
                if !name.contains("bytes") || !decoded.contains(char::REPLACEMENT_CHARACTER) {
                    assert_eq!(shown, decoded, "{name} {text:?}");
                }
            }
        }
    }
}

/// The tables of Unicode behind the components, whole: a hash over the result for every code point.
#[test]
fn all_characters_equal_hugging_face() {
    let golden = golden();
    let every = || (0..=char::MAX as u32).filter_map(char::from_u32);
    let check = |case: &Value, result: &dyn Fn(char) -> String| {
        let mut sum = sha2::Sha256::new();
        every().for_each(|character| sum.update(result(character) + "\0"));
        let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(json!(sum), case["sha256"], "{}", case["component"]);
    };
    for case in list(&golden["all_characters"]["normalizers"]) {
        let normalizer = normalize::read(&source(), &case["component"]).unwrap().unwrap();
        check(case, &|character| {
            let mut aligned = Aligned::new(character.encode_utf8(&mut [0; 4]), 0..character.len_utf8(), false);
            normalizer.normalize(&mut aligned);
            aligned.text
        });
    }
    for case in list(&golden["all_characters"]["pre_tokenizers"]) {
        let cut = pre_tokenize::read(&source(), &case["component"]).unwrap().unwrap();
        check(case, &|character| {
            let text = format!("x{character}船");
            let mut pieces = Pieces::new(Aligned::new(&text, 0..text.len(), true));
            cut.pre_tokenize(&mut pieces);
            let place = |range: Range<usize>| {
                let count = |end: usize| text[..end].chars().count();
                format!("{}-{}", count(range.start), count(range.end))
            };
            let places = pieces.ranges.iter().map(|piece| place(pieces.text.origin(piece.start, piece.clone())));
            places.collect::<Vec<_>>().join(" ")
        });
    }
}
