//! How often the system is asked for memory: what tests hold "a steady step allocates nothing" to.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: tensor::allocations::Counting = tensor::allocations::Counting;
//!
//! let before = tensor::allocations::count();
//! let list = vec![1, 2, 3];
//! assert!(tensor::allocations::count() > before && list.len() == 3);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counting. A test binary makes it its own with `#[global_allocator]`.
pub struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came. Covered by the example above and by the tests that
// count.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on from the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on from the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on from the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often memory was asked for, or asked to grow, in the whole process; 0 unless [`Counting`] is its allocator.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}
