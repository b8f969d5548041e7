//! Training that cannot work, and training at the edges of what can: through the commands, as a person meets it.

use crate::support::{Home, Ran, bytes};

/// A corpus and a tokenizer to pre-train with.
fn ready() -> Home {
    let home = Home::new();
    home.onto(&["corpus", "make", "--documents", "120", "--noise", "0", "--out", "text"]).ok();
    home.onto(&["tokenizer", "train", "text", "--vocab-size", "400", "--out", "tokens"]).ok();
    home
}

fn pretrain(home: &Home, out: &str, set: &[&str], further: &[&str]) -> Ran {
    let mut arguments =
        vec!["pretrain", "--recipe", "tiny.toml", "--data", "text", "--tokenizer", "tokens", "--out", out];
    set.iter().for_each(|pair| arguments.extend(["--set", pair]));
    arguments.extend(further);
    home.onto(&arguments)
}

#[test]
fn sizes_of_nothing_are_refused_by_key_and_sizes_of_one_work() {
    let home = ready();
    for key in ["pretrain.sequence_length", "pretrain.batch_size", "pretrain.steps", "model.layers"] {
        pretrain(&home, "bad", &[&format!("{key}=0")], &[]).fails(1, &[key, "0"]);
    }
    assert!(!home.path("bad").exists());
    home.write("empty.txt", b"");
    // No multiple of any tile; rows of one token; one row; one head of odd thickness.
    for (out, set) in [
        ("odd", &["pretrain.sequence_length=37", "pretrain.batch_size=3", "model.intermediate_size=61"][..]),
        ("one-token", &["pretrain.sequence_length=1", "pretrain.batch_size=1"]),
        ("one-row", &["pretrain.sequence_length=17", "pretrain.batch_size=1", "model.layers=1"]),
        ("thin", &["model.hidden_size=6", "model.heads=3", "model.kv_heads=1", "pretrain.sequence_length=9"]),
        ("thin-lstm", &["model.family=lstm", "model.hidden_size=1", "pretrain.sequence_length=5"]),
        ("one-expert", &["model.experts=1", "model.experts_per_token=1", "pretrain.sequence_length=11"]),
    ] {
        pretrain(&home, out, set, &[]).ok();
        home.onto(&["score", "--model", out, "--text", "empty.txt"]).fails(1, &["empty.txt", "nothing to score"]);
        let score = home.onto_with_input(&["score", "--model", out, "--json"], "x").ok().json();
        assert!(score["log_prob"].as_f64().unwrap().is_finite(), "{out}: {score}");
    }
}

#[test]
fn weights_that_are_no_numbers_or_of_another_shape_are_named() {
    let home = ready();
    pretrain(&home, "base", &["pretrain.steps=2"], &[]).ok();
    let whole = bytes(&home.path("base/model.safetensors"));
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut broken = whole.clone();
    broken[8 + header + 12..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    home.write("nan/model.safetensors", &broken);
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        home.write(&format!("nan/{name}"), &bytes(&home.path(&format!("base/{name}"))));
        home.write(&format!("wide/{name}"), &bytes(&home.path(&format!("base/{name}"))));
    }
    let use_it = |model: &str| home.onto_with_input(&["score", "--model", model], "a text");
    use_it("nan").fails(1, &["model.safetensors", "is NaN, the weights are damaged"]);
    home.write("wide/model.safetensors", &whole);
    let config = String::from_utf8(bytes(&home.path("wide/config.json"))).unwrap();
    assert!(config.contains("\"intermediate_size\": 64"), "{config}");
    home.write("wide/config.json", config.replace("\"intermediate_size\": 64", "\"intermediate_size\": 65").as_bytes());
    use_it("wide").fails(1, &["model.layers.0.mlp.gate_proj.weight", "[64, 32]", "[65, 32]"]);
}

#[test]
fn a_rate_that_ends_in_no_number_names_step_and_place() {
    let home = ready();
    let set = ["pretrain.learning_rate=10", "pretrain.clip_norm=0", "pretrain.optimizer=sgd", "pretrain.steps=40"];
    let ran = pretrain(&home, "base", &set, &[]);
    // Whether a weight or an operation without weights comes first depends on the vocabulary.
    ran.fails(
        1,
        &["the loss is NaN at step", "the first such value is", "layers.0.", "in document", "nothing was updated"],
    );
    assert!(!home.path("base/model.safetensors").exists());
}

#[test]
fn conversations_without_an_answer_are_an_error_and_no_number() {
    let home = ready();
    pretrain(&home, "base", &["pretrain.steps=2"], &[]).ok();
    let question = r#"{"id": "1", "messages": [{"role": "user", "content": "Who bakes the bread?"}]}"#;
    home.write("questions.jsonl", format!("{question}\n").repeat(60).as_bytes());
    let tune = ["tune", "--recipe", "tiny.toml", "--model", "base", "--data", "questions.jsonl", "--out", "tuned"];
    home.onto(&tune).fails(1, &["conversation 1", "no assistant message: there is nothing to learn"]);
    // Answers that no row holds are left out, and then nothing is left to learn from.
    let long = "bread ".repeat(600);
    let answered = format!(
        r#"{{"id": "1", "messages": [{{"role": "user", "content": "What?"}}, {{"role": "assistant", "content": "{long}"}}]}}"#
    );
    home.write("questions.jsonl", format!("{answered}\n").repeat(60).as_bytes());
    home.onto(&tune).fails(1, &["conversations", "longer", "tune.sequence_length"]);
    assert!(!home.path("tuned").exists());
}

#[test]
fn memory_that_is_too_little_names_settings_that_fit() {
    let home = ready();
    let large = ["pretrain.batch_size=512", "pretrain.sequence_length=256", "pretrain.steps=2"];
    let ran = pretrain(&home, "base", &large, &["--memory", "200MiB"]);
    let told = ran.fails(1, &["training needs about", "more than the 200 MiB that --memory allows", "--set pretrain."]);
    let hint = told.stderr.lines().find_map(|line| line.split("hint: ").nth(1)).unwrap().to_owned();
    let words: Vec<&str> = hint.split_whitespace().collect();
    let proposed: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "--set").map(|pair| pair[1]).collect();
    assert!(!proposed.is_empty(), "{hint}");
    // What is proposed is taken, and its memory is what was said.
    let set = [&large[..], &proposed].concat();
    pretrain(&home, "base", &set, &["--memory", "200MiB"]).ok();
    assert!(!home.path("base.partial").exists());
}
