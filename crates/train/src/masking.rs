//! Running text with some of its tokens masked: what an encoder is pre-trained on (Devlin et al. 2019, section 3.1).
//!
//! Of the tokens of a row a fixed share is asked for, drawn without replacement; of those, eight in ten are replaced by the
//! mask, one in ten by a random token, and one in ten stays as it is, so that a token that is not masked has to be looked at
//! too. Separators are never asked for. Each row is masked in several ways, as BERT's data were (its `dupe_factor` was 10):
//! a way is a row of its own here, so that a batch is a function of its rows' numbers as for any other data.

use lang::rng::Rng;

use crate::batch::{DataSet, TrainBatch};
use crate::digest::Digest;
use crate::error::{Result, TrainError};
use crate::token_stream::TokenStream;

/// How tokens are masked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masking {
    /// The token that stands for one that is hidden.
    pub mask_token: u32,
    /// How many token ids there are, for the random ones.
    pub vocabulary_size: u32,
    /// Which share of a row's tokens is asked for; 0.15 in the paper.
    pub share: f64,
    /// In how many ways each row is masked.
    pub patterns: u64,
}

impl Masking {
    /// Refuses what cannot work, by the key in `section`.
    pub(crate) fn validate(&self, section: &str) -> Result<()> {
        let refuse = |key: &str, value: String, allowed: &str| {
            Err(TrainError::Config { key: format!("{section}.{key}"), value, allowed: allowed.to_owned() })
        };
        if !(self.share > 0.0 && self.share <= 1.0) {
            return refuse("mask_share", self.share.to_string(), "above 0 and at most 1");
        }
        if self.patterns == 0 {
            return refuse("mask_patterns", "0".to_owned(), "at least 1");
        }
        if self.mask_token >= self.vocabulary_size {
            let allowed = format!("below the {} tokens of the vocabulary", self.vocabulary_size);
            return refuse("mask_token", self.mask_token.to_string(), &allowed);
        }
        Ok(())
    }
}

/// A [`TokenStream`] with masked tokens, every row in several ways.
pub struct MaskedTokens {
    stream: TokenStream,
    separator: u32,
    masking: Masking,
    seed: u64,
    digest: String,
}

impl MaskedTokens {
    /// The rows of `stream`, whose documents stand between `separator`s, masked as `masking` says.
    pub fn new(stream: TokenStream, separator: u32, masking: Masking, seed: u64) -> MaskedTokens {
        let mut digest = Digest::new("masked tokens");
        digest.bytes(stream.digest().as_bytes());
        let Masking { mask_token, vocabulary_size, share, patterns } = masking;
        for number in [separator.into(), mask_token.into(), vocabulary_size.into(), share.to_bits(), patterns, seed] {
            digest.number(number);
        }
        MaskedTokens { stream, separator, masking, seed, digest: digest.finish() }
    }

    /// The rows of the stream behind rows of ours.
    fn behind(&self, indices: &[u64]) -> Vec<u64> {
        indices.iter().map(|index| index % self.stream.row_count()).collect()
    }

    /// Hides tokens of one row, and tells which.
    fn mask(&self, row: u64, ids: &mut [u32]) -> Vec<bool> {
        let Masking { mask_token, vocabulary_size, share, .. } = self.masking;
        let mut rng = Rng::for_item(self.seed, "masked tokens", row);
        let mut places: Vec<usize> = (0..ids.len()).filter(|&at| ids[at] != self.separator).collect();
        let count = ((places.len() as f64 * share).round() as usize).clamp(1.min(places.len()), places.len());
        let mut is_asked = vec![false; ids.len()];
        for drawn in 0..count {
            // A shuffle that ends when enough are drawn.
            let other = drawn + rng.index(places.len() - drawn);
            places.swap(drawn, other);
            let at = places[drawn];
            is_asked[at] = true;
            match rng.below(10) {
                0 => {}
                1 => ids[at] = rng.below(vocabulary_size.into()) as u32,
                _ => ids[at] = mask_token,
            }
        }
        is_asked
    }
}

impl DataSet for MaskedTokens {
    fn row_count(&self) -> u64 {
        self.stream.row_count() * self.masking.patterns
    }

    fn rows(&self, indices: &[u64]) -> Result<TrainBatch> {
        let mut batch = self.stream.rows(&self.behind(indices))?;
        batch.is_bidirectional = true;
        batch.targets.clone_from(&batch.ids);
        let rows = batch.ids.chunks_mut(batch.time).zip(indices);
        batch.is_target = rows.flat_map(|(ids, &row)| self.mask(row, ids)).collect();
        batch.counts.targets = batch.is_target.iter().filter(|&&is_asked| is_asked).count() as u64;
        Ok(batch)
    }

    fn place(&self, indices: &[u64], batch: &TrainBatch, at: usize) -> String {
        self.stream.place(&self.behind(indices), batch, at)
    }

    fn digest(&self) -> &str {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::token_stream::{MemoryTokens, StreamShape};

    const EOT: u32 = 0;
    const MASK: u32 = 1;

    fn rows(share: f64, patterns: u64, seed: u64) -> MaskedTokens {
        let documents: Vec<Vec<u32>> = (0..60).map(|d| (0..d % 50).map(|t| 2 + (d * 7 + t) % 90).collect()).collect();
        let shape = StreamShape {
            what: "the corpus",
            end_of_text: EOT,
            sequence_length: 40,
            mask_documents: true,
            batch_size: 2,
            section: "pretrain",
        };
        let stream = TokenStream::new(Arc::new(MemoryTokens::new(documents)), &shape).unwrap();
        let masking = Masking { mask_token: MASK, vocabulary_size: 92, share, patterns };
        masking.validate("pretrain").unwrap();
        MaskedTokens::new(stream, EOT, masking, seed)
    }

    #[test]
    fn targets_are_what_stood_there_and_the_shares_are_those_of_the_paper() {
        let rows = rows(0.15, 40, 3);
        let all: Vec<u64> = (0..rows.row_count()).collect();
        let batch = rows.rows(&all).unwrap();
        let plain = rows.stream.rows(&rows.behind(&all)).unwrap();
        assert_eq!((&batch.targets, batch.is_bidirectional), (&plain.ids, true));
        let (mut asked, mut masked, mut kept) = (0.0, 0.0, 0.0);
        for ((&id, &target), &is_asked) in batch.ids.iter().zip(&batch.targets).zip(&batch.is_target) {
            assert!(is_asked || id == target);
            assert!(!is_asked || target != EOT);
            asked += f64::from(u8::from(is_asked));
            masked += f64::from(u8::from(is_asked && id == MASK));
            kept += f64::from(u8::from(is_asked && id == target));
        }
        assert_eq!(asked, batch.counts.targets as f64);
        for (row, ids) in plain.ids.chunks(40).enumerate() {
            let candidates = ids.iter().filter(|&&id| id != EOT).count() as f64;
            let count = batch.is_target[row * 40..][..40].iter().filter(|&&is_asked| is_asked).count();
            assert_eq!(count as f64, (0.15 * candidates).round(), "row {row}");
        }
        // Five standard deviations of a share among so many.
        assert!((masked / asked - 0.8).abs() < 5.0 * (0.16 / asked).sqrt(), "{masked} of {asked}");
        assert!((kept / asked - 0.1).abs() < 5.0 * (0.09 / asked).sqrt() + 1.0 / 92.0, "{kept} of {asked}");
    }

    #[test]
    fn a_row_is_masked_alike_every_time_and_otherwise_in_each_way() {
        let set = rows(0.15, 3, 3);
        let n = set.stream.row_count();
        assert_eq!(set.row_count(), 3 * n);
        let ids = |set: &MaskedTokens, rows: &[u64]| set.rows(rows).unwrap().ids;
        assert_eq!(ids(&set, &[0, 1]), [ids(&set, &[0]), ids(&set, &[1])].concat());
        assert_ne!(ids(&set, &[0]), ids(&set, &[n]));
        assert_eq!(set.rows(&[0]).unwrap().targets, set.rows(&[2 * n]).unwrap().targets);
        assert_ne!(ids(&set, &[0]), ids(&rows(0.15, 3, 4), &[0]));
        let digests = [set.digest(), rows(0.15, 3, 4).digest(), rows(0.2, 3, 3).digest()].map(str::to_owned);
        assert!(digests[0] != digests[1] && digests[0] != digests[2]);
        assert_eq!(digests[0], rows(0.15, 3, 3).digest());
    }

    #[test]
    fn small_and_whole_shares_work() {
        assert_eq!(rows(1e-6, 1, 0).rows(&[0]).unwrap().counts.targets, 1);
        let whole = rows(1.0, 1, 0).rows(&[0]).unwrap();
        assert!(whole.targets.iter().zip(&whole.is_target).all(|(&id, &is_asked)| is_asked == (id != EOT)));
    }

    #[test]
    fn what_cannot_work_is_refused_by_key() {
        let valid = Masking { mask_token: 0, vocabulary_size: 1, share: 0.15, patterns: 1 };
        valid.validate("pretrain").unwrap();
        for (masking, expected) in [
            (Masking { share: 0.0, ..valid }, "`pretrain.mask_share` is 0, but it must be above 0 and at most 1"),
            (
                Masking { share: f64::NAN, ..valid },
                "`pretrain.mask_share` is NaN, but it must be above 0 and at most 1",
            ),
            (Masking { patterns: 0, ..valid }, "`pretrain.mask_patterns` is 0, but it must be at least 1"),
            (
                Masking { mask_token: 1, ..valid },
                "`pretrain.mask_token` is 1, but it must be below the 1 tokens of the vocabulary",
            ),
        ] {
            assert_eq!(masking.validate("pretrain").unwrap_err().to_string(), expected);
        }
    }
}
