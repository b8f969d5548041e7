//! `onto corpus sample` and `onto corpus diff`.

use serde_json::{Value, json};

use crate::support::Home;

fn line(id: &str, text: &str, source: &str) -> String {
    format!("{}\n", json!({"id": id, "text": text, "source": source}))
}

fn documents(count: usize) -> String {
    (0..count)
        .map(|n| {
            let text = format!("Document number {n} tells of a river, of {n} boats on it and of those who row them home in the evening.");
            line(&format!("d{n}"), &text, if n % 10 == 0 { "rare" } else { "common" })
        })
        .collect()
}

fn ids(stdout: &str) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    stdout.lines().map(id).collect()
}

#[test]
fn samples_follow_the_seed_and_ask_for_groups() {
    let home = Home::new();
    home.write("in/a.jsonl", documents(300).as_bytes());
    let sample = |more: &[&str]| ids(&home.onto(&[&["corpus", "sample", "in"], more].concat()).ok().stdout);
    let first = sample(&["-n", "7", "--seed", "3"]);
    assert_eq!(first.len(), 7);
    assert_eq!(first, sample(&["--documents", "7", "--seed", "3", "--threads", "1", "--memory", "96MiB"]));
    assert_ne!(first, sample(&["-n", "7", "--seed", "4"]));
    assert_eq!(sample(&[]).len(), 10);
    let rare = sample(&["--source", "r*", "-n", "100"]);
    assert!(rare.len() == 30 && rare.iter().all(|id| id.ends_with('0')), "{rare:?}");
    assert_eq!(sample(&["--per", "source", "-n", "4"]).len(), 8);
    assert_eq!(sample(&["--lang", "de"]).len(), 0);
    assert_eq!(sample(&["--lang", "en", "-n", "400"]).len(), 300);
    let share = sample(&["--share", "0.2"]);
    assert!((30..100).contains(&share.len()), "{}", share.len());
    let shown = home.onto(&["corpus", "sample", "in", "-n", "1", "--as", "text", "--characters", "20"]).ok();
    assert!(shown.stdout.starts_with("── d") && shown.stdout.contains('…'), "{}", shown.stdout);
    assert!(shown.stderr.contains("1 of 300 documents"), "{}", shown.stderr);
    home.onto(&["corpus", "sample", "in", "--share", "1.5"]).fails(2, &["from 0 to 1"]);
    home.onto(&["corpus", "sample", "in", "--dropped"]).fails(1, &["no decisions", "--decisions"]);
    // An artifact like any other.
    home.onto(&["corpus", "sample", "in", "-n", "7", "--seed", "3", "--out", "some"]).ok();
    assert_eq!(ids(&std::fs::read_to_string(home.path("some/documents.jsonl")).unwrap()), first);
}

#[test]
fn what_a_build_dropped_is_sampled_and_two_builds_are_compared() {
    let home = Home::new();
    let more = line("short", "Too short to say anything of.", "rare")
        + &line(
            "again",
            "Document number 3 tells of a river, of 3 boats on it and of those who row them home in the evening.",
            "x",
        );
    home.write("in/a.jsonl", (documents(30) + &more).as_bytes());
    home.write(
        "in/notes.txt",
        b"A note that was left on the table by the people who rowed the last of the boats home.",
    );
    let policy = |name: &str, least: usize| {
        let text = format!(
            "name = \"{name}\"\n[[rule]]\nname = \"few_words\"\nwhen = \"words < {least}\"\naction = \"drop\"\n"
        );
        home.write(&format!("{name}.toml"), text.as_bytes());
    };
    policy("mild", 8);
    policy("strict", 20);
    for name in ["mild", "strict"] {
        let file = format!("{name}.toml");
        home.onto(&["corpus", "build", "in", "--policy", &file, "--duplicates", "exact", "--out", name]).ok();
    }
    let dropped = home.onto(&["corpus", "sample", "strict", "--dropped-by", "few_words", "-n", "50"]).ok().stdout;
    let all = ids(&dropped);
    assert!(all.contains(&"short".to_owned()) && all.contains(&"notes.txt".to_owned()), "{dropped}");
    let first: Value = serde_json::from_str(dropped.lines().next().unwrap()).unwrap();
    assert_eq!((&first["decision"], &first["dropped_by"]), (&json!("drop"), &json!("strict: few_words")));
    assert_eq!(ids(&home.onto(&["corpus", "sample", "mild", "--dropped-by", "duplicates"]).ok().stdout), ["again"]);
    let kept = ids(&home.onto(&["corpus", "sample", "mild", "--kept", "-n", "99"]).ok().stdout);
    assert!(kept.len() == 31 && !kept.contains(&"again".to_owned()), "{kept:?}");
    // Decisions of other documents are refused.
    home.write("other.jsonl", line("z", "Some other text.", "").as_bytes());
    home.onto(&["corpus", "sample", "other.jsonl", "--decisions", "mild/decisions.jsonl", "--kept"])
        .fails(1, &["document z"]);

    let diff = home.onto(&["corpus", "diff", "mild", "strict", "--json"]).ok().json();
    assert_eq!(diff["same"], false);
    assert_eq!(diff["documents"]["only_b"], 0);
    let gone = diff["documents"]["only_a"].as_u64().unwrap();
    assert!(gone >= 1 && diff["decisions"]["newly_dropped"] == gone, "{diff}");
    assert_eq!(diff["documents"]["same"].as_u64().unwrap() + gone, 31);
    let flip = &diff["decisions"]["flips"][0];
    assert!(flip["documents"].as_u64() >= Some(1), "{diff}");
    let said = home.onto(&["corpus", "diff", "mild", "strict"]).ok().stdout;
    assert!(said.contains("only in A, for example") && said.contains("strict: few_words"), "{said}");
    home.onto(&["corpus", "diff", "mild", "strict", "--exit-code"]).fails(1, &[]);
    let same = home.onto(&["corpus", "diff", "mild", "mild", "--exit-code", "--json"]).ok().json();
    assert_eq!((&same["same"], &same["decisions"]["flips"]), (&json!(true), &json!([])));
    // Decisions alone, and decisions against documents.
    let alone = home.onto(&["corpus", "diff", "mild/decisions.jsonl", "strict/decisions.jsonl", "--json"]).ok().json();
    assert_eq!(alone["decisions"], diff["decisions"]);
    home.onto(&["corpus", "diff", "mild/decisions.jsonl", "other.jsonl"]).fails(2, &["of one kind"]);
}

#[test]
fn tables_of_signals_are_compared_by_column() {
    let home = Home::new();
    home.write("a.jsonl", documents(20).as_bytes());
    home.write("b.jsonl", documents(21).replace("Document number 7 tells", "Number 7 tells").as_bytes());
    home.onto(&["corpus", "tag", "a.jsonl", "--out", "a"]).ok();
    home.onto(&["corpus", "tag", "b.jsonl", "--out", "b"]).ok();
    let diff = home.onto(&["corpus", "diff", "a", "b", "--json", "--memory", "96MiB"]).ok().json();
    let signals = &diff["signals"];
    assert_eq!((&signals["same"], &signals["changed"], &signals["only_b"]), (&json!(19), &json!(1), &json!(1)));
    let words = signals["columns"].as_array().unwrap().iter().find(|column| column["column"] == "words").unwrap();
    assert_eq!(words["changed"], 1);
    assert_eq!(signals["examples"][0]["id"], "d7");
    assert!(home.onto(&["corpus", "diff", "a", "b"]).ok().stdout.contains("mean in A"));
    // Decisions over them flip.
    for (name, least) in [("one", 5), ("two", 1000)] {
        let policy = format!("name = \"p\"\n[[rule]]\nname = \"few\"\nwhen = \"words < {least}\"\naction = \"drop\"\n");
        home.write(&format!("{name}.toml"), policy.as_bytes());
        home.onto(&["corpus", "decide", "a", "--policy", &format!("{name}.toml"), "--out", name]).ok();
    }
    let flips = home.onto(&["corpus", "diff", "one", "two", "--json"]).ok().json();
    assert_eq!(flips["decisions"]["newly_dropped"], 20, "{flips}");
    // A rule that has nothing to read is told.
    let ran = home.onto(&["corpus", "decide", "a", "--policy", "dclm"]).ok();
    assert!(
        ran.stderr.contains("rule `quality` of policy dclm was not asked of any of the 20 documents"),
        "{}",
        ran.stderr
    );
    let sampled = ids(&home.onto(&["corpus", "sample", "two", "--dropped-by", "few", "-n", "3"]).ok().stdout);
    assert!(!sampled.is_empty());
}
