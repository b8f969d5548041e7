//! What a neural stage was made from, written beside its checkpoints and its log, so that its steps can be taken again and
//! another end given to them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use lang::artifact::write_atomic;
use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;

/// Name of the record inside a work folder or a folder of logs.
pub const RECORD_FILE: &str = "run.json";

/// A neural stage, as it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The section of the recipe: `pretrain`, `tune`, `align`.
    pub section: String,
    /// The resolved recipe.
    pub recipe: String,
    /// What it learns from.
    pub source: Source,
    /// The instruction set it was begun with; bits agree only under the same.
    pub isa: String,
    /// Version of this program.
    pub program_version: String,
}

/// What a neural stage learns from; the paths are absolute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Source {
    /// Token shards of a life.
    Shards {
        /// Their folder.
        shards: PathBuf,
        /// Bytes of the text held out.
        held_out_bytes: u64,
        /// The tokenizer's folder.
        tokenizer: PathBuf,
    },
    /// Documents, some of which are held out by the recipe's seed and share.
    Documents {
        /// Files and folders.
        data: Vec<PathBuf>,
        /// The tokenizer's folder.
        tokenizer: PathBuf,
    },
    /// Conversations or preference pairs for a model.
    Instances {
        /// The model's folder.
        model: PathBuf,
        /// JSONL files.
        data: Vec<PathBuf>,
    },
}

impl Record {
    /// The record of a stage that `recipe` sets and `source` feeds.
    pub fn new(section: &str, recipe: &Recipe, source: Source) -> Result<Record> {
        Ok(Record {
            section: section.to_owned(),
            recipe: recipe.resolved()?,
            source,
            isa: tensor::isa().name().to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Writes it into `folder`, unless it is there: a stage that goes on was begun with the one it has.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(RECORD_FILE);
        if !path.exists() {
            write_atomic(&path, serde_json::to_string_pretty(self)?.as_bytes())?;
        }
        Ok(())
    }

    /// The recipe it was made with.
    pub fn recipe(&self) -> Result<Recipe> {
        Recipe::parse(RECORD_FILE, "run", &self.recipe, &[])
    }
}

/// A path that holds wherever a command is run.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))
}

/// Finds the record of the stage `section` by what a person names: the folder of a life, of a model, of its logs, or the
/// folder a stage works in. The folder that holds it holds the log, and checkpoints where there are any.
pub fn find(named: &Path, section: &str) -> Result<(PathBuf, Record)> {
    let stage = match section {
        "pretrain" => "base",
        "tune" => "tuned",
        _ => "aligned",
    };
    let name = named.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = |folder: &str| named.with_file_name(folder);
    let mut places = vec![named.to_owned()];
    places.extend(works(named.parent().filter(|parent| !parent.as_os_str().is_empty()), &name));
    places.extend(works(Some(&named.join("models")), stage));
    places.extend([beside(&format!("{name}.logs")), named.join("logs").join(stage)]);
    // The logs of a model of a life stand beside its models.
    places.extend(named.parent().and_then(Path::parent).map(|life| life.join("logs").join(&name)));
    for place in places {
        let path = place.join(RECORD_FILE);
        if !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let record: Record = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        if record.section == section {
            return Ok((place, record));
        }
    }
    bail!(
        "{} holds no {section} run\nhint: name the folder of a life, of a model that `onto {section}` made, of its logs, \
         or the folder it works in",
        named.display()
    );
}

/// The folders in which the stage that will stand at `name` works.
fn works(parent: Option<&Path>, name: &str) -> Vec<PathBuf> {
    let prefix = format!(".{name}.work-");
    let entries = fs::read_dir(parent.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).map(|e| e.path()).collect()
}
