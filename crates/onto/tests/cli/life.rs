//! A whole life, undisturbed and disturbed: the final weights are the same bits.

use std::time::Duration;

use crate::support::{Home, bytes, json};

const MODELS: [&str; 3] = ["base", "tuned", "aligned"];

fn weights(home: &Home, run: &str) -> Vec<Vec<u8>> {
    MODELS.iter().map(|model| bytes(&home.path(run).join("models").join(model).join("model.safetensors"))).collect()
}

#[test]
fn a_life_is_whole_reported_and_skipped_when_it_is_there() {
    let home = Home::new();
    let first = home.onto(&["run", "tiny.toml"]).ok();
    assert!(first.stdout.contains("report  runs/tiny/report.html"), "{}", first.stdout);
    assert!(first.stdout.contains("onto chat --model runs/tiny/models/aligned"), "{}", first.stdout);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());

    let report = json(&home.path("runs/tiny/report.json"));
    let metrics = report["metrics"].as_object().unwrap();
    for name in [
        "base.bits_per_byte",
        "unigram.bits_per_byte",
        "ngram.bits_per_byte",
        "base.exact_match",
        "tuned.exact_match",
        "aligned.exact_match",
        "tuned.preference_accuracy",
        "aligned.preference_accuracy",
        "clean.gibberish.precision",
        "clean.pii.recall",
    ] {
        assert!(metrics[name].is_number(), "{name}");
    }
    let stages = report["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 10);
    for stage in stages {
        assert_eq!(stage["sha256"].as_str().unwrap().len(), 64, "{stage}");
        assert_eq!(stage["skipped"], false);
        let manifest = json(&home.path("runs/tiny").join(stage["artifact"].as_str().unwrap()).join("manifest.json"));
        for key in [
            "kind",
            "format_version",
            "command",
            "config",
            "seed",
            "program_version",
            "inputs",
            "files",
            "metrics",
            "started",
            "ended",
        ] {
            assert!(manifest.get(key).is_some(), "{key} is not in the manifest of {stage}");
        }
    }
    let page = String::from_utf8(bytes(&home.path("runs/tiny/report.html"))).unwrap();
    assert!(page.contains("<svg") && page.ends_with("</html>\n") && !page.contains("http://localhost"));
    assert!(home.path("runs/tiny/logs/base/metrics.jsonl").exists());

    let page_before = bytes(&home.path("runs/tiny/report.html"));
    let second = home.onto(&["run", "tiny.toml"]).ok();
    assert!(second.stdout.contains("nothing to do"), "{}", second.stdout);
    assert_eq!(page_before, bytes(&home.path("runs/tiny/report.html")));

    // A change to one stage makes that stage and what stands on it again, and nothing else.
    let third = home.onto(&["run", "tiny.toml", "--set", "tune.steps=7", "--json"]).ok().json();
    for stage in third["stages"].as_array().unwrap() {
        let after = ["tuned", "aligned", "evaluation"].contains(&stage["name"].as_str().unwrap());
        assert_eq!(stage["skipped"], !after, "{stage}");
    }
}

#[test]
fn one_thread_and_two_give_the_same_weights() {
    let home = Home::new();
    home.onto(&["run", "tiny.toml", "--threads", "1", "--out", "one"]).ok();
    home.onto(&["run", "tiny.toml", "--threads", "2", "--out", "two"]).ok();
    assert_eq!(weights(&home, "one"), weights(&home, "two"));
    let hashes = |run: &str| -> Vec<serde_json::Value> {
        let report = json(&home.path(run).join("report.json"));
        report["stages"].as_array().unwrap().iter().map(|stage| stage["sha256"].clone()).collect()
    };
    assert_eq!(hashes("one"), hashes("two"));
}

/// SIGKILL at many moments, then a last undisturbed call: the same bits as the run that nobody disturbed.
#[test]
fn killed_again_and_again_it_ends_with_the_same_weights() {
    let home = Home::new();
    let started = std::time::Instant::now();
    home.onto(&["run", "tiny.toml", "--out", "calm"]).ok();
    let whole = started.elapsed();
    for part in 1..=9u32 {
        let mut child = home
            .command(&["run", "tiny.toml", "--out", "killed"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Later calls get further because they go on from what is there; odd shares hit stages at different places.
        std::thread::park_timeout(Duration::from_millis(30) + whole * (part * 7 % 10) / 20);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    home.onto(&["run", "tiny.toml", "--out", "killed"]).ok();
    assert_eq!(weights(&home, "calm"), weights(&home, "killed"));
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
}

#[test]
fn a_gpt2_shaped_life_works_too() {
    let home = Home::new();
    home.onto(&["run", "tiny.toml", "--set", "model.family=gpt2", "--set", "pretrain.dtype=bf16"]).ok();
    let config = json(&home.path("runs/tiny/models/aligned/config.json"));
    assert_eq!(config["architectures"][0], "GPT2LMHeadModel");
}

#[test]
fn own_text_lives_a_whole_life() {
    let home = Home::new();
    // Sentences of words in changing order, so that the texts are language and not copies of one another.
    let who = ["cat", "farmer", "old fox", "sailor", "little girl", "teacher", "brown dog", "baker", "tall boy"];
    let did = [
        "walked slowly to",
        "looked for",
        "told a story about",
        "was afraid of",
        "painted",
        "ran away from",
        "sang to",
    ];
    let what =
        ["the river", "a red boat", "the mountain", "her friend", "the empty house", "a bag of apples", "the moon"];
    let then = [
        "because it was late",
        "and then it rained",
        "before the others came",
        "while the bell was ringing",
        "after dinner",
    ];
    for file in 0..14usize {
        let sentences: Vec<String> = (0..9usize)
            .map(|line| {
                let n = file * 31 + line * 17 + file * line * 7;
                let (who, did) = (who[n % 9], did[(n / 3) % 7]);
                format!(
                    "The {who} {did} {} {}, on day {}.",
                    what[(n / 5 + line) % 7],
                    then[(n / 2 + file) % 5],
                    n * 3 + 1
                )
            })
            .collect();
        home.write(&format!("texts/{file}.txt"), sentences.join(" ").as_bytes());
    }
    let ran = home
        .onto(&["run", "tiny.toml", "--set", "corpus.path=texts", "--set", "corpus.held_out_share=0.3", "--out", "own"])
        .ok();
    assert!(ran.stdout.contains("own/report.html"));
    let report = json(&home.path("own/report.json"));
    assert!(report["metrics"]["base.bits_per_byte"].is_number());
}
