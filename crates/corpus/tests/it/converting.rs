//! Conversion: the same bytes for any number of workers, and nothing lost on the way there and back.

use std::fs;

use corpus::convert::{Target, convert};
use corpus::read::{ReadOptions, ReadReport, units};
use corpus::{CorpusError, read::read};
use lang::document::Document;
use tempfile::tempdir;

fn documents(count: usize) -> Vec<Document> {
    (0..count)
        .map(|i| Document {
            id: format!("d{}", if i == 700 { 3 } else { i }),
            text: format!("Document {i}.\n{}", "Some words that fill the batch. 你好。 ".repeat(i % 97)),
            source: "here".into(),
            url: (i % 3 == 0).then(|| format!("http://x.org/{i}")),
            meta: [("n".to_string(), i.into())].into_iter().collect(),
            ..Document::default()
        })
        .collect()
}

#[test]
fn bytes_do_not_depend_on_the_workers() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("in");
    fs::create_dir(&source).unwrap();
    let all = documents(3000);
    for (index, part) in all.chunks(1700).enumerate() {
        corpus::write::write_jsonl(&source.join(format!("{index}.jsonl.zst")), part).unwrap();
    }
    corpus::write::write_jsonl(&source.join("9.jsonl"), &documents(1)).unwrap();
    let options = ReadOptions { unit_bytes: 1 << 20, ..ReadOptions::default() };
    let (found, _) = units(&[source], &options).unwrap();
    for target in Target::ALL {
        let out = dir.path().join(format!("out.{}", target.name()));
        let mut first: Option<Vec<u8>> = None;
        for workers in [1, 2, 7] {
            let report = convert(&found, &options, target, workers, &out, ReadReport::default(), &|_| Ok(())).unwrap();
            assert_eq!((report.documents, report.counts["duplicate ids renamed"]), (3001, 2));
            let bytes = fs::read(&out).unwrap();
            assert!(first.get_or_insert_with(|| bytes.clone()) == &bytes, "{target:?} with {workers} workers");
        }
        let (again, report) = read(&out, &ReadOptions::default(), &|_, _, _| {}).unwrap();
        assert_eq!((again.len(), report.n_problems), (3001, 0), "{target:?}");
        let trimmed = |text: &str| text.trim().to_string();
        for (before, after) in all.iter().zip(&again) {
            assert_eq!(trimmed(&before.text), after.text, "{target:?}");
        }
        if target != Target::Text {
            assert_eq!(
                (again[700].id.as_str(), &again[699].url, again[3000].id.as_str()),
                ("d3~2", &all[699].url, "d0~2")
            );
        }
    }
}

#[test]
fn an_error_stops_all_workers() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("in.jsonl");
    corpus::write::write_jsonl(&source, &documents(3000)).unwrap();
    let options = ReadOptions { unit_bytes: 1 << 16, ..ReadOptions::default() };
    let (found, _) = units(&[source], &options).unwrap();
    let out = dir.path().join("out.jsonl");
    let stop = |done: usize| if done > 500 { Err(CorpusError::Stopped) } else { Ok(()) };
    for workers in [1, 3] {
        let result = convert(&found, &options, Target::JsonLines, workers, &out, ReadReport::default(), &stop);
        assert!(matches!(result, Err(CorpusError::Stopped)));
    }
    let nowhere = dir.path().join("no/such/folder.jsonl");
    let result = convert(&found, &options, Target::JsonLines, 2, &nowhere, ReadReport::default(), &|_| Ok(()));
    assert!(matches!(result, Err(CorpusError::Io { .. })));
}
