//! Sums and differences with worked steps; the last number of the answer is what counts.

use super::Exchange;
use crate::arithmetic::Worked;
use crate::world::{Language, World};
use lang::instance::Extract;
use lang::rng::Rng;

/// Share of problems told as a small story.
const WORD_PROBLEM_SHARE: f64 = 0.4;

pub(super) fn generate(rng: &mut Rng, world: &World, language: Language) -> Exchange {
    let worked = if rng.chance(WORD_PROBLEM_SHARE) {
        Worked::word_problem(rng, world, language)
    } else {
        Worked::bare(rng, world.split, language)
    };
    let wrong = worked.wrong_answer(rng);
    Exchange { extract: Extract::LastNumber, ..Exchange::new(worked.question, worked.answer, wrong) }
}
