//! `onto corpus shards`

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use corpus::mix::{Mixture, Source};
use lang::artifact;
use lang::shards::{DsWriter, NpyWriter, ShardInfo, ShardWriter, order};
use lang::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::file_inputs;
use super::stream_paths;
use crate::cli::{ShardFormat, ShardsArguments};
use crate::commands::{Session, finished, load_tokenizer};
use crate::run::stage::Stage;
use crate::terminal::Usage;

/// One document in the spilled file.
struct Spilled {
    /// Where its tokens begin, in tokens.
    start: u64,
    tokens: usize,
    id: String,
    source: String,
    part: usize,
}

/// A writer of any of the formats.
enum Writer {
    Megatron(ShardWriter),
    Ds(DsWriter),
    Npy(NpyWriter),
}

impl Writer {
    fn create(format: ShardFormat, prefix: &Path, tokenizer: &Tokenizer, name: &str) -> Result<Writer> {
        let vocabulary = tokenizer.vocabulary_size();
        Ok(match format {
            ShardFormat::Megatron => Writer::Megatron(ShardWriter::create(prefix, vocabulary)?),
            ShardFormat::Ds => Writer::Ds(DsWriter::create(&prefix.with_extension("ds"), vocabulary, false, name)?),
            ShardFormat::Npy => Writer::Npy(NpyWriter::create(prefix, vocabulary)?),
        })
    }

    fn push(&mut self, tokens: &[u32], document: &Spilled, number: usize) -> Result<()> {
        let _: () = match self {
            Writer::Megatron(writer) => writer.push(tokens)?,
            Writer::Ds(writer) => writer.push(tokens, None)?,
            Writer::Npy(writer) => writer.push(tokens, &document.id, &document.source, number as u64 + 1)?,
        };
        Ok(())
    }

    fn finish(self) -> Result<ShardInfo> {
        Ok(match self {
            Writer::Megatron(writer) => writer.finish()?,
            Writer::Ds(writer) => writer.finish()?,
            Writer::Npy(writer) => writer.finish()?,
        })
    }
}

/// Encodes documents into the files that trainers read.
pub fn shards(session: &Session, arguments: &ShardsArguments) -> Result<()> {
    let out = session.out()?;
    let parts = parts(arguments)?;
    let tokenizer = load_tokenizer(&arguments.tokenizer)?;
    let seed = session.seed(0);
    let mut inputs = file_inputs(&arguments.paths)?;
    inputs.push(artifact::input(&arguments.tokenizer, "tokenizer")?);
    let config = json!({"format": arguments.format.name(), "parts": parts, "in_order": arguments.in_order,
                        "end": !arguments.no_end, "vocabulary_size": tokenizer.vocabulary_size()});
    let stage = Stage { name: "shards", kind: "shards", path: &out, config, seed, inputs };
    let (manifest, record) =
        session.context(&out).stage(stage, |dir, _| make(session, arguments, &tokenizer, &parts, seed, dir))?;
    finished(session, &out, &manifest, record.skipped)
}

/// Names and shares of the parts. They are weights like those of a mixture, and checked as such.
fn parts(arguments: &ShardsArguments) -> Result<Vec<(String, f64)>> {
    if arguments.split.is_empty() {
        return Ok(vec![("train".to_owned(), 1.0)]);
    }
    let parse = |text: &String| {
        let (name, share) = text.split_once('=')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        plain.then_some(())?;
        Some(Source { name: name.to_owned(), share: share.parse().ok(), ..Source::default() })
            .filter(|s| s.share.is_some())
    };
    let wrong = |text: &String| Usage(format!("--split {text}: write NAME=SHARE, such as train=0.98"));
    let source =
        arguments.split.iter().map(|text| parse(text).ok_or_else(|| wrong(text).into())).collect::<Result<Vec<_>>>()?;
    let mixture = Mixture { normalise: arguments.normalise, source, ..Mixture::default() };
    mixture.check().map_err(|error| Usage(error.to_string()))?;
    let sum: f64 = mixture.source.iter().filter_map(|source| source.share).sum();
    Ok(mixture.source.into_iter().map(|source| (source.name, source.share.unwrap_or(0.0) / sum)).collect())
}

/// Encodes into one spilled file in reading order, then writes every part in its own order.
fn make(
    session: &Session,
    arguments: &ShardsArguments,
    tokenizer: &Tokenizer,
    parts: &[(String, f64)],
    seed: u64,
    dir: &Path,
) -> Result<Map<String, Value>> {
    let spill = dir.join(".spill");
    let refused = || format!("cannot write {}", spill.display());
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&spill).with_context(refused)?);
    let shares: Vec<f64> = parts.iter().map(|(_, share)| *share).collect();
    let (mut documents, mut start): (Vec<Spilled>, u64) = (Vec::new(), 0);
    stream_paths(session, &arguments.paths, &mut |batch| {
        let encoded: Vec<Vec<u32>> = batch.par_iter().map(|document| tokenizer.encode(&document.text)).collect();
        for (document, mut tokens) in batch.into_iter().zip(encoded) {
            if !arguments.no_end {
                tokens.push(tokenizer.end_of_text());
            }
            let bytes: Vec<u8> = tokens.iter().flat_map(|id| id.to_le_bytes()).collect();
            out.write_all(&bytes).with_context(refused)?;
            let part = order::part(documents.len() as u64, &shares, seed);
            let tokens = tokens.len();
            documents.push(Spilled { start, tokens, id: document.id, source: document.source, part });
            start += tokens as u64;
        }
        Ok(())
    })?;
    out.flush().with_context(refused)?;
    drop(out);

    let sequence: Vec<usize> =
        if arguments.in_order { (0..documents.len()).collect() } else { order::shuffled(documents.len(), seed) };
    let name = arguments.tokenizer.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut reader = BufReader::with_capacity(1 << 16, File::open(&spill)?);
    let mut metrics = Map::new();
    for (part, (part_name, _)) in parts.iter().enumerate() {
        let mut writer = Writer::create(arguments.format, &dir.join(part_name), tokenizer, &name)?;
        let mut bytes = Vec::new();
        for &number in sequence.iter().filter(|&&number| documents[number].part == part) {
            let document = &documents[number];
            reader.seek(SeekFrom::Start(document.start * 4))?;
            bytes.resize(document.tokens * 4, 0);
            reader.read_exact(&mut bytes)?;
            let tokens: Vec<u32> = bytes.as_chunks().0.iter().map(|&id| u32::from_le_bytes(id)).collect();
            writer.push(&tokens, document, number)?;
        }
        let info = writer.finish()?;
        if info.documents == 0 {
            session.terminal.warn(&format!("the part {part_name} got no document"));
        }
        metrics.insert(format!("{part_name}.documents"), json!(info.documents));
        metrics.insert(format!("{part_name}.tokens"), json!(info.tokens));
    }
    std::fs::remove_file(&spill)?;
    Ok(metrics)
}
