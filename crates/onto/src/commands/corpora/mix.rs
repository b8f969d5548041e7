//! `onto corpus mix`

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use corpus::mix::draw::{Pick, cut, draw};
use corpus::mix::presets::{PRESETS, preset};
use corpus::mix::{EPOCHS_NEARLY_FREE, Mixture, Source, Target};
use lang::artifact;
use lang::document::Document;
use lang::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::mix_page::page;
use super::redact::unknown;
use super::stream_paths;
use crate::cli::MixArguments;
use crate::commands::{Session, finished};
use crate::run::lines::write_json;
use crate::run::source::DOCUMENTS;
use crate::run::stage::Stage;
use crate::terminal::{Usage, line_to_stdout};

/// Documents are put in order in buckets of about this many bytes.
const BUCKET_BYTES: u64 = 64 << 20;

/// What counts as a token.
struct Measure {
    tokenizer: Option<Tokenizer>,
}

impl Measure {
    fn unit(&self) -> &'static str {
        if self.tokenizer.is_some() { "tokens" } else { "words" }
    }

    fn tokens(&self, text: &str) -> u32 {
        let n = match &self.tokenizer {
            Some(tokenizer) => tokenizer.encode(text).len(),
            None => corpus::text::tokens(text).count(),
        };
        u32::try_from(n).unwrap_or(u32::MAX)
    }
}

/// Draws documents of sources to target shares, or lists published mixtures.
pub fn mix(session: &Session, arguments: &MixArguments) -> Result<()> {
    if arguments.list {
        return list(session, arguments);
    }
    let mixture = mixture(arguments)?;
    mixture.check().map_err(|error| Usage(error.to_string()))?;
    let out = session.out()?;
    let paths = paths(&mixture)?;
    let measure =
        Measure { tokenizer: arguments.tokenizer.as_deref().map(crate::commands::load_tokenizer).transpose()? };
    if measure.tokenizer.is_none() {
        session.terminal.say("without --tokenizer, words and Chinese characters are counted as tokens");
    }
    let mut inputs = paths.iter().map(|path| Ok(artifact::input(path, "source")?)).collect::<Result<Vec<_>>>()?;
    if let Some(path) = &arguments.tokenizer {
        inputs.push(artifact::input(path, "tokenizer")?);
    }
    let seed = session.seed(0);
    let config = json!({"mixture": mixture, "tokens": arguments.tokens, "unit": measure.unit()});
    let stage = Stage { name: "mix", kind: "corpus", path: &out, config, seed, inputs };
    let (manifest, record) = session
        .context(&out)
        .stage(stage, |dir, _| make(session, &mixture, &paths, &measure, arguments.tokens, seed, dir))?;
    finished(session, &out, &manifest, record.skipped)
}

/// The mixture that was typed: a file, a published one, or sources alone.
fn mixture(arguments: &MixArguments) -> Result<Mixture> {
    let typed = arguments.source.iter().map(|text| parse_source(text)).collect::<Result<Vec<Source>>>()?;
    let mut mixture = match (&arguments.file, &arguments.preset) {
        (Some(_), Some(_)) => return Err(Usage("a mixture file and --preset exclude each other".into()).into()),
        (Some(path), None) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut mixture: Mixture =
                toml::from_str(&text).with_context(|| format!("{} is no mixture", path.display()))?;
            // Paths in a file are beside the file.
            let folder = path.parent().unwrap_or(Path::new(""));
            for path in mixture.source.iter_mut().filter_map(|source| source.path.as_mut()) {
                *path = folder.join(&*path);
            }
            mixture
        }
        (None, Some(name)) => find_preset(name)?,
        (None, None) => Mixture::default(),
    };
    for source in typed {
        match mixture.source.iter_mut().find(|known| known.name == source.name) {
            Some(known) => {
                known.path = source.path.or(known.path.take());
                known.share = source.share.or(known.share);
            }
            None if arguments.preset.is_some() => {
                let names: Vec<&str> = mixture.source.iter().map(|source| source.name.as_str()).collect();
                return Err(Usage(unknown("source", &source.name, &names)).into());
            }
            None => mixture.source.push(source),
        }
    }
    mixture.normalise |= arguments.normalise;
    mixture.temperature = arguments.temperature.or(mixture.temperature);
    Ok(mixture)
}

/// `NAME=PATH:SHARE`, or `NAME=PATH`.
fn parse_source(text: &str) -> Result<Source> {
    let wrong = || Usage(format!("--source {text}: write NAME=PATH:SHARE, such as books=data/books:0.3"));
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (path, share) = match rest.rsplit_once(':') {
        Some((path, share)) => (path, Some(share.parse().map_err(|_| wrong())?)),
        None => (rest, None),
    };
    if name.is_empty() || path.is_empty() {
        return Err(wrong().into());
    }
    Ok(Source { name: name.into(), path: Some(path.into()), share, ..Source::default() })
}

fn find_preset(name: &str) -> Result<Mixture> {
    let names: Vec<&str> = PRESETS.iter().map(|(known, _)| *known).collect();
    preset(name).ok_or_else(|| Usage(unknown("preset", name, &names)).into())
}

fn paths(mixture: &Mixture) -> Result<Vec<PathBuf>> {
    let path = |source: &Source| {
        let what = || format!("source {} has no files\nhint: --source {}=PATH", source.name, source.name);
        let path = source.path.clone().ok_or_else(|| Usage(what()))?;
        if !path.exists() {
            bail!("source {}: no file or folder at {}", source.name, path.display());
        }
        Ok(path)
    };
    mixture.source.iter().map(path).collect()
}

fn list(session: &Session, arguments: &MixArguments) -> Result<()> {
    let mixtures: Vec<Mixture> = match &arguments.preset {
        Some(name) => vec![find_preset(name)?],
        None => PRESETS.iter().filter_map(|(name, _)| preset(name)).collect(),
    };
    if session.global.json {
        return line_to_stdout(&json!({"mixtures": mixtures}).to_string());
    }
    for mixture in mixtures {
        line_to_stdout(&format!("{}: {} ({})", mixture.name, mixture.title, mixture.citation))?;
        for source in &mixture.source {
            let epochs = source.epochs.map(|epochs| format!("   {epochs} epochs")).unwrap_or_default();
            let share = source.share.unwrap_or(0.0) * 100.0;
            line_to_stdout(&format!("  {:<20} {share:>6.2} %{epochs}", source.name))?;
        }
    }
    Ok(())
}

/// Counts, draws and writes.
fn make(
    session: &Session,
    mixture: &Mixture,
    paths: &[PathBuf],
    measure: &Measure,
    total: Option<u64>,
    seed: u64,
    dir: &Path,
) -> Result<Map<String, Value>> {
    let (mut lengths, mut bytes): (Vec<Vec<u32>>, Vec<u64>) = (Vec::new(), Vec::new());
    for (source, path) in mixture.source.iter().zip(paths) {
        let (mut of_source, mut size) = (Vec::new(), 0u64);
        stream_paths(session, std::slice::from_ref(path), &mut |documents| {
            of_source.par_extend(documents.par_iter().map(|document| measure.tokens(&document.text)));
            size += documents.iter().map(|document| document.text.len() as u64).sum::<u64>();
            Ok(())
        })
        .with_context(|| format!("source {} cannot be used", source.name))?;
        lengths.push(of_source);
        bytes.push(size);
    }
    let sizes: Vec<u64> = lengths.iter().map(|lengths| lengths.iter().map(|&n| u64::from(n)).sum()).collect();
    let targets = mixture.resolve(&sizes, total)?;
    for target in &targets {
        if target.epochs > EPOCHS_NEARLY_FREE {
            session.terminal.warn(&format!(
                "source {} is repeated {:.1} times; beyond {EPOCHS_NEARLY_FREE} epochs repeated text is worth little",
                target.name, target.epochs
            ));
        } else if target.epochs > 1.0 {
            session.terminal.warn(&format!(
                "source {} is exhausted: it has {} {unit}, its share is {}, so it is gone through {:.2} times",
                target.name,
                target.available,
                target.tokens,
                target.epochs,
                unit = measure.unit()
            ));
        }
    }
    let picks = draw(&targets, &lengths, seed);
    let estimate: f64 = targets.iter().zip(&bytes).map(|(target, &bytes)| bytes as f64 * target.epochs).sum();
    let achieved = write(session, &targets, paths, &lengths, measure, &picks, estimate as u64, dir)?;
    report(&targets, &achieved, picks.len(), measure.unit(), mixture, dir)
}

/// Reads the sources again and writes the picked documents in the order of the picks. Returns the tokens of each source.
fn write(
    session: &Session,
    targets: &[Target],
    paths: &[PathBuf],
    lengths: &[Vec<u32>],
    measure: &Measure,
    picks: &[Pick],
    estimate: u64,
    dir: &Path,
) -> Result<Vec<u64>> {
    // By document: where it stands in the result, as often as it does.
    let mut places: Vec<(u32, u32, usize)> =
        picks.iter().enumerate().map(|(rank, pick)| (pick.source, pick.document, rank)).collect();
    places.sort_unstable();
    let n_buckets = (estimate / BUCKET_BYTES + 1) as usize;
    let bucket_path = |bucket: usize| dir.join(format!(".bucket-{bucket}"));
    let create = |path: PathBuf| {
        Ok(BufWriter::new(File::create(&path).with_context(|| format!("cannot write {}", path.display()))?))
    };
    let mut buckets = (0..n_buckets).map(|bucket| create(bucket_path(bucket))).collect::<Result<Vec<_>>>()?;
    let mut achieved = vec![0u64; targets.len()];
    let mut at = 0;
    for (source, path) in paths.iter().enumerate() {
        let mut number = 0u32;
        stream_paths(session, std::slice::from_ref(path), &mut |documents| {
            for document in &documents {
                while let Some(&(_, _, rank)) =
                    places.get(at).filter(|place| (place.0, place.1) == (source as u32, number))
                {
                    let pick = &picks[rank];
                    let whole = lengths[source][number as usize];
                    let drawn = drawn(document, pick, whole, &targets[source].name);
                    achieved[source] +=
                        u64::from(if pick.tokens == whole { whole } else { measure.tokens(&drawn.text) });
                    let line = serde_json::to_vec(&drawn)?;
                    let out = &mut buckets[rank * n_buckets / picks.len().max(1)];
                    out.write_all(&(rank as u64).to_le_bytes())?;
                    out.write_all(&(line.len() as u64).to_le_bytes())?;
                    out.write_all(&line)?;
                    at += 1;
                }
                number += 1;
            }
            Ok(())
        })?;
    }
    let mut out = create(dir.join(DOCUMENTS))?;
    for (bucket, mut file) in buckets.into_iter().enumerate() {
        file.flush()?;
        drop(file);
        let path = bucket_path(bucket);
        for (_, line) in read_bucket(&path)? {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
        std::fs::remove_file(&path)?;
    }
    out.flush()?;
    Ok(achieved)
}

/// The document as it stands in the result: its name says the time through the source, its text ends where the target does.
fn drawn(document: &Document, pick: &Pick, whole: u32, source: &str) -> Document {
    let mut drawn = document.clone();
    if pick.epoch > 0 {
        drawn.id = format!("{}#{}", document.id, pick.epoch + 1);
    }
    drawn.id = format!("{source}/{}", drawn.id);
    drawn.source = source.to_owned();
    drawn.text.truncate(cut(&document.text, u64::from(pick.tokens), u64::from(whole)));
    drawn
}

fn read_bucket(path: &Path) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut lines = Vec::new();
    let mut head = [0u8; 16];
    loop {
        match reader.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error.into()),
        }
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        let mut line = vec![0; number(&head[8..]) as usize];
        reader.read_exact(&mut line)?;
        lines.push((number(&head[..8]), line));
    }
    lines.sort_unstable_by_key(|(rank, _)| *rank);
    Ok(lines)
}

/// What was wanted beside what was achieved, as numbers and as a page.
fn report(
    targets: &[Target],
    achieved: &[u64],
    documents: usize,
    unit: &str,
    mixture: &Mixture,
    dir: &Path,
) -> Result<Map<String, Value>> {
    let all: u64 = achieved.iter().sum();
    let share = |tokens: u64| tokens as f64 / all.max(1) as f64;
    let rows: Vec<Value> = targets
        .iter()
        .zip(achieved)
        .map(|(target, &tokens)| {
            json!({"name": target.name, "target_share": target.share, "share": share(tokens), "target": target.tokens,
                   "tokens": tokens, "available": target.available, "epochs": target.epochs,
                   "exhausted": target.epochs > 1.0})
        })
        .collect();
    let answer = json!({"unit": unit, "tokens": all, "documents": documents, "sources": rows});
    write_json(&dir.join("mix.json"), &answer)?;
    let shares: Vec<f64> = achieved.iter().map(|&tokens| share(tokens)).collect();
    std::fs::write(dir.join("mix.html"), page(mixture, targets, &shares, all, unit))?;
    let worst = targets.iter().zip(&shares).map(|(target, share)| (target.share - share).abs()).fold(0.0, f64::max);
    let mut metrics = Map::new();
    metrics.insert("tokens".into(), json!(all));
    metrics.insert("documents".into(), json!(documents));
    metrics.insert("largest_share_error".into(), json!(worst));
    Ok(metrics)
}
