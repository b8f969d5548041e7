//! How fast texts are encoded on one thread: `cargo run --release -p lang --example encode -- TOKENIZER SECONDS [TEXT...]`; without
//! a text, repeated characters are.
//! `onto bench tokenizer` measures more; this builds in seconds.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use lang::tokenizer::Tokenizer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tokenizer, seconds, paths @ ..] = arguments.as_slice() else {
        return Err("TOKENIZER SECONDS TEXT... are expected".into());
    };
    let seconds: f64 = seconds.parse()?;
    let tokenizer = Tokenizer::load_any(Path::new(tokenizer))?;
    let mut texts = Vec::new();
    for path in paths {
        texts.push((path.clone(), String::from_utf8_lossy(&std::fs::read(path)?).into_owned()));
    }
    let signs = ["a", " ", "\n", "\t", "0", "!", "-", "\0", "é", "河", "，", "\u{2a6d6}", "🙂", "\u{301}", "\u{3000}"];
    for repeated in signs.iter().filter(|_| paths.is_empty()) {
        texts.push((format!("{repeated:?} repeated"), repeated.repeat((1 << 20) / repeated.len())));
    }
    for (name, text) in texts {
        let tokens = tokenizer.encode(&text).len();
        let begun = Instant::now();
        let mut best = f64::INFINITY;
        while begun.elapsed().as_secs_f64() < seconds || best.is_infinite() {
            let round = Instant::now();
            std::hint::black_box(tokenizer.encode(&text));
            best = best.min(round.elapsed().as_secs_f64());
        }
        println!(
            "{:>8.1} MB/s {:>6.2} bytes a token  {name}",
            text.len() as f64 / best / 1e6,
            text.len() as f64 / tokens as f64
        );
    }
    Ok(())
}
