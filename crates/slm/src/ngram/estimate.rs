//! Estimating: here are the adjusted counts; give me discounted, interpolated probabilities and back-off weights.

use super::count::Counts;
use super::{Discounts, Level, NGram, NGramConfig, TOKEN_BITS, link, low_tokens};
use crate::error::SlmError;

/// Modified Kneser–Ney over all orders, lowest first, because each order leans on the one below.
pub(super) fn estimate(counts: Vec<Counts>, config: &NGramConfig) -> Result<NGram, SlmError> {
    let discounts: Vec<Discounts> = counts.iter().map(|level| Discounts::estimate(&level.counts)).collect();
    // While levels are built, `log_probs` holds plain probabilities.
    let mut model = NGram { vocabulary_size: config.vocabulary_size, levels: Vec::new(), discounts };
    let unigrams = unigrams(&counts[0], &model.discounts[0], config.vocabulary_size);
    model.levels.push(unigrams);
    let mut contexts: Vec<u128> = (0..config.vocabulary_size as u128).collect();
    for (below, level) in counts.into_iter().skip(1).enumerate() {
        let discounts = model.discounts[below + 1];
        model.levels[below].children = link(contexts.into_iter(), &level.keys)
            .expect("the first k - 1 tokens of a counted k-gram were counted when the last of them was predicted");
        let built = higher_level(&mut model, below, &level, &discounts);
        model.levels.push(built);
        contexts = level.keys;
    }
    for level in &mut model.levels {
        level.log_probs.iter_mut().for_each(|probability| *probability = probability.ln());
    }
    Ok(model)
}

/// The lowest order, dense, interpolated with the uniform distribution.
fn unigrams(counted: &Counts, discounts: &Discounts, vocabulary_size: usize) -> Level {
    let weights = Weights::of(&counted.counts, discounts);
    let mut log_probs = vec![weights.backoff / vocabulary_size as f64; vocabulary_size];
    for (&key, &count) in counted.keys.iter().zip(&counted.counts) {
        // A packed unigram is its token, which was checked to be in the vocabulary.
        log_probs[key as usize] += weights.discounted(count, discounts);
    }
    Level { words: (0..vocabulary_size as u32).collect(), log_probs, log_backoffs: Vec::new(), children: Vec::new() }
}

/// The level above `model.levels[below]`, whose children are linked already; sets the back-off weights of `below`.
fn higher_level(model: &mut NGram, below: usize, counted: &Counts, discounts: &Discounts) -> Level {
    let order = below + 2;
    let n_contexts = model.levels[below].words.len();
    let mut log_probs = Vec::with_capacity(counted.keys.len());
    let mut log_backoffs = vec![0.0; n_contexts];
    let mut context_tokens = vec![0u32; order - 1];
    for context in 0..n_contexts {
        let children = &model.levels[below].children;
        let range = children[context] as usize..children[context + 1] as usize;
        if range.is_empty() {
            continue;
        }
        let weights = Weights::of(&counted.counts[range.clone()], discounts);
        log_backoffs[context] = weights.backoff.ln();
        unpack(counted.keys[range.start] >> TOKEN_BITS, &mut context_tokens);
        // Empty for bigrams, whose shorter n-grams are the dense first level.
        let shorter = model.find(&context_tokens[1..]);
        for entry in range {
            let word = (counted.keys[entry] & low_tokens(1)) as u32;
            let lower = match shorter {
                None => word as usize,
                Some(node) => model
                    .child(below - 1, node, word)
                    .expect("the last k - 1 tokens of a counted k-gram are counted with it"),
            };
            let own = weights.discounted(counted.counts[entry], discounts);
            log_probs.push(own + weights.backoff * model.levels[below].log_probs[lower]);
        }
    }
    model.levels[below].log_backoffs = log_backoffs;
    let words = counted.keys.iter().map(|key| (key & low_tokens(1)) as u32).collect();
    Level { words, log_probs, log_backoffs: Vec::new(), children: Vec::new() }
}

/// The tokens of a packed n-gram, first one first.
pub(super) fn unpack(mut key: u128, tokens: &mut [u32]) {
    for token in tokens.iter_mut().rev() {
        *token = (key & low_tokens(1)) as u32;
        key >>= TOKEN_BITS;
    }
}

/// What the continuations of one context share.
struct Weights {
    /// Σ_x a(hx).
    total: f64,
    /// γ(h).
    backoff: f64,
}

impl Weights {
    fn of(counts: &[u32], discounts: &Discounts) -> Weights {
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let taken: f64 = {
            let mut with = [0u64; 3];
            for &count in counts {
                with[(count.clamp(1, 3) - 1) as usize] += 1;
            }
            with.iter().zip(discounts.amounts).map(|(&n, amount)| n as f64 * amount).sum()
        };
        Weights { total: total as f64, backoff: taken / total as f64 }
    }

    fn discounted(&self, count: u32, discounts: &Discounts) -> f64 {
        (f64::from(count) - discounts.amounts[(count.clamp(1, 3) - 1) as usize]) / self.total
    }
}

impl Discounts {
    /// Used when the counts of counts allow no estimate; `lmplz --discount_fallback` has the same.
    const FALLBACK: Discounts = Discounts { amounts: [0.5, 1.0, 1.5], fallback: true };

    /// Chen & Goodman 1998, equation 26: Dᵢ = i − (i + 1) · Y · tᵢ₊₁ / tᵢ with Y = t₁ / (t₁ + 2t₂), where tᵢ n-grams
    /// have the adjusted count i.
    ///
    /// A discount of 0 or less falls back too. KenLM allows exactly 0, but then a context may leave nothing for tokens
    /// never seen after it, and every token must stay possible.
    fn estimate(counts: &[u32]) -> Discounts {
        let mut t = [0f64; 5];
        for &count in counts {
            if let Some(slot) = t.get_mut(count as usize) {
                *slot += 1.0;
            }
        }
        if t[1..4].contains(&0.0) {
            return Self::FALLBACK;
        }
        let y = t[1] / (t[1] + 2.0 * t[2]);
        let amounts = [1, 2, 3].map(|i: usize| i as f64 - (i as f64 + 1.0) * y * t[i + 1] / t[i]);
        let valid = amounts.iter().enumerate().all(|(i, &amount)| amount > 0.0 && amount <= i as f64 + 1.0);
        if valid { Discounts { amounts, fallback: false } } else { Self::FALLBACK }
    }
}
