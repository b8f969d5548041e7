//! Inputs at the edge of sense: odd folders, full disks, numbers no machine holds, streams that end early. Each is told
//! in a few lines that name the thing and the flag, and none of them hangs or breaks the program.

use std::fs;
use std::process::Stdio;

use crate::support::{Home, Ran};

const SENTENCE: &str = "The baker of the small town rises early and the children come for bread before school. ";

#[test]
fn values_out_of_range_are_refused_by_key_before_anything_is_written() {
    let home = Home::new();
    for (set, parts) in [
        ("pretrain.steps=-1", &["pretrain.steps=-1", "0 or more"][..]),
        ("pretrain.steps=99999999999999999999", &["pretrain.steps", "an integer"]),
        ("pretrain.learning_rate=nan", &["pretrain.learning_rate", "NaN"]),
        ("pretrain.dtype=f64", &["pretrain.dtype=f64", "`bf16`"]),
        ("pretrain.batch_size=1000000000000", &["pretrain.batch_size", "at most"]),
        ("pretrain.gradient_accumulation=1000000000000", &["pretrain.gradient_accumulation", "at most"]),
        ("corpus.documents=10000000000000", &["corpus.documents", "at most"]),
        ("tune.conversations=1000000000000", &["tune.conversations", "at most"]),
        ("evaluate.items_per_task=1000000000000", &["evaluate.items_per_task", "at most"]),
        ("model.heads=3", &["model.heads 3", "model.hidden_size"]),
        ("model.layers=4097", &["model.layers", "4096"]),
        ("clean.near_duplicates.rows=0", &["clean.near_duplicates.rows"]),
        ("clean.personal_data.kinds=[\"shoe\"]", &["clean.personal_data.kinds", "shoe", "email"]),
        ("tune.path=absent.jsonl", &["absent.jsonl", "tune.path"]),
        ("=3", &["--set =3", "empty"]),
        ("pretrain.label_smoothing=1", &["pretrain.label_smoothing", "below 1"]),
        ("tune.z_loss=-1", &["tune.z_loss", "at least 0"]),
        ("align.z_loss=1e-4", &["align.z_loss", "about answers"]),
        ("align.label_smoothing=0.5", &["align.label_smoothing", "below 0.5"]),
    ] {
        home.onto(&["run", "tiny.toml", "--set", set]).fails(1, parts);
    }
    assert!(home.leftovers().is_empty(), "{:?}", home.leftovers());
    assert!(!home.path("runs/tiny/corpus").exists());
    // Weights that cannot fit are refused before they are made.
    let wide = ["run", "tiny.toml", "--memory", "1GiB", "--set", "model.intermediate_size=268435456"];
    home.onto(&wide).fails(1, &["--memory", "weights alone", "model.intermediate_size"]);
}

#[test]
fn numbers_that_flags_cannot_take_are_wrong_usage() {
    let home = Home::new();
    for arguments in [
        ["--threads", "0"],
        ["--threads", "-1"],
        ["--threads", "99999999999"],
        ["--threads", "many"],
        ["--seed", "-1"],
        ["--seed", "18446744073709551615"],
        ["--memory", "-1"],
        ["--memory", "much"],
    ] {
        home.onto(&["doctor", arguments[0], arguments[1]]).fails(2, &arguments);
    }
    let output = home.command(&["doctor"]).env("ONTO_THREADS", "abc").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--threads"));
    home.onto(&["doctor", "--threads", "1000"]).ok();
}

#[test]
fn an_instruction_set_is_used_or_its_absence_is_told() {
    let home = Home::new();
    home.onto(&["doctor", "--isa", "sse2"]).fails(2, &["--isa", "scalar, avx2, avx512 and amx"]);
    let found = home.onto(&["doctor", "--json"]).ok().json();
    let available: Vec<&str> = found["isas"].as_array().unwrap().iter().map(|isa| isa.as_str().unwrap()).collect();
    assert_eq!(found["isa"], *available.last().unwrap(), "the widest is used");
    for isa in ["scalar", "avx2", "avx512", "amx"] {
        let ran = home.onto(&["doctor", "--json", "--isa", isa]);
        if available.contains(&isa) {
            assert_eq!(ran.ok().json()["isa"], isa);
            continue;
        }
        // What this process may not use is told apart from what the processor does not have.
        let reason = if isa == "amx" { found["isa_refused"].as_str() } else { None };
        ran.fails(1, &[reason.unwrap_or("this processor does not have the instruction set"), isa]);
    }
}

/// What a folder of a person's may hold beside text.
#[cfg(unix)]
#[test]
fn odd_folders_are_read_around_their_oddities() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let home = Home::new();
    for index in 0..30 {
        let text = format!("{SENTENCE}On day {index} it rained. The farmer said that number {index} was the best.");
        home.write(&format!("odd/a story {index}.txt"), text.as_bytes());
    }
    symlink(".", home.path("odd/up")).unwrap();
    symlink("self", home.path("odd/self")).unwrap();
    symlink("nowhere", home.path("odd/dangling.txt")).unwrap();
    home.write("odd/line\nbreak.txt", &[0, 1, 2, 0, 0]);
    let name = std::ffi::OsStr::from_bytes(b"odd/\xff\xfe.txt");
    fs::write(home.dir.path().join(name), SENTENCE).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(home.path("odd/pipe.txt")).status().unwrap().success());

    let ran = home.onto(&["corpus", "build", "odd", "--out", "clean"]).ok();
    for part in ["odd/self: cannot be read", "odd/dangling.txt: cannot be read", "line\\nbreak.txt, byte 0: not text"] {
        assert!(ran.stderr.contains(part), "`{part}` is not in:\n{}", ran.stderr);
    }
    // The whole folder is one input whose hash can be told, so that a second run has nothing to do.
    assert_eq!(home.onto(&["corpus", "build", "odd", "--out", "clean", "--json"]).ok().json()["skipped"], true);
    home.onto(&["info", "clean"]).ok();
    home.onto(&["corpus", "stats", "odd/pipe.txt"]).fails(1, &["odd/pipe.txt", "pipe"]);
    home.onto(&["run", "tiny.toml", "--set", "corpus.path=odd/pipe.txt"]).fails(1, &["odd/pipe.txt", "pipe"]);
    home.onto(&["corpus", "build", "odd", "--out", "tiny.toml"]).fails(1, &["tiny.toml", "--out"]);
    home.onto(&["corpus", "build", "odd", "--out", "tiny.toml/x"]).fails(1, &["tiny.toml", "--out"]);
    home.onto(&["run", "tiny.toml", "--out", "tiny.toml"]).fails(1, &["tiny.toml", "--out"]);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf_8_do_not_break_the_program() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    let name = std::ffi::OsStr::from_bytes(b"na\xefve.txt");
    fs::write(home.dir.path().join(name), SENTENCE).unwrap();
    let output = home.command(&["corpus", "inspect"]).arg(name).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(line["lang"] == "en" && line["decision"] == "keep", "{line}");
    assert!(line["lang_confidence"].as_f64().is_some_and(|confidence| confidence > 0.5), "{line}");
    let output = home.command(&["corpus", "build", "--out"]).arg(name).arg("tiny.toml").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn encodings_and_repairs_are_told() {
    let home = Home::new();
    let big_endian: Vec<u8> =
        [0xfe, 0xff].into_iter().chain(SENTENCE.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    home.write("text/b.txt", &big_endian);
    let mut broken = "漂亮的花朵开了。".repeat(3).into_bytes();
    broken.push(0xff);
    home.write("text/c.txt", &broken);
    let ran = home.onto(&["corpus", "stats", "text", "--json"]).ok();
    assert_eq!(ran.json()["documents"], 2);
    for part in ["b.txt is not UTF-8 and was read as UTF-16BE", "1 invalid byte sequences were replaced"] {
        assert!(ran.stderr.contains(part), "`{part}` is not in:\n{}", ran.stderr);
    }
    // All bad lines are counted, ten are named.
    home.write("many.jsonl", format!("{{\"text\":\"{SENTENCE}\"}}\n{}", "{\"title\":1}\n".repeat(1500)).as_bytes());
    let ran = home.onto(&["corpus", "stats", "many.jsonl"]).ok();
    assert!(ran.stderr.contains("line 2: record without `text` (skipped)"), "{}", ran.stderr);
    assert!(ran.stderr.contains("and 1490 more") && ran.stderr.contains("1500 in all"), "{}", ran.stderr);
}

/// One word of many megabytes, and one line of many words.
#[test]
fn a_line_without_an_end_is_one_document() {
    let home = Home::new();
    home.write("word.txt", "a".repeat(8 << 20).as_bytes());
    home.write("line.jsonl", format!("{{\"text\":\"{}\"}}", "word ".repeat(2 << 20)).as_bytes());
    for name in ["word.txt", "line.jsonl"] {
        assert_eq!(home.onto(&["corpus", "stats", name, "--json"]).ok().json()["documents"], 1);
        home.onto(&["run", "tiny.toml", "--set", &format!("corpus.path={name}"), "--out", "r"])
            .fails(1, &[name, "held out"]);
    }
}

/// A model of a few tokens is enough: the edges are those of the commands around it.
#[test]
fn using_a_model_at_the_edges() {
    let home = Home::new();
    let text: String = (0..40).map(|index| format!("{SENTENCE}It was day {index}.\n")).collect();
    home.write("text.txt", text.as_bytes());
    home.onto(&["tokenizer", "train", "text.txt", "--vocab-size", "300", "--out", "tok"]).ok();
    home.onto(&["tokenizer", "encode", "--tokenizer", "absent", "x"]).fails(1, &["absent", "--tokenizer"]);
    let train = ["pretrain", "--data", "text.txt", "--tokenizer", "tok", "--out", "run/models/aligned"];
    let small = ["--recipe", "tiny.toml", "--set", "pretrain.steps=2"];
    for index in 0..12 {
        home.write(&format!("data/{index}.txt"), text.as_bytes());
    }
    home.onto(&[&train[..2], &["data"], &train[3..], &small[..]].concat()).ok();
    let model = ["--model", "run/models/aligned"];
    let with = |command: &[&str]| home.onto(&[command, &model[..]].concat());

    home.onto(&["generate", "--model", "run"]).fails(1, &["run/models/aligned"]);
    home.onto(&["generate", "--model", "tiny.toml"]).fails(1, &["tiny.toml", "config.json"]);
    with(&["generate", "--prompt", &"word ".repeat(400)]).fails(1, &["256", "--prompt"]);
    assert_eq!(with(&["generate", "--prompt", "x", "--max-tokens", "0", "--json"]).ok().json()["tokens"], 0);
    with(&["generate", "--temperature", "-1"]).fails(2, &["--temperature"]);
    with(&["generate", "--top-p", "nan"]).fails(2, &["--top-p"]);
    home.write("empty.txt", b"");
    with(&["score", "--text", "empty.txt"]).fails(1, &["empty.txt", "empty"]);
    home.write("latin.txt", b"caf\xe9");
    with(&["score", "--text", "latin.txt"]).fails(1, &["latin.txt", "byte 3"]);
    with(&["eval", "--items", "0"]).fails(2, &["--items"]);
    home.write("tasks.jsonl", "{}\n".repeat(12).as_bytes());
    with(&["eval", "--tasks", "tasks.jsonl"]).fails(1, &["tasks.jsonl:1", "and 2 more", "--tasks"]);
    with(&["eval", "--items", "1", "--out", "tiny.toml"]).fails(1, &["tiny.toml", "--out"]);
    with(&["chat"]).ok();
    let long = home.onto_with_input(&["chat", model[0], model[1]], &"word ".repeat(400)).ok();
    assert!(long.stderr.contains("fewer words"), "{}", long.stderr);
}

#[test]
fn a_reader_that_goes_away_is_success_and_a_full_output_is_not() {
    let home = Home::new();
    let text: String = (0..3000).map(|index| format!("{{\"text\":\"{SENTENCE} {index}\"}}\n")).collect();
    home.write("text.jsonl", text.as_bytes());
    let mut child = home
        .command(&["corpus", "redact", "text.jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = home.command(&["doctor"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let ran = Ran { code: output.status.code(), stdout: String::new(), stderr: text_of(&output.stderr) };
        ran.fails(1, &["stdout", "free some space"]);
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
