//! Encoders behind the contract: a text is scored by pseudo-likelihood, the probability of every token given all others, found
//! by masking one token after another (Salazar et al., "Masked Language Model Scoring", 2020). It is no likelihood of the
//! text: numbers of encoders compare with each other, not with those of models that read from left to right.

use lang::model::{LanguageModel, ModelError, Session};
use lang::tokenizer::Tokenizer;
use nn::{Batch, Encoder, Network as _, NnError};
use tensor::{DType, Parameters, Tape};

use crate::model::{check_ids, from_nn, from_tensor};

/// Rows of one pass: each is the text with another token masked.
const ROWS: usize = 8;
/// What the token for a hidden token is called in the vocabularies of encoders.
const MASKS: [&str; 2] = ["[MASK]", "<mask>"];

/// An encoder with its weights, ready to fill in.
pub struct MaskedLanguageModel {
    network: Encoder,
    parameters: Parameters,
    /// The token that hides one.
    mask: u32,
    /// What stands before and after a text.
    around: (Vec<u32>, Vec<u32>),
}

impl MaskedLanguageModel {
    /// The model of a network and weights that belong to it. The tokenizer says which token hides one, and what stands
    /// around a text.
    ///
    /// # Errors
    /// When the weights are of another network, or the tokenizer of another model.
    pub fn new(
        network: Encoder,
        mut parameters: Parameters,
        tokenizer: &Tokenizer,
    ) -> Result<MaskedLanguageModel, NnError> {
        network.check_parameters(&parameters)?;
        parameters.set_compute_dtype(DType::F32);
        let config = network.config();
        let Some(mask) = MASKS.iter().find_map(|name| tokenizer.token_id(name)) else {
            let names = MASKS.join(" or ");
            return Err(NnError::Batch(format!("no token of the tokenizer hides one: there is no {names}")));
        };
        let around = tokenizer.template();
        let taken = around.0.len() + around.1.len();
        if let Some(&id) = around.0.iter().chain(&around.1).chain([&mask]).find(|&&id| id as usize >= config.vocab_size)
        {
            let (at, vocabulary_size) = (0, config.vocab_size);
            return Err(NnError::UnknownToken { id, at, vocabulary_size });
        }
        if taken >= config.max_position_embeddings {
            let limit = config.max_position_embeddings;
            return Err(NnError::Batch(format!("{limit} positions hold no more than what stands around a text")));
        }
        Ok(MaskedLanguageModel { network, parameters, mask, around })
    }

    /// Log-probabilities of the tokens at `places` of `text`, each with it alone masked.
    fn fill(&self, text: &[u32], places: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (before, after) = &self.around;
        let room = self.network.config().max_position_embeddings - before.len() - after.len();
        let window = text.len().min(room);
        let mut rows: Vec<Vec<u32>> = Vec::with_capacity(places.len());
        let (mut asked, mut targets) = (Vec::new(), Vec::new());
        for &place in places {
            // As much on either side as there is.
            let start = place.saturating_sub(window / 2).min(text.len() - window);
            let mut row = before.clone();
            row.extend(&text[start..start + window]);
            row.extend(after);
            let at = before.len() + place - start;
            row[at] = self.mask;
            asked.push((rows.len() * row.len() + at) as u32);
            targets.push(Some(text[place]));
            rows.push(row);
        }
        let mut tape = Tape::forward_only(&self.parameters);
        let batch = Batch::full(&rows).map_err(from_nn)?;
        let hidden = self.network.hidden(&mut tape, &batch, None).map_err(from_nn)?;
        let masked = tape.gather(hidden, &asked).map_err(from_tensor)?;
        let ready = self.network.before_head(&mut tape, masked).map_err(from_nn)?;
        let found = tape.linear_log_probs(ready, self.network.head(), &targets).map_err(from_tensor)?;
        Ok(tape.value(found).to_f32_vec())
    }
}

impl LanguageModel for MaskedLanguageModel {
    fn vocabulary_size(&self) -> usize {
        self.network.config().vocab_size
    }

    fn context_length(&self) -> Option<usize> {
        Some(self.network.config().max_position_embeddings)
    }

    /// A session that refuses to read: this model needs what follows a token too.
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Refusal)
    }

    /// Of every token but the first, which only begins the text, given those before and after it. Of texts longer than
    /// the context as much as it holds, around the token that is asked for.
    fn log_probs(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        check_ids(ids, self.vocabulary_size())?;
        let text = ids.get(1..).unwrap_or_default();
        let places: Vec<usize> = (0..text.len()).collect();
        let mut out = Vec::with_capacity(text.len());
        for places in places.chunks(ROWS) {
            out.extend(self.fill(text, places)?);
        }
        Ok(out)
    }
}

/// Reading from left to right, which an encoder does not.
struct Refusal;

impl Session for Refusal {
    fn feed(&mut self, _: &[u32]) -> Result<(), ModelError> {
        Err(ModelError::Other(
            "an encoder fills in masked tokens and does not write from left to right\nhint: it can be scored; to write, take a \
             decoder, a recurrent or an n-gram model"
                .to_owned(),
        ))
    }

    fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
        self.feed(&[]).map(|()| &[][..])
    }

    fn tokens_read(&self) -> usize {
        0
    }
}
