//! Reads Zstandard.
#![no_main]

fuzz::read_as_documents!("x.jsonl.zst");
