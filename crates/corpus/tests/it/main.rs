//! The crate from outside: readers on files good and bad, whole cleanings, real data where it is present.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cleaning;
mod dedup;
mod reading;
mod real;
mod sets;
mod spans;
mod tagging;
mod units;
