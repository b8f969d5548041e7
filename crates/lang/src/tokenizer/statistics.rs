//! How a vocabulary fits texts: tokens a word for every language, tokens that are never used, and those that text cannot give.
//!
//! Words are those of Unicode's text segmentation (UAX #29), which takes every Han character for one: of Chinese the
//! figure is tokens a character. Tokens that no text gives are the ones models stumble over, because training hardly ever
//! shows them (Land and Bartolo, "Fishing for Magikarp", 2024).

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use super::{Tokenizer, bytes};
use crate::tokenizer::decode::byte_of;

/// What texts of one language, or all of them, amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Texts.
    pub texts: u64,
    /// Words.
    pub words: u64,
    /// Characters.
    pub characters: u64,
    /// Bytes.
    pub bytes: u64,
    /// Tokens.
    pub tokens: u64,
}

impl Measure {
    /// Tokens a word, a measure of how finely words are cut.
    pub fn fertility(&self) -> f64 {
        ratio(self.tokens, self.words)
    }

    /// Bytes a token.
    pub fn bytes_per_token(&self) -> f64 {
        ratio(self.bytes, self.tokens)
    }

    /// Characters a token.
    pub fn characters_per_token(&self) -> f64 {
        ratio(self.characters, self.tokens)
    }

    fn add(&mut self, other: &Measure) {
        self.texts += other.texts;
        self.words += other.words;
        self.characters += other.characters;
        self.bytes += other.bytes;
        self.tokens += other.tokens;
    }
}

/// 0 where there is nothing to divide by.
fn ratio(above: u64, below: u64) -> f64 {
    if below == 0 { 0.0 } else { above as f64 / below as f64 }
}

/// What has been counted of texts so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// By language, as the caller names it.
    pub languages: BTreeMap<String, Measure>,
    /// How often each token was used.
    pub uses: Vec<u64>,
}

impl Usage {
    /// Nothing counted, for the vocabulary of `tokenizer`.
    pub fn new(tokenizer: &Tokenizer) -> Usage {
        Usage { languages: BTreeMap::new(), uses: vec![0; tokenizer.vocabulary_size()] }
    }

    /// Count `text` in.
    pub fn add(&mut self, tokenizer: &Tokenizer, language: &str, text: &str) {
        let ids = tokenizer.encode(text);
        ids.iter().for_each(|&id| self.uses[id as usize] += 1);
        let measure = Measure {
            texts: 1,
            words: text.unicode_words().count() as u64,
            characters: text.chars().count() as u64,
            bytes: text.len() as u64,
            tokens: ids.len() as u64,
        };
        self.languages.entry(language.to_owned()).or_default().add(&measure);
    }

    /// Count in what another has counted with the same tokenizer.
    pub fn merge(&mut self, other: &Usage) {
        for (language, measure) in &other.languages {
            self.languages.entry(language.clone()).or_default().add(measure);
        }
        self.uses.iter_mut().zip(&other.uses).for_each(|(uses, more)| *uses += more);
    }

    /// All texts together.
    pub fn total(&self) -> Measure {
        self.languages.values().fold(Measure::default(), |mut total, measure| {
            total.add(measure);
            total
        })
    }
}

/// What a token is to texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Some text has it.
    Reachable,
    /// Only the program or a template puts it there.
    Special,
    /// Bytes that are no whole characters, which only stand beside others.
    Fragment,
    /// No text gives it: its spelling is normalized away, cut apart, or encoded as other tokens.
    Unreachable,
}

impl Tokenizer {
    /// What the token `id` is to texts. Unreachable is one whose own spelling the model takes for other tokens, or that
    /// neither at the beginning of a text nor after a letter, a digit, a space or a full stop stands in one piece.
    pub fn reach(&self, id: u32) -> Reach {
        let core = &*self.core;
        let Some(spelling) = self.token(id).filter(|_| !self.is_special(id)) else {
            return Reach::Special;
        };
        if core.added.iter().any(|token| token.id == id) {
            return Reach::Reachable;
        }
        let takes_bytes = core.pipeline.model.takes_bytes();
        let surface = if takes_bytes {
            match String::from_utf8(bytes::unspell_token(spelling)) {
                Ok(text) => text,
                Err(_) => return Reach::Fragment,
            }
        } else if core.pipeline.model.byte_token(b'a').is_some() && byte_of(spelling).is_some() {
            return Reach::Fragment;
        } else {
            spelling.to_owned()
        };
        let (text, is_own) = core.pipeline.model.surface(&surface);
        if surface.is_empty() || (is_own && !core.pipeline.encodes_to(&surface, id)) {
            return Reach::Unreachable;
        }
        // The visible space of vocabularies over characters is a space of the text.
        let shown = if takes_bytes { text.to_owned() } else { text.replace('▁', " ") };
        let is_whole = ["", "a", "1", " ", "."].iter().any(|before| {
            let pieces = core.pipeline.last_piece(&format!("{before}{shown}"));
            pieces.is_some_and(|piece| piece.ends_with(text) && (is_own || piece.len() > text.len()))
        });
        if is_whole { Reach::Reachable } else { Reach::Unreachable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::tests::trained;

    #[test]
    fn usage_is_counted_by_language() {
        let tokenizer = trained("single_digits");
        let mut usage = Usage::new(&tokenizer);
        usage.add(&tokenizer, "en", "The small boat");
        let mut other = Usage::new(&tokenizer);
        other.add(&tokenizer, "zh", "小船");
        usage.merge(&other);
        let (english, chinese) = (usage.languages["en"], usage.languages["zh"]);
        assert_eq!((english.texts, english.words, english.characters, english.bytes), (1, 3, 14, 14));
        assert_eq!((chinese.words, chinese.characters, chinese.bytes), (2, 2, 6));
        let tokens = tokenizer.count("The small boat") as u64;
        assert_eq!(english.fertility(), tokens as f64 / 3.0);
        assert_eq!(usage.total().tokens, usage.uses.iter().sum::<u64>());
        assert_eq!(Measure::default().bytes_per_token(), 0.0);
    }

    #[test]
    fn tokens_that_no_text_gives() {
        let vocabulary: serde_json::Map<_, _> =
            (0..=255u8).map(|byte| (bytes::spell(byte).to_string(), u32::from(byte).into())).collect();
        let mut file = serde_json::json!({
            "added_tokens": [{"id": 262, "content": "<s>", "special": true}],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
            "model": {"type": "BPE", "vocab": vocabulary, "merges": ["a b", "b c", "ab c", "a 1", "Ġ a", "Ã ©"]},
        });
        let tokens = ["ab", "bc", "abc", "a1", "Ġa", "Ã©"];
        for (token, id) in tokens.iter().zip(256u32..) {
            file["model"]["vocab"][*token] = id.into();
        }
        let tokenizer = Tokenizer::from_bytes("a.json".as_ref(), file.to_string().as_bytes()).unwrap();
        let reach = |token: &str| tokenizer.reach(tokenizer.token_id(token).unwrap());
        assert_eq!(reach("abc"), Reach::Reachable);
        assert_eq!(reach("Ġa"), Reach::Reachable);
        assert_eq!(reach("Ã©"), Reach::Reachable);
        // A letter and a digit are never in one piece.
        assert_eq!(reach("a1"), Reach::Unreachable);
        assert_eq!(reach("Ã"), Reach::Fragment);
        assert_eq!(reach("<s>"), Reach::Special);
    }

    #[test]
    fn pieces_inside_words() {
        let words = "[UNK]\nun\n##able\n##!\nAb\n##ab\n[SEP]\n";
        let tokenizer = Tokenizer::from_bytes("vocab.txt".as_ref(), words.as_bytes()).unwrap();
        let reach: Vec<Reach> = (0..7).map(|id| tokenizer.reach(id)).collect();
        // A capital makes it a vocabulary with capitals; punctuation is never inside a word.
        assert_eq!(reach[1..4], [Reach::Reachable, Reach::Reachable, Reach::Unreachable]);
        assert_eq!((reach[0], reach[4], reach[5]), (Reach::Special, Reach::Reachable, Reach::Reachable));
    }
}
