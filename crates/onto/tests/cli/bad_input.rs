//! Every bad input gives a message that names the file, the place and what to change, and leaves nothing half done.

use std::fs;

use crate::support::{Home, bytes};

const SENTENCE: &str = "The baker of the small town rises early and the children come for bread before school. ";

#[test]
fn recipes_that_cannot_work_are_refused_before_anything_is_written() {
    let home = Home::new();
    let cases: [(&str, &str, &[&str]); 8] = [
        (
            "unknown.toml",
            "[pretrain]\nlerning_rate = 1.0\n",
            &["unknown.toml:2", "pretrain.lerning_rate", "learning_rate"],
        ),
        ("section.toml", "\n[pretrian]\n", &["section.toml:2", "pretrian", "`pretrain`"]),
        ("nested.toml", "[corpus.noise]\ngiberish = 0.1\n", &["corpus.noise.giberish", "corpus.noise.gibberish"]),
        ("type.toml", "[pretrain]\nsteps = \"many\"\n", &["type.toml", "steps"]),
        ("range.toml", "[align]\nbeta = -1.0\n", &["align.beta", "more than 0"]),
        ("heads.toml", "[model]\nhidden_size = 100\nheads = 3\n", &["hidden"]),
        ("long.toml", "[tune]\nsequence_length = 4096\n", &["tune.sequence_length", "model.context"]),
        ("broken.toml", "[pretrain\n", &["broken.toml"]),
    ];
    for (name, text, parts) in cases {
        home.write(name, text.as_bytes());
        home.onto(&["run", name]).fails(1, parts);
        assert!(!home.path("runs").exists(), "{name} left something");
    }
    home.onto(&["run", "absent.toml"]).fails(1, &["absent.toml"]);
    home.onto(&["run", "tiny.toml", "--set", "pretrain.step=3"]).fails(1, &["pretrain.step", "pretrain.steps"]);
    home.onto(&["run", "tiny.toml", "--set", "nonsense"]).fails(1, &["key=value"]);
    home.onto(&["run", "tiny.toml", "--redo", "dreaming"]).fails(2, &["dreaming", "aligned"]);
    home.onto(&["run", "--no-such-flag"]).fails(2, &["--no-such-flag"]);
    home.onto(&["run", "tiny.toml", "--threads", "0"]).fails(2, &["--threads"]);
    home.onto(&["run", "tiny.toml", "--memory", "1MiB"]).fails(1, &["--memory", "model.hidden_size"]);
}

#[test]
fn corpora_that_cannot_be_read_are_named() {
    let home = Home::new();
    let run = |path: &str| home.onto(&["run", "tiny.toml", "--set", &format!("corpus.path={path}"), "--out", "r"]);
    run("nowhere").fails(1, &["nowhere", "corpus.path"]);
    fs::create_dir(home.path("hollow")).unwrap();
    run("hollow").fails(1, &["hollow"]);
    home.write("empty.txt", b"");
    run("empty.txt").fails(1, &["empty.txt"]);
    home.write("picture.txt", &[0u8, 159, 146, 150, 0, 1, 2, 3, 255, 0, 0, 7]);
    run("picture.txt").fails(1, &["picture.txt"]);
    home.write("few.txt", SENTENCE.repeat(3).as_bytes());
    run("few.txt").fails(1, &["few.txt"]);
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
    assert!(!home.path("r/models").exists());
}

/// Text that reads but does not fill one batch.
#[test]
fn fewer_tokens_than_one_batch_names_the_keys() {
    let home = Home::new();
    for index in 0..6 {
        let text =
            format!("{SENTENCE}On day {index} it rained. The farmer said that number {index} was the best of all.");
        home.write(&format!("small/{index}.txt"), text.as_bytes());
    }
    let set = [
        "--set",
        "corpus.path=small",
        "--set",
        "corpus.held_out_share=0.3",
        "--set",
        "clean.near_duplicates.enabled=false",
    ];
    let mut arguments = vec!["run", "tiny.toml", "--set", "pretrain.batch_size=64"];
    arguments.extend(set);
    home.onto(&arguments).fails(1, &["pretrain.batch_size", "pretrain.sequence_length"]);
}

#[test]
fn bad_records_and_encodings_are_counted_named_and_skipped() {
    let home = Home::new();
    let mut jsonl = String::new();
    for index in 0..5 {
        jsonl.push_str(&format!("{{\"text\": \"{SENTENCE}Number {index}.\"}}\n"));
    }
    jsonl.push_str("{\"text\": \n{\"title\": \"no text here\"}\n{\"text\": 7}\n");
    home.write("mixed/a.jsonl", jsonl.as_bytes());
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(SENTENCE.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    home.write("mixed/b.txt", &utf16);
    home.write(
        "mixed/c.txt",
        b"Le caf\xe9 de la petite ville est ouvert, et la m\xe8re y va tous les matins avec sa fille.",
    );
    home.write("mixed/d.txt", b"Good text with one bad byte \xff in it, and then the story goes on as if nothing was.");
    let ran = home.onto(&["corpus", "stats", "mixed", "--json"]).ok();
    assert_eq!(ran.json()["documents"], 8, "{}", ran.stdout);
    for part in ["a.jsonl, line 6", "a.jsonl, line 7", "a.jsonl, line 8"] {
        assert!(ran.stderr.contains(part), "`{part}` is not in:\n{}", ran.stderr);
    }
}

#[test]
fn an_artifact_that_was_changed_is_refused_by_name() {
    let home = Home::new();
    home.onto(&["run", "tiny.toml"]).ok();
    let model = home.path("runs/tiny/models/tuned/model.safetensors");
    let mut changed = bytes(&model);
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&model, &changed).unwrap();
    home.onto(&["run", "tiny.toml"]).fails(1, &["model.safetensors", "--redo tuned"]);
    home.onto(&["run", "tiny.toml", "--redo", "tuned"]).ok();
    home.onto(&["run", "tiny.toml"]).ok();

    fs::write(&model, &changed[..middle]).unwrap();
    home.onto(&["generate", "--model", "runs/tiny/models/tuned", "--prompt", "x"]).fails(1, &["model.safetensors"]);
    let manifest = home.path("runs/tiny/models/base/manifest.json");
    let text = bytes(&manifest);
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    home.onto(&["run", "tiny.toml"]).fails(1, &["manifest.json"]);
}

/// A checkpoint cut in half is named; the one before it is used, and the end is the same.
#[test]
fn a_checkpoint_cut_in_half_is_named_and_passed_over() {
    let home = Home::new();
    home.onto(&["run", "tiny.toml", "--out", "calm"]).ok();
    let slow = ["run", "tiny.toml", "--out", "cut", "--set", "pretrain.steps=12"];
    // The run is killed as soon as it has written two checkpoints.
    let mut child = home.command(&slow).stderr(std::process::Stdio::null()).spawn().unwrap();
    let newest = loop {
        let models = home.path("cut/models");
        let mut found: Vec<_> = fs::read_dir(&models)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().contains(".base.work-"))
            .flat_map(|entry| fs::read_dir(entry.path()).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("checkpoint-"))
            .collect();
        found.sort();
        if found.len() >= 2 || child.try_wait().unwrap().is_some() {
            child.kill().ok();
            child.wait().unwrap();
            break found.pop();
        }
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    };
    if let Some(newest) = newest.filter(|path| path.exists()) {
        let file = newest.join("parameters.safetensors");
        let whole = bytes(&file);
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        let ran = home.onto(&slow).ok();
        assert!(ran.stderr.contains("parameters.safetensors"), "{}", ran.stderr);
    } else {
        home.onto(&slow).ok();
    }
    let weights = |run: &str| bytes(&home.path(run).join("models/aligned/model.safetensors"));
    assert_eq!(weights("calm"), weights("cut"));
}

/// Ctrl-C ends at a safe point with exit code 130 and the way to go on; going on gives the same bits.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_go_on() {
    let home = Home::new();
    let arguments = ["run", "tiny.toml", "--out", "stopped", "--set", "pretrain.steps=400"];
    let child = home.command(&arguments).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    while !home.path("stopped/models").exists() {
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("same command goes on"), "{stderr}");
}

#[test]
fn a_second_run_in_the_same_folder_is_refused() {
    let home = Home::new();
    fs::create_dir_all(home.path("runs/tiny")).unwrap();
    let lock = fs::File::create(home.path("runs/tiny/.lock")).unwrap();
    lock.lock().unwrap();
    home.onto(&["run", "tiny.toml"]).fails(1, &["another run", "--out"]);
}

#[test]
fn models_that_are_not_there_or_no_models_are_named() {
    let home = Home::new();
    home.onto(&["chat", "--model", "ghost"]).fails(1, &["ghost", "--model"]);
    fs::create_dir(home.path("plain")).unwrap();
    home.onto(&["score", "--model", "plain", "--text", "tiny.toml"]).fails(1, &["plain", "tokenizer"]);
    home.onto(&["info", "nothing"]).fails(1, &["nothing"]);
    home.onto(&["corpus", "make"]).fails(2, &["--out"]);
}
