//! Signals and decisions beside those of datatrove 0.10.1 (with spaCy 3.8.18) and dolma 1.2.1, over texts of our own and fuzzed ones made
//! of them (`oracle/signals.py --goldens`).

use corpus::policy::Policy;
use corpus::signals::words::spacy;
use corpus::signals::{TagOptions, Tagger};
use lang::document::Document;
use serde_json::Value;

/// Rules of the presets that the peers' filters do not have.
const OURS: [&str; 7] = [
    "language",
    "document_removed_with_badwords",
    "domain",
    "hard_blacklisted",
    "soft_blacklisted",
    "blacklisted_subword",
    "personal_data",
];

fn goldens() -> Vec<Value> {
    include_str!("goldens/signals.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn reasons(policy: &str, text: &str) -> Vec<String> {
    let document = Document { text: text.to_owned(), ..Document::default() };
    let signals = Tagger::new(TagOptions::default()).tag(&document);
    let mut reasons = Policy::preset(policy).unwrap().decide(&signals).reasons;
    reasons.retain(|reason| !OURS.contains(&reason.as_str()));
    reasons
}

#[test]
fn tokens_are_those_of_spacy() {
    for golden in goldens() {
        let text = golden["text"].as_str().unwrap();
        let theirs: Vec<&str> =
            golden["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
        assert_eq!(spacy::words(text), theirs, "{text}");
    }
}

#[test]
fn verdicts_and_first_reasons_are_those_of_datatrove() {
    for golden in goldens() {
        let text = golden["text"].as_str().unwrap();
        for policy in ["gopher", "c4", "fineweb"] {
            match golden[policy].as_str() {
                // The peer stops there; here nothing of nothing is no share.
                Some("division by zero" | "assertion") => {}
                theirs => assert_eq!(reasons(policy, text).first().map(String::as_str), theirs, "{policy}: {text}"),
            }
        }
    }
}

#[test]
fn numbers_and_verdicts_are_those_of_dolma() {
    let tagger = Tagger::new(TagOptions::default());
    for golden in goldens() {
        let text = golden["text"].as_str().unwrap();
        let document = Document { text: text.to_owned(), ..Document::default() };
        let signals = tagger.tag(&document);
        for (column, theirs) in golden["dolma_columns"].as_object().unwrap() {
            let (mine, theirs) = (signals.number(column).unwrap(), theirs.as_f64().unwrap());
            assert!((mine - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3), "{column}: {mine}, {theirs}: {text}");
        }
        let theirs: Vec<&str> =
            golden["dolma"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
        assert_eq!(reasons("dolma", text), theirs, "{text}");
    }
}

#[test]
fn edge_cases_have_answers() {
    let long = "x".repeat(5000);
    let crlf = "The one of them.\r\nAnd the other, that have been.\r\n".repeat(20);
    let chinese = "今天天气很好，我们去公园散步。".repeat(200);
    for (text, policy, reason) in [
        ("", "gopher", "empty"),
        ("### ... !!! ---", "gopher", "gopher_short_doc"),
        (long.as_str(), "gopher", "gopher_short_doc"),
        (long.as_str(), "c4", "too_few_sentences"),
        (crlf.as_str(), "gopher", "dup_line_frac"),
        (crlf.as_str(), "dolma", "fraction_of_duplicate_lines"),
        (chinese.as_str(), "dolma", "word_count"),
        ("", "refinedweb", "too_few_words"),
        ("", "dclm", "too_few_words"),
    ] {
        assert!(
            reasons(policy, text).iter().any(|found| found == reason),
            "{policy} {reason}: {:?}",
            reasons(policy, text)
        );
    }
    // Line rules: what stays is what the rules leave.
    let text = "Click here\nThis line ends well and stays.\nThis one asks to enable JavaScript in your browser.\nUses cookies, says this one.\n\
        The second[1] line that stays!\nNo end\nThe third is here. It has two sentences.\nAnd the fourth.";
    let policy = Policy::preset("c4").unwrap();
    let document = Document { text: text.to_owned(), ..Document::default() };
    let verdict = policy.decide(&Tagger::new(TagOptions::default()).tag(&document));
    assert_eq!(
        policy.apply(text, &verdict),
        "This line ends well and stays.\nThe second line that stays!\nThe third is here. It has two sentences.\nAnd the fourth."
    );
}
