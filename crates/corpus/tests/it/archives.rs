//! Web archives, good and damaged.

use std::fs;
use std::io::Write;
use std::path::Path;

use corpus::read::{Place, ReadOptions, ReadReport};
use lang::document::Document;
use tempfile::tempdir;

use crate::units::{by_units, check_sizes};

const WORDS: &str =
    "The old mill stood by the river for two hundred years, and every spring the water rose to its door.";

fn record(kind: &str, number: usize, content_type: &str, block: &str, length: usize) -> String {
    format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Target-URI: http://x.org/{number}\r\n\
         WARC-Date: 2024-01-02T03:04:05Z\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{block}\r\n\r\n"
    )
}

fn wet(number: usize) -> String {
    let block = format!("Page {number}. {WORDS}");
    record("conversion", number, "text/plain", &block, block.len())
}

fn page(number: usize) -> String {
    let paragraphs: String = (0..5).map(|i| format!("<p>Page {number}, part {i}. {WORDS}</p>")).collect();
    let html =
        format!("<html><head><title>Page {number}</title></head><body><article>{paragraphs}</article></body></html>");
    let block = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX: y\r\n\r\n{html}");
    record("response", number, "application/http; msgtype=response", &block, block.len())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn archive() -> Vec<String> {
    let info = "software: none\r\n";
    let mut records = vec![record("warcinfo", 0, "application/warc-fields", info, info.len())];
    records.extend((1..20).map(|number| match number % 5 {
        0 => record("request", number, "application/http", "GET / HTTP/1.1\r\n\r\n", 18),
        1 => page(number),
        _ => wet(number),
    }));
    records
}

fn read(path: &Path) -> (Vec<Document>, ReadReport) {
    let (_, documents, report) = by_units(&[path.to_path_buf()], &ReadOptions::default());
    (documents, report)
}

fn kinds(report: &ReadReport) -> Vec<&str> {
    report.problems.iter().map(|problem| problem.kind.as_str()).collect()
}

fn ids(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.id.as_str()).collect()
}

#[test]
fn records_become_documents_whatever_the_packing_and_the_units() {
    let dir = tempdir().unwrap();
    let records = archive();
    let plain = records.concat();
    let members: Vec<u8> = records.iter().flat_map(|record| gzip(record.as_bytes())).collect();
    let files: [(&str, Vec<u8>, usize); 5] = [
        ("a.warc", plain.clone().into_bytes(), 20),
        ("a.warc.gz", members, 20),
        ("b.warc.gz", gzip(plain.as_bytes()), 1),
        ("a.warc.zst", zstd::encode_all(plain.as_bytes(), 3).unwrap(), 1),
        ("a.warc.bz2", bzip2(plain.as_bytes()), 1),
    ];
    for (name, bytes, units) in files {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let (documents, report, most) = check_sizes(&path);
        assert_eq!((documents.len(), report.n_problems, most), (16, 0, units), "{name}: {:?}", report.problems);
        assert_eq!(ids(&documents)[..3], ["1", "2", "3"]);
        assert!(documents[0].text.contains("Page 1, part 4.") && documents[1].text.starts_with("Page 2."));
        assert_eq!(documents[0].url.as_deref(), Some("http://x.org/1"));
        assert_eq!(documents[0].meta["title"], "Page 1");
        assert_eq!(report.counts["request records passed over"], 3);
    }
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_wrong_length_costs_no_other_record() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.wet");
    let block = format!("Page 2. {WORDS}");
    for wrong in [10, block.len() + 30, block.len() + 300, 100_000, 0] {
        let broken = record("conversion", 2, "text/plain", &block, wrong);
        fs::write(&path, [wet(1), broken, wet(3), wet(4)].concat()).unwrap();
        let (documents, report) = read(&path);
        let expected: &[&str] = &["1", "2", "3", "4"];
        assert_eq!((ids(&documents), kinds(&report)), (expected.to_vec(), vec!["wrong Content-Length"]), "{wrong}");
        assert_eq!(documents[1].text, block, "{wrong}");
        assert_eq!(report.problems[0].place, Place::Byte(wet(1).len() as u64));
    }
}

#[test]
fn broken_headers_are_passed_over() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.warc");
    for broken in [
        wet(2).replace("Content-Length: ", "Content-Length: x"),
        wet(2).replace("Content-Length", "Content-Longness"),
        wet(2).replace("WARC/1.0", "WORC/1.0"),
        "garbage \u{0}\u{1}\n\n\nmore".to_string() + "\r\n\r\n",
        "WARC/1.0\r\nWARC-Type: conversion\r\n".to_string(),
    ] {
        fs::write(&path, [wet(1), broken.clone(), wet(3)].concat()).unwrap();
        let (documents, report) = read(&path);
        assert_eq!(ids(&documents), ["1", "3"], "{broken}");
        assert_eq!(kinds(&report), ["corrupt record"], "{broken}");
    }
    fs::write(&path, "no archive at all").unwrap();
    assert_eq!(kinds(&read(&path).1), ["corrupt record"]);
    fs::write(&path, "").unwrap();
    assert_eq!(kinds(&read(&path).1), ["empty file"]);
    // Lengths that no memory holds.
    fs::write(&path, [wet(1), record("conversion", 2, "text/plain", "x", usize::MAX)].concat()).unwrap();
    let (documents, report) = read(&path);
    assert_eq!((ids(&documents), kinds(&report)), (vec!["1"], vec!["cut file"]));
}

#[test]
fn a_cut_archive_keeps_what_stands_before() {
    let dir = tempdir().unwrap();
    let whole = [wet(1), wet(2), wet(3)].concat();
    let path = dir.path().join("x.warc");
    fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    let (documents, report) = read(&path);
    assert_eq!((ids(&documents), kinds(&report)), (vec!["1", "2", "3"], vec!["cut file"]));
    assert!(documents[2].text.len() < documents[1].text.len());
    let members: Vec<u8> = (1..4).flat_map(|number| gzip(wet(number).as_bytes())).collect();
    let path = dir.path().join("x.warc.gz");
    fs::write(&path, &members[..members.len() - 60]).unwrap();
    let (documents, report) = read(&path);
    assert_eq!((&ids(&documents)[..2], kinds(&report)), (&["1", "2"][..], vec!["cut file"]));
}

#[test]
fn a_damaged_member_costs_one_record() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.warc.gz");
    let members: Vec<Vec<u8>> = (1..30).map(|number| gzip(wet(number).as_bytes())).collect();
    for at in [3, 12, 40, 80] {
        let mut damaged = members.clone();
        for byte in &mut damaged[10][at..at + 8] {
            *byte ^= 0x5a;
        }
        fs::write(&path, damaged.concat()).unwrap();
        let (documents, report) = read(&path);
        let found = ids(&documents);
        // What the damaged member still gives may be anything, its id too.
        let lost = (1..30).filter(|number| *number != 11 && !found.contains(&number.to_string().as_str())).count();
        assert_eq!(lost, 0, "{at}: {:?}", report.problems);
        assert!(report.n_problems >= 1 && kinds(&report).contains(&"damaged member"), "{at}: {:?}", report.problems);
    }
}
