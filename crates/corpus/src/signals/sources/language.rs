//! The language of a document.

use crate::langid;
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "language",
    source: "the identifier of this program (corpus::langid)",
    columns: &[
        Column::text(
            "lang",
            "language: ISO 639-1, with script for Chinese (zh, zh-Hant); und where the text does not say",
        ),
        Column::number("lang_confidence", "calibrated chance that it is that language"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    if view.options.no_language {
        if let Some(lang) = &view.document.lang {
            out.text(0, lang);
        }
        return;
    }
    let guess = langid::identify(view.text);
    out.text(0, guess.lang.unwrap_or("und"));
    out.set(1, guess.confidence);
}
