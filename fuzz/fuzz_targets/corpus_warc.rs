//! Reads web archives, also with a page in them.
#![no_main]

fuzz::read_as_documents!("x.warc");
