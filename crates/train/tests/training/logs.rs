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

/// Number and raw value of the fields of a protobuf message.
type Fields = Vec<(u64, Vec<u8>)>;

/// Fields of a protobuf message (varints as eight bytes).
fn fields(mut message: &[u8]) -> Fields {
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

/// The fields of every event in an event file, checking every checksum and the header.
fn records_of(path: &Path) -> Vec<Fields> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        assert_eq!(u32::from_le_bytes(rest[8..12].try_into().unwrap()), masked(&rest[..8]));
        let data = &rest[12..12 + length];
        assert_eq!(u32::from_le_bytes(rest[12 + length..16 + length].try_into().unwrap()), masked(data));
        rest = &rest[16 + length..];
        let event = fields(data);
        assert_eq!((event[0].0, event[0].1.len()), (1, 8), "wall time comes first");
        out.push(event);
    }
    assert_eq!(out[0][1], (3, b"brain.Event:2".to_vec()));
    out
}

/// (step, tag, value) of every scalar in an event file.
fn scalars(path: &Path) -> Vec<(u64, String, f32)> {
    let mut out = Vec::new();
    for event in records_of(path).iter().skip(1) {
        let step = u64::from_le_bytes(event[1].1.clone().try_into().unwrap());
        for (field, value) in fields(&event[2].1) {
            assert_eq!(field, 1);
            let value = fields(&value);
            let tag = String::from_utf8(value[0].1.clone()).unwrap();
            out.push((step, tag, f32::from_le_bytes(value[1].1.clone().try_into().unwrap())));
        }
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

/// (step, tag, histogram proto) of every histogram in an event file.
fn histograms(path: &Path) -> Vec<(u64, String, Fields)> {
    let mut out = Vec::new();
    for event in records_of(path).iter().skip(1) {
        let step = u64::from_le_bytes(event[1].1.clone().try_into().unwrap());
        for (_, value) in fields(&event[2].1) {
            let value = fields(&value);
            assert_eq!((value[0].0, value[1].0), (1, 5), "tag, then histo");
            out.push((step, String::from_utf8(value[0].1.clone()).unwrap(), fields(&value[1].1)));
        }
    }
    out
}

/// Looking changes nothing; lines and events agree; steps that were taken twice stand there once.
#[test]
fn histograms_are_written_when_asked_for() {
    let plain = TrainConfig { checkpoint_every: 4, dropout: 0.1, ..settings(10) };
    let config = TrainConfig { histogram_every: 3, ..plain.clone() };
    let straight = tempfile::tempdir().unwrap();
    let (_, expected, _) = pretrain_in(straight.path(), &plain, u64::MAX);
    assert!(!straight.path().join("histograms").exists());
    let work = tempfile::tempdir().unwrap();
    pretrain_in(work.path(), &config, 7);
    fs::remove_dir_all(work.path().join("checkpoint-000007")).unwrap();
    let (_, found, notes) = pretrain_in(work.path(), &config, u64::MAX);
    assert_eq!(notes.started, [(4, 10)]);
    assert!(found == expected, "histograms must not change the weights");

    let folder = work.path().join(train::HISTOGRAMS_FOLDER);
    let lines = fs::read_to_string(folder.join(train::HISTOGRAMS_FILE)).unwrap();
    let lines: Vec<train::Histogram> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut steps: Vec<u64> = lines.iter().map(|histogram| histogram.step).collect();
    steps.dedup();
    assert_eq!(steps, [3, 6, 9]);
    let (_, parameters) = tiny_model();
    for (kind, at_least) in [("weight", parameters.len()), ("gradient", parameters.len()), ("activation", 20)] {
        let count = lines.iter().filter(|histogram| histogram.step == 3 && histogram.kind == kind).count();
        assert!(count >= at_least && (kind == "activation" || count == at_least), "{count} of {kind}");
    }
    let names: Vec<&str> = lines.iter().map(|histogram| histogram.name.as_str()).collect();
    for name in [
        "model.norm.weight",
        "layers.1.attention/linear.q_proj",
        "layers.0.mlp/swiglu",
        "embeddings/embedding.embed_tokens",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }

    let events = histograms(&folder.join(EVENTS_FILE));
    assert_eq!(events.len(), lines.len());
    let doubles = |bytes: &[u8]| -> Vec<f64> {
        bytes.chunks(8).map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap())).collect()
    };
    for ((step, tag, proto), line) in events.iter().zip(&lines) {
        assert_eq!((*step, tag.clone()), (line.step, format!("{}/{}", line.kind, line.name)));
        let numbers: Vec<f64> = proto[..5].iter().flat_map(|(_, bytes)| doubles(bytes)).collect();
        assert_eq!(numbers, [line.least, line.greatest, line.count as f64, line.sum, line.sum_of_squares]);
        assert_eq!(proto.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(doubles(&proto[5].1), line.limits);
        let counts = doubles(&proto[6].1);
        assert_eq!(counts, line.counts.iter().map(|&count| count as f64).collect::<Vec<_>>());
        assert_eq!(counts.iter().sum::<f64>(), line.count as f64);
    }
}
