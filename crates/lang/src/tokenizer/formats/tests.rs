//! Against SentencePiece and tiktoken: the golden file of `oracle/tokenizer_formats.py`; and broken files.

use std::path::Path;

use serde_json::{Value, json};

use crate::tokenizer::{Tokenizer, base64};

const GOLDEN: &str = include_str!("../../../tests/data/tokenizer_formats.json");

fn golden() -> Value {
    serde_json::from_str(GOLDEN).unwrap()
}

fn strings(golden: &Value) -> Vec<&str> {
    golden["strings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn model(golden: &Value, name: &str) -> Vec<u8> {
    base64::decode(golden["sentencepiece"][name]["model"].as_str().unwrap()).unwrap()
}

#[test]
fn models_equal_sentencepiece() {
    let golden = golden();
    let dir = tempfile::tempdir().unwrap();
    for (name, case) in golden["sentencepiece"].as_object().unwrap() {
        write(dir.path(), "tokenizer.model", model(&golden, name));
        let tokenizer = Tokenizer::load(dir.path()).unwrap();
        assert_eq!((tokenizer.beginning_of_text(), tokenizer.end_of_text()), (1, 2), "{name}");
        for (text, expected) in strings(&golden).into_iter().zip(case["ids"].as_array().unwrap()) {
            let ids = tokenizer.encode(text);
            assert_eq!(json!(ids), *expected, "{name} {text:?}");
            let ranges = tokenizer.encode_with_offsets(text);
            assert_eq!(ranges.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids, "{name} {text:?}");
            assert!(ranges.iter().all(|(_, range)| text.get(range.clone()).is_some()), "{name} {text:?} {ranges:?}");
        }
    }
}

/// What is saved is what Hugging Face's converter makes of a model: the same tokens where the model leaves text as it is.
#[test]
fn a_plain_model_saves_as_tokenizer_json() {
    let golden = golden();
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "spiece.model", model(&golden, "unigram with bytes"));
    let tokenizer = Tokenizer::load(&path).unwrap();
    let copy = dir.path().join("copy");
    tokenizer.save(&copy).unwrap();
    let read = Tokenizer::load(&copy).unwrap();
    assert_eq!(
        (read.beginning_of_text(), read.end_of_text(), read.vocabulary_size()),
        (1, 2, tokenizer.vocabulary_size())
    );
    // Control pieces spelt out are text to SentencePiece, and pieces like all others to Hugging Face's Unigram; and ways to
    // cut that are equally good are told apart by single precision there, by double here.
    for text in strings(&golden)
        .into_iter()
        .filter(|text| !["<s>", "</s>", "<unk>", "aaaa"].iter().any(|mark| text.contains(mark)))
    {
        assert_eq!(read.encode(text), tokenizer.encode(text), "{text:?}");
        assert_eq!(read.decode(&read.encode(text), true), tokenizer.decode(&read.encode(text), true), "{text:?}");
    }
}

#[test]
fn bytes_of_models_with_byte_tokens_are_encoded() {
    let golden = golden();
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.model", model(&golden, "unigram with bytes"));
    let ids = Tokenizer::load(&path).unwrap().encode_bytes(b"a\xFFb").unwrap();
    assert!(ids.contains(&Tokenizer::load(&path).unwrap().token_id("<0xFF>").unwrap()));
    let path = write(dir.path(), "b.model", model(&golden, "unigram"));
    let error = Tokenizer::load(&path).unwrap().encode_bytes(b"ab\xFFb").unwrap_err().to_string();
    assert!(error.contains("byte 2 of the input is not UTF-8"), "{error}");
}

#[test]
fn ranks_equal_tiktoken() {
    let golden = golden();
    let text = golden["tiktoken"]["ranks"].as_str().unwrap();
    let known = super::tiktoken::Known {
        name: "toy",
        ranks: 400,
        pattern: crate::tokenizer::pattern::known::GPT2,
        special: &[("<|endoftext|>", 402)],
    };
    let path = Path::new("toy.tiktoken");
    let tokenizer = super::tiktoken::load(path, text, &Default::default(), &[known]).unwrap();
    assert_eq!((tokenizer.vocabulary_size(), tokenizer.end_of_text()), (403, 402));
    let dir = tempfile::tempdir().unwrap();
    tokenizer.save(dir.path()).unwrap();
    let read = Tokenizer::load(dir.path()).unwrap();
    assert_eq!(read.token(401), Some("<|reserved_401|>"));
    for (text, expected) in strings(&golden).into_iter().zip(golden["tiktoken"]["ids"].as_array().unwrap()) {
        assert_eq!(json!(tokenizer.encode(text)), *expected, "{text:?}");
        assert_eq!(tokenizer.decode(&tokenizer.encode(text), false), text);
        assert_eq!(read.encode(text), tokenizer.encode(text), "{text:?}");
    }
    let error = |text: &str| super::load_file(&write(dir.path(), "x.tiktoken", text)).unwrap_err().to_string();
    assert!(error(text).contains("a file of 400 ranks does not say how text is cut"));
    assert!(error("IQ== 0\nIg== x\n").contains("line 2: a token in base64 and its rank"));
    assert!(error("IQ== 0\nIQ== 1\n").contains("line 2: the token has the rank 0 already"));
}

/// GPT-2's two files and BERT's one give what `tokenizer.json` gives.
#[test]
fn older_files_equal_tokenizer_json() {
    let dir = tempfile::tempdir().unwrap();
    let tokenizer = crate::tokenizer::tests::trained("single_digits");
    tokenizer.save(dir.path()).unwrap();
    let path = dir.path().join("tokenizer.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let merges: Vec<String> = file["model"]["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    let old = dir.path().join("old");
    std::fs::create_dir(&old).unwrap();
    write(&old, "vocab.json", file["model"]["vocab"].to_string());
    write(&old, "merges.txt", format!("#version: 0.2\n{}\n", merges.join("\n")));
    let read = Tokenizer::load(&old).unwrap();
    // The cuts are GPT-2's: words without digits are the same.
    for text in ["The small boat", " crossed the river, 灯笼", ""] {
        assert_eq!(read.encode(text), tokenizer.encode(text), "{text:?}");
    }
    let merges = write(&old, "merges.txt", "a b c\n");
    let error = Tokenizer::load(&old).unwrap_err().to_string();
    assert!(error.contains("merges.txt") && error.contains("line 1: the merge \"a b c\""), "{error}");
    std::fs::remove_file(merges).unwrap();
    assert!(Tokenizer::load(&old).unwrap_err().to_string().contains("merges.txt"));

    let dir = tempfile::tempdir().unwrap();
    let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##able\nlow\n##er\n小\n,\n";
    let path = write(dir.path(), "vocab.txt", words);
    let bert = Tokenizer::load(&path).unwrap();
    assert_eq!(bert.encode("Unable, LOWER小x"), [5, 6, 10, 7, 8, 9, 1]);
    assert_eq!(bert.template(), (vec![2], vec![3]));
    assert_eq!((bert.beginning_of_text(), bert.end_of_text(), bert.padding()), (2, 3, 0));
    let cased = write(dir.path(), "vocab.txt", words.replace("low", "Low"));
    assert_eq!(Tokenizer::load(&cased).unwrap().encode("Low low"), [7, 1]);
    let twice = write(dir.path(), "vocab.txt", "[UNK]\na\na\n");
    assert!(Tokenizer::load(&twice).unwrap_err().to_string().contains("lines 2 and 3 are both \"a\""));
}

/// Cut off or damaged anywhere, a model is an error or another model, never a panic.
#[test]
fn damaged_models_do_not_panic() {
    let golden = golden();
    let dir = tempfile::tempdir().unwrap();
    let mut rng = crate::rng::Rng::new(9);
    let mut refused = 0;
    for name in ["unigram", "bpe, extra spaces removed"] {
        let good = model(&golden, name);
        for _ in 0..150 {
            let mut bytes = good.clone();
            match rng.below(2) {
                0 => bytes.truncate(rng.index(bytes.len())),
                _ => {
                    let at = rng.index(bytes.len());
                    bytes[at] = rng.next_u64() as u8;
                }
            }
            match Tokenizer::load_any(&write(dir.path(), "a.model", &bytes)) {
                Ok(tokenizer) => drop(tokenizer.encode("The small boat ﬁ é 船")),
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("a.model"), "{error}");
                }
            }
        }
        let error = Tokenizer::load_any(&write(dir.path(), "a.model", &good[..good.len() / 2])).unwrap_err();
        assert!(error.to_string().contains("cut off"), "{error}");
    }
    assert!(refused > 100, "{refused}");
}
