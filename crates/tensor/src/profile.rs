//! Where a step's time goes, by operation. Off unless asked for; then a clock is read twice an operation.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Time spent in one kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// How often it was done.
    pub calls: u64,
    /// Wall-clock seconds, together.
    pub seconds: f64,
}

static IS_ON: AtomicBool = AtomicBool::new(false);
static SHARES: Mutex<BTreeMap<(&'static str, &'static str), Share>> = Mutex::new(BTreeMap::new());

/// Start or stop measuring, in the whole process.
pub fn set_enabled(is_on: bool) {
    IS_ON.store(is_on, Ordering::Relaxed);
}

/// What was measured since the last call, by phase ("forward", "backward", "update") and operation, and start from zero.
///
/// An operation with a colon, such as "linear: weight", is a part of the one before the colon and counted in it too.
pub fn take() -> BTreeMap<(&'static str, &'static str), Share> {
    std::mem::take(&mut SHARES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// The time now, when measuring.
pub(crate) fn start() -> Option<Instant> {
    IS_ON.load(Ordering::Relaxed).then(Instant::now)
}

/// Count the time since `start` for an operation.
pub(crate) fn stop(start: Option<Instant>, phase: &'static str, op: &'static str) {
    if let Some(start) = start {
        let mut shares = SHARES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let share = shares.entry((phase, op)).or_default();
        share.calls += 1;
        share.seconds += start.elapsed().as_secs_f64();
    }
}
