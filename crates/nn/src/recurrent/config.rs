//! The shape of a recurrent language model: plain numbers with checks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tensor::Cell;

use crate::NnError;
use crate::config::refuse;

/// The shape of a recurrent language model: a table of token vectors, layers of one cell, a head. The default is the
/// medium LSTM of Zaremba et al. 2014.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecurrentConfig {
    /// What a layer computes from its input and its state: `rnn`, `lstm` or `gru`.
    #[serde(serialize_with = "write_cell", deserialize_with = "read_cell")]
    pub cell: Cell,
    /// How many token ids there are.
    pub vocab_size: usize,
    /// Width of a token's vector.
    pub embedding_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// How many layers, each reading the hidden states of the one before.
    pub n_layers: usize,
    /// Whether the output projection is the embedding table (Press & Wolf 2017), which must then be as wide as the hidden
    /// states.
    pub tie_word_embeddings: bool,
    /// Token that begins a text.
    pub bos_token_id: u32,
    /// Token that ends a text.
    pub eos_token_id: u32,
}

impl Default for RecurrentConfig {
    fn default() -> Self {
        RecurrentConfig {
            cell: Cell::Lstm,
            vocab_size: 10_000,
            embedding_size: 650,
            hidden_size: 650,
            n_layers: 2,
            tie_word_embeddings: false,
            bos_token_id: 0,
            eos_token_id: 0,
        }
    }
}

impl RecurrentConfig {
    /// Whether the numbers fit together.
    ///
    /// # Errors
    /// The first that does not, with the key to change.
    pub fn check(&self) -> Result<(), NnError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("embedding_size", self.embedding_size),
            ("hidden_size", self.hidden_size),
            ("n_layers", self.n_layers),
        ];
        // 2^28 keeps every product of two sizes and every token id inside its type, whatever a file asked for.
        for (name, size) in sizes {
            if size == 0 || size > 1 << 28 {
                return Err(refuse(format!("{name} is {size}"), &format!("{name} must be between 1 and 2^28")));
            }
        }
        // The registry is built before any weight is seen: a damaged file must not make it large.
        if self.n_layers > 1 << 12 {
            return Err(refuse(format!("n_layers is {}", self.n_layers), "n_layers must be at most 4096"));
        }
        if self.tie_word_embeddings && self.embedding_size != self.hidden_size {
            return Err(refuse(
                format!("a tied head of width {} on an embedding of {}", self.hidden_size, self.embedding_size),
                "set embedding_size to hidden_size, or tie_word_embeddings to false",
            ));
        }
        for (name, id) in [("bos_token_id", self.bos_token_id), ("eos_token_id", self.eos_token_id)] {
            if id as usize >= self.vocab_size {
                return Err(refuse(
                    format!("{name} {id} is outside the vocabulary of {}", self.vocab_size),
                    &format!("change {name} or vocab_size"),
                ));
            }
        }
        let [vocabulary, embedding, hidden] =
            [self.vocab_size, self.embedding_size, self.hidden_size].map(|size| size as u128);
        let layer = self.cell.gates() as u128 * hidden * (embedding.max(hidden) + hidden + 2);
        let elements = vocabulary * (embedding + hidden) + self.n_layers as u128 * layer;
        if elements > 1 << 40 {
            return Err(refuse(format!("{elements} parameters"), "make the sizes smaller"));
        }
        Ok(())
    }
}

fn write_cell<S: Serializer>(cell: &Cell, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cell.name())
}

fn read_cell<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cell, D::Error> {
    let name = String::deserialize(deserializer)?;
    let names = Cell::ALL.map(Cell::name).join(", ");
    let unknown = || serde::de::Error::custom(format!("there is no cell {name:?}; there are {names}"));
    Cell::ALL.into_iter().find(|cell| cell.name() == name).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_name_the_key() {
        type Change = fn(&mut RecurrentConfig);
        let cases: [(&str, Change); 6] = [
            ("n_layers is 0", |c| c.n_layers = 0),
            ("n_layers is 4097", |c| c.n_layers = 4097),
            ("hidden_size is 1099511627776", |c| c.hidden_size = 1 << 40),
            ("a tied head of width 650 on an embedding of 300", |c| {
                (c.tie_word_embeddings, c.embedding_size) = (true, 300);
            }),
            ("eos_token_id 10000 is outside the vocabulary of 10000", |c| c.eos_token_id = 10_000),
            ("parameters", |c| (c.vocab_size, c.hidden_size) = (1 << 28, 1 << 20)),
        ];
        assert!(RecurrentConfig::default().check().is_ok());
        for (expected, change) in cases {
            let mut config = RecurrentConfig::default();
            change(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("\nhint: "), "{message}");
        }
    }

    #[test]
    fn survives_json_and_refuses_unknown_names() {
        for cell in Cell::ALL {
            let config = RecurrentConfig { cell, tie_word_embeddings: true, ..RecurrentConfig::default() };
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<RecurrentConfig>(&json).unwrap(), config);
        }
        assert!(serde_json::from_str::<RecurrentConfig>(r#"{"n_heads": 3}"#).is_err());
        let error = serde_json::from_str::<RecurrentConfig>(r#"{"cell": "qrnn"}"#).unwrap_err().to_string();
        assert!(error.contains("there is no cell \"qrnn\"; there are rnn, lstm, gru"), "{error}");
    }
}
