//! The pool of worker threads, and loops over fixed blocks on it.
//!
//! Blocks are cut by shape alone. Which thread runs which block is left to rayon; because no two blocks write the same
//! value and partial sums are added in block order, the number of threads never shows in a result.

use std::sync::{Arc, RwLock};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Result, TensorError};

static POOL: RwLock<Option<Arc<ThreadPool>>> = RwLock::new(None);

fn build(count: usize) -> Result<Arc<ThreadPool>> {
    ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(|index| format!("tensor-{index}"))
        .build()
        .map(Arc::new)
        .map_err(|error| TensorError::Threads { count, reason: error.to_string() })
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
    pool().map_or(1, |pool| pool.current_num_threads())
}

/// The pool; made on first use with one thread a core. `None` when threads cannot be had: the caller then works alone.
fn pool() -> Option<Arc<ThreadPool>> {
    if let Some(pool) = POOL.read().unwrap_or_else(|poisoned| poisoned.into_inner()).as_ref() {
        return Some(pool.clone());
    }
    let mut slot = POOL.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    if slot.is_none() {
        *slot = build(std::thread::available_parallelism().map_or(1, usize::from)).ok();
    }
    slot.clone()
}

/// Run `work` inside the pool, so that rayon's loops use our threads.
pub(crate) fn install<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match pool() {
        Some(pool) if pool.current_num_threads() > 1 && rayon::current_thread_index().is_none() => pool.install(work),
        _ => work(),
    }
}

/// `body(block index, block)` for every `size` elements of `out`, in parallel.
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync + Send) {
    let size = size.max(1);
    if out.len() <= size || threads() == 1 {
        out.chunks_mut(size).enumerate().for_each(|(index, chunk)| body(index, chunk));
    } else {
        install(|| {
            out.par_chunks_mut(size).enumerate().with_max_len(1).for_each(|(index, chunk)| body(index, chunk));
        });
    }
}

/// As [`for_each_chunk`] over two outputs cut in step.
pub(crate) fn for_each_chunk2<T: Send, U: Send>(
    first: &mut [T],
    first_size: usize,
    second: &mut [U],
    second_size: usize,
    body: impl Fn(usize, &mut [T], &mut [U]) + Sync + Send,
) {
    let (first_size, second_size) = (first_size.max(1), second_size.max(1));
    if threads() == 1 {
        let pairs = first.chunks_mut(first_size).zip(second.chunks_mut(second_size));
        pairs.enumerate().for_each(|(index, (a, b))| body(index, a, b));
    } else {
        install(|| {
            let pairs = first.par_chunks_mut(first_size).zip(second.par_chunks_mut(second_size));
            pairs.enumerate().with_max_len(1).for_each(|(index, (a, b))| body(index, a, b));
        });
    }
}
