//! Reads Parquet tables.
#![no_main]

fuzz::read_as_documents!("x.parquet");
