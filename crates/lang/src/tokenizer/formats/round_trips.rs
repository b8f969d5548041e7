//! Every format written and read back, against the ids of the reference programs in the golden files; and files damaged at
//! every kind of place, which must be errors that name the file, or other tokenizers, never a panic.

use std::path::Path;

use serde_json::{Value, json};

use crate::rng::Rng;
use crate::tokenizer::tests::trained;
use crate::tokenizer::{Format, Tokenizer, TokenizerError, base64};

const FORMATS: &str = include_str!("../../../tests/data/tokenizer_formats.json");
const KINDS: &str = include_str!("../../../tests/data/tokenizer_kinds.json");

const ALL: [Format; 6] =
    [Format::TokenizerJson, Format::SentencePiece, Format::Tiktoken, Format::VocabTxt, Format::Gpt2, Format::Gguf];

fn strings(golden: &Value) -> Vec<&str> {
    golden["strings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// The tokenizer written as `format` and read back, or what the format cannot hold.
fn again(tokenizer: &Tokenizer, format: Format) -> Result<Tokenizer, String> {
    let dir = tempfile::tempdir().unwrap();
    match tokenizer.save_as(format, dir.path()) {
        Ok(written) => {
            assert!(written.files.iter().all(|file| file.exists()));
            Ok(Tokenizer::load_any(dir.path()).unwrap())
        }
        Err(TokenizerError::CannotHold { problem, .. }) => {
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
            Err(problem)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn sentencepiece_models_survive() {
    let golden: Value = serde_json::from_str(FORMATS).unwrap();
    for (name, case) in golden["sentencepiece"].as_object().unwrap() {
        let bytes = base64::decode(case["model"].as_str().unwrap()).unwrap();
        let tokenizer = Tokenizer::from_bytes(Path::new("a.model"), &bytes).unwrap();
        for format in ALL {
            let read = match again(&tokenizer, format) {
                Ok(read) => read,
                Err(problem) => {
                    assert_ne!(format, Format::SentencePiece, "{name}: {problem}");
                    let is_odd = ["suffix", "spaces removed", "characters"].iter().any(|odd| name.contains(odd));
                    assert!(format != Format::Gguf || is_odd, "{name}: {problem}");
                    continue;
                }
            };
            if format == Format::TokenizerJson {
                // Single precision there, double here: see `a_plain_model_saves_as_tokenizer_json`.
                continue;
            }
            assert_eq!(read.core.sentencepiece.is_some(), tokenizer.core.sentencepiece.is_some());
            assert_eq!((read.beginning_of_text(), read.end_of_text()), (1, 2), "{name} {format:?}");
            for (text, ids) in strings(&golden).into_iter().zip(case["ids"].as_array().unwrap()) {
                assert_eq!(json!(read.encode(text)), *ids, "{name} {format:?} {text:?}");
                assert_eq!(read.decode(&read.encode(text), true), tokenizer.decode(&tokenizer.encode(text), true));
            }
        }
    }
}

/// Whatever a format takes, it gives back with the ids of Hugging Face.
#[test]
fn tokenizers_of_all_kinds_survive_or_are_refused() {
    let golden: Value = serde_json::from_str(KINDS).unwrap();
    let mut taken = std::collections::BTreeMap::<&str, usize>::new();
    for (name, case) in golden["tokenizers"].as_object().unwrap() {
        let file = case["file"].to_string();
        let tokenizer = Tokenizer::from_bytes(Path::new("tokenizer.json"), file.as_bytes()).unwrap();
        for format in ALL {
            let Ok(read) = again(&tokenizer, format) else { continue };
            *taken.entry(format.name()).or_default() += 1;
            for text in strings(&golden) {
                let (wanted, found) = (tokenizer.encode(text), read.encode(text));
                let is_even = tokenizer.core.pipeline.model.are_as_good(&wanted, &found);
                assert!(wanted == found || is_even, "{name} {format:?} {text:?}: {wanted:?} {found:?}");
            }
        }
    }
    assert_eq!(taken["tokenizer.json"], golden["tokenizers"].as_object().unwrap().len());
}

#[test]
fn a_trained_vocabulary_goes_where_its_cuts_have_a_name() {
    let tokenizer = trained("single_digits");
    let text = "The small boat isn't 12 345 wide.\n\n  小船";
    for format in [Format::Gguf, Format::Tiktoken, Format::TokenizerJson] {
        let read = again(&tokenizer, format).unwrap();
        assert_eq!(read.encode(text), tokenizer.encode(text), "{format:?}");
        assert_eq!(read.vocabulary_size(), tokenizer.vocabulary_size());
        assert_eq!(read.end_of_text(), tokenizer.end_of_text());
        assert_eq!(read.encode_with_special("<|im_end|>"), tokenizer.encode_with_special("<|im_end|>"));
    }
    assert!(again(&tokenizer, Format::Gpt2).err().unwrap().contains("GPT-2's expression"));
    assert!(again(&tokenizer, Format::VocabTxt).err().unwrap().contains("WordPiece"));
    assert!(again(&tokenizer, Format::SentencePiece).err().is_some());

    // The same vocabulary cut as GPT-2 cuts.
    let dir = tempfile::tempdir().unwrap();
    tokenizer.save(dir.path()).unwrap();
    let path = dir.path().join("tokenizer.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    file["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true});
    std::fs::write(&path, file.to_string()).unwrap();
    let gpt2 = Tokenizer::load(dir.path()).unwrap();
    let read = again(&gpt2, Format::Gpt2).unwrap();
    assert_eq!(read.encode(text), gpt2.encode(text));
    assert_eq!(read.encode_with_special("a<|im_end|>"), gpt2.encode_with_special("a<|im_end|>"));
    // Normal forms are what these files have no words for.
    file["normalizer"] = json!({"type": "NFKC"});
    let composed = Tokenizer::from_bytes(&path, file.to_string().as_bytes()).unwrap();
    for format in [Format::Gpt2, Format::Tiktoken, Format::Gguf] {
        assert!(again(&composed, format).err().unwrap().contains("normalizer NFKC"));
    }
}

#[test]
fn words_of_bert_survive() {
    let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##able\nlow\n##er\n小\n,\n[unused1]\n";
    let tokenizer = Tokenizer::from_bytes(Path::new("vocab.txt"), words.as_bytes()).unwrap();
    for format in [Format::VocabTxt, Format::Gguf, Format::TokenizerJson] {
        let read = again(&tokenizer, format).unwrap();
        assert_eq!(read.encode("Unable, LOWER小x"), [5, 6, 10, 7, 8, 9, 1], "{format:?}");
        assert_eq!(read.template(), (vec![2], vec![3]), "{format:?}");
        assert_eq!(read.encode_with_special("un[MASK]"), [5, 4], "{format:?}");
        assert_eq!(read.token(11), Some("[unused1]"), "{format:?}");
    }
}

/// The ids of tiktoken, moved up by the special tokens.
#[test]
fn tekken_is_ranks_after_special_tokens() {
    let golden: Value = serde_json::from_str(FORMATS).unwrap();
    let ranks = golden["tiktoken"]["ranks"].as_str().unwrap();
    let entry = |line: &str| {
        let (token, rank) = line.split_once(' ').unwrap();
        json!({"rank": rank.parse::<u32>().unwrap(), "token_bytes": token, "token_str": null})
    };
    let mut vocab: Vec<Value> = ranks.lines().map(entry).collect();
    // More than the config counts is left out.
    vocab.push(json!({"rank": 400, "token_bytes": base64::encode(b"never"), "token_str": "never"}));
    let pattern = crate::tokenizer::pattern::known::GPT2;
    let config = json!({"pattern": pattern, "num_vocab_tokens": 401, "default_vocab_size": 430,
                        "default_num_special_tokens": 30, "version": "v3"});
    let mut file = json!({"config": config, "vocab": vocab});
    let read = |file: &Value| Tokenizer::from_bytes(Path::new("tekken.json"), file.to_string().as_bytes());
    let tokenizer = read(&file).unwrap();
    assert_eq!((tokenizer.token(3), tokenizer.token(25)), (Some("[INST]"), Some("<SPECIAL_25>")));
    assert_eq!((tokenizer.beginning_of_text(), tokenizer.end_of_text()), (1, 2));
    for (text, ids) in strings(&golden).into_iter().zip(golden["tiktoken"]["ids"].as_array().unwrap()) {
        let moved: Vec<u64> = ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() + 30).collect();
        assert_eq!(json!(tokenizer.encode(text)), json!(moved), "{text:?}");
    }
    file["special_tokens"] = json!([{"rank": 0, "token_str": "<unk>"}, {"rank": 0, "token_str": "<s>"}]);
    assert!(read(&file).unwrap_err().to_string().contains("\"<s>\" cannot have rank 0"));
    file["special_tokens"] = json!(null);
    file["vocab"][7]["rank"] = json!(9);
    assert!(read(&file).unwrap_err().to_string().contains("tekken.json: vocab[7].rank is 9"));
    file["config"]["default_vocab_size"] = json!(9000);
    assert!(read(&file).unwrap_err().to_string().contains("does not go with a vocab of 401"));
}

/// What stands in the tokens' configuration comes back as it was named.
#[test]
fn names_of_tokens_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n";
    std::fs::write(dir.path().join("vocab.txt"), words).unwrap();
    let named = json!({"cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}, "mask_token": "[MASK]",
                       "unk_token": "[UNK]", "pad_token": "[PAD]"});
    std::fs::write(dir.path().join("special_tokens_map.json"), named.to_string()).unwrap();
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let copy = dir.path().join("copy");
    tokenizer.save(&copy).unwrap();
    let read =
        |name: &str| -> Value { serde_json::from_str(&std::fs::read_to_string(copy.join(name)).unwrap()).unwrap() };
    let expected = json!({"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "unk_token": "[UNK]",
                          "pad_token": "[PAD]"});
    assert_eq!(read("special_tokens_map.json"), expected);
    assert_eq!(read("tokenizer_config.json")["mask_token"], "[MASK]");
}

/// Files of all formats, small enough that most damage falls on something that counts.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let golden: Value = serde_json::from_str(FORMATS).unwrap();
    let model = |name: &str| base64::decode(golden["sentencepiece"][name]["model"].as_str().unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let pieces = Tokenizer::from_bytes(Path::new("a.model"), &model("bpe without a prefix")).unwrap();
    pieces.save_as(Format::Gguf, dir.path()).unwrap();
    let gguf = |dir: &Path| std::fs::read(dir.join("vocabulary.gguf")).unwrap();
    let of_pieces = gguf(dir.path());
    trained("single_digits").save_as(Format::Gguf, dir.path()).unwrap();
    let ranks = golden["tiktoken"]["ranks"].as_str().unwrap();
    let entry = |(rank, line): (usize, &str)| json!({"rank": rank, "token_bytes": line.split_once(' ').unwrap().0});
    let vocab: Vec<Value> = ranks.lines().take(256).enumerate().map(entry).collect();
    let config = json!({"pattern": r"\p{L}+|\s+|.", "default_vocab_size": 280, "default_num_special_tokens": 24});
    vec![
        ("pieces.gguf", of_pieces),
        ("bytes.gguf", gguf(dir.path())),
        ("tekken.json", json!({"config": config, "vocab": vocab}).to_string().into_bytes()),
        ("cl100k_base.tiktoken", ranks.as_bytes().to_vec()),
        ("vocab.txt", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##able\n\xE5\xB0\x8F\n".to_vec()),
        ("tokenizer.model", model("unigram")),
        ("tokenizer.json", {
            let kinds: Value = serde_json::from_str(KINDS).unwrap();
            kinds["tokenizers"]["unigram"]["file"].to_string().into_bytes()
        }),
    ]
}

#[test]
fn damaged_files_are_errors_that_name_them_or_other_tokenizers() {
    let mut rng = Rng::new(41);
    for (name, good) in samples() {
        let mut refused = 0;
        for round in 0..120 {
            let mut bytes = good.clone();
            match round % 4 {
                0 => bytes.truncate(rng.index(bytes.len())),
                1 => {
                    let at = rng.index(bytes.len());
                    bytes[at] = rng.next_u64() as u8;
                }
                2 => {
                    // A number that is far too large, in the first part where lengths stand.
                    let at = rng.index(bytes.len().min(200));
                    let end = bytes.len().min(at + 8);
                    bytes[at..end].fill(0xFF);
                }
                _ => {
                    let (from, to) = (rng.index(bytes.len()), rng.index(bytes.len()));
                    let moved: Vec<u8> = bytes[from..bytes.len().min(from + 9)].to_vec();
                    bytes.splice(to..to, moved);
                }
            }
            match Tokenizer::from_bytes(Path::new(name), &bytes) {
                Ok(tokenizer) => {
                    let ids = tokenizer.encode("The small boat isn't 12 é 小船\u{0}🙂");
                    tokenizer.decode(&ids, false);
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
        assert!(refused >= 10, "{name}: {refused}");
    }
}

#[test]
fn damaged_pairs_of_files_do_not_panic() {
    let dir = tempfile::tempdir().unwrap();
    let vocabulary = r#"{"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġa": 4, "<|endoftext|>": 5}"#;
    let merges = "#version: 0.2\na b\nĠ a\n";
    let mut rng = Rng::new(43);
    for round in 0..200 {
        let mut files = [vocabulary.as_bytes().to_vec(), merges.as_bytes().to_vec()];
        let file = &mut files[round % 2];
        let at = rng.index(file.len());
        match rng.below(3) {
            0 => file.truncate(at),
            1 => file[at] = rng.next_u64() as u8,
            _ => file.insert(at, b" \n\"{:"[rng.index(5)]),
        }
        std::fs::write(dir.path().join("vocab.json"), &files[0]).unwrap();
        std::fs::write(dir.path().join("merges.txt"), &files[1]).unwrap();
        match Tokenizer::load_any(dir.path()) {
            Ok(tokenizer) => drop(tokenizer.encode("ab a")),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("vocab.json") || text.contains("merges.txt"), "{text}");
            }
        }
    }
}

#[test]
fn gguf_files_that_contradict_themselves() {
    let dir = tempfile::tempdir().unwrap();
    trained("single_digits").save_as(Format::Gguf, dir.path()).unwrap();
    let good = std::fs::read(dir.path().join("vocabulary.gguf")).unwrap();
    let changed = |from: &[u8], to: &[u8]| {
        let at = good.windows(from.len()).position(|window| window == from).unwrap();
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        Tokenizer::from_bytes(Path::new("a.gguf"), &bytes).unwrap_err().to_string()
    };
    let error = changed(b"qwen2", b"owen2");
    assert!(error.contains("tokenizer.ggml.pre: owen2 is not supported") && error.contains("llama-bpe"), "{error}");
    assert!(changed(b"gpt2", b"gptX").contains("tokenizer.ggml.model: gptX is not supported"));
    assert!(
        changed(b"tokenizer.ggml.merges", b"tokenizer.ggml.mergeX").contains("tokenizer.ggml.merges: it is missing")
    );
    assert!(changed(b"GGUF", b"GGUX").contains("this is no GGUF file"));
    let error = Tokenizer::from_bytes(Path::new("a.gguf"), &good[..good.len() / 2]).unwrap_err().to_string();
    assert!(error.contains("cut off"), "{error}");
}
