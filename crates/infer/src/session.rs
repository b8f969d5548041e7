//! Reading with a key-value cache: many tokens in one pass, then one at a time. Buffers grow to the largest pass and
//! are used again, so that writing a token allocates nothing but, now and then, room in the cache.

use lang::model::{ModelError, Session};
use nn::{LinearIds, MlpIds, Network as _, NormIds, PositionKind};
use tensor::{TensorError, forward};

use crate::NeuralModel;
use crate::mixture::Mixture;
use crate::model::from_tensor;

/// Tokens read in one pass at most: enough to keep matrix products busy, little enough to keep buffers small.
const PASS: usize = 128;

/// A reading position in a text, with the keys and values of everything read.
#[derive(Clone)]
pub struct NeuralSession<'m> {
    model: &'m NeuralModel,
    /// Keys (after rotation) and values of each layer, (tokens read, n_kv_heads * head_dim).
    cache: Vec<LayerCache>,
    /// Tokens read.
    ids: Vec<u32>,
    buffers: Buffers,
    /// Final hidden state of the last token read, (hidden_size).
    last: Vec<f32>,
    /// (vocabulary_size), for the last token read when `is_current`.
    log_probs: Vec<f32>,
    is_current: bool,
}

#[derive(Clone, Default)]
struct LayerCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// Activations of one pass, (rows, width).
#[derive(Clone, Default)]
struct Buffers {
    x: Vec<f32>,
    normed: Vec<f32>,
    query: Vec<f32>,
    attended: Vec<f32>,
    branch: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    positions: Vec<u32>,
    mixture: Mixture,
}

impl<'m> NeuralSession<'m> {
    pub(crate) fn new(model: &'m NeuralModel) -> Self {
        let config = model.decoder().config();
        NeuralSession {
            model,
            cache: vec![LayerCache::default(); config.n_layers],
            ids: Vec::new(),
            buffers: Buffers::default(),
            last: vec![0.0; config.hidden_size],
            log_probs: vec![0.0; config.vocab_size],
            is_current: false,
        }
    }

    /// Forget all but the first `tokens` tokens, for instance to try another continuation of one beginning. The last
    /// one kept is read again, as its hidden state is needed.
    pub fn rewind(&mut self, tokens: usize) -> Result<(), ModelError> {
        if tokens >= self.ids.len() {
            return Ok(());
        }
        let again = self.ids[..tokens].last().copied();
        let kept = tokens.saturating_sub(1);
        let kv = self.model.decoder().config().kv_size();
        for layer in &mut self.cache {
            layer.keys.truncate(kept * kv);
            layer.values.truncate(kept * kv);
        }
        self.ids.truncate(kept);
        self.is_current = false;
        self.feed(again.as_slice())
    }

    /// The tokens read.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Run `ids` through the network after what the cache holds.
    fn pass(&mut self, ids: &[u32]) -> Result<(), TensorError> {
        let NeuralSession { model, cache, buffers, last, .. } = self;
        let past = self.ids.len();
        let (decoder, weights) = (model.decoder(), model.parameters());
        let config = decoder.config();
        let (rows, hidden, inner, kv) = (ids.len(), config.hidden_size, config.intermediate_size, config.kv_size());
        let (n_heads, n_kv_heads, head_dim) = (config.n_heads, config.n_kv_heads, config.head_dim());
        let Buffers { x, normed, query, attended, branch, gate, up, positions, mixture } = buffers;
        for buffer in [&mut *x, normed, query, attended, branch] {
            buffer.resize(rows * hidden, 0.0);
        }
        for buffer in [&mut *gate, up] {
            buffer.resize(rows * inner, 0.0);
        }
        positions.clear();
        positions.extend((past..past + rows).map(|position| position as u32));

        let norm = |input: &[f32], ids: &NormIds, out: &mut [f32]| {
            let eps = config.norm_eps as f32;
            match ids.bias {
                None => forward::rms_norm(input, weights.get(ids.gain), eps, out),
                Some(bias) => forward::layer_norm(input, weights.get(ids.gain), weights.get(bias), eps, out),
            }
        };
        let linear = |input: &[f32], ids: &LinearIds, out: &mut [f32]| {
            forward::linear(input, rows, weights.get(ids.weight), ids.bias.map(|bias| weights.get(bias)), out)
        };

        gather(weights.get(decoder.embedding()).as_f32()?, hidden, ids, x);
        if let Some(table) = decoder.position_table() {
            gather(weights.get(table).as_f32()?, hidden, positions, branch);
            add(x, branch);
        }
        for (layer, cache) in decoder.layers().iter().zip(cache) {
            norm(x, &layer.attention_norm, normed)?;
            linear(normed, &layer.attention.query, query)?;
            let old = past * kv;
            cache.keys.resize(old + rows * kv, 0.0);
            cache.values.resize(old + rows * kv, 0.0);
            linear(normed, &layer.attention.key, &mut cache.keys[old..])?;
            linear(normed, &layer.attention.value, &mut cache.values[old..])?;
            if let PositionKind::Rope { theta } = config.position {
                forward::rope(query, positions, head_dim, theta as f32)?;
                forward::rope(&mut cache.keys[old..], positions, head_dim, theta as f32)?;
            }
            for (row, (query, out)) in query.chunks_exact(hidden).zip(attended.chunks_exact_mut(hidden)).enumerate() {
                let len = past + row + 1;
                let (keys, values) = (&cache.keys[..len * kv], &cache.values[..len * kv]);
                forward::attend_cached(query, keys, values, len, n_heads, n_kv_heads, head_dim, out)?;
            }
            linear(attended, &layer.attention.output, branch)?;
            add(x, branch);

            norm(x, &layer.mlp_norm, normed)?;
            match &layer.mlp {
                MlpIds::Gated { gate: gate_ids, up: up_ids, down } => {
                    linear(normed, gate_ids, gate)?;
                    linear(normed, up_ids, up)?;
                    forward::swiglu(gate, up)?;
                    linear(gate, down, branch)?;
                }
                MlpIds::Plain { fc, proj } => {
                    linear(normed, fc, gate)?;
                    forward::gelu(gate);
                    linear(gate, proj, branch)?;
                }
                MlpIds::Experts { router, experts } => {
                    let n_chosen = config.experts.as_ref().map_or(1, |experts| experts.n_chosen);
                    mixture.pass(weights, normed, (rows, n_chosen), router, experts, branch)?;
                }
            }
            add(x, branch);
        }
        norm(&x[(rows - 1) * hidden..], &decoder.final_norm(), last)?;
        self.ids.extend_from_slice(ids);
        Ok(())
    }
}

impl Session for NeuralSession<'_> {
    fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
        // All checks come first, so that a refused call leaves the session as it was.
        self.model.check_ids(ids)?;
        let limit = self.model.decoder().config().max_position_embeddings;
        let tokens = self.ids.len().saturating_add(ids.len());
        if tokens > limit {
            return Err(ModelError::ContextFull { tokens, limit });
        }
        for ids in ids.chunks(PASS) {
            self.is_current = false;
            self.pass(ids).map_err(from_tensor)?;
        }
        Ok(())
    }

    fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
        if !self.is_current {
            if self.ids.is_empty() {
                return Err(ModelError::Other("nothing has been read: feed the beginning-of-text token first".into()));
            }
            let head = self.model.parameters().get(self.model.decoder().head().weight);
            forward::linear(&self.last, 1, head, None, &mut self.log_probs).map_err(from_tensor)?;
            forward::log_softmax(&mut self.log_probs);
            self.is_current = true;
        }
        Ok(&self.log_probs)
    }

    fn tokens_read(&self) -> usize {
        self.ids.len()
    }
}

/// Rows of a table, one an id.
fn gather(table: &[f32], width: usize, ids: &[u32], out: &mut [f32]) {
    for (&id, out) in ids.iter().zip(out.chunks_exact_mut(width)) {
        out.copy_from_slice(&table[id as usize * width..][..width]);
    }
}

fn add(x: &mut [f32], branch: &[f32]) {
    for (x, branch) in x.iter_mut().zip(branch) {
        *x += branch;
    }
}
