//! Pooled memory: buffers return to a free list by size class, so a steady training step allocates next to nothing.
//!
//! Fresh pages cost more than arithmetic on this scale: in an engine without a pool, a quarter of all samples of a
//! training step were the kernel clearing pages. Buffers are aligned to a cache line, which vector loads like.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// One cache line of values; `Vec<Line>` is how an aligned allocation is had without unsafe code.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([f32; 16]);

// SAFETY: sixteen f32 in 64 bytes: no padding, and the all-zero pattern is sixteen zeros. Covered by `buffer` tests.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above; any bit pattern is a value, the type is Copy and has no interior references.
unsafe impl bytemuck::Pod for Line {}

const LINE: usize = 16;
/// Sizes are rounded up to an eighth of a power of two, so at most an eighth of a buffer is slack.
const STEPS: usize = 8;

static FREE: Mutex<Vec<Vec<Vec<Line>>>> = Mutex::new(Vec::new());

/// A run of f32 values that goes back to the free list when dropped.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
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
    (magnitude * STEPS + (size - (1 << magnitude)) / step + STEPS, size)
}

impl Buffer {
    /// `len` values, whatever they were before: the caller writes every one.
    pub(crate) fn scratch(len: usize) -> Buffer {
        let (class, size) = class_of(len.div_ceil(LINE));
        let kept = FREE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_mut(class).and_then(Vec::pop);
        let lines = kept.unwrap_or_else(|| vec![Line([0.0; LINE]); size]);
        Buffer { lines, len }
    }

    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Buffer {
        let mut buffer = Buffer::scratch(len);
        buffer.fill(0.0);
        buffer
    }

    /// A copy of `values`.
    pub(crate) fn copy_of(values: &[f32]) -> Buffer {
        let mut buffer = Buffer::scratch(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return;
        }
        let (class, _) = class_of(lines.len());
        let mut free = FREE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if free.len() <= class {
            free.resize_with(class + 1, Vec::new);
        }
        free[class].push(lines);
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Buffer::copy_of(self)
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.deref().fmt(f)
    }
}

/// Give the memory of all free buffers back to the operating system, for example between two stages of a run.
pub fn release_buffers() {
    FREE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
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
            assert!(class <= class_of(lines + 1).0);
        }
    }

    #[test]
    fn buffers_are_aligned_and_zeros_are_zero() {
        for len in [0, 1, 15, 16, 17, 1000, 12345] {
            Buffer::scratch(len).fill(f32::NAN);
            let buffer = Buffer::zeros(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|&value| value == 0.0));
            assert_eq!(buffer.as_ptr() as usize % if len > 0 { 64 } else { 1 }, 0);
        }
    }
}
