//! Mistral's `tekken.json`: any bytes are an error or a tokenizer that encodes and decodes, never a panic.
#![no_main]

fuzz::read_and_use!("tekken.json");
