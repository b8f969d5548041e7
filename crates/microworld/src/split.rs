//! Which side of the train / held-out wall a name or an arithmetic problem stands on.
//!
//! The side is a property of the name itself (a hash of its bytes), not of the seed, so two runs with different seeds
//! can never put one name on both sides. One in [`HELD_OUT_SHARE`] names, and one in as many operand pairs, is held out.

use serde::{Deserialize, Serialize};

/// One name (or operand pair) in this many is held out.
pub const HELD_OUT_SHARE: u64 = 5;

/// The two sides of the wall: people, places and arithmetic problems of one never appear on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Worlds to learn from.
    Train,
    /// Worlds to be measured on.
    HeldOut,
}

impl Split {
    /// The side on which `name` (a person or a place, in either script) stands.
    pub fn of_name(name: &str) -> Split {
        Split::of_hash(hash(name.bytes()))
    }

    /// The side on which the problem `first operator second` stands; word problems with these operands follow it.
    pub fn of_operands(operator: char, first: u32, second: u32) -> Split {
        let bytes = [operator as u8].into_iter().chain(first.to_le_bytes()).chain(second.to_le_bytes());
        Split::of_hash(hash(bytes))
    }

    /// Name of the random stream of one side, so that the sides draw differently for one seed.
    pub(crate) fn stream(self, purpose: &str) -> String {
        match self {
            Split::Train => format!("{purpose}/train"),
            Split::HeldOut => format!("{purpose}/held-out"),
        }
    }

    fn of_hash(hash: u64) -> Split {
        if hash.is_multiple_of(HELD_OUT_SHARE) { Split::HeldOut } else { Split::Train }
    }
}

/// FNV-1a with a final mix: FNV alone leaves the low bits of short strings uneven.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 31;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_in_five_is_held_out() {
        let mut held_out = 0;
        for first in 0..100 {
            for second in 0..100 {
                held_out += u32::from(Split::of_operands('+', first, second) == Split::HeldOut);
            }
        }
        assert!((1_850..2_150).contains(&held_out), "{held_out} of 10000");
    }
}
