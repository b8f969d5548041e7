//! `vocab.json` and `merges.txt`, with a zero byte between: any bytes are an error or a tokenizer, never a panic.
#![no_main]

use std::sync::LazyLock;

use lang::tokenizer::Tokenizer;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder for two files"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let (vocabulary, merges) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    std::fs::write(DIR.path().join("vocab.json"), vocabulary).expect("room for a file");
    std::fs::write(DIR.path().join("merges.txt"), merges).expect("room for a file");
    if let Ok(tokenizer) = Tokenizer::load_any(DIR.path()) {
        fuzz::use_it(&tokenizer);
    }
});
