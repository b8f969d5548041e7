//! Pooled memory: a steady training step asks the system for none.
//!
//! Fresh pages cost more than arithmetic on this scale: in an engine without a pool, a quarter of all samples of a
//! training step were the kernel clearing pages. There are three kinds of buffers, and callers need not know which they get:
//!
//! - what a step makes between its loops comes from an [`Arena`], where the sum of what is alive decides;
//! - what a block of a loop needs comes from free lists by size. Threads would cut an arena in an order left to chance, so
//!   that now and then a step would need more than the one before it. Of every size there are as many as all threads
//!   together may hold, from the moment one thread first holds that many: it does not matter which thread ran which block;
//! - what a model lives with (its weights) has memory of its own, which the system gets back.
//!
//! Buffers are aligned to a cache line, which vector loads like.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

use bytemuck::Pod;

use crate::arena::Arena;
use crate::threads;

/// One cache line of values; `Vec<Line>` is how an aligned allocation is had without unsafe code.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(crate) struct Line([f32; 16]);

// SAFETY: sixteen f32 in 64 bytes: no padding, and the all-zero pattern is sixteen zeros. Covered by `buffer` tests.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above; any bit pattern is a value, the type is Copy and has no interior references.
unsafe impl Pod for Line {}

pub(crate) const LINE_BYTES: usize = size_of::<Line>();
/// Sizes of scratch are rounded up to an eighth of a power of two, so at most an eighth of it is slack.
const STEPS: usize = 8;
/// Classes of scratch: up to 2³² lines.
const CLASSES: usize = STEPS * 33;

static ARENA: Mutex<Arena> = Mutex::new(Arena::new());
static SCRATCH: Mutex<[Class; CLASSES]> = Mutex::new([const { Class::new() }; CLASSES]);

thread_local! {
    /// How many buffers of a class this thread holds.
    static HELD: [Cell<u32>; CLASSES] = const { [const { Cell::new(0) }; CLASSES] };
}

/// Scratch of one size.
struct Class {
    /// Lines of one of them, once there is one.
    size: usize,
    free: Vec<Vec<Line>>,
    /// How many there are, free or not.
    made: usize,
    /// The most one thread held at once.
    most: u32,
}

/// A run of values that goes back to where it came from when dropped.
pub(crate) struct Buffer<T: Pod = f32> {
    memory: Memory,
    len: usize,
    of: PhantomData<T>,
}

enum Memory {
    /// Its own.
    Own(Vec<Line>),
    /// From the free list of its class.
    Scratch(Vec<Line>),
    /// From the arena.
    Piece(NonNull<Line>, usize),
}

// SAFETY: a piece of the arena belongs to one buffer, which hands out references by its own borrow. Covered by the tests of
// this file and of `arena`.
unsafe impl<T: Pod + Send> Send for Buffer<T> {}
// SAFETY: as above; sharing a buffer shares its values only.
unsafe impl<T: Pod + Sync> Sync for Buffer<T> {}

/// How much memory the pool holds, in bytes. What buffers of a step make up is counted, weights and optimisers are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// In use now.
    pub in_use: u64,
    /// The most that was in use at once.
    pub peak: u64,
    /// Taken from the system: what was in use at once, and the gaps between.
    pub held: u64,
    /// Scratch that blocks of loops use, in addition.
    pub scratch: u64,
}

impl Class {
    const fn new() -> Class {
        Class { size: 0, free: Vec::new(), made: 0, most: 0 }
    }

    /// One of `size` lines, for a thread that then holds `held` of them.
    fn take(&mut self, size: usize, held: u32) -> Vec<Line> {
        let wanted = if held > self.most { held as usize * threads::threads() } else { 0 };
        self.most = self.most.max(held);
        self.size = size;
        while self.made < wanted || self.free.is_empty() {
            self.made += 1;
            self.free.reserve(self.made - self.free.len());
            self.free.push(vec![Line([0.0; 16]); size]);
        }
        self.free.pop().unwrap_or_default()
    }
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The class that holds `lines` cache lines: its index and its size in lines.
fn class_of(lines: usize) -> (usize, usize) {
    if lines <= STEPS {
        return (lines, lines);
    }
    let magnitude = lines.ilog2() as usize;
    let step = 1usize << (magnitude.saturating_sub(3));
    let size = lines.div_ceil(step) * step;
    let magnitude = size.ilog2() as usize;
    let step = 1usize << (magnitude.saturating_sub(3));
    ((magnitude - 2) * STEPS + (size - (1 << magnitude)) / step, size)
}

impl Memory {
    fn new(lines: usize) -> Memory {
        if lines == 0 {
            return Memory::Own(Vec::new());
        }
        let (class, size) = class_of(lines);
        if threads::is_inside() && class < CLASSES {
            let held = HELD.with(|held| {
                held[class].set(held[class].get() + 1);
                held[class].get()
            });
            return Memory::Scratch(lock(&SCRATCH)[class].take(size, held));
        }
        Memory::Piece(lock(&ARENA).take(lines), lines)
    }

    fn lines(&self) -> &[Line] {
        match self {
            Memory::Own(lines) | Memory::Scratch(lines) => lines,
            // SAFETY: the arena handed out these lines, which hold values, to this memory alone.
            Memory::Piece(start, lines) => unsafe { std::slice::from_raw_parts(start.as_ptr(), *lines) },
        }
    }

    fn lines_mut(&mut self) -> &mut [Line] {
        match self {
            Memory::Own(lines) | Memory::Scratch(lines) => lines,
            // SAFETY: as in `lines`.
            Memory::Piece(start, lines) => unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), *lines) },
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match self {
            Memory::Own(_) => {}
            Memory::Scratch(lines) => {
                let lines = std::mem::take(lines);
                let (class, _) = class_of(lines.len());
                HELD.with(|held| held[class].set(held[class].get().saturating_sub(1)));
                lock(&SCRATCH)[class].free.push(lines);
            }
            Memory::Piece(start, lines) => lock(&ARENA).give(*start, *lines),
        }
    }
}

impl<T: Pod> Buffer<T> {
    /// `len` values, whatever they were before: the caller writes every one.
    pub(crate) fn scratch(len: usize) -> Buffer<T> {
        Buffer { memory: Memory::new((len * size_of::<T>()).div_ceil(LINE_BYTES)), len, of: PhantomData }
    }

    /// `len` values that are all zeros in memory.
    pub(crate) fn zeros(len: usize) -> Buffer<T> {
        let mut buffer = Buffer::scratch(len);
        buffer.fill(T::zeroed());
        buffer
    }

    /// A copy of `values`.
    pub(crate) fn copy_of(values: &[T]) -> Buffer<T> {
        let mut buffer = Buffer::scratch(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// As many values as `values` gives, which is `len`.
    pub(crate) fn collect(len: usize, values: impl Iterator<Item = T>) -> Buffer<T> {
        let mut buffer = Buffer::scratch(len);
        let mut count = 0;
        for (value, given) in buffer.iter_mut().zip(values) {
            *value = given;
            count += 1;
        }
        assert!(count == len, "{count} values where {len} were promised");
        buffer
    }

    /// `len` zeros for what outlives a step; the memory is its own and goes back to the system.
    pub(crate) fn lasting(len: usize) -> Buffer<T> {
        let lines = vec![Line([0.0; 16]); (len * size_of::<T>()).div_ceil(LINE_BYTES)];
        Buffer { memory: Memory::Own(lines), len, of: PhantomData }
    }

    /// A copy of `values` that outlives a step.
    pub(crate) fn lasting_copy_of(values: &[T]) -> Buffer<T> {
        let mut buffer = Buffer::lasting(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(self.memory.lines())[..self.len]
    }
}

impl<T: Pod> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(self.memory.lines_mut())[..self.len]
    }
}

impl<T: Pod> Default for Buffer<T> {
    /// No values.
    fn default() -> Self {
        Buffer::lasting(0)
    }
}

impl<T: Pod> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        match self.memory {
            Memory::Own(_) => Buffer::lasting_copy_of(self),
            _ => Buffer::copy_of(self),
        }
    }
}

impl<T: Pod + std::fmt::Debug> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.deref().fmt(f)
    }
}

/// Give the memory of all free buffers back to the operating system, for example between two stages of a run.
pub fn release_buffers() {
    lock(&ARENA).release();
    for class in lock(&SCRATCH).iter_mut() {
        class.made -= class.free.len();
        class.free.clear();
        class.most = 0;
    }
}

/// What the pool holds now, and the most it held since [`reset_memory_peak`].
pub fn memory_usage() -> MemoryUsage {
    let bytes = |lines: usize| (lines * LINE_BYTES) as u64;
    let (in_use, peak, held) = lock(&ARENA).usage();
    let scratch = lock(&SCRATCH).iter().map(|class| bytes(class.made * class.size)).sum();
    MemoryUsage { in_use: bytes(in_use), peak: bytes(peak), held: bytes(held), scratch }
}

/// Count the peak anew from now on.
pub fn reset_memory_peak() {
    lock(&ARENA).reset_most();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_promise() {
        for lines in 0..5000 {
            let (class, size) = class_of(lines);
            assert!(size >= lines && size <= lines + lines / STEPS + 1, "{lines} -> {size}");
            assert_eq!(class_of(size), (class, size), "{lines}");
            let (next, larger) = class_of(lines + 1);
            assert!(class < next || (class == next && size == larger), "{lines}: {class} {size}, {next} {larger}");
        }
        assert!(class_of(1 << 32).0 < CLASSES);
    }

    #[test]
    fn buffers_are_aligned_and_zeros_are_zero() {
        for len in [0, 1, 15, 16, 17, 1000, 12345] {
            Buffer::scratch(len).fill(f32::NAN);
            let buffers: [Buffer; 2] = [Buffer::zeros(len), Buffer::lasting(len)];
            for buffer in &buffers {
                assert_eq!(buffer.len(), len);
                assert!(buffer.iter().all(|&value| value == 0.0));
                assert_eq!(buffer.as_ptr() as usize % if len > 0 { 64 } else { 1 }, 0);
                assert_eq!(*buffer.clone(), **buffer);
            }
        }
        assert_eq!(*Buffer::collect(3, [1u32, 2, 3].into_iter()), [1, 2, 3]);
        assert_eq!(*Buffer::<[u32; 2]>::copy_of(&[[1, 2]; 40]), [[1, 2]; 40]);
    }

    /// Also when only one thread came to a block at first, there is scratch for all.
    #[test]
    fn there_is_scratch_for_every_thread() {
        let mut class = Class::new();
        let (first, second) = (class.take(7, 1), class.take(7, 2));
        assert_eq!(class.made, 2 * threads::threads());
        for lines in [first, second] {
            assert_eq!(lines.len(), 7);
            class.free.push(lines);
        }
        for _ in 0..threads::threads() {
            for held in [1, 2] {
                std::mem::forget(class.take(7, held));
            }
        }
        assert_eq!((class.made, class.free.len()), (2 * threads::threads(), 0));
    }
}
