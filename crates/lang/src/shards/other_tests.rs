//! The other formats: bytes as their programs write them, and damage that is found out. `oracle/compare_shards.sh` reads
//! what `onto corpus shards` wrote with datatrove, megatron-core and numpy themselves.

use std::fs;

use super::*;

#[test]
fn bytes_are_nanotrons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.ds");
    let mut writer = DsWriter::create(&path, 65_536, true, "gpt2").unwrap();
    writer.push(&[1, 65_535], Some(&[false, true])).unwrap();
    writer.push(&[], Some(&[])).unwrap();
    writer.push(&[3], Some(&[true])).unwrap();
    assert_eq!(writer.finish().unwrap(), ShardInfo { documents: 3, tokens: 3 });
    assert_eq!(fs::read(&path).unwrap(), [1, 0, 255, 255, 3, 0]);
    let index = [2u64, 2, 3].iter().flat_map(|end| end.to_le_bytes()).collect::<Vec<u8>>();
    assert_eq!(fs::read(folder.path().join("train.ds.index")).unwrap(), index);
    assert_eq!(fs::read(folder.path().join("train.ds.loss")).unwrap(), [0, 1, 1]);
    assert_eq!(fs::read_to_string(folder.path().join("train.ds.metadata")).unwrap(), "gpt2|2\n3\n3.00 T");
    let read = DsFile::open(&path).unwrap();
    assert_eq!(read.documents, [vec![1, 65_535], vec![], vec![3]]);
    assert_eq!(read.masks.unwrap(), [vec![false, true], vec![], vec![true]]);

    let mut writer = DsWriter::create(&path, 65_537, false, "").unwrap();
    writer.push(&[65_536], None).unwrap();
    writer.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0, 0, 1, 0]);
    assert!(
        fs::read_to_string(folder.path().join("train.ds.metadata")).unwrap().starts_with("Unknown Tokenizer|4|4\n1\n")
    );
}

#[test]
fn bytes_are_dolmas() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("part-0");
    let documents = [("a", vec![1u32, 258]), ("b,\"c\"\nd", vec![]), ("e", vec![3])];
    let mut writer = NpyWriter::create(&prefix, 300).unwrap();
    for (number, (id, tokens)) in documents.iter().enumerate() {
        writer.push(tokens, id, "web", number as u64 + 1).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(fs::read(folder.path().join("part-0.npy")).unwrap(), [1, 0, 2, 1, 3, 0]);
    let packed = fs::File::open(folder.path().join("part-0.csv.gz")).unwrap();
    let mut index = String::new();
    io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut index).unwrap();
    assert_eq!(index, "0,2,a,web,1\r\n2,2,\"b,\"\"c\"\"\nd\",web,2\r\n2,3,e,web,3\r\n");
    let read = read_npy(&prefix, 300).unwrap();
    assert!(read.iter().map(|(id, tokens)| (id.as_str(), tokens.clone())).eq(documents));
    let error = read_npy(&prefix, 70_000).unwrap_err().to_string();
    assert!(error.contains("part-0.npy: expected 12 bytes, found 6"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ds");
    let mut writer = DsWriter::create(&path, 10, true, "t").unwrap();
    let error = writer.push(&[1, 2], Some(&[true])).unwrap_err().to_string();
    assert_eq!(error, "document 0: 2 tokens need a mask of 2, not 1");
    assert!(writer.push(&[1, 2], None).is_err());
    let error = writer.push(&[10], Some(&[true])).unwrap_err().to_string();
    assert_eq!(error, "document 0: token id 10 at position 0 is outside the vocabulary of 10");
    writer.push(&[9], Some(&[true])).unwrap();
    writer.finish().unwrap();
    fs::write(folder.path().join("x.ds.index"), 7u64.to_le_bytes()).unwrap();
    assert!(DsFile::open(&path).unwrap_err().to_string().contains("expected 14 bytes, found 2: it is cut off"));
    fs::write(folder.path().join("x.ds.index"), [1, 2, 3]).unwrap();
    assert!(DsFile::open(&path).unwrap_err().to_string().contains("x.ds.index: expected 0 bytes, found 3"));
    fs::write(folder.path().join("x.ds.metadata"), "nothing").unwrap();
    assert!(DsFile::open(&path).unwrap_err().to_string().contains("2 or 4 bytes of a token"));
}

/// Every write to `/dev/full` ends in "no space".
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let error = write::refused(Path::new("x.ds"), io::Error::from(io::ErrorKind::StorageFull));
    assert!(error.to_string().contains("no space left on the device while writing x.ds"));
    let mut flat = flat::Flat::create(Path::new("/dev/full"), 10).unwrap();
    flat.push(0, &[1; 10]).unwrap();
    assert!(flat.finish().unwrap_err().to_string().contains("no space left on the device"));
}
