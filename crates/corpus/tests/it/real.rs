//! Real text, read from `../shared/data` beside the workspace (or the folder named by `ONTO_DATA`); each test says so
//! and passes when it is absent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use corpus::clean::{CleanConfig, LanguageConfig, RuleName, clean, language};
use corpus::personal::Finder;
use corpus::read::{ReadOptions, read};
use lang::document::Document;

/// A file or folder of the data, or `None` with a message.
pub fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ONTO_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        Some(found)
    } else {
        eprintln!("skipped: {path} is not in the data folder (set ONTO_DATA)");
        None
    }
}

pub fn unpacked(path: &std::path::Path) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

fn document(id: impl ToString, text: &str) -> Document {
    Document { id: id.to_string(), text: text.to_string(), ..Document::default() }
}

fn reasons(decisions: &[corpus::clean::Decision], rule: RuleName) -> Vec<String> {
    let dropped = decisions.iter().filter(|d| d.rule == Some(rule));
    dropped.map(|d| format!("{}: {}", d.id, d.reason)).collect()
}

#[test]
fn stories_are_kept() {
    let Some(path) = data("lm-tinystories/tinystories_2M.txt") else { return };
    let (documents, report) = read(&path, &ReadOptions::default(), &|_, _, _| {}).unwrap();
    assert!((2300..2330).contains(&documents.len()), "{}", documents.len());
    assert_eq!(report.problems, []);
    let total = documents.len();
    let cleaned = clean(documents, &[], &CleanConfig::default(), &|_, _, _| {}).unwrap();
    for rule in [RuleName::Language, RuleName::Statistics, RuleName::Boilerplate] {
        let dropped = reasons(&cleaned.decisions, rule);
        assert!(dropped.len() * 1000 <= total, "{rule:?}: {dropped:#?}");
    }
    let lines: Vec<&String> = cleaned.decisions.iter().flat_map(|d| &d.removed_lines).collect();
    assert!(lines.len() <= 5, "{lines:#?}");
    let masked: Vec<_> = cleaned.decisions.iter().flat_map(|d| &d.masked).collect();
    assert!(masked.len() <= 2, "{masked:#?}");
}

#[test]
fn chinese_novels_are_kept() {
    let Some(path) = data("zh-novels") else { return };
    let options = ReadOptions { split_bytes: 3000, ..ReadOptions::default() };
    let (documents, _) = read(&path, &options, &|_, _, _| {}).unwrap();
    let total = documents.iter().filter(|d| d.source.ends_with(".txt")).count();
    assert!(total > 1000, "{total}");
    let cleaned = clean(documents, &[], &CleanConfig::default(), &|_, _, _| {}).unwrap();
    let dropped: Vec<_> = cleaned.decisions.iter().filter(|d| d.rule.is_some()).collect();
    assert!(dropped.len() * 200 <= total, "{dropped:#?}");
    let lines: Vec<&String> = cleaned.decisions.iter().flat_map(|d| &d.removed_lines).collect();
    assert!(lines.len() <= 5, "{lines:#?}");
}

/// Sentences of twenty languages: wanted ones stay, others go; nearly all of them when four sentences stand together,
/// most when one stands alone (many of those are names and headings).
#[test]
fn languages_of_sentences_and_paragraphs() {
    let config = LanguageConfig::default();
    let wanted = |text: &str| matches!(language::identify(text, &config).lang, None | Some("en" | "zh"));
    let mut shares = BTreeMap::new();
    for code in "ar cs de en es fr hi id it ja ko nl pl pt ru sv tr uk vi zh".split(' ') {
        let Some(path) = data(&format!("langid/{code}/sentences.txt")) else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let single = lines.iter().filter(|line| wanted(line)).count() as f64 / lines.len() as f64;
        let paragraphs: Vec<String> = lines.chunks(4).map(|chunk| chunk.join(" ")).collect();
        let joined = paragraphs.iter().filter(|text| wanted(text)).count() as f64 / paragraphs.len() as f64;
        shares.insert(code, (single, joined));
    }
    for (code, (single, joined)) in shares {
        if matches!(code, "en" | "zh") {
            assert!(single >= 0.998 && joined == 1.0, "{code}: {single} of sentences, {joined} of paragraphs kept");
        } else {
            assert!(single <= 0.2 && joined <= 0.02, "{code}: {single} of sentences, {joined} of paragraphs kept");
        }
    }
}

/// Personal data in generated English sentences with gold spans. The rules were looked at on the even sentences only; the
/// odd ones are measured. A gold piece is found when a span of its kind covers half of it, a span is right when half of it
/// is gold; addresses may take towns and codes next to them along.
#[test]
fn personal_data_of_the_fixture() {
    let Some(path) = data("pii/synth_dataset_v2.json") else { return };
    let records: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let kind_of = |entity: &str| match entity {
        "EMAIL_ADDRESS" => "email",
        "PHONE_NUMBER" => "phone",
        "CREDIT_CARD" => "card",
        "IBAN_CODE" => "iban",
        "US_SSN" => "ssn",
        "IP_ADDRESS" => "ip",
        "PERSON" => "name",
        "STREET_ADDRESS" => "address",
        "GPE" | "ZIP_CODE" => "beside an address",
        _ => "",
    };
    let finder = Finder::all();
    // Planted, hit, found, right: of structured kinds, names, addresses.
    let mut counts = BTreeMap::from([("structured", [0usize; 4]), ("name", [0; 4]), ("address", [0; 4])]);
    let family = |kind: &str| match kind {
        "name" => "name",
        "address" => "address",
        _ => "structured",
    };
    for record in records.iter().skip(1).step_by(2) {
        let text = record["full_text"].as_str().unwrap();
        let byte =
            |place: &serde_json::Value| text.chars().take(place.as_u64().unwrap() as usize).map(char::len_utf8).sum();
        let spans = record["spans"].as_array().unwrap().iter();
        let gold: Vec<(usize, usize, &str)> = spans
            .map(|s| {
                (byte(&s["start_position"]), byte(&s["end_position"]), kind_of(s["entity_type"].as_str().unwrap()))
            })
            .collect();
        let found = finder.find(text);
        let overlap = |a: (usize, usize), b: (usize, usize)| a.1.min(b.1).saturating_sub(a.0.max(b.0));
        for &(start, end, kind) in gold.iter().filter(|span| !["", "beside an address"].contains(&span.2)) {
            let covered: usize =
                found.iter().filter(|f| f.kind == kind).map(|f| overlap((start, end), (f.start, f.end))).sum();
            let count = counts.get_mut(family(kind)).unwrap();
            count[0] += 1;
            count[1] += usize::from(covered * 2 >= end - start);
        }
        for f in &found {
            let of_kind = |g: &&(usize, usize, &str)| g.2 == f.kind;
            let beside = |g: &&(usize, usize, &str)| of_kind(g) || (f.kind == "address" && g.2 == "beside an address");
            let touched = gold.iter().filter(of_kind).any(|g| overlap((g.0, g.1), (f.start, f.end)) > 0);
            let covered: usize = gold.iter().filter(beside).map(|g| overlap((g.0, g.1), (f.start, f.end))).sum();
            let count = counts.get_mut(family(f.kind)).unwrap();
            count[2] += 1;
            count[3] += usize::from(touched && covered * 2 >= f.end - f.start);
        }
    }
    for (kind, recall, precision) in [("structured", 95, 95), ("name", 60, 80), ("address", 60, 80)] {
        let [planted, hit, found, right] = counts[kind];
        assert!(planted > 100 && hit * 100 >= planted * recall, "{kind}: recall {hit} of {planted}");
        assert!(right * 100 >= found * precision, "{kind}: precision {right} of {found}");
    }
}

/// McCormick's news articles: ten planted pairs in a thousand.
#[test]
fn near_duplicates_of_the_fixture() {
    let Some(path) = data("dedup/articles_1000.train.zst") else { return };
    let Some(truth) = data("dedup/articles_1000.truth") else { return };
    let text = String::from_utf8_lossy(&unpacked(&path)).into_owned();
    let documents: Vec<Document> =
        text.lines().filter_map(|line| line.split_once(' ')).map(|(id, text)| document(id, text)).collect();
    let truth = std::fs::read_to_string(truth).unwrap();
    let pairs: Vec<(&str, &str)> = truth.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let mut config = CleanConfig::default();
    config.statistics.enabled = false;
    config.language.enabled = false;
    config.boilerplate.enabled = false;
    let cleaned = clean(documents.clone(), &[], &config, &|_, _, _| {}).unwrap();
    let found: Vec<(String, String)> =
        cleaned.decisions.iter().filter_map(|d| d.duplicate_of.clone().map(|of| (of, d.id.clone()))).collect();
    let hit =
        |pair: &&(&str, &str)| found.iter().any(|(x, y)| (x == pair.0 && y == pair.1) || (x == pair.1 && y == pair.0));
    let hits = pairs.iter().filter(hit).count();
    assert_eq!((hits, found.len()), (pairs.len(), pairs.len()));
}

/// Instructions with answers, English and Chinese, and encyclopedia paragraphs: text of many forms that must survive.
#[test]
fn instructions_and_articles_are_kept() {
    let mut documents = Vec::new();
    for (name, lang) in [("alpaca_en_demo", "en"), ("alpaca_zh_demo", "zh")] {
        let Some(folder) = data("instruct") else { return };
        let Some(path) = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.file_name().unwrap().to_string_lossy().starts_with(name))
        else {
            eprintln!("skipped: no {name} in the data folder");
            return;
        };
        let bytes =
            if path.extension().is_some_and(|e| e == "zst") { unpacked(&path) } else { std::fs::read(&path).unwrap() };
        let records: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
        for (index, record) in records.iter().enumerate() {
            let field = |key: &str| record[key].as_str().unwrap_or_default().to_string();
            let text = format!("{}\n{}\n{}", field("instruction"), field("input"), field("output"));
            documents.push(document(format!("{lang}-{index}"), text.trim()));
        }
    }
    let total = documents.len();
    let cleaned = clean(documents, &[], &CleanConfig::default(), &|_, _, _| {}).unwrap();
    for rule in [RuleName::Language, RuleName::Statistics] {
        let dropped = reasons(&cleaned.decisions, rule);
        assert!(dropped.len() * 100 <= total, "{rule:?}: {dropped:#?}");
    }
    let lines: Vec<&String> = cleaned.decisions.iter().flat_map(|d| &d.removed_lines).collect();
    assert!(lines.len() <= 10, "{lines:#?}");
}

#[test]
fn languages_of_sentences_are_identified() {
    let Some(path) = data("langid") else { return };
    let (mut right, mut all) = (0u32, 0u32);
    let mut by_language = BTreeMap::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(folder.join("sentences.txt")) else { continue };
        let language = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let sentences: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let found =
            sentences.iter().filter(|line| corpus::langid::identify(line).lang == Some(language.as_str())).count()
                as u32;
        right += found;
        all += sentences.len() as u32;
        by_language.insert(language, f64::from(found) / sentences.len() as f64);
    }
    let accuracy = f64::from(right) / f64::from(all);
    assert!(by_language.len() >= 20 && accuracy >= 0.97, "{accuracy} {by_language:#?}");
}
