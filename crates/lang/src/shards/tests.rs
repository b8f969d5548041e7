//! Shards have Megatron's bytes, and a cut or changed one is found out.

use std::fs;
use std::path::Path;

use super::*;
use crate::rng::Rng;

fn write(prefix: &Path, vocabulary_size: usize, documents: &[Vec<u32>]) -> ShardInfo {
    let mut writer = ShardWriter::create(prefix, vocabulary_size).unwrap();
    for document in documents {
        writer.push(document).unwrap();
    }
    writer.finish().unwrap()
}

/// The layout of facts and of Megatron's reader, byte for byte: documents `[1, 258]`, `[]` and `[3]`.
#[test]
fn bytes_are_megatrons() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("v1.2");
    assert_eq!(write(&prefix, 65_499, &[vec![1, 258], vec![], vec![3]]), ShardInfo { documents: 3, tokens: 3 });
    assert_eq!(fs::read(folder.path().join("v1.2.bin")).unwrap(), [1, 0, 2, 1, 3, 0]);
    #[rustfmt::skip]
    let idx: &[u8] = &[
        b'M', b'M', b'I', b'D', b'I', b'D', b'X', 0, 0, // magic
        1, 0, 0, 0, 0, 0, 0, 0,                         // version
        8,                                              // u16
        3, 0, 0, 0, 0, 0, 0, 0,                         // sequences
        4, 0, 0, 0, 0, 0, 0, 0,                         // boundaries
        2, 0, 0, 0,  0, 0, 0, 0,  1, 0, 0, 0,           // lengths
        0, 0, 0, 0, 0, 0, 0, 0,  4, 0, 0, 0, 0, 0, 0, 0,  4, 0, 0, 0, 0, 0, 0, 0, // byte offsets
        0, 0, 0, 0, 0, 0, 0, 0,  1, 0, 0, 0, 0, 0, 0, 0,  2, 0, 0, 0, 0, 0, 0, 0,  3, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(fs::read(folder.path().join("v1.2.idx")).unwrap(), idx);

    write(&prefix, 65_500, &[vec![65_499]]);
    assert_eq!(fs::read(folder.path().join("v1.2.bin")).unwrap(), [0xdb, 0xff, 0, 0]);
    assert_eq!(fs::read(folder.path().join("v1.2.idx")).unwrap()[17], 4);
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("shard");
    for vocabulary_size in [300usize, 70_000] {
        let mut rng = Rng::new(vocabulary_size as u64);
        let documents: Vec<Vec<u32>> =
            (0..200).map(|_| (0..rng.index(40)).map(|_| rng.index(vocabulary_size) as u32).collect()).collect();
        let info = write(&prefix, vocabulary_size, &documents);
        let shard = Shard::open(&prefix).unwrap();
        assert_eq!((shard.documents(), shard.tokens()), (info.documents, info.tokens));
        let flat = documents.concat();
        assert_eq!(shard.read(0, flat.len()).unwrap(), flat);
        assert_eq!(shard.read(17, 50).unwrap(), &flat[17..67]);
        assert_eq!(shard.document_starts().len(), documents.len());
        let mut start = 0;
        for (index, document) in documents.iter().enumerate() {
            assert_eq!(shard.document_starts()[index], start);
            assert_eq!(&shard.document(index).unwrap(), document);
            start += document.len() as u64;
        }
        assert!(shard.document(documents.len()).is_err());
        assert!(shard.read(info.tokens, 0).is_ok());
        assert!(shard.read(info.tokens, 1).is_err());
        assert!(shard.read(u64::MAX, 2).is_err());
    }
    write(&prefix, 10, &[]);
    let shard = Shard::open(&prefix).unwrap();
    assert_eq!((shard.documents(), shard.tokens()), (0, 0));
}

#[test]
fn ids_outside_the_vocabulary_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(&folder.path().join("shard"), 10).unwrap();
    writer.push(&[9]).unwrap();
    let error = writer.push(&[0, 10]).unwrap_err().to_string();
    assert_eq!(error, "document 1: token id 10 at position 1 is outside the vocabulary of 10");
}

#[test]
fn documents_of_several_sequences_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("shard");
    write(&prefix, 100, &[vec![1, 2], vec![3], vec![4, 5]]);
    let path = folder.path().join("shard.idx");
    let mut idx = fs::read(&path).unwrap();
    // Boundaries 0, 2, 3: the first two sequences are one document.
    idx.truncate(idx.len() - 32);
    idx[26..34].copy_from_slice(&3u64.to_le_bytes());
    for boundary in [0u64, 2, 3] {
        idx.extend(boundary.to_le_bytes());
    }
    fs::write(&path, idx).unwrap();
    let shard = Shard::open(&prefix).unwrap();
    assert_eq!(shard.documents(), 2);
    assert_eq!(shard.document(0).unwrap(), [1, 2, 3]);
    assert_eq!(shard.document(1).unwrap(), [4, 5]);
}

#[test]
fn damage_is_named() {
    type Damage = fn(&mut Vec<u8>, &mut Vec<u8>);
    let cases: [(Damage, &str); 11] = [
        (|_, bin| bin.truncate(5), "shard.bin: expected 6 bytes, found 5: it is cut off"),
        (|_, bin| bin.push(0), "shard.bin: expected 6 bytes, found 7"),
        (|idx, _| idx.truncate(40), "shard.idx: expected 82 bytes, found 40: it is cut off"),
        (|idx, _| idx.truncate(20), "shard.idx: expected 34 bytes, found 20"),
        (|idx, _| idx.clear(), "shard.idx: expected 34 bytes, found 0"),
        (|idx, _| idx[0] = b'X', "not a Megatron index"),
        (|idx, _| idx[9] = 2, "at byte 9: version 2, expected 1"),
        (|idx, _| idx[17] = 7, "at byte 17: number type 7"),
        (|idx, _| idx[18..26].fill(0xff), "expected 18446744073709551615 bytes"),
        (|idx, _| idx[37] = 0x80, "at byte 34: sequence 0 has the negative length"),
        (|idx, _| idx[74] = 9, "at byte 74: document boundary 2 is 9, after 1"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("shard");
    for (damage, expected) in cases {
        write(&prefix, 100, &[vec![1, 2], vec![3]]);
        let (mut idx, mut bin) = (fs::read(with_ending(&prefix, ".idx")).unwrap(), vec![]);
        bin.extend(fs::read(with_ending(&prefix, ".bin")).unwrap());
        damage(&mut idx, &mut bin);
        fs::write(with_ending(&prefix, ".idx"), idx).unwrap();
        fs::write(with_ending(&prefix, ".bin"), bin).unwrap();
        let error = Shard::open(&prefix).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    fs::remove_file(with_ending(&prefix, ".bin")).unwrap();
    write(&prefix, 70_000, &[vec![1]]);
    fs::write(with_ending(&prefix, ".bin"), [0, 0, 0, 0x80]).unwrap();
    assert!(Shard::open(&prefix).unwrap_err().to_string().contains("the token id is -2147483648"));
}

/// No index, however broken, may do worse than an error.
#[test]
fn random_damage_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("shard");
    write(&prefix, 100, &[vec![1, 2], vec![3], vec![4; 9]]);
    let idx = fs::read(with_ending(&prefix, ".idx")).unwrap();
    let mut rng = Rng::new(5);
    for _ in 0..500 {
        let mut broken = idx.clone();
        for _ in 0..=rng.index(3) {
            let at = rng.index(broken.len());
            broken[at] = rng.next_u64() as u8;
        }
        broken.truncate(broken.len() - rng.index(2) * rng.index(broken.len()));
        fs::write(with_ending(&prefix, ".idx"), broken).unwrap();
        let _ = Shard::open(&prefix);
    }
}
