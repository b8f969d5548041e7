//! TensorBoard event files: scalars and histograms, written by hand so that no protobuf library is needed.
//!
//! A file is a sequence of TFRecords, each `length: u64 LE, masked crc32c of length: u32 LE, data, masked crc32c of
//! data: u32 LE` (TensorFlow, `record_writer.cc`). Each record's data is an `Event` message (`event.proto`): field 1
//! `wall_time: double`, 2 `step: int64`, 3 `file_version: string` or 5 `summary`, whose repeated field 1 is
//! `Value { tag: string = 1, simple_value: float = 2, histo = 5 }` (`summary.proto`), and a histogram is
//! `HistogramProto { min: double = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit: packed doubles = 6,
//! bucket = 7 }` (`histogram.proto`).

use crate::histograms::Histogram;

/// The record every event file starts with.
pub fn file_header(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    double_field(&mut event, 1, wall_time);
    bytes_field(&mut event, 3, b"brain.Event:2");
    record(&event)
}

/// One record with the scalars of `step`; `wall_time` in seconds since 1970.
pub fn scalars(wall_time: f64, step: u64, values: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut entry = Vec::new();
        bytes_field(&mut entry, 1, tag.as_bytes());
        key(&mut entry, 2, 5);
        entry.extend((*value as f32).to_le_bytes());
        bytes_field(&mut summary, 1, &entry);
    }
    summary_record(wall_time, step, &summary)
}

/// One record with a histogram of `step`; `wall_time` in seconds since 1970.
pub(crate) fn histogram(wall_time: f64, step: u64, tag: &str, histogram: &Histogram) -> Vec<u8> {
    let mut proto = Vec::new();
    let finite = histogram.count - histogram.not_finite;
    let Histogram { least, greatest, sum, sum_of_squares, .. } = *histogram;
    for (field, value) in (1..).zip([least, greatest, finite as f64, sum, sum_of_squares]) {
        double_field(&mut proto, field, value);
    }
    let packed = |values: &mut dyn Iterator<Item = f64>| values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>();
    bytes_field(&mut proto, 6, &packed(&mut histogram.limits.iter().copied()));
    bytes_field(&mut proto, 7, &packed(&mut histogram.counts.iter().map(|&count| count as f64)));
    let (mut entry, mut summary) = (Vec::new(), Vec::new());
    bytes_field(&mut entry, 1, tag.as_bytes());
    bytes_field(&mut entry, 5, &proto);
    bytes_field(&mut summary, 1, &entry);
    summary_record(wall_time, step, &summary)
}

/// One record with the summary of `step`.
fn summary_record(wall_time: f64, step: u64, summary: &[u8]) -> Vec<u8> {
    let mut event = Vec::new();
    double_field(&mut event, 1, wall_time);
    key(&mut event, 2, 0);
    varint(&mut event, step);
    bytes_field(&mut event, 5, summary);
    record(&event)
}

/// Frames `data` as one TFRecord.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked_crc(data).to_le_bytes());
    out
}

/// A CRC of data that hold CRCs is weak, so TensorFlow rotates it and adds a constant.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn key(out: &mut Vec<u8>, field: u64, wire_type: u64) {
    varint(out, field << 3 | wire_type);
}

fn double_field(out: &mut Vec<u8>, field: u64, value: f64) {
    key(out, field, 1);
    out.extend(value.to_le_bytes());
}

fn bytes_field(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(out, field, 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes tensorboard's own EventFileWriter puts at the start of a file whose header says time 0 (written out
    /// from `event.proto`: 0x09 + 8 bytes of double, 0x1a 0x0d + the version).
    #[test]
    fn header_is_the_known_message() {
        let bytes = file_header(0.0);
        assert_eq!(&bytes[..8], &24u64.to_le_bytes());
        assert_eq!(&bytes[12..21], &[9, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[21..36], b"\x1a\x0dbrain.Event:2");
        assert_eq!(bytes.len(), 8 + 4 + 24 + 4);
    }

    /// The CRC-32C check value of "123456789" is 0xe3069283. Masking rotates it right by 15 bits, 0x2507c60d, and adds
    /// 0xa282ead8.
    #[test]
    fn masked_crc_follows_the_formula() {
        assert_eq!(masked_crc(b"123456789"), 0x2507_c60du32.wrapping_add(0xa282_ead8));
    }

    #[test]
    fn varints_are_little_endian_base_128() {
        for (value, expected) in
            [(0, vec![0]), (127, vec![127]), (300, vec![0xac, 2]), (1 << 21, vec![128, 128, 128, 1])]
        {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(out, expected);
        }
    }
}
