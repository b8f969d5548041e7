//! Which instruction set the kernels use: found at run time, and forced by tests.

pub(crate) mod amx;

use std::sync::atomic::{AtomicU8, Ordering};

use crate::{Result, TensorError};

/// An instruction set with kernels of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust, on any processor; the oracle of the others.
    Scalar,
    /// x86-64 with AVX2 and FMA (256-bit vectors).
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL (512-bit vectors).
    Avx512,
    /// AVX-512 and, for products in bf16, the tile registers of AMX-TILE and AMX-BF16.
    Amx,
}

impl std::str::FromStr for Isa {
    type Err = TensorError;

    /// The instruction set of this name, whether or not this processor has it.
    fn from_str(name: &str) -> Result<Isa> {
        let unknown = || TensorError::UnknownIsa { name: name.to_owned() };
        Isa::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(unknown)
    }
}

const UNKNOWN: u8 = u8::MAX;
static CHOSEN: AtomicU8 = AtomicU8::new(UNKNOWN);

impl Isa {
    const ALL: [Isa; 4] = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Amx];

    /// Its name, as a person types it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Amx => "amx",
        }
    }

    /// Whether this processor has it and this process may use it. The first question about AMX asks the operating system
    /// for its permission.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => amx::access() == amx::Access::Granted,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }
}

/// Every instruction set of this processor, the plainest first.
pub fn available_isas() -> Vec<Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available()).collect()
}

/// The instruction set in use: the widest one available unless [`set_isa`] chose another.
pub fn isa() -> Isa {
    match CHOSEN.load(Ordering::Relaxed) {
        0 => Isa::Scalar,
        1 => Isa::Avx2,
        2 => Isa::Avx512,
        3 => Isa::Amx,
        _ => {
            let widest = available_isas().pop().unwrap_or(Isa::Scalar);
            CHOSEN.store(widest as u8, Ordering::Relaxed);
            widest
        }
    }
}

/// Why this process may not use an instruction set that its processor has; `None` where there is no such set.
pub fn refused_isa() -> Option<TensorError> {
    amx::access().refusal().map(|reason| TensorError::IsaRefused { isa: Isa::Amx, reason })
}

/// Use `isa` from now on, in the whole process.
///
/// # Errors
/// When the processor does not have it ([`TensorError::Isa`]), or the operating system does not let this process use it
/// ([`TensorError::IsaRefused`]).
pub fn set_isa(isa: Isa) -> Result<()> {
    if !isa.is_available() {
        let refused = if isa == Isa::Amx { refused_isa() } else { None };
        return Err(refused.unwrap_or(TensorError::Isa { isa }));
    }
    CHOSEN.store(isa as u8, Ordering::Relaxed);
    Ok(())
}
