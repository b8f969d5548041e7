//! Workers that wait awake for a moment between two loops.
//!
//! A training step is some three hundred short loops. In rayon's pool the caller sleeps during each and both it and the
//! workers are woken by the operating system, which in a virtual machine costs as much as a small loop. Here the caller
//! works too, and a worker looks for the next loop for a while before it sleeps.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, TryLockError};

/// How often a waiting worker looks before it sleeps: about a millisecond.
const LOOKS: usize = 2000;
/// Looks after which a waiter lets other threads have the core between two: some microseconds.
const LOOKS_ALONE: usize = 200;

/// In [`Shared::gate`]: whether workers may still join the loop; the number of those that did is below it, the number of
/// the loop above.
const OPEN: u64 = 1 << 16;
const NEXT: u64 = 1 << 17;

/// Which thread takes which index of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The next one that nobody took.
    Any,
    /// Every thread begins with its own run of indices, the same in every loop of this length, so that what it read in
    /// the loop before is still in its caches; then it helps the others.
    Own {
        /// Whether runs are gone through from their end. In turns, what was read last is read first: of data that are
        /// larger than a cache, a part is found there, where going round and round would find nothing.
        is_reversed: bool,
    },
}

/// A counter on a cache line of its own.
#[repr(align(64))]
struct Counter(AtomicUsize);

/// A loop's body. The pointer is only followed by workers that joined, and the caller waits for those.
#[derive(Clone, Copy)]
struct Job {
    count: usize,
    order: Order,
    body: *const (dyn Fn(usize) + Sync),
}

// SAFETY: the body is Sync, and `Pool::run` keeps it alive while any worker can follow the pointer.
unsafe impl Send for Job {}

struct Shared {
    gate: AtomicU64,
    /// Written before the gate opens, read by workers that joined.
    job: Mutex<Option<Job>>,
    /// How many indices were taken: of all in [`Order::Any`] (the first counter), of each thread's own otherwise.
    taken: Vec<Counter>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    is_over: AtomicBool,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    alarm: Condvar,
}

/// A number of threads, the caller among them.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: usize,
    /// Held by whoever runs a loop.
    turn: Mutex<()>,
}

impl Pool {
    pub(super) fn new(threads: usize) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared {
            gate: AtomicU64::new(0),
            job: Mutex::new(None),
            taken: (0..threads.max(1)).map(|_| Counter(AtomicUsize::new(0))).collect(),
            panic: Mutex::new(None),
            is_over: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            alarm: Condvar::new(),
        });
        // Made first: where a thread cannot be had, dropping it ends those that could.
        let pool = Pool { shared, threads: threads.max(1), turn: Mutex::new(()) };
        for index in 1..pool.threads {
            let shared = pool.shared.clone();
            std::thread::Builder::new().name(format!("tensor-{index}")).spawn(move || shared.work(index))?;
        }
        Ok(pool)
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// `body(index)` for every index below `count`. A caller that finds the pool busy works alone.
    pub(super) fn run(&self, count: usize, order: Order, body: &(dyn Fn(usize) + Sync)) {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return (0..count).for_each(body),
        };
        let shared = &*self.shared;
        // SAFETY: only the lifetime is forgotten. Workers follow the pointer between joining and leaving; below, the
        // gate is closed to new ones and those inside are waited for before `body` goes out of sight, also when it
        // panics. Covered by the tests of `threads`.
        let body_for_all = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync + 'static)>(body)
        };
        *lock(&shared.job) = Some(Job { count, order, body: body_for_all });
        shared.taken.iter().for_each(|taken| taken.0.store(0, Ordering::Relaxed));
        let closed = shared.gate.load(Ordering::Relaxed);
        shared.gate.store((closed & !(NEXT - 1)).wrapping_add(NEXT) | OPEN, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            drop(lock(&shared.bed));
            shared.alarm.notify_all();
        }
        shared.share(0, count, order, body);
        shared.gate.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0;
        while shared.gate.load(Ordering::Acquire) & (OPEN - 1) > 0 {
            look(&mut looks);
        }
        if let Some(payload) = lock(&shared.panic).take() {
            resume_unwind(payload);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        drop(lock(&self.shared.bed));
        self.shared.alarm.notify_all();
    }
}

impl Shared {
    /// The life of worker `index`; the caller of a loop is number 0.
    fn work(&self, index: usize) {
        let mut seen = 0;
        while let Some(gate) = self.wait(seen) {
            seen = gate / NEXT;
            if !self.join(seen) {
                continue;
            }
            let job = *lock(&self.job);
            if let Some(job) = job {
                // SAFETY: this worker joined while the gate was open and has not left, so `Pool::run` is still waiting
                // with the body alive.
                self.share(index, job.count, job.order, unsafe { &*job.body });
            }
            self.gate.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The gate, once it belongs to another loop than `seen`; `None` when the pool is gone.
    fn wait(&self, seen: u64) -> Option<u64> {
        let mut looks = 0;
        while looks < LOOKS {
            let gate = self.gate.load(Ordering::SeqCst);
            if self.is_over.load(Ordering::Relaxed) {
                return None;
            }
            if gate / NEXT != seen {
                return Some(gate);
            }
            look(&mut looks);
        }
        let mut bed = lock(&self.bed);
        // Counted before the last look: a caller that opens the gate after it sees the count and raises the alarm.
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let found = loop {
            let gate = self.gate.load(Ordering::SeqCst);
            if self.is_over.load(Ordering::SeqCst) {
                break None;
            }
            if gate / NEXT != seen {
                break Some(gate);
            }
            bed = self.alarm.wait(bed).unwrap_or_else(|poisoned| poisoned.into_inner());
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        found
    }

    /// Join the loop with number `number`, unless it is closed or another came.
    fn join(&self, number: u64) -> bool {
        let join = |gate: u64| (gate / NEXT == number && gate & OPEN > 0).then_some(gate + 1);
        self.gate.fetch_update(Ordering::AcqRel, Ordering::Acquire, join).is_ok()
    }

    /// Take indices until there are none; the first panic is kept for the caller, and ends the loop early.
    fn share(&self, me: usize, count: usize, order: Order, body: &(dyn Fn(usize) + Sync)) {
        let result = catch_unwind(AssertUnwindSafe(|| match order {
            Order::Any => self.take(0, 0..count, false, body),
            Order::Own { is_reversed } => {
                let threads = self.taken.len();
                for whose in (me..threads).chain(0..me) {
                    let own = whose * count / threads..(whose + 1) * count / threads;
                    self.take(whose, own, is_reversed, body);
                }
            }
        }));
        if let Err(payload) = result {
            self.taken.iter().for_each(|taken| taken.0.store(count, Ordering::Relaxed));
            lock(&self.panic).get_or_insert(payload);
        }
    }

    /// Take what is left of a run of indices.
    fn take(&self, whose: usize, run: Range<usize>, is_reversed: bool, body: &(dyn Fn(usize) + Sync)) {
        loop {
            let taken = self.taken[whose].0.fetch_add(1, Ordering::Relaxed);
            if taken >= run.len() {
                break;
            }
            body(if is_reversed { run.end - 1 - taken } else { run.start + taken });
        }
    }
}

/// Wait a little: awake at first, then letting others have the core.
fn look(looks: &mut usize) {
    *looks += 1;
    if *looks < LOOKS_ALONE { std::hint::spin_loop() } else { std::thread::yield_now() }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
