//! The report of one life of a model: one HTML file with its pictures and its style inside, readable without a
//! network, on paper, in the dark and on a telephone.
//!
//! [`render`] is a pure function of [`ReportData`]; equal data give equal bytes.

mod answers;
mod axis;
pub mod card;
mod charts;
mod data;
mod evidence;
#[cfg(test)]
mod example;
pub mod format;
mod graph;
mod layers;
mod making;
pub mod markup;
pub mod page;
pub mod svg;
#[cfg(test)]
mod tests;

pub use data::*;
use markup::Markup;

/// The whole page.
pub fn render(data: &ReportData) -> String {
    let mut top = Markup::default();
    goals(&mut top, data);
    let sections = written(SECTIONS, data);
    let facts: Vec<String> = data.machine.iter().map(|fact| format!("{} {}", fact.name, fact.value)).collect();
    let head = Head {
        eyebrow: "The life of a language model",
        title: &data.title,
        summary: &data.summary,
        facts: &header_facts(data),
        top: &top.finish(),
        foot: &[&facts.join(" · "), "Made by onto run. This file needs no network."],
    };
    sections_page(&head, &sections)
}

/// The sections of a page, written: (anchor, name in the contents, markup).
fn written<D>(sections: &[Section<D>], data: &D) -> Vec<(&'static str, &'static str, String)> {
    let write = |(anchor, name, write): &Section<D>| {
        let mut part = Markup::default();
        write(&mut part, data);
        (*anchor, *name, part.finish())
    };
    sections.iter().map(write).collect()
}

/// What stands around the sections of a page.
struct Head<'a> {
    /// Small, over the title.
    eyebrow: &'a str,
    title: &'a str,
    /// One sentence under the title.
    summary: &'a str,
    facts: &'a [Fact],
    /// Markup before the first section.
    top: &'a str,
    /// Lines at the end of the page.
    foot: &'a [&'a str],
}

/// A page of sections: (anchor, name in the contents, markup). Sections without markup are left out.
fn sections_page(head: &Head<'_>, sections: &[(&str, &str, String)]) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n");
    page.element("html", &[("lang", "en")], |html| {
        page::head(html, head.title, "");
        html.raw("\n");
        html.element("body", &[], |body| {
            header(body, head, sections);
            body.raw("\n");
            body.element("main", &[], |main| {
                main.raw(head.top);
                for (_, _, markup) in sections {
                    main.raw(markup);
                    main.raw("\n");
                }
            });
            body.element("footer", &[], |footer| {
                for line in head.foot {
                    footer.leaf("p", &[], line);
                }
            });
        });
    });
    page.raw("\n");
    page.finish()
}

/// One section of a page: anchor, name in the contents, and what writes it, or nothing when there is nothing to show.
type Section<D> = (&'static str, &'static str, fn(&mut Markup, &D));

/// The sections in the order of the page.
const SECTIONS: &[Section<ReportData>] = &[
    ("lineage", "Lineage", making::lineage),
    ("cleaning", "Cleaning", making::cleaning),
    ("tokenizer", "Tokenizer", making::tokenizer),
    ("training", "Training", making::training),
    ("language", "Language", answers::language),
    ("answers", "Answers", answers::exact_match),
    ("preferences", "Preferences", answers::preferences),
    ("samples", "Samples", answers::samples),
    ("writing", "Writing", answers::generations),
    ("numbers", "Numbers", evidence::numbers),
    ("recipe", "Recipe", evidence::recipe),
];

fn header(body: &mut Markup, head: &Head<'_>, sections: &[(&str, &str, String)]) {
    body.element("header", &[("class", "top")], |header| {
        header.element("div", &[("class", "top-inner")], |inner| {
            inner.raw(&emblem());
            inner.leaf("p", &[("class", "eyebrow")], head.eyebrow);
            inner.leaf("h1", &[], head.title);
            if !head.summary.is_empty() {
                inner.leaf("p", &[("class", "summary")], head.summary);
            }
            inner.element("ul", &[("class", "facts")], |list| {
                for fact in head.facts {
                    list.element("li", &[], |item| {
                        item.leaf("span", &[], &fact.name);
                        item.leaf("b", &[], &fact.value);
                    });
                }
            });
        });
    });
    body.element("nav", &[("aria-label", "Contents")], |nav| {
        nav.element("div", &[("class", "nav-inner")], |inner| {
            for (anchor, name, markup) in sections {
                if !markup.is_empty() {
                    inner.leaf("a", &[("href", &format!("#{anchor}"))], name);
                }
            }
        });
    });
}

/// The run at a glance; a share that is unknown is left out.
fn header_facts(data: &ReportData) -> Vec<Fact> {
    let mut facts = Vec::new();
    if !data.recipe.is_empty() {
        facts.push(Fact::new("recipe", &data.recipe));
    }
    if data.total_seconds > 0.0 {
        facts.push(Fact::new("time", format::duration(data.total_seconds)));
    }
    if let Some(peak) = data.stages.iter().map(|stage| stage.peak_rss_bytes).max().filter(|peak| *peak > 0) {
        facts.push(Fact::new("peak memory", format::bytes(peak as f64)));
    }
    facts.extend(data.model.iter().take(2).cloned());
    facts.extend(data.machine.iter().take(1).cloned());
    facts
}

fn goals(main: &mut Markup, data: &ReportData) {
    if data.goals.is_empty() {
        return;
    }
    let met = data.goals.iter().filter(|goal| goal.met).count();
    let all = data.goals.len();
    main.element("section", &[("class", "goals"), ("aria-label", "Goals")], |section| {
        section.element("p", &[("class", if met == all { "verdict met" } else { "verdict missed" })], |verdict| {
            verdict.raw(mark(met == all));
            verdict.text(&match all - met {
                0 if all == 1 => "The goal is met".to_owned(),
                0 => format!("All {all} goals are met"),
                missed => format!("{met} of {all} goals are met, {missed} missed"),
            });
        });
        section.element("ul", &[("class", "cards")], |cards| {
            for goal in &data.goals {
                let class = if goal.met { "card goal met" } else { "card goal missed" };
                cards.element("li", &[("class", class)], |card| {
                    card.leaf("span", &[("class", "goal-name")], &goal.name);
                    card.leaf("b", &[("class", "goal-value")], &format::in_unit(goal.value, goal.unit));
                    card.element("span", &[("class", "goal-bound")], |bound| {
                        bound.raw(mark(goal.met));
                        let relation = if goal.at_most { "at most" } else { "at least" };
                        let verdict = if goal.met { "" } else { "missed: " };
                        let wanted = format::in_unit(goal.bound, goal.unit);
                        bound.text(&format!("{verdict}{relation} {wanted}"));
                    });
                });
            }
        });
    });
    main.raw("\n");
}

/// A tick or a cross: the verdict without its colour.
fn mark(good: bool) -> &'static str {
    if good {
        "<span class=\"mark yes\" role=\"img\" aria-label=\"yes\">✓</span>"
    } else {
        "<span class=\"mark no\" role=\"img\" aria-label=\"no\">✕</span>"
    }
}

/// Growth from one point: circles on one tangent, each a golden ratio larger than the last.
fn emblem() -> String {
    let mut picture = svg::Picture::new(96.0, 96.0);
    let mut radius = 46.0;
    for class in ["ring ring-1", "ring ring-2", "ring ring-3", "ring ring-4"] {
        picture.circle(class, (48.0, 95.0 - radius), radius);
        radius /= 1.618;
    }
    picture.circle("ring-seed", (48.0, 95.0 - radius), radius * 0.62);
    picture.finish("emblem", "Ontogeny")
}

/// A section with its heading and a sentence that says what to see in it.
fn section(main: &mut Markup, anchor: &str, heading: &str, lead: &str, inside: impl FnOnce(&mut Markup)) {
    main.element("section", &[("id", anchor)], |section| {
        section.element("div", &[("class", "heading")], |block| {
            block.leaf("h2", &[], heading);
            if !lead.is_empty() {
                block.leaf("p", &[("class", "lead")], lead);
            }
        });
        inside(section);
    });
}

/// A picture on a card with its caption.
fn figure(parent: &mut Markup, class: &str, heading: &str, note: &str, picture: &str) {
    parent.element("figure", &[("class", class)], |figure| {
        figure.element("figcaption", &[], |caption| {
            caption.leaf("b", &[], heading);
            if !note.is_empty() {
                caption.leaf("span", &[], note);
            }
        });
        figure.raw(picture);
    });
}

/// A list of labelled facts.
fn fact_list(parent: &mut Markup, facts: &[Fact]) {
    parent.element("dl", &[("class", "fact-list")], |list| {
        for fact in facts {
            list.element("div", &[], |pair| {
                pair.leaf("dt", &[], &fact.name);
                pair.leaf("dd", &[], &fact.value);
            });
        }
    });
}

/// A table: columns are (heading, class), cells are written by `row`.
fn table<T>(parent: &mut Markup, caption: &str, columns: &[(&str, &str)], rows: &[T], row: impl Fn(&mut Markup, &T)) {
    parent.element("div", &[("class", "table")], |frame| {
        frame.element("table", &[], |table| {
            table.leaf("caption", &[], caption);
            table.element("thead", &[], |head| {
                head.element("tr", &[], |line| {
                    for (heading, class) in columns {
                        line.leaf("th", &[("scope", "col"), ("class", class)], heading);
                    }
                });
            });
            table.element("tbody", &[], |body| {
                for item in rows {
                    body.element("tr", &[], |line| row(line, item));
                }
            });
        });
    });
}

/// `lang="zh"` where the language is known, so that the right glyphs are chosen.
fn language_attribute(language: &str) -> Vec<(&str, &str)> {
    if language.is_empty() { Vec::new() } else { vec![("lang", language)] }
}

/// A language as a person names it.
fn language_name(code: &str) -> &str {
    match code {
        "" => "all",
        "und" => "not told",
        other => LANGUAGE_NAMES.iter().find(|(code, _)| *code == other).map_or(other, |(_, name)| name),
    }
}

/// ISO 639-1 codes of the languages that readers and rules can tell, as a person calls them.
const LANGUAGE_NAMES: &[(&str, &str)] = &[
    ("en", "English"),
    ("zh", "Chinese"),
    ("de", "German"),
    ("fr", "French"),
    ("es", "Spanish"),
    ("it", "Italian"),
    ("pt", "Portuguese"),
    ("nl", "Dutch"),
    ("sv", "Swedish"),
    ("da", "Danish"),
    ("no", "Norwegian"),
    ("nb", "Norwegian"),
    ("nn", "Norwegian"),
    ("fi", "Finnish"),
    ("is", "Icelandic"),
    ("pl", "Polish"),
    ("cs", "Czech"),
    ("sk", "Slovak"),
    ("sl", "Slovene"),
    ("hr", "Croatian"),
    ("sr", "Serbian"),
    ("bs", "Bosnian"),
    ("mk", "Macedonian"),
    ("bg", "Bulgarian"),
    ("ru", "Russian"),
    ("uk", "Ukrainian"),
    ("be", "Belarusian"),
    ("hu", "Hungarian"),
    ("ro", "Romanian"),
    ("tr", "Turkish"),
    ("az", "Azerbaijani"),
    ("kk", "Kazakh"),
    ("id", "Indonesian"),
    ("ms", "Malay"),
    ("vi", "Vietnamese"),
    ("tl", "Tagalog"),
    ("la", "Latin"),
    ("ca", "Catalan"),
    ("gl", "Galician"),
    ("eu", "Basque"),
    ("et", "Estonian"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("sq", "Albanian"),
    ("af", "Afrikaans"),
    ("eo", "Esperanto"),
    ("ga", "Irish"),
    ("cy", "Welsh"),
    ("sw", "Swahili"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("ar", "Arabic"),
    ("fa", "Persian"),
    ("ur", "Urdu"),
    ("he", "Hebrew"),
    ("el", "Greek"),
    ("hi", "Hindi"),
    ("bn", "Bengali"),
    ("pa", "Punjabi"),
    ("gu", "Gujarati"),
    ("ta", "Tamil"),
    ("te", "Telugu"),
    ("kn", "Kannada"),
    ("ml", "Malayalam"),
    ("si", "Sinhala"),
    ("th", "Thai"),
    ("lo", "Lao"),
    ("my", "Burmese"),
    ("ka", "Georgian"),
    ("hy", "Armenian"),
    ("am", "Amharic"),
    ("km", "Khmer"),
    ("bo", "Tibetan"),
];
