//! Cutting where the script changes, as the training of SentencePiece vocabularies does.

use std::sync::LazyLock;

use super::{Fields, Pieces, PreTokenizer, TokenizerError};

/// The scripts of Unicode 9, the version the reference has.
const SCRIPTS: &str = "\
    Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki \
    Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee \
    Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Duployan Egyptian_Hieroglyphs Elbasan Ethiopic \
    Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo Hatran Hebrew Hiragana \
    Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana \
    Kayah_Li Kharoshthi Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian \
    Mahajani Malayalam Mandaic Manichaean Marchen Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs \
    Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko Ogham Ol_Chiki Old_Hungarian Old_Italic \
    Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong \
    Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian \
    Siddham SignWriting Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham \
    Tai_Viet Takri Tamil Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi";

struct UnicodeScripts;

pub(super) fn read(_: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(UnicodeScripts))
}

/// Ascending ranges of characters with the number of their script in [`SCRIPTS`].
static RANGES: LazyLock<Vec<(char, char, u8)>> = LazyLock::new(|| {
    let mut ranges = Vec::new();
    for (number, name) in (0..).zip(SCRIPTS.split_whitespace()) {
        let class = format!(r"[\p{{script={name}}}&&\p{{age:9.0}}]");
        let parsed = regex_syntax::parse(&class).expect("a constant class that the tests parse");
        if let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = parsed.kind() {
            ranges.extend(class.ranges().iter().map(|range| (range.start(), range.end(), number)));
        }
    }
    ranges.sort_unstable();
    ranges
});

fn number(name: &str) -> Option<u8> {
    SCRIPTS.split_whitespace().position(|script| script == name).map(|at| at as u8)
}

/// Scripts by the numbers they have in [`SCRIPTS`].
struct Named {
    common: Option<u8>,
    devanagari: Option<u8>,
    han: Option<u8>,
    inherited: Option<u8>,
    kana: [Option<u8>; 2],
}

static NAMED: LazyLock<Named> = LazyLock::new(|| Named {
    common: number("Common"),
    devanagari: number("Devanagari"),
    han: number("Han"),
    inherited: number("Inherited"),
    kana: [number("Hiragana"), number("Katakana")],
});

/// The script of a character; `None` goes with every script: the space and what is not assigned.
fn script(character: char) -> Option<u8> {
    let named = &*NAMED;
    match character {
        ' ' => return None,
        // The long sound mark of Japanese, which is written among Han characters.
        'ー' => return named.han,
        // These have changed their script since.
        '\u{589}' | '\u{61c}' => return named.common,
        '\u{953}' | '\u{954}' => return named.devanagari,
        _ => {}
    }
    let after = RANGES.partition_point(|&(first, ..)| first <= character);
    let &(_, last, number) = RANGES.get(after.checked_sub(1)?)?;
    match character <= last {
        true if named.kana.contains(&Some(number)) => named.han,
        true => Some(number),
        false => None,
    }
}

/// A number for the script of a character; 0 for those that go with every script, marks on other characters included.
pub(crate) fn number_of(character: char) -> u16 {
    script(character).filter(|script| Some(*script) != NAMED.inherited).map_or(0, |script| u16::from(script) + 1)
}

impl PreTokenizer for UnicodeScripts {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        let mut ranges = Vec::with_capacity(pieces.ranges.len());
        for piece in &pieces.ranges {
            let mut last = None;
            // What stands before the first character with a script is dropped, as in the reference.
            let mut start = None;
            for (at, character) in pieces.text.text[piece.clone()].char_indices() {
                let script = script(character);
                if script.is_some() && script != last {
                    let at = piece.start + at;
                    ranges.extend(start.map(|start| start..at));
                    start = Some(at);
                    last = script;
                }
            }
            ranges.extend(start.map(|start| start..piece.end));
        }
        pieces.ranges = ranges;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_those_of_unicode_9() {
        assert_eq!(SCRIPTS.split_whitespace().count(), 137);
        assert_eq!(script('中'), script('か'));
        assert_ne!(script('a'), script('я'));
        assert_eq!(script('!'), script('1'));
        assert_eq!(script('\u{e000}'), None);
    }
}
