//! `onto corpus inspect|tag|decide|classifier`: signals once, decisions from tables, a classifier from two folders.

use serde_json::Value;

use crate::support::Home;

const GOOD: &str = "The lighthouse keeper wrote to the harbour office that the lamp had to be mended before winter came. Nobody there would \
    have thought of it. With the first storms of October the boats stayed in, and people talked of little else than the price of oil and \
    the road that was promised to them years ago. When the new lamp was lit at last, children ran down to see its beam go round.";
const SHOP: &str = "BUY NOW\nBUY NOW\nBUY NOW\nitems in cart\n3 likes\nclick here\nclick here\nbest price online\n";

fn home() -> Home {
    let home = Home::new();
    home.write("texts/good.txt", GOOD.as_bytes());
    home.write("texts/shop.txt", SHOP.as_bytes());
    home
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn signals_and_verdicts_are_shown() {
    let home = home();
    let output = home.onto(&["corpus", "inspect", "texts", "--policy", "gopher"]).ok().stdout;
    let lines: Vec<Value> = output.lines().map(json).collect();
    assert_eq!(lines.len(), 2, "{output}");
    let good = &lines[0];
    assert!(
        good["lang"] == "en" && good["decision"] == "keep" && good["signals"]["dolma_words"].as_u64() > Some(50),
        "{good}"
    );
    let shop = &lines[1];
    assert!(shop["decision"] == "drop" && shop["reasons"][0] == "dup_line_frac", "{shop}");
    // Lines go by RefinedWeb's rules.
    let output = home.onto(&["corpus", "inspect", "texts/shop.txt", "--policy", "refinedweb"]).ok().stdout;
    let rules: Vec<String> = json(&output)["cut_lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cut| cut["rule"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        ["uppercase_line", "phrase_line", "counter_line"].iter().all(|rule| rules.iter().any(|found| found == rule)),
        "{rules:?}"
    );
}

#[test]
fn a_corpus_is_tagged_once_and_decided_often() {
    let home = home();
    home.onto(&["corpus", "tag", "texts", "--out", "tags"]).ok();
    let first = home.onto(&["--json", "corpus", "decide", "tags", "--policy", "gopher"]).ok().stdout;
    let summary = json(&first);
    assert!(summary["documents"] == 2 && summary["kept"] == 1, "{summary}");
    home.write(
        "strict.toml",
        b"name = \"strict\"\n[[rule]]\nname = \"long\"\nwhen = \"words > 60\"\naction = \"drop\"\n",
    );
    let flips = json(
        &home
            .onto(&["--json", "corpus", "decide", "tags", "--policy", "strict.toml", "--against", "gopher"])
            .ok()
            .stdout,
    );
    assert!(flips["flips"]["would_drop"] == 1 && flips["flips"]["would_keep"] == 1, "{flips}");
    home.onto(&["corpus", "decide", "tags", "--policy", "gopher", "--out", "decided"]).ok();
    let decisions = std::fs::read_to_string(home.path("decided/decisions.jsonl")).unwrap();
    assert!(decisions.lines().count() == 2 && decisions.contains("dup_line_frac"), "{decisions}");
    let id = json(decisions.lines().nth(1).unwrap())["id"].as_str().unwrap().to_owned();
    let explained = json(&home.onto(&["corpus", "decide", "tags", "--policy", "gopher", "--explain", &id]).ok().stdout);
    assert!(
        explained["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["rule"] == "dup_line_frac" && rule["holds"] == true),
        "{explained}"
    );
    // The same tables for any number of threads.
    home.onto(&["--threads", "1", "corpus", "tag", "texts", "--out", "tags1"]).ok();
    let bytes = |folder: &str| std::fs::read(home.path(&format!("{folder}/part-00000.parquet"))).unwrap();
    assert_eq!(bytes("tags"), bytes("tags1"));
    let columns = json(&home.onto(&["--json", "corpus", "tag", "--columns"]).ok().stdout);
    assert!(columns.as_array().unwrap().iter().any(|column| column["name"] == "datatrove_stop_words"), "{columns}");
}

#[test]
fn bad_policies_tables_and_lists_are_refused() {
    let home = home();
    home.write("bad.toml", b"name = \"bad\"\n[[rule]]\nname = \"r\"\nwhen = \"wrods < 5\"\naction = \"drop\"\n");
    home.onto(&["corpus", "inspect", "texts", "--policy", "gofer"]).fails(1, &["gofer", "gopher"]);
    home.onto(&["corpus", "inspect", "texts", "--policy", "bad.toml"])
        .fails(1, &["bad.toml", "rule `r`", "nearest is `words`"]);
    home.onto(&["corpus", "inspect", "texts", "--bad-words", "nowhere"]).fails(1, &["nowhere"]);
    home.onto(&["corpus", "inspect", "texts", "--classifier", "texts"]).fails(1, &["classifier"]);
    home.onto(&["corpus", "decide", "nothing", "--policy", "gopher"]).fails(1, &["nothing", "onto corpus tag"]);
    home.onto(&["corpus", "decide", "texts", "--policy", "gopher"]).fails(1, &["no .parquet"]);
    home.write("torn/part-00000.parquet", b"PAR1");
    home.onto(&["corpus", "decide", "torn", "--policy", "gopher"]).fails(1, &["torn"]);
    home.onto(&["corpus", "decide", "torn", "--policy", "gopher", "--buckets", "60,30"]).fails(2, &["percentiles"]);
}

#[test]
fn a_classifier_is_trained_from_two_folders() {
    let home = Home::new();
    for n in 0..8 {
        home.write(&format!("good/{n}.txt"), format!("{GOOD} It was the year {n} of the new road.").as_bytes());
        home.write(&format!("bad/{n}.txt"), format!("{SHOP}order {n} today\n").as_bytes());
    }
    home.onto(&["corpus", "classifier", "train", "--positive", "good", "--negative", "bad", "--out", "classifier"])
        .ok();
    let scores = home
        .onto(&["corpus", "classifier", "score", "--classifier", "classifier", "good/0.txt", "bad/0.txt"])
        .ok()
        .stdout;
    let scores: Vec<f64> = scores.lines().map(|line| json(line)["score"].as_f64().unwrap()).collect();
    assert!(scores[0] > 0.6 && scores[1] < 0.4, "{scores:?}");
    home.onto(&[
        "--threads",
        "2",
        "corpus",
        "classifier",
        "train",
        "--positive",
        "good",
        "--negative",
        "bad",
        "--out",
        "again",
    ])
    .ok();
    let weights = |folder: &str| std::fs::read(home.path(&format!("{folder}/weights.f32"))).unwrap();
    assert_eq!(weights("classifier"), weights("again"));
    let inspected = json(
        &home.onto(&["corpus", "inspect", "good/0.txt", "--policy", "dclm", "--classifier", "classifier"]).ok().stdout,
    );
    assert!(inspected["signals"]["quality_score"].as_f64() > Some(0.6), "{inspected}");
}
