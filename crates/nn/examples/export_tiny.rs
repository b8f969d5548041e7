//! Writes the tiny models of the goldens as Hugging Face folders under the given folder, each with a `case.json` that
//! `oracle/export.py` reads; or reads what `transformers` has made of them, and says whether the weights are the same.
//!
//! `cargo run -p nn --example export_tiny -- write oracle/out/tiny`
//! `cargo run -p nn --example export_tiny -- read oracle/out/tiny`

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "the file shared with the tests may unwrap as tests may")]

#[path = "../tests/support/tiny.rs"]
mod tiny;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: export_tiny write|read FOLDER";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, folder] = arguments.as_slice() else { return Err(USAGE.into()) };
    for (name, case) in tiny::all_cases() {
        let (_, parameters) = case.shape.build(case.seed)?;
        let dir = PathBuf::from(folder).join(name);
        match verb.as_str() {
            "write" => {
                case.shape.save(&parameters, &dir)?;
                std::fs::write(dir.join("case.json"), format!("{:#}\n", serde_json::to_value(&case)?))?;
            }
            "read" => {
                let (shape, found) = case.shape.load(&dir.join("saved"))?;
                let differs = parameters
                    .iter()
                    .zip(found.iter())
                    .find(|(ours, theirs)| ours.1 != theirs.1 || ours.2.to_f32_vec() != theirs.2.to_f32_vec());
                if let Some((ours, _)) = differs {
                    return Err(format!("{name}: {} is another tensor", ours.1).into());
                }
                if shape != case.shape {
                    return Err(format!("{name}: the shape reads as {shape:?}").into());
                }
                eprintln!("{name}: {} parameters are the same", parameters.len());
            }
            _ => return Err(USAGE.into()),
        }
    }
    Ok(())
}
