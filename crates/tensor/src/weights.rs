//! Weight files in the safetensors format.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::{DType, Result, Tensor, TensorError};

/// Write `entries` and `metadata` to `path`, through a temporary file beside it.
///
/// The bytes depend on the arguments alone: tensors stand in the order of the `safetensors` crate (wider types first,
/// then by name), metadata in order of keys. That crate's own writer keeps metadata in a hash map, whose order changes
/// from run to run, so the header is written here.
///
/// # Errors
/// When a name occurs twice or is `__metadata__`, or the file cannot be written.
pub fn save_safetensors(path: &Path, entries: &[(String, &Tensor)], metadata: &BTreeMap<String, String>) -> Result<()> {
    let broken = |reason: String| TensorError::Weights { path: path.to_path_buf(), reason };
    let mut sorted: Vec<&(String, &Tensor)> = entries.iter().collect();
    sorted.sort_by(|(left, a), (right, b)| b.dtype().size().cmp(&a.dtype().size()).then(left.cmp(right)));
    let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(broken(format!("two tensors are named {}", pair[0])));
    }
    if names.contains(&"__metadata__") {
        return Err(broken("a tensor cannot be named __metadata__".into()));
    }

    let mut parts = Vec::with_capacity(entries.len() + 1);
    if !metadata.is_empty() {
        let pairs: Vec<String> = metadata.iter().map(|(key, value)| format!("{}:{}", json(key), json(value))).collect();
        parts.push(format!("\"__metadata__\":{{{}}}", pairs.join(",")));
    }
    let mut offset = 0;
    for (name, tensor) in &sorted {
        let dtype = if tensor.dtype() == DType::F32 { "F32" } else { "BF16" };
        let shape: Vec<String> = tensor.shape().iter().map(ToString::to_string).collect();
        let end = offset + tensor.len() * tensor.dtype().size();
        let (name, shape) = (json(name), shape.join(","));
        parts.push(format!("{name}:{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{offset},{end}]}}"));
        offset = end;
    }
    let mut header = format!("{{{}}}", parts.join(","));
    // The data start at a multiple of eight.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));

    let file_error = |source| TensorError::File { path: path.to_path_buf(), source };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".partial-{}", std::process::id()));
    let partial = path.with_file_name(name);
    let written = write(&partial, &header, &sorted).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to report; a leftover that cannot be removed either changes nothing about it.
        let _ = fs::remove_file(&partial);
    }
    written.map_err(file_error)
}

fn write(path: &Path, header: &str, entries: &[&(String, &Tensor)]) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for (_, tensor) in entries {
        if let Ok(values) = tensor.as_f32() {
            values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
        } else if let Ok(values) = tensor.as_bf16() {
            values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
        }
    }
    file.into_inner()?.sync_all()
}

/// A JSON string.
fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Every tensor of the file at `path`, by name. F16 is widened to f32; F32 and BF16 stay as they are.
///
/// # Errors
/// When the file cannot be read, is cut short or damaged, or holds a type this engine does not compute with.
pub fn load_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let bytes = fs::read(path).map_err(|source| TensorError::File { path: path.to_path_buf(), source })?;
    let broken = |reason: String| TensorError::Weights { path: path.to_path_buf(), reason };
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| broken(format!("{} ({} bytes in the file)", explain(&error), bytes.len())))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let shape = view.shape().to_vec();
        let data = view.data();
        let (pairs, _) = data.as_chunks::<2>();
        let tensor = match view.dtype() {
            Dtype::F32 => {
                let (words, _) = data.as_chunks::<4>();
                Tensor::from_f32(shape, words.iter().map(|&word| f32::from_le_bytes(word)).collect())
            }
            Dtype::F16 => {
                Tensor::from_f32(shape, pairs.iter().map(|&pair| f16::from_le_bytes(pair).to_f32()).collect())
            }
            Dtype::BF16 => Tensor::from_bf16(shape, pairs.iter().map(|&pair| bf16::from_le_bytes(pair)).collect()),
            other => Err(broken(format!("tensor {name} has type {other}, not F32, F16 or BF16"))),
        };
        tensors.insert(name.to_string(), tensor.map_err(|error| broken(format!("tensor {name}: {error}")))?);
    }
    Ok(tensors)
}

/// What the reader found wrong, in the reader's words or better ones.
fn explain(error: &safetensors::SafeTensorError) -> String {
    use safetensors::SafeTensorError as E;
    match error {
        E::HeaderTooSmall => "the file is too short for a header".into(),
        E::InvalidHeaderLength => "the file ends inside its header".into(),
        E::MetadataIncompleteBuffer => "the data do not fill the file as its header says; it may be cut short".into(),
        other => other.to_string(),
    }
}
