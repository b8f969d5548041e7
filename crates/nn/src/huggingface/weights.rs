//! `model.safetensors`: the registry's parameters under the names, shapes and layouts of the file format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use tensor::weights::{load_safetensors, save_safetensors};
use tensor::{ParamId, Parameters, Tensor};

use crate::layout::{Entry, Stored};
use crate::{Decoder, Family, NnError};

/// Write every parameter; a tied head is not written, as the embedding table is the same weights.
pub(super) fn write(decoder: &Decoder, parameters: &Parameters, path: &Path) -> Result<(), NnError> {
    let mut tensors: Vec<(String, Cow<Tensor>)> = Vec::with_capacity(decoder.layout().stored.len());
    for stored in &decoder.layout().stored {
        let tensor = match stored.parts[..] {
            [only] if !stored.transposed => Cow::Borrowed(parameters.get(ParamId::from_index(only))),
            _ => Cow::Owned(join(decoder, parameters, stored)?),
        };
        tensors.push((stored.name.clone(), tensor));
    }
    let entries: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), &**tensor)).collect();
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    Ok(save_safetensors(path, &entries, &metadata)?)
}

/// Read every parameter and nothing else.
pub(super) fn read(decoder: &Decoder, path: &Path) -> Result<Parameters, NnError> {
    if !path.exists() && path.with_extension("safetensors.index.json").exists() {
        return Err(NnError::Io {
            path: path.to_path_buf(),
            source: std::io::Error::other("the weights are split over several files, which is not supported"),
        });
    }
    let mut found = canonical(decoder.family(), load_safetensors(path)?);
    if decoder.config().tie_word_embeddings {
        drop_tied_head(decoder, &mut found, path)?;
    }
    let layout = decoder.layout();
    let missing: Vec<&Stored> = layout.stored.iter().filter(|stored| !found.contains_key(&stored.name)).collect();
    if let Some(first) = missing.first() {
        let (name, count) = (first.name.clone(), missing.len());
        return Err(NnError::MissingTensor { path: path.to_path_buf(), name, count });
    }
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); layout.entries.len()];
    for stored in &layout.stored {
        let Some(tensor) = found.remove(&stored.name) else { continue };
        let parts: Vec<&Entry> = stored.parts.iter().map(|&part| &layout.entries[part]).collect();
        let expected = file_shape(&parts, stored.transposed);
        if tensor.shape() != expected {
            let (name, found) = (stored.name.clone(), tensor.shape().to_vec());
            return Err(NnError::TensorShape { path: path.to_path_buf(), name, found, expected });
        }
        let flat = tensor.to_f32_vec();
        if let Some(at) = flat.iter().position(|value| !value.is_finite()) {
            let problem = format!("value {at} is {}, the weights are damaged", flat[at]);
            return Err(NnError::TensorValue { path: path.to_path_buf(), name: stored.name.clone(), problem });
        }
        let flat = if stored.transposed { transpose(&flat, expected[0], expected[1]) } else { flat };
        if let [only] = stored.parts[..] {
            values[only] = flat;
            continue;
        }
        let mut start = 0;
        for (&index, entry) in stored.parts.iter().zip(parts) {
            let len: usize = entry.shape.iter().product();
            values[index] = flat[start..start + len].to_vec();
            start += len;
        }
    }
    if let Some(name) = found.keys().next() {
        let (name, count) = (name.clone(), found.len());
        return Err(NnError::ExtraTensor { path: path.to_path_buf(), name, count });
    }
    let mut parameters = Parameters::new();
    for (entry, values) in layout.entries.iter().zip(values) {
        parameters.add(&entry.name, Tensor::from_f32(entry.shape.as_slice(), values)?)?;
    }
    Ok(parameters)
}

/// Names as `transformers` writes them today. Older GPT-2 files have no `transformer.` in front, and older files of
/// both families hold constants (causal masks, rotary frequencies) beside the weights.
fn canonical(family: Family, tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    let constant = |name: &str| match family {
        Family::Llama => name.ends_with(".rotary_emb.inv_freq"),
        Family::Gpt2 => name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"),
    };
    let rename = |name: String| match family {
        Family::Gpt2 if !name.starts_with("transformer.") && name != HEAD => format!("transformer.{name}"),
        _ => name,
    };
    tensors.into_iter().filter(|(name, _)| !constant(name)).map(|(name, tensor)| (rename(name), tensor)).collect()
}

const HEAD: &str = "lm_head.weight";

/// A file may repeat the embedding table as the head; other weights there contradict `tie_word_embeddings`.
fn drop_tied_head(decoder: &Decoder, found: &mut BTreeMap<String, Tensor>, path: &Path) -> Result<(), NnError> {
    let Some(head) = found.remove(HEAD) else { return Ok(()) };
    let table = found.get(&decoder.layout().entries[0].name);
    match table {
        Some(table) if table.shape() != head.shape() || table.to_f32_vec() != head.to_f32_vec() => {
            let problem = "differs from the embedding table although tie_word_embeddings is true".to_string();
            Err(NnError::TensorValue { path: path.to_path_buf(), name: HEAD.to_string(), problem })
        }
        _ => Ok(()),
    }
}

/// The parts' shapes joined along the output dimension, as the file holds them.
fn file_shape(parts: &[&Entry], transposed: bool) -> Vec<usize> {
    let out = parts.iter().map(|entry| entry.shape[0]).sum();
    match (parts[0].shape.get(1), transposed) {
        (Some(&inputs), true) => vec![inputs, out],
        (Some(&inputs), false) => vec![out, inputs],
        (None, _) => vec![out],
    }
}

fn join(decoder: &Decoder, parameters: &Parameters, stored: &Stored) -> Result<Tensor, NnError> {
    let parts: Vec<&Entry> = stored.parts.iter().map(|&part| &decoder.layout().entries[part]).collect();
    let shape = file_shape(&parts, stored.transposed);
    let mut flat = Vec::with_capacity(shape.iter().product());
    for &part in &stored.parts {
        flat.extend(parameters.get(ParamId::from_index(part)).to_f32_vec());
    }
    if stored.transposed {
        flat = transpose(&flat, shape[1], shape[0]);
    }
    Ok(Tensor::from_f32(shape, flat)?)
}

/// (rows, columns) to (columns, rows).
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}
