//! Every reader on thousands of damaged inputs made from good ones: never a panic, never a document that is no text, and
//! always the same again. The fuzz targets in `fuzz/` go on where this stops.

use std::fs;
use std::io::Write;

use corpus::extract::{ExtractOptions, Extractor};
use corpus::read::{ReadOptions, mediawiki, page_of};
use lang::rng::Rng;
use tempfile::tempdir;

use crate::units::by_units;

/// Bytes that mean something to some reader.
const PIECES: [&[u8]; 26] = [
    b"\0",
    b"\xff",
    b"\r\n\r\n",
    b"\n",
    b"WARC/1.0\r\n",
    b"Content-Length: 99999999999\r\n",
    b"<page>",
    b"</page>",
    b"{{",
    b"}}",
    b"[[",
    b"]]",
    b"<ref>",
    b"<!--",
    b"{|",
    b"<text>",
    b"<div>",
    b"</div>",
    b"<script>",
    b"\"",
    b"\\",
    b"{",
    b"\xf0\x9f",
    b"&#x110000;",
    b"\x1f\x8b\x08",
    b"<table><tr><td>",
];

fn mutate(good: &[u8], dice: &mut Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=dice.index(4) {
        let at = dice.index(bytes.len() + 1);
        match dice.index(5) {
            0 => bytes.truncate(at),
            1 => {
                let piece = PIECES[dice.index(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            2 if at < bytes.len() => bytes[at] ^= 1 << dice.index(8),
            3 => {
                let end = (at + dice.index(60)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + dice.index(60)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = dice.index(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
        }
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

const RECORD: &str = "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 20\r\n\r\nTwenty bytes of text\r\n\r\n";
const RESPONSE: &str = "WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: 122\r\n\r\n\
    HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html; charset=gbk\r\n\r\n1a\r\n<p>The boat went home.</p>\r\n0\r\n\r\n\r\n\r\n";
const DUMP: &str = "<mediawiki><page><title>T &amp; U</title><ns>0</ns><id>7</id><revision><text>'''A''' [[b|c]] {{d|{{e}}}} \
    &lt;ref&gt;f&lt;/ref&gt;\n{|\n| g\n|}\n== h ==\n* -{zh-cn:i;zh-tw:j}- [http://k l] [[File:m.png|n [[o]]]]</text></revision></page></mediawiki>";
const HTML: &str = "<!DOCTYPE html><html><head><title>T</title><meta charset=utf-8></head><body><nav><a href=/>x</a></nav><article>\
    <h1>T</h1><p>The boat went home, and nobody knew <b>why it had</b> left so early.</p><table><tr><td>1</td></tr></table>\
    <ul><li>one<li>two</ul></article><script>var a = '<p>';</script></body></html>";
const LINES: &str = "{\"text\":\"One.\",\"id\":1}\n{\"prompt\":{\"text\":\"a\",\"replies\":[{\"text\":\"b\",\"rank\":0}]}}\n{\"text\":\"\\ud83d\\ude00\"}\n";

#[test]
fn damaged_files_of_every_kind_are_survived() {
    let dir = tempdir().unwrap();
    let archive = [RECORD, RESPONSE, RECORD].concat();
    let members: Vec<u8> = [RECORD, RESPONSE, RECORD].iter().flat_map(|record| gzip(record.as_bytes())).collect();
    let goods: [(&str, Vec<u8>); 13] = [
        ("x.warc", archive.clone().into_bytes()),
        ("x.warc.gz", members),
        ("x.wet.zst", zstd::encode_all(archive.as_bytes(), 1).unwrap()),
        ("x.xml", DUMP.repeat(2).into_bytes()),
        ("x.xml.bz2", bzip2(DUMP.as_bytes())),
        ("x.html", HTML.as_bytes().to_vec()),
        ("x.html.gz", gzip(HTML.as_bytes())),
        ("x.jsonl", LINES.repeat(3).into_bytes()),
        ("x.jsonl.gz", gzip(LINES.as_bytes())),
        ("x.jsonl.zst", zstd::encode_all(LINES.as_bytes(), 1).unwrap()),
        ("x.txt", "One text.\n<|endoftext|>\nZwei Wörter.\n你好".as_bytes().to_vec()),
        ("x.txt.bz2", bzip2(b"One text.")),
        ("x.py", b"def f(x):\n    return x\n".to_vec()),
    ];
    let mut dice = Rng::new(7);
    for (name, good) in &goods {
        let path = dir.path().join(name);
        for round in 0..60 {
            let bad = mutate(good, &mut dice);
            fs::write(&path, &bad).unwrap();
            let options = ReadOptions {
                unit_bytes: [1, 50, 1 << 30][round % 3],
                max_record_bytes: 300,
                ..ReadOptions::default()
            };
            let (_, documents, report) = by_units(std::slice::from_ref(&path), &options);
            assert_eq!(documents.len(), report.documents);
            for document in &documents {
                assert!(!document.text.trim().is_empty() && !document.id.is_empty(), "{name}: {document:?}");
                assert!(
                    !document.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'),
                    "{name}: {document:?}"
                );
            }
            assert_eq!(by_units(std::slice::from_ref(&path), &options).1, documents, "{name}");
        }
    }
}

#[test]
fn damaged_pages_and_markup_are_survived() {
    let mut dice = Rng::new(11);
    for round in 0..150 {
        let bytes = mutate(HTML.as_bytes(), &mut dice);
        let options = ExtractOptions { extractor: Extractor::ALL[round % 3], ..ExtractOptions::default() };
        let _ = page_of(&bytes, &options);
        let bytes = mutate(DUMP.as_bytes(), &mut dice);
        mediawiki::strip(&String::from_utf8_lossy(&bytes));
    }
}
