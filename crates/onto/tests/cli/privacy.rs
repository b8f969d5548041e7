//! `onto corpus redact` as a person would use it.

use serde_json::{Value, json};

use crate::support::Home;

const TEXT: &str = "My name is Anna Schmidt, mail anna@example.org or call +49 30 1234567. ISBN 978-3-16-148410-0.\n";

#[test]
fn personal_data_is_replaced_and_kept_for_audit() {
    let home = Home::new();
    home.write("a.txt", TEXT.as_bytes());
    let all = home.onto(&["corpus", "redact", "a.txt"]).ok().json();
    assert_eq!(all["text"], "My name is <NAME>, mail <EMAIL> or call <PHONE>. ISBN 978-3-16-148410-0.");
    let spans = all["spans"].as_array().unwrap();
    for span in spans {
        let (start, end) = (span["start"].as_u64().unwrap() as usize, span["end"].as_u64().unwrap() as usize);
        assert_eq!(&TEXT[start..end], span["text"].as_str().unwrap());
        assert!(!span["reason"].as_str().unwrap().is_empty());
    }
    let kinds: Vec<&Value> = spans.iter().map(|span| &span["kind"]).collect();
    assert_eq!(kinds, [&json!("name"), &json!("email"), &json!("phone")]);

    let some = home.onto(&["corpus", "redact", "a.txt", "--kinds", "email", "--placeholder", "[{kind}]"]).ok().json();
    assert_eq!(some["text"], TEXT.trim().replace("anna@example.org", "[email]"));
    let preset = home.onto(&["corpus", "redact", "a.txt", "--preset", "datatrove"]).ok().json();
    assert_eq!(preset["text"], TEXT.trim().replace("anna@example.org", "email@example.com"));
}

#[test]
fn one_person_stays_one_person_under_a_key() {
    let home = Home::new();
    let lines: String = (0..3000)
        .map(|n| format!("{}\n", json!({"id": n, "text": format!("write to a{}@example.org", n % 3)})))
        .collect();
    home.write("many.jsonl", lines.as_bytes());
    home.write("key", b"a secret");
    let redact = |threads: &str| {
        let words = [
            "corpus",
            "redact",
            "many.jsonl",
            "--placeholder",
            "<{KIND}_{hash}>",
            "--key-file",
            "key",
            "--threads",
            threads,
        ];
        home.onto(&words).ok().stdout
    };
    let one = redact("1");
    assert!(one == redact("2") && one == redact("7"));
    let texts: std::collections::BTreeSet<String> = one
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_string())
        .collect();
    assert_eq!(texts.len(), 3);
}

#[test]
fn what_cannot_be_done_is_named() {
    let home = Home::new();
    home.write("a.txt", TEXT.as_bytes());
    let fails = |words: &[&str], parts: &[&str]| {
        home.onto(&[&["corpus", "redact", "a.txt"], words].concat()).fails(2, parts);
    };
    fails(&["--kinds", "emial"], &["no kind `emial`", "nearest is `email`", "id_card"]);
    fails(&["--preset", "dolmo"], &["no preset `dolmo`", "nearest is `dolma`"]);
    fails(&["--placeholder", "{hash}"], &["needs a key", "--key-file"]);
    fails(&["--placeholder", "{name}"], &["{name}", "{KIND}"]);
    home.onto(&["corpus", "redact", "nothing"]).fails(1, &["no file or folder at nothing"]);
}
