//! The house itself: arrows between crates, lengths of files, `unsafe` only where it may stand, no unfinished work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which crates each crate may know; the order of design: down only, siblings never.
const ARROWS: [(&str, &[&str]); 10] = [
    ("tensor", &[]),
    ("lang", &[]),
    ("nn", &["tensor", "lang"]),
    ("corpus", &["lang"]),
    ("microworld", &["lang"]),
    ("slm", &["lang"]),
    ("train", &["nn", "tensor", "lang"]),
    ("infer", &["nn", "tensor", "lang"]),
    ("eval", &["lang"]),
    ("onto", &["corpus", "eval", "infer", "lang", "microworld", "nn", "slm", "tensor", "train"]),
];
/// A longer file is a cut that was not made.
const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&root().join("crates"), &mut found);
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn dependencies_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let folders: Vec<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        folders.len(),
        ARROWS.len(),
        "a new crate needs its place in ARROWS and in ARCHITECTURE.md: {folders:?}"
    );
    for folder in &folders {
        let text = fs::read_to_string(root().join("crates").join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(folder.as_str()), "folder name = package name");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(toml::Value::Table(dependencies)) = manifest.get(section) else { continue };
            for name in dependencies.keys().filter(|name| allowed.contains_key(name.as_str())) {
                assert!(allowed[folder.as_str()].contains(&name.as_str()), "{folder} must not know {name} ({section})");
            }
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for (path, text) in all_sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!"), "{} does not begin with a word on what it is", path.display());
    }
}

#[test]
fn unsafe_stands_in_tensor_only_and_nothing_is_left_unfinished() {
    // Written in two parts so that this file does not find itself.
    let unfinished: Vec<String> = [("to", "do!("), ("unimple", "mented!("), ("db", "g!("), ("#[ig", "nore")]
        .iter()
        .map(|(a, b)| format!("{a}{b}"))
        .collect();
    let unsafe_word = format!("{}{}", "unsa", "fe ");
    for (path, text) in all_sources() {
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let place = format!("{}:{}", path.display(), index + 1);
            for word in &unfinished {
                assert!(!code.contains(word), "{place}: {word}");
            }
            if code.contains(&unsafe_word) {
                assert!(path.components().any(|part| part.as_os_str() == "tensor"), "{place}: {line}");
            }
        }
    }
}
