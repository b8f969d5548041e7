//! The part of a GGUF file that holds no weights: a header, then keys with values (`docs/gguf.md` of ggml). Read from
//! anything that gives bytes, without ever asking for more than the file has.

use std::io::Read;

/// What a file begins with.
pub(in crate::tokenizer) const MAGIC: &[u8; 4] = b"GGUF";
/// The version that is written. It and the one before are read; the first had lengths of 32 bits.
const VERSION: u32 = 3;
/// Arrays may hold arrays, this deep at most.
const DEEPEST: usize = 4;

/// A value, numbers of all widths as one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unsigned(u32),
    Number(i64),
    Float(f32),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<i64>),
    /// Numbers of eight bits, written with a sign or without.
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

/// Keys and values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metadata(pub(super) Vec<(String, Value)>);

impl Metadata {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

/// Where the reading is.
struct Cursor<'a> {
    reader: &'a mut dyn Read,
    at: u64,
    length: u64,
}

impl Cursor<'_> {
    fn wrong(&self, problem: &str) -> String {
        format!("byte {}: {problem}", self.at)
    }

    fn take(&mut self, count: u64) -> Result<Vec<u8>, String> {
        if count > self.length - self.at {
            return Err(self.wrong("the file is cut off"));
        }
        // What the file has fits memory in one piece only if it fits the address space.
        let count = usize::try_from(count).map_err(|_| self.wrong("a length does not fit"))?;
        let mut bytes = Vec::with_capacity(count);
        let read = self.reader.take(count as u64).read_to_end(&mut bytes);
        match read {
            Ok(read) if read == count => {
                self.at += count as u64;
                Ok(bytes)
            }
            Ok(_) => Err(self.wrong("the file is cut off")),
            Err(error) => Err(self.wrong(&error.to_string())),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N as u64)?;
        bytes.try_into().map_err(|_| self.wrong("the file is cut off"))
    }

    fn text(&mut self) -> Result<String, String> {
        let start = self.at;
        let length = u64::from_le_bytes(self.fixed()?);
        let bytes = self.take(length)?;
        String::from_utf8(bytes).map_err(|_| format!("byte {start}: a text is not UTF-8"))
    }

    /// A value of the type numbered `kind` that is no array.
    fn scalar(&mut self, kind: u32) -> Result<Value, String> {
        Ok(match kind {
            0 => Value::Number(u8::from_le_bytes(self.fixed()?).into()),
            1 => Value::Number(i8::from_le_bytes(self.fixed()?).into()),
            2 => Value::Number(u16::from_le_bytes(self.fixed()?).into()),
            3 => Value::Number(i16::from_le_bytes(self.fixed()?).into()),
            4 => Value::Unsigned(u32::from_le_bytes(self.fixed()?)),
            5 => Value::Number(i32::from_le_bytes(self.fixed()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.fixed()?)),
            7 => Value::Flag(self.fixed::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            10 => Value::Number(i64::try_from(u64::from_le_bytes(self.fixed()?)).unwrap_or(i64::MAX)),
            11 => Value::Number(i64::from_le_bytes(self.fixed()?)),
            12 => Value::Float(f64::from_le_bytes(self.fixed()?) as f32),
            _ => return Err(self.wrong(&format!("a value is of the unknown type {kind}"))),
        })
    }

    /// A value; `None` for arrays of arrays, which say nothing about vocabularies.
    fn value(&mut self, kind: u32, depth: usize) -> Result<Option<Value>, String> {
        if kind != 9 {
            return self.scalar(kind).map(Some);
        }
        let element = u32::from_le_bytes(self.fixed()?);
        let count = u64::from_le_bytes(self.fixed()?);
        if count > self.length - self.at {
            return Err(self.wrong(&format!("an array of {count} does not fit the file")));
        }
        if element == 9 {
            if depth == DEEPEST {
                return Err(self.wrong("arrays are nested too deep"));
            }
            for _ in 0..count {
                self.value(element, depth + 1)?;
            }
            return Ok(None);
        }
        let (mut texts, mut numbers, mut floats) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            match self.scalar(element)? {
                Value::Text(text) => texts.push(text),
                Value::Number(number) => numbers.push(number),
                Value::Unsigned(number) => numbers.push(number.into()),
                Value::Flag(flag) => numbers.push(flag.into()),
                Value::Float(number) => floats.push(number),
                Value::Texts(_) | Value::Numbers(_) | Value::Bytes(_) | Value::Floats(_) => {}
            }
        }
        Ok(Some(match element {
            0 | 1 => Value::Bytes(numbers.into_iter().map(|number| number as u8).collect()),
            8 => Value::Texts(texts),
            6 | 12 => Value::Floats(floats),
            _ => Value::Numbers(numbers),
        }))
    }
}

/// Reads the keys that begin with one of `wanted` from a file of `length` bytes.
pub(super) fn read(reader: &mut dyn Read, length: u64, wanted: &[&str]) -> Result<Metadata, String> {
    let mut cursor = Cursor { reader, at: 0, length };
    if &cursor.fixed::<4>()? != MAGIC {
        return Err("byte 0: this is no GGUF file".to_owned());
    }
    let version = u32::from_le_bytes(cursor.fixed()?);
    if !(2..=VERSION).contains(&version) {
        return Err(match version.swap_bytes() {
            2..=VERSION => "byte 4: files with the most significant byte first are not read".to_owned(),
            _ => format!("byte 4: version {version} of GGUF is not read, 2 and {VERSION} are"),
        });
    }
    cursor.take(8)?;
    let count = u64::from_le_bytes(cursor.fixed()?);
    let mut found = Metadata::default();
    for _ in 0..count {
        let place = cursor.at;
        let key = cursor.text()?;
        let kind = u32::from_le_bytes(cursor.fixed()?);
        let value = cursor.value(kind, 0).map_err(|problem| format!("{key}, {problem}"))?;
        if let Some(value) = value.filter(|_| wanted.iter().any(|start| key.starts_with(start))) {
            if found.get(&key).is_some() {
                return Err(format!("byte {place}: {key} is there twice"));
            }
            found.0.push((key, value));
        }
    }
    Ok(found)
}

/// The bytes of a file without weights.
pub(super) fn serialize(metadata: &Metadata) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out.extend((metadata.0.len() as u64).to_le_bytes());
    fn text(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    }
    fn array(out: &mut Vec<u8>, element: u32, length: usize) {
        out.extend(9u32.to_le_bytes());
        out.extend(element.to_le_bytes());
        out.extend((length as u64).to_le_bytes());
    }
    for (key, value) in &metadata.0 {
        text(&mut out, key);
        let kind = |out: &mut Vec<u8>, kind: u32| out.extend(kind.to_le_bytes());
        match value {
            Value::Unsigned(number) => {
                kind(&mut out, 4);
                out.extend(number.to_le_bytes());
            }
            Value::Number(number) => {
                kind(&mut out, 11);
                out.extend(number.to_le_bytes());
            }
            Value::Float(number) => {
                kind(&mut out, 6);
                out.extend(number.to_le_bytes());
            }
            Value::Flag(flag) => {
                kind(&mut out, 7);
                out.push((*flag).into());
            }
            Value::Text(content) => {
                kind(&mut out, 8);
                text(&mut out, content);
            }
            Value::Texts(texts) => {
                array(&mut out, 8, texts.len());
                texts.iter().for_each(|content| text(&mut out, content));
            }
            // Types of tokens, which fit 32 bits.
            Value::Numbers(numbers) => {
                array(&mut out, 5, numbers.len());
                numbers.iter().for_each(|&number| out.extend((number as i32).to_le_bytes()));
            }
            Value::Bytes(bytes) => {
                array(&mut out, 0, bytes.len());
                out.extend(bytes);
            }
            Value::Floats(numbers) => {
                array(&mut out, 6, numbers.len());
                numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
            }
        }
    }
    // Readers look for weights at the next multiple of 32.
    out.resize(out.len().next_multiple_of(32), 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let metadata = Metadata(vec![
            ("a".to_owned(), Value::Unsigned(7)),
            ("b".to_owned(), Value::Number(-7)),
            ("c".to_owned(), Value::Float(0.5)),
            ("d".to_owned(), Value::Flag(true)),
            ("e".to_owned(), Value::Text("é".to_owned())),
            ("f".to_owned(), Value::Texts(vec!["x".to_owned(), String::new()])),
            ("g".to_owned(), Value::Numbers(vec![1, -1])),
            ("h".to_owned(), Value::Floats(vec![1.5])),
            ("i".to_owned(), Value::Bytes(vec![0, 255])),
        ]);
        let bytes = serialize(&metadata);
        let read = |bytes: &[u8]| read(&mut &bytes[..], bytes.len() as u64, &[""]);
        assert_eq!(read(&bytes), Ok(metadata));
        for length in 0..bytes.len() - 32 {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        let mut swapped = bytes.clone();
        swapped[4..8].reverse();
        assert!(read(&swapped).unwrap_err().contains("most significant byte first"));
        let mut twice = bytes.clone();
        twice[24 + 8 + 1 + 4 + 4 + 8] = b'a';
        assert!(read(&twice).unwrap_err().contains("a is there twice"));
    }
}
