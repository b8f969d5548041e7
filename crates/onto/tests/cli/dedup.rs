//! `onto corpus dedup`, `decontaminate` and `plan`.

use serde_json::{Value, json};

use crate::support::{Home, bytes};

const BASE: &str = "The old mill by the river was sold last spring to a family from the next valley, who have begun to mend \
                    its wheel and hope to grind their own flour there before the first snow falls in the winter.";

fn line(id: &str, text: &str) -> String {
    format!("{}\n", json!({"id": id, "text": text}))
}

fn corpus(home: &Home) {
    let near = BASE.replace("in the winter", "in the autumn");
    let lines = [
        line("a", BASE),
        line("b", "Quite another text, about boats, winds and harbours far to the south of here."),
        line("c", &near),
        line("d", &BASE.to_uppercase().replace(' ', "  ")),
        line("b2", "quite another text, about boats, winds and harbours far to the south of here."),
        line("e", "Alone."),
    ];
    home.write("in.jsonl", lines.concat().as_bytes());
}

#[test]
fn duplicate_documents_are_listed_and_left_out() {
    let home = Home::new();
    corpus(&home);
    let found = home.onto(&["corpus", "dedup", "in.jsonl", "--json"]).ok().json();
    assert_eq!((&found["documents"], &found["kept"], &found["dropped"]), (&json!(6), &json!(3), &json!(3)));
    assert_eq!(found["clusters"], json!([["a", "c", "d"], ["b", "b2"]]));
    let exact = home.onto(&["corpus", "dedup", "in.jsonl", "--json", "--preset", "exact"]).ok().json();
    assert_eq!(exact["clusters"], json!([["a", "d"], ["b", "b2"]]));
    let longest = home.onto(&["corpus", "dedup", "in.jsonl", "--json", "--keep", "longest"]).ok().json();
    assert_eq!(longest["clusters"][0][0], "d");
    let strict = home.onto(&["corpus", "dedup", "in.jsonl", "--json", "--threshold", "0.99"]).ok().json();
    assert_eq!(strict["dropped"], 2);
    // Another number of threads and another budget: the same bytes.
    let make = |out: &str, more: &[&str]| {
        let arguments = [&["corpus", "dedup", "in.jsonl", "--json", "--out", out], more].concat();
        home.onto(&arguments).ok().json()
    };
    let first = make("one", &["--threads", "1", "--memory", "128MiB"]);
    let second = make("two", &["--threads", "3", "--memory", "1GiB"]);
    assert_eq!(first["sha256"], second["sha256"]);
    assert_eq!(first["clusters"], found["clusters"]);
    let kept = String::from_utf8(bytes(&home.path("one/documents.jsonl"))).unwrap();
    let ids: Vec<Value> = kept.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["id"].clone()).collect();
    assert_eq!(ids, ["a", "b", "e"]);
    let members = String::from_utf8(bytes(&home.path("one/clusters.jsonl"))).unwrap();
    let second: Value = serde_json::from_str(members.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        second,
        json!({"cluster": 0, "size": 3, "document": 2, "id": "c", "kept": false, "reason": "similar_text"})
    );
    // What stands is not made again, and is reported the same.
    assert_eq!(make("one", &["--threads", "1"])["clusters"], found["clusters"]);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
}

#[test]
fn repeated_parts_are_cut_out() {
    let home = Home::new();
    home.write("pages/1.txt", b"menu\nThe first page tells of a river.");
    home.write("pages/2.txt", b"menu\nThe second page tells of a hill.");
    home.write("pages/3.txt", b"menu");
    let found = home.onto(&["corpus", "dedup", "pages", "--level", "line", "--json", "--out", "cut"]).ok().json();
    assert_eq!((&found["documents"], &found["kept"], &found["spans"]), (&json!(3), &json!(2), &json!(2)));
    let kept = String::from_utf8(bytes(&home.path("cut/documents.jsonl"))).unwrap();
    assert!(kept.contains("menu\\nThe first") && kept.contains("\"The second page"), "{kept}");
    let removed = String::from_utf8(bytes(&home.path("cut/removed.jsonl"))).unwrap();
    assert_eq!(removed.lines().count(), 2);
    let plain = home.onto(&["corpus", "dedup", "pages", "--preset", "llama3", "--json"]).ok().json();
    assert_eq!((&plain["changed"], &plain["clusters"]), (&json!(0), &json!([])));
}

#[test]
fn evaluation_items_are_found_and_named() {
    let home = Home::new();
    let question = "Which bird builds the largest nest of all the birds in the northern hills?";
    home.write(
        "sets/birds.jsonl",
        format!("{}\nno json\n", json!({"question": question, "answer": "the eagle"})).as_bytes(),
    );
    home.write("sets/more.txt", b"Seven small boats lay side by side in the harbour.\n");
    let leak = format!("Before. {} After.", question.to_uppercase().replace(',', ""));
    home.write("in.jsonl", (line("clean", BASE) + &line("leak", &leak)).as_bytes());
    let ran = home.onto(&["corpus", "decontaminate", "in.jsonl", "--against", "sets", "--json", "--out", "free"]).ok();
    assert!(ran.stderr.contains("birds.jsonl, line 2"), "{}", ran.stderr);
    let found = ran.json();
    assert_eq!((&found["items"], &found["items_found"], &found["dropped"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(found["hits"][0]["document"], "leak");
    assert_eq!(found["hits"][0]["item"], "birds.jsonl:1");
    assert_eq!(found["hits"][0]["start"], 8);
    let kept = String::from_utf8(bytes(&home.path("free/documents.jsonl"))).unwrap();
    assert!(kept.contains("\"clean\"") && !kept.contains("\"leak\""));
    home.onto(&["corpus", "decontaminate", "in.jsonl", "--against", "nowhere"]).fails(1, &["nowhere"]);
}

#[test]
fn plans_come_from_a_sample() {
    let home = Home::new();
    let lines: String = (0..3000).map(|i| line(&format!("d{i}"), &format!("{BASE} Number {i}."))).collect();
    home.write("in.jsonl", lines.as_bytes());
    let plan = home.onto(&["corpus", "plan", "in.jsonl", "--json", "--memory", "128MiB"]).ok().json();
    assert_eq!(plan["documents"], 3000);
    assert_eq!(plan["stored_bytes"], lines.len());
    assert!(plan["assumptions"].as_array().unwrap().len() >= 3);
    let said = home.onto(&["corpus", "plan", "in.jsonl", "--preset", "fineweb"]).ok().stdout;
    assert!(said.contains("3000 documents") && said.contains("assumed:"), "{said}");
}

#[test]
fn impossible_settings_are_refused_before_work() {
    let home = Home::new();
    corpus(&home);
    let fails = |more: &[&str], code: i32, parts: &[&str]| {
        home.onto(&[&["corpus", "dedup", "in.jsonl"], more].concat()).fails(code, parts);
    };
    fails(&["--preset", "minhash"], 2, &["no preset `minhash`", "fineweb", "llama3"]);
    fails(&["--preset", "fineweb", "--level", "line"], 2, &["fineweb", "level"]);
    fails(&["--preset", "c4", "--level", "line"], 2, &["c4", "line"]);
    fails(&["--threshold", "1.5"], 1, &["threshold is 1.5"]);
    fails(&["--memory", "10MiB"], 1, &["10485760", "--memory 96MiB"]);
    home.write("empty.jsonl", b"");
    home.onto(&["corpus", "dedup", "empty.jsonl"]).fails(1, &["no documents"]);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
}
