//! Runs that go wrong and how they are looked at: traps, spikes, replays, cooldowns.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Home, Ran, bytes};

/// A corpus and a tokenizer to pre-train with.
fn ready() -> Home {
    let home = Home::new();
    home.onto(&["corpus", "make", "--documents", "120", "--noise", "0", "--out", "text"]).ok();
    home.onto(&["tokenizer", "train", "text", "--vocab-size", "400", "--out", "tokens"]).ok();
    home
}

/// `onto pretrain` on it with further arguments.
fn pretrain(home: &Home, out: &str, set: &[&str]) -> Ran {
    let mut arguments =
        vec!["pretrain", "--recipe", "tiny.toml", "--data", "text", "--tokenizer", "tokens", "--out", out];
    for pair in set {
        arguments.extend(["--set", pair]);
    }
    home.onto(&arguments)
}

fn log(path: &Path) -> Vec<Value> {
    let text = String::from_utf8(bytes(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_step_is_replayed_bit_by_bit() {
    let home = ready();
    pretrain(&home, "base", &["pretrain.dropout=0.1"]).ok();
    let ran = home.onto(&["pretrain", "replay", "base", "--step", "5"]).ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{}", ran.stdout);
    assert!(lines[0].contains("grad norm") && lines[5].trim_start().starts_with("5 "), "{}", ran.stdout);
    assert!(!ran.stdout.contains('≠') && ran.stdout.matches('=').count() >= 10, "{}", ran.stdout);
    assert!(ran.stderr.contains("the same to the last bit"), "{}", ran.stderr);

    let ran =
        home.onto(&["pretrain", "replay", "base.logs", "--step", "4", "--json", "--trace", "--threads", "1"]).ok();
    let report = ran.json();
    assert_eq!((&report["equal"], &report["from"]), (&Value::Bool(true), &Value::from(0)));
    assert_eq!(report["steps"].as_array().unwrap().len(), 4);
    let told = report["steps"][3]["weights"].clone();
    assert_eq!(told["recorded"], told["found"], "a checkpoint was due after step 4");
    let trace = report["trace"].as_array().unwrap();
    assert!(trace.iter().any(|line| line["layer"] == "layers.1.mlp" && line["part"] == "gradient"));
    assert!(trace.iter().all(|line| line["not_finite"] == 0));

    // One bit of one loss of the log.
    let path = home.path("base.logs/metrics.jsonl");
    let mut records = log(&path);
    let record = records.iter_mut().find(|record| record["step"] == 3).unwrap();
    let loss = record["loss"].as_f64().unwrap();
    record["loss"] = f64::from_bits(loss.to_bits() ^ 1).into();
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    fs::write(&path, text).unwrap();
    let ran = home.onto(&["pretrain", "replay", "base", "--step", "5"]);
    assert!(ran.stdout.contains('≠'), "{}", ran.stdout);
    ran.fails(1, &["step 3 is not what it was", "its loss was", &format!("is {loss:?} now")]);
    let ran = home.onto(&["pretrain", "replay", "base", "--step", "5", "--json"]);
    assert_eq!((&ran.json()["equal"], &ran.json()["first_difference"]["step"]), (&Value::Bool(false), &3.into()));
    ran.fails(1, &["step 3"]);

    home.onto(&["pretrain", "replay", "base", "--step", "13"]).fails(1, &["no step 13", "steps 1 to 12"]);
    home.onto(&["pretrain", "replay", "text", "--step", "1"]).fails(1, &["text holds no pretrain run"]);
    home.onto(&["tune", "replay", "base", "--step", "1"]).fails(1, &["base holds no tune run"]);
    home.onto(&["pretrain", "replay", "base"]).fails(2, &["--step"]);
    home.onto(&["pretrain", "--out", "x"]).fails(2, &["--data"]);
    // Data that changed since.
    fs::remove_dir_all(home.path("text")).unwrap();
    home.onto(&["corpus", "make", "--documents", "121", "--noise", "0", "--out", "text"]).ok();
    home.onto(&["pretrain", "replay", "base", "--step", "2"]).fails(1, &["from other training data"]);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
}

#[test]
fn every_neural_stage_of_a_life_can_be_replayed() {
    let home = Home::new();
    home.onto(&["run", "tiny.toml"]).ok();
    for (command, run, step) in [
        ("pretrain", "runs/tiny", 3u64),
        ("tune", "runs/tiny", 4),
        ("align", "runs/tiny/models/aligned", 2),
        ("pretrain", "runs/tiny/logs/base", 12),
    ] {
        let ran = home.onto(&[command, "replay", run, "--step", &step.to_string(), "--json"]).ok();
        let report = ran.json();
        assert_eq!((&report["equal"], &report["step"]), (&Value::Bool(true), &step.into()), "{command}");
    }
    // What was replayed is as it was.
    let again = home.onto(&["run", "tiny.toml", "--json"]).ok();
    assert!(again.stderr.is_empty() || !again.stderr.contains("▸"), "{}", again.stderr);
}

/// The values of a tensor in a safetensors file.
fn overwrite(path: &Path, name: &str, value: f32) {
    let mut file = bytes(path);
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let json: Value = serde_json::from_slice(&file[8..8 + header]).unwrap();
    let offset = |index: usize| json[name]["data_offsets"][index].as_u64().unwrap() as usize + 8 + header;
    for at in (offset(0)..offset(1)).step_by(4) {
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    fs::write(path, file).unwrap();
}

#[test]
fn a_value_that_is_no_number_is_traced_to_its_layer() {
    let home = ready();
    pretrain(&home, "base", &[]).ok();
    fs::remove_file(home.path("base/manifest.json")).unwrap();
    overwrite(&home.path("base/model.safetensors"), "model.layers.1.self_attn.v_proj.weight", 3e38);
    let conversation =
        r#"{"id":"a","messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":"The baker."}]}"#;
    home.write("talk.jsonl", format!("{conversation}\n").repeat(60).as_bytes());
    let ran =
        home.onto(&["tune", "--recipe", "tiny.toml", "--model", "base", "--data", "talk.jsonl", "--out", "tuned"]);
    ran.fails(
        1,
        &[
            "at step 0: going forward, the first such value is",
            "in the output of linear (layers.1.attention, model.layers.1.self_attn.v_proj.weight)",
            "which is token",
            "in conversation",
            "learning_rate",
        ],
    );
    assert!(!home.path("tuned").exists());
}

/// With a threshold so low that ordinary noise is a spike.
#[test]
fn spikes_are_rolled_back_told_and_counted() {
    let home = ready();
    let nervous = [
        "pretrain.spike_threshold=0.9",
        "pretrain.spike_window=4",
        "pretrain.spike_rollback=3",
        "pretrain.spike_limit=400",
        "pretrain.learning_rate=1e-5",
    ];
    let ran = pretrain(&home, "base", &nervous).ok();
    for part in
        ["base: the loss of step ", ", above ", "its batch holds rows ", "back to step ", "leaving out batches "]
    {
        assert!(ran.stderr.contains(part), "`{part}` is not in:\n{}", ran.stderr);
    }
    let records = log(&home.path("base.logs/metrics.jsonl"));
    let spikes = records.iter().filter(|record| record["event"] == "spike").count();
    assert_eq!(spikes, ran.stderr.matches("leaving out batches").count());
    let steps: Vec<u64> = records
        .iter()
        .filter(|record| record.get("loss").is_some())
        .map(|record| record["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, (1..=12).collect::<Vec<_>>());
    let report = home.onto(&["pretrain", "replay", "base", "--step", "12", "--json"]).ok().json();
    assert_eq!(report["equal"], true);

    let mut strict = nervous.to_vec();
    strict[3] = "pretrain.spike_limit=1";
    pretrain(&home, "other", &strict).fails(1, &["one more than the 1 that the run may have", "pretrain.spike_limit"]);
}

#[test]
fn a_cooldown_is_appended_to_a_finished_run() {
    let home = ready();
    let constant = ["pretrain.schedule=constant", "pretrain.steps=8", "pretrain.histogram_every=4"];
    pretrain(&home, "open", &constant).ok();
    assert!(home.path("open.logs/checkpoint-000008").is_dir());
    assert!(home.path("open.logs/histograms/histograms.jsonl").is_file());
    let ran = home.onto(&["pretrain", "cooldown", "open", "--steps", "4", "--shape", "sqrt", "--out", "cooled"]).ok();
    assert!(ran.stderr.contains("going on from step 8 of 12"), "{}", ran.stderr);
    let planned = [
        "pretrain.schedule=constant",
        "pretrain.steps=12",
        "pretrain.cooldown_steps=4",
        "pretrain.cooldown_shape=sqrt",
    ];
    pretrain(&home, "planned", &planned).ok();
    let weights = |run: &str| bytes(&home.path(run).join("model.safetensors"));
    assert_eq!(weights("cooled"), weights("planned"));
    assert_ne!(weights("cooled"), weights("open"));
    let report = home.onto(&["pretrain", "replay", "cooled", "--step", "12", "--json"]).ok().json();
    assert_eq!((&report["equal"], &report["from"]), (&Value::Bool(true), &8.into()));

    // A rate that falls from beginning to end has no end to choose.
    pretrain(&home, "cosine", &["pretrain.schedule=cosine"]).ok();
    home.onto(&["pretrain", "cooldown", "cosine", "--steps", "4", "--out", "x"])
        .fails(1, &["nothing can be appended", "pretrain.schedule=constant"]);
    home.onto(&["pretrain", "cooldown", "open", "--steps", "0", "--out", "x"]).fails(2, &["--steps"]);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
}
