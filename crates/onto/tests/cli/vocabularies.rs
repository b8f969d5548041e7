//! `onto tokenizer train` for every model, encoding at random, and what training refuses.

use serde_json::json;

use crate::support::{Home, bytes};

const LINES: &str = "The miller's boat crossed the river; the weaver carried 12 lanterns.\n\
                     A boat, a river, a lantern: 1234 boats and 56 lanterns by the river.\n\
                     小船渡过了河流，织工提着灯笼。灯笼照亮了河流。\n";

fn text() -> String {
    LINES.repeat(40)
}

#[test]
fn every_model_is_trained_and_used() {
    let home = Home::new();
    home.write("text.txt", text().as_bytes());
    for (name, flags, tokens) in [
        ("bpe", "--vocab-size 330 --pattern o200k --digits 2", json!(["Ġboat", "Ġ", "12"])),
        ("bpe-characters", "--vocab-size 420 --byte-fallback --digits 1", json!(["▁boat", "▁", "1", "2"])),
        ("wordpiece", "--model wordpiece --vocab-size 200", json!(["boat", "12"])),
        ("unigram", "--model unigram --byte-fallback --vocab-size 400", json!(["▁boat", "▁12"])),
        ("word", "--model word --vocab-size 60", json!(["boat", "12"])),
        ("char", "--model char --vocab-size 100", json!([" ", "b", "o", "a", "t", " ", "1", "2"])),
    ] {
        let once: Vec<&str> =
            ["tokenizer", "train", "text.txt", "--out", name].into_iter().chain(flags.split(' ')).collect();
        let report = home.onto(&[&once[..], &["--json"]].concat()).ok().json();
        assert_eq!(report["metrics"]["words_left_out"], 0, "{name}");
        assert!(report["metrics"]["learnt"].as_u64().unwrap() > 10, "{name}");
        let encoded = home.onto(&["tokenizer", "encode", "-t", name, "--json", " boat 12"]).ok().json();
        assert_eq!(encoded["tokens"], tokens, "{name}");
        // Made again it is the same and is passed over.
        let again = home.onto(&[&once[..], &["--json"]].concat()).ok().json();
        assert_eq!((&again["sha256"], &again["skipped"]), (&report["sha256"], &json!(true)), "{name}");
    }
}

/// Runs on the disk, files of several kinds, and threads leave no trace in the vocabulary.
#[test]
fn memory_and_files_leave_no_trace() {
    let home = Home::new();
    let words: Vec<String> =
        (0..60_000u32).map(|number| format!("w{:x}", number.wrapping_mul(2_654_435_761))).collect();
    home.write("whole/text.txt", words.join(" ").as_bytes());
    for (at, part) in words.chunks(9000).enumerate() {
        let line = json!({"text": format!("{}{}", if at == 0 { "" } else { " " }, part.join(" "))});
        home.write(&format!("parts/{at}.jsonl"), format!("{line}\n").as_bytes());
    }
    let train = |input: &str, out: &str, more: &[&str]| {
        let arguments = ["tokenizer", "train", input, "--vocab-size", "400", "--pattern", "gpt2", "--out", out];
        home.onto(&[&arguments[..], more].concat()).ok();
        bytes(&home.path(&format!("{out}/tokenizer.json")))
    };
    let plain = train("whole", "a", &[]);
    assert!(plain == train("whole", "b", &["--memory", "16MiB", "--threads", "3"]));
    assert!(!home.path("b/.words").exists());
    // A text's first word has no space before it.
    assert!(train("parts", "c", &[]).len().abs_diff(plain.len()) < 4096);
}

#[test]
fn texts_are_encoded_at_random() {
    let home = Home::new();
    home.write("text.txt", text().as_bytes());
    home.onto(&["tokenizer", "train", "text.txt", "--vocab-size", "330", "--out", "bpe"]).ok();
    let model = ["--model", "unigram", "--vocab-size", "400", "--byte-fallback"];
    home.onto(&[&["tokenizer", "train", "text.txt", "--out", "unigram"], &model[..]].concat()).ok();
    let text = "the boat crossed the river";
    let encode = |tokenizer: &str, flags: &[&str]| {
        home.onto(&[&["tokenizer", "encode", "-t", tokenizer, text], flags].concat()).ok().stdout
    };
    assert_eq!(encode("bpe", &["--dropout", "0"]), encode("bpe", &[]));
    assert_eq!(encode("unigram", &["--sample", "0.5", "--n-best", "1"]), encode("unigram", &[]));
    for (tokenizer, flags) in [("bpe", ["--dropout", "0.4"]), ("unigram", ["--sample", "0.1"])] {
        let seeded = |seed: &str| encode(tokenizer, &[&flags[..], &["--seed", seed]].concat());
        assert_eq!(seeded("1"), seeded("1"));
        let ways: std::collections::BTreeSet<String> = ["1", "2", "3", "4", "5"].map(seeded).into();
        assert!(ways.len() > 1);
        for way in ways {
            assert_eq!(home.onto(&["tokenizer", "decode", "-t", tokenizer, &way]).ok().stdout, format!("{text}\n"));
        }
        // Line by line: the number of a line is the number of its text.
        let lines = format!("{0}\n{0}\n{0}\n", json!(text));
        let arguments = [&["tokenizer", "encode", "-t", tokenizer, "--jsonl", "--seed", "1"], &flags[..]].concat();
        let all = home.onto_with_input(&arguments, &lines).ok().stdout;
        let first: serde_json::Value = serde_json::from_str(all.lines().next().unwrap()).unwrap();
        let ids: Vec<String> = first["ids"].as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(ids.join(" ") + "\n", seeded("1"));
        assert!(all.lines().collect::<std::collections::BTreeSet<_>>().len() > 1);
    }
    let refused = |flags: &[&str], parts: &[&str]| {
        home.onto(&[&["tokenizer", "encode", "-t", "bpe", text], flags].concat()).fails(1, parts);
    };
    refused(&["--dropout", "2"], &["from 0 to 1, not 2"]);
    refused(&["--sample", "1"], &["sampling is for Unigram"]);
}

#[test]
fn what_cannot_be_trained_on_is_said() {
    let home = Home::new();
    home.write("text.txt", text().as_bytes());
    home.write("empty/nothing.txt", b" \n\n");
    home.write("latin.txt", "caf\u{e9} ".repeat(50).chars().map(|letter| letter as u8).collect::<Vec<u8>>().as_slice());
    home.write("endless.txt", "x".repeat(3_000_000).as_bytes());
    let train =
        |input: &str, flags: &[&str]| home.onto(&[&["tokenizer", "train", input, "--out", "out"], flags].concat());
    train("empty", &[]).fails(1, &["no text to train on in empty", "document without any text"]);
    train("absent", &[]).fails(1, &["absent"]);
    train("text.txt", &["--vocab-size", "100"]).fails(1, &["vocab_size: 100 is below 259"]);
    for model in ["wordpiece", "unigram"] {
        train("text.txt", &["--model", model, "--vocab-size", "20"])
            .fails(1, &["vocab_size: 20 is below", "characters"]);
    }
    train("text.txt", &["--min-frequency", "100000"]).fails(1, &["--min-frequency 100000 leaves nothing", "seen"]);
    train("text.txt", &["--model", "unigram", "--min-frequency", "100000"])
        .fails(1, &["min_frequency: no word is seen"]);
    train("text.txt", &["--model", "word", "--min-frequency", "100000"]).fails(1, &["leaves nothing"]);
    train("text.txt", &["--digits", "4"]).fails(2, &["--digits"]);
    train("text.txt", &["--model", "unigram", "--pattern", "gpt2"]).fails(1, &["patterns over bytes are for BPE"]);
    // Neither is a fault: other encodings are read, and a text without any boundary is counted in parts.
    let report = train("latin.txt", &["--vocab-size", "262"]).ok();
    assert!(report.stderr.contains("is not UTF-8 and was read as"), "{}", report.stderr);
    home.onto(&["tokenizer", "train", "endless.txt", "--vocab-size", "300", "--out", "long"]).ok();
}

#[test]
fn training_is_measured() {
    let home = Home::new();
    home.write("text.txt", text().as_bytes());
    let arguments = ["bench", "tokenizer", "--train", "bpe", "--vocab-size", "300", "--size", "1MiB", "text.txt"];
    let report = home.onto(&[&arguments[..], &["--json"]].concat()).ok().json();
    assert!(report["bytes"].as_u64().unwrap() >= 1 << 20);
    assert_eq!(report["vocabulary_size"], 300);
    for key in ["seconds", "counting_seconds", "bytes_per_second", "peak_rss_bytes"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert!(home.onto(&arguments).ok().stdout.contains("bpe of 300 tokens"));
    home.onto(&["bench", "tokenizer", "text.txt"]).fails(2, &["--tokenizer"]);
}
