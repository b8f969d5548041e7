//! Loops over fixed blocks on worker threads.
//!
//! Blocks are cut by shape alone. Which thread runs which block is left to chance; because no two blocks write the same
//! value and partial sums are added in block order, the number of threads never shows in a result.

mod columns;
mod pool;

use std::cell::Cell;
use std::sync::{Arc, RwLock};

use rayon::prelude::*;

use crate::{Result, TensorError};
pub(crate) use columns::{Columns, Grid, for_each_columns};
pub(crate) use pool::Order;
use pool::Pool;

static POOL: RwLock<Option<Arc<Pool>>> = RwLock::new(None);

thread_local! {
    /// Whether this thread is inside a block of a loop: loops within are run by it alone.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

fn build(count: usize) -> Result<Arc<Pool>> {
    Pool::new(count).map(Arc::new).map_err(|error| TensorError::Threads { count, reason: error.to_string() })
}

/// Use `count` worker threads from now on (at least one). Results do not depend on it.
///
/// # Errors
/// When the operating system refuses to start them.
pub fn set_threads(count: usize) -> Result<()> {
    let pool = build(count.max(1))?;
    *POOL.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(pool);
    Ok(())
}

/// The number of worker threads in use.
pub fn threads() -> usize {
    pool().map_or(1, |pool| pool.threads())
}

/// The pool; made on first use with one thread a core. `None` when threads cannot be had: the caller then works alone.
fn pool() -> Option<Arc<Pool>> {
    if let Some(pool) = POOL.read().unwrap_or_else(|poisoned| poisoned.into_inner()).as_ref() {
        return Some(pool.clone());
    }
    let mut slot = POOL.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    if slot.is_none() {
        *slot = build(std::thread::available_parallelism().map_or(1, usize::from)).ok();
    }
    slot.clone()
}

/// `body(index)` for every index below `count`, in parallel.
fn for_each_index(count: usize, body: &(dyn Fn(usize) + Sync)) {
    for_each_in_order(count, Order::Any, body);
}

/// As [`for_each_index`]; which thread takes what is up to `order`.
fn for_each_in_order(count: usize, order: Order, body: &(dyn Fn(usize) + Sync)) {
    let pool = if count > 1 && !IS_INSIDE.get() { pool().filter(|pool| pool.threads() > 1) } else { None };
    match pool {
        // The caller shares out work of its own on rayon's threads: more threads beside them would only get in the way.
        Some(_) if rayon::current_thread_index().is_some() => {
            (0..count).into_par_iter().with_max_len(1).for_each(body);
        }
        Some(pool) => pool.run(count, order, &|index| {
            let _inside = Inside::enter();
            body(index);
        }),
        None => (0..count).for_each(body),
    }
}

/// Whether this thread is inside a block of a loop that other threads may share.
pub(crate) fn is_inside() -> bool {
    IS_INSIDE.get()
}

/// Marks this thread as inside a block, also when that panics.
struct Inside;

impl Inside {
    fn enter() -> Inside {
        IS_INSIDE.set(true);
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IS_INSIDE.set(false);
    }
}

/// A slice in blocks of `size`, each given out once.
struct Blocks<T> {
    data: *mut T,
    len: usize,
    size: usize,
}

// SAFETY: a shared `Blocks` only hands out disjoint parts of a slice of `T`, which other threads may change for `T: Send`.
unsafe impl<T: Send> Sync for Blocks<T> {}

impl<T> Blocks<T> {
    fn new(slice: &mut [T], size: usize) -> Blocks<T> {
        Blocks { data: slice.as_mut_ptr(), len: slice.len(), size: size.max(1) }
    }

    fn count(&self) -> usize {
        self.len.div_ceil(self.size)
    }

    /// # Safety
    /// The slice is still borrowed, and no other block with this index is alive.
    unsafe fn block<'a>(&self, index: usize) -> &'a mut [T] {
        let start = index * self.size;
        assert!(start < self.len, "a block outside its slice");
        // SAFETY: the block lies within the slice and, by the caller's promise, is used by nobody else. Covered by the
        // tests of this file.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), self.size.min(self.len - start)) }
    }
}

/// `body(block index, block)` for every `size` elements of `out`, in parallel.
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync + Send) {
    let blocks = Blocks::new(out, size);
    // SAFETY: every index comes once, and `out` is borrowed until the loop has ended.
    for_each_index(blocks.count(), &|index| body(index, unsafe { blocks.block(index) }));
}

/// As [`for_each_chunk`] over two outputs cut in step.
pub(crate) fn for_each_chunk2<T: Send, U: Send>(
    first: &mut [T],
    first_size: usize,
    second: &mut [U],
    second_size: usize,
    body: impl Fn(usize, &mut [T], &mut [U]) + Sync + Send,
) {
    let (first, second) = (Blocks::new(first, first_size), Blocks::new(second, second_size));
    // SAFETY: as in `for_each_chunk`.
    for_each_index(first.count().min(second.count()), &|index| unsafe {
        body(index, first.block(index), second.block(index));
    });
}

/// As [`for_each_chunk`] over three outputs cut in step.
pub(crate) fn for_each_chunk3<T: Send, U: Send, V: Send>(
    first: (&mut [T], usize),
    second: (&mut [U], usize),
    third: (&mut [V], usize),
    body: impl Fn(usize, &mut [T], &mut [U], &mut [V]) + Sync + Send,
) {
    let (first, second) = (Blocks::new(first.0, first.1), Blocks::new(second.0, second.1));
    let third = Blocks::new(third.0, third.1);
    // SAFETY: as in `for_each_chunk`.
    for_each_index(first.count().min(second.count()).min(third.count()), &|index| unsafe {
        body(index, first.block(index), second.block(index), third.block(index));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_comes_once_also_inside_a_block() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
            let orders = [Order::Any, Order::Own { is_reversed: false }, Order::Own { is_reversed: true }];
            for (count, order) in [0, 1, 2, 3, 1000].into_iter().flat_map(|count| orders.map(|order| (count, order))) {
                let seen: Vec<_> = (0..count).map(|_| std::sync::atomic::AtomicUsize::new(0)).collect();
                pool.run(count, order, &|index| {
                    seen[index].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                });
                assert!(seen.iter().all(|seen| seen.load(std::sync::atomic::Ordering::Relaxed) == 1));
            }
        }
        let mut sums = vec![0usize; 103];
        for_each_chunk(&mut sums, 10, |block, sums| {
            for_each_chunk(sums, 3, |inner, sums| sums.iter_mut().for_each(|sum| *sum += 100 * block + inner));
        });
        let expected: Vec<usize> = (0..103).map(|i| 100 * (i / 10) + i % 10 / 3).collect();
        assert_eq!(sums, expected);
    }

    #[test]
    fn a_panic_comes_back_and_the_pool_goes_on() {
        let pool = Pool::new(3).unwrap();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.run(100, Order::Any, &|index| assert!(index != 57, "fifty-seven"));
        }));
        assert!(result.is_err());
        let count = std::sync::atomic::AtomicUsize::new(0);
        pool.run(100, Order::Any, &|_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 100);
    }
}
