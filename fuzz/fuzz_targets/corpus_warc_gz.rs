//! Reads packed web archives, member by member.
#![no_main]

fuzz::read_as_documents!("x.warc.gz");
