//! How text is cut before byte-pair encoding: GGUF names the tokenizer it belongs to (`tokenizer.ggml.pre`) where
//! `tokenizer.json` has the rules. Here are the names, as llama.cpp has them, with the rules of the tokenizers they name.

use serde_json::{Value, json};

use crate::tokenizer::pattern::known;

/// One way to cut.
pub(super) struct Cut {
    /// The name that is written first; the others mean the same.
    pub(super) names: &'static [&'static str],
    /// What cuts before the bytes are spelt.
    before: &'static [Step],
    /// Whether GPT-2's expression cuts what is left.
    gpt2: bool,
    /// Whether a word that is a token is that token whatever the merges say.
    pub(super) ignore_merges: bool,
    /// Whether a text begins with a token of its own where the file does not say.
    pub(super) add_bos: bool,
}

enum Step {
    /// An expression whose matches stand alone.
    Split(&'static str),
    /// Every digit alone.
    Digits,
}

/// Mistral's expression: GPT-4o's without the ends of words, with single digits.
const TEKKEN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|",
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

const DEEPSEEK_3: &str = concat!(
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"##,
    r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

const fn cut(names: &'static [&'static str], before: &'static [Step], gpt2: bool) -> Cut {
    Cut { names, before, gpt2, ignore_merges: false, add_bos: false }
}

/// The ways that are known.
pub(super) const CUTS: [Cut; 9] = [
    cut(
        &[
            "gpt-2",
            "phi-2",
            "jina-es",
            "jina-de",
            "jina-v2-es",
            "jina-v2-de",
            "gigachat",
            "mpt",
            "olmo",
            "jais",
            "roberta-bpe",
            "trillion",
            "modern-bert",
            "a.x-4.0",
            "mellum",
        ],
        &[],
        true,
    ),
    Cut {
        ignore_merges: true,
        add_bos: true,
        ..cut(
            &["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "midm-2.0", "lfm2"],
            &[Step::Split(known::DIGIT_TRIPLES)],
            false,
        )
    },
    cut(&["dbrx", "smaug-bpe", "chatglm-bpe", "glm4", "minerva-7b"], &[Step::Split(known::DIGIT_TRIPLES)], false),
    cut(
        &["qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "solar-open"],
        &[Step::Split(known::SINGLE_DIGITS)],
        false,
    ),
    cut(&["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"], &[Step::Digits], true),
    cut(&["gpt-4o", "llama4", "kanana2"], &[Step::Split(known::O200K)], false),
    Cut { ignore_merges: true, add_bos: true, ..cut(&["tekken", "pixtral"], &[Step::Split(TEKKEN)], false) },
    cut(
        &["deepseek-v3", "hunyuan-dense"],
        &[Step::Split(r"\p{N}{1,3}"), Step::Split("[一-龥\u{3040}-ゟ゠-ヿ]+"), Step::Split(DEEPSEEK_3)],
        false,
    ),
    cut(
        &["deepseek-coder"],
        &[
            Step::Split(r"[\r\n]"),
            Step::Split(r"\s?\p{L}+"),
            Step::Split(r"\s?\p{P}+"),
            Step::Split("[一-龥ࠀ-一가-\u{d7ff}]+"),
            Step::Digits,
        ],
        false,
    ),
];

impl Cut {
    /// The way that is called `name`.
    pub(super) fn named(name: &str) -> Option<&'static Cut> {
        CUTS.iter().find(|cut| cut.names.contains(&name))
    }

    /// The way that does what the pre-tokenizer of a `tokenizer.json` does.
    pub(super) fn doing(pre_tokenizer: &Value, ignore_merges: bool) -> Option<&'static Cut> {
        let steps = |value: &Value| -> Vec<String> {
            let members = match value["pretokenizers"].as_array() {
                Some(members) => members.clone(),
                None => vec![value.clone()],
            };
            members.iter().map(describe).collect()
        };
        let wanted = steps(pre_tokenizer);
        let mut cuts = CUTS.iter().filter(|cut| steps(&cut.pre_tokenizer()) == wanted);
        cuts.find(|cut| cut.ignore_merges == ignore_merges)
    }

    /// The pre-tokenizer of `tokenizer.json`.
    pub(super) fn pre_tokenizer(&self) -> Value {
        let mut members: Vec<Value> = self
            .before
            .iter()
            .map(|step| match step {
                Step::Split(regex) => {
                    json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false})
                }
                Step::Digits => json!({"type": "Digits", "individual_digits": true}),
            })
            .collect();
        members.push(
            json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": self.gpt2}),
        );
        match members.len() {
            1 => members.remove(0),
            _ => json!({"type": "Sequence", "pretokenizers": members}),
        }
    }
}

/// What a member of a pre-tokenizer does, without what makes no difference to tokens.
fn describe(member: &Value) -> String {
    match member["type"].as_str() {
        Some("ByteLevel") => {
            let use_regex = member["use_regex"].as_bool().unwrap_or(true);
            format!("ByteLevel {} {use_regex}", member["add_prefix_space"] == true)
        }
        Some("Split") => format!("Split {} {} {}", member["pattern"], member["behavior"], member["invert"] == true),
        Some("Digits") => format!("Digits {}", member["individual_digits"] == true),
        _ => member.to_string(),
    }
}

/// All names, for messages.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CUTS.iter().flat_map(|cut| cut.names.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_found_by_what_it_does() {
        for cut in &CUTS {
            for ignore in [false, true] {
                let found = Cut::doing(&cut.pre_tokenizer(), ignore).map(|found| found.ignore_merges);
                assert!(found.is_none_or(|found| found == ignore));
            }
            let found = Cut::doing(&cut.pre_tokenizer(), cut.ignore_merges).unwrap();
            assert_eq!(found.pre_tokenizer(), cut.pre_tokenizer());
        }
        assert_eq!(names().count(), names().collect::<std::collections::HashSet<_>>().len());
    }
}
