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
    assert_eq!(report["texts"].as_array().unwrap().len(), 1 + 10);
    assert!(home.onto(&arguments).ok().stdout.contains("text.txt"));
    home.onto(&["bench", "tokenizer", "-t", "vocab.txt", "absent.txt"]).fails(1, &["absent.txt"]);
}

#[test]
fn a_tokenizer_is_written_in_other_formats() {
    let home = Home::new();
    home.write("bert/vocab.txt", WORDS.as_bytes());
    let convert = |to: &str, out: &str| home.onto(&["tokenizer", "convert", "-t", "bert", "--to", to, "--out", out]);
    for (to, file) in [("gguf", "vocabulary.gguf"), ("vocab.txt", "vocab.txt"), ("tokenizer.json", "tokenizer.json")] {
        let said = convert(to, to).ok().stdout;
        assert!(said.lines().next().unwrap().ends_with(file), "{said}");
        let encoded = home.onto(&["tokenizer", "encode", "-t", to, "Unable, Café小x"]).ok().stdout;
        assert_eq!(encoded, "5 6 10 7 8 9 1\n", "{to}");
    }
    convert("tiktoken", "ranks").fails(1, &["tiktoken cannot hold this tokenizer"]);
    assert!(!home.path("ranks").exists());
    convert("yaml", "x").fails(2, &["known are tokenizer.json, sentencepiece"]);
    let json =
        home.onto(&["tokenizer", "convert", "-t", "bert", "--to", "gguf", "--out", "again", "--json"]).ok().json();
    assert_eq!((&json["format"], &json["notes"]), (&json!("gguf"), &json!([])));
}

#[test]
fn tokens_are_counted_and_decoded_line_by_line() {
    let home = Home::new();
    home.write("vocab.txt", WORDS.as_bytes());
    let count = ["tokenizer", "encode", "-t", "vocab.txt", "--count"];
    assert_eq!(home.onto(&[&count[..], &["unable, 小"]].concat()).ok().stdout, "4\n");
    assert_eq!(home.onto(&[&count[..], &["--add-special", "unable, 小"]].concat()).ok().stdout, "6\n");
    let json = home.onto(&[&count[..], &["--json", "un"]].concat()).ok().json();
    assert_eq!(json, json!({"tokens": 1, "bytes": 2}));
    let lines = home.onto_with_input(&[&count[..], &["--jsonl"]].concat(), "\"un\"\n\"小,\"\n").ok().stdout;
    assert_eq!(lines, "{\"tokens\":1,\"bytes\":2}\n{\"tokens\":2,\"bytes\":4}\n");
    let decode = ["tokenizer", "decode", "-t", "vocab.txt", "--jsonl"];
    let lines = home.onto_with_input(&decode, "[5, 6]\n[]\n").ok().stdout;
    assert_eq!(lines, "{\"text\":\"unable\"}\n{\"text\":\"\"}\n");
    home.onto_with_input(&decode, "[5]\n[99]\n").fails(1, &["line 2", "token id 99 is outside the vocabulary of 11"]);
}

#[test]
fn a_text_is_shown_and_a_vocabulary_measured() {
    let home = Home::new();
    home.write("vocab.txt", WORDS.as_bytes());
    let shown = home.onto(&["tokenizer", "inspect", "-t", "vocab.txt", "Unable, 小x"]).ok().stdout;
    assert_eq!(shown, "Un|able|,| 小|x|\n5 6 10 9 1\n5 tokens, 10 characters, 12 bytes, 2.40 bytes a token\n");
    home.onto(&["tokenizer", "inspect", "-t", "vocab.txt", "--html", "page.html", "un<b> 小\n,"]).ok();
    let page = std::fs::read_to_string(home.path("page.html")).unwrap();
    for part in ["<!doctype html>", "&lt;", "<small>9</small>", "title=\"小 · bytes E5 B0 8F\"", "vocabulary"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));

    home.write("texts/a.txt", b"unable, unable\n");
    home.write("texts/b.txt", "小 小\n".as_bytes());
    let stats = ["tokenizer", "inspect", "-t", "vocab.txt", "--stats", "texts"];
    let report = home.onto(&[&stats[..], &["--json"]].concat()).ok().json();
    assert_eq!(report["total"]["tokens"], 7);
    assert_eq!(report["total"]["words"], 4);
    assert_eq!(report["total"]["fertility"], 7.0 / 4.0);
    let ids = |key: &str| -> Vec<u64> {
        report["vocabulary"][key].as_array().unwrap().iter().map(|token| token["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids("unused"), [7, 8]);
    assert_eq!(ids("rare"), [5, 6, 9, 10]);
    assert_eq!((report["vocabulary"]["size"].clone(), report["vocabulary"]["special"].clone()), (json!(11), json!(5)));
    let text = home.onto(&stats).ok().stdout;
    assert!(text.contains("tokens/word") && text.contains("never used in these texts: 7 \"caf\", 8 \"##e\""), "{text}");
    home.write("empty/a.txt", b"");
    home.onto(&["tokenizer", "inspect", "-t", "vocab.txt", "--stats", "empty"]).fails(1, &["no documents"]);
}
