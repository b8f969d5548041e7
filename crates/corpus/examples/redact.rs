//! Personal data in the lines of a JSON lines file (`text`), as JSON lines of spans, or how fast they are found:
//!
//!     cargo run --release -p corpus --example redact FILE.jsonl            spans, one line a document
//!     cargo run --release -p corpus --example redact FILE --speed          megabytes a second on one thread, whole file

use std::io::Write;
use std::time::Instant;

use corpus::personal::{Finder, STRUCTURED};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("name a file")?;
    let text = std::fs::read_to_string(path)?;
    let mut out = std::io::stdout().lock();
    if arguments.get(1).is_some_and(|flag| flag == "--speed") {
        for (name, finder) in [("structured", Finder::new(STRUCTURED)?), ("all", Finder::all())] {
            let mut best = f64::INFINITY;
            let mut n_found = 0;
            for _ in 0..5 {
                let start = Instant::now();
                n_found = text.split("\n\n").map(|part| finder.find(part).len()).sum();
                best = best.min(start.elapsed().as_secs_f64());
            }
            writeln!(
                out,
                "{name}: {:.1} MB/s, {n_found} pieces in {} bytes",
                text.len() as f64 / 1e6 / best,
                text.len()
            )?;
        }
        return Ok(());
    }
    let finder = Finder::all();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        let text = record["text"].as_str().unwrap_or_default();
        let spans: Vec<_> = finder
            .find(text)
            .into_iter()
            .map(|f| serde_json::json!({"start": f.start, "end": f.end, "kind": f.kind, "text": &text[f.start..f.end], "reason": f.reason}))
            .collect();
        writeln!(out, "{}", serde_json::json!({"spans": spans}))?;
    }
    Ok(())
}
