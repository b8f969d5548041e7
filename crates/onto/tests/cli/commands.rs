//! Each command on its own: one stage after the other, as a person would who does not use recipes.

use crate::support::{Home, json};

#[test]
fn every_stage_runs_by_its_own_command() {
    let home = Home::new();
    home.onto(&["corpus", "make", "--documents", "200", "--out", "raw", "--seed", "3"]).ok();
    home.onto(&[
        "corpus",
        "build",
        "raw/documents.jsonl",
        "--held-out",
        "raw/evaluation.jsonl",
        "--truth",
        "raw/truth.jsonl",
        "--out",
        "clean",
    ])
    .ok();
    let scores = json(&home.path("clean/scores.json"));
    assert!(scores["exact_duplicate"]["recall"].as_f64().unwrap() > 0.9, "{scores}");
    home.onto(&["tokenizer", "train", "clean/documents.jsonl", "--vocab-size", "420", "--out", "tok"]).ok();
    home.onto(&["ngram", "train", "clean/documents.jsonl", "--tokenizer", "tok", "--order", "3", "--out", "ngram"])
        .ok();
    let recipe = ["--recipe", "tiny.toml"];
    let stage = |arguments: &[&str]| home.onto(&[arguments, &recipe].concat()).ok();
    stage(&["pretrain", "--data", "clean/documents.jsonl", "--tokenizer", "tok", "--out", "base"]);
    home.write(
        "talk.jsonl",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Say hello.\"}, {\"role\": \"assistant\", \"content\": \"Hello!\"}]}\n"
            .repeat(60)
            .as_bytes(),
    );
    home.write(
        "pairs.jsonl",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Say hello.\"}], \"chosen\": \"Hello!\", \"rejected\": \"Go away.\"}\n"
            .repeat(24)
            .as_bytes(),
    );
    stage(&["tune", "--model", "base", "--data", "talk.jsonl", "--out", "tuned"]);
    stage(&["align", "--model", "tuned", "--data", "pairs.jsonl", "--out", "aligned"]);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());

    let text = home.write("text.txt", "Question: where does the baker live?\n".as_bytes());
    for model in ["aligned", "ngram"] {
        let score = home.onto(&["score", "--model", model, "--text", text.to_str().unwrap(), "--json"]).ok().json();
        let (log_prob, bytes) = (score["log_prob"].as_f64().unwrap(), score["bytes"].as_f64().unwrap());
        assert_eq!(bytes, 37.0);
        let bits = -log_prob / std::f64::consts::LN_2 / bytes;
        assert!((bits - score["bits_per_byte"].as_f64().unwrap()).abs() < 1e-9, "{score}");
        let perplexity = (-log_prob / score["tokens"].as_f64().unwrap()).exp();
        assert!((perplexity / score["perplexity"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{score}");

        let generate = ["generate", "--model", model, "--prompt", "The", "--max-tokens", "12", "--json", "--seed", "4"];
        let (first, again) = (home.onto(&generate).ok().json(), home.onto(&generate).ok().json());
        assert_eq!(first["text"], again["text"], "a seed gives one text");
        assert!(first["tokens"].as_u64().unwrap() <= 12);
        assert!(["stop", "length"].contains(&first["finish_reason"].as_str().unwrap()));
    }
    let talk =
        home.onto_with_input(&["chat", "--model", "aligned", "--max-tokens", "5"], "Say hello.\n\n/new\nAgain.\n").ok();
    assert_eq!(talk.stdout.lines().count(), 2, "{:?}", talk.stdout);
    home.onto(&["eval", "--model", "aligned", "--items", "2", "--max-tokens", "4", "--json"]).ok();
    let info = home.onto(&["info", "aligned", "--json"]).ok().json();
    assert_eq!(info["artifact"]["kind"], "model");
    home.onto(&["doctor", "--json"]).ok();
}

#[test]
fn tokens_come_back_as_the_text_they_were() {
    let home = Home::new();
    home.onto(&["corpus", "make", "--documents", "60", "--out", "raw"]).ok();
    home.onto(&["tokenizer", "train", "raw/documents.jsonl", "--vocab-size", "300", "--out", "tok"]).ok();
    for text in ["Hello, 世界!", "  two  spaces\tand 123", "<|im_end|>", "🦊 é"] {
        let encoded = home.onto(&["tokenizer", "encode", "--tokenizer", "tok", "--json", "--", text]).ok().json();
        let ids: Vec<String> =
            encoded["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap().to_string()).collect();
        assert_eq!(encoded["tokens"].as_array().unwrap().len(), ids.len());
        assert_eq!(encoded["offsets"].as_array().unwrap().len(), ids.len());
        let arguments = [vec!["tokenizer", "decode", "--tokenizer", "tok"], ids.iter().map(String::as_str).collect()];
        assert_eq!(home.onto(&arguments.concat()).ok().stdout, format!("{text}\n"));
    }
    home.onto(&["tokenizer", "decode", "--tokenizer", "tok", "999999"]).fails(1, &["999999", "300"]);
}

#[test]
fn a_seed_gives_the_same_corpus_and_another_seed_another() {
    let home = Home::new();
    let make = |seed: &str, out: &str| {
        home.onto(&["corpus", "make", "--documents", "80", "--seed", seed, "--out", out, "--json"]).ok().json()["sha256"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(make("5", "a"), make("5", "b"));
    assert_ne!(make("5", "a"), make("6", "c"));
}

#[test]
fn help_names_every_command() {
    let home = Home::new();
    let help = home.onto(&["--help"]).ok().stdout;
    for command in [
        "run",
        "corpus",
        "tokenizer",
        "ngram",
        "pretrain",
        "tune",
        "align",
        "score",
        "generate",
        "chat",
        "eval",
        "bench",
        "info",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in:\n{help}");
    }
    assert!(home.onto(&["--version"]).ok().stdout.starts_with("onto "));
    home.onto(&[]).fails(2, &["Usage"]);
}

/// The lines of README that a person would type: each must be a command with flags that exist, over files that exist.
#[test]
fn every_command_that_the_readme_shows_exists() {
    let home = Home::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for line in readme.lines() {
        if let Some(code) = line.strip_prefix("    ") {
            let code = code.split("  #").next().unwrap_or_default().trim().trim_start_matches("$ ");
            let typed = code.strip_prefix("onto ").or_else(|| code.strip_prefix("cargo run --release -- "));
            // `onto › …` is the model's answer.
            lines.extend(typed.filter(|typed| !typed.starts_with('›')).map(str::to_owned));
        } else if line.starts_with("| `onto") {
            let commands = line.replace("\\|", "/");
            let cell = commands.split('|').nth(1).unwrap_or_default();
            for command in cell.split('`').filter_map(|part| part.strip_prefix("onto ")) {
                // `[RECIPE]` may be left out; `a/b` are two commands.
                let words: Vec<&str> = command.split(' ').filter(|word| !word.starts_with('[')).collect();
                let (last, first) = words.split_last().unwrap();
                lines.extend(last.split('/').map(|verb| [first, &[verb]].concat().join(" ")));
            }
        }
    }
    assert!(lines.len() > 20, "{lines:?}");
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        home.onto(&[&words[..], &["--help"]].concat()).ok();
        for recipe in words.iter().filter(|word| word.ends_with(".toml")) {
            assert!(root.join(recipe).exists(), "README names {recipe}, which is not there");
        }
    }
}
