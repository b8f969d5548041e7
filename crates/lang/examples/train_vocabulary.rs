//! Trains a vocabulary and says how long that took: `train_vocabulary MODEL SIZE MEGABYTES OUT FILE...` on the files' documents (of
//! about 64 KiB), again and again up to so many million bytes (0: once). With `HELD_OUT=1` every tenth line is left out of training,
//! and its tokens are counted. `ROOM`, `SHRINK` and `SUB` change settings of Unigram.

use std::error::Error;
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
    let holds_out = std::env::var_os("HELD_OUT").is_some();
    let (mut documents, mut held_out) = (Vec::new(), Vec::new());
    for file in files {
        let text = std::fs::read_to_string(file)?;
        let mut document = String::new();
        for (at, line) in text.split_inclusive('\n').filter(|line| !line.trim().is_empty()).enumerate() {
            if holds_out && at % 10 == 0 {
                held_out.push(line.trim().to_owned());
                continue;
            }
            document.push_str(line);
            if document.len() > 1 << 16 {
                documents.push(std::mem::take(&mut document));
            }
        }
        documents.push(document);
    }
    let once: usize = documents.iter().map(String::len).sum();
    let wanted = megabytes.parse::<usize>()? * 1_000_000;
    let begun = Instant::now();
    let mut trainer = Trainer::new(&config, None)?;
    let mut given = 0;
    while given == 0 || given < wanted {
        trainer.feed(&documents)?;
        given += once;
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
    if holds_out {
        let tokens: usize = held_out.iter().map(|line| tokenizer.count(line)).sum();
        let bytes: usize = held_out.iter().map(String::len).sum();
        println!("held out: {tokens} tokens of {bytes} bytes");
    }
    Ok(())
}
