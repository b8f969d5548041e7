//! The tiny models that the goldens are about, shared by the tests and the example that exports them.
#![allow(dead_code, reason = "each user of this file needs another part of it")]

use std::path::Path;

use lang::rng::Rng;
use nn::{
    Batch, Decoder, DecoderConfig, Encoder, EncoderConfig, EncoderDecoder, EncoderDecoderConfig, ExpertsConfig,
    MlpKind, Network, NnError, Source,
};
use serde::{Deserialize, Serialize};
use tensor::Parameters;

const VOCABULARY: usize = 97;

/// A shape of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Decoder(DecoderConfig),
    Encoder(EncoderConfig),
    EncoderDecoder(EncoderDecoderConfig),
}

impl Shape {
    pub fn network(&self) -> Result<Box<dyn Network>, NnError> {
        Ok(match self.clone() {
            Shape::Decoder(config) => Box::new(Decoder::new(config)?),
            Shape::Encoder(config) => Box::new(Encoder::new(config)?),
            Shape::EncoderDecoder(config) => Box::new(EncoderDecoder::new(config)?),
        })
    }

    /// The model of a golden: initial weights, with gains and biases moved off one and zero so that they count.
    pub fn build(&self, seed: u64) -> Result<(Box<dyn Network>, Parameters), NnError> {
        let network = self.network()?;
        let mut parameters = network.init(seed);
        move_vectors(&*network, &mut parameters, seed);
        Ok((network, parameters))
    }

    pub fn save(&self, parameters: &Parameters, dir: &Path) -> Result<(), NnError> {
        match self.clone() {
            Shape::Decoder(config) => Decoder::new(config)?.save(parameters, dir, &[]),
            Shape::Encoder(config) => Encoder::new(config)?.save(parameters, dir),
            Shape::EncoderDecoder(config) => EncoderDecoder::new(config)?.save(parameters, dir),
        }
    }

    /// The model in a folder, which is of the kind that `self` is.
    pub fn load(&self, dir: &Path) -> Result<(Shape, Parameters), NnError> {
        Ok(match self {
            Shape::Decoder(_) => {
                let (network, parameters) = Decoder::load(dir)?;
                (Shape::Decoder(network.config().clone()), parameters)
            }
            Shape::Encoder(_) => {
                let (network, parameters) = Encoder::load(dir)?;
                (Shape::Encoder(network.config().clone()), parameters)
            }
            Shape::EncoderDecoder(_) => {
                let (network, parameters) = EncoderDecoder::load(dir)?;
                (Shape::EncoderDecoder(network.config().clone()), parameters)
            }
        })
    }

    pub fn vocabulary_size(&self) -> usize {
        match self {
            Shape::Decoder(config) => config.vocab_size,
            Shape::Encoder(config) => config.vocab_size,
            Shape::EncoderDecoder(config) => config.vocab_size,
        }
    }
}

/// Rows that a model learns from, as `transformers` takes them: a label of −100 does not count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rows {
    /// What a decoder or an encoder reads; an encoder's rows may be of different lengths.
    pub ids: Vec<Vec<u32>>,
    /// What the encoder of an encoder-decoder reads, rows of different lengths.
    #[serde(default)]
    pub source: Vec<Vec<u32>>,
    /// Segments of what an encoder reads.
    #[serde(default)]
    pub token_types: Vec<Vec<u32>>,
    /// As `transformers` wants them: a decoder's are its ids, which it shifts itself.
    pub labels: Vec<Vec<i64>>,
}

impl Rows {
    /// As a batch for a model of this shape.
    pub fn batch(&self, shape: &Shape) -> Batch {
        match shape {
            Shape::Decoder(_) => Batch::causal(&self.ids).unwrap(),
            Shape::Encoder(config) => {
                let batch = Batch::padded(&self.ids, config.pad_token_id).unwrap();
                let padded = |row: &Vec<u32>| row.iter().copied().chain(vec![0; batch.time - row.len()]).collect();
                let token_types: Vec<Vec<u32>> = self.token_types.iter().map(padded).collect();
                batch.with_token_types(token_types.concat())
            }
            Shape::EncoderDecoder(config) => {
                let source = Source::new(&self.source, config.pad_token_id).unwrap();
                Batch::causal(&self.ids).unwrap().with_source(source)
            }
        }
    }

    /// What each token of the batch is to be answered with, and the weight of the answer in the mean.
    pub fn targets(&self, shape: &Shape) -> (Vec<u32>, Vec<f32>) {
        let time = self.ids.iter().map(Vec::len).max().unwrap();
        let mut labels = Vec::new();
        for row in &self.labels {
            let shift = usize::from(matches!(shape, Shape::Decoder(_)));
            labels.extend((0..time).map(|at| row.get(at + shift).copied().unwrap_or(-100)));
        }
        let counted = labels.iter().filter(|&&label| label >= 0).count();
        let weight = |&label: &i64| if label >= 0 { 1.0 / counted as f32 } else { 0.0 };
        (labels.iter().map(|&label| label.max(0) as u32).collect(), labels.iter().map(weight).collect())
    }

    /// Which tokens of the batch are no padding.
    pub fn is_real(&self) -> Vec<bool> {
        let time = self.ids.iter().map(Vec::len).max().unwrap();
        self.ids.iter().flat_map(|row| (0..time).map(|at| at < row.len())).collect()
    }
}

/// A model and what it learns from: the first rows are those that logits and gradients are taken of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    pub shape: Shape,
    pub seed: u64,
    pub rows: Vec<Rows>,
}

/// Rows of ids every decoder's golden is computed for.
pub fn ids() -> Vec<Vec<u32>> {
    random_rows(9, [9, 9])
}

fn random_rows(seed: u64, lengths: [usize; 2]) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(seed);
    lengths.map(|length| (0..length).map(|_| rng.below(VOCABULARY as u64) as u32).collect()).into()
}

/// Rows of a text to read from left to right.
fn text(seed: u64) -> Rows {
    let ids = random_rows(seed, [9, 9]);
    let labels = ids.iter().map(|row| row.iter().map(|&id| i64::from(id)).collect()).collect();
    Rows { ids, source: Vec::new(), token_types: Vec::new(), labels }
}

/// Two rows of different lengths, each of two segments, with some tokens masked (by token 4) and asked for.
fn masked(seed: u64) -> Rows {
    let whole = random_rows(seed, [11, 6]);
    let (mut ids, mut labels) = (whole.clone(), Vec::new());
    for (row, whole) in ids.iter_mut().zip(&whole) {
        let asked = |at: usize| at % 4 == (seed % 4) as usize;
        labels.push(whole.iter().enumerate().map(|(at, &id)| if asked(at) { i64::from(id) } else { -100 }).collect());
        row.iter_mut().enumerate().filter(|(at, _)| asked(*at)).for_each(|(_, id)| *id = 4);
    }
    let token_types = ids.iter().map(|row| (0..row.len()).map(|at| u32::from(at >= row.len() / 2)).collect()).collect();
    Rows { ids, source: Vec::new(), token_types, labels }
}

/// Two sources of different lengths and two answers, of which the second is filled up.
fn answered(seed: u64) -> Rows {
    let mut ids = random_rows(seed, [7, 7]);
    let mut labels: Vec<Vec<i64>> =
        random_rows(seed + 100, [7, 7]).iter().map(|row| row.iter().map(|&id| i64::from(id)).collect()).collect();
    ids.iter_mut().for_each(|row| row[0] = 0);
    ids[1][5..].fill(0);
    labels[1][5..].fill(-100);
    Rows { ids, source: random_rows(seed + 200, [5, 12]), token_types: Vec::new(), labels }
}

/// Name, shape and seed of each decoder's golden.
pub fn cases() -> Vec<(&'static str, DecoderConfig, u64)> {
    let llama = DecoderConfig {
        vocab_size: VOCABULARY,
        hidden_size: 32,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        intermediate_size: 48,
        max_position_embeddings: 32,
        // Ten times the usual, so that logits are of the size of a trained model's.
        init_std: 0.2,
        ..DecoderConfig::default()
    };
    let untied = DecoderConfig { tie_word_embeddings: false, bias: true, eos_token_id: 3, ..llama.clone() };
    let gpt2 =
        DecoderConfig { max_position_embeddings: 32, init_std: 0.2, ..DecoderConfig::gpt2(VOCABULARY, 32, 2, 4) };
    // So few rows reach not all of the experts.
    let experts = ExpertsConfig { n_experts: 6, n_chosen: 2, balance_loss: 0.05, z_loss: 0.01 };
    let mixtral = DecoderConfig { experts: Some(experts), tie_word_embeddings: false, ..llama.clone() };
    vec![("llama-tied", llama, 11), ("llama-untied-bias", untied, 12), ("gpt2", gpt2, 13), ("mixtral", mixtral, 17)]
}

/// Every golden by its name.
pub fn all_cases() -> Vec<(&'static str, Case)> {
    let bert = EncoderConfig {
        vocab_size: VOCABULARY,
        hidden_size: 32,
        n_layers: 2,
        n_heads: 4,
        intermediate_size: 48,
        max_position_embeddings: 16,
        init_std: 0.2,
        pad_token_id: 2,
        ..EncoderConfig::default()
    };
    let t5 = EncoderDecoderConfig {
        vocab_size: VOCABULARY,
        hidden_size: 32,
        // All heads together are narrower than the hidden states.
        head_dim: 6,
        n_heads: 4,
        n_layers: 2,
        n_decoder_layers: 3,
        intermediate_size: 48,
        // So few and so near that the rows reach the shared ones.
        n_buckets: 8,
        max_distance: 10,
        init_factor: 1.5,
        ..EncoderDecoderConfig::default()
    };
    let second = EncoderDecoderConfig {
        mlp: MlpKind::GeGlu,
        tie_word_embeddings: false,
        scale_output: false,
        n_decoder_layers: 2,
        init_factor: 0.5,
        ..t5.clone()
    };
    let texts = || vec![text(9), text(10), text(11)];
    let mut cases: Vec<(&str, Case)> = cases()
        .into_iter()
        .map(|(name, config, seed)| (name, Case { shape: Shape::Decoder(config), seed, rows: texts() }))
        .collect();
    let rows = vec![masked(21), masked(22), masked(23)];
    cases.push(("bert", Case { shape: Shape::Encoder(bert), seed: 14, rows }));
    for (name, config, seed) in [("t5", t5, 15), ("t5-v1.1", second, 16)] {
        let rows = vec![answered(31), answered(32), answered(33)];
        cases.push((name, Case { shape: Shape::EncoderDecoder(config), seed, rows }));
    }
    cases
}

/// The decoder of a golden, as its own type.
pub fn build(config: &DecoderConfig, seed: u64) -> Result<(Decoder, Parameters), NnError> {
    let decoder = Decoder::new(config.clone())?;
    let mut parameters = decoder.init(seed);
    move_vectors(&decoder, &mut parameters, seed);
    Ok((decoder, parameters))
}

fn move_vectors(network: &dyn Network, parameters: &mut Parameters, seed: u64) {
    for (name, shape) in network.registry().shapes() {
        if let Some(id) = parameters.id(name).filter(|_| shape.len() == 1) {
            let mut rng = Rng::for_item(seed, name, 1);
            for value in parameters.values_mut(id) {
                *value += (0.2 * rng.normal()) as f32;
            }
        }
    }
}
