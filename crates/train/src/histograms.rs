//! How the numbers of a model are spread: weights, gradients and activations, written when asked for.
//!
//! Two files stand in `histograms/` of a work folder: one JSON object a line, and the same as TensorBoard events. Looking
//! changes no bit of the run: activations are seen in a pass of their own over the step's first micro-batch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tensor::{Parameters, Part, Seen, Statistics};

use crate::error::{Result, TrainError};
use crate::events;
use crate::metrics::{EVENTS_FILE, now};

/// Folder of both files inside a work folder.
pub const HISTOGRAMS_FOLDER: &str = "histograms";
/// Name of the lines inside it.
pub const HISTOGRAMS_FILE: &str = "histograms.jsonl";

/// How many numbers lie between which bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Updates taken before the step that was looked at, and that one.
    pub step: u64,
    /// `weight`, `gradient` or `activation`.
    pub kind: String,
    /// The parameter, or the part of the model and the operation.
    pub name: String,
    /// How many numbers there are, finite or not.
    pub count: u64,
    /// How many are NaN or infinite; nothing below knows of them.
    pub not_finite: u64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
    /// Upper bounds of the buckets, ascending; a bucket begins where the one before it ends.
    pub limits: Vec<f64>,
    /// How many numbers are in each bucket.
    pub counts: Vec<u64>,
    /// Seconds since 1970.
    pub time: f64,
}

/// Buckets to a doubling.
const RESOLUTION: f64 = 4.0;
/// Everything nearer to zero than 2 to the power of minus this counts as zero.
const SMALLEST: i32 = 60;

impl Histogram {
    /// Of `values`.
    pub fn of(step: u64, kind: &str, name: &str, values: &[f32]) -> Histogram {
        let statistics = Statistics::of(values);
        let mut buckets: BTreeMap<i32, u64> = BTreeMap::new();
        for &value in values.iter().filter(|value| value.is_finite()) {
            *buckets.entry(bucket_of(f64::from(value))).or_default() += 1;
        }
        let (mut limits, mut counts) = (Vec::new(), Vec::new());
        let mut before: Option<i32> = None;
        for (&bucket, &count) in &buckets {
            // An empty bucket shows where this one begins.
            if before.is_none_or(|before| before + 1 != bucket) {
                limits.push(upper_limit(bucket - 1));
                counts.push(0);
            }
            limits.push(upper_limit(bucket));
            counts.push(count);
            before = Some(bucket);
        }
        Histogram {
            step,
            kind: kind.to_owned(),
            name: name.to_owned(),
            count: statistics.count,
            not_finite: statistics.not_finite,
            least: statistics.least,
            greatest: statistics.greatest,
            sum: statistics.sum,
            sum_of_squares: statistics.sum_of_squares,
            limits,
            counts,
            time: now(),
        }
    }

    fn event(&self) -> Vec<u8> {
        events::histogram(self.time, self.step, &format!("{}/{}", self.kind, self.name), self)
    }
}

/// The bucket of a finite value: 0 around zero, growing with the value by a quarter of a doubling.
fn bucket_of(value: f64) -> i32 {
    let size = (value.abs().log2() * RESOLUTION).floor() + f64::from(SMALLEST) * RESOLUTION;
    if size < 0.0 || value == 0.0 {
        return 0;
    }
    let size = size as i32 + 1;
    if value > 0.0 { size } else { -size }
}

/// Where a bucket ends; the next one begins there.
fn upper_limit(bucket: i32) -> f64 {
    let edge = |steps: i32| (f64::from(steps) / RESOLUTION - f64::from(SMALLEST)).exp2();
    if bucket >= 0 { edge(bucket) } else { -edge(-bucket - 1) }
}

/// Both files of a run.
pub(crate) struct Histograms {
    folder: PathBuf,
}

impl Histograms {
    /// The files in `work`, without what they say of steps after `step`: those are to be taken again.
    pub(crate) fn begin(work: &Path, step: u64) -> Result<Histograms> {
        let histograms = Histograms { folder: work.join(HISTOGRAMS_FOLDER) };
        let path = histograms.folder.join(HISTOGRAMS_FILE);
        if !path.exists() {
            return Ok(histograms);
        }
        // A line that a killed run left half written is of a step that was not kept.
        let kept: Vec<Histogram> = read(&path)?.into_iter().filter(|histogram| histogram.step <= step).collect();
        for file in [HISTOGRAMS_FILE, EVENTS_FILE] {
            let path = histograms.folder.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(TrainError::io(&path)(error)),
                _ => {}
            }
        }
        histograms.append(&kept)?;
        Ok(histograms)
    }

    /// Adds to both files.
    pub(crate) fn append(&self, histograms: &[Histogram]) -> Result<()> {
        use std::io::Write;
        if histograms.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(TrainError::io(&self.folder))?;
        let events_path = self.folder.join(EVENTS_FILE);
        let (mut lines, mut events) = (Vec::new(), Vec::new());
        if !events_path.exists() {
            events.extend(events::file_header(histograms[0].time));
        }
        for histogram in histograms {
            let json = serde_json::to_vec(histogram).map_err(|error| TrainError::Data(error.to_string()))?;
            lines.extend(json);
            lines.push(b'\n');
            events.extend(histogram.event());
        }
        for (path, bytes) in [(self.folder.join(HISTOGRAMS_FILE), lines), (events_path, events)] {
            let file = fs::OpenOptions::new().create(true).append(true).open(&path);
            file.and_then(|mut file| file.write_all(&bytes)).map_err(TrainError::io(&path))?;
        }
        Ok(())
    }
}

/// The lines of a file of histograms, up to the first that is not whole.
fn read(path: &Path) -> Result<Vec<Histogram>> {
    let bytes = fs::read(path).map_err(TrainError::io(path))?;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map_while(|line| serde_json::from_slice(line).ok()).collect())
}

/// The histogram of a value that was seen going forward: named after its part of the model, its operation and, where it has
/// one, its weight.
pub(crate) fn of_seen(step: u64, parameters: &Parameters, seen: &Seen) -> Option<Histogram> {
    if seen.part != Part::Output || seen.values.len() < 2 {
        return None;
    }
    let weight = seen.parameter.map(|id| parameters.name(id).trim_end_matches(".weight"));
    let last = weight.and_then(|name| name.rsplit('.').next()).map(|name| format!(".{name}")).unwrap_or_default();
    Some(Histogram::of(step, "activation", &format!("{}/{}{last}", seen.scope, seen.op), seen.values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_they_say() {
        let values = [0.0, 1.0, 1.1, -3.0, 1e-30, 2.0, 2.0, f32::NAN, 1e30, -1e30];
        let histogram = Histogram::of(3, "weight", "w", &values);
        assert_eq!((histogram.count, histogram.not_finite), (10, 1));
        assert_eq!(histogram.counts.iter().sum::<u64>(), 9);
        assert!(histogram.limits.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", histogram.limits);
        let mut low = f64::NEG_INFINITY;
        for (&limit, &count) in histogram.limits.iter().zip(&histogram.counts) {
            let inside = values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value));
            let inside =
                inside.filter(
                    |&value| if value > 0.0 { value >= low && value < limit } else { value > low && value <= limit },
                );
            assert_eq!(inside.count() as u64, count, "{low} to {limit}");
            low = limit;
        }
    }

    #[test]
    fn neighbours_share_an_edge() {
        for bucket in -300..300 {
            let (low, high) = (upper_limit(bucket - 1), upper_limit(bucket));
            assert!(low < high, "{bucket}");
            assert_eq!(bucket_of((low + high) / 2.0), bucket, "{low} {high}");
        }
    }
}
