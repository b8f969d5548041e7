//! An initial state in which the first two layers already copy: the circuit that every trained Transformer grows, put
//! there as a starting point instead of waiting for it.
//!
//! A model answers from what it has read with *induction heads* (Elhage and others, "A mathematical framework for
//! Transformer circuits", 2021; Olsson and others, "In-context learning and induction heads", 2022): heads of one layer
//! write into each position what stood one (or two) places before it, and heads of the next layer look for the position
//! whose predecessor is the present token and bring what stands there. From random weights small models need tens of
//! millions of tokens to find it. Starting weights that resemble trained ones are a known way to shorten that search
//! (Trockman & Kolter, "Mimetic initialization of self-attention layers", 2023); here it goes as far as the circuit
//! itself. Everything stays trainable, and the shape is that of any other LLaMA.
//!
//! The hidden space is cut into parts that do not disturb one another (rows of one random orthonormal basis): what is
//! *read* of a token, where a first-layer head *writes* the token before, where another writes the one before that, and
//! what is *carried* home. Letters: `d` hidden size, `h` head width. Rotation pairs are (i, i + h/2), as Hugging Face
//! lays them out.

use lang::rng::Rng;
use tensor::Parameters;

use crate::{Decoder, Family, Network as _, NnError, PositionKind};

/// Standard deviation of the embeddings. An optimiser moves every weight by about the learning rate a step, so that a table
/// of the usual 0.02 is another one after some tens of steps, and with it goes all that the circuit compares by; this one
/// keeps what tells words apart for as long as it takes to learn from it.
const TABLE_STD: f64 = 0.5;
/// Standard deviation of the head, whose directions are those of the embeddings: large enough that what a copying head
/// brings is the likeliest next token by far, since a circuit that does not lower the loss is unlearned.
const HEAD_STD: f64 = 0.12;
/// Cosine between the vectors of tokens that are the same word: near enough that a head which looks for one finds the other,
/// far enough apart that the head of the model can tell which of them it is to write.
const KINSHIP: f64 = 0.85;
/// Size of the constant that every embedding gets in its first coordinate, in standard deviations: the only signal a head
/// can attend to that is the same for all tokens, so that it can look at a place instead of a word.
const CONSTANT: f64 = 6.0;
/// How much likelier the wished-for place is than its neighbours, in nats of attention score.
const PLACE_MARGIN: f64 = 6.0;
/// Attention score of a position whose predecessor is the present token, in nats.
const MATCH_SCORE: f64 = 12.0;
/// Size of what the first layer writes, over that of an embedding.
const WRITTEN: f64 = 2.5;
/// Size of what a copying head brings, over that of an embedding.
const CARRIED: f64 = 5.0;
/// Pairs that turn by more than this over [`REACH`] tokens cannot compare words at a distance.
const LARGEST_TURN: f64 = 1.2;
const REACH: f64 = 64.0;

impl Decoder {
    /// Fresh weights as [`crate::Network::init`] makes them, with a copying circuit in the first two layers.
    ///
    /// `word_of` gives for each token the one that is the same word, such as the one without the space before it: the
    /// two begin with nearly the same vector, so that what was read as one can be looked up and written as the other. A
    /// token not listed stands for itself.
    ///
    /// # Errors
    /// [`NnError::Config`] when the shape cannot hold the circuit: it takes a LLaMA shape with two layers and untied
    /// embeddings.
    pub fn init_copying(&self, seed: u64, word_of: &[u32]) -> Result<Parameters, NnError> {
        let config = self.config();
        let is_apart = !config.tie_word_embeddings;
        let (Family::Llama, PositionKind::Rope { theta }, true, true) =
            (self.family(), config.position, config.n_layers >= 2, is_apart)
        else {
            return Err(NnError::Config {
                problem: "a copying start needs a LLaMA-shaped model of two layers or more, with a head of its own"
                    .to_owned(),
                hint: "take start = \"normal\", or family = \"llama\" with layers >= 2 and tie_embeddings = false"
                    .to_owned(),
            });
        };
        let mut parameters = self.init(seed);
        let circuit = Circuit {
            width: config.hidden_size,
            head: config.head_dim(),
            shared: config.n_heads / config.n_kv_heads,
            heads: config.n_heads,
            std: TABLE_STD,
            theta,
            basis: orthonormal(config.hidden_size, seed),
        };
        let mut rng = Rng::for_item(seed, "copying table", 0);
        let own: Vec<f64> = (0..config.vocab_size * config.hidden_size).map(|_| rng.normal()).collect();
        let mut words = own.clone();
        let rows = words.chunks_exact_mut(circuit.width).zip(word_of).enumerate();
        for (token, (row, &word)) in rows.filter(|(token, (_, word))| **word as usize != *token) {
            let Some(word) = own.get(word as usize * circuit.width..) else { continue };
            for ((value, own), word) in row.iter_mut().zip(&own[token * circuit.width..]).zip(word) {
                *value = KINSHIP * word + (1.0 - KINSHIP * KINSHIP).sqrt() * own;
            }
        }
        let write = |values: &mut [f32], std: f64| {
            values.iter_mut().zip(&words).for_each(|(value, word)| *value = (word * std) as f32);
        };
        write(parameters.values_mut(self.head().weight), HEAD_STD);
        let table = parameters.values_mut(self.embedding());
        write(table, TABLE_STD);
        for row in table.chunks_exact_mut(circuit.width) {
            row[0] = (circuit.std * CONSTANT) as f32;
        }
        circuit.look_back(self, &mut parameters);
        circuit.copy(self, &mut parameters);
        Ok(parameters)
    }
}

struct Circuit {
    /// `d`.
    width: usize,
    /// `h`.
    head: usize,
    /// Query heads that share a key-value head.
    shared: usize,
    heads: usize,
    std: f64,
    theta: f64,
    /// Orthonormal rows, all orthogonal to the constant's coordinate.
    basis: Vec<Vec<f64>>,
}

impl Circuit {
    /// Row `i` of part `part` of the hidden space; `None` where the space has come to its end.
    fn row(&self, part: usize, i: usize) -> Option<&[f64]> {
        self.basis.get(part * self.head + i).map(Vec::as_slice)
    }

    /// Part that the head looking `back + 1` places back writes to.
    fn written(back: usize) -> usize {
        1 + back
    }

    /// How many heads of the first layer look back: two where there is room for what they write.
    fn looking_back(&self) -> usize {
        self.shared.min(2).min(self.heads.saturating_sub(2)).max(1)
    }

    /// Part that a key-value head carries home: what is read of a token first, then parts nothing else uses.
    fn carried(&self, group: usize) -> usize {
        if group == 0 { 0 } else { self.looking_back() + group }
    }

    /// Root mean square of an embedding, its constant included.
    fn embedding_rms(&self) -> f64 {
        self.std * (1.0 + CONSTANT * CONSTANT / self.width as f64).sqrt()
    }

    fn turn(&self, pair: usize) -> f64 {
        self.theta.powf(-2.0 * pair as f64 / self.head as f64)
    }

    /// First layer, first key-value head: its query heads attend one, two, … places back, whatever stands there, and
    /// write what they find into places of their own.
    ///
    /// With the constant `c` in every normed input, keys `g c (1, 0)` and queries `g c (cos φ, -sin φ)` in each pair score
    /// `g² c² Σ cos(θ (Δ - n)) / √h` at distance Δ when `φ = n θ`: highest n places back.
    fn look_back(&self, decoder: &Decoder, parameters: &mut Parameters) {
        let layer = &decoder.layers()[0];
        let half = self.head / 2;
        let constant = self.std * CONSTANT / self.embedding_rms();
        let gap: f64 = (0..half).map(|pair| 1.0 - self.turn(pair).cos()).sum();
        let gain = (PLACE_MARGIN * (self.head as f64).sqrt() / gap).sqrt() / constant;
        let key = parameters.values_mut(layer.attention.key.weight);
        for pair in 0..half {
            key[pair * self.width] = gain as f32;
            key[(pair + half) * self.width] = 0.0;
        }
        let value = parameters.values_mut(layer.attention.value.weight);
        self.put_rows(value, 0, |i| Some((1.0, self.row(0, i)?)));
        for back in 0..self.shared {
            let query = parameters.values_mut(layer.attention.query.weight);
            for pair in 0..half {
                let angle = (back + 1) as f64 * self.turn(pair);
                let row = (back * self.head + pair) * self.width;
                query[row] = (gain * angle.cos()) as f32;
                query[row + half * self.width] = (-gain * angle.sin()) as f32;
            }
            if back < self.looking_back() {
                let output = parameters.values_mut(layer.attention.output.weight);
                self.put_columns(output, back, |i| Some((WRITTEN * self.std, self.row(Circuit::written(back), i)?)));
            }
        }
    }

    /// Second layer: query heads of the first key-value head look for a position whose predecessor is the present token
    /// (those of the second: whose last but one is the present token's predecessor) and bring what stands there.
    fn copy(&self, decoder: &Decoder, parameters: &mut Parameters) {
        let layer = &decoder.layers()[1];
        let groups = decoder.config().n_kv_heads;
        let half = self.head / 2;
        let slow = |i: usize| self.turn(i % half) * REACH <= LARGEST_TURN;
        let compared = (0..self.head).filter(|&i| slow(i)).count().max(1) as f64;
        let beta = (MATCH_SCORE * (self.head as f64).sqrt() / compared).sqrt();
        let parts = 1.0 + self.looking_back() as f64 * WRITTEN * WRITTEN * self.head as f64 / self.width as f64;
        let rms = self.std * (parts + CONSTANT * CONSTANT / self.width as f64).sqrt();
        // What is read of a normed input, and what of the tokens before, each brought to size one.
        let (own, before) = (rms / self.std, rms / (WRITTEN * self.std));
        for group in 0..groups.min(2) {
            let back = if group < self.looking_back() { group } else { 0 };
            let key = parameters.values_mut(layer.attention.key.weight);
            self.put_rows(key, group, |i| {
                slow(i).then(|| Some((beta * before, self.row(Circuit::written(back), i)?))).flatten()
            });
            let query = parameters.values_mut(layer.attention.query.weight);
            for member in 0..self.shared {
                self.put_rows(query, group * self.shared + member, |i| {
                    let (size, part) = if back == 0 { (own, 0) } else { (before, Circuit::written(0)) };
                    slow(i).then(|| Some((beta * size, self.row(part, i)?))).flatten()
                });
            }
        }
        // Each key-value head carries another part of the word; its query heads bring it home.
        for group in 0..groups {
            let part = self.carried(group);
            let value = parameters.values_mut(layer.attention.value.weight);
            self.put_rows(value, group, |i| Some((1.0, self.row(part, i)?)));
            let size = CARRIED * rms / self.shared as f64;
            let output = parameters.values_mut(layer.attention.output.weight);
            for member in 0..self.shared {
                self.put_columns(output, group * self.shared + member, |i| Some((size, self.row(part, i)?)));
            }
        }
    }

    /// Rows of one head in a (heads · h, d) matrix, each a direction times a size, or zeros.
    fn put_rows<'a>(&self, matrix: &mut [f32], head: usize, row: impl Fn(usize) -> Option<(f64, &'a [f64])>) {
        for i in 0..self.head {
            let target = &mut matrix[(head * self.head + i) * self.width..][..self.width];
            match row(i) {
                Some((size, direction)) => {
                    target.iter_mut().zip(direction).for_each(|(target, x)| *target = (size * x) as f32);
                }
                None => target.fill(0.0),
            }
        }
    }

    /// Columns of one head in the (d, heads · h) output matrix.
    fn put_columns<'a>(&self, matrix: &mut [f32], head: usize, column: impl Fn(usize) -> Option<(f64, &'a [f64])>) {
        for i in 0..self.head {
            let column = column(i);
            for row in 0..self.width {
                let value = column.map_or(0.0, |(size, direction)| size * direction[row]);
                matrix[row * self.heads * self.head + head * self.head + i] = value as f32;
            }
        }
    }
}

/// `width - 1` random orthonormal rows of which none touches coordinate 0 (Gram–Schmidt, twice for accuracy).
fn orthonormal(width: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = Rng::for_item(seed, "copying basis", 0);
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(width);
    while basis.len() + 1 < width {
        let mut row: Vec<f64> = (0..width).map(|i| if i == 0 { 0.0 } else { rng.normal() }).collect();
        for _ in 0..2 {
            for other in &basis {
                let shared: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= shared * b);
            }
        }
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
        basis.push(row);
    }
    basis
}

#[cfg(test)]
mod tests {
    use tensor::{Parameters, Tape};

    use super::KINSHIP;
    use crate::{Batch, Decoder, DecoderConfig, Network as _};

    fn decoder() -> Decoder {
        Decoder::new(DecoderConfig {
            vocab_size: 500,
            hidden_size: 128,
            n_layers: 3,
            n_heads: 4,
            n_kv_heads: 2,
            intermediate_size: 128,
            max_position_embeddings: 128,
            tie_word_embeddings: false,
            ..DecoderConfig::default()
        })
        .unwrap()
    }

    /// (row.len(), 500)
    fn logits(decoder: &Decoder, parameters: &Parameters, row: &[u32]) -> Vec<f32> {
        let mut tape = Tape::forward_only(parameters);
        let batch = Batch::causal(&[row]).unwrap();
        let hidden = decoder.hidden(&mut tape, &batch, None).unwrap();
        let logits = tape.logits(hidden, decoder.head().weight).unwrap();
        tape.value(logits).to_f32_vec()
    }

    /// A sequence of different tokens, said twice: before any training the likeliest next token (the present one apart,
    /// which a head alike the embeddings favours) is often the right one, and with the plain start hardly ever.
    #[test]
    fn an_untrained_model_copies() {
        let decoder = decoder();
        let once: Vec<u32> = (0..24).map(|i| (i * 37 + 11) % 500).collect();
        let row: Vec<u32> = once.iter().chain(&once).copied().collect();
        let right = |parameters: &Parameters| {
            let logits = logits(&decoder, parameters, &row);
            (24..row.len() - 1)
                .filter(|&t| {
                    let scores = &logits[t * 500..(t + 1) * 500];
                    let best = (0..500)
                        .filter(|&id| id as u32 != row[t])
                        .max_by(|&a, &b| scores[a].total_cmp(&scores[b]))
                        .unwrap();
                    best as u32 == row[t + 1]
                })
                .count()
        };
        let copied = right(&decoder.init_copying(3, &[]).unwrap());
        // Chance is 23/499.
        assert!(copied >= 8, "{copied} of 23");
        assert!(right(&decoder.init(3)) <= 2);
    }

    #[test]
    fn the_same_word_begins_alike() {
        let decoder = decoder();
        let word_of: Vec<u32> = (0..500).map(|id| if id % 2 == 1 { id - 1 } else { id }).collect();
        let parameters = decoder.init_copying(3, &word_of).unwrap();
        let table = parameters.get(decoder.embedding()).to_f32_vec();
        let row = |id: usize| &table[id * 128 + 1..(id + 1) * 128];
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = |a: usize, b: usize| dot(row(a), row(b)) / (dot(row(a), row(a)) * dot(row(b), row(b))).sqrt();
        let mean = |shift: usize| (0..200).map(|pair| cosine(2 * pair, 2 * pair + shift)).sum::<f32>() / 200.0;
        assert!((mean(1) - KINSHIP as f32).abs() < 0.02, "{}", mean(1));
        assert!(mean(2).abs() < 0.05, "{}", mean(2));
    }

    #[test]
    fn a_shape_without_rotation_is_refused() {
        let decoder = Decoder::new(DecoderConfig::gpt2(50, 16, 2, 2)).unwrap();
        assert!(decoder.init_copying(1, &[]).is_err());
    }
}
