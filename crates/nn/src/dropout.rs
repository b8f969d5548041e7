//! Dropout at several places of one forward pass.

use lang::rng::Rng;
use tensor::{Tape, Var};

use crate::NnError;

/// Gives each place where values are dropped its own seed.
pub(crate) struct Dropout {
    setting: Option<(f32, u64)>,
    site: u64,
}

impl Dropout {
    /// A probability and a seed, or nothing.
    pub(crate) fn new(setting: Option<(f32, u64)>) -> Dropout {
        Dropout { setting: setting.filter(|&(p, _)| p > 0.0), site: 0 }
    }

    /// x after the next place, which is the last to read x itself.
    pub(crate) fn apply(&mut self, tape: &mut Tape, x: Var) -> Result<Var, NnError> {
        let Some((p, seed)) = self.setting else { return Ok(x) };
        self.site += 1;
        let dropped = tape.dropout(x, p, Rng::for_item(seed, "dropout", self.site).next_u64())?;
        tape.release(x);
        Ok(dropped)
    }
}
