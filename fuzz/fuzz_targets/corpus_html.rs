//! Reads pages, with all three extractors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for extractor in corpus::extract::Extractor::ALL {
        let options = corpus::extract::ExtractOptions { extractor, max_seconds: 5, ..Default::default() };
        if let Ok(page) = corpus::read::page_of(bytes, &options) {
            assert!(!page.beyond.is_some_and(|reason| reason.contains("seconds") || reason.contains("failed")));
        }
    }
});
