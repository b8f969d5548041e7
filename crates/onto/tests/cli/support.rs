//! Running `onto` in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A life small enough for a test: every stage, a few steps each.
pub const TINY: &str = r#"
title = "tiny"
seed = 5
[corpus]
documents = 160
held_out_documents = 12
[tokenizer]
vocab_size = 400
[model]
hidden_size = 32
layers = 2
heads = 2
kv_heads = 1
intermediate_size = 64
context = 256
[pretrain]
steps = 12
batch_size = 2
sequence_length = 64
learning_rate = 2e-3
eval_every = 4
eval_batches = 2
checkpoint_every = 2
[tune]
conversations = 60
steps = 6
batch_size = 2
sequence_length = 256
eval_every = 3
eval_batches = 2
checkpoint_every = 2
[align]
pairs = 24
steps = 4
batch_size = 2
sequence_length = 256
learning_rate = 1e-4
eval_every = 2
eval_batches = 2
checkpoint_every = 2
[evaluate]
items_per_task = 2
pairs = 4
documents = 4
max_tokens = 8
samples = 1
"#;

/// A folder with a recipe, and `onto` to run in it.
pub struct Home {
    pub dir: tempfile::TempDir,
}

/// What a command did.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Home {
        let home = Home { dir: tempfile::tempdir().unwrap() };
        home.write("tiny.toml", TINY.as_bytes());
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onto"));
        command.args(arguments).current_dir(self.dir.path()).env_remove("ONTO_THREADS").env("NO_COLOR", "1");
        command
    }

    pub fn onto(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).stdin(std::process::Stdio::null()).output().unwrap())
    }

    pub fn onto_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        use std::io::Write;
        let mut child = self
            .command(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ran(child.wait_with_output().unwrap())
    }

    /// Folders and files whose names say that they are unfinished work.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if name.contains(".partial-") || name.contains(".work-") {
                    found.push(path);
                } else if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// The command succeeded.
    #[track_caller]
    pub fn ok(self) -> Ran {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The command failed with `code` and said all of `parts` on stderr, without a panic.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> Ran {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in:\n{}", self.stderr);
        }
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}

/// The whole file.
pub fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&bytes(path)).unwrap()
}
