//! Everything a run needs to go on as if nothing had happened.
//!
//! A work folder holds the newest few `checkpoint-000123/`, each with
//!
//! - `parameters.safetensors`: the f32 weights;
//! - `optimizer.safetensors`: the optimiser's state, by the letters that [`Optimizer::state`] gives: `m.NAME`, ...;
//! - `carried.safetensors`: the state that the next batch goes on from, where one is carried;
//! - `state.json`: [`State`]; the data position and every random stream are functions of its step and seed;
//! - `metrics.jsonl`: the log so far;
//! - `SHA256SUMS`: one line a file above, as `sha256sum` writes and checks it.
//!
//! A run goes on from a checkpoint of the same run, and from one of a run that has only another end: as many updates with
//! the same rates, then more of them or a cooldown.
//!
//! A checkpoint is written beside itself, synced and renamed, so one that is there is whole, unless the disk or a person
//! damaged it. Then its sums say so, and the one before it is used.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tensor::optim::Optimizer;
use tensor::{Parameters, Tensor, weights};

use crate::batch::DataPosition;
use crate::carried::Carried;
use crate::config::TrainConfig;
use crate::digest;
use crate::error::{Result, TrainError};
use crate::observer::{Evaluation, Observer};
use crate::spikes::{Memory, way_back};

const FORMAT_VERSION: u32 = 1;
const SUMS: &str = "SHA256SUMS";
const PARAMETERS: &str = "parameters.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";
const METRICS: &str = "metrics.jsonl";
const CARRIED: &str = "carried.safetensors";
/// What the run of a work folder is, beside its checkpoints; it outlives them with the log.
pub const IDENTITY_FILE: &str = "identity.json";

/// What makes two runs the same run. A run only goes on from a checkpoint that agrees in all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Digest of the training data.
    pub data: String,
    /// Digest of the weights training started from.
    pub start: String,
    /// The model's shape.
    pub model: Value,
    /// The objective and its settings.
    pub objective: Value,
    /// The settings that decide which weights come out; how often is logged or saved is not among them.
    pub config: Value,
}

impl Identity {
    /// What reading `state.json` makes of it: printing and parsing may move the last bit of a number.
    pub(crate) fn as_read_back(&self) -> Result<Identity> {
        serde_json::to_vec(self)
            .and_then(|json| serde_json::from_slice(&json))
            .map_err(|error| TrainError::Data(error.to_string()))
    }

    /// The settings of a run that are part of its identity.
    pub(crate) fn settings(config: &TrainConfig) -> Result<Value> {
        let mut config = serde_json::to_value(config).map_err(|error| TrainError::Data(error.to_string()))?;
        if let Value::Object(settings) = &mut config {
            DECIDE_NOTHING.iter().for_each(|key| drop(settings.shift_remove(*key)));
        }
        Ok(config)
    }

    /// The settings of the run of `self` as those of the run `now`, where that takes the same first `steps` updates: what
    /// only shapes the rates may differ, as long as the rates do not.
    fn settings_after(&self, steps: u64, now: &Identity) -> Value {
        let read = |config: &Value| serde_json::from_value::<TrainConfig>(config.clone()).ok();
        let (Some(then), Some(now)) = (read(&self.config), read(&now.config)) else { return self.config.clone() };
        // A setting that the program had no name for when the checkpoint was made had its default.
        let Ok(mut settings) = Identity::settings(&then) else { return self.config.clone() };
        if steps <= now.steps
            && then.has_rates_of(&now, steps)
            && let (Value::Object(settings), Ok(Value::Object(now))) = (&mut settings, Identity::settings(&now))
        {
            for (key, value) in now.into_iter().filter(|(key, _)| SHAPE_THE_RATES.contains(&key.as_str())) {
                settings.insert(key, value);
            }
        }
        settings
    }

    /// How the run of `self`, after `steps` updates, differs from the run `now`, for a person.
    pub(crate) fn difference(&self, now: &Identity, steps: u64) -> Option<String> {
        if self.data != now.data {
            return Some("from other training data".to_owned());
        }
        if self.start != now.start {
            return Some("from other starting weights".to_owned());
        }
        let config = self.settings_after(steps, now);
        for (then, now) in [(&self.model, &now.model), (&self.objective, &now.objective), (&config, &now.config)] {
            if then == now {
                continue;
            }
            let (Value::Object(then), Value::Object(now)) = (then, now) else {
                return Some(format!("with {then} (now {now})"));
            };
            let keys = then.keys().chain(now.keys().filter(|key| !then.contains_key(*key)));
            let show = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            let changed: Vec<String> = keys
                .filter(|key| then.get(*key) != now.get(*key))
                .map(|key| format!("{key} = {} (now {})", show(then.get(key)), show(now.get(key))))
                .collect();
            return Some(format!("with {}", changed.join(", ")));
        }
        None
    }
}

/// How often is measured, logged and saved, and what is kept in memory, decides nothing about the weights.
const DECIDE_NOTHING: [&str; 7] = [
    "eval_every",
    "eval_batches",
    "checkpoint_every",
    "keep_checkpoints",
    "log_every",
    "histogram_every",
    "activation_checkpointing",
];
/// What decides about the weights through the rates of the updates alone.
const SHAPE_THE_RATES: [&str; 8] = [
    "steps",
    "schedule",
    "warmup_steps",
    "warmup_ratio",
    "decay_share",
    "cooldown_steps",
    "cooldown_shape",
    "min_learning_rate_ratio",
];

/// How far a run has come: the part of the state that changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Updates taken.
    pub(crate) step: u64,
    /// Tokens read.
    pub(crate) tokens: u64,
    /// Seconds of work.
    pub(crate) seconds: f64,
    /// Tokens and seconds of the steps since the last line of the log.
    pub(crate) unlogged: (u64, f64),
    /// Loss of the last update.
    pub(crate) last_loss: Option<f64>,
    /// Last and lowest loss on the held-out batches.
    pub(crate) last_eval_loss: Option<f64>,
    pub(crate) last_eval_bits_per_byte: Option<f64>,
    pub(crate) best_eval_loss: Option<f64>,
    /// What the guard against spikes remembers.
    #[serde(default)]
    pub(crate) spikes: Memory,
    /// The state that the next batch goes on from; it has a file of its own.
    #[serde(skip)]
    pub(crate) carried: Carried,
}

impl Progress {
    pub(crate) fn evaluated(&mut self, evaluation: &Evaluation) {
        self.last_eval_loss = Some(evaluation.loss);
        self.last_eval_bits_per_byte = evaluation.bits_per_byte;
        self.best_eval_loss = Some(self.best_eval_loss.map_or(evaluation.loss, |best| best.min(evaluation.loss)));
    }
}

/// What `state.json` holds.
#[derive(Serialize, Deserialize)]
struct State {
    format_version: u32,
    seed: u64,
    position: DataPosition,
    metrics_bytes: u64,
    progress: Progress,
    identity: Identity,
}

/// The checkpoints of one work folder.
pub(crate) struct Checkpoints<'a> {
    pub(crate) work: &'a Path,
    pub(crate) keep: usize,
    pub(crate) identity: Identity,
    /// Updates between the states that a spike goes back to, where one does.
    pub(crate) rollback: Option<u64>,
    /// A step whose checkpoint always stays: where the rate begins to fall, and another end could be chosen.
    pub(crate) milestone: Option<u64>,
}

/// What a checkpoint gave back.
pub(crate) struct Restored {
    pub(crate) path: PathBuf,
    pub(crate) progress: Progress,
    pub(crate) metrics: Vec<u8>,
}

/// Why a checkpoint cannot be used.
enum Unusable {
    /// It is damaged; an older one may do.
    Damaged(String),
    /// It is sound but belongs to another run, or the system failed; nothing may be overwritten.
    Refused(TrainError),
}

impl From<TrainError> for Unusable {
    fn from(error: TrainError) -> Self {
        Unusable::Refused(error)
    }
}

impl Checkpoints<'_> {
    /// Writes a checkpoint, then removes the oldest beyond those to keep.
    pub(crate) fn save(
        &self,
        progress: &Progress,
        seed: u64,
        position: DataPosition,
        parameters: &Parameters,
        optimizer: &Optimizer,
        metrics: &[u8],
        observer: &mut dyn Observer,
    ) -> Result<PathBuf> {
        let path = self.work.join(format!("checkpoint-{:06}", progress.step));
        let partial = self.work.join(format!(".checkpoint-{:06}.partial", progress.step));
        let state = State {
            format_version: FORMAT_VERSION,
            seed,
            position,
            metrics_bytes: metrics.len() as u64,
            progress: progress.clone(),
            identity: self.identity.clone(),
        };
        let written = write_files(&partial, &state, parameters, optimizer, metrics).and_then(|()| {
            remove_folder(&path)?;
            fs::rename(&partial, &path).map_err(TrainError::io(&path))?;
            sync(self.work)
        });
        if let Err(error) = written {
            // What is half there only takes space; the error worth telling is the first.
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
        let found = self.list()?;
        // From each that stays, a spike must find its way back.
        let kept = &found[..found.len().min(self.keep)];
        let mut needed: Vec<u64> =
            self.rollback.iter().flat_map(|&every| kept.iter().map(move |(step, _)| way_back(*step, every))).collect();
        needed.extend(self.milestone);
        for (_, old) in found.iter().skip(self.keep).filter(|(step, _)| !needed.contains(step)) {
            if let Err(error) = remove_folder(old) {
                observer.warning(&format!("an old checkpoint could not be removed: {error}"));
            }
        }
        Ok(path)
    }

    /// Loads the state after `step` updates, and removes all later ones: what they hold is undone.
    pub(crate) fn go_back(
        &self,
        step: u64,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
    ) -> Result<Restored> {
        let path = self.work.join(format!("checkpoint-{step:06}"));
        let restored = self.load(&path, parameters, optimizer).map_err(|unusable| match unusable {
            Unusable::Refused(error) => error,
            Unusable::Damaged(reason) => TrainError::NoWayBack { path, reason, work: self.work.to_owned() },
        })?;
        for (_, later) in self.list()?.into_iter().filter(|(found, _)| *found > step) {
            remove_folder(&later)?;
        }
        Ok(restored)
    }

    /// Writes down what the run is.
    pub(crate) fn sign(&self) -> Result<()> {
        let json = serde_json::to_vec_pretty(&self.identity).map_err(|error| TrainError::Data(error.to_string()))?;
        write(&self.work.join(IDENTITY_FILE), &json)
    }

    /// Loads the newest whole checkpoint after fewer than `step` updates; nothing in the folder is changed.
    pub(crate) fn restore_before(
        &self,
        step: u64,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        observer: &mut dyn Observer,
    ) -> Result<Option<Restored>> {
        for (_, path) in self.list()?.into_iter().filter(|(found, _)| *found < step) {
            match self.load(&path, parameters, optimizer) {
                Ok(restored) => return Ok(Some(restored)),
                Err(Unusable::Refused(TrainError::OtherRun { path, reason, .. })) => {
                    return Err(TrainError::NotThatRun { path, reason });
                }
                Err(Unusable::Refused(error)) => return Err(error),
                Err(Unusable::Damaged(reason)) => observer.warning(&format!("{reason}; an older state is taken")),
            }
        }
        Ok(None)
    }

    /// Digest of the weights that the checkpoint after `step` updates holds, where there is a whole one.
    pub(crate) fn weights_at(
        &self,
        step: u64,
        parameters: &Parameters,
        optimizer: &Optimizer,
    ) -> Result<Option<String>> {
        let path = self.work.join(format!("checkpoint-{step:06}"));
        let (mut parameters, mut optimizer) = (parameters.clone(), optimizer.clone());
        match self.load(&path, &mut parameters, &mut optimizer) {
            Ok(_) => digest_of(&parameters).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Loads the newest checkpoint that is whole into `parameters` and `optimizer`; damaged ones are reported and
    /// passed over. `None` when there is none.
    ///
    /// # Errors
    /// When the newest whole checkpoint belongs to another run.
    pub(crate) fn restore(
        &self,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        observer: &mut dyn Observer,
    ) -> Result<Option<Restored>> {
        self.remove_partial()?;
        let found = self.list()?;
        for (index, (_, path)) in found.iter().enumerate() {
            match self.load(path, parameters, optimizer) {
                Ok(restored) => return Ok(Some(restored)),
                Err(Unusable::Refused(error)) => return Err(error),
                Err(Unusable::Damaged(reason)) => {
                    let instead = match found.get(index + 1) {
                        Some((_, older)) => format!("trying {}", older.display()),
                        None => "starting from the beginning".to_owned(),
                    };
                    observer.warning(&format!("{reason}; {instead}"));
                }
            }
        }
        Ok(None)
    }

    /// Checkpoints in the work folder with their steps, newest first.
    fn list(&self) -> Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.work).map_err(TrainError::io(self.work))? {
            let path = entry.map_err(TrainError::io(self.work))?.path();
            if let Some(step) = step_of(&path) {
                found.push((step, path));
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// Removes what a killed run left half written.
    fn remove_partial(&self) -> Result<()> {
        for entry in fs::read_dir(self.work).map_err(TrainError::io(self.work))? {
            let path = entry.map_err(TrainError::io(self.work))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(".checkpoint-") && name.ends_with(".partial") {
                remove_folder(&path)?;
            }
        }
        Ok(())
    }

    fn load(
        &self,
        path: &Path,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
    ) -> std::result::Result<Restored, Unusable> {
        check_sums(path)?;
        let state_path = path.join(STATE);
        let damaged =
            |path: &Path, what: &dyn std::fmt::Display| Unusable::Damaged(format!("{}: {what}", path.display()));
        let bytes = fs::read(&state_path).map_err(TrainError::io(&state_path))?;
        let state: State = serde_json::from_slice(&bytes).map_err(|error| damaged(&state_path, &error))?;
        if state.format_version != FORMAT_VERSION {
            let what = format!("format version {} instead of {FORMAT_VERSION}", state.format_version);
            return Err(damaged(&state_path, &what));
        }
        if let Some(reason) = state.identity.difference(&self.identity.as_read_back()?, state.progress.step) {
            let (path, work) = (path.to_owned(), self.work.to_owned());
            return Err(TrainError::OtherRun { path, reason, work }.into());
        }
        let metrics_path = path.join(METRICS);
        let metrics = fs::read(&metrics_path).map_err(TrainError::io(&metrics_path))?;
        if metrics.len() as u64 != state.metrics_bytes {
            let what = format!("{} bytes instead of {}", metrics.len(), state.metrics_bytes);
            return Err(damaged(&metrics_path, &what));
        }

        // Everything is read and measured before anything is overwritten.
        let [values, moments] = [PARAMETERS, OPTIMIZER].map(|name| {
            let path = path.join(name);
            weights::load_safetensors(&path).map_err(|error| damaged(&path, &error))
        });
        let (values, moments) = (values?, moments?);
        let carried_path = path.join(CARRIED);
        let carried = match carried_path.exists() {
            true => {
                let tensors =
                    weights::load_safetensors(&carried_path).map_err(|error| damaged(&carried_path, &error))?;
                Carried::of_tensors(tensors).ok_or_else(|| damaged(&carried_path, &"tensors of other names"))?
            }
            false => Carried::default(),
        };
        let fetch = |from: &BTreeMap<String, Tensor>, file: &str, name: String, length: usize| {
            let values = from.get(&name).map(Tensor::to_f32_vec).filter(|values| values.len() == length);
            values.ok_or_else(|| damaged(&path.join(file), &format!("no tensor {name} of {length} values")))
        };
        let mut loaded = Vec::with_capacity(parameters.len());
        for (id, name, tensor) in parameters.iter() {
            let length = tensor.len();
            let state = optimizer
                .state(id)
                .iter()
                .map(|(letter, values)| fetch(&moments, OPTIMIZER, format!("{letter}.{name}"), values.len()))
                .collect::<std::result::Result<Vec<_>, _>>()?;
            loaded.push((id, fetch(&values, PARAMETERS, name.to_owned(), length)?, state));
        }
        for (id, values, state) in loaded {
            parameters.values_mut(id).copy_from_slice(&values);
            optimizer.load(id, &state).map_err(TrainError::from)?;
        }
        optimizer.set_step(state.progress.step);
        Ok(Restored { path: path.to_owned(), progress: Progress { carried, ..state.progress }, metrics })
    }
}

fn write_files(
    folder: &Path,
    state: &State,
    parameters: &Parameters,
    optimizer: &Optimizer,
    metrics: &[u8],
) -> Result<()> {
    remove_folder(folder)?;
    fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    let values: Vec<(String, &Tensor)> = parameters.iter().map(|(_, name, tensor)| (name.to_owned(), tensor)).collect();
    weights::save_safetensors(&folder.join(PARAMETERS), &values, &BTreeMap::new())?;
    let moments = moment_tensors(parameters, optimizer)?;
    let moments: Vec<(String, &Tensor)> = moments.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    weights::save_safetensors(&folder.join(OPTIMIZER), &moments, &BTreeMap::new())?;
    let carried = state.progress.carried.tensors();
    if !carried.is_empty() {
        weights::save_safetensors(&folder.join(CARRIED), &carried, &BTreeMap::new())?;
    }
    let json = serde_json::to_vec_pretty(state).map_err(|error| TrainError::Data(error.to_string()))?;
    write(&folder.join(STATE), &json)?;
    write(&folder.join(METRICS), metrics)?;
    let mut sums = String::new();
    let names = [PARAMETERS, OPTIMIZER, STATE, METRICS].into_iter().chain((!carried.is_empty()).then_some(CARRIED));
    for name in names {
        let path = folder.join(name);
        sync(&path)?;
        sums.push_str(&format!("{}  {name}\n", digest::of_file(&path)?));
    }
    write(&folder.join(SUMS), sums.as_bytes())?;
    sync(&folder.join(SUMS))?;
    sync(folder)
}

fn moment_tensors(parameters: &Parameters, optimizer: &Optimizer) -> Result<Vec<(String, Tensor)>> {
    let mut out = Vec::with_capacity(2 * parameters.len());
    for (id, name, tensor) in parameters.iter() {
        for (letter, values) in optimizer.state(id) {
            // What Adafactor remembers of a matrix is a list of its rows and one of its columns.
            let shape = if values.len() == tensor.len() { tensor.shape() } else { &[values.len()] };
            out.push((format!("{letter}.{name}"), Tensor::from_f32(shape, values.to_vec())?));
        }
    }
    Ok(out)
}

/// Whether every file has the bytes it was written with.
fn check_sums(folder: &Path) -> std::result::Result<(), Unusable> {
    let sums_path = folder.join(SUMS);
    let sums = fs::read_to_string(&sums_path)
        .map_err(|error| Unusable::Damaged(format!("{}: {error}", sums_path.display())))?;
    let has_carried = sums.lines().any(|line| line.ends_with(CARRIED));
    let names = [PARAMETERS, OPTIMIZER, STATE, METRICS].into_iter().chain(has_carried.then_some(CARRIED));
    for name in names {
        let path = folder.join(name);
        let expected = sums.lines().find_map(|line| line.strip_suffix(name).map(str::trim_end));
        let Some(expected) = expected else {
            return Err(Unusable::Damaged(format!("{}: no line for {name}", sums_path.display())));
        };
        let found = match digest::of_file(&path) {
            Ok(found) => found,
            Err(error) => return Err(Unusable::Damaged(error.to_string())),
        };
        if found != expected {
            return Err(Unusable::Damaged(format!(
                "{}: its SHA-256 is {found}, but {SUMS} says {expected}",
                path.display()
            )));
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    File::create(path).and_then(|mut file| file.write_all(bytes)).map_err(TrainError::io(path))
}

/// Waits until a file or folder is on the disk.
fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(TrainError::io(path))
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(TrainError::io(path)),
    }
}

/// Digest of names, shapes and values of all parameters.
pub(crate) fn digest_of(parameters: &Parameters) -> Result<String> {
    let mut digest = digest::Digest::new("parameters");
    for (_, name, tensor) in parameters.iter() {
        digest.bytes(name.as_bytes());
        for &size in tensor.shape() {
            digest.number(size as u64);
        }
        digest.floats(&tensor.to_f32_vec());
    }
    Ok(digest.finish())
}

/// How many updates a checkpoint of this path is after.
pub(crate) fn step_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.parse().ok()
}
