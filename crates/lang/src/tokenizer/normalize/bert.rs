//! The normalizer of BERT (Devlin et al., 2019): control characters go, white space becomes spaces, Chinese characters
//! get spaces around them, accents are stripped, letters become small.

use super::forms::{Form, canonical_parts, normalize_form};
use super::simple::lowercase;
use super::{Fields, Normalizer, TokenizerError, Units};
use crate::tokenizer::aligned::{Aligned, Change};
use crate::tokenizer::char_set::{is_nonspacing_mark, is_other};

struct Bert {
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: bool,
    lowercase: bool,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    let lowercase = fields.flag("lowercase")?;
    Ok(Box::new(Bert {
        clean_text: fields.flag("clean_text")?,
        handle_chinese_chars: fields.flag("handle_chinese_chars")?,
        // Unset, accents follow the case.
        strip_accents: fields.optional_flag("strip_accents")?.unwrap_or(lowercase),
        lowercase,
    }))
}

/// The blocks BERT counts as Chinese; U+2B820 to U+2B91F is left out in the reference too.
fn is_chinese(character: char) -> bool {
    matches!(
        character,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B73F}'
            | '\u{2B740}'..='\u{2B81F}' | '\u{2B920}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}'
            | '\u{2F800}'..='\u{2FA1F}'
    )
}

fn is_kept(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0' | '\u{fffd}' => false,
        _ => !is_other(character),
    }
}

impl Normalizer for Bert {
    fn normalize(&self, text: &mut Aligned) {
        if text.spans.is_none() {
            if text.text.is_ascii() {
                self.normalize_ascii(&mut text.text);
                return;
            }
            if let Some(new) = self.normalized_alone(&text.text) {
                text.text = new;
                return;
            }
        }
        if self.clean_text {
            text.filter(is_kept);
            text.map(|character| if character.is_whitespace() { ' ' } else { character });
        }
        if self.handle_chinese_chars && text.text.chars().any(is_chinese) {
            let mut new = text.emptied();
            let changes = text.text.chars().flat_map(|character| -> [Option<Change>; 3] {
                match is_chinese(character) {
                    true => [Some((' ', 0)), Some((character, 1)), Some((' ', 1))],
                    false => [Some((character, 0)), None, None],
                }
            });
            new.push_changed(text, 0..text.text.len(), changes.flatten(), 0);
            *text = new;
        }
        if self.strip_accents {
            normalize_form(text, Form::Nfd);
            text.filter(|character| !is_nonspacing_mark(character));
        }
        if self.lowercase {
            lowercase(text);
        }
    }

    fn units(&self) -> Option<Units> {
        // Characters called Chinese get spaces around them; marks are ordered between spaces only.
        Some(if self.handle_chinese_chars { Units::WordsAndHan } else { Units::Words })
    }
}

impl Bert {
    /// What `normalize` comes to where characters have nothing to do with each other: marks come off, so that only marks that stay
    /// would have to be ordered. None of a text that has such.
    fn normalized_alone(&self, text: &str) -> Option<String> {
        let mut new = String::with_capacity(text.len() + 2);
        // The character before, and what became of it: the same again becomes the same.
        let (mut last, mut made) = (None, 0..0);
        for character in text.chars() {
            if last.replace(character) == Some(character) {
                new.extend_from_within(made.clone());
                made = new.len() - made.len()..new.len();
                continue;
            }
            let start = new.len();
            self.push_alone(character, &mut new)?;
            made = start..new.len();
        }
        Some(new)
    }

    /// Appends what becomes of a character; none if it has a mark that stays.
    fn push_alone(&self, character: char, new: &mut String) -> Option<()> {
        if self.clean_text && !is_kept(character) {
            return Some(());
        }
        let character = if self.clean_text && character.is_whitespace() { ' ' } else { character };
        let is_alone = self.handle_chinese_chars && is_chinese(character);
        let mut push = |part: char| match self.lowercase {
            true => new.extend(part.to_lowercase()),
            false => new.push(part),
        };
        if is_alone {
            push(' ');
        }
        let mut is_ordered = true;
        if self.strip_accents {
            canonical_parts(character, |class, part| {
                if !is_nonspacing_mark(part) {
                    is_ordered &= class == 0;
                    push(part);
                }
            });
        } else {
            push(character);
        }
        if is_alone {
            push(' ');
        }
        is_ordered.then_some(())
    }

    /// What `normalize` comes to where nothing is composed.
    fn normalize_ascii(&self, text: &mut String) {
        if self.clean_text && text.bytes().any(|byte| byte.is_ascii_control()) {
            text.retain(is_kept);
            if text.contains(['\t', '\n', '\r']) {
                *text = text.replace(['\t', '\n', '\r'], " ");
            }
        }
        if self.lowercase {
            text.make_ascii_lowercase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// The quick ways against the one that keeps the origins.
    #[test]
    fn quick_ways_give_the_same() {
        let mut rng = Rng::new(51);
        let pool: Vec<char> =
            "aA \t\n\0\u{ad}!é\u{301}\u{323}\u{302e}İΣßﬁ河𪛖\u{f900}，\u{3000}\u{fffd}각🙂\u{1d165}\u{e000}Å"
                .chars()
                .collect();
        let mut quick = 0;
        for round in 0..6000 {
            let flag = |bit: u32| round >> bit & 1 == 1;
            let bert =
                Bert { clean_text: flag(0), handle_chinese_chars: flag(1), strip_accents: flag(2), lowercase: flag(3) };
            let mut text = String::new();
            for _ in 0..rng.below(6) {
                text.extend(std::iter::repeat_n(*rng.choose(&pool), 1 + rng.index(3)));
            }
            let normalized = |track: bool| {
                let mut aligned = Aligned::new(&text, 0..text.len(), track);
                bert.normalize(&mut aligned);
                aligned.text
            };
            assert_eq!(normalized(false), normalized(true), "{text:?}");
            quick += usize::from(bert.normalized_alone(&text).is_some());
        }
        assert!(quick > 4000 && quick < 6000, "{quick}");
    }
}
