//! Units: the same documents, ids and problems whatever their size and whoever reads them, in bounded memory.

use std::fs;
use std::path::{Path, PathBuf};

use corpus::read::{Place, ReadOptions, ReadReport, Unit, read_unit, units};
use lang::document::Document;
use tempfile::tempdir;

/// Reads unit by unit, as a pipeline does.
pub fn by_units(paths: &[PathBuf], options: &ReadOptions) -> (Vec<Unit>, Vec<Document>, ReadReport) {
    let (units, mut report) = units(paths, options).unwrap();
    let mut documents = Vec::new();
    for unit in &units {
        let unit_report = read_unit(unit, options, &mut |document| {
            documents.push(document);
            Ok(())
        });
        report.absorb(unit_report.unwrap(), options.max_problems);
    }
    (units, documents, report)
}

/// The documents and problems are the same for every size of unit; returns them, and the number of units of the smallest.
pub fn check_sizes(path: &Path) -> (Vec<Document>, ReadReport, usize) {
    let paths = [path.to_path_buf()];
    let whole = by_units(&paths, &ReadOptions { unit_bytes: u64::MAX, ..ReadOptions::default() });
    let mut most = 0;
    for unit_bytes in [1, 7, 100, 1000, 10_000] {
        let cut = by_units(&paths, &ReadOptions { unit_bytes, ..ReadOptions::default() });
        let names: std::collections::HashSet<String> = cut.0.iter().map(Unit::name).collect();
        assert_eq!(names.len(), cut.0.len());
        assert_eq!(cut.1, whole.1, "{unit_bytes}");
        assert_eq!(cut.2, whole.2, "{unit_bytes}");
        most = most.max(cut.0.len());
    }
    (whole.1, whole.2, most)
}

#[test]
fn lines_of_json_keep_their_numbers() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    let lines: Vec<String> = (0..100)
        .map(|i| match i % 10 {
            3 => "not json".to_string(),
            5 => String::new(),
            _ => format!("{{\"text\":\"Text {i}, 你好.\"}}"),
        })
        .collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let (documents, report, most) = check_sizes(&path);
    assert_eq!((documents.len(), report.n_problems, most), (80, 10, 100));
    assert_eq!(documents[79].id, "x.jsonl#100");
    assert_eq!(report.problems[9].place, Place::Line(94));
    // A file in another encoding is not cut.
    let latin: Vec<u8> =
        lines.join("\n").replace('你', "e").chars().map(|c| if c == '好' { 0xe9 } else { c as u8 }).collect();
    fs::write(&path, latin).unwrap();
    let (documents, _, most) = check_sizes(&path);
    assert_eq!((documents[0].text.as_str(), most), ("Text 0, eé.", 1));
}

#[test]
fn separated_texts_keep_their_numbers() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.txt");
    let text: String = (0..50).map(|i| format!("Story {i}.\r\nMore.\n<|endoftext|>\r\n")).collect();
    for end in ["", "Last.", "\n\n", "Last.\n<|endoftext|>"] {
        fs::write(&path, format!("{text}{end}")).unwrap();
        let (documents, _, most) = check_sizes(&path);
        let last = usize::from(end.starts_with("Last"));
        assert_eq!((documents.len(), most), (50 + last, 50 + usize::from(!end.is_empty())), "{end:?}");
        assert_eq!((documents[49].id.as_str(), documents[49].text.as_str()), ("x.txt#50", "Story 49.\nMore."));
    }
    fs::write(&path, "One text\n".repeat(100)).unwrap();
    let (documents, _, most) = check_sizes(&path);
    assert_eq!((documents.len(), documents[0].id.as_str(), most), (1, "x.txt", 1));
}

#[test]
fn several_inputs_have_distinct_names() {
    let dir = tempdir().unwrap();
    for folder in ["a", "b"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("x.txt"), folder).unwrap();
    }
    let paths = [dir.path().join("a"), dir.path().join("b"), dir.path().join("b")];
    let (_, documents, _) = by_units(&paths, &ReadOptions::default());
    let ids: Vec<(&str, &str)> = documents.iter().map(|d| (d.id.as_str(), d.text.as_str())).collect();
    assert_eq!(ids[..2], [("x.txt", "a"), ("b/x.txt", "b")]);
    assert_eq!(ids[2].1, "b");
    assert!(ids[2].0 != ids[1].0 && ids[2].0.ends_with("/b/x.txt"));
}

#[test]
fn a_record_without_end_is_named_and_skipped() {
    let dir = tempdir().unwrap();
    let options = ReadOptions { max_record_bytes: 1000, ..ReadOptions::default() };
    let json = dir.path().join("x.jsonl");
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(100_000));
    fs::write(&json, format!("{{\"text\":\"One.\"}}\n{long}\n{{\"text\":\"Two.\"}}\n")).unwrap();
    let (_, documents, report) = by_units(&[json], &options);
    assert_eq!(documents.iter().map(|d| d.text.as_str()).collect::<Vec<_>>(), ["One.", "Two."]);
    assert_eq!((report.problems[0].kind.as_str(), report.problems[0].place), ("long record", Place::Line(2)));
    // A long plain text is several documents, and nothing of it is lost.
    let text = dir.path().join("x.txt");
    for whole in ["你".repeat(3000), "A line of words.\n".repeat(500), "A paragraph.\n\n".repeat(500)] {
        fs::write(&text, &whole).unwrap();
        let (_, documents, report) = by_units(std::slice::from_ref(&text), &options);
        assert!(documents.len() > 4 && documents.iter().all(|d| d.text.len() <= 1001 && !d.text.contains('\u{fffd}')));
        let joined: String = documents.iter().map(|d| d.text.as_str()).collect();
        assert_eq!(joined.replace('\n', ""), whole.replace('\n', ""));
        assert_eq!((documents[1].id.as_str(), report.n_problems), ("x.txt#2", 0));
    }
}

#[test]
fn a_bomb_costs_bounded_work() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("bomb.jsonl.zst");
    let line = format!("{{\"text\":\"{}\"}}\n", "a".repeat(1000));
    let mut packer = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    for _ in 0..300_000 {
        std::io::Write::write_all(&mut packer, line.as_bytes()).unwrap();
    }
    fs::write(&path, packer.finish().unwrap()).unwrap();
    let (_, documents, report) = by_units(&[path], &ReadOptions::default());
    assert!(documents.len() > 60_000 && documents.len() < 70_000, "{}", documents.len());
    assert!(report.problems[0].what.contains("unpacks to more than 400 times its size"), "{:?}", report.problems);
}
