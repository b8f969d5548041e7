//! Repeated parts: the survey's worked example, datatrove's own verdicts, fixtures of a course, and brute force.

use corpus::dedup::{Cut, Keep, Normalisation, SPAN_PRESETS, SpanDedup, SpanOptions, SpanSummary, Unit};
use lang::rng::Rng;

fn preset(name: &str) -> SpanOptions {
    SpanOptions::preset(name).unwrap()
}

fn run(texts: &[impl AsRef<str>], options: &SpanOptions, memory: u64) -> (Vec<Cut>, SpanSummary) {
    let place = tempfile::tempdir().unwrap();
    let mut dedup = SpanDedup::new(options, memory, place.path()).unwrap();
    for text in texts {
        dedup.add(text.as_ref()).unwrap();
    }
    let mut removals = dedup.finish().unwrap();
    let cuts: Vec<Cut> = texts.iter().map(|text| removals.cut(text.as_ref()).unwrap()).collect();
    for (cut, text) in cuts.iter().zip(texts) {
        // What is left and what is listed make the whole.
        let mut rest = String::new();
        let mut at = 0;
        for range in &cut.removed {
            rest.push_str(&text.as_ref()[at..range.start]);
            at = range.end;
        }
        rest.push_str(&text.as_ref()[at..]);
        assert_eq!(if cut.removed.is_empty() { rest.as_str() } else { rest.trim() }, cut.text);
    }
    let summary = removals.summary();
    drop(removals);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    (cuts, summary)
}

fn left(texts: &[&str], options: &SpanOptions) -> Vec<Option<String>> {
    run(texts, options, 16 << 20).0.into_iter().map(|cut| (!cut.dropped).then_some(cut.text)).collect()
}

/// The survey's figure of data preparation carries one sentence through: a name, symbol junk, the sentence again. This
/// is our own sentence of that shape, at the stage of de-duplication: with the junk still there or already gone.
#[test]
fn the_worked_example() {
    let check = |name: &str, text: &str, expected: &str| {
        assert_eq!(left(&[text], &preset(name)), [Some(expected.to_string())], "{name}: {text}");
    };
    check(
        "sentence",
        "Maria Lopez writes about rivers. Maria Lopez writes about rivers.",
        "Maria Lopez writes about rivers.",
    );
    check(
        "sentence",
        "Maria Lopez writes about rivers. #$^&%* MARIA Lopez writes about rivers. She likes boats.",
        "Maria Lopez writes about rivers. She likes boats.",
    );
    check("sentence", "小红在写一本书。小红在写一本书。今天下雨。", "小红在写一本书。今天下雨。");
    check("line", "one line\nanother\none  LINE\nthe end", "one line\nanother\nthe end");
    check("paragraph", "a b\nc\n\nd\n\na b\nc\n\ne", "a b\nc\n\nd\n\ne");
    check("line", "", "");
}

#[test]
fn repeats_across_documents_keep_their_first_place() {
    let texts = ["menu\nfirst page", "menu\nsecond page", "menu", "third page\nmenu"];
    let expected = ["menu\nfirst page", "second page", "", "third page"];
    let (cuts, summary) = run(&texts, &preset("line"), 16 << 20);
    assert!(cuts.iter().map(|cut| cut.text.as_str()).eq(expected));
    assert_eq!(cuts.iter().map(|cut| cut.dropped).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!((summary.documents, summary.changed, summary.dropped, summary.spans), (4, 3, 1, 3));
}

/// Lines seen more than six times go everywhere, counted in buckets of documents (Llama 3).
#[test]
fn frequent_lines_of_a_bucket_go() {
    let options = SpanOptions { bucket_documents: 10, ..preset("llama3") };
    let texts: Vec<String> = (0..20)
        .map(|i| {
            // Seven times in the first ten documents, six times in the second ten.
            let footer = if !(7..14).contains(&i) { "\nAll rights reserved" } else { "" };
            format!("text {i}{footer}")
        })
        .collect();
    let (cuts, _) = run(&texts, &options, 16 << 20);
    for (i, (cut, text)) in cuts.iter().zip(&texts).enumerate() {
        assert_eq!(cut.text == *text, i >= 7, "{i}");
        assert!(cut.text.starts_with(&format!("text {i}")));
    }
}

#[test]
fn sentences_are_judged_as_datatrove_judges_them() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../data/datatrove.json")).unwrap();
    let sentences = &golden["sentences"];
    let texts: Vec<&str> = sentences["texts"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    let check = |key: &str, options: SpanOptions| {
        let expected: Vec<Option<String>> =
            sentences[key].as_array().unwrap().iter().map(|t| t.as_str().map(str::to_string)).collect();
        // The peer cuts at line ends here, so that its sentence splitter plays no part.
        let options = SpanOptions { unit: Unit::Line, min_document_units: 0, ..options };
        let found = left(&texts, &options);
        for ((found, expected), text) in found.iter().zip(&expected).zip(&texts) {
            assert_eq!(found, expected, "{key}: {text}");
        }
        assert!(found.iter().zip(&texts).filter(|(found, text)| found.as_deref() != Some(**text)).count() > 10);
    };
    check("plain", SpanOptions { min_document_words: 0, ..preset("datatrove-sentence") });
    check("defaults", preset("datatrove-sentence"));
    check("pairs", SpanOptions { span: 2, min_document_words: 0, ..preset("datatrove-sentence") });
}

/// Random token streams over few words repeat runs of every length; the oracle compares all positions with all.
#[test]
fn substrings_agree_with_brute_force() {
    let mut rng = Rng::new(4);
    for (unit, span, vocabulary) in [(Unit::Token, 3, 4), (Unit::Token, 5, 3), (Unit::Byte, 6, 2), (Unit::Byte, 9, 3)] {
        let options = SpanOptions { unit, span, spare_overlaps: false, ..preset("substring") };
        let texts: Vec<String> = (0..12)
            .map(|_| {
                let words: Vec<&str> =
                    (0..rng.below(40)).map(|_| ["ab", "我", "c", "xyz"][rng.below(vocabulary) as usize]).collect();
                words.join(if unit == Unit::Token { " " } else { "" })
            })
            .collect();
        let cut_up = |text: &str| -> Vec<(usize, Vec<u8>)> {
            match unit {
                Unit::Token => corpus::text::tokens(text).map(|t| (t.start, t.text.into())).collect(),
                _ => text.bytes().enumerate().map(|(i, b)| (i, vec![b])).collect(),
            }
        };
        let all: Vec<Vec<(usize, Vec<u8>)>> = texts.iter().map(|text| cut_up(text)).collect();
        let run_at = |document: usize, at: usize| -> Option<Vec<&[u8]>> {
            let units = all[document].get(at..at + span)?;
            Some(units.iter().map(|(_, bytes)| bytes.as_slice()).collect())
        };
        let (cuts, _) = run(&texts, &options, 16 << 20);
        for document in 0..texts.len() {
            let mut gone = vec![false; all[document].len()];
            for at in 0..all[document].len() {
                let Some(run) = run_at(document, at) else { break };
                let before = (0..=document).any(|other| {
                    let ends = if other == document { at } else { all[other].len() };
                    (0..ends).any(|place| run_at(other, place).as_ref() == Some(&run))
                });
                if before {
                    gone[at..at + span].fill(true);
                }
            }
            for (index, (start, bytes)) in all[document].iter().enumerate() {
                let inside = cuts[document].removed.iter().any(|range| range.contains(start));
                if unit == Unit::Token {
                    assert_eq!(inside, gone[index], "{texts:?} document {document} token {index}");
                } else if inside {
                    assert!(gone[index], "nothing else is cut");
                } else if gone[index] && bytes[0].is_ascii() {
                    // A character that is only partly in a repeat stays.
                    panic!("{texts:?} document {document} byte {index} stays");
                }
            }
        }
    }
}

#[test]
fn a_long_quotation_is_cut_once() {
    let quotation: Vec<String> =
        (0..80u8).map(|i| format!("word{}{}", char::from(b'a' + i / 20), char::from(b'a' + i % 20))).collect();
    let quotation = quotation.join(" ");
    let texts =
        [format!("Before. {quotation}. After."), format!("Other words, {quotation}; and an end."), quotation.clone()];
    let (cuts, summary) = run(&texts, &preset("substring"), 16 << 20);
    assert_eq!(cuts[0].text, texts[0]);
    assert_eq!(cuts[1].text, "Other words, and an end.");
    assert!(cuts[2].dropped);
    assert_eq!(summary.spans, 2);
    // A run of fifty tokens in a stretch of one word stays whole; 49 tokens are no repeat.
    let laughing = vec!["ha"; 500].join(" ");
    let short: Vec<&str> = quotation.split(' ').take(49).collect();
    let (cuts, _) = run(&[laughing, short.join(" "), short.join(" ")], &preset("substring"), 16 << 20);
    assert_eq!(cuts[0].text.split(' ').count(), 50);
    assert!(cuts[1].removed.is_empty() && cuts[2].removed.is_empty());
}

/// The smallest budget spills; the cuts are the same.
#[test]
fn the_budget_changes_nothing() {
    let mut rng = Rng::new(6);
    let texts: Vec<String> =
        (0..3000).map(|_| (0..200).map(|_| format!("w{} ", rng.below(30))).collect::<String>()).collect();
    let options = SpanOptions { span: 6, ..preset("substring") };
    let wide = run(&texts, &options, 1 << 30);
    let narrow = run(&texts, &options, 16 << 20);
    assert_eq!(wide.0, narrow.0);
    assert!(wide.1.spans > 100);
    assert!(narrow.1.scratch_bytes > wide.1.scratch_bytes + 8_000_000, "{:?}", narrow.1);
}

#[test]
fn short_parts_and_short_documents() {
    let options = SpanOptions { min_span_words: 3, ..preset("line") };
    assert_eq!(left(&["yes\na b c\nyes\nd e f\na b c"], &options), [Some("yes\na b c\nyes\nd e f".to_string())]);
    let options = SpanOptions { min_document_units: 2, ..preset("line") };
    let texts = ["x\ny\nz", "x\ny\nq", "single"];
    assert_eq!(left(&texts, &options), [Some(texts[0].to_string()), None, Some("single".to_string())]);
    for name in SPAN_PRESETS {
        assert_eq!(preset(name).preset, name);
    }
    let none = SpanOptions { keep: Keep::First(0), ..preset("line") };
    assert!(SpanDedup::new(&none, 64 << 20, &std::env::temp_dir()).is_err());
}

/// Fixtures of a course on language models: every line that occurs more than once goes everywhere.
#[test]
fn lines_of_the_course_fixtures() {
    let Some(folder) = crate::real::data("dedup/cs336/documents_with_line_duplicates") else { return };
    let read = |folder: &std::path::Path| -> Vec<String> {
        (1..=5).map(|i| std::fs::read_to_string(folder.join(format!("doc{i}.txt"))).unwrap()).collect()
    };
    let texts = read(&folder);
    let expected = read(&folder.with_file_name("documents_line_deduplicated"));
    let options = SpanOptions { keep: Keep::AtMost(1), normalisation: Normalisation::NONE, ..preset("line") };
    let (cuts, _) = run(&texts, &options, 16 << 20);
    for (cut, expected) in cuts.iter().zip(expected) {
        assert_eq!(cut.text.trim(), expected.trim());
    }
}
