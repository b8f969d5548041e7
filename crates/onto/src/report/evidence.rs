//! The evidence behind the pictures: every number, the machine, the resolved recipe.

use std::collections::BTreeMap;

use super::data::ReportData;
use super::markup::Markup;
use super::{fact_list, format, section};

/// Every metric, grouped by its stage.
pub fn numbers(main: &mut Markup, data: &ReportData) {
    if data.metrics.is_empty() {
        return;
    }
    let mut groups: BTreeMap<&str, Vec<(&str, f64)>> = BTreeMap::new();
    for (name, value) in &data.metrics {
        let stage = name.split_once('.').map_or("", |(stage, _)| stage);
        groups.entry(stage).or_default().push((name, *value));
    }
    let lead = "As they stand in report.json, for scripts and comparisons.";
    section(main, "numbers", "Every number", lead, |part| {
        part.element("div", &[("class", "metric-groups")], |list| {
            for (stage, metrics) in &groups {
                list.element("div", &[("class", "table metric-group")], |frame| {
                    frame.element("table", &[], |table| {
                        table.leaf("caption", &[], if stage.is_empty() { "run" } else { stage });
                        table.element("tbody", &[], |body| {
                            for (name, value) in metrics {
                                body.element("tr", &[], |row| {
                                    row.element("th", &[("scope", "row")], |cell| {
                                        cell.leaf("code", &[], name);
                                    });
                                    row.leaf("td", &[("class", "number")], &format::number(*value));
                                });
                            }
                        });
                    });
                });
            }
        });
    });
}

/// The resolved recipe and the machine it ran on.
pub fn recipe(main: &mut Markup, data: &ReportData) {
    if data.recipe_text.is_empty() && data.machine.is_empty() {
        return;
    }
    let lead = "The same recipe, seed and program give the same weights, bit for bit.";
    section(main, "recipe", "Recipe and machine", lead, |part| {
        if !data.machine.is_empty() {
            part.element("div", &[("class", "panel")], |panel| fact_list(panel, &data.machine));
        }
        if !data.recipe_text.is_empty() {
            part.element("details", &[("class", "panel")], |details| {
                details.element("summary", &[], |summary| {
                    summary.text("Resolved recipe");
                    summary.leaf("small", &[], &data.recipe);
                });
                details.leaf("pre", &[("class", "recipe")], &data.recipe_text);
            });
        }
    });
}
