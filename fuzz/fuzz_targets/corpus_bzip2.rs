//! Reads bzip2.
#![no_main]

fuzz::read_as_documents!("x.txt.bz2");
