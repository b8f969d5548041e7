//! Hits of lists that a person names: bad words in the text, and addresses (RefinedWeb's domains, substrings, hard and soft words).

use crate::signals::view::View;
use crate::signals::{Column, Family, Out, Span};

pub static FAMILY: Family = Family {
    name: "lists",
    source: "list files named by --bad-words and --url-lists",
    columns: &[
        Column::integer("bad_words", "words and phrases of the list of bad words in the text"),
        Column::integer("url_domain_hits", "1 when the address's host, or a domain above it, is on the list `domains`"),
        Column::integer("url_substring_hits", "different entries of `substrings` in the address without - and ."),
        Column::integer("url_hard_hits", "different entries of `hard` that are words of the address"),
        Column::integer("url_soft_hits", "different entries of `soft` that are words of the address"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    if let Some(list) = &view.options.bad_words {
        let lang = view.document.lang.as_deref();
        let hits = list.find(view.text, lang);
        out.set(0, hits.len() as f64);
        hits.into_iter().for_each(|(start, end)| out.span(Span { start, end, kind: "bad_words" }));
    }
    if let (Some(lists), Some(url)) = (&view.options.url_lists, &view.document.url) {
        let hits = lists.look(url);
        out.set_all(1, &[f64::from(u8::from(hits.domain)), hits.substrings as f64, hits.hard as f64, hits.soft as f64]);
    }
}
