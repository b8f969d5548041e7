//! The log of a run: `metrics.jsonl`, one JSON object a line, and the same numbers as a TensorBoard event file.
//!
//! The lines are the truth and the event file is a function of them. A checkpoint holds a copy of the lines so far; on
//! resume both files are written anew from that copy, so steps that were taken, lost and taken again stand in them once.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::error::{Result, TrainError};
use crate::events;
use crate::observer::{Evaluation, StepMetrics};
use crate::spikes::Spike;

/// Name of the log inside a work folder.
pub const METRICS_FILE: &str = "metrics.jsonl";
/// Name of the event file inside a work folder. TensorBoard looks for `tfevents` in the name.
pub const EVENTS_FILE: &str = "events.out.tfevents.0000000000.onto";

/// Key of the digest of all weights after a step, in lines of steps after which a checkpoint is due.
pub const WEIGHTS_KEY: &str = "weights_sha256";

/// Key of lines that tell of an event instead of a step.
pub(crate) const EVENT_KEY: &str = "event";

/// Both files, open for appending.
pub(crate) struct Logs {
    lines: File,
    lines_path: PathBuf,
    events: File,
    events_path: PathBuf,
}

impl Logs {
    /// Replaces both files in `work` by what `so_far` (lines of an earlier `metrics.jsonl`, or nothing) says.
    pub(crate) fn begin(work: &Path, so_far: &[u8]) -> Result<Logs> {
        let lines_path = work.join(METRICS_FILE);
        let events_path = work.join(EVENTS_FILE);
        let records = parse(&lines_path, so_far)?;
        let start = records.first().and_then(|record| record.get("time")).and_then(Value::as_f64).unwrap_or_else(now);
        let mut event_bytes = events::file_header(start);
        event_bytes.extend(records.iter().flat_map(event));
        let lines = replace(&lines_path, so_far)?;
        let events = replace(&events_path, &event_bytes)?;
        Ok(Logs { lines, lines_path, events, events_path })
    }

    /// Appends one record to both files; it is on its way to the disk when this returns.
    pub(crate) fn append(&mut self, record: &Map<String, Value>) -> Result<()> {
        let mut line = Value::Object(record.clone()).to_string();
        line.push('\n');
        self.lines.write_all(line.as_bytes()).map_err(TrainError::io(&self.lines_path))?;
        self.lines.flush().map_err(TrainError::io(&self.lines_path))?;
        self.events.write_all(&event(record)).map_err(TrainError::io(&self.events_path))?;
        self.events.flush().map_err(TrainError::io(&self.events_path))
    }

    /// Goes back to the lines that a checkpoint holds, keeping the events told since.
    pub(crate) fn rewind(&mut self, work: &Path, earlier: &[u8]) -> Result<()> {
        let now = self.lines()?;
        let mut lines = earlier.to_vec();
        for line in now.get(earlier.len()..).unwrap_or_default().split_inclusive(|&byte| byte == b'\n') {
            let is_event = serde_json::from_slice::<Map<String, Value>>(line).is_ok_and(|l| l.contains_key(EVENT_KEY));
            if is_event {
                lines.extend(line);
            }
        }
        *self = Logs::begin(work, &lines)?;
        Ok(())
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Result<Vec<u8>> {
        fs::read(&self.lines_path).map_err(TrainError::io(&self.lines_path))
    }
}

/// The records of a `metrics.jsonl`.
///
/// # Errors
/// When the file cannot be read or a line is not a JSON object; the message names the line.
pub fn read_metrics(path: &Path) -> Result<Vec<Map<String, Value>>> {
    parse(path, &fs::read(path).map_err(TrainError::io(path))?)
}

fn parse(path: &Path, lines: &[u8]) -> Result<Vec<Map<String, Value>>> {
    let mut records = Vec::new();
    for (index, line) in lines.split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        records.push(
            serde_json::from_slice(line)
                .map_err(|error| TrainError::Data(format!("{} line {}: {error}", path.display(), index + 1)))?,
        );
    }
    Ok(records)
}

/// Writes a file anew beside itself and renames it, then opens it for appending.
fn replace(path: &Path, bytes: &[u8]) -> Result<File> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial).map_err(TrainError::io(&partial))?;
    file.write_all(bytes).map_err(TrainError::io(&partial))?;
    fs::rename(&partial, path).map_err(TrainError::io(path))?;
    Ok(file)
}

/// The line for one step: what was trained, what was evaluated, or both.
pub(crate) fn record(
    step: u64,
    seconds: f64,
    trained: Option<&StepMetrics>,
    evaluation: Option<&Evaluation>,
) -> Map<String, Value> {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
    put("step", step.into());
    if let Some(metrics) = trained {
        put("tokens", metrics.tokens.into());
        put("epoch", metrics.epoch.into());
        put("loss", metrics.loss.into());
        put("learning_rate", metrics.learning_rate.into());
        put("grad_norm", metrics.grad_norm.into());
        put("tokens_per_second", metrics.tokens_per_second.into());
        for (name, value) in &metrics.measures {
            put(name, (*value).into());
        }
    }
    if let Some(evaluation) = evaluation {
        put("eval_loss", evaluation.loss.into());
        if let Some(bits) = evaluation.bits_per_byte {
            put("eval_bits_per_byte", bits.into());
        }
        for (name, value) in &evaluation.measures {
            put(&format!("eval_{name}"), (*value).into());
        }
    }
    put("seconds", seconds.into());
    put("time", now().into());
    record
}

/// The line of a step that was not taken.
pub(crate) fn spike_record(seconds: f64, spike: &Spike) -> Result<Map<String, Value>> {
    let told = serde_json::to_value(spike).map_err(|error| TrainError::Data(error.to_string()))?;
    let mut record = Map::new();
    record.insert("step".to_owned(), spike.step.into());
    record.insert(EVENT_KEY.to_owned(), "spike".into());
    record.insert("spike".to_owned(), told);
    record.insert("seconds".to_owned(), seconds.into());
    record.insert("time".to_owned(), now().into());
    Ok(record)
}

/// The TensorBoard record of a line.
fn event(record: &Map<String, Value>) -> Vec<u8> {
    let number = |name: &str| record.get(name).and_then(Value::as_f64);
    let mut values: Vec<(String, f64)> = Vec::new();
    for (name, value) in record {
        let Some(value) = value.as_f64() else {
            continue;
        };
        match name.as_str() {
            "step" | "tokens" | "seconds" | "time" => {}
            name => values.push(match name.strip_prefix("eval_") {
                Some(rest) => (format!("eval/{rest}"), value),
                None => (format!("train/{name}"), value),
            }),
        }
    }
    let spike = |name: &str| record.get("spike").and_then(|spike| spike.get(name)).and_then(Value::as_f64);
    for name in ["value", "threshold"] {
        values.extend(spike(name).map(|value| (format!("spike/{name}"), value)));
    }
    let values: Vec<(&str, f64)> = values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let step = record.get("step").and_then(Value::as_u64).unwrap_or_default();
    events::scalars(number("time").unwrap_or_default(), step, &values)
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}
