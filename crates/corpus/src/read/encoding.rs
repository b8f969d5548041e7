//! From bytes to text: a byte-order mark decides, else valid UTF-8, else UTF-16 by its pattern of NUL bytes, else
//! mostly valid UTF-8 with the bad places replaced, else the guess of `chardetng` (Latin-1/windows-1252, GBK, Big5,
//! Shift_JIS, …). Binary data is refused with the reason.

use std::io::{BufRead, Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::source::Stream;

/// What bytes are taken for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    pub(super) encoding: &'static Encoding,
    /// Bytes of the mark before the text.
    pub(super) mark: usize,
}

/// Why bytes are not text.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) at: u64,
    pub(super) what: String,
}

/// NUL bytes above this share mean binary data; a stray one is dropped.
const MAX_NUL_SHARE: f64 = 0.001;
/// Other control bytes above this share mean binary data (random bytes have 11 %).
const MAX_CONTROL_SHARE: f64 = 0.05;

/// Finds out what `bytes`, the beginning of a file or all of it, are written in.
pub(super) fn detect(bytes: &[u8]) -> Result<Coding, Binary> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        refuse_nonsense(&bytes[mark..], encoding)?;
        return Ok(Coding { encoding, mark });
    }
    if let Some(encoding) = utf_16_without_mark(bytes) {
        refuse_nonsense(bytes, encoding)?;
        return Ok(Coding { encoding, mark: 0 });
    }
    refuse_binary(bytes)?;
    let (invalid, multibyte) = count_sequences(bytes);
    let encoding = if invalid == 0 || multibyte > 4 * invalid {
        UTF_8
    } else {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Deny)
    };
    Ok(Coding { encoding, mark: 0 })
}

/// Text of a file, and what it was written in.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: &'static str,
}

/// Decodes all of `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, Binary> {
    let coding = detect(bytes)?;
    let (text, _) = coding.encoding.decode_without_bom_handling(&bytes[coding.mark..]);
    Ok(Decoded { text: text.into_owned(), encoding: coding.encoding.name() })
}

/// Bytes seen before the encoding is decided.
pub(super) const SAMPLE: u64 = 1 << 20;

/// A stream of UTF-8 (invalid sequences among it where the file has them), whatever the file is written in.
pub(super) struct Transcoded {
    pub(super) stream: Stream,
    pub(super) encoding: &'static str,
    /// There is nothing in it.
    pub(super) empty: bool,
}

/// Looks at the beginning of `stream` and makes UTF-8 of it.
pub(super) fn transcode(mut stream: Stream) -> std::io::Result<Result<Transcoded, Binary>> {
    let mut sample = Vec::new();
    // What stands before an error is still text; the error comes again when the sample is used up.
    let failed = stream.by_ref().take(SAMPLE).read_to_end(&mut sample).err();
    if sample.is_empty() {
        return match failed {
            Some(error) => Err(error),
            None => Ok(Ok(Transcoded { stream, encoding: "", empty: true })),
        };
    }
    let coding = match detect(&sample) {
        Ok(coding) => coding,
        Err(binary) => return Ok(Err(binary)),
    };
    sample.drain(..coding.mark);
    let tail: Box<dyn BufRead + Send> = match failed {
        Some(error) => Box::new(Failing(Some(error))),
        None => stream,
    };
    let whole = Cursor::new(sample).chain(tail);
    let stream: Stream = if coding.encoding == UTF_8 {
        Box::new(whole)
    } else {
        let decoder = coding.encoding.new_decoder_without_bom_handling();
        Box::new(Decoding { inner: Box::new(whole), decoder, text: Vec::new(), at: 0, ended: false })
    };
    Ok(Ok(Transcoded { stream, encoding: coding.encoding.name(), empty: false }))
}

/// Gives an error that was met while reading ahead, in its turn.
struct Failing(Option<std::io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.fill_buf().map(<[u8]>::len)
    }
}

impl BufRead for Failing {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.0.take().map_or(Ok(&[]), Err)
    }

    fn consume(&mut self, _: usize) {}
}

/// Decodes a stream piece by piece.
struct Decoding {
    inner: Stream,
    decoder: Decoder,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Decoding {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Decoding {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.at == self.text.len() && !self.ended {
            let bytes = self.inner.fill_buf()?;
            let last = bytes.is_empty();
            let room = self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(usize::MAX).clamp(64, 1 << 20);
            self.text.resize(room, 0);
            let (result, read, written, _) = self.decoder.decode_to_utf8(bytes, &mut self.text, last);
            self.text.truncate(written);
            self.at = 0;
            // A full output buffer leaves the decoder with more to say, also at the end; one that has said all must not be asked again,
            // although the last it said may be that the end cut a character.
            self.ended = last && result == CoderResult::InputEmpty;
            self.inner.consume(read);
        }
        Ok(&self.text[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

/// Text decoded as UTF-16 or after a mark may still be nonsense: the same control-character test, on characters.
fn refuse_nonsense(bytes: &[u8], encoding: &'static Encoding) -> Result<(), Binary> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let total = text.chars().count();
    let bad = text.chars().filter(|&c| c == '\u{fffd}' || is_odd_control(c)).count();
    if total > 0 && bad as f64 / total as f64 > MAX_CONTROL_SHARE {
        let at = text.char_indices().find(|&(_, c)| c == '\u{fffd}' || is_odd_control(c)).map_or(0, |(at, _)| at);
        let what = format!("not text: {bad} of {total} characters are no text in {}", encoding.name());
        return Err(Binary { at: at as u64, what });
    }
    Ok(())
}

fn is_odd_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}')
}

fn refuse_binary(bytes: &[u8]) -> Result<(), Binary> {
    let nul = |b: u8| b == 0;
    let control = |b: u8| (b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t' | 0x0c | 0x1b)) || b == 0x7f;
    let share = |count: usize| count as f64 / bytes.len().max(1) as f64;
    let nuls = bytes.iter().filter(|&&b| nul(b)).count();
    let controls = bytes.iter().filter(|&&b| control(b)).count();
    let (test, what): (&dyn Fn(u8) -> bool, String) = if share(nuls) > MAX_NUL_SHARE {
        (&nul, format!("not text: {nuls} of {} bytes are NUL", bytes.len()))
    } else if share(controls) > MAX_CONTROL_SHARE {
        (&control, format!("not text: {controls} of {} bytes are control characters", bytes.len()))
    } else {
        return Ok(());
    };
    let at = bytes.iter().position(|&b| test(b)).unwrap_or(0);
    Err(Binary { at: at as u64, what })
}

/// UTF-16 text of Western languages has NUL in every other byte; of Chinese it has NULs beside punctuation, spaces and
/// line ends only, and is recognised by its mark alone.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes.len() / 2;
    if pairs < 2 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let high = bytes.chunks_exact(2).filter(|pair| pair[0] == 0).count();
    let low = bytes.chunks_exact(2).filter(|pair| pair[1] == 0).count();
    if low * 10 > pairs * 4 && high * 20 < pairs {
        Some(UTF_16LE)
    } else if high * 10 > pairs * 4 && low * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Invalid UTF-8 sequences and valid multi-byte ones; a sequence cut by the end of the data is neither.
fn count_sequences(bytes: &[u8]) -> (usize, usize) {
    let (mut invalid, mut multibyte) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        multibyte += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    let cut_at_end = matches!(std::str::from_utf8(bytes), Err(e) if e.error_len().is_none());
    (invalid - usize::from(cut_at_end && invalid > 0), multibyte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        let check = |bytes: &[u8], encoding: &str, text: &str| {
            let decoded = decode(bytes).unwrap();
            assert_eq!((decoded.encoding, decoded.text.as_str()), (encoding, text));
        };
        let utf_16 = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        check("plain".as_bytes(), "UTF-8", "plain");
        check("\u{feff}mark".as_bytes(), "UTF-8", "mark");
        check(&utf_16("\u{feff}你好", false), "UTF-16LE", "你好");
        check(&utf_16("\u{feff}你好", true), "UTF-16BE", "你好");
        check(&utf_16("no mark here", false), "UTF-16LE", "no mark here");
        check(&utf_16("no mark here", true), "UTF-16BE", "no mark here");
        check(b"The caf\xe9 na\xefve", "windows-1252", "The café naïve");
        let (gbk, _, _) = encoding_rs::GBK.encode("今天天气很好，我们一起去公园玩。孩子们都很高兴。");
        check(&gbk, "GBK", "今天天气很好，我们一起去公园玩。孩子们都很高兴。");
        check("漂亮的花朵开了\u{e9}".as_bytes(), "UTF-8", "漂亮的花朵开了\u{e9}");
        check(b"\xe4\xbd\xa0\xe5\xa5\xbd\xe5\xa5\xbd\xe5\xa5\xbd\xe5\xa5\xbd\xff!", "UTF-8", "你好好好好\u{fffd}!");
        check(b"cut \xe4\xbd", "UTF-8", "cut \u{fffd}");
    }

    #[test]
    fn binary_data_is_refused() {
        let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(decode(&noise).unwrap_err().what.contains("not text"));
        assert!(decode(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0").is_err());
        assert!(decode(&[0xff, 0xfe, 0x00, 0xd8, 0x00, 0xd8, 0x00, 0xd8]).is_err());
    }
}
