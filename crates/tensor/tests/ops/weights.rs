//! Weight files: round trips, equal bytes, and damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tensor::weights::{load_safetensors, save_safetensors};
use tensor::{DType, Tensor, TensorError};

use crate::support::noise;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tensor-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn entries() -> Vec<(String, Tensor)> {
    let wide = Tensor::from_f32([3, 5], noise(15, 1)).unwrap();
    let scalar = Tensor::from_f32(Vec::new(), vec![7.0]).unwrap();
    vec![("b \"quoted\" ü\n".into(), wide.to_dtype(DType::Bf16)), ("z".into(), wide), ("a".into(), scalar)]
}

fn metadata() -> BTreeMap<String, String> {
    ["format", "one", "two", "three"].iter().map(|key| (key.to_string(), format!("{key}\tvalue"))).collect()
}

#[test]
fn files_round_trip_with_equal_bytes() {
    let folder = Folder::new("round");
    let entries = entries();
    let mut list: Vec<(String, &Tensor)> = entries.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    let (first, second) = (folder.0.join("first.safetensors"), folder.0.join("second.safetensors"));
    save_safetensors(&first, &list, &metadata()).unwrap();
    list.reverse();
    save_safetensors(&second, &list, &metadata()).unwrap();
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2, "a temporary file was left");

    let loaded = load_safetensors(&first).unwrap();
    assert_eq!(loaded.len(), entries.len());
    for (name, tensor) in &entries {
        let found = &loaded[name];
        assert_eq!((found.shape(), found.dtype()), (tensor.shape(), tensor.dtype()));
        assert_eq!(found.to_f32_vec(), tensor.to_f32_vec());
    }
    let bytes = fs::read(&first).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let read: BTreeMap<_, _> = header.metadata().clone().unwrap().into_iter().collect();
    assert_eq!(read, metadata());
}

#[test]
fn no_tensors_and_f16() {
    let folder = Folder::new("f16");
    let path = folder.0.join("model.safetensors");
    save_safetensors(&path, &[], &BTreeMap::new()).unwrap();
    assert!(load_safetensors(&path).unwrap().is_empty());
    let values = [0.5f32, -2.0, 65504.0, 6e-8];
    let bytes: Vec<u8> = values.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F16, vec![4], &bytes).unwrap();
    fs::write(&path, safetensors::serialize([("x", view)], None).unwrap()).unwrap();
    let loaded = load_safetensors(&path).unwrap();
    assert_eq!(loaded["x"].dtype(), DType::F32);
    assert_eq!(loaded["x"].to_f32_vec(), values.map(|x| half::f16::from_f32(x).to_f32()));
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::I64, vec![1], &bytes).unwrap();
    fs::write(&path, safetensors::serialize([("x", view)], None).unwrap()).unwrap();
    let message = load_safetensors(&path).unwrap_err().to_string();
    assert!(message.contains("model.safetensors") && message.contains("tensor x has type I64"), "{message}");
}

#[test]
fn damage_is_an_error_with_the_path() {
    let folder = Folder::new("damage");
    let path = folder.0.join("model.safetensors");
    assert!(matches!(load_safetensors(&path), Err(TensorError::File { .. })));
    let entries = entries();
    let list: Vec<(String, &Tensor)> = entries.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    save_safetensors(&path, &list, &metadata()).unwrap();
    let whole = fs::read(&path).unwrap();
    for keep in 0..whole.len() {
        fs::write(&path, &whole[..keep]).unwrap();
        let error = load_safetensors(&path).unwrap_err();
        assert!(matches!(error, TensorError::Weights { .. }), "{keep} bytes: {error}");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
    // Every byte of the header turned over: an error or another file, never a panic.
    for i in 0..whole.len() - 90 {
        let mut bytes = whole.clone();
        bytes[i] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        let _ = load_safetensors(&path);
    }
    let twice = [("x".to_string(), &entries[0].1), ("x".to_string(), &entries[0].1)];
    assert!(save_safetensors(&path, &twice, &BTreeMap::new()).is_err());
    assert!(save_safetensors(&folder.0.join("missing/model.safetensors"), &list, &BTreeMap::new()).is_err());
}
