//! Reads plain text in any encoding.
#![no_main]

fuzz::read_as_documents!("x.txt");
