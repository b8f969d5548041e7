//! Trains a vocabulary and says how long that took: `train_vocabulary MODEL SIZE MEGABYTES OUT FILE...` on the files' documents (of
//! about 64 KiB), again and again up to so many million bytes (0: once). With `HELD_OUT=1` every tenth line is left out of training,
//! and its tokens are counted. `ROOM`, `SHRINK` and `SUB` change settings of Unigram.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;

use lang::tokenizer::{ModelKind, TrainConfig, Trainer};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, size, megabytes, out, files @ ..] = arguments.as_slice() else {
        return Err("MODEL SIZE MEGABYTES OUT FILE... are expected".into());
    };
    let model = match model.as_str() {
        "wordpiece" => ModelKind::WordPiece,
        "unigram" => ModelKind::Unigram,
        "word" => ModelKind::Word,
        "char" => ModelKind::Character,
        _ => ModelKind::Bpe,
    };
    let mut config = TrainConfig { vocab_size: size.parse()?, ..TrainConfig::of(model) };
    if let Ok(room) = std::env::var("ROOM") {
        config.unigram.room = room.parse()?;
    }
    if let Ok(factor) = std::env::var("SHRINK") {
        config.unigram.shrinking_factor = factor.parse()?;
    }
    if let Ok(rounds) = std::env::var("SUB") {
        config.unigram.sub_iterations = rounds.parse()?;
    }
    let held_out = std::env::var_os("HELD_OUT").is_some();
    let mut held = Vec::new();
    let wanted = megabytes.parse::<usize>()? * 1_000_000;
    let begun = Instant::now();
    let mut trainer = Trainer::new(&config, None)?;
    let mut given = 0;
    // The files are read as they are needed, so that the memory is that of training.
    let mut again = files.iter().cycle().take(if wanted == 0 { files.len() } else { usize::MAX });
    while wanted == 0 || given < wanted {
        let Some(file) = again.next() else { break };
        let mut lines = BufReader::new(File::open(file)?);
        let (mut line, mut at) = (Vec::new(), 0);
        let (mut documents, mut document) = (Vec::new(), String::new());
        loop {
            line.clear();
            let is_end = lines.read_until(b'\n', &mut line)? == 0 || (wanted > 0 && given >= wanted);
            let text = String::from_utf8_lossy(&line);
            if held_out && !text.trim().is_empty() {
                at += 1;
                if at % 10 == 1 {
                    held.push(text.trim().to_owned());
                    continue;
                }
            }
            given += text.len();
            document.push_str(&text);
            if document.len() > 1 << 16 || is_end {
                documents.push(std::mem::take(&mut document));
            }
            if documents.len() == 64 || is_end {
                trainer.feed(&documents)?;
                documents.clear();
            }
            if is_end {
                break;
            }
        }
    }
    let counted = begun.elapsed().as_secs_f64();
    let (tokenizer, report) = trainer.finish(&mut |_, _, _| ())?;
    let seconds = begun.elapsed().as_secs_f64();
    tokenizer.save(Path::new(out))?;
    let peak = std::fs::read_to_string("/proc/self/status")?;
    let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
    println!(
        "{:.1} MB, {} words, {} different: {counted:.2} s counting, {:.2} s learning {} tokens, {:.1} MB/s; {peak}",
        given as f64 / 1e6,
        report.occurrences,
        report.distinct_words,
        seconds - counted,
        tokenizer.vocabulary_size(),
        given as f64 / 1e6 / seconds
    );
    if held_out {
        let tokens: usize = held.iter().map(|line| tokenizer.count(line)).sum();
        let bytes: usize = held.iter().map(String::len).sum();
        println!("held out: {tokens} tokens of {bytes} bytes");
    }
    Ok(())
}
