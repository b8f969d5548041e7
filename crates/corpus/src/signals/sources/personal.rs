//! Pieces of personal data with a pattern of their own (addresses of mail and machines, numbers of telephones, cards, accounts and
//! people), where the tagger is told to look for them: few policies ask.

use crate::signals::view::View;
use crate::signals::{Column, Family, Out, Span};

pub static FAMILY: Family = Family {
    name: "personal",
    source: "the search for personal data of this program",
    columns: &[Column::integer(
        "personal_spans",
        "pieces of structured personal data: e-mail, phone, IP, card, account, identity number",
    )],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let Some(finder) = &view.options.personal else { return };
    let found = finder.find(view.text);
    out.set(0, found.len() as f64);
    found.into_iter().for_each(|piece| out.span(Span { start: piece.start, end: piece.end, kind: "personal_spans" }));
}
