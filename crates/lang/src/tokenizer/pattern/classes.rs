//! What the published patterns ask about a character, as bits: one look-up for all questions.

use std::collections::HashMap;
use std::sync::LazyLock;

/// `\p{L}`.
pub(super) const LETTER: u8 = 1;
/// `\p{N}`.
pub(super) const NUMBER: u8 = 2;
/// `\r` or `\n`.
pub(super) const NEWLINE: u8 = 4;
/// The rest of `\s`.
pub(super) const SPACE: u8 = 8;
/// `[^\s\p{L}\p{N}]`.
pub(super) const OTHER: u8 = 16;
/// `[\p{Lu}\p{Lt}]`.
pub(super) const UPPER: u8 = 32;
/// `\p{Ll}`.
pub(super) const LOWER: u8 = 64;
/// `[\p{Lm}\p{Lo}\p{M}]`.
pub(super) const CASELESS: u8 = 128;

/// The bits of ASCII.
pub(super) const ASCII: [u8; 128] = {
    let mut table = [OTHER; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'A'..=b'Z' => LETTER | UPPER,
            b'a'..=b'z' => LETTER | LOWER,
            b'0'..=b'9' => NUMBER,
            b'\r' | b'\n' => NEWLINE,
            b' ' | b'\t' | 0x0B | 0x0C => SPACE,
            _ => OTHER,
        };
        byte += 1;
    }
    table
};

/// Bits of all code points in two levels: pages of 256, equal pages stored once.
struct Classes {
    page_of: Vec<u16>,
    pages: Vec<[u8; 256]>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| {
    let mut flat = vec![0u8; 0x11_0000];
    for (pattern, bits) in [
        (r"\p{L}", LETTER),
        (r"\p{N}", NUMBER),
        (r"[\s--\r\n]", SPACE),
        (r"[\r\n]", NEWLINE),
        (r"[\p{Lu}\p{Lt}]", UPPER),
        (r"\p{Ll}", LOWER),
        (r"[\p{Lm}\p{Lo}\p{M}]", CASELESS),
        (r"[^\s\p{L}\p{N}]", OTHER),
    ] {
        let parsed = regex_syntax::parse(pattern).expect("a constant pattern that the tests parse");
        if let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(ranges)) = parsed.kind() {
            for range in ranges.ranges() {
                flat[range.start() as usize..=range.end() as usize].iter_mut().for_each(|class| *class |= bits);
            }
        }
    }
    let mut classes = Classes { page_of: Vec::with_capacity(0x1100), pages: Vec::new() };
    let mut seen: HashMap<[u8; 256], u16> = HashMap::new();
    for page in flat.as_chunks::<256>().0 {
        let index = *seen.entry(*page).or_insert_with(|| {
            classes.pages.push(*page);
            (classes.pages.len() - 1) as u16
        });
        classes.page_of.push(index);
    }
    classes
});

/// The bits of a character.
#[inline]
pub(super) fn of(character: char) -> u8 {
    let code = character as usize;
    let classes = &*CLASSES;
    classes.pages[usize::from(classes.page_of[code >> 8])][code & 0xFF]
}
