//! Runs work beside a clock, on a thread with a large stack. Work that does not end in time is left behind with its
//! thread: a thread cannot be stopped from outside, and the pages that come so far are one in many millions.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::Extracted;

type Work = Box<dyn FnOnce() -> Extracted + Send>;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It took too long.
    Late,
    /// It panicked, or no thread could be made for it.
    Broken,
}

/// The extractors walk trees by recursion; this is enough for ten times the depth that is let through to them.
const STACK: usize = 64 << 20;

struct Helper {
    work: Sender<Work>,
    results: Receiver<Result<Extracted, Failed>>,
}

thread_local! {
    /// The helper of this thread, made when it is first needed.
    static HELPER: RefCell<Option<Helper>> = const { RefCell::new(None) };
}

/// The result of `work`, if it comes within `limit`.
pub(super) fn within(limit: Duration, work: impl FnOnce() -> Extracted + Send + 'static) -> Result<Extracted, Failed> {
    HELPER.with_borrow_mut(|slot| {
        let helper = match slot {
            Some(helper) => helper,
            None => slot.insert(start().ok_or(Failed::Broken)?),
        };
        if helper.work.send(Box::new(work)).is_err() {
            *slot = None;
            return Err(Failed::Broken);
        }
        match helper.results.recv_timeout(limit) {
            Ok(result) => result,
            Err(reason) => {
                *slot = None;
                Err(if reason == RecvTimeoutError::Timeout { Failed::Late } else { Failed::Broken })
            }
        }
    })
}

fn start() -> Option<Helper> {
    let (work, tasks) = channel::<Work>();
    let (answer, results) = channel();
    let body = move || {
        for task in tasks {
            let result = catch_unwind(AssertUnwindSafe(task)).map_err(|_| Failed::Broken);
            if answer.send(result).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("extract".to_string()).stack_size(STACK).spawn(body).ok()?;
    Some(Helper { work, results })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_and_broken_work_is_told_apart_and_leaves_nothing_behind() {
        let text = |text: &str| Extracted { text: text.to_string(), ..Extracted::default() };
        let long = Duration::from_secs(60);
        assert_eq!(within(long, move || text("one")).unwrap().text, "one");
        assert_eq!(within(long, || panic!("on purpose")), Err(Failed::Broken));
        let (_keep, never) = channel::<()>();
        let stuck = move || {
            let _ = never.recv();
            Extracted::default()
        };
        assert_eq!(within(Duration::from_millis(1), stuck), Err(Failed::Late));
        assert_eq!(within(long, move || text("two")).unwrap().text, "two");
    }
}
