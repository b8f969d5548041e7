//! The wire format of protocol buffers, as much as SentencePiece models need: fields with a number and a varint, a fixed
//! number of bytes, or bytes with their length.

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(u64),
    Fixed32([u8; 4]),
    Fixed64,
    Bytes(&'a [u8]),
}

/// What is wrong with a message, with the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Bytes from the start of the message.
    pub(super) at: usize,
    pub(super) problem: &'static str,
}

/// The fields of a message, in order.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>), Malformed>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = message.len() - rest.len();
        let field = field(&mut rest).map_err(|problem| Malformed { at, problem });
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Value<'a>), &'static str> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Value::Number(varint(rest)?),
        1 => {
            take(rest, 8)?;
            Value::Fixed64
        }
        2 => {
            let length = usize::try_from(varint(rest)?).map_err(|_| "a length does not fit")?;
            Value::Bytes(take(rest, length)?)
        }
        5 => {
            let bytes = take(rest, 4)?;
            Value::Fixed32([bytes[0], bytes[1], bytes[2], bytes[3]])
        }
        _ => return Err("a field is of no known type"),
    };
    Ok((key >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], &'static str> {
    let (taken, after) = rest.split_at_checked(length).ok_or("the file is cut off")?;
    *rest = after;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, &'static str> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number is too long")
}

/// Appending fields to a message.
pub(super) mod write {
    fn varint(out: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    }

    pub(in super::super) fn number(out: &mut Vec<u8>, field: u64, value: u64) {
        varint(out, field << 3);
        varint(out, value);
    }

    pub(in super::super) fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
        varint(out, field << 3 | 2);
        varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }

    pub(in super::super) fn float(out: &mut Vec<u8>, field: u64, value: f32) {
        varint(out, field << 3 | 5);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        write::number(&mut message, 1, u64::MAX);
        write::bytes(&mut message, 200, &[7; 300]);
        write::float(&mut message, 3, -0.5);
        let found: Vec<_> = fields(&message).map(Result::unwrap).collect();
        let long = [7; 300];
        let expected =
            [(1, Value::Number(u64::MAX)), (200, Value::Bytes(&long)), (3, Value::Fixed32((-0.5f32).to_le_bytes()))];
        assert_eq!(found, expected);
    }

    #[test]
    fn fields_of_all_kinds() {
        let message = [8, 0x96, 1, 0x12, 2, b'h', b'i', 0x1D, 0, 0, 0x80, 0x3F, 0x21, 0, 0, 0, 0, 0, 0, 0, 0];
        let found: Vec<_> = fields(&message).map(Result::unwrap).collect();
        let expected = [
            (1, Value::Number(150)),
            (2, Value::Bytes(b"hi")),
            (3, Value::Fixed32(1f32.to_le_bytes())),
            (4, Value::Fixed64),
        ];
        assert_eq!(found, expected);
        for length in 1..message.len() {
            let all = fields(&message[..length]).all(|field| field.is_ok());
            assert_eq!(all, [3, 7, 12].contains(&length), "{length}");
        }
        assert!(fields(&[0x0B]).next().unwrap().is_err());
    }
}
