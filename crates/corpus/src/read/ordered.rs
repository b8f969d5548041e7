//! All workers over the units, results in order: readers give batches of documents, any free worker works on them, and the
//! results come out in the order of the documents. A batch is cut by the bytes of its texts, so the batches, and what is
//! made of each, are the same for any number of workers; a file that cannot be cut keeps one reader busy and all workers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use lang::document::Document;

use super::report::{ReadReport, UnitReport};
use super::unit::Unit;
use super::{ReadOptions, read_unit};
use crate::error::CorpusError;

/// Bytes of text after which a batch ends.
const BATCH_BYTES: usize = 1 << 20;
/// Finished batches that wait for those before them, a worker.
const WAITING: usize = 4;

/// Documents that follow each other in one unit.
#[derive(Debug)]
pub struct Batch<'u> {
    /// Where they come from.
    pub unit: &'u Unit,
    /// The documents.
    pub documents: Vec<Document>,
}

/// Reads `units` with `workers` threads; `work` is done on every batch in any order, `take` gets its results in the order
/// of the documents, one at a time. Adds what the units gave to `report`.
///
/// # Errors
/// The first error of `work` or `take`; the reading stops there.
pub fn in_order<'u, T: Send, E: From<CorpusError> + Send>(
    units: &'u [Unit],
    options: &ReadOptions,
    workers: usize,
    report: &mut ReadReport,
    work: impl Fn(Batch<'u>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let workers = workers.max(1);
    let crew = Crew {
        units,
        options,
        workers,
        work,
        state: Mutex::new(State {
            next_unit: 0,
            idle: 0,
            active: 0,
            queue: VecDeque::new(),
            done: BTreeMap::new(),
            lengths: HashMap::new(),
            reports: BTreeMap::new(),
            head: (0, 0),
            taking: false,
            error: None,
        }),
        news: Condvar::new(),
        take: Mutex::new(take),
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(|| crew.serve());
        }
        crew.serve();
    });
    let state = crew.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = state.error {
        return Err(error);
    }
    for unit_report in state.reports.into_values() {
        report.absorb(unit_report, options.max_problems);
    }
    Ok(())
}

/// Ends the reading of a unit, however it ends.
struct Leave<'a, 'c, 'u, T: Send, E: From<CorpusError> + Send, W, K>(&'a Crew<'c, 'u, T, E, W, K>)
where
    W: Fn(Batch<'u>) -> Result<T, E> + Sync,
    K: FnMut(T) -> Result<(), E> + Send;

impl<'u, T: Send, E: From<CorpusError> + Send, W, K> Drop for Leave<'_, '_, 'u, T, E, W, K>
where
    W: Fn(Batch<'u>) -> Result<T, E> + Sync,
    K: FnMut(T) -> Result<(), E> + Send,
{
    fn drop(&mut self) {
        self.0.left();
    }
}

/// A batch's place: unit and number in it.
type Place = (usize, usize);

struct State<'u, T, E> {
    next_unit: usize,
    /// Workers with nothing to do.
    idle: usize,
    /// Workers that read a unit.
    active: usize,
    queue: VecDeque<(Place, Batch<'u>)>,
    done: BTreeMap<Place, T>,
    /// Batches of the units that are read to their end.
    lengths: HashMap<usize, usize>,
    reports: BTreeMap<usize, UnitReport>,
    /// The place whose result is to be taken next.
    head: Place,
    taking: bool,
    error: Option<E>,
}

struct Crew<'c, 'u, T, E, W, K> {
    units: &'u [Unit],
    options: &'c ReadOptions,
    workers: usize,
    work: W,
    state: Mutex<State<'u, T, E>>,
    news: Condvar,
    take: Mutex<K>,
}

impl<'u, T, E, W, K> Crew<'_, 'u, T, E, W, K>
where
    T: Send,
    E: From<CorpusError> + Send,
    W: Fn(Batch<'u>) -> Result<T, E> + Sync,
    K: FnMut(T) -> Result<(), E> + Send,
{
    /// The state. A panic of another worker is passed on when the scope ends; until then the state is as it left it.
    fn lock(&self) -> MutexGuard<'_, State<'u, T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What every worker does until all is done.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if state.error.is_some() {
                break;
            }
            if let Some((place, batch)) = state.queue.pop_front() {
                drop(state);
                self.finish(place, batch);
                state = self.lock();
            } else if state.next_unit < self.units.len() {
                let index = state.next_unit;
                state.next_unit += 1;
                state.active += 1;
                drop(state);
                let leave = Leave(self);
                self.read(index);
                drop(leave);
                state = self.lock();
            } else if state.active > 0 {
                state.idle += 1;
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            } else {
                break;
            }
        }
        drop(state);
        self.news.notify_all();
    }

    /// A worker has read its unit, or has panicked in it; then the others must not wait for it.
    fn left(&self) {
        let mut state = self.lock();
        state.active -= 1;
        if std::thread::panicking() {
            state.error.get_or_insert(CorpusError::Stopped.into());
        }
        drop(state);
        self.news.notify_all();
    }

    fn read(&self, index: usize) {
        let unit = &self.units[index];
        let mut documents = Vec::new();
        let (mut bytes, mut number) = (0, 0);
        let result = read_unit(unit, self.options, &mut |document: Document| {
            bytes += document.text.len();
            documents.push(document);
            if bytes >= BATCH_BYTES {
                bytes = 0;
                let batch = Batch { unit, documents: std::mem::take(&mut documents) };
                self.give((index, number), batch)?;
                number += 1;
            }
            Ok(())
        });
        match result {
            Ok(report) => {
                let last = (!documents.is_empty()).then(|| Batch { unit, documents });
                {
                    let mut state = self.lock();
                    state.reports.insert(index, report);
                    state.lengths.insert(index, number + usize::from(last.is_some()));
                }
                match last {
                    Some(batch) => self.finish((index, number), batch),
                    None => self.drain(),
                }
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// Hands a batch to a worker with nothing to do, or does its work here.
    fn give(&self, place: Place, batch: Batch<'u>) -> Result<(), CorpusError> {
        let mut state = self.lock();
        // Those who are far ahead wait for the one whose turn it is, who never waits.
        while state.error.is_none() && state.head.0 != place.0 && state.done.len() >= WAITING * self.workers {
            match state.queue.pop_front() {
                Some((other, waiting)) => {
                    drop(state);
                    self.finish(other, waiting);
                    state = self.lock();
                }
                None => state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
        if state.error.is_some() {
            return Err(CorpusError::Stopped);
        }
        if state.idle > state.queue.len() {
            state.queue.push_back((place, batch));
            drop(state);
            self.news.notify_all();
        } else {
            drop(state);
            self.finish(place, batch);
        }
        Ok(())
    }

    fn finish(&self, place: Place, batch: Batch<'u>) {
        match (self.work)(batch) {
            Ok(result) => {
                self.lock().done.insert(place, result);
                self.drain();
            }
            Err(error) => self.fail(error),
        }
    }

    /// Takes all results whose turn it is. One worker at a time; it looks again before it leaves.
    fn drain(&self) {
        let mut state = self.lock();
        if state.taking {
            return;
        }
        state.taking = true;
        while state.error.is_none() {
            if state.lengths.get(&state.head.0) == Some(&state.head.1) {
                state.head = (state.head.0 + 1, 0);
                self.news.notify_all();
                continue;
            }
            let head = state.head;
            let Some(result) = state.done.remove(&head) else { break };
            drop(state);
            let taken = (self.take.lock().unwrap_or_else(PoisonError::into_inner))(result);
            state = self.lock();
            if let Err(error) = taken {
                state.error.get_or_insert(error);
            }
            state.head.1 += 1;
            self.news.notify_all();
        }
        state.taking = false;
    }

    fn fail(&self, error: E) {
        self.lock().error.get_or_insert(error);
        self.news.notify_all();
    }
}
