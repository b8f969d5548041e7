//! Reads pages, with all three extractors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::read_page(bytes));
