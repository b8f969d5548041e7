//! Personal data, as counted where it is looked for: the pipeline writes these columns with [`crate::signals::Signals::set`].

use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "personal",
    source: "the search for personal data of this program",
    columns: &[Column::integer("personal_spans", "pieces of personal data")],
    measure: |_: &View<'_>, _: &mut Out<'_>| {},
};
