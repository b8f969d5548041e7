//! The language of a document.

use crate::langid;
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "language",
    source: "the identifier of this program (corpus::langid)",
    columns: &[
        Column::text("lang", "language: ISO 639-1; und where there is nothing to tell it by"),
        Column::number("lang_confidence", "chance that most of the text is in that language"),
        Column::text("lang_script", "Hans or Hant for Chinese, where the characters tell"),
        Column::text("lang_second", "language of the second script in the text, where it has a tenth of it or more"),
        Column::number("lang_share", "share of the text in the first script"),
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
    if let Some(script) = guess.script {
        out.text(2, script);
    }
    if let Some(second) = guess.second {
        out.text(3, second);
    }
    out.set(4, guess.share);
}
