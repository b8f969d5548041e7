//! `onto corpus mix` and `onto corpus shards` as a person would use them.

use std::fs;

use serde_json::{Value, json};

use crate::support::Home;

/// A vocabulary of a few words, enough to count and to write.
const WORDS: &str = r#"{"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "<|endoftext|>": 3}},
  "pre_tokenizer": {"type": "Whitespace"},
  "added_tokens": [{"id": 3, "content": "<|endoftext|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}]}"#;

fn documents(home: &Home, name: &str, n: usize, words: usize) {
    let line = |i: usize| {
        let text = format!("{name} {}", "word ".repeat(words + i % 7));
        format!("{}\n", json!({"id": format!("{name}-{i}"), "text": text}))
    };
    home.write(&format!("{name}.jsonl"), (0..n).map(line).collect::<String>().as_bytes());
}

#[test]
fn shares_are_met_by_any_number_of_threads() {
    let home = Home::new();
    documents(&home, "web", 3000, 20);
    documents(&home, "books", 30, 400);
    documents(&home, "code", 50, 3);
    let mix = |out: &str, threads: &str| {
        let words = [
            "corpus",
            "mix",
            "--source",
            "web=web.jsonl:0.6",
            "--source",
            "books=books.jsonl:0.3",
            "--source",
            "code=code.jsonl:0.1",
            "--tokens",
            "40000",
            "--out",
            out,
            "--threads",
            threads,
        ];
        home.onto(&words).ok().stderr
    };
    let said = mix("one", "1");
    assert!(said.contains("source books is exhausted") || said.contains("source code is repeated"), "{said}");
    assert!(said.contains("source code is repeated") && said.contains("beyond 4 epochs"), "{said}");
    for (out, threads) in [("two", "2"), ("seven", "7")] {
        mix(out, threads);
        for file in ["documents.jsonl", "mix.json", "mix.html"] {
            let read = |folder: &str| fs::read(home.path(&format!("{folder}/{file}"))).unwrap();
            assert!(read("one") == read(out), "{file} differs with {threads} threads");
        }
    }
    let report: Value = serde_json::from_slice(&fs::read(home.path("one/mix.json")).unwrap()).unwrap();
    for source in report["sources"].as_array().unwrap() {
        let error = source["share"].as_f64().unwrap() - source["target_share"].as_f64().unwrap();
        assert!(error.abs() < 0.005, "{source}");
    }
    let page = fs::read_to_string(home.path("one/mix.html")).unwrap();
    assert!(page.matches("<svg").count() == 2 && !page.contains("http://") || page.contains("www.w3.org"), "pictures");
    let lines = fs::read_to_string(home.path("one/documents.jsonl")).unwrap();
    let ids: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
}

#[test]
fn mixtures_that_cannot_be_are_named() {
    let home = Home::new();
    documents(&home, "a", 5, 5);
    let fails = |words: &[&str], code: i32, parts: &[&str]| {
        home.onto(&[&["corpus", "mix", "--out", "out"], words].concat()).fails(code, parts);
    };
    fails(&["--preset", "llamaa", "--tokens", "9"], 2, &["no preset `llamaa`", "nearest is `llama`"]);
    fails(
        &["--source", "a=a.jsonl:0.5", "--source", "b=a.jsonl:0.9", "--tokens", "9"],
        2,
        &["a 0.5, b 0.9 sum to 1.4"],
    );
    fails(&["--source", "a=a.jsonl:-1", "--tokens", "9"], 2, &["source a: share is -1"]);
    fails(&["--source", "a=nowhere:1", "--tokens", "9"], 1, &["source a", "nowhere"]);
    fails(&["--source", "a:1"], 2, &["NAME=PATH:SHARE"]);
    fails(
        &["--preset", "llama", "--source", "book=a.jsonl", "--tokens", "9"],
        2,
        &["no source `book`", "nearest is `books`"],
    );
    fails(&["--preset", "llama", "--tokens", "9"], 2, &["source commoncrawl has no files"]);
    home.write("empty.jsonl", b"");
    fails(&["--source", "e=empty.jsonl:1", "--tokens", "9"], 1, &["source e"]);
    assert!(!home.path("out").exists());
    let list = home.onto(&["corpus", "mix", "--list"]).ok().stdout;
    assert!(list.contains("llama: LLaMA") && list.contains("palm: PaLM 540B"), "{list}");
    let one = home.onto(&["corpus", "mix", "--preset", "llama", "--list", "--json"]).ok().json();
    assert_eq!(one["mixtures"][0]["source"][0], json!({"name": "commoncrawl", "share": 0.67, "epochs": 1.1}));
}

#[test]
fn shards_hold_every_document_once_in_every_format() {
    let home = Home::new();
    home.write("words.json", WORDS.as_bytes());
    let text: String =
        (0..200).map(|i| format!("{}\n", json!({"id": i, "text": format!("a {}", "b ".repeat(i % 9))}))).collect();
    home.write("text.jsonl", text.as_bytes());
    let write = |format: &str, out: &str, threads: &str| {
        let words = [
            "corpus",
            "shards",
            "text.jsonl",
            "--tokenizer",
            "words.json",
            "--format",
            format,
            "--out",
            out,
            "--seed",
            "5",
            "--split",
            "train=0.9",
            "--split",
            "held-out=0.1",
            "--threads",
            threads,
        ];
        home.onto(&words).ok();
    };
    let mut all: Vec<Vec<Vec<u32>>> = Vec::new();
    for format in ["megatron", "ds", "npy"] {
        for threads in ["1", "2", "7"] {
            write(format, &format!("{format}-{threads}"), threads);
        }
        let read = |threads: &str, file: &str| fs::read(home.path(&format!("{format}-{threads}/{file}"))).unwrap();
        let files = match format {
            "megatron" => vec!["train.bin", "train.idx", "held-out.bin", "held-out.idx"],
            "ds" => vec!["train.ds", "train.ds.index", "train.ds.metadata", "held-out.ds"],
            _ => vec!["train.npy", "train.csv.gz", "held-out.npy"],
        };
        for file in files {
            assert!(read("1", file) == read("2", file) && read("1", file) == read("7", file), "{format}: {file}");
        }
        let mut documents = Vec::new();
        for part in ["train", "held-out"] {
            let prefix = home.path(&format!("{format}-1/{part}"));
            documents.extend(match format {
                "megatron" => {
                    let shard = lang::shards::Shard::open(&prefix).unwrap();
                    (0..shard.documents()).map(|index| shard.document(index).unwrap()).collect()
                }
                "ds" => lang::shards::DsFile::open(&prefix.with_extension("ds")).unwrap().documents,
                _ => lang::shards::read_npy(&prefix, 4)
                    .unwrap()
                    .into_iter()
                    .map(|(_, tokens)| tokens)
                    .collect::<Vec<_>>(),
            });
        }
        all.push(documents);
    }
    assert!(all[0] == all[1] && all[1] == all[2]);
    let mut found = all.remove(0);
    let mut expected: Vec<Vec<u32>> = (0..200).map(|i| [vec![1], vec![2; i % 9], vec![3]].concat()).collect();
    assert_ne!(found, expected);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);

    let fails = |words: &[&str], parts: &[&str]| {
        let start = ["corpus", "shards", "text.jsonl", "--tokenizer", "words.json", "--out", "x"];
        home.onto(&[&start, words].concat()).fails(2, parts);
    };
    fails(&["--split", "a=0.5"], &["a 0.5 sum to 0.5", "--normalise"]);
    fails(&["--split", "a/b=1"], &["NAME=SHARE"]);
    fails(&["--split", "a=-1"], &["share is -1"]);
}
