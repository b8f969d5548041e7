//! Writes the tiny models of the goldens as Hugging Face folders under the given folder, each with a `case.json` that
//! `oracle/export.py` reads.
//!
//! `cargo run -p nn --example export_tiny -- oracle/out/tiny`

#[path = "../tests/support/tiny.rs"]
mod tiny;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("usage: export_tiny FOLDER")?);
    for (name, config, seed) in tiny::cases() {
        let (decoder, parameters) = tiny::build(&config, seed)?;
        let dir = out.join(name);
        decoder.save(&parameters, &dir, &[config.eos_token_id])?;
        let case = serde_json::json!({ "config": config, "seed": seed, "ids": tiny::ids() });
        std::fs::write(dir.join("case.json"), format!("{case:#}\n"))?;
    }
    Ok(())
}
