//! One range of memory for everything a step makes and lets go of: pieces are cut from it, and neighbours that are free
//! grow together again.
//!
//! A training step is two hills: values pile up through the forward pass, and as they go in the backward pass gradients
//! take their place. Free lists by size cannot follow, because a gradient is not as large as the value it comes after: they
//! hold the largest number of every size. Here the peak is that of the sum. Steps are alike and every one begins with an
//! empty arena, so the second and every later one find the same pieces where the first left them, and nothing is asked
//! of the system.
//!
//! A piece is the smallest free one that holds it (best fit); only when there is none is memory touched that was not
//! touched before.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::buffer::{LINE_BYTES, Line};

/// Lines of a region, unless more are asked for at once: 1 GiB. It is address space: what is never touched costs nothing.
const REGION: usize = 1 << 24;

/// Part of a region: where it starts and how many lines it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: usize,
    lines: usize,
}

/// A range of addresses from the system.
struct Region {
    memory: NonNull<u8>,
    layout: Layout,
    /// Lines it has.
    lines: usize,
    /// Lines that were ever handed out: those above were not touched.
    top: usize,
    /// What is free below `top`, by address, no two adjacent.
    free: Vec<Span>,
}

// SAFETY: a region is the only owner of its memory; pieces of it are handed out once. Covered by the tests of this file.
unsafe impl Send for Region {}

impl Region {
    /// Zeros that the system has not put behind addresses yet; `None` when it refuses.
    fn new(lines: usize) -> Option<Region> {
        // More than the allocator's own alignment would have it write the zeros, so the first line is found by hand.
        let layout = Layout::from_size_align(lines.checked_add(1)?.checked_mul(LINE_BYTES)?, 8).ok()?;
        // SAFETY: the layout is not empty: it has room for one line at least. Covered by the tests of this file.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Region { memory, layout, lines, top: 0, free: Vec::new() })
    }

    /// The address of line `index`, which may be the one past the end.
    fn at(&self, index: usize) -> NonNull<Line> {
        let skip = self.memory.as_ptr().align_offset(LINE_BYTES);
        // SAFETY: `skip` is less than a line, and the region has one line more than `lines`.
        unsafe { self.memory.add(skip + index * LINE_BYTES).cast() }
    }

    /// The line at an address of this region.
    fn index_of(&self, address: NonNull<Line>) -> Option<usize> {
        let offset = (address.as_ptr() as usize).checked_sub(self.at(0).as_ptr() as usize)?;
        Some(offset / LINE_BYTES).filter(|&index| index < self.lines)
    }

    /// Lines that touching what was never touched would give, and where they start.
    fn untouched(&self) -> Span {
        let start = match self.free.last() {
            Some(last) if last.start + last.lines == self.top => last.start,
            _ => self.top,
        };
        Span { start, lines: self.lines - start }
    }

    fn put_back(&mut self, span: Span) {
        let next = self.free.partition_point(|free| free.start < span.start);
        let joins_next = self.free.get(next).is_some_and(|free| span.start + span.lines == free.start);
        let before = next.checked_sub(1).filter(|&before| {
            let free = self.free[before];
            free.start + free.lines == span.start
        });
        match (before, joins_next) {
            (Some(before), true) => {
                self.free[before].lines += span.lines + self.free[next].lines;
                self.free.remove(next);
            }
            (Some(before), false) => self.free[before].lines += span.lines,
            (None, true) => self.free[next] = Span { start: span.start, lines: span.lines + self.free[next].lines },
            (None, false) => self.free.insert(next, span),
        }
    }

    fn is_empty(&self) -> bool {
        self.free.iter().map(|free| free.lines).sum::<usize>() == self.top
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout; `Arena::release` only drops regions without a piece in use.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) }
    }
}

/// Regions, and how much of them is in use.
pub(crate) struct Arena {
    regions: Vec<Region>,
    in_use: usize,
    most: usize,
}

impl Arena {
    pub(crate) const fn new() -> Arena {
        Arena { regions: Vec::new(), in_use: 0, most: 0 }
    }

    /// `lines` lines, at least one, that are the caller's until [`Arena::give`]. They hold zeros or what they held before.
    pub(crate) fn take(&mut self, lines: usize) -> NonNull<Line> {
        self.in_use += lines;
        self.most = self.most.max(self.in_use);
        let mut best: Option<(usize, usize, usize)> = None;
        for (at, region) in self.regions.iter().enumerate() {
            for (index, free) in region.free.iter().enumerate() {
                if free.lines >= lines && best.is_none_or(|(least, _, _)| free.lines < least) {
                    best = Some((free.lines, at, index));
                }
            }
        }
        if let Some((_, at, index)) = best {
            let region = &mut self.regions[at];
            let span = region.free[index];
            if span.lines == lines {
                region.free.remove(index);
            } else {
                region.free[index] = Span { start: span.start + lines, lines: span.lines - lines };
            }
            return region.at(span.start);
        }
        let at = match self.regions.iter().position(|region| region.untouched().lines >= lines) {
            Some(at) => at,
            None => {
                self.regions.push(new_region(lines));
                self.regions.len() - 1
            }
        };
        let region = &mut self.regions[at];
        let start = region.untouched().start;
        if start < region.top {
            region.free.pop();
        }
        region.top = start + lines;
        region.at(start)
    }

    /// Give back what [`Arena::take`] gave, all of it.
    pub(crate) fn give(&mut self, address: NonNull<Line>, lines: usize) {
        self.in_use -= lines;
        let found = self.regions.iter_mut().find_map(|region| region.index_of(address).map(|start| (region, start)));
        if let Some((region, start)) = found {
            region.put_back(Span { start, lines });
        }
    }

    /// Return regions of which nothing is in use to the system.
    pub(crate) fn release(&mut self) {
        self.regions.retain(|region| !region.is_empty());
    }

    /// Lines in use, the most there ever were at once, and lines that were touched.
    pub(crate) fn usage(&self) -> (usize, usize, usize) {
        (self.in_use, self.most, self.regions.iter().map(|region| region.top).sum())
    }

    /// Forget the most there ever were in use.
    pub(crate) fn reset_most(&mut self) {
        self.most = self.in_use;
    }
}

fn new_region(lines: usize) -> Region {
    // Where address space is rationed, as much as is needed now.
    let region = Region::new(lines.max(REGION)).or_else(|| Region::new(lines));
    region.unwrap_or_else(|| {
        let layout = Layout::array::<Line>(lines).unwrap_or(Layout::new::<Line>());
        std::alloc::handle_alloc_error(layout)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces never overlap, whatever is given back in between, and all of it grows together again.
    #[test]
    fn pieces_are_apart_and_come_back() {
        let mut arena = Arena::new();
        let mut held: Vec<(NonNull<Line>, usize)> = Vec::new();
        let mut state = 12345u32;
        for round in 0..3000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (state >> 8) as usize;
            if held.len() > 40 || (round % 3 == 2 && !held.is_empty()) {
                let (address, lines) = held.swap_remove(number % held.len());
                arena.give(address, lines);
            } else {
                let lines = 1 + number % 500;
                let address = arena.take(lines);
                assert_eq!(address.as_ptr() as usize % LINE_BYTES, 0);
                held.push((address, lines));
            }
            let mut ranges: Vec<(usize, usize)> =
                held.iter().map(|&(address, lines)| (address.as_ptr() as usize, lines * LINE_BYTES)).collect();
            ranges.sort_unstable();
            assert!(ranges.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
            assert_eq!(arena.usage().0, held.iter().map(|piece| piece.1).sum::<usize>());
            let free = &arena.regions[0].free;
            assert!(free.windows(2).all(|pair| pair[0].start + pair[0].lines < pair[1].start), "{free:?}");
        }
        arena.release();
        assert_eq!(arena.regions.len(), 1, "a region in use was returned");
        held.into_iter().for_each(|(address, lines)| arena.give(address, lines));
        let top = arena.usage().2;
        assert_eq!(arena.regions[0].free, [Span { start: 0, lines: top }]);
        arena.release();
        assert_eq!(arena.usage(), (0, arena.most, 0));
    }

    /// What was used before is used again, the smallest that fits, before anything is touched for the first time.
    #[test]
    fn the_smallest_free_piece_is_taken_first() {
        let mut arena = Arena::new();
        let pieces: Vec<_> = [10, 1, 6, 1, 8, 1].into_iter().map(|lines| (arena.take(lines), lines)).collect();
        for index in [0, 2, 4] {
            arena.give(pieces[index].0, pieces[index].1);
        }
        assert_eq!(arena.take(7), pieces[4].0);
        assert_eq!(arena.take(6), pieces[2].0);
        assert_eq!(arena.take(9), pieces[0].0);
        assert_eq!(arena.usage(), (25, 27, 27));
        // The free end is made longer, not left behind.
        arena.give(pieces[5].0, 1);
        // SAFETY: the address of a line of the same region; nothing is read.
        assert_eq!(arena.take(5), unsafe { pieces[4].0.add(7) });
        assert_eq!(arena.usage().2, 30);
    }

    #[test]
    fn more_than_a_region_is_had_too() {
        let mut arena = Arena::new();
        let address = arena.take(REGION + 5);
        let other = arena.take(3);
        arena.give(address, REGION + 5);
        assert_eq!(arena.take(4), address);
        arena.give(address, 4);
        arena.give(other, 3);
        arena.release();
        assert_eq!(arena.usage().2, 0);
    }
}
