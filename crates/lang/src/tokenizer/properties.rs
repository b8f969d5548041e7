//! Properties that hold for any text, any bytes and any damage.

use proptest::prelude::*;

use super::tests::trained;
use super::{DecodeStream, Tokenizer};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let tokenizer = shared();
        prop_assert_eq!(tokenizer.decode_bytes(&tokenizer.encode_bytes(&bytes).unwrap(), false), bytes);
    }

    #[test]
    fn offsets_cover_the_text(text in "[a-c '\\n\\t<|>_0-9é灯🙂]{0,40}|\\PC{0,40}") {
        let tokenizer = shared();
        let tokens = tokenizer.encode_with_offsets(&text);
        let mut done = 0;
        let mut position = 0;
        for (id, range) in &tokens {
            // Whole characters: tokens that share one have the same range.
            let length = tokenizer.decode_bytes(&[*id], false).len();
            prop_assert_eq!(range.start, text.floor_char_boundary(done));
            done += length;
            prop_assert_eq!(range.end, text.ceil_char_boundary(done));
            prop_assert!(range.start <= position);
            position = range.end;
        }
        prop_assert_eq!(position, text.len());
        prop_assert_eq!(tokens.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), tokenizer.encode(&text));
    }

    #[test]
    fn a_stream_says_what_decoding_says(ids in proptest::collection::vec(0u32..300, 0..60), skip in any::<bool>()) {
        let tokenizer = shared();
        let mut stream = DecodeStream::new(tokenizer, skip);
        let mut text: String = ids.iter().filter_map(|&id| stream.push(id)).collect();
        text.extend(stream.finish());
        prop_assert_eq!(text, tokenizer.decode(&ids, skip));
    }

    #[test]
    fn valid_text_streams_without_replacement(text in "[灯笼🙂é a-c]{0,30}") {
        let tokenizer = shared();
        let mut stream = DecodeStream::new(tokenizer, true);
        let pieces: String = tokenizer.encode(&text).into_iter().filter_map(|id| stream.push(id)).collect();
        prop_assert_eq!(pieces, text);
        prop_assert_eq!(stream.finish(), None);
    }

    /// Damage anywhere in a file is an error or another tokenizer, never a panic.
    #[test]
    fn damaged_files_do_not_panic(at in any::<prop::sample::Index>(), with in "[\\x20-\\x7e]{0,3}", cut in 0usize..40) {
        let dir = tempfile::tempdir().unwrap();
        shared().save(dir.path()).unwrap();
        let path = dir.path().join("tokenizer.json");
        let mut text = std::fs::read_to_string(&path).unwrap();
        let start = at.index(text.len());
        if let Some(end) = (start..text.len().min(start + cut)).next_back()
            && text.is_char_boundary(start) && text.is_char_boundary(end)
        {
            text.replace_range(start..end, &with);
        }
        std::fs::write(&path, &text).unwrap();
        if let Ok(tokenizer) = Tokenizer::load(dir.path()) {
            tokenizer.encode_with_special("The river <|im_end|>");
        }
    }
}

fn shared() -> &'static Tokenizer {
    static SHARED: std::sync::LazyLock<Tokenizer> = std::sync::LazyLock::new(|| trained("single_digits"));
    &SHARED
}
