//! A dense array: a shape and its values, row-major.

use half::bf16;

use crate::buffer::Buffer;
use crate::error::check_length;
use crate::{Result, TensorError};

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE 754 single precision.
    F32,
    /// The upper half of an f32 (8 bits of exponent, 7 of fraction), rounded to nearest even.
    Bf16,
}

impl DType {
    /// Bytes a value.
    pub fn size(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::Bf16 => 2,
        }
    }
}

#[derive(Clone)]
enum Storage {
    F32(Buffer),
    Bf16(Vec<bf16>),
}

/// A contiguous row-major array of any rank.
#[derive(Clone)]
pub struct Tensor {
    shape: Dimensions,
    storage: Storage,
}

/// Dimensions, outermost first; those of a matrix, which every operation makes, without memory of their own.
#[derive(Clone)]
enum Dimensions {
    Matrix([usize; 2]),
    Any(Vec<usize>),
}

impl Tensor {
    /// A tensor of `shape` (dimensions, outermost first) over `values`.
    ///
    /// # Errors
    /// When the number of values is not the product of the dimensions.
    pub fn from_f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Result<Tensor> {
        let shape = shape.into();
        check_length("from_f32", "values", values.len(), elements("from_f32", &shape)?)?;
        Ok(Tensor { shape: Dimensions::Any(shape), storage: Storage::F32(Buffer::lasting_copy_of(&values)) })
    }

    /// A tensor of `shape` over values already rounded to bf16.
    ///
    /// # Errors
    /// When the number of values is not the product of the dimensions.
    pub fn from_bf16(shape: impl Into<Vec<usize>>, values: Vec<bf16>) -> Result<Tensor> {
        let shape = shape.into();
        check_length("from_bf16", "values", values.len(), elements("from_bf16", &shape)?)?;
        Ok(Tensor { shape: Dimensions::Any(shape), storage: Storage::Bf16(values) })
    }

    /// Zeros.
    pub fn zeros(shape: impl Into<Vec<usize>>, dtype: DType) -> Tensor {
        let shape = shape.into();
        let count = shape.iter().product();
        let storage = match dtype {
            DType::F32 => Storage::F32(Buffer::lasting(count)),
            DType::Bf16 => Storage::Bf16(vec![bf16::ZERO; count]),
        };
        Tensor { shape: Dimensions::Any(shape), storage }
    }

    /// A matrix over a buffer whose length is `rows * columns`.
    pub(crate) fn matrix(rows: usize, columns: usize, values: Buffer) -> Tensor {
        debug_assert_eq!(values.len(), rows * columns);
        Tensor { shape: Dimensions::Matrix([rows, columns]), storage: Storage::F32(values) }
    }

    /// Let go of the values; the shape stays.
    pub(crate) fn drop_values(&mut self) {
        self.storage = Storage::F32(Buffer::default());
    }

    /// Put back values after [`Tensor::drop_values`].
    pub(crate) fn put_values(&mut self, values: Buffer) {
        debug_assert_eq!(values.len(), self.shape().iter().product::<usize>());
        self.storage = Storage::F32(values);
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        match &self.shape {
            Dimensions::Matrix(shape) => shape,
            Dimensions::Any(shape) => shape,
        }
    }

    /// How the values are stored.
    pub fn dtype(&self) -> DType {
        match self.storage {
            Storage::F32(_) => DType::F32,
            Storage::Bf16(_) => DType::Bf16,
        }
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        match &self.storage {
            Storage::F32(values) => values.len(),
            Storage::Bf16(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of an f32 tensor.
    ///
    /// # Errors
    /// When they are stored otherwise; [`Tensor::to_f32_vec`] converts.
    pub fn as_f32(&self) -> Result<&[f32]> {
        match &self.storage {
            Storage::F32(values) => Ok(values),
            Storage::Bf16(_) => Err(TensorError::DType { op: "as_f32", expected: DType::F32, found: DType::Bf16 }),
        }
    }

    /// The values of an f32 tensor, to be changed.
    ///
    /// # Errors
    /// When they are stored otherwise.
    pub fn as_f32_mut(&mut self) -> Result<&mut [f32]> {
        match &mut self.storage {
            Storage::F32(values) => Ok(values),
            Storage::Bf16(_) => Err(TensorError::DType { op: "as_f32_mut", expected: DType::F32, found: DType::Bf16 }),
        }
    }

    /// The values of a bf16 tensor.
    ///
    /// # Errors
    /// When they are stored otherwise.
    pub fn as_bf16(&self) -> Result<&[bf16]> {
        match &self.storage {
            Storage::Bf16(values) => Ok(values),
            Storage::F32(_) => Err(TensorError::DType { op: "as_bf16", expected: DType::Bf16, found: DType::F32 }),
        }
    }

    /// A copy of the values, widened where needed.
    pub fn to_f32_vec(&self) -> Vec<f32> {
        match &self.storage {
            Storage::F32(values) => values.to_vec(),
            Storage::Bf16(values) => values.iter().map(|value| value.to_f32()).collect(),
        }
    }

    /// A copy stored as `dtype`; narrowing rounds to nearest even.
    pub fn to_dtype(&self, dtype: DType) -> Tensor {
        let storage = match (&self.storage, dtype) {
            (Storage::F32(values), DType::Bf16) => {
                Storage::Bf16(values.iter().map(|&value| bf16::from_f32(value)).collect())
            }
            (Storage::Bf16(values), DType::F32) => {
                let mut wide = Buffer::lasting(values.len());
                wide.iter_mut().zip(values).for_each(|(wide, value)| *wide = value.to_f32());
                Storage::F32(wide)
            }
            (storage, _) => storage.clone(),
        };
        Tensor { shape: self.shape.clone(), storage }
    }

    /// The f32 values of a tensor that this crate made as f32.
    pub(crate) fn values(&self) -> &[f32] {
        match &self.storage {
            Storage::F32(values) => values,
            Storage::Bf16(_) => &[],
        }
    }

    /// The rows and columns of a matrix; a vector is one row.
    pub(crate) fn matrix_shape(&self, op: &'static str) -> Result<(usize, usize)> {
        match *self.shape() {
            [rows, columns] => Ok((rows, columns)),
            [columns] => Ok((1, columns)),
            _ => Err(TensorError::argument(op, format!("the shape {:?} is not that of a matrix", self.shape()))),
        }
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head: Vec<f32> = match &self.storage {
            Storage::F32(values) => values.iter().take(8).copied().collect(),
            Storage::Bf16(values) => values.iter().take(8).map(|value| value.to_f32()).collect(),
        };
        write!(f, "Tensor({:?}, {:?}, {head:?}{})", self.shape(), self.dtype(), if self.len() > 8 { "…" } else { "" })
    }
}

/// The product of the dimensions; a shape from a damaged file may overflow it.
fn elements(op: &'static str, shape: &[usize]) -> Result<usize> {
    shape
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size))
        .ok_or_else(|| TensorError::argument(op, format!("the shape {shape:?} has too many elements")))
}
