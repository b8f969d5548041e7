//! Pages: charset by the rules of browsers made safe against wrong labels, then the main text.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use lang::document::Document;

use super::outcome::Outcome;
use super::source::Stream;
use super::unit::Unit;
use super::{Place, ReadOptions, encoding};
use crate::error::CorpusError;
use crate::extract::{ExtractOptions, Extracted, extract};

/// Bytes of a page among which its `meta` charset stands (the standard says 1024; many pages are later).
const META: usize = 8192;

/// Takes the document of an HTML file.
pub(super) fn read(
    stream: Stream,
    unit: &Unit,
    options: &ReadOptions,
    outcome: &mut Outcome<'_>,
) -> Result<(), CorpusError> {
    let limit = options.max_record_bytes;
    let mut bytes = Vec::new();
    let failed = stream.take(limit as u64 + 1).read_to_end(&mut bytes).err();
    if bytes.is_empty() {
        match failed {
            Some(error) => outcome.problem(Place::Byte(0), "cut file", error.to_string()),
            None => outcome.problem(Place::Whole, "empty file", "file is empty"),
        }
        return Ok(());
    }
    let document = Document { id: unit.relative.clone(), source: unit.relative.clone(), ..Document::default() };
    if bytes.len() > limit {
        let what = format!("a page longer than the limit of {limit} bytes");
        outcome.problem(Place::Whole, "long record", what);
        return Ok(());
    }
    page(&bytes, None, document, Place::Whole, options, outcome)?;
    if let Some(error) = failed {
        outcome.problem(Place::Byte(bytes.len() as u64), "cut file", error.to_string());
    }
    Ok(())
}

/// The page in the bytes of an HTML file, whatever they are written in; the error says why they are no text.
///
/// # Errors
/// Why the bytes are no text, in words.
pub fn page_of(bytes: &[u8], options: &ExtractOptions) -> Result<Extracted, String> {
    decode_named(bytes, None, true).map(|(html, _)| extract(&html, options))
}

/// Passes on the main text of a page, with title and date where it tells them.
pub(super) fn page(
    bytes: &[u8],
    charset: Option<&str>,
    mut document: Document,
    place: Place,
    options: &ReadOptions,
    outcome: &mut Outcome<'_>,
) -> Result<(), CorpusError> {
    let html = match decode_named(bytes, charset, true) {
        Ok((html, encoding)) => {
            outcome.report.file.encoding = if unit_is_one_page(place) { encoding } else { "" }.to_string();
            html
        }
        Err(what) => {
            outcome.problem(place, "binary file", what);
            return Ok(());
        }
    };
    let found = extract(&html, &options.extract);
    if let Some(reason) = found.beyond {
        outcome.problem(place, "page beyond limits", format!("{reason}; only its tags were dropped"));
    }
    if found.text.trim().is_empty() {
        outcome.problem(place, "page without text", "no main text found");
        return Ok(());
    }
    if let Some(title) = found.title {
        document.meta.insert("title".to_string(), title.into());
    }
    document.date = found.date.or(document.date);
    document.text = found.text;
    outcome.document(document, place)
}

/// A page in an archive has a place in it, and the archive has no one encoding.
fn unit_is_one_page(place: Place) -> bool {
    place == Place::Whole
}

/// Text of a page or a plain body.
pub(super) fn decode(bytes: &[u8], charset: Option<&str>, has_meta: bool) -> Result<String, String> {
    decode_named(bytes, charset, has_meta).map(|(text, _)| text.into_owned())
}

/// Text, and what it was written in: a byte-order mark decides, then valid UTF-8 of more than ASCII (which no other
/// encoding gives by accident), the label of the response, the label in the page, and the guess.
fn decode_named<'b>(
    bytes: &'b [u8],
    charset: Option<&str>,
    has_meta: bool,
) -> Result<(Cow<'b, str>, &'static str), String> {
    if bytes.starts_with(b"%PDF-") {
        return Err("not text: a PDF file".to_string());
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return Ok((text, encoding.name()));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !bytes.contains(&0)
        && !bytes.contains(&0x1b)
    {
        return Ok((Cow::Borrowed(text), UTF_8.name()));
    }
    let labelled = charset.and_then(label).or_else(|| if has_meta { label(&meta_charset(bytes)?) } else { None });
    let encoding = match labelled {
        // A label of UTF-16 in a page that could be read as ASCII is wrong (HTML standard 13.2.3.2).
        Some(encoding) if encoding != UTF_16LE && encoding != UTF_16BE => {
            let (text, malformed) = encoding.decode_without_bom_handling(bytes);
            if !malformed || share_of_replaced(&text) < 0.01 {
                refuse_controls(&text)?;
                return Ok((text, encoding.name()));
            }
            guess(bytes)?
        }
        _ => guess(bytes)?,
    };
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Ok((text, encoding.name()))
}

fn guess(bytes: &[u8]) -> Result<&'static Encoding, String> {
    encoding::detect(bytes).map(|coding| coding.encoding).map_err(|binary| binary.what)
}

fn label(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.as_bytes())
}

fn share_of_replaced(text: &str) -> f64 {
    let replaced = text.chars().filter(|&c| c == '\u{fffd}').count();
    replaced as f64 / text.chars().count().max(1) as f64
}

fn refuse_controls(text: &str) -> Result<(), String> {
    let total = text.chars().count();
    let odd = text.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}')).count();
    if odd * 20 > total { Err(format!("not text: {odd} of {total} characters are control characters")) } else { Ok(()) }
}

/// The charset that a page's beginning names: `<meta charset=…>`, `<meta … content="…; charset=…">`, `<?xml encoding=…`.
fn meta_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(META)]).to_ascii_lowercase();
    let mut at = 0;
    while let Some(found) = head[at..].find("charset").map(|found| at + found + "charset".len()) {
        at = found;
        let rest = head[found..].trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start().trim_start_matches(['"', '\'']);
            let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(value.len());
            if label(&value[..end]).is_some() {
                return Some(value[..end].to_string());
            }
        }
    }
    let declaration = head.strip_prefix("<?xml")?;
    let (_, value) = declaration.split_once("?>")?.0.split_once("encoding=")?;
    Some(value.trim_matches(['"', '\'', ' ']).split(['"', '\'']).next()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_of_pages() {
        let check = |bytes: &[u8], charset: Option<&str>, text: &str, name: &str| {
            let (found, encoding) = decode_named(bytes, charset, true).unwrap();
            assert_eq!((found.as_ref(), encoding), (text, name));
        };
        check("<p>naïve".as_bytes(), Some("iso-8859-1"), "<p>naïve", "UTF-8");
        check(b"<p>na\xefve", Some("iso-8859-1"), "<p>na\u{ef}ve", "windows-1252");
        check(b"<meta charset=\"koi8-r\"><p>\xd4\xc5\xcb\xd3\xd4", None, "<meta charset=\"koi8-r\"><p>текст", "KOI8-R");
        let head = "<meta http-equiv=Content-Type content='text/html; charset=gb2312'>";
        let (body, _, _) = encoding_rs::GBK.encode("你好");
        check(&[head.as_bytes(), &body].concat(), None, &format!("{head}你好"), "GBK");
        check(
            b"<?xml version='1.0' encoding='iso-8859-2'?>\xb1",
            None,
            "<?xml version='1.0' encoding='iso-8859-2'?>ą",
            "ISO-8859-2",
        );
        // A label that the bytes contradict.
        let (body, _, _) = encoding_rs::GBK.encode("今天天气很好，我们一起去公园玩。孩子们都很高兴。");
        let (text, name) = decode_named(&body, Some("utf-8"), true).unwrap();
        assert_eq!((&text[..6], name), ("今天", "GBK"));
        assert!(decode_named(b"%PDF-1.4 \xff", None, true).is_err());
        assert!(decode_named(&[0, 1, 2, 3, 0, 255, 254, 0, 9, 0, 0, 4], None, true).is_err());
    }
}
