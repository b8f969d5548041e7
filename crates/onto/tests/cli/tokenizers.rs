//! `onto tokenizer` and `onto bench tokenizer` over vocabularies of other kinds than our own.

use serde_json::{Value, json};

use crate::support::Home;

const WORDS: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##able\ncaf\n##e\n小\n,\n";

#[test]
fn a_vocabulary_of_words_is_encoded_with_its_template() {
    let home = Home::new();
    home.write("bert/vocab.txt", WORDS.as_bytes());
    for path in ["bert", "bert/vocab.txt"] {
        let plain = home.onto(&["tokenizer", "encode", "-t", path, "--json", "Unable, Café小x"]).ok().json();
        assert_eq!(plain["ids"], json!([5, 6, 10, 7, 8, 9, 1]));
        assert_eq!(plain["tokens"], json!(["un", "##able", ",", "caf", "##e", "小", "[UNK]"]));
        // Bytes of the text, whole characters.
        assert_eq!(plain["offsets"], json!([[0, 2], [2, 6], [6, 7], [8, 11], [11, 13], [13, 16], [16, 17]]));
    }
    let around = home.onto(&["tokenizer", "encode", "-t", "bert", "--add-special", "--special", "un[MASK]"]).ok();
    assert_eq!(around.stdout, "2 5 4 3\n");
    assert_eq!(home.onto(&["tokenizer", "encode", "-t", "bert", "un[MASK]"]).ok().stdout, "5 1 1 1\n");
    assert_eq!(home.onto(&["tokenizer", "decode", "-t", "bert", "2 5 6 10 9 3"]).ok().stdout, "unable, 小\n");
    let inspected = home.onto(&["tokenizer", "inspect", "-t", "bert", "unable, 小"]).ok().stdout;
    assert!(inspected.contains("4 tokens"), "{inspected}");
}

#[test]
fn many_texts_are_encoded_line_by_line() {
    let home = Home::new();
    home.write("vocab.txt", WORDS.as_bytes());
    let arguments = ["tokenizer", "encode", "-t", "vocab.txt", "--jsonl"];
    let out = home.onto_with_input(&arguments, "\"un\"\n\"\"\n\"小\\n,\"\n").ok().stdout;
    let ids: Vec<Value> = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["ids"].clone()).collect();
    assert_eq!(ids, [json!([5]), json!([]), json!([9, 10])]);
    home.onto_with_input(&arguments, "\"un\"\nun\n").fails(1, &["line 2 is no JSON string"]);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let home = Home::new();
    let fails = |name: &str, content: &str, parts: &[&str]| {
        home.write(name, content.as_bytes());
        home.onto(&["tokenizer", "encode", "-t", name, "a"]).fails(1, &[&[name], parts].concat());
    };
    fails(
        "tokenizer.json",
        "{\"model\": {\"type\": \"Trigram\", \"vocab\": {}}}",
        &["model: Trigram is not supported", "BPE"],
    );
    fails("tokenizer.json", "{\"model\": ", &["tokenizer.json:1:"]);
    fails("a.model", "\u{12}\u{7f}", &["cut off"]);
    fails("a.tiktoken", "IQ== 0\n", &["a file of 1 ranks", "cl100k_base"]);
    fails("vocab.txt", "a\n", &["\"[UNK]\" is not in vocab"]);
    home.onto(&["tokenizer", "encode", "-t", "nothing", "a"]).fails(1, &["nothing", "hint: --tokenizer takes"]);
    // A model would need a token that ends a text; encoding does not.
    home.write(
        "words.json",
        b"{\"model\": {\"type\": \"WordLevel\", \"unk_token\": \"?\", \"vocab\": {\"?\": 0, \"a\": 1}}}",
    );
    assert_eq!(home.onto(&["tokenizer", "encode", "-t", "words.json", "a"]).ok().stdout, "1\n");
    home.onto(&["pretrain", "--data", "vocab.txt", "--tokenizer", "words.json", "--out", "out"])
        .fails(1, &["no token ends a text"]);
}

#[test]
fn encoding_is_measured() {
    let home = Home::new();
    home.write("vocab.txt", WORDS.as_bytes());
    home.write("text.txt", "unable, café\n".repeat(9000).as_bytes());
    let arguments = ["bench", "tokenizer", "-t", "vocab.txt", "--seconds", "0", "text.txt"];
    let report = home.onto(&[&arguments[..], &["--json"]].concat()).ok().json();
    let first = &report["texts"][0];
    assert_eq!((&first["bytes"], &first["tokens"]), (&json!(9000 * 14), &json!(9000 * 5)));
    assert!(
        first["bytes_per_second"].as_f64().unwrap() > 0.0 && first["bytes_per_second_batch"].as_f64().unwrap() > 0.0
    );
    assert_eq!(report["texts"].as_array().unwrap().len(), 4);
    assert!(home.onto(&arguments).ok().stdout.contains("text.txt"));
    home.onto(&["bench", "tokenizer", "-t", "vocab.txt", "absent.txt"]).fails(1, &["absent.txt"]);
}
