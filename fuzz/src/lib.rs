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
