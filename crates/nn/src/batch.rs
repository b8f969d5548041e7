//! What a network reads: equally long rows of token ids, with positions and an attention mask, and for an
//! encoder-decoder the rows its encoder reads.

use std::sync::Arc;

use tensor::Mask;

use crate::NnError;

/// `batch` rows of `time` tokens, laid out row after row.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Token ids, `batch * time` of them.
    pub ids: Vec<u32>,
    /// How many rows.
    pub batch: usize,
    /// How many tokens in a row.
    pub time: usize,
    /// Position of each token inside its document.
    pub positions: Vec<u32>,
    /// Which tokens see which.
    pub mask: Mask,
    /// The segment of each token, for encoders that tell segments apart; empty where all are in segment 0.
    pub token_types: Vec<u32>,
    /// What an encoder-decoder's encoder reads.
    pub source: Option<Source>,
    /// Which tokens fill rows up and are no text, where some do: what a network loses beside the objective leaves them out.
    pub is_padding: Vec<bool>,
}

/// The rows that an encoder reads for a decoder: as many as the decoder's, each padded at its end.
#[derive(Clone, Debug)]
pub struct Source {
    /// Token ids, `batch * time` of them.
    pub ids: Vec<u32>,
    /// How many tokens in a row, padding included.
    pub time: usize,
    /// How many tokens of each row are no padding.
    pub lengths: Vec<usize>,
}

impl Source {
    /// Rows of any lengths, filled up with `pad` to the longest.
    ///
    /// # Errors
    /// When there is no row, or an empty one.
    pub fn new<R: AsRef<[u32]>>(rows: &[R], pad: u32) -> Result<Source, NnError> {
        let (ids, time, lengths) = fill_up(rows, pad)?;
        Ok(Source { ids, time, lengths })
    }
}

impl Batch {
    /// Rows of equal length, each one text read from left to right.
    pub fn causal<R: AsRef<[u32]>>(rows: &[R]) -> Result<Batch, NnError> {
        Batch::alike(rows, Mask::Causal)
    }

    /// Rows of equal length, each one text of which every token sees every other.
    pub fn full<R: AsRef<[u32]>>(rows: &[R]) -> Result<Batch, NnError> {
        Batch::alike(rows, Mask::Full)
    }

    fn alike<R: AsRef<[u32]>>(rows: &[R], mask: Mask) -> Result<Batch, NnError> {
        let (ids, batch, time) = join(rows)?;
        let positions = (0..batch).flat_map(|_| 0..time as u32).collect();
        Ok(Batch { ids, batch, time, positions, mask, token_types: Vec::new(), source: None, is_padding: Vec::new() })
    }

    /// Rows of any lengths, filled up with `pad` to the longest; every token of a row sees every other, and no token of
    /// the text sees padding.
    ///
    /// # Errors
    /// When there is no row, or an empty one.
    pub fn padded<R: AsRef<[u32]>>(rows: &[R], pad: u32) -> Result<Batch, NnError> {
        let (ids, time, lengths) = fill_up(rows, pad)?;
        let positions = lengths.iter().flat_map(|_| 0..time as u32).collect();
        let mask = Mask::padded(&lengths, time)?;
        Ok(Batch {
            ids,
            batch: lengths.len(),
            time,
            positions,
            mask,
            token_types: Vec::new(),
            source: None,
            is_padding: Vec::new(),
        })
    }

    /// The same with what the encoder reads.
    pub fn with_source(self, source: Source) -> Batch {
        Batch { source: Some(source), ..self }
    }

    /// The same with word of which tokens are padding.
    pub fn with_padding(self, is_padding: Vec<bool>) -> Batch {
        Batch { is_padding, ..self }
    }

    /// The same with a segment for every token.
    pub fn with_token_types(self, token_types: Vec<u32>) -> Batch {
        Batch { token_types, ..self }
    }

    /// Whether sizes, ids and positions fit together and fit a vocabulary and a table of positions.
    pub(crate) fn check(&self, vocabulary_size: usize, positions: Option<usize>) -> Result<(), NnError> {
        let rows = self.batch.checked_mul(self.time);
        if rows != Some(self.ids.len()) || self.positions.len() != self.ids.len() || self.ids.is_empty() {
            return Err(NnError::Batch(format!(
                "{} rows of {} tokens, but {} ids and {} positions",
                self.batch,
                self.time,
                self.ids.len(),
                self.positions.len()
            )));
        }
        check_ids(&self.ids, vocabulary_size)?;
        let beyond = |limit: usize| self.positions.iter().find(move |&&position| position as usize >= limit);
        match positions.and_then(|limit| Some((*beyond(limit)? as usize, limit))) {
            Some((position, limit)) => Err(NnError::TooLong { position, limit }),
            None => Ok(()),
        }
    }

    /// Whether what stands beside the rows is what `reader` asks for: a source, and segments below `n_segments`.
    pub(crate) fn check_reader(&self, reader: &str, reads_source: bool, n_segments: usize) -> Result<(), NnError> {
        if self.source.is_some() != reads_source {
            let has = if reads_source { "no rows for its encoder" } else { "rows for an encoder" };
            return Err(NnError::Batch(format!("{reader} was given {has}")));
        }
        if !self.token_types.is_empty() && self.token_types.len() != self.ids.len() {
            let (segments, tokens) = (self.token_types.len(), self.ids.len());
            return Err(NnError::Batch(format!("segments for {segments} tokens, but {tokens} tokens")));
        }
        match self.token_types.iter().position(|&segment| segment as usize >= n_segments) {
            Some(at) => Err(NnError::Batch(format!(
                "segment {} at position {at}, but {reader} knows {n_segments}",
                self.token_types[at]
            ))),
            None => Ok(()),
        }
    }

    /// Rows of equal length, each filled with whole documents whose lengths are given row by row. Positions restart
    /// with every document and attention stays inside it, so that packed documents equal separate ones (Krell et al.
    /// 2021). The lengths of a row add up to its tokens: padding counts as a document of its own.
    pub fn packed<R: AsRef<[u32]>, L: AsRef<[usize]>>(rows: &[R], lengths: &[L]) -> Result<Batch, NnError> {
        let (ids, batch, time) = join(rows)?;
        if lengths.len() != batch {
            return Err(NnError::Batch(format!("{batch} rows but document lengths for {}", lengths.len())));
        }
        let mut positions = Vec::with_capacity(ids.len());
        let mut document_of = Vec::with_capacity(ids.len());
        let mut document = 0u32;
        for (row, lengths) in lengths.iter().enumerate() {
            let lengths = lengths.as_ref();
            let total = lengths.iter().fold(0usize, |sum, &length| sum.saturating_add(length));
            if total != time {
                return Err(NnError::Batch(format!("the documents of row {row} have {total} tokens, the row {time}")));
            }
            for &length in lengths {
                positions.extend(0..length as u32);
                document_of.extend(std::iter::repeat_n(document, length));
                document += 1;
            }
        }
        Ok(Batch {
            ids,
            batch,
            time,
            positions,
            mask: Mask::Packed { document_of: Arc::from(document_of) },
            token_types: Vec::new(),
            source: None,
            is_padding: Vec::new(),
        })
    }
}

/// Whether every id has a row in a table of `vocabulary_size`.
pub(crate) fn check_ids(ids: &[u32], vocabulary_size: usize) -> Result<(), NnError> {
    match ids.iter().enumerate().find(|&(_, &id)| id as usize >= vocabulary_size) {
        Some((at, &id)) => Err(NnError::UnknownToken { id, at, vocabulary_size }),
        None => Ok(()),
    }
}

/// Ids of the rows filled up to the longest, its length, and the length of each.
fn fill_up<R: AsRef<[u32]>>(rows: &[R], pad: u32) -> Result<(Vec<u32>, usize, Vec<usize>), NnError> {
    let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().len()).collect();
    if let Some(row) = lengths.iter().position(|&length| length == 0) {
        return Err(NnError::Batch(format!("row {row} has no tokens")));
    }
    let time = *lengths.iter().max().ok_or_else(|| NnError::Batch("there are no rows in it".to_string()))?;
    let padding = |row: &R| std::iter::repeat_n(pad, time - row.as_ref().len());
    let ids = rows.iter().flat_map(|row| row.as_ref().iter().copied().chain(padding(row))).collect();
    Ok((ids, time, lengths))
}

fn join<R: AsRef<[u32]>>(rows: &[R]) -> Result<(Vec<u32>, usize, usize), NnError> {
    let time = rows.first().map_or(0, |row| row.as_ref().len());
    if time == 0 {
        return Err(NnError::Batch("there are no tokens in it".to_string()));
    }
    if let Some((row, ids)) = rows.iter().enumerate().find(|(_, ids)| ids.as_ref().len() != time) {
        return Err(NnError::Batch(format!("row {row} has {} tokens, row 0 has {time}", ids.as_ref().len())));
    }
    let ids = rows.iter().flat_map(|row| row.as_ref().iter().copied()).collect();
    Ok((ids, rows.len(), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_positions_restart() {
        let batch = Batch::packed(&[[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], &[vec![2, 3], vec![5]]).unwrap();
        assert_eq!(batch.positions, [0, 1, 0, 1, 2, 0, 1, 2, 3, 4]);
        let Mask::Packed { document_of } = batch.mask else { panic!("{:?}", batch.mask) };
        assert_eq!(*document_of, [0, 0, 1, 1, 1, 2, 2, 2, 2, 2]);
    }

    #[test]
    fn uneven_rows_are_refused() {
        let uneven = Batch::causal(&[vec![1, 2], vec![3]]).unwrap_err().to_string();
        assert_eq!(uneven, "batch: row 1 has 1 tokens, row 0 has 2");
        assert!(Batch::causal::<Vec<u32>>(&[]).is_err());
        assert!(Batch::packed(&[[1, 2]], &[[1]]).unwrap_err().to_string().contains("row 0 have 1 tokens"));
        assert!(Batch::packed::<_, Vec<usize>>(&[[1, 2]], &[]).is_err());
    }
}
