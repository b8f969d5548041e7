//! Artifacts are whole or absent, and a changed one is found out.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::*;

fn plan(seed: u64) -> Plan {
    Plan {
        kind: "corpus".into(),
        command: vec!["onto".into(), "corpus".into(), "build".into()],
        config: json!({"b": {"y": 1, "x": [1.5, "two"]}, "a": true}),
        seed,
        inputs: vec![Input {
            path: "somewhere".into(),
            sha256: "00".into(),
            kind: "file".into(),
            relation: "source".into(),
        }],
    }
}

/// An artifact with two files, one of them in a folder.
fn make(path: &Path, seed: u64, text: &str) -> Manifest {
    let writer = Writer::create(path, plan(seed)).unwrap();
    fs::write(writer.dir().join("text.txt"), text).unwrap();
    fs::create_dir(writer.dir().join("deep")).unwrap();
    fs::write(writer.dir().join("deep/empty"), "").unwrap();
    let mut metrics = Map::new();
    metrics.insert("documents".into(), json!(3));
    writer.finish(metrics).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn hashes_are_the_published_ones() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(hash_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, vec![b'a'; 1_000_000]).unwrap();
    // FIPS 180-2, appendix B.3: a million times `a`.
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    assert_eq!(hash_file(&path).unwrap(), (expected.to_owned(), 1_000_000));
}

#[test]
fn manifest_has_the_fixed_keys_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    let manifest = make(&path, 1, "hello");
    let value: Value = serde_json::from_slice(&fs::read(path.join(MANIFEST)).unwrap()).unwrap();
    let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "kind format_version command config seed program_version inputs files metrics started \
                    ended sha256 key";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(value["files"][1]["path"], "text.txt");
    assert_eq!(value["files"][0]["path"], "deep/empty");
    assert!(value["started"].as_str().unwrap().ends_with('Z'));
    assert_eq!(read(&path).unwrap(), manifest);
    assert_eq!(verify(&path).unwrap(), manifest);
    assert_eq!(names(folder.path()), ["artifact"]);
}

#[test]
fn key_depends_on_what_matters_only() {
    let key = plan(1).key();
    let mut other = plan(1);
    other.command = vec![];
    other.inputs[0].path = "elsewhere".into();
    other.config = json!({"a": true, "b": {"x": [1.5, "two"], "y": 1}});
    assert_eq!(other.key(), key);
    let changes: [fn(&mut Plan); 5] = [
        |plan| plan.kind = "shards".into(),
        |plan| plan.seed = 2,
        |plan| plan.config["b"]["y"] = json!(2),
        |plan| plan.inputs[0].sha256 = "01".into(),
        |plan| plan.inputs.clear(),
    ];
    for change in changes {
        let mut other = plan(1);
        change(&mut other);
        assert_ne!(other.key(), key, "{other:?}");
    }
}

#[test]
fn content_hash_depends_on_content_only() {
    let folder = tempfile::tempdir().unwrap();
    let first = make(&folder.path().join("one"), 1, "same");
    let second = make(&folder.path().join("two"), 2, "same");
    let third = make(&folder.path().join("three"), 1, "other");
    assert_eq!(first.sha256, second.sha256);
    assert_ne!(first.sha256, third.sha256);
}

#[test]
fn damage_is_named() {
    type Damage = fn(&Path);
    let cases: [(Damage, &str); 10] = [
        (|path| fs::write(path.join("text.txt"), "jello").unwrap(), "text.txt has changed: expected SHA-256 2cf24dba"),
        (|path| fs::write(path.join("text.txt"), "hell").unwrap(), "(5 bytes), found"),
        (|path| fs::remove_file(path.join("deep/empty")).unwrap(), "deep/empty is missing (expected SHA-256 e3b0c442"),
        (|path| fs::write(path.join("new"), "").unwrap(), "new is not listed in the manifest"),
        (|path| edit(path, |text| text[..text.len() / 2].to_owned()), "manifest.json is damaged: it is cut off"),
        (|path| edit(path, |_| "not json".into()), "manifest.json is damaged: it is not JSON"),
        (|path| edit(path, |text| text.replace("\"seed\"", "\"sead\"")), "missing field `seed`"),
        (|path| edit(path, |text| text.replace("deep/empty", "../empty")), "lists the file `../empty`"),
        (|path| edit(path, |text| text.replace("deep/empty", "/etc/passwd")), "lists the file `/etc/passwd`"),
        (|path| edit(path, |text| text.replace("\"format_version\": 1", "\"format_version\": 9")), "format version 9"),
    ];
    for (damage, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("artifact");
        make(&path, 1, "hello");
        damage(&path);
        let error = verify(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("\nhint: ") && error.contains("--redo STAGE"), "{error}");
        // Damage never stands in the way of making it again.
        make(&path, 1, "hello");
        verify(&path).unwrap();
    }
}

fn edit(path: &Path, change: fn(&str) -> String) {
    let manifest = path.join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text);
    fs::write(manifest, changed).unwrap();
}

#[cfg(unix)]
#[test]
fn links_are_refused_in_artifacts_and_followed_in_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    make(&path, 1, "hello");
    fs::rename(path.join("text.txt"), folder.path().join("outside")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("outside"), path.join("text.txt")).unwrap();
    assert!(verify(&path).unwrap_err().to_string().contains("text.txt is a symbolic link"));

    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    std::os::unix::fs::symlink(folder.path().join("outside"), source.join("text")).unwrap();
    assert_eq!(input(&source, "source").unwrap().kind, "folder");
    let plain = input(&source, "source").unwrap().sha256;
    // A folder people bring may hold loops, links to nowhere and names in any bytes; what cannot be read is no input.
    std::os::unix::fs::symlink(&source, source.join("loop")).unwrap();
    std::os::unix::fs::symlink("self", source.join("self")).unwrap();
    std::os::unix::fs::symlink("nowhere", source.join("dangling")).unwrap();
    assert_eq!(input(&source, "source").unwrap().sha256, plain);
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff.txt");
    fs::write(source.join(name), "text").unwrap();
    assert_ne!(input(&source, "source").unwrap().sha256, plain);
    assert!(input(Path::new("/dev/null"), "source").unwrap_err().to_string().contains("pipe or a device"));
}

#[test]
fn stages_are_skipped_only_when_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    assert_eq!(reusable(&path, &plan(1)).unwrap(), None);
    let manifest = make(&path, 1, "hello");
    assert_eq!(reusable(&path, &plan(1)).unwrap(), Some(manifest));
    assert_eq!(reusable(&path, &plan(2)).unwrap(), None);
    fs::write(path.join("text.txt"), "jello").unwrap();
    assert!(reusable(&path, &plan(1)).is_err());
    assert_eq!(reusable(&path, &plan(2)).unwrap(), None);
    // Replacing it with the artifact of another plan leaves nothing of the old one.
    let manifest = make(&path, 2, "new");
    assert_eq!(reusable(&path, &plan(2)).unwrap(), Some(manifest));
    assert_eq!(names(folder.path()), ["artifact"]);
}

#[test]
fn unfinished_work_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    let writer = Writer::create(&path, plan(1)).unwrap();
    fs::write(writer.dir().join("half"), "half").unwrap();
    drop(writer);
    assert!(names(folder.path()).is_empty());
    // A file that takes the manifest's name is refused, and that too leaves nothing.
    let writer = Writer::create(&path, plan(1)).unwrap();
    fs::write(writer.dir().join(MANIFEST), "{}").unwrap();
    assert!(writer.finish(Map::new()).is_err());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn leftovers_of_dead_runs_go_and_those_of_live_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    // What `kill -9` leaves: a folder that nobody holds the lock of.
    fs::create_dir(folder.path().join(".artifact.partial-1-0")).unwrap();
    fs::write(folder.path().join(".artifact.partial-1-0/half"), "half").unwrap();
    fs::write(folder.path().join(".artifact.partial-77-3"), "half a file").unwrap();
    fs::write(folder.path().join(".artifact2.partial-1"), "of another artifact").unwrap();
    let live = Writer::create(&path, plan(1)).unwrap();
    let also_live = Writer::create(&path, plan(2)).unwrap();
    assert!(live.dir().exists() && also_live.dir().exists());
    also_live.finish(Map::new()).unwrap();
    live.finish(Map::new()).unwrap();
    assert_eq!(read(&path).unwrap().seed, 1);
    assert_eq!(names(folder.path()), [".artifact2.partial-1", "artifact"]);
}

#[test]
fn strangers_are_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("documents");
    fs::create_dir(&path).unwrap();
    // Empty: nothing to lose.
    drop(Writer::create(&path, plan(1)).unwrap());
    fs::write(path.join("thesis.txt"), "years of work").unwrap();
    let check = || {
        let error = Writer::create(&path, plan(1)).unwrap_err().to_string();
        assert!(error.contains("was not written by this program"), "{error}");
    };
    check();
    fs::write(path.join(MANIFEST), r#"{"manifest_version": 3, "name": "a web extension"}"#).unwrap();
    check();
    fs::remove_dir_all(&path).unwrap();
    fs::write(&path, "a file").unwrap();
    check();
    assert!(Writer::create(Path::new("/"), plan(1)).is_err());
    assert!(Writer::create(Path::new(".."), plan(1)).is_err());
}

#[test]
fn inputs_are_hashed_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    let manifest = make(&path, 1, "hello");
    let read = input(&path, "corpus").unwrap();
    assert_eq!(
        (read.kind.as_str(), read.sha256, read.relation.as_str()),
        ("corpus", manifest.sha256.clone(), "corpus")
    );
    assert_eq!(input(&path.join("text.txt"), "x").unwrap().sha256, hash_bytes(b"hello"));
    // The same files without a manifest have the same content hash.
    fs::remove_file(path.join(MANIFEST)).unwrap();
    let plain = input(&path, "corpus").unwrap();
    assert_eq!((plain.kind.as_str(), plain.sha256), ("folder", manifest.sha256));
    let error = input(&folder.path().join("nothing"), "x").unwrap_err().to_string();
    assert!(error.contains("nothing"), "{error}");
}

#[test]
fn files_are_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    fs::write(folder.path().join(".state.json.partial-9-9"), "left by a crash").unwrap();
    write_atomic(&path, b"one").unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(names(folder.path()), ["state.json"]);
    let error = write_atomic(&folder.path().join("none/state.json"), b"x").unwrap_err().to_string();
    assert!(error.contains("none/state.json"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_called_by_its_name() {
    use std::io::Write;
    let path = Path::new("/dev/full");
    let refused = fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(b"x")).unwrap_err();
    let error = ArtifactError::io("write", path, refused).to_string();
    assert!(error.starts_with("no space left on the device while writing /dev/full\nhint: "), "{error}");
}
