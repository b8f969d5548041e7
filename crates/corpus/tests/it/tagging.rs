//! Tables of signals come back as they were written, and policies decide over them as over fresh signals.

use corpus::policy::{Flips, Policy};
use corpus::signals::table::{Reading, Table, TableWriter};
use corpus::signals::{COLUMNS, Signals, TagOptions, Tagger};
use lang::document::Document;

fn document(id: &str, text: &str) -> Document {
    Document { id: id.to_owned(), text: text.to_owned(), ..Document::default() }
}

/// Sentences in which nothing repeats but the commonest words.
fn prose(sentences: usize) -> String {
    let mut state = 7u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (0..3)
            .map(|at| ["ka", "lo", "mi", "re", "su", "to", "ven", "pra"][(state >> (40 + 3 * at)) as usize & 7])
            .collect::<String>()
    };
    (0..sentences)
        .map(|_| format!("{} the {} of {} and {} have {}.\n", word(), word(), word(), word(), word()))
        .collect()
}

fn documents() -> Vec<Document> {
    vec![
        document("empty", ""),
        document("prose", &prose(14)),
        document("lines", "one\r\ntwo\u{2028}three\n\n# # # ...\n"),
        document("chinese", "今天天气很好，我们去公园散步。他说：“好的！”"),
    ]
}

fn table(rows: &[Signals]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signals.parquet");
    let mut writer = TableWriter::create(&path).unwrap();
    rows.iter().for_each(|row| writer.push(row.clone()).unwrap());
    writer.finish().unwrap();
    (folder, path)
}

fn read(path: &std::path::Path, reading: Reading<'_>) -> Vec<Signals> {
    let mut rows = Vec::new();
    let keep = &mut |row| {
        rows.push(row);
        Ok(())
    };
    Table::open(path).unwrap().read(reading, keep).unwrap();
    rows
}

/// NaN stands for what was not measured, and is not equal to itself.
fn same(a: &Signals, b: &Signals) -> bool {
    let bits = |signals: &Signals| signals.numbers.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let (mut x, mut y) = (a.clone(), b.clone());
    (x.numbers, y.numbers) = (Vec::new(), Vec::new());
    bits(a) == bits(b) && x == y
}

#[test]
fn tables_hold_what_was_measured() {
    let tagger = Tagger::new(TagOptions::default());
    // More than a group of rows.
    let mut rows: Vec<Signals> = documents().iter().map(|document| tagger.tag(document)).collect();
    for n in 0..5000 {
        rows.push(Signals { id: format!("row {n}"), ..rows[n % 4].clone() });
    }
    let (_folder, path) = table(&rows);
    let all = read(&path, Reading { columns: None, lines: true, spans: true });
    assert_eq!(all.len(), rows.len());
    for (found, row) in all.iter().zip(&rows) {
        assert!(same(found, row), "{found:?}\n{row:?}");
    }
    // Some columns only.
    let some = read(&path, Reading { columns: Some(&["words"]), lines: false, spans: false });
    assert_eq!(some[1].number("words"), rows[1].number("words"));
    assert_eq!(some[1].number("characters"), None);
    // The same rows give the same bytes.
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(table(&rows).1).unwrap());
}

#[test]
fn a_policy_decides_over_a_table_as_over_the_text() {
    let tagger = Tagger::new(TagOptions::default());
    let rows: Vec<Signals> = documents().iter().map(|document| tagger.tag(document)).collect();
    let (_folder, path) = table(&rows);
    let mut flips = Flips::default();
    for (name, _) in corpus::policy::PRESETS {
        let policy = Policy::preset(name).unwrap();
        let columns = policy.columns();
        let found = read(&path, Reading { columns: Some(&columns), lines: policy.reads_lines(), spans: false });
        for (found, row) in found.iter().zip(&rows) {
            assert_eq!(policy.decide(found), policy.decide(row), "{name}: {}", row.id);
        }
    }
    let strict = Policy::parse(
        "strict",
        "name = \"strict\"\n[[rule]]\nname = \"long\"\nwhen = \"words > 100\"\naction = \"drop\"\n",
    );
    let (strict, gopher) = (strict.unwrap(), Policy::preset("gopher").unwrap());
    rows.iter().for_each(|row| flips.add(&row.id, &gopher.decide(row), &strict.decide(row)));
    assert_eq!((flips.documents, flips.would_keep, flips.would_drop), (4, 3, 1), "{flips:?}");
    assert_eq!(flips.newly.get("long"), Some(&1));
    assert!(flips.no_longer.contains_key("gopher_short_doc"));
}

#[test]
fn bad_tables_are_refused_with_their_reason() {
    let tagger = Tagger::new(TagOptions::default());
    let (_folder, path) = table(&[tagger.tag(&document("a", "some text"))]);
    let bytes = std::fs::read(&path).unwrap();
    for cut in [0, 4, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(Table::open(&path).is_err(), "{cut}");
    }
    std::fs::write(&path, &bytes).unwrap();
    let error = Table::open(&path).unwrap().require(&["words", "wordz"]).unwrap_err().to_string();
    assert!(error.contains("lacks columns that are asked for: wordz"), "{error}");
}

#[test]
fn the_registry_names_every_column_once() {
    let mut names: Vec<&str> = COLUMNS.iter().map(|(column, _)| column.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(COLUMNS.iter().all(|(column, family)| !column.about.is_empty() && !family.source.is_empty()));
    assert!(names.iter().all(|name| *name != "id" && *name != "line_facts" && *name != "spans"));
}
