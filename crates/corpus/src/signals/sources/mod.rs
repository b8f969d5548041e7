//! The families of columns, one file a source.

mod c4;
mod datatrove;
mod dclm;
mod dolma;
mod fineweb;
mod general;
mod language;
mod lists;
mod madlad;
mod models;
mod personal;

use super::Family;

/// Every family, in the order of the table's columns.
pub static FAMILIES: &[&Family] = &[
    &general::FAMILY,
    &language::FAMILY,
    &datatrove::FAMILY,
    &fineweb::FAMILY,
    &c4::FAMILY,
    &dolma::FAMILY,
    &dclm::FAMILY,
    &madlad::FAMILY,
    &lists::FAMILY,
    &models::FAMILY,
    &personal::FAMILY,
];

/// A share, 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
