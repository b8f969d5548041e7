//! The loops that do the arithmetic. Everything here works on slices and checks nothing but lengths; shapes are the
//! business of `ops`.
//!
//! A kernel is written once, as plain Rust over arrays of sixteen lanes, and compiled once for every instruction set
//! (see [`lanes`]); only matrix products have kernels of their own for each.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod decode;
pub(crate) mod lanes;
pub(crate) mod matmul;
pub(crate) mod norm;
pub(crate) mod projection;
pub(crate) mod recurrent;
pub(crate) mod rope;
pub(crate) mod scores;
pub(crate) mod softmax;
pub(crate) mod vector;
