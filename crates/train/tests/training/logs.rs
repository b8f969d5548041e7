//! The log files, read by a decoder that shares nothing with the writer.

use std::fs;
use std::path::Path;

use train::{EVENTS_FILE, METRICS_FILE, TrainConfig, read_metrics};

use super::*;

/// CRC-32C bit by bit, from the polynomial (reflected 0x1edc6f41).
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_left(17).wrapping_add(0xa282_ead8)
}

/// Fields of a protobuf message: number and raw value (varints as eight bytes).
fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut out = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                out.push((key >> 3, varint(&mut message).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut message) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        out.push((key >> 3, message[..length].to_vec()));
        message = &message[length..];
    }
    out
}

/// (step, tag, value) of every scalar in an event file, checking every checksum.
fn scalars(path: &Path) -> Vec<(u64, String, f32)> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut out = Vec::new();
    let mut records = 0;
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        assert_eq!(u32::from_le_bytes(rest[8..12].try_into().unwrap()), masked(&rest[..8]));
        let data = &rest[12..12 + length];
        assert_eq!(u32::from_le_bytes(rest[12 + length..16 + length].try_into().unwrap()), masked(data));
        rest = &rest[16 + length..];
        let event = fields(data);
        assert_eq!((event[0].0, event[0].1.len()), (1, 8), "wall time comes first");
        if records == 0 {
            assert_eq!(event[1], (3, b"brain.Event:2".to_vec()));
        } else {
            let step = u64::from_le_bytes(event[1].1.clone().try_into().unwrap());
            for (field, value) in fields(&event[2].1) {
                assert_eq!(field, 1);
                let value = fields(&value);
                let tag = String::from_utf8(value[0].1.clone()).unwrap();
                out.push((step, tag, f32::from_le_bytes(value[1].1.clone().try_into().unwrap())));
            }
        }
        records += 1;
    }
    out
}

#[test]
fn lines_and_events_tell_the_same() {
    let work = tempfile::tempdir().unwrap();
    let config = TrainConfig { checkpoint_every: 3, ..settings(10) };
    pretrain_in(work.path(), &config, 5);
    pretrain_in(work.path(), &config, u64::MAX);

    let records = read_metrics(&work.path().join(METRICS_FILE)).unwrap();
    let steps: Vec<u64> = records.iter().map(|record| record["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (0..=10).collect::<Vec<_>>());
    for record in &records[1..] {
        for key in ["tokens", "loss", "learning_rate", "grad_norm", "tokens_per_second", "seconds"] {
            assert!(record[key].is_number(), "{key} in {record:?}");
        }
    }
    assert_eq!(records[10]["tokens"].as_u64(), Some(10 * 4 * 12));
    let evaluated: Vec<u64> =
        records.iter().filter(|r| r.contains_key("eval_loss")).map(|r| r["step"].as_u64().unwrap()).collect();
    assert_eq!(evaluated, [0, 4, 8, 10]);

    let events = scalars(&work.path().join(EVENTS_FILE));
    let mut expected = Vec::new();
    for record in &records {
        for (key, value) in record {
            let tag = match key.as_str() {
                "step" | "tokens" | "seconds" | "time" | "weights_sha256" => continue,
                "eval_loss" => "eval/loss".to_owned(),
                "eval_bits_per_byte" => "eval/bits_per_byte".to_owned(),
                key => format!("train/{key}"),
            };
            expected.push((record["step"].as_u64().unwrap(), tag, value.as_f64().unwrap() as f32));
        }
    }
    assert_eq!(events, expected);
    for tag in ["train/loss", "train/learning_rate", "train/grad_norm", "eval/loss"] {
        assert!(events.iter().any(|(_, found, _)| found == tag), "{tag}");
    }
}

#[test]
fn log_every_thins_the_lines_out() {
    let work = tempfile::tempdir().unwrap();
    let config = TrainConfig { log_every: 3, eval_every: 0, label_smoothing: 0.1, z_loss: 1e-3, ..settings(10) };
    let (_, _, notes) = pretrain_in(work.path(), &config, u64::MAX);
    assert_eq!(notes.losses.len(), 10);
    let records = read_metrics(&work.path().join(METRICS_FILE)).unwrap();
    let steps: Vec<u64> = records.iter().map(|record| record["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [3, 6, 9, 10]);
    for record in records {
        let [loss, total, z_loss] = ["loss", "total_loss", "z_loss"].map(|key| record[key].as_f64().unwrap());
        assert!(loss > 0.0 && z_loss > 0.0 && total > loss + z_loss, "{record:?}");
    }
}
