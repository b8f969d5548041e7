//! Finding which tokens a text begins with: a double-array trie (Aoe, "An efficient digital search algorithm by using a
//! double-array structure", 1989), one step a byte.

/// No token, no node.
pub(crate) const NONE: u32 = u32::MAX;

/// A node: where its children stand, whose child it is, and the token that ends at it.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The child by byte `b` is node `base ^ b`.
    base: u32,
    parent: u32,
    token: u32,
}

const FREE: Node = Node { base: 0, parent: NONE, token: NONE };

/// A string and its number.
type Entry<'a> = (&'a [u8], u32);

/// Byte strings with a number each.
#[derive(Clone, Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
}

impl Trie {
    /// Of equal strings the last counts; empty ones are left out.
    pub(crate) fn new<'a>(strings: impl Iterator<Item = (&'a [u8], u32)>) -> Self {
        let mut strings: Vec<Entry<'a>> = strings.filter(|(string, _)| !string.is_empty()).collect();
        strings.sort_by_key(|(string, _)| *string);
        // The last of equal ones stands first after this, and is kept.
        strings.reverse();
        strings.dedup_by_key(|(string, _)| *string);
        strings.reverse();
        let mut builder = Builder { nodes: vec![FREE; 256], open: vec![0], first_free: vec![1] };
        // The root is its own parent, so that no byte leads to it.
        builder.nodes[0] = Node { base: 0, parent: 0, token: NONE };
        // Nodes with how deep they are and the strings below them.
        let mut waiting: Vec<(u32, usize, &[Entry])> = vec![(0, 0, &strings)];
        while let Some((node, depth, mut under)) = waiting.pop() {
            if let Some((string, token)) = under.first()
                && string.len() == depth
            {
                builder.nodes[node as usize].token = *token;
                under = &under[1..];
            }
            let children: Vec<&[Entry]> = under.chunk_by(|left, right| left.0[depth] == right.0[depth]).collect();
            if children.is_empty() {
                continue;
            }
            let labels: Vec<u8> = children.iter().map(|child| child[0].0[depth]).collect();
            let base = builder.place(node, &labels);
            let places = labels.iter().map(|&label| base ^ u32::from(label));
            waiting.extend(places.zip(children).map(|(place, child)| (place, depth + 1, child)));
        }
        Trie { nodes: builder.nodes }
    }

    /// The node a byte leads to.
    fn step(&self, node: u32, byte: u8) -> Option<u32> {
        let next = self.nodes[node as usize].base ^ u32::from(byte);
        (self.nodes[next as usize].parent == node && next != 0).then_some(next)
    }

    /// The tokens `text` begins with and their lengths, the shortest first.
    pub(crate) fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let mut node = 0;
        let mut bytes = text.iter().enumerate();
        std::iter::from_fn(move || {
            loop {
                let (at, &byte) = bytes.next()?;
                let Some(next) = self.step(node, byte) else {
                    bytes = [].iter().enumerate();
                    return None;
                };
                node = next;
                let token = self.nodes[node as usize].token;
                if token != NONE {
                    return Some((at + 1, token));
                }
            }
        })
    }

    /// The longest token `text` begins with and its length.
    pub(crate) fn longest(&self, text: &[u8]) -> Option<(usize, u32)> {
        let mut node = 0;
        let mut found = None;
        for (at, &byte) in text.iter().enumerate() {
            match self.step(node, byte) {
                Some(next) => node = next,
                None => break,
            }
            let token = self.nodes[node as usize].token;
            if token != NONE {
                found = Some((at + 1, token));
            }
        }
        found
    }

    /// The number of a whole string.
    pub(crate) fn get(&self, string: &[u8]) -> Option<u32> {
        let node = string.iter().try_fold(0, |node, &byte| self.step(node, byte))?;
        let token = self.nodes[node as usize].token;
        (token != NONE).then_some(token)
    }
}

/// Blocks of 256 nodes that may still have room.
struct Builder {
    nodes: Vec<Node>,
    open: Vec<usize>,
    /// Of each block: no node before this is free.
    first_free: Vec<usize>,
}

/// Blocks tried before a new one is made.
const TRIED_BLOCKS: usize = 16;

impl Builder {
    /// Find room for the children of `node` and take it; gives their base.
    fn place(&mut self, node: u32, labels: &[u8]) -> u32 {
        let mut found = None;
        'blocks: for at in (self.open.len().saturating_sub(TRIED_BLOCKS)..self.open.len()).rev() {
            let block = self.open[at];
            let mut free = self.first_free[block];
            while free < (block + 1) * 256 && self.nodes[free].parent != NONE {
                free += 1;
            }
            self.first_free[block] = free;
            while free < (block + 1) * 256 {
                let base = free as u32 ^ u32::from(labels[0]);
                if labels.iter().all(|&label| self.nodes[(base ^ u32::from(label)) as usize].parent == NONE) {
                    found = Some(base);
                    break 'blocks;
                }
                free += 1;
            }
        }
        let base = found.unwrap_or_else(|| {
            let block = self.first_free.len();
            self.nodes.resize(self.nodes.len() + 256, FREE);
            self.open.push(block);
            self.first_free.push(block * 256);
            (block * 256) as u32
        });
        self.nodes[node as usize].base = base;
        for &label in labels {
            self.nodes[(base ^ u32::from(label)) as usize] = Node { base: 0, parent: node, token: NONE };
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn lookups_equal_comparing_every_string() {
        let mut rng = Rng::new(5);
        for size in [0, 1, 10, 400, 3000] {
            let random = |rng: &mut Rng| -> Vec<u8> {
                let letters = [0, 1, b'a', b'b', b'c', 0xE4, 0xFF];
                (0..=rng.below(6)).map(|_| *rng.choose(&letters)).collect()
            };
            let mut strings: Vec<Vec<u8>> = (0..size).map(|_| random(&mut rng)).collect();
            strings.extend((0..size / 10).map(|number| vec![(number % 256) as u8, (number / 256) as u8]));
            let trie = Trie::new(strings.iter().map(Vec::as_slice).zip(0..));
            let number = |wanted: &[u8]| strings.iter().rposition(|string| string == wanted).map(|at| at as u32);
            for _ in 0..500 {
                let text = random(&mut rng);
                let expected: Vec<(usize, u32)> =
                    (1..=text.len()).filter_map(|end| Some((end, number(&text[..end])?))).collect();
                assert_eq!(trie.prefixes(&text).collect::<Vec<_>>(), expected);
                assert_eq!(trie.longest(&text), expected.last().copied());
                assert_eq!(trie.get(&text), number(&text));
            }
        }
    }
}
