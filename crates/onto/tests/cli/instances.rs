//! `onto instances …` and `onto tokenizer inspect --chat`.

use serde_json::{Value, json};

use crate::support::Home;

fn lines(path: &std::path::Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn chat_data_is_imported_and_bad_records_named() {
    let home = Home::new();
    let good = json!({"instruction": "Count.", "input": "a b", "output": "2"});
    home.write("a.jsonl", format!("{good}\n{{\"instruction\": 1, \"output\": \"x\"}}\n").as_bytes());
    let ran = home.onto(&["instances", "import", "a.jsonl", "--out", "made", "--json"]).ok();
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&report["metrics"]["conversations"], &report["metrics"]["skipped"]), (&json!(1), &json!(1)));
    assert!(ran.stderr.contains("a.jsonl:2: instruction: a number where a text should be"), "{}", ran.stderr);
    let made = lines(&home.path("made/conversations.jsonl"));
    assert_eq!(made[0]["messages"][0]["content"], "Count.\na b");
    let again = home.onto(&["instances", "import", "a.jsonl", "--out", "made", "--json"]).ok();
    assert_eq!(serde_json::from_str::<Value>(&again.stdout).unwrap()["skipped"], true);
    let wrong = home.onto(&["instances", "import", "a.jsonl", "--from", "alpacca", "--out", "x"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    home.write("b.json", b"[{\"text\": \"no chat\"}]");
    let wrong = home.onto(&["instances", "import", "b.json", "--out", "x"]);
    assert!(wrong.code == Some(1) && wrong.stderr.contains("no known shape"), "{}", wrong.stderr);
    assert!(home.leftovers().is_empty());
}

#[test]
fn task_data_go_through_templates_and_are_turned_round() {
    let home = Home::new();
    home.write("t.yaml", b"dataset: own\ntemplates:\n  a: !Template\n    answer_choices: bad ||| good\n    jinja: 'Is this good? {{ text }} ||| {{ answer_choices[label] }}'\n    metadata: !TemplateMetadata\n      metrics:\n      - Accuracy\n    name: judge\n");
    home.write("d.jsonl", b"{\"text\": \"warm soup\", \"label\": 1}\n{\"text\": \"cold soup\", \"label\": 0}\n");
    home.onto(&[
        "instances",
        "template",
        "--data",
        "d.jsonl",
        "--templates",
        "t.yaml",
        "--examples",
        "1",
        "--out",
        "made",
    ])
    .ok();
    let made = lines(&home.path("made/conversations.jsonl"));
    assert_eq!(made[0]["messages"][0]["content"], "Is this good? cold soup\nbad\n\nIs this good? warm soup");
    assert_eq!(made[0]["messages"][1]["content"], "good");
    assert_eq!(lines(&home.path("made/details.jsonl"))[0]["choices"], json!(["bad", "good"]));
    home.onto(&["instances", "invert", "--data", "d.jsonl", "--templates", "t.yaml", "--out", "turned"]).ok();
    assert_eq!(lines(&home.path("turned/conversations.jsonl"))[1]["messages"][1]["content"], "cold soup");
    home.onto(&["instances", "invert", "--data", "turned/conversations.jsonl", "--out", "back"]).ok();
    let none = home.onto(&[
        "instances",
        "template",
        "--data",
        "d.jsonl",
        "--templates",
        "t.yaml",
        "--dataset",
        "other",
        "--out",
        "x",
    ]);
    assert!(none.code == Some(1) && none.stderr.contains("--dataset is one of own"), "{}", none.stderr);
}

#[test]
fn a_command_writes_tasks() {
    let home = Home::new();
    let seed = json!({"id": "s", "instruction": "Name three boats on a river.", "instances": [{"output": "ferry"}], "is_classification": false});
    home.write("seeds.jsonl", format!("{seed}\n").as_bytes());
    let answer =
        json!({"text": " Explain why lanterns need oil.\nOutput: To burn.\nTask 3: Name three boats on the river."});
    home.write("writer.sh", format!("while read line; do printf '%s\\n' '{answer}'; done\n").as_bytes());
    let ran = home.onto(&[
        "instances",
        "self-instruct",
        "--seeds",
        "seeds.jsonl",
        "--command",
        "sh writer.sh",
        "--requests",
        "2",
        "--out",
        "made",
    ]);
    let ran = ran.ok();
    assert!(ran.stderr.contains("of 100 tasks after 2 requests"), "{}", ran.stderr);
    let tasks = lines(&home.path("made/tasks.jsonl"));
    assert!(tasks[0]["instruction"].as_str().unwrap().starts_with("Explain why lanterns need oil."), "{tasks:?}");
    assert!(lines(&home.path("made/dropped.jsonl")).iter().any(|dropped| dropped["reason"] == "not_new"));
    let broken =
        home.onto(&["instances", "self-instruct", "--seeds", "seeds.jsonl", "--command", "exit 3", "--out", "x"]);
    assert!(broken.code == Some(1) && broken.stderr.contains("without an answer"), "{}", broken.stderr);
}

#[test]
fn conversations_are_checked_and_shown_with_their_mask() {
    let home = Home::new();
    home.write("t.txt", b"Two boats cross the river. The lantern is lit.\n".repeat(20).as_slice());
    home.onto(&["tokenizer", "train", "t.txt", "--vocab-size", "300", "--out", "tok"]).ok();
    let chat = json!({"messages": [{"role": "user", "content": "Boats?"}, {"role": "assistant", "content": "Two <b>boats</b>."}]});
    home.write("c.jsonl", format!("{chat}\n").as_bytes());
    let shown = home.onto(&["tokenizer", "inspect", "--tokenizer", "tok", "--chat", "c.jsonl"]).ok();
    let learnt: String = shown.stdout.split('«').nth(1).unwrap().split('»').next().unwrap().replace('|', "");
    assert_eq!(learnt, "Two <b>boats</b>.<im_end>");
    assert!(shown.stdout.contains("── 2 assistant"), "{}", shown.stdout);
    let found: Value = serde_json::from_str(
        &home.onto(&["tokenizer", "inspect", "--tokenizer", "tok", "--chat", "c.jsonl", "--json"]).ok().stdout,
    )
    .unwrap();
    let text: String = found["ids"]
        .as_array()
        .unwrap()
        .iter()
        .zip(found["is_target"].as_array().unwrap())
        .zip(found["pieces"].as_array().unwrap())
        .filter(|((_, is_target), _)| **is_target == json!(true))
        .map(|(_, piece)| piece.as_str().unwrap())
        .collect();
    assert_eq!(text, "Two <b>boats</b>.<|im_end|>");
    home.onto(&["tokenizer", "inspect", "--tokenizer", "tok", "--chat", "c.jsonl", "--html", "page.html"]).ok();
    let page = std::fs::read_to_string(home.path("page.html")).unwrap();
    assert!(page.contains("&lt;") && !page.contains("<b>boats") && !page.contains("http"));

    home.onto(&["instances", "check", "c.jsonl", "--tokenizer", "tok"]).ok();
    home.write("bad.jsonl", b"{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}\n{\"messages\": []}\n");
    let ran = home.onto(&["instances", "check", "bad.jsonl", "--tokenizer", "tok", "--json"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("conversation 1: the conversation has no assistant message"), "{}", ran.stderr);
    assert!(ran.stderr.contains("conversation 2: the conversation is empty"), "{}", ran.stderr);
    let long = home.onto(&["instances", "check", "c.jsonl", "--tokenizer", "tok", "--max-tokens", "5"]);
    assert!(long.code == Some(1) && long.stderr.contains("message 2 (assistant) would be cut"), "{}", long.stderr);
}
