//! The normalizer of BERT (Devlin et al., 2019): control characters go, white space becomes spaces, Chinese characters
//! get spaces around them, accents are stripped, letters become small.

use super::forms::{Form, normalize_form};
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
        if text.spans.is_none() && text.text.is_ascii() {
            self.normalize_ascii(&mut text.text);
            return;
        }
        if self.clean_text {
            text.filter(is_kept);
            text.map(|character| if character.is_whitespace() { ' ' } else { character });
        }
        if self.handle_chinese_chars && text.text.chars().any(is_chinese) {
            let mut changes: Vec<Change> = Vec::with_capacity(text.text.len());
            for character in text.text.chars() {
                if is_chinese(character) {
                    changes.extend([(' ', 0), (character, 1), (' ', 1)]);
                } else {
                    changes.push((character, 0));
                }
            }
            text.change(changes, 0);
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
    /// What `normalize` comes to where nothing is composed.
    fn normalize_ascii(&self, text: &mut String) {
        if self.clean_text {
            if !text.chars().all(is_kept) {
                text.retain(is_kept);
            }
            if text.contains(['\t', '\n', '\r']) {
                *text = text.replace(['\t', '\n', '\r'], " ");
            }
        }
        if self.lowercase {
            text.make_ascii_lowercase();
        }
    }
}
