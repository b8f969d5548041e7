//! Trained vocabularies against Hugging Face's trainers: the golden file of `oracle/tokenizer_training.py`.

use serde_json::Value;

use super::*;

const GOLDEN: &str = include_str!("../../../tests/data/tokenizer_training.json");

fn golden() -> Value {
    serde_json::from_str(GOLDEN).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn number(value: &Value) -> Option<usize> {
    value.as_u64().map(|number| number as usize)
}

/// Trains on texts that come one by one.
fn trained(texts: &[String], config: &TrainConfig) -> (Tokenizer, TrainReport) {
    let mut trainer = Trainer::new(config, None).unwrap();
    texts.iter().for_each(|text| trainer.feed(&[text]).unwrap());
    trainer.finish(&mut |_, _, _| ()).unwrap()
}

/// The tokens in order, those of bytes apart.
fn tokens(tokenizer: &Tokenizer) -> Vec<&str> {
    let all = (0..tokenizer.vocabulary_size() as u32).map(|id| tokenizer.token(id).unwrap());
    all.filter(|token| !(token.starts_with("<0x") && token.len() == 6)).collect()
}

/// The settings of a case of the golden file.
fn settings(case: &Value) -> TrainConfig {
    let settings = &case["settings"];
    let cut = match settings["cut"].as_str() {
        Some("gpt2") => CutStyle::Gpt2,
        Some("cl100k") => CutStyle::Cl100k,
        Some("o200k") => CutStyle::O200k,
        Some("llama3") => CutStyle::Llama3,
        Some("words") => CutStyle::Words,
        Some(other) => panic!("{other}"),
        None => CutStyle::Metaspace,
    };
    TrainConfig {
        vocab_size: number(&settings["vocab_size"]).unwrap(),
        min_frequency: settings["min_frequency"].as_u64().unwrap(),
        special_tokens: strings(&settings["special"]),
        cut,
        digits: number(&settings["digits"]).map(|digits| digits as u8),
        byte_fallback: settings["bytes"] == true,
        initial_alphabet: settings["initial_alphabet"].as_str().unwrap_or_default().to_owned(),
        max_token_length: number(&settings["max_token_length"]),
        ..TrainConfig::default()
    }
}

#[test]
fn byte_pair_merges_equal_hugging_face() {
    let golden = golden();
    let texts = strings(&golden["texts"]);
    for case in golden["bpe"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (tokenizer, report) = trained(&texts, &settings(case));
        assert_eq!(tokens(&tokenizer), strings(&case["tokens"]), "{name}");
        let between = if tokenizer.core.token_bytes.is_some() { " " } else { "\t" };
        let spell = |id: &u32| tokenizer.token(*id).unwrap();
        let merges = tokenizer.core.pipeline.model.merges();
        let merges: Vec<String> = merges.iter().map(|(l, r)| format!("{}{between}{}", spell(l), spell(r))).collect();
        assert_eq!(merges, strings(&case["merges"]), "{name}");
        assert!(report.learnt >= merges.len() as u64);
        // What is trained can be saved and read, and gives texts back.
        let dir = tempfile::tempdir().unwrap();
        tokenizer.save(dir.path()).unwrap();
        let read = Tokenizer::load(dir.path()).unwrap();
        for text in &texts {
            let ids = tokenizer.encode(text);
            assert_eq!(read.encode(text), ids, "{name} {text:?}");
            if name != "words" {
                // The space that is put before a text is taken away again.
                assert_eq!(
                    read.decode(&ids, false),
                    text.strip_prefix("    ").map_or(text.clone(), |rest| {
                        if tokenizer.core.token_bytes.is_some() { text.clone() } else { format!("   {rest}") }
                    }),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn word_pieces_equal_hugging_face() {
    let golden = golden();
    let counts: Vec<(String, usize)> = golden["word_piece"]["counts"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(word, count)| (word.clone(), number(count).unwrap()))
        .collect();
    let texts: Vec<String> = counts.iter().map(|(word, count)| vec![word.as_str(); *count].join(" ")).collect();
    let cases = golden["word_piece"]["trained"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let config = TrainConfig {
            vocab_size: number(&case["vocab_size"]).unwrap(),
            normalization: Normalization::BertCased,
            ..TrainConfig::of(ModelKind::WordPiece)
        };
        let (tokenizer, _) = trained(&texts, &config);
        let mut found = tokens(&tokenizer);
        assert_eq!(found[..5], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
        found.sort_unstable();
        let mut expected = strings(&case["tokens"]);
        expected.sort_unstable();
        assert_eq!(found, expected);
        let options = crate::tokenizer::EncodeOptions { parse_special: false, add_special: true };
        let ids: Vec<u32> = tokenizer.encode_texts("abba", None, options).iter().map(|token| token.id).collect();
        assert_eq!((ids.first(), ids.last()), (Some(&2), Some(&3)));
        assert_eq!(tokenizer.decode(&ids, true), "abba");
    }
}

#[test]
fn words_equal_hugging_face() {
    let golden = golden();
    for case in golden["word_level"].as_array().unwrap() {
        let config = TrainConfig {
            vocab_size: number(&case["vocab_size"]).unwrap(),
            min_frequency: case["min_frequency"].as_u64().unwrap(),
            ..TrainConfig::of(ModelKind::Word)
        };
        let (tokenizer, report) = trained(&strings(&golden["texts"]), &config);
        assert_eq!(tokens(&tokenizer), strings(&case["tokens"]));
        assert_eq!(report.learnt as usize + 3, tokenizer.vocabulary_size());
        assert_eq!(tokenizer.encode("zzz"), [0]);
    }
}

#[test]
fn characters_are_counted_and_bytes_stand_for_the_rest() {
    let texts = ["aab aé\n".to_owned(), "河b".to_owned()];
    let config = TrainConfig { vocab_size: 7, ..TrainConfig::of(ModelKind::Character) };
    let (tokenizer, _) = trained(&texts, &config);
    // a 3, b 2, then those seen once, by their code points.
    assert_eq!(tokens(&tokenizer), ["<unk>", "<s>", "</s>", "\n", " ", "a", "b"]);
    assert_eq!(tokenizer.encode("ba河河 "), [6, 5, 0, 0, 4]);
    assert_eq!(tokenizer.decode(&[6, 5, 4, 5], false), "ba a");
    let config = TrainConfig { vocab_size: 261, byte_fallback: true, ..config };
    let (tokenizer, _) = trained(&texts, &config);
    assert_eq!(tokenizer.vocabulary_size(), 261);
    for text in ["ba河河 x\r\n", "", "🙂"] {
        assert_eq!(tokenizer.decode(&tokenizer.encode(text), false), text);
    }
    let config = TrainConfig { min_frequency: 2, ..TrainConfig::of(ModelKind::Character) };
    assert_eq!(tokens(&trained(&texts, &config).0), ["<unk>", "<s>", "</s>", "a", "b"]);
}

/// Neither batches, nor threads, nor runs on the disk change a vocabulary.
#[test]
fn how_texts_come_leaves_no_trace() {
    let texts = strings(&golden()["texts"]);
    for config in [
        TrainConfig { vocab_size: 420, ..TrainConfig::default() },
        TrainConfig { vocab_size: 480, ..TrainConfig::sentence_piece_bpe() },
        TrainConfig { vocab_size: 300, ..TrainConfig::of(ModelKind::WordPiece) },
        TrainConfig { vocab_size: 100, ..TrainConfig::of(ModelKind::Word) },
        TrainConfig { vocab_size: 250, ..TrainConfig::of(ModelKind::Unigram) },
    ] {
        let (expected, report) = trained(&texts, &config);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (found, other) = pool.install(|| {
                let mut trainer = Trainer::new(&config, None).unwrap();
                trainer.feed(&texts).unwrap();
                trainer.finish(&mut |_, _, _| ()).unwrap()
            });
            assert_eq!((tokens(&found), &other), (tokens(&expected), &report));
            assert_eq!(found.core.pipeline.model.merges(), expected.core.pipeline.model.merges());
        }
    }
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let check = |model: ModelKind, change: fn(&mut TrainConfig), expected: &str| {
        let mut config = TrainConfig::of(model);
        change(&mut config);
        let error = Trainer::new(&config, None).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    };
    use ModelKind::{Bpe, Character, Unigram, Word, WordPiece};
    check(Word, |config| config.unknown = "[UNK]".into(), "\"[UNK]\", which stands for what is unknown");
    check(Unigram, |config| config.cut = CutStyle::Gpt2, "patterns over bytes are for BPE only");
    check(WordPiece, |config| config.space_last = true, "space_last: it is for byte-level BPE");
    check(Word, |config| config.byte_fallback = true, "byte_fallback: only");
    check(Bpe, |config| config.digits = Some(4), "digits: groups have one to three");
    check(Bpe, |config| config.character_coverage = 0.0, "character_coverage: it is a share");
    check(Bpe, |config| config.character_coverage = f64::NAN, "character_coverage: it is a share");
    check(Bpe, |config| config.limit_alphabet = Some(0), "limit_alphabet: ");
    check(Bpe, |config| config.max_token_length = Some(0), "max_token_length: ");
    check(Unigram, |config| config.unigram.shrinking_factor = 1.0, "shrinking_factor: ");
    check(Unigram, |config| config.unigram.sub_iterations = 0, "unigram: ");
    check(Unigram, |config| config.vocab_size = 3, "vocab_size: 3 is below 4");
    check(Character, |config| config.special_tokens.push("x".into()), "\"x\" is a single character");
    let config = TrainConfig {
        byte_fallback: true,
        special_tokens: vec!["<unk>".into(), "<0x0A>".into()],
        ..TrainConfig::of(Unigram)
    };
    assert!(Trainer::new(&config, None).err().unwrap().to_string().contains("\"<0x0A>\" is the token of a byte"));
}

#[test]
fn an_alphabet_that_does_not_fit_is_refused() {
    let texts = strings(&golden()["texts"]);
    for model in [ModelKind::WordPiece, ModelKind::Unigram] {
        let config = TrainConfig { vocab_size: 30, ..TrainConfig::of(model) };
        let mut trainer = Trainer::new(&config, None).unwrap();
        trainer.feed(&texts).unwrap();
        let error = trainer.finish(&mut |_, _, _| ()).err().unwrap().to_string();
        assert!(error.contains("vocab_size: 30 is below") && error.contains("limit_alphabet"), "{error}");
    }
}

/// The likelihood only rises with rounds of learning, frequent words become pieces, every text comes back, and no text gives a
/// special token.
#[test]
fn unigram_pieces_are_words_of_the_corpus() {
    let texts = strings(&golden()["texts"]);
    for byte_fallback in [false, true] {
        let vocab_size = if byte_fallback { 456 } else { 200 };
        let config = TrainConfig { vocab_size, byte_fallback, ..TrainConfig::of(ModelKind::Unigram) };
        let config = TrainConfig { character_coverage: 1.0, ..config };
        let (tokenizer, report) = trained(&texts, &config);
        assert_eq!(tokenizer.vocabulary_size(), vocab_size);
        assert!(report.learnt > 0);
        for token in ["▁the", "▁river", "灯笼"] {
            assert!(tokenizer.token_id(token).is_some(), "{token}: {:?}", tokens(&tokenizer));
        }
        let dir = tempfile::tempdir().unwrap();
        tokenizer.save(dir.path()).unwrap();
        let read = Tokenizer::load(dir.path()).unwrap();
        for text in
            texts.iter().filter(|text| !text.contains(['\n', '½', '²', 'ⅻ', '…', '，', '：', '、', '。', '\u{200d}']))
        {
            let ids = tokenizer.encode(text);
            assert_eq!(read.encode(text), ids);
            assert_eq!(tokenizer.decode(&ids, false), *text);
        }
        for text in ["<s>", "</s><unk>", "a<s>z"] {
            for tokenizer in [&tokenizer, &read] {
                assert!(!tokenizer.encode(text).iter().any(|id| [1, 2].contains(id)), "{text}");
            }
        }
        let unknown = tokenizer.encode("ж");
        match byte_fallback {
            true => assert_eq!(tokenizer.decode(&unknown, false), "ж"),
            false => assert_eq!(unknown.last(), Some(&0)),
        }
    }
}

/// Every way a text is cut at random spells it, plain encoding is the end of both scales, and what is drawn depends on seed and number
/// alone.
#[test]
fn texts_cut_at_random_stay_whole() {
    use crate::tokenizer::Regularization::{Dropout, Sampling};
    let texts = strings(&golden()["texts"]);
    let bpe = trained(&texts, &TrainConfig { vocab_size: 420, ..TrainConfig::default() }).0;
    let with_bytes = TrainConfig { vocab_size: 480, character_coverage: 1.0, ..TrainConfig::sentence_piece_bpe() };
    let with_bytes = trained(&texts, &with_bytes).0;
    let pieces = TrainConfig { vocab_size: 456, byte_fallback: true, ..TrainConfig::of(ModelKind::Unigram) };
    let unigram = trained(&texts, &pieces).0;
    let drawn = |tokenizer: &Tokenizer, text: &str, how, seed, index| {
        tokenizer.encode_regularized(text, how, false, seed, index).unwrap()
    };
    let all = |alpha| Sampling { alpha, n_best: None };
    let best = |n| Sampling { alpha: 0.5, n_best: Some(n) };
    for (tokenizer, random, plain) in [
        (&bpe, vec![Dropout { probability: 0.1 }, Dropout { probability: 1.0 }], Dropout { probability: 0.0 }),
        (&with_bytes, vec![Dropout { probability: 0.3 }], Dropout { probability: 0.0 }),
        (&unigram, vec![all(0.2), all(0.0), best(8)], best(1)),
        (&unigram, vec![all(1.0)], all(1e9)),
    ] {
        let mut different = 0;
        for text in texts.iter().map(String::as_str).chain(["ж 🦊 <s>", "", " "]) {
            let expected = tokenizer.encode(text);
            let whole = tokenizer.decode(&expected, false);
            // The likeliest of all ways by far; two of them may be equally likely.
            let found = drawn(tokenizer, text, plain, 5, 0);
            match plain {
                Sampling { n_best: None, .. } => assert_eq!(found.len(), expected.len()),
                _ => assert_eq!(found, expected),
            }
            for &how in &random {
                for index in 0..6 {
                    let ids = drawn(tokenizer, text, how, 5, index);
                    assert_eq!(tokenizer.decode(&ids, false), whole, "{how:?}");
                    assert_eq!(drawn(tokenizer, text, how, 5, index), ids);
                    different += usize::from(ids != expected);
                }
            }
        }
        assert!(different > 8, "{plain:?}: {different}");
    }
    let refused = |tokenizer: &Tokenizer, how, expected: &str| {
        let error = tokenizer.encode_regularized("a", how, false, 0, 0).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(&bpe, Dropout { probability: 1.5 }, "from 0 to 1, not 1.5");
    refused(&bpe, Dropout { probability: f64::NAN }, "not NaN");
    refused(&bpe, all(1.0), "sampling is for Unigram");
    refused(&unigram, Dropout { probability: 0.1 }, "dropout is for BPE");
    refused(&unigram, all(-1.0), "alpha is a number from 0");
    refused(&unigram, best(0), "one way to draw from");
}
