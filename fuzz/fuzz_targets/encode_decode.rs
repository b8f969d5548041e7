//! Any bytes through a byte-level vocabulary and back; any text with offsets that cover it.
#![no_main]

use std::sync::LazyLock;

use lang::tokenizer::{DecodeStream, TrainConfig, Tokenizer};

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    let texts = ["The small boat crossed the river twice.", "aaaa aaab abab baab", "小船过河，船过小河。", "x = 10 * (y + 2)\n    y -= 1\n"];
    let config = TrainConfig { vocab_size: 400, min_frequency: 1, ..TrainConfig::default() };
    Tokenizer::train(&texts, &config, &mut |_, _| {}).expect("texts that can be learned from")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let tokenizer = &*TOKENIZER;
    let ids = tokenizer.encode_bytes(bytes).expect("the vocabulary has all bytes");
    assert_eq!(tokenizer.decode_bytes(&ids, false), bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let with_offsets = tokenizer.encode_with_offsets(text);
    assert!(with_offsets.iter().map(|(id, _)| *id).eq(ids.iter().copied()));
    let mut end = 0;
    for (_, range) in &with_offsets {
        assert!(range.start <= end && range.end >= end);
        end = range.end;
    }
    assert_eq!(end, text.len());
    let mut stream = DecodeStream::new(tokenizer, false);
    let mut said: String = ids.iter().filter_map(|&id| stream.push(id)).collect();
    said.extend(stream.finish());
    assert_eq!(said, text);
});
