//! Rules that could not be asked, said so that a person can mend it: which rule, of how many documents, which signal was missing and
//! what would measure it.

use std::collections::BTreeMap;

use super::Policy;

/// What measures a column that is empty without it: a flag, or a field of the documents.
fn needs(column: &str, command: &str) -> Option<String> {
    let flag = match column {
        "quality_score" => "--classifier DIR (made by `onto corpus classifier train`)",
        "perplexity" => "--model MODEL",
        "personal_spans" => "--personal",
        "bad_words" => "--bad-words PATH",
        _ if column.starts_with("url_") => "--url-lists DIR, and documents with a `url`,",
        _ => return None,
    };
    Some(format!("{flag} of `{command}` measures it"))
}

/// A sentence a rule of the policy that could not be asked of some documents. `undefined` counts documents by rule, `documents` is how
/// many the policy decided about, `command` the command whose flags would help.
pub fn unasked(policy: &Policy, undefined: &BTreeMap<String, u64>, documents: u64, command: &str) -> Vec<String> {
    let rules = policy.rules.iter().filter_map(|rule| Some((rule, *undefined.get(&rule.name)?)));
    rules
        .map(|(rule, count)| {
            let columns = rule.columns();
            let missing: Vec<String> =
                columns.iter().filter(|name| needs(name, command).is_some()).map(|name| format!("`{name}`")).collect();
            let what = if missing.is_empty() {
                format!("a signal it reads was not measured of {}", if count == 1 { "it" } else { "them" })
            } else {
                format!("{} was not measured", missing.join(", "))
            };
            let mut helps: Vec<String> = columns.iter().filter_map(|name| needs(name, command)).collect();
            helps.dedup();
            let helps = if helps.is_empty() { String::new() } else { format!("; {}", helps.join("; ")) };
            let of = if count == documents {
                format!("any of the {documents} documents")
            } else {
                format!("{count} of {documents} documents")
            };
            format!("rule `{}` of policy {} was not asked of {of}: {what}{helps}", rule.name, policy.name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_says_what_it_lacks_without_lists_and_models() {
        let document = lang::document::Document { text: "A few words.".to_owned(), ..Default::default() };
        let signals = crate::signals::Tagger::default().tag(&document);
        for (name, _) in crate::policy::PRESETS {
            let policy = Policy::preset(name).unwrap();
            let undefined: BTreeMap<String, u64> =
                policy.decide(&signals).undefined.into_iter().map(|rule| (rule, 1)).collect();
            for said in unasked(&policy, &undefined, 1, "onto corpus build") {
                assert!(
                    said.contains("any of the 1 documents") && said.contains(" of `onto corpus build` measures it"),
                    "{said}"
                );
            }
        }
        let dclm = Policy::preset("dclm").unwrap();
        let said = unasked(&dclm, &BTreeMap::from([("quality".to_owned(), 3)]), 4, "onto corpus tag");
        assert_eq!(
            said,
            ["rule `quality` of policy dclm was not asked of 3 of 4 documents: `quality_score` was not measured; \
              --classifier DIR (made by `onto corpus classifier train`) of `onto corpus tag` measures it"]
        );
    }
}
