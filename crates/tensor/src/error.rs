//! What can go wrong in this crate.

use std::path::PathBuf;

use crate::{DType, Isa};

/// An error of the engine; the message names the operation and the shapes, or the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// Two shapes that an operation cannot take together.
    #[error("{op}: shapes {left:?} and {right:?} do not fit")]
    Shape {
        /// The operation.
        op: &'static str,
        /// The first shape.
        left: Vec<usize>,
        /// The second shape, or what the first was expected to be.
        right: Vec<usize>,
    },
    /// A list whose length does not follow from the other arguments.
    #[error("{op}: {found} {what}, expected {expected}")]
    Length {
        /// The operation.
        op: &'static str,
        /// What the list holds.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// A dimension of zero, where the operation needs at least one row and column.
    #[error("{op}: the shape {shape:?} has no elements")]
    Empty {
        /// The operation.
        op: &'static str,
        /// The shape.
        shape: Vec<usize>,
    },
    /// An index past the end of what it points into.
    #[error("{op}: {what} {index} is out of range, it must be below {limit}")]
    Index {
        /// The operation.
        op: &'static str,
        /// What is indexed.
        what: &'static str,
        /// The index.
        index: u64,
        /// The first index that does not exist.
        limit: u64,
    },
    /// An argument outside its domain.
    #[error("{op}: {what}")]
    Argument {
        /// The operation.
        op: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A tensor whose storage type is not the one asked for.
    #[error("{op}: the tensor holds {found:?}, expected {expected:?}")]
    DType {
        /// The operation.
        op: &'static str,
        /// The storage type asked for.
        expected: DType,
        /// The storage type found.
        found: DType,
    },
    /// A loss without a single counted row.
    #[error("{op}: every row is ignored or has weight zero, so there is nothing to learn from")]
    NoTargets {
        /// The operation.
        op: &'static str,
    },
    /// A value that is not a number, or infinite.
    #[error("{op}: the output holds {value} at row {row}, column {column}")]
    NotFinite {
        /// The operation that made the value.
        op: &'static str,
        /// The value.
        value: f32,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// A failure of an operation inside a part of a model.
    #[error("{source} (in {part})")]
    In {
        /// The part, as the tape was told: `layers.3.self_attn`.
        part: String,
        /// What failed there.
        source: Box<TensorError>,
    },
    /// Backward over a tape that did not record.
    #[error("backward: the tape was made with forward_only and holds nothing to differentiate")]
    NotRecorded,
    /// A name given twice.
    #[error("a parameter named {name} exists already")]
    DuplicateParameter {
        /// The name.
        name: String,
    },
    /// A name that is no instruction set's.
    #[error("there is no instruction set {name:?}; there are scalar, avx2, avx512 and amx")]
    UnknownIsa {
        /// The name given.
        name: String,
    },
    /// An instruction set that this processor does not have.
    #[error("this processor does not have the instruction set {}", isa.name())]
    Isa {
        /// The instruction set asked for.
        isa: Isa,
    },
    /// An instruction set of this processor that the operating system keeps from this process.
    #[error("this processor has the instruction set {}, but the operating system does not let it be used: {reason}", isa.name())]
    IsaRefused {
        /// The instruction set asked for.
        isa: Isa,
        /// What the operating system said.
        reason: String,
    },
    /// Worker threads could not be started.
    #[error("cannot start {count} worker threads: {reason}")]
    Threads {
        /// How many were asked for.
        count: usize,
        /// The operating system's reason.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file that is not a whole weight file.
    #[error("{}: not a readable safetensors file: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TensorError {
    /// A shape error; both shapes as given.
    pub(crate) fn shape(op: &'static str, left: impl Into<Vec<usize>>, right: impl Into<Vec<usize>>) -> Self {
        TensorError::Shape { op, left: left.into(), right: right.into() }
    }

    /// An argument error.
    pub(crate) fn argument(op: &'static str, what: impl Into<String>) -> Self {
        TensorError::Argument { op, what: what.into() }
    }
}

/// `Ok` when `found` is `expected`, a length error otherwise.
pub(crate) fn check_length(op: &'static str, what: &'static str, found: usize, expected: usize) -> crate::Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(TensorError::Length { op, what, found, expected }),
    }
}
