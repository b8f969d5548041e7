//! `model.safetensors`: the registry's parameters under the names, shapes and layouts of the file format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use tensor::weights::{load_safetensors, save_safetensors};
use tensor::{ParamId, Parameters, Tensor};

use crate::registry::{Entry, Stored};
use crate::{NnError, Registry};

/// Write every parameter; a shared one is in the registry once: a tied head is not written, as the embedding table is the same weights.
pub(super) fn write(registry: &Registry, parameters: &Parameters, path: &Path) -> Result<(), NnError> {
    let mut tensors: Vec<(String, Cow<Tensor>)> = Vec::with_capacity(registry.stored.len());
    for stored in &registry.stored {
        let tensor = match stored.parts[..] {
            [only] if !stored.transposed => Cow::Borrowed(parameters.get(ParamId::from_index(only))),
            _ => Cow::Owned(join(registry, parameters, stored)?),
        };
        tensors.push((stored.name.clone(), tensor));
    }
    let entries: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), &**tensor)).collect();
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    Ok(save_safetensors(path, &entries, &metadata)?)
}

/// The tensors of a weight file, on their way to being parameters.
pub(crate) struct Found<'p> {
    path: &'p Path,
    tensors: BTreeMap<String, Tensor>,
}

/// Read a weight file.
pub(crate) fn load(path: &Path) -> Result<Found<'_>, NnError> {
    if !path.exists() && path.with_extension("safetensors.index.json").exists() {
        return Err(NnError::Io {
            path: path.to_path_buf(),
            source: std::io::Error::other("the weights are split over several files, which is not supported"),
        });
    }
    Ok(Found { path, tensors: load_safetensors(path)? })
}

impl Found<'_> {
    /// Gives every tensor the name `canonical` says; those it says `None` of are left out.
    pub(super) fn rename(&mut self, canonical: impl Fn(String) -> Option<String>) {
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors.into_iter().filter_map(|(name, tensor)| Some((canonical(name)?, tensor))).collect();
    }

    /// Whether the tensor `copy` is there and is another than `original`.
    pub(crate) fn differs(&self, copy: &str, original: &str) -> bool {
        let is_other = |copy: &Tensor, original: &Tensor| {
            copy.shape() != original.shape() || copy.to_f32_vec() != original.to_f32_vec()
        };
        let pair = self.tensors.get(copy).zip(self.tensors.get(original));
        pair.is_some_and(|(copy, original)| is_other(copy, original))
    }

    /// A file may repeat a shared tensor `original` under the name `copy`; other weights there contradict that the two
    /// are tied.
    pub(crate) fn drop_copy(&mut self, copy: &str, original: &str) -> Result<(), NnError> {
        if self.differs(copy, original) {
            let problem = format!("differs from {original}, although the two are tied");
            return Err(NnError::TensorValue { path: self.path.to_path_buf(), name: copy.to_string(), problem });
        }
        self.tensors.remove(copy);
        Ok(())
    }

    /// Every parameter of `registry` and nothing else.
    pub(crate) fn into_parameters(self, registry: &Registry) -> Result<Parameters, NnError> {
        let Found { path, tensors: mut found } = self;
        let missing: Vec<&Stored> = registry.stored.iter().filter(|stored| !found.contains_key(&stored.name)).collect();
        if let Some(first) = missing.first() {
            let (name, count) = (first.name.clone(), missing.len());
            return Err(NnError::MissingTensor { path: path.to_path_buf(), name, count });
        }
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); registry.entries.len()];
        for stored in &registry.stored {
            let Some(tensor) = found.remove(&stored.name) else { continue };
            let parts: Vec<&Entry> = stored.parts.iter().map(|&part| &registry.entries[part]).collect();
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
        for (entry, values) in registry.entries.iter().zip(values) {
            parameters.add(&entry.name, Tensor::from_f32(entry.shape.as_slice(), values)?)?;
        }
        Ok(parameters)
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

fn join(registry: &Registry, parameters: &Parameters, stored: &Stored) -> Result<Tensor, NnError> {
    let parts: Vec<&Entry> = stored.parts.iter().map(|&part| &registry.entries[part]).collect();
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
