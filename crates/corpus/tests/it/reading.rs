//! Readers on files good and bad.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use corpus::CorpusError;
use corpus::read::{Place, ReadOptions, ReadReport, read};
use corpus::write::write_jsonl;
use lang::document::Document;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use tempfile::tempdir;

fn all(path: &Path) -> Result<(Vec<Document>, ReadReport), CorpusError> {
    read(path, &ReadOptions::default(), &|_, _, _| {})
}

fn texts(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|d| d.text.as_str()).collect()
}

fn problems(report: &ReadReport) -> Vec<(String, Place)> {
    report.problems.iter().map(|p| (p.kind.clone(), p.place)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A table with columns text, id, score; the third text is null.
fn parquet_table(path: &Path) {
    let schema = "message m { optional binary text (UTF8); optional binary id (UTF8); optional int64 score; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let strings = |values: &[&str]| values.iter().map(|v| ByteArray::from(*v)).collect::<Vec<_>>();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&strings(&["One.", "二。"]), Some(&[1, 1, 0]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&strings(&["a", "c"]), Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[7, 8], Some(&[1, 1, 0]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn a_folder_is_read_in_path_order() {
    let dir = tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("sub/.hidden")).unwrap();
    fs::write(root.join("b.txt"), "First.\n<|endoftext|>\nSecond.\r\nMore.\n<|endoftext|>\n").unwrap();
    fs::write(root.join("a.md"), "# Title\n\nText.").unwrap();
    fs::write(root.join("sub/c.jsonl"), "{\"text\":\"Third.\",\"id\":7,\"url\":null,\"stars\":3}\n").unwrap();
    fs::write(root.join("sub/.hidden/x.txt"), "hidden").unwrap();
    fs::write(root.join(".x.txt"), "hidden").unwrap();
    fs::write(root.join("picture.png"), "png").unwrap();
    let (documents, report) = all(root).unwrap();
    assert_eq!(texts(&documents), ["# Title\n\nText.", "First.", "Second.\nMore.", "Third."]);
    let ids: Vec<&str> = documents.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids, ["a.md", "b.txt#1", "b.txt#2", "7"]);
    assert_eq!((documents[3].source.as_str(), &documents[3].url), ("sub/c.jsonl", &None));
    assert_eq!(documents[3].meta["stars"], 3);
    assert_eq!((report.files.len(), report.documents, report.problems.len()), (3, 4, 0));
    assert_eq!(report.counts["files of other kinds skipped"], 1);
}

#[cfg(unix)]
#[test]
fn links_that_loop_or_lead_nowhere_are_survived() {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/a.txt"), "Once.").unwrap();
    std::os::unix::fs::symlink("..", dir.path().join("sub/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere.txt", dir.path().join("x.txt")).unwrap();
    std::os::unix::fs::symlink("self.txt", dir.path().join("self.txt")).unwrap();
    let outside = tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "Secret.").unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("out")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), dir.path().join("out.txt")).unwrap();
    let (documents, report) = all(dir.path()).unwrap();
    assert_eq!(texts(&documents), ["Once."]);
    assert_eq!((report.counts["unreadable file"], report.counts["link out of the folder"]), (2, 2));
}

#[test]
fn bad_records_are_named_and_skipped() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    let lines = [
        r#"{"text":"Good."}"#,
        r#"{"text":"Bad"#,
        r#"{"title":"no text"}"#,
        r#"{"text":17}"#,
        r#"[1,2]"#,
        "",
        r#"{"text":"  \n "}"#,
        r#"{"text":"Good too.","id":"same"}"#,
        r#"{"text":"Again.","id":"same"}"#,
        &"[".repeat(5000),
    ];
    fs::write(&path, lines.join("\n")).unwrap();
    let (documents, report) = all(&path).unwrap();
    assert_eq!(texts(&documents), ["Good.", "Good too.", "Again."]);
    assert_eq!(documents[0].id, "x.jsonl#1");
    assert_eq!(documents[2].id, "same~2");
    let expected = [
        ("bad JSON", 2),
        ("no text", 3),
        ("text is no string", 4),
        ("bad JSON", 5),
        ("empty document", 7),
        ("bad JSON", 10),
    ];
    let expected: Vec<(String, Place)> = expected.map(|(kind, line)| (kind.to_string(), Place::Line(line))).into();
    assert_eq!(problems(&report), expected);
    assert!(report.problems[0].to_string().contains("x.jsonl, line 2: not JSON"));
    assert_eq!(report.counts["bad JSON"], 3);
}

#[test]
fn packed_files_are_read_up_to_a_cut() {
    let dir = tempdir().unwrap();
    let lines: String =
        (0..2000).map(|i| format!("{{\"text\":\"Document number {} of many, {}.\"}}\n", i, i * i)).collect();
    let gz = gzip(lines.as_bytes());
    let zst = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    fs::write(dir.path().join("a.jsonl.gz"), &gz).unwrap();
    fs::write(dir.path().join("b.jsonl.zst"), &zst).unwrap();
    assert_eq!(all(dir.path()).unwrap().0.len(), 4000);
    for (name, bytes) in [("a.jsonl.gz", &gz), ("b.jsonl.zst", &zst)] {
        let path = dir.path().join(name);
        fs::write(&path, &bytes[..bytes.len() * 3 / 4]).unwrap();
        match all(&path) {
            Ok((documents, report)) => {
                assert!(!documents.is_empty() && documents.len() < 2000, "{name}: {}", documents.len());
                assert_eq!(documents.last().unwrap().id, format!("{name}#{}", documents.len()));
                assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
                assert_eq!(report.problems[0].kind, "cut file");
            }
            // One zstd block may hold it all; then nothing stands before the cut.
            Err(error) => assert!(error.to_string().contains("cut off"), "{error}"),
        }
    }
    let two_members = [gzip(b"One.\n"), gzip(b"Two.\n")].concat();
    fs::write(dir.path().join("c.txt.gz"), two_members).unwrap();
    assert_eq!(texts(&all(&dir.path().join("c.txt.gz")).unwrap().0), ["One.\nTwo."]);
    let options = ReadOptions { max_file_bytes: 1000, ..ReadOptions::default() };
    fs::write(dir.path().join("d.jsonl.gz"), &gz).unwrap();
    let (documents, report) = read(&dir.path().join("d.jsonl.gz"), &options, &|_, _, _| {}).unwrap();
    assert!(documents.len() < 30);
    assert!(report.problems[0].what.contains("limit of 1000 bytes"));
}

#[test]
fn parquet_rows_become_documents() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    parquet_table(&path);
    let (documents, report) = all(&path).unwrap();
    assert_eq!(texts(&documents), ["One.", "二。"]);
    assert_eq!((documents[0].id.as_str(), documents[1].id.as_str()), ("a", "t.parquet#2"));
    assert_eq!(documents[1].meta["score"], 8);
    assert_eq!(problems(&report), [("no text".to_string(), Place::Row(3))]);
    let bytes = fs::read(&path).unwrap();
    fs::write(dir.path().join("ok.txt"), "Fine.").unwrap();
    fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    let (documents, report) = all(dir.path()).unwrap();
    assert_eq!(texts(&documents), ["Fine."]);
    assert_eq!(problems(&report), [("damaged file".to_string(), Place::Whole)]);
}

#[test]
fn encodings_and_binary_files() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), b"Caf\xe9 cr\xe8me br\xfbl\xe9e").unwrap();
    let wide: Vec<u8> = "\u{feff}你好，世界".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(dir.path().join("b.txt"), wide).unwrap();
    fs::write(dir.path().join("c.txt"), [0u8, 1, 2, 3, 0, 255, 254, 0, 9, 0, 0, 4]).unwrap();
    fs::write(dir.path().join("d.txt"), "").unwrap();
    let (documents, report) = all(dir.path()).unwrap();
    assert_eq!(texts(&documents), ["Café crème brûlée", "你好，世界"]);
    let encodings: Vec<&str> = report.files.iter().map(|f| f.encoding.as_str()).collect();
    assert_eq!(encodings, ["windows-1252", "UTF-16LE", "", ""]);
    let kinds: Vec<&str> = report.problems.iter().map(|p| p.kind.as_str()).collect();
    assert_eq!(kinds, ["binary file", "empty file"]);
}

#[test]
fn what_cannot_be_read_at_all_is_an_error_with_a_hint() {
    let dir = tempdir().unwrap();
    let check = |name: &str, expected: &str| {
        let error = all(&dir.path().join(name)).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("\nhint: "), "{error}");
    };
    fs::write(dir.path().join("x.pdf"), "x").unwrap();
    fs::write(dir.path().join("e.txt"), "").unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    check("missing", "no file or folder at");
    check("x.pdf", "no reader for this kind of file");
    check("e.txt", "no documents in");
    check("empty", "no documents in");
}

#[test]
fn what_is_written_is_read_again() {
    let dir = tempdir().unwrap();
    let mut document =
        Document { id: "1".into(), text: "Ünï \"quoted\"\n二".into(), source: "s".into(), ..Document::default() };
    document.meta.insert("n".into(), 3.into());
    let documents = vec![document.clone(), Document { id: "2".into(), lang: Some("en".into()), ..document }];
    for name in ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"] {
        let path = dir.path().join(name);
        write_jsonl(&path, &documents).unwrap();
        assert_eq!(all(&path).unwrap().0, documents, "{name}");
        let once = fs::read(&path).unwrap();
        write_jsonl(&path, &documents).unwrap();
        assert_eq!(once, fs::read(&path).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes under any name are read or refused, never a panic.
    #[test]
    fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 0usize..600, at in 0usize..600) {
        let dir = tempdir().unwrap();
        for name in ["x.txt", "x.md", "x.jsonl", "x.txt.gz", "x.jsonl.gz", "x.jsonl.zst", "x.parquet"] {
            fs::write(dir.path().join(name), &bytes).unwrap();
            let _ = all(&dir.path().join(name));
        }
        // Good files with one byte changed, or cut.
        let good = dir.path().join("good.parquet");
        parquet_table(&good);
        let mut table = fs::read(&good).unwrap();
        let place = at % table.len();
        table[place] ^= bytes.first().copied().unwrap_or(1);
        fs::write(dir.path().join("y.parquet"), &table).unwrap();
        let _ = all(&dir.path().join("y.parquet"));
        bytes.push(b'x');
        let mut packed = gzip(&bytes);
        packed.truncate(cut.max(1));
        fs::write(dir.path().join("y.jsonl.gz"), packed).unwrap();
        let _ = all(dir.path());
    }
}

#[test]
fn texts_can_be_left_as_they_are() {
    let dir = tempdir().unwrap();
    let text = "  first\r\nsecond  \n";
    fs::write(dir.path().join("a.txt"), text).unwrap();
    fs::write(dir.path().join("b.jsonl"), "{\"text\": \" x\\r\\n\"}\n{\"text\": \" \\n\"}\n").unwrap();
    let texts = |as_is: bool| {
        let options = ReadOptions { as_is, ..ReadOptions::default() };
        let (documents, report) = read(dir.path(), &options, &|_, _, _| ()).unwrap();
        assert_eq!(report.n_problems, 1, "{:?}", report.problems);
        documents.into_iter().map(|document| document.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(true), [text, " x\r\n"]);
    assert_eq!(texts(false), ["first\nsecond", "x"]);
}

/// What the end of a file cuts is one replaced character, in every encoding.
#[test]
fn characters_cut_by_the_end_are_replaced() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.txt");
    let text = "小船過河的時候，孩子們都在岸上看著它慢慢地走遠。".repeat(4);
    let utf16 = |swap: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(swap).collect::<Vec<u8>>();
    let little = [&[0xff, 0xfe][..], &utf16(u16::to_le_bytes)].concat();
    let big = [&[0xfe, 0xff][..], &utf16(u16::to_be_bytes)].concat();
    for (bytes, cut) in [(&little, 1), (&big, 1), (&text.clone().into_bytes(), 1), (&text.clone().into_bytes(), 2)] {
        fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let (documents, _) = all(&path).unwrap();
        let expected = format!("{}\u{fffd}", text.strip_suffix('。').unwrap());
        assert_eq!(documents[0].text, expected, "{:02x?}", &bytes[..4]);
    }
}
