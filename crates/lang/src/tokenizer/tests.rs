//! Against Hugging Face (the golden file of `oracle/tokenizer.py`), against itself, and against broken files.

use std::path::Path;

use serde_json::{Value, json};

use super::pattern::known::{Digits, Pattern};
use super::*;

const GOLDEN: &str = include_str!("../../tests/data/tokenizer_golden.json");

fn golden() -> Value {
    serde_json::from_str(GOLDEN).unwrap()
}

/// Name in the golden file, pattern, and the list of strings it was tried on.
const TRAINED: [(&str, Pattern, &str); 4] = [
    ("single_digits", Pattern::Llama { digits: Digits::Single, split_han: false }, "strings"),
    ("digit_triples", Pattern::Llama { digits: Digits::Triples, split_han: false }, "strings"),
    ("han_single_digits", Pattern::Llama { digits: Digits::Single, split_han: true }, "han_strings"),
    ("han_digit_triples", Pattern::Llama { digits: Digits::Triples, split_han: true }, "han_strings"),
];

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn config(vocab_size: usize, min_frequency: u64, split_digits: bool) -> TrainConfig {
    let cut = if split_digits { CutStyle::Qwen2 } else { CutStyle::Llama3 };
    TrainConfig { vocab_size, min_frequency, cut, ..TrainConfig::default() }
}

fn quiet<S: AsRef<str> + Sync>(texts: &[S], config: &TrainConfig) -> Result<Tokenizer, TokenizerError> {
    Tokenizer::train(texts, config, &mut |_, _| {})
}

/// The expressions a trained tokenizer cuts by.
fn regexes(tokenizer: &Tokenizer) -> Vec<&str> {
    let members = tokenizer.core.components.pre_tokenizer["pretokenizers"].as_array().unwrap();
    members.iter().filter_map(|member| member["pattern"]["Regex"].as_str()).collect()
}

/// The tokenizer the golden file was made with, trained here.
pub(crate) fn trained(name: &str) -> Tokenizer {
    let golden = golden();
    let case = &golden["trained"][name];
    let size = case["vocab_size"].as_u64().unwrap() as usize;
    let mut config = config(size, case["min_frequency"].as_u64().unwrap(), name.ends_with("single_digits"));
    config.split_han = name.starts_with("han_");
    quiet(&strings(&golden["texts"]), &config).unwrap()
}

#[test]
fn pre_tokens_equal_hugging_face() {
    let golden = golden();
    for (name, pattern, list) in TRAINED.into_iter().chain([("gpt2", Pattern::Gpt2, "strings")]) {
        for (text, expected) in strings(&golden[list]).iter().zip(golden["splits"][name].as_array().unwrap()) {
            assert_eq!(json!(pattern.split(text).collect::<Vec<_>>()), *expected, "{name} {text:?}");
        }
    }
}

#[test]
fn training_and_encoding_equal_hugging_face() {
    let golden = golden();
    for (name, pattern, list) in TRAINED {
        let case = &golden["trained"][name];
        let tokenizer = trained(name);
        assert_eq!(regexes(&tokenizer), pattern.regexes());
        let spelling = |id: u32| tokenizer.token(id).unwrap();
        let merges: Vec<String> = tokenizer
            .core
            .pipeline
            .model
            .merges()
            .iter()
            .map(|&(left, right)| format!("{} {}", spelling(left), spelling(right)))
            .collect();
        assert_eq!(merges, strings(&case["merges"]));
        assert_eq!(json!(tokenizer.vocabulary_size()), case["size"]);

        let texts = strings(&golden[list]);
        for (text, expected) in texts.iter().zip(case["ids"].as_array().unwrap()) {
            assert_eq!(tokenizer.encode_with_special(text), ids(expected), "{text:?}");
            let tokens = tokenizer.encode_with_offsets(text);
            assert_eq!(tokens.iter().map(|(id, _)| *id).collect::<Vec<_>>(), tokenizer.encode(text), "{text:?}");
        }
        let marked = texts.iter().filter(|text| text.contains("<|"));
        for (text, expected) in marked.zip(case["ids_special_as_text"].as_array().unwrap()) {
            assert_eq!(tokenizer.encode(text), ids(expected), "{text:?}");
        }
    }
}

/// `tokenizer.json` is byte for byte what Hugging Face writes, and reads back as the same tokenizer.
#[test]
fn saved_files_equal_hugging_face() {
    use sha2::Digest as _;
    let golden = golden();
    for (name, pattern, list) in TRAINED {
        let dir = tempfile::tempdir().unwrap();
        let tokenizer = trained(name);
        tokenizer.save(dir.path()).unwrap();
        let file = std::fs::read(dir.path().join("tokenizer.json")).unwrap();
        let sum: String = sha2::Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(json!(sum), golden["trained"][name]["file_sha256"], "{name}");
        let read = Tokenizer::load(dir.path()).unwrap();
        assert_eq!(regexes(&read), pattern.regexes());
        for text in strings(&golden[list]) {
            assert_eq!(read.encode(&text), tokenizer.encode(&text), "{name} {text:?}");
        }
    }
}

/// The tokens of a character do not depend on what stands around it.
#[test]
fn no_merge_crosses_han_characters() {
    let tokenizer = trained("han_single_digits");
    for parts in
        [["小", "船", "灯", "笼"].as_slice(), &["灯", "笼", "，", "河", "。"], &["a", "  ", "船", " ", "河", " b"]]
    {
        let alone: Vec<u32> = parts.iter().flat_map(|part| tokenizer.encode(part)).collect();
        assert_eq!(tokenizer.encode(&parts.concat()), alone, "{parts:?}");
    }
}

/// Whatever stands before a word, its pieces are those of the word alone, the first perhaps joined to what stands there.
#[test]
fn with_the_space_last_words_are_cut_alike_everywhere() {
    let texts = strings(&golden()["texts"]);
    for vocab_size in [300, 340, 420] {
        let plain = quiet(&texts, &config(vocab_size, 2, true)).unwrap();
        let settings = TrainConfig { space_last: true, ..config(vocab_size, 2, true) };
        let tokenizer = quiet(&texts, &settings).unwrap();
        assert!(tokenizer.vocabulary_size() <= vocab_size);
        let words = texts.iter().flat_map(|text| text.split(|letter: char| !letter.is_alphabetic()));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let differently_cut = |tokenizer: &Tokenizer| {
            let alike = |word: &&str, before: &str| {
                let alone: Vec<&str> = tokenizer.encode(word).iter().map(|&id| tokenizer.token(id).unwrap()).collect();
                let ids = tokenizer.encode(&format!("{before}{word}"));
                let mut pieces: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap()).collect();
                let spelt = if before == " " { "Ġ" } else { before };
                match pieces[0].strip_prefix(spelt).unwrap() {
                    "" => _ = pieces.remove(0),
                    first => pieces[0] = first,
                }
                pieces == alone
            };
            words.iter().filter(|word| [" ", "[", "\""].iter().any(|before| !alike(word, before))).count()
        };
        assert_eq!(differently_cut(&tokenizer), 0, "{vocab_size}");
        assert!(differently_cut(&plain) > 0, "{vocab_size}");
        let text = "中文《中国》 \"word\" (été) -x 'Ⓐword हिन्दी";
        assert_eq!(tokenizer.decode(&tokenizer.encode(text), false), text);
        // Joins are there, and each has its word without the space as a fellow.
        let fellows = tokenizer.without_spaces();
        let joined: Vec<u32> =
            (0..tokenizer.vocabulary_size() as u32).filter(|&id| fellows[id as usize] != id).collect();
        assert!(joined.len() > 3, "{vocab_size}: {}", joined.len());
        for id in joined {
            let fellow = tokenizer.token(fellows[id as usize]).unwrap();
            assert_eq!(tokenizer.token(id).unwrap(), format!("Ġ{fellow}"));
        }
    }
}

/// Special tokens may spell what a merge would give, and joins must not take the place of a byte.
#[test]
fn with_the_space_last_every_byte_stays() {
    let specials = ["ab".to_owned()];
    let texts = ["ab ab ab cd cd x x x x x x x x x x y y y y y y y y y"];
    for vocab_size in 257..262 {
        let settings =
            TrainConfig { space_last: true, special_tokens: specials.to_vec(), ..config(vocab_size, 1, true) };
        let tokenizer = quiet(&texts, &settings).unwrap();
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(tokenizer.decode_bytes(&tokenizer.encode_bytes(&all).unwrap(), false), all, "{vocab_size}");
        assert!(tokenizer.vocabulary_size() <= vocab_size);
        assert_eq!(tokenizer.decode(&tokenizer.encode("中 x"), false), "中 x");
    }
}

/// Files outside the repository, where they are present, against the programs they come from.
#[test]
fn published_vocabularies_equal_their_references() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tokenizers");
    let Ok(golden) = std::fs::read_to_string(folder.join("golden_ids.jsonl")) else {
        println!("skipped: there is no {}", folder.display());
        return;
    };
    for (key, file, is_byte_level) in [
        ("gpt2", "gpt2", true),
        ("gpt2", "gpt2/merges.txt", true),
        ("minimind2", "minimind2", true),
        ("bert-uncased", "bert-uncased", false),
        ("bert-uncased", "bert-uncased/vocab.txt", false),
        ("llama2", "llama2", false),
        ("tok512", "stories", false),
    ] {
        let tokenizer = Tokenizer::load(&folder.join(file)).unwrap();
        for line in golden.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let text = case["text"].as_str().unwrap();
            // The golden ids of BERT have its template around them; SentencePiece never parses special tokens.
            let is_json = key != "llama2" && key != "tok512";
            let options = EncodeOptions { parse_special: is_json, add_special: key == "bert-uncased" };
            let tokens: Vec<u32> = tokenizer.encode_texts(text, None, options).iter().map(|token| token.id).collect();
            assert_eq!(tokens, ids(&case["ids"][key]), "{file} {text:?}");
            if is_byte_level {
                assert_eq!(tokenizer.decode(&tokenizer.encode(text), false), text);
            }
        }
    }
}

#[test]
fn a_saved_tokenizer_reads_back_and_saves_the_same_bytes() {
    let mut tokenizer = trained("single_digits");
    tokenizer.set_model_max_length(Some(256));
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    tokenizer.save(&first).unwrap();
    let read = Tokenizer::load(&first).unwrap();
    read.save(&second).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"] {
        assert_eq!(std::fs::read(first.join(name)).unwrap(), std::fs::read(second.join(name)).unwrap(), "{name}");
    }
    assert_eq!(read.chat_template(), Some(crate::chat::CHATML));
    assert_eq!(read.model_max_length(), Some(256));
    assert_eq!((read.beginning_of_text(), read.end_of_text(), read.padding(), read.end_of_turn()), (0, 0, 0, Some(2)));
    for text in strings(&golden()["strings"]) {
        assert_eq!(read.encode(&text), tokenizer.encode(&text));
        assert_eq!(read.encode_with_special(&text), tokenizer.encode_with_special(&text));
    }
}

#[test]
fn threads_leave_no_trace() {
    let texts = strings(&golden()["texts"]);
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| quiet(&texts, &config(420, 1, true)).unwrap())
    };
    let (one, four) = (train(1), train(4));
    assert_eq!(one.core.tokens, four.core.tokens);
    assert_eq!(one.core.pipeline.model.merges(), four.core.pipeline.model.merges());
}

#[test]
fn special_tokens_are_parsed_only_when_asked() {
    let tokenizer = trained("single_digits");
    let text = "a<|im_end|>";
    assert_eq!(tokenizer.encode_with_special(text).last(), tokenizer.end_of_turn().as_ref());
    assert!(!tokenizer.encode(text).iter().any(|&id| tokenizer.is_special(id)));
    let parsed = tokenizer.encode_with_special(text);
    assert_eq!((tokenizer.decode(&parsed, false), tokenizer.decode(&parsed, true)), (text.to_owned(), "a".to_owned()));
    assert_eq!(tokenizer.decode(&[99_999], false), "");
    assert_eq!(tokenizer.token_id("<|im_end|>"), Some(2));
    assert_eq!((tokenizer.token(3), tokenizer.token(u32::MAX)), (Some("!"), None));
}

/// A quadratic encoder would need 10^12 steps.
#[test]
fn a_mebibyte_of_one_character() {
    let tokenizer = quiet(&["aaaaaaaa aaaaaaaa     "], &config(264, 1, true)).unwrap();
    let text = "a".repeat(1 << 20);
    let ids = tokenizer.encode(&text);
    assert_eq!(tokenizer.decode(&ids, false), text);
    assert_eq!(ids.len(), 1 << 17);
    let text = " ".repeat(1 << 20);
    assert_eq!(tokenizer.decode(&tokenizer.encode(&text), false), text);
}

#[test]
fn progress_ends_at_the_size_reached() {
    let mut calls = Vec::new();
    let size = Tokenizer::train(&["ab ab ab"], &config(1000, 2, true), &mut |done, wanted| calls.push((done, wanted)))
        .unwrap()
        .vocabulary_size();
    assert_eq!((calls.first(), calls.last()), (Some(&(0, 1000)), Some(&(size, 1000))));
    // `ab` and ` ab` are all there is to join.
    assert_eq!(size, 3 + 256 + 2);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let check = |change: fn(&mut TrainConfig), expected: &str| {
        let mut config = TrainConfig::default();
        change(&mut config);
        let error = quiet(&["text"], &config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|config| config.vocab_size = 258, "vocab_size: 258 is below 259");
    check(|config| config.special_tokens.clear(), "special_tokens: there must be");
    check(|config| config.special_tokens.push("<|im_end|>".into()), "\"<|im_end|>\" is listed twice");
    check(|config| config.special_tokens[1].clear(), "special_tokens: one of them is empty");
    check(|config| config.special_tokens.push("a".into()), "\"a\" is the spelling of a byte");
    let nothing: [&str; 0] = [];
    assert!(matches!(quiet(&nothing, &TrainConfig::default()), Err(TokenizerError::EmptyCorpus)));
    assert!(matches!(quiet(&["", ""], &TrainConfig::default()), Err(TokenizerError::EmptyCorpus)));
}

/// Each broken file is refused with the file's name and what is wrong.
#[test]
fn broken_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    trained("single_digits").save(dir.path()).unwrap();
    let good: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let check_text = |text: &str, expected: &str| {
        std::fs::write(&path, text).unwrap();
        let error = Tokenizer::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("tokenizer.json") && error.contains(expected), "{expected}: {error}");
    };
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut broken = good.clone();
        change(&mut broken);
        check_text(&broken.to_string(), expected);
    };
    let remove = |value: &mut Value, key: &str| drop(value.as_object_mut().unwrap().shift_remove(key));

    check_text(&good.to_string()[..5000], "EOF");
    check_text("[]", "expected struct");
    check_text("{}", "model: it is missing");
    check_text(&good.to_string().replace("\"!\":3,", "\"!\":3,\"!\":3,"), "vocab: it lists \"!\" twice");
    check(&|file| remove(&mut file["model"], "merges"), "model.merges: it is missing");
    check(&|file| remove(&mut file["model"], "vocab"), "model.vocab: it is missing");
    check(&|file| remove(&mut file["model"]["vocab"], "!"), "no token has id 3");
    check(&|file| file["model"]["vocab"]["!"] = json!(4), "id 4 is both");
    check(&|file| file["model"]["vocab"]["!"] = json!(-1), "invalid value");
    check(&|file| file["model"]["merges"][0] = json!(["a", "?!?"]), "merges[0]: \"a\" \"?!?\" needs \"?!?\"");
    check(&|file| file["model"]["merges"][1] = file["model"]["merges"][0].clone(), "merges[1]");
    check(&|file| file["model"]["merges"][1] = file["model"]["merges"][0].clone(), "is merge 0 already");
    check(&|file| file["model"]["merges"][0] = json!("a b c"), "not two tokens");
    check(&|file| file["model"]["merges"][0] = json!(["a"]), "1 parts");
    check(&|file| file["model"]["merges"][0] = json!(["a", "b", "c"]), "3 parts");
    check(&|file| file["added_tokens"][0]["id"] = json!(7), "is 0 in vocab but 7");
    check(&|file| file["added_tokens"][0]["id"] = json!(1), "added_tokens has both");
    check(&|file| file["added_tokens"][0]["content"] = json!(""), "added_tokens: the token 0 is empty");
    check(&|file| file["normalizer"] = json!({"type": "NFX"}), "normalizer: NFX is not supported");
    check(&|file| file["normalizer"] = json!({"type": "NFX"}), "hint: known are BertNormalizer, ");
    check(&|file| file["normalizer"] = json!("NFC"), "normalizer: an object is expected");
    check(&|file| file["normalizer"] = json!({}), "normalizer.type: it is missing");
    check(&|file| file["decoder"] = json!({"type": "Fuse2"}), "decoder: Fuse2 is not supported");
    check(&|file| file["model"]["type"] = json!("Bigram"), "model: Bigram is not supported");
    check(&|file| file["model"]["type"] = json!("Unigram"), "model.unk_id: it is missing");
    check(&|file| file["model"]["type"] = json!("WordPiece"), "unk_token: \"<unk>\" is not in vocab");
    check(&|file| file["model"]["unk_token"] = json!("[U]"), "model.unk_token: \"[U]\" is not in vocab");
    check(&|file| file["model"]["byte_fallback"] = json!(1), "model.byte_fallback: true or false is expected");
    check(&|file| file["model"]["dropout"] = json!(0.1), "model.dropout: encoding at random");
    check(&|file| file["post_processor"] = json!({"type": "TemplateProcessing"}), "special_tokens: it is missing");
    check(&|file| file["pre_tokenizer"] = json!({"type": "Metaspace"}), "pre_tokenizer.replacement: it is missing");
    let member = |key: &'static str, value: Value, expected: &str| {
        check(&|file| file["pre_tokenizer"]["pretokenizers"][0][key] = value.clone(), expected);
    };
    let place = "pre_tokenizer.pretokenizers[0]";
    member("pattern", json!({"Regex": "("}), &format!("{place}.pattern: \"(\""));
    member("pattern", json!({"Glob": "x"}), &format!("{place}.pattern: either String or Regex"));
    member("type", json!("Dots"), &format!("{place}: Dots is not supported"));
    member("behavior", json!("Moved"), &format!("{place}.behavior: \"Moved\" is not supported"));
    member("invert", json!(0), &format!("{place}.invert: true or false is expected"));

    std::fs::write(&path, good.to_string()).unwrap();
    std::fs::write(dir.path().join("tokenizer_config.json"), "{\"eos_token\": \"</s>\"}").unwrap();
    let error = Tokenizer::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("tokenizer_config.json") && error.contains("eos_token is \"</s>\""), "{error}");
    assert!(matches!(Tokenizer::load(&dir.path().join("absent")), Err(TokenizerError::Io { .. })));
}

#[test]
fn older_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    let tokenizer = trained("single_digits");
    tokenizer.save(dir.path()).unwrap();
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for merge in file["model"]["merges"].as_array_mut().unwrap() {
        *merge = json!(format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()));
    }
    // A token of its own outside the vocabulary, and a word that is a token whatever the merges say.
    let size = tokenizer.vocabulary_size();
    file["model"]["vocab"]["Ġzzz"] = json!(size);
    file["model"]["ignore_merges"] = json!(true);
    file["added_tokens"].as_array_mut().unwrap().push(json!({"id": size + 1, "content": "名字", "special": false}));
    std::fs::write(&path, file.to_string()).unwrap();
    let read = Tokenizer::load(&path).unwrap();
    let size = size as u32;
    assert_eq!(read.encode(" zzz名字"), [size, size + 1]);
    assert_eq!(read.decode(&[size, size + 1], true), " zzz名字");
    assert_eq!(read.encode("The river"), tokenizer.encode("The river"));
    let copy = dir.path().join("copy");
    read.save(&copy).unwrap();
    assert_eq!(Tokenizer::load(&copy).unwrap().encode(" zzz名字"), [size, size + 1]);
}
