//! The main text of every page of a folder, a JSON line a page on stdout, and the pages per second of one thread on stderr;
//! `oracle/compare_extract.sh` runs it beside the peers.
//!
//! `cargo run --release -p corpus --example extract -- trafilatura|readability|union FOLDER`
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::time::Instant;

use corpus::extract::{ExtractOptions, Extractor};
use corpus::read::page_of;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else { return Err("give an extractor and a folder".into()) };
    let extractor = Extractor::ALL.into_iter().find(|known| known.name() == name).ok_or("no such extractor")?;
    let options = ExtractOptions { extractor, ..ExtractOptions::default() };
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        pages.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), std::fs::read(&path)?));
    }
    pages.sort();
    let started = Instant::now();
    let found: Vec<_> = pages.iter().map(|(id, bytes)| (id, page_of(bytes, &options))).collect();
    let seconds = started.elapsed().as_secs_f64();
    for (id, result) in found {
        let page = result.unwrap_or_default();
        println!("{}", serde_json::json!({"id": id, "title": page.title, "date": page.date, "text": page.text}));
    }
    eprintln!("{:.1} pages per second", pages.len() as f64 / seconds);
    Ok(())
}
