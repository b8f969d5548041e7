//! What a decoder reads: equally long rows of token ids, with positions and an attention mask.

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
}

impl Batch {
    /// Rows of equal length, each one text read from left to right.
    pub fn causal<R: AsRef<[u32]>>(rows: &[R]) -> Result<Batch, NnError> {
        let (ids, batch, time) = join(rows)?;
        let positions = (0..batch).flat_map(|_| 0..time as u32).collect();
        Ok(Batch { ids, batch, time, positions, mask: Mask::Causal })
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
        Ok(Batch { ids, batch, time, positions, mask: Mask::Packed { document_of: Arc::from(document_of) } })
    }
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
