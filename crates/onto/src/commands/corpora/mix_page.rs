//! The page of a mixture: a pie of what was drawn and bars of what was wanted beside it, in one file without a network.

use corpus::mix::{EPOCHS_NEARLY_FREE, Mixture, Target};

use crate::report::format;
use crate::report::markup::Markup;
use crate::report::page::shell;
use crate::report::svg::{Anchor, Picture, fitted, px};

/// Colours of sources, in turn (Okabe and Ito's, with two of their lighter shades); readable on light and on dark.
const COLOURS: [&str; 10] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a63b5", "#b5a900", "#7a8794", "#7fc7b2"];

/// The whole page.
pub fn page(mixture: &Mixture, targets: &[Target], shares: &[f64], tokens: u64, unit: &str) -> String {
    let title = if mixture.title.is_empty() { "Mixture".to_owned() } else { format!("Mixture: {}", mixture.title) };
    let mut style = String::from(
        ".slice { stroke: var(--card); stroke-width: 1.5; } .wanted { fill: none; stroke: var(--ink); stroke-width: 1.3; }",
    );
    for (index, colour) in COLOURS.iter().enumerate() {
        style.push_str(&format!(" .source-{index} {{ fill: {colour}; background: {colour}; }}"));
    }
    shell(&title, &style, |main| {
        main.element("section", &[("id", "mixture")], |section| {
            section.element("div", &[("class", "heading")], |heading| {
                heading.leaf("h2", &[], &title);
                let amount =
                    format!("{} {unit} from {} sources. {}", format::count(tokens), targets.len(), mixture.citation);
                heading.leaf("p", &[("class", "lead")], &amount);
            });
            section.element("div", &[("class", "columns uneven")], |columns| {
                figure(columns, "Wanted and drawn", "bars are drawn, frames are wanted", &bars(targets, shares));
                figure(columns, "Drawn", "share of each source", &pie(targets, shares));
            });
            section.element("div", &[("class", "panel")], |panel| table(panel, targets, shares));
        });
    })
}

fn figure(parent: &mut Markup, name: &str, note: &str, picture: &str) {
    parent.element("figure", &[("class", "panel")], |figure| {
        figure.element("figcaption", &[], |caption| {
            caption.leaf("b", &[], name);
            caption.leaf("span", &[], note);
        });
        figure.raw(picture);
    });
}

fn colour(index: usize) -> String {
    format!("source-{}", index % COLOURS.len())
}

/// One bar a source, in its colour, with a frame where it should end.
fn bars(targets: &[Target], shares: &[f64]) -> String {
    let (width, step, left) = (560.0, 30.0, 150.0);
    let right = width - 130.0;
    let high = targets.iter().map(|target| target.share).chain(shares.iter().copied()).fold(1e-9, f64::max);
    let scale = |share: f64| (share / high) * (right - left);
    let mut picture = Picture::new(width, step * targets.len() as f64 + 8.0);
    for (index, (target, share)) in targets.iter().zip(shares).enumerate() {
        let top = 4.0 + step * index as f64;
        picture.text("bar-name", (left - 12.0, top + 18.0), Anchor::End, &fitted(&target.name, 12.5, left - 18.0));
        picture.rect(&colour(index), (left, top + 4.0), (scale(*share).max(0.8), 19.0), 2.0);
        picture.rect("wanted", (left, top + 4.0), (scale(target.share).max(0.8), 19.0), 2.0);
        let said = format!("{} of {}", format::share(*share), format::share(target.share));
        let end = left + scale(share.max(target.share));
        picture.text("bar-value", (end + 8.0, top + 18.0), Anchor::Start, &said);
    }
    picture.finish("chart", "Share of each source, drawn and wanted")
}

/// The shares as a pie, from the top clockwise.
fn pie(targets: &[Target], shares: &[f64]) -> String {
    let (size, radius) = (320.0, 130.0);
    let centre = size / 2.0;
    let mut picture = Picture::new(size, size);
    let at = |turn: f64, radius: f64| {
        let angle = (turn - 0.25) * std::f64::consts::TAU;
        (centre + radius * angle.cos(), centre + radius * angle.sin())
    };
    let mut turn = 0.0;
    for (index, share) in shares.iter().enumerate() {
        let class = format!("slice {}", colour(index));
        if *share > 0.9999 {
            picture.circle(&class, (centre, centre), radius);
        } else if *share > 0.0 {
            let (from, to) = (at(turn, radius), at(turn + share, radius));
            let large = u8::from(*share > 0.5);
            let path = format!(
                "M{c} {c}L{} {}A{r} {r} 0 {large} 1 {} {}Z",
                px(from.0),
                px(from.1),
                px(to.0),
                px(to.1),
                c = px(centre),
                r = px(radius)
            );
            picture.path(&class, &path);
        }
        turn += share;
    }
    // Names outside, where a slice has room for one.
    let mut turn = 0.0;
    for (target, share) in targets.iter().zip(shares) {
        if *share >= 0.04 {
            let place = at(turn + share / 2.0, radius + 12.0);
            let anchor = if place.0 > centre + 8.0 {
                Anchor::Start
            } else if place.0 < centre - 8.0 {
                Anchor::End
            } else {
                Anchor::Middle
            };
            let room = if place.0 > centre { size - place.0 } else { place.0 };
            picture.text("legend", (place.0, place.1 + 4.0), anchor, &fitted(&target.name, 12.0, room.max(40.0)));
        }
        turn += share;
    }
    picture.finish("chart", "Pie of the shares of the sources")
}

fn table(panel: &mut Markup, targets: &[Target], shares: &[f64]) {
    panel.element("div", &[("class", "table")], |wrap| {
        wrap.element("table", &[], |table| {
            table.element("thead", &[], |head| {
                head.element("tr", &[], |row| {
                    row.leaf("th", &[], "source");
                    for name in ["wanted", "drawn", "has", "takes", "epochs"] {
                        row.leaf("th", &[("class", "number")], name);
                    }
                });
            });
            table.element("tbody", &[], |body| {
                for (index, (target, share)) in targets.iter().zip(shares).enumerate() {
                    body.element("tr", &[], |row| {
                        row.element("th", &[], |name| {
                            name.element("span", &[("class", &format!("key {}", colour(index)))], |_| {});
                            name.text(&target.name);
                        });
                        let mut cell = |text: String, class: &str| row.leaf("td", &[("class", class)], &text);
                        cell(format!("{:.2} %", target.share * 100.0), "number");
                        cell(format!("{:.2} %", share * 100.0), "number");
                        cell(format::count(target.available), "number");
                        cell(format::count(target.tokens), "number");
                        let class = if target.epochs > EPOCHS_NEARLY_FREE { "number loss" } else { "number" };
                        cell(format!("{:.2}", target.epochs), class);
                    });
                }
            });
        });
    });
}
