//! Reads JSON lines and dialogue trees.
#![no_main]

fuzz::read_as_documents!("x.jsonl");
