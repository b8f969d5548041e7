//! Text that repeats itself, as a megabyte of one character does: the search for tokens goes on there as it went on before.
//!
//! What the search of `linear` does next depends on the token before, on the bytes the longest token could have, and on the
//! places known to lead nowhere. Where all of these are as they were some tokens ago, the same tokens follow, as often as the
//! text goes on repeating; so they are copied. No arithmetic of any one vocabulary is needed, and it is exact for any period.

/// Tokens between two places that are compared. Characters that have no token of their own take four at most, and the tokens of
/// a run rarely take turns; a longer period is gone through token by token.
const RENEWED: usize = 8;
/// Shorter texts are gone through token by token.
pub(super) const LONG: usize = 128;

/// How many bytes from the places `first` and `second` of `text` on agree, the second being the later one.
pub(super) fn agreeing(text: &[u8], first: usize, second: usize) -> usize {
    const BLOCK: usize = 64;
    let (left, right) = (&text[first..], &text[second..]);
    let blocks = left.chunks_exact(BLOCK).zip(right.chunks_exact(BLOCK));
    let done = BLOCK * blocks.take_while(|(left, right)| left == right).count();
    done + left[done..].iter().zip(&right[done..]).take_while(|(left, right)| left == right).count()
}

/// The same where these are at least [`LONG`]. Short runs, as the spaces before a line of code, are told by their end first.
#[inline]
pub(super) fn long_agreeing(text: &[u8], first: usize, second: usize) -> Option<usize> {
    let end = |place: usize| text.get(place + LONG - 16..place + LONG);
    let may_agree = end(second).is_some_and(|right| end(first) == Some(right));
    Some(if may_agree { agreeing(text, first, second) } else { 0 }).filter(|&agreeing| agreeing >= LONG)
}

/// Where the search stood: after `count` tokens, `position` bytes into the text; of the 64 places from there on, those known to
/// lead nowhere.
#[derive(Clone, Copy)]
struct Stand {
    count: usize,
    position: usize,
    dead: u64,
}

/// Places of a text, as bits; of a short text without an allocation.
pub(super) struct Places {
    short: u64,
    long: Vec<u64>,
    /// No place after this one is marked.
    last: usize,
}

impl Places {
    /// None of those of a text of `length` bytes.
    pub(super) fn new(length: usize) -> Self {
        let long = if length < 64 { Vec::new() } else { vec![0; length / 64 + 1] };
        Places { short: 0, long, last: 0 }
    }

    pub(super) fn has(&self, place: usize) -> bool {
        let word = if self.long.is_empty() { self.short } else { self.long[place / 64] };
        word >> (place % 64) & 1 == 1
    }

    pub(super) fn mark(&mut self, place: usize) {
        self.last = self.last.max(place);
        let word = if self.long.is_empty() { &mut self.short } else { &mut self.long[place / 64] };
        *word |= 1 << (place % 64);
    }

    /// The 64 places of a long text from `place` on, the first in the lowest bit.
    fn from(&self, place: usize) -> u64 {
        let word = |at: usize| u128::from(self.long.get(at).copied().unwrap_or(0));
        ((word(place / 64) | word(place / 64 + 1) << 64) >> (place % 64)) as u64
    }
}

/// Watches a search for tokens.
pub(super) struct Repeats {
    stand: Option<Stand>,
    /// Bytes of the longest token.
    longest: usize,
    is_long: bool,
}

impl Repeats {
    pub(super) fn new(text: &[u8], longest: usize) -> Repeats {
        Repeats { stand: None, longest, is_long: text.len() >= LONG }
    }

    /// To be called when tokens were taken back and `count` are left.
    pub(super) fn went_back(&mut self, count: usize) {
        if self.stand.is_some_and(|stand| count < stand.count) {
            self.stand = None;
        }
    }

    /// To be called after each token, the text up to `position` being encoded in `out`. Appends what follows from repeating and gives the
    /// position after it.
    #[inline]
    pub(super) fn go_on(&mut self, text: &[u8], position: usize, dead: &mut Places, out: &mut Vec<u32>) -> usize {
        if self.is_long && dead.last < position + 64 { self.copied(text, position, dead, out) } else { position }
    }

    fn copied(&mut self, text: &[u8], position: usize, dead: &mut Places, out: &mut Vec<u32>) -> usize {
        let now = Stand { count: out.len(), position, dead: dead.from(position) };
        let Some(before) = self.stand else {
            self.stand = Some(now);
            return position;
        };
        if out[before.count - 1] == out[now.count - 1] && before.dead == now.dead {
            let period = position - before.position;
            // A round is as it was if all its steps can look at lies in what repeats: the bytes of the longest token, also from the
            // places ahead that were tried and lead nowhere.
            let ahead = self.longest + (64 - now.dead.leading_zeros()) as usize;
            let rounds = agreeing(text, before.position, position).saturating_sub(ahead) / period;
            if rounds > 0 {
                let tokens = before.count..now.count;
                out.reserve(rounds * tokens.len());
                // One copy after another, each of all there is so far.
                let (mut made, mut wanted) = (tokens.len(), rounds * tokens.len());
                while wanted > 0 {
                    let some = made.min(wanted);
                    out.extend_from_within(before.count..before.count + some);
                    wanted -= some;
                    made += some;
                }
                self.stand = None;
                let position = position + rounds * period;
                (0..64).filter(|at| now.dead >> at & 1 == 1).for_each(|at| dead.mark(position + at));
                return position;
            }
        }
        if now.count - before.count >= RENEWED {
            self.stand = Some(now);
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_agree() {
        for period in [1, 3, 64, 70] {
            for length in [0, 1, 63, 64, 65, 128, 200, 1000] {
                let mut text: Vec<u8> = (0..period).map(|at| at as u8).cycle().take(length + period).collect();
                assert_eq!(agreeing(&text, 0, period), length);
                text.push(255);
                assert_eq!(agreeing(&text, 0, period), length);
            }
        }
    }
}
