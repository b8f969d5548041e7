//! The crate from outside: readers on files good and bad, whole cleanings, real data where it is present.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod archives;
mod build;
mod cleaning;
mod converting;
mod dedup;
mod mutations;
mod peers;
mod personal;
mod reading;
mod real;
mod sets;
mod spans;
mod tagging;
mod units;
mod wikis;
