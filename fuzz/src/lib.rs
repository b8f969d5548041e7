//! What the targets share.

use lang::tokenizer::{EncodeOptions, Tokenizer};

/// Texts that reach most components.
const TEXTS: [&str; 6] = ["", "The river, 1234 isn't  wide.\n\n", "你好，世界 ＡＢＣ ﬁ é e\u{301}", "<s>[CLS]<|endoftext|>", "aaaaaaaaaaaaaaaa", "\0\u{fffd}🙂\u{200d}"];

/// Encodes and decodes with a tokenizer that was read from anything.
pub fn use_it(tokenizer: &Tokenizer) {
    for text in TEXTS {
        let ids = tokenizer.encode(text);
        assert_eq!(tokenizer.count(text), ids.len());
        tokenizer.decode(&ids, false);
        let options = EncodeOptions { parse_special: true, add_special: true };
        for token in tokenizer.encode_texts(text, Some("second"), options) {
            assert!((token.id as usize) < tokenizer.vocabulary_size());
        }
    }
}

/// Reads the bytes as a file of this name and uses what comes of it.
pub fn read(name: &str, bytes: &[u8]) {
    match Tokenizer::from_bytes(name.as_ref(), bytes) {
        Ok(tokenizer) => use_it(&tokenizer),
        Err(error) => assert!(error.to_string().contains(name)),
    }
}

/// A target that reads bytes as a file of this name.
#[macro_export]
macro_rules! read_and_use {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::read($name, bytes));
    };
}

/// Reads the bytes as an input of a corpus of this name, whole and cut into the smallest units; both give the same.
pub fn read_documents(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for one file");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a small file");
    let read = |unit_bytes| {
        let options = corpus::read::ReadOptions { unit_bytes, max_record_bytes: 1 << 16, ..Default::default() };
        let (units, _) = corpus::read::units(std::slice::from_ref(&path), &options).expect("a file that is there");
        let mut texts = Vec::new();
        for unit in &units {
            corpus::read::read_unit(unit, &options, &mut |document| {
                assert!(!document.text.trim().is_empty());
                texts.push((document.id, document.text));
                Ok(())
            })
            .expect("no error but the sink's");
        }
        texts
    };
    let (whole, cut) = (read(u64::MAX), read(1));
    // Damaged archives are cut where whole records begin; what lies between may be read otherwise.
    if !name.contains("warc") {
        assert_eq!(whole, cut);
    }
}

/// A target that reads bytes as an input of a corpus of this name.
#[macro_export]
macro_rules! read_as_documents {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::read_documents($name, bytes));
    };
}

/// Reads the bytes as a dump of MediaWiki, and as the markup in one.
pub fn read_mediawiki(bytes: &[u8]) {
    read_documents("x.xml", bytes);
    corpus::read::mediawiki::strip(&String::from_utf8_lossy(bytes));
}

/// Reads the bytes as a page, with all three extractors.
pub fn read_page(bytes: &[u8]) {
    for extractor in corpus::extract::Extractor::ALL {
        let options = corpus::extract::ExtractOptions { extractor, max_seconds: 5, ..Default::default() };
        if let Ok(page) = corpus::read::page_of(bytes, &options) {
            assert!(!page.beyond.is_some_and(|reason| reason.contains("seconds") || reason.contains("failed")));
        }
    }
}
