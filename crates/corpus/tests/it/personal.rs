//! Personal data from outside: other programs' rules give what those programs give.

use corpus::personal::presets::{Preset, Redactor};
use serde_json::Value;

/// Made by `oracle/personal_presets.py` with datatrove and dolma themselves.
#[test]
fn presets_do_what_their_programs_do() {
    let golden: Value = serde_json::from_str(include_str!("../data/personal_presets.json")).unwrap();
    let (mut datatrove, mut dolma) = (Redactor::new(Preset::Datatrove), Redactor::new(Preset::Dolma));
    for record in golden["records"].as_array().unwrap() {
        let text = record["text"].as_str().unwrap();
        assert_eq!(datatrove.redact(text).text, record["datatrove"].as_str().unwrap(), "{text}");
        let mut found: Vec<(u64, u64, &str)> = dolma
            .redact(text)
            .found
            .iter()
            .map(|piece| {
                let kind = match piece.kind {
                    "email" => "EMAIL_ADDRESS",
                    "phone" => "PHONE_NUMBER",
                    _ => "IP_ADDRESS",
                };
                (piece.start as u64, piece.end as u64, kind)
            })
            .collect();
        found.sort_unstable();
        let expected: Vec<(u64, u64, &str)> = record["dolma"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| (span[0].as_u64().unwrap(), span[1].as_u64().unwrap(), span[2].as_str().unwrap()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn datatroves_places_are_those_of_the_input() {
    let text = "a@b.com, 8.8.8.8 and a-longer-address@example.org 9.9.9.9";
    let redacted = Redactor::new(Preset::Datatrove).redact(text);
    let pieces: Vec<&str> = redacted.found.iter().map(|piece| &text[piece.start..piece.end]).collect();
    assert_eq!(pieces, ["a@b.com", "8.8.8.8", "a-longer-address@example.org", "9.9.9.9"]);
    assert_eq!(redacted.text, "email@example.com, 22.214.171.124 and firstname.lastname@example.org 126.96.36.199");
}
