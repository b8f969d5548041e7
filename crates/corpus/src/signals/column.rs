//! What a column of the signals table is, and the registry of all of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::FAMILIES;

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number: Parquet `INT64`.
    Integer,
    /// A number: Parquet `DOUBLE`.
    Number,
    /// A word: Parquet string. Only the family `language` has such columns.
    Text,
}

impl Kind {
    /// The name a person reads.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => "text",
        }
    }
}

/// One column: a signal of a document.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in tables and policies.
    pub name: &'static str,
    /// How it is stored.
    pub kind: Kind,
    /// What it says, in one line.
    pub about: &'static str,
}

impl Column {
    /// A whole number.
    pub const fn integer(name: &'static str, about: &'static str) -> Self {
        Column { name, kind: Kind::Integer, about }
    }

    /// A number.
    pub const fn number(name: &'static str, about: &'static str) -> Self {
        Column { name, kind: Kind::Number, about }
    }

    /// A word.
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        Column { name, kind: Kind::Text, about }
    }
}

/// Every column with the family it belongs to, in the order in which tables hold them.
pub static COLUMNS: LazyLock<Vec<(&'static Column, &'static super::Family)>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.columns.iter().map(move |column| (column, *family))).collect()
});

static PLACES: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| COLUMNS.iter().enumerate().map(|(place, (column, _))| (column.name, place)).collect());

/// The place of a column in [`COLUMNS`].
pub fn place(name: &str) -> Option<usize> {
    PLACES.get(name).copied()
}
