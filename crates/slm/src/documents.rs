//! What a counting model takes a document to be.
//!
//! A document is predicted as its tokens and then the end token, given the beginning token. Callers may hand documents
//! over bare or with those two already around them, or several in a row with them between: the tokens are cut at every
//! beginning and end token, and empty pieces teach nothing.

use crate::error::SlmError;

/// Check that every id of document number `index` is in the vocabulary.
pub(crate) fn check_ids(index: usize, document: &[u32], vocabulary_size: usize) -> Result<(), SlmError> {
    match document.iter().position(|&id| id as usize >= vocabulary_size) {
        None => Ok(()),
        Some(position) => {
            Err(SlmError::UnknownToken { document: index, position, id: document[position], vocabulary_size })
        }
    }
}

/// Check that the two boundary tokens are in the vocabulary.
pub(crate) fn check_boundaries(beginning: u32, end: u32, vocabulary_size: usize) -> Result<(), SlmError> {
    for (name, id) in [("beginning", beginning), ("end", end)] {
        if id as usize >= vocabulary_size {
            return Err(SlmError::Boundary { name, id, vocabulary_size });
        }
    }
    Ok(())
}

/// The pieces of text in a document, boundary tokens taken away.
pub(crate) fn pieces(document: &[u32], beginning: u32, end: u32) -> impl Iterator<Item = &[u32]> {
    document.split(move |&id| id == beginning || id == end).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_boundaries() {
        let cases: [(&[u32], &[&[u32]]); 6] = [
            (&[], &[]),
            (&[0, 9], &[]),
            (&[5, 6], &[&[5, 6]]),
            (&[0, 5, 6, 9], &[&[5, 6]]),
            (&[0, 5, 9, 0, 6, 9], &[&[5], &[6]]),
            (&[5, 9, 9, 6], &[&[5], &[6]]),
        ];
        for (document, expected) in cases {
            assert_eq!(pieces(document, 0, 9).collect::<Vec<_>>(), expected, "{document:?}");
        }
    }
}
