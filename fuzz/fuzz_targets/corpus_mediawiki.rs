//! Reads dumps of MediaWiki, and their markup.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::read_documents("x.xml", bytes);
    corpus::read::mediawiki::strip(&String::from_utf8_lossy(bytes));
});
