//! Drawing whole documents to targets: which document of each source is taken how often, and where it stands in the
//! result. Everything is a function of the seed and the documents' lengths.
//!
//! A source's documents are gone through in an order shuffled anew for every epoch, until its target is met; the last one
//! is cut there, so that long documents do not spoil a share. Document j of a source that begins after t of its T tokens
//! gets the place t / T, and the result is in order of places: every stretch of it has the shares of the whole.

use lang::rng::Rng;

use super::Target;

/// One document of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pick {
    /// Where it stands, in parts of 2⁴⁸ of the whole.
    pub place: u64,
    /// Which source.
    pub source: u32,
    /// Which document of it, in reading order.
    pub document: u32,
    /// Which time through the source, from 0.
    pub epoch: u32,
    /// Tokens that are taken; fewer than it has only in the last document of a source.
    pub tokens: u32,
}

const WHOLE: u128 = 1 << 48;

/// The documents of the result in its order. `lengths` are the tokens of every document, source by source.
pub fn draw(targets: &[Target], lengths: &[Vec<u32>], seed: u64) -> Vec<Pick> {
    let mut picks = Vec::new();
    for (source, (target, lengths)) in targets.iter().zip(lengths).enumerate() {
        let mut taken = 0u64;
        let mut epoch = 0u32;
        while taken < target.tokens && target.available > 0 {
            let mut order: Vec<u32> = (0..lengths.len() as u32).collect();
            Rng::for_item(seed, &format!("mix.{}", target.name), u64::from(epoch)).shuffle(&mut order);
            for document in order {
                let tokens = u64::from(lengths[document as usize]).min(target.tokens - taken);
                if tokens == 0 {
                    continue;
                }
                let place = (u128::from(taken) * WHOLE / u128::from(target.tokens)) as u64;
                picks.push(Pick { place, source: source as u32, document, epoch, tokens: tokens as u32 });
                taken += tokens;
                if taken == target.tokens {
                    break;
                }
            }
            epoch += 1;
        }
    }
    picks.sort_unstable();
    picks
}

/// How many bytes of `text` to keep so that about `tokens` of its `all` tokens stay: at white space where there is some
/// near, else at a character.
pub fn cut(text: &str, tokens: u64, all: u64) -> usize {
    if tokens >= all || all == 0 {
        return text.len();
    }
    let mut end = (text.len() as u128 * u128::from(tokens) / u128::from(all)) as usize;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let near = text[..end].char_indices().rev().take(40).find(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    near.filter(|at| *at > 0).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(tokens: &[u64], available: &[u64]) -> Vec<Target> {
        let all: u64 = tokens.iter().sum();
        let target = |(index, (&tokens, &available)): (usize, (&u64, &u64))| Target {
            name: format!("s{index}"),
            share: tokens as f64 / all as f64,
            tokens,
            available,
            epochs: tokens as f64 / available as f64,
        };
        tokens.iter().zip(available).enumerate().map(target).collect()
    }

    #[test]
    fn targets_are_met_and_prefixes_have_the_shares() {
        let mut rng = Rng::new(4);
        let lengths: Vec<Vec<u32>> =
            [900, 40, 7].iter().map(|&n| (0..n).map(|_| 1 + rng.index(900) as u32).collect()).collect();
        let available: Vec<u64> = lengths.iter().map(|l| l.iter().map(|&n| u64::from(n)).sum()).collect();
        let targets = targets(&[200_000, 60_000, 20_000], &available);
        let picks = draw(&targets, &lengths, 11);
        assert_eq!(picks, draw(&targets, &lengths, 11));
        assert_ne!(picks, draw(&targets, &lengths, 12));
        let mut sums = [0u64; 3];
        let mut all = 0u64;
        for pick in &picks {
            sums[pick.source as usize] += u64::from(pick.tokens);
            all += u64::from(pick.tokens);
            // No source is more than one document, of at most 900 tokens, ahead of its share.
            if all > 40_000 {
                for (sum, target) in sums.iter().zip(&targets) {
                    assert!((*sum as f64 / all as f64 - target.share).abs() < 0.06, "{sums:?} at {all}");
                }
            }
        }
        assert_eq!(sums, [200_000, 60_000, 20_000]);
        // A source is gone through whole before anything of it comes again.
        let of_second: Vec<&Pick> = picks.iter().filter(|pick| pick.source == 1).collect();
        let first_epoch = of_second.iter().filter(|pick| pick.epoch == 0).count();
        assert_eq!(first_epoch, 40);
        let again = of_second.iter().position(|pick| pick.epoch == 1).unwrap();
        assert!(of_second[..again].iter().all(|pick| pick.epoch == 0));
    }

    #[test]
    fn cuts_are_at_words() {
        assert_eq!(&"one two three four"[..cut("one two three four", 2, 4)], "one two");
        assert_eq!(&"一二三四五"[..cut("一二三四五", 2, 5)], "一二");
        assert_eq!(cut("abc", 5, 3), 3);
        assert_eq!(cut("", 1, 2), 0);
    }
}
