//! The body of an archived HTTP response: headers taken off, chunks joined, packing undone.

use std::io::Read;

/// A body that may be a page or a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) body: Vec<u8>,
    /// The charset of the Content-Type.
    pub(super) charset: Option<String>,
    pub(super) is_html: bool,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPage {
    /// It is of another kind; counted under this name.
    Other(&'static str),
    /// It cannot be understood.
    Broken(String),
}

/// The content of a `response` (with HTTP headers) or a `resource` (without).
pub(super) fn content(kind: &str, content_type: &str, block: Vec<u8>, limit: usize) -> Result<Content, NoPage> {
    if kind == "resource" || !(content_type.is_empty() || content_type.starts_with("application/http")) {
        return typed(content_type, block);
    }
    if !block.starts_with(b"HTTP/") {
        return Err(NoPage::Broken("response without an HTTP status line".to_string()));
    }
    let (head, body_at) = match (memchr::memmem::find(&block, b"\r\n\r\n"), memchr::memmem::find(&block, b"\n\n")) {
        (Some(long), Some(short)) if short < long => (short, short + 2),
        (Some(long), _) => (long, long + 4),
        (None, Some(short)) => (short, short + 2),
        (None, None) => return Err(NoPage::Broken("response whose headers do not end".to_string())),
    };
    let headers = String::from_utf8_lossy(&block[..head]).into_owned();
    let mut lines = headers.lines();
    let status = lines.next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u16>().ok());
    match status {
        Some(200..=299) => {}
        Some(_) => return Err(NoPage::Other("responses with another status passed over")),
        None => return Err(NoPage::Broken("response without a status code".to_string())),
    }
    let field = |name: &str| {
        headers.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_lowercase())
        })
    };
    let mut body = block[body_at..].to_vec();
    // Many archives say "chunked" of bodies that they have joined; a body that is no chunks is taken as it is.
    if field("transfer-encoding").is_some_and(|value| value.contains("chunked"))
        && let Some(joined) = join_chunks(&body)
    {
        body = joined;
    }
    match field("content-encoding").as_deref() {
        Some("gzip" | "x-gzip") if body.starts_with(&[0x1f, 0x8b]) => {
            body = unpack(flate2::read::MultiGzDecoder::new(body.as_slice()), limit)?;
        }
        Some("deflate") if !looks_like_text(&body) => {
            body = if body.first().is_some_and(|byte| byte & 0x0f == 8) {
                unpack(flate2::read::ZlibDecoder::new(body.as_slice()), limit)?
            } else {
                unpack(flate2::read::DeflateDecoder::new(body.as_slice()), limit)?
            };
        }
        Some("zstd") if body.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => {
            let decoder = zstd::stream::read::Decoder::new(body.as_slice())
                .map_err(|error| NoPage::Broken(format!("packed body: {error}")))?;
            body = unpack(decoder, limit)?;
        }
        Some("br") if !looks_like_text(&body) => {
            return Err(NoPage::Other("responses packed with Brotli passed over"));
        }
        _ => {}
    }
    typed(&field("content-type").unwrap_or_default(), body)
}

fn typed(content_type: &str, body: Vec<u8>) -> Result<Content, NoPage> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "charset").then(|| value.trim().trim_matches(['"', '\'']).to_string())
    });
    let is_html = match kind.trim() {
        "text/html" | "application/xhtml+xml" => true,
        "text/plain" | "text/markdown" => false,
        "" => body.trim_ascii_start().starts_with(b"<"),
        _ => return Err(NoPage::Other("responses that are no text passed over")),
    };
    Ok(Content { body, charset, is_html })
}

fn looks_like_text(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// At most `limit` bytes; what stands before damage is kept.
fn unpack(decoder: impl Read, limit: usize) -> Result<Vec<u8>, NoPage> {
    let mut out = Vec::new();
    let result = decoder.take(limit as u64 + 1).read_to_end(&mut out);
    if out.len() > limit {
        return Err(NoPage::Broken(format!("packed body that unpacks to more than {limit} bytes")));
    }
    match result {
        Err(error) if out.is_empty() => Err(NoPage::Broken(format!("packed body: {error}"))),
        _ => Ok(out),
    }
}

/// The chunks of a chunked body (RFC 9112, 7.1), up to where it ends or is cut; `None` when it has no chunks.
fn join_chunks(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    let mut chunks = 0;
    while at < body.len() {
        let Some(end) = memchr::memchr(b'\n', &body[at..]).map(|end| at + end) else { break };
        let line = std::str::from_utf8(&body[at..end]).ok().map(|line| line.split(';').next().unwrap_or("").trim());
        let length = match line.map(|line| usize::from_str_radix(line, 16)) {
            Some(Ok(length)) => length,
            // Not a length: no chunks at all, or damage behind some.
            _ if chunks == 0 => return None,
            _ => break,
        };
        if length == 0 {
            return Some(out);
        }
        let start = end + 1;
        let stop = start.saturating_add(length).min(body.len());
        out.extend_from_slice(&body[start..stop]);
        chunks += 1;
        at = stop;
        while matches!(body.get(at), Some(b'\r' | b'\n')) && at < stop + 2 {
            at += 1;
        }
    }
    (chunks > 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(headers: &str, body: &[u8]) -> Result<Content, NoPage> {
        let block = [format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n").as_bytes(), body].concat();
        content("response", "application/http; msgtype=response", block, 1000)
    }

    #[test]
    fn bodies_are_unpacked() {
        let html = b"<p>text</p>".to_vec();
        let page = |body: &[u8]| Ok(Content { body: body.to_vec(), charset: None, is_html: true });
        assert_eq!(response("Content-Type: text/html", &html), page(&html));
        let charset = response("content-type: text/plain; x=y; charset=\"ISO-8859-1\"", b"a").unwrap();
        assert_eq!((charset.charset.as_deref(), charset.is_html), (Some("iso-8859-1"), false));
        let chunked = "Content-Type: text/html\r\nTransfer-Encoding: chunked";
        assert_eq!(response(chunked, b"4\r\n<p>t\r\n7;x=1\r\next</p>\r\n0\r\n\r\n"), page(&html));
        assert_eq!(response(chunked, b"4\r\n<p>t\r\n70\r\next"), page(b"<p>text"));
        assert_eq!(response(chunked, &html), page(&html));
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packer, &html).unwrap();
        let packed = packer.finish().unwrap();
        let gzip = "Content-Type: text/html\r\nContent-Encoding: gzip";
        assert_eq!(response(gzip, &packed), page(&html));
        assert_eq!(response(gzip, &html), page(&html));
        assert!(matches!(response(gzip, &packed[..4]), Err(NoPage::Broken(_))));
        assert!(matches!(response("Content-Type: image/png", b"x"), Err(NoPage::Other(_))));
        let missing = b"HTTP/1.0 404 Not Found\nContent-Type: text/html\n\n<p>".to_vec();
        assert!(matches!(content("response", "", missing, 10), Err(NoPage::Other(_))));
        assert!(matches!(content("response", "", b"HTTP/1.1".to_vec(), 10), Err(NoPage::Broken(_))));
        assert_eq!(content("resource", "text/html", html.clone(), 10), page(&html));
    }

    #[test]
    fn a_packed_body_is_no_bomb() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, &vec![b'a'; 1 << 20]).unwrap();
        let packed = packer.finish().unwrap();
        let found = response("Content-Type: text/html\r\nContent-Encoding: gzip", &packed);
        assert!(matches!(found, Err(NoPage::Broken(what)) if what.contains("more than 1000 bytes")));
    }
}
