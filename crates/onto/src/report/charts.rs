//! The pictures of numbers: curves, bars, the funnel of the cleaning, and scores with their intervals.

use super::axis::{Scale, thinned, tick_label};
use super::data::{Measure, RuleCount, Score};
use super::format;
use super::svg::{Anchor, Picture, fitted, text_width};

/// Width of a chart that fills half of the page; text is sized for it.
pub const WIDTH: f64 = 460.0;

/// How one series of a line chart is drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Stroke {
    /// A strong line.
    Line,
    /// A pale line behind the others.
    Faint,
    /// A strong line with a dot at each point.
    Dots,
}

/// One series of a line chart.
pub struct Series {
    /// As it stands in the legend; without a name it is left out there.
    pub name: String,
    /// Colour class.
    pub class: &'static str,
    /// How it is drawn.
    pub stroke: Stroke,
    /// (x, y), in ascending x.
    pub points: Vec<(f64, f64)>,
}

/// Curves over one horizontal axis, with level lines to compare with.
pub struct LineChart {
    /// What is seen, for those who do not see it.
    pub label: String,
    /// Under the horizontal axis.
    pub x_label: String,
    /// Beside the vertical axis.
    pub y_label: String,
    /// The curves.
    pub series: Vec<Series>,
    /// Level lines: (name, value, colour class).
    pub levels: Vec<(String, f64, &'static str)>,
    /// Width of the picture.
    pub width: f64,
}

impl LineChart {
    /// The picture. The vertical axis is logarithmic where the values span more than a factor of six.
    pub fn draw(&self) -> String {
        let curves: Vec<Vec<(f64, f64)>> = self.series.iter().map(|series| thinned(&series.points, 320)).collect();
        let xs = || curves.iter().flatten().map(|point| point.0);
        let ys = || curves.iter().flatten().map(|point| point.1).chain(self.levels.iter().map(|level| level.1));
        let (x_low, x_high) = (xs().fold(f64::MAX, f64::min).min(0.0), xs().fold(f64::MIN, f64::max));
        let (y_low, y_high) = (ys().fold(f64::MAX, f64::min), ys().fold(f64::MIN, f64::max));

        let (left, right, top, bottom) = (52.0, self.width - 14.0, 40.0, 262.0);
        let x = Scale::linear(x_low, x_high, left, right);
        let room = (y_high - y_low).abs() * 0.06;
        let y = if y_low > 0.0 && y_high / y_low > 6.0 {
            Scale::logarithmic(y_low * 0.92, y_high * 1.06, bottom, top)
        } else {
            let low = if y_low > 0.0 { (y_low - room).max(0.0) } else { y_low - room };
            Scale::linear(low, y_high + room, bottom, top)
        };

        let mut picture = Picture::new(self.width, 312.0);
        for tick in y.ticks(5) {
            picture.line("grid", (left, y.at(tick)), (right, y.at(tick)));
            picture.text("tick", (left - 8.0, y.at(tick) + 4.0), Anchor::End, &tick_label(tick));
        }
        picture.line("axis", (left, bottom), (right, bottom));
        for tick in x.ticks((self.width / 70.0) as usize) {
            picture.line("axis", (x.at(tick), bottom), (x.at(tick), bottom + 4.0));
            picture.text("tick", (x.at(tick), bottom + 18.0), Anchor::Middle, &tick_label(tick));
        }
        picture.text("axis-label", ((left + right) / 2.0, 304.0), Anchor::Middle, &self.x_label);
        picture.upward_text("axis-label", (13.0, (top + bottom) / 2.0), Anchor::Middle, &self.y_label);

        let mut label_heights: Vec<f64> = Vec::new();
        for (name, value, class) in &self.levels {
            let height = y.at(*value);
            picture.line(&format!("level {class}"), (left, height), (right, height));
            // Two levels close together would write over each other: the second label goes under its line.
            let crowded = label_heights.iter().any(|other| (other - height).abs() < 15.0);
            label_heights.push(height);
            let text = format!("{name} {}", format::number(*value));
            let baseline = if crowded { height + 14.0 } else { height - 5.0 };
            picture.text(&format!("level-label {class}"), (right, baseline), Anchor::End, &text);
        }
        for (series, curve) in self.series.iter().zip(&curves) {
            let points: Vec<(f64, f64)> = curve.iter().map(|point| (x.at(point.0), y.at(point.1))).collect();
            let kind = if series.stroke == Stroke::Faint { "faint" } else { "curve" };
            picture.polyline(&format!("{kind} {}", series.class), &points);
            if series.stroke == Stroke::Dots || points.len() == 1 {
                for point in &points {
                    picture.circle(&format!("dot {}", series.class), *point, 3.2);
                }
            }
        }
        self.draw_legend(&mut picture, left);
        picture.finish("chart", &self.label)
    }

    fn draw_legend(&self, picture: &mut Picture, left: f64) {
        let mut at = left;
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let kind = if series.stroke == Stroke::Faint { "faint" } else { "curve" };
            picture.line(&format!("{kind} {}", series.class), (at, 14.0), (at + 18.0, 14.0));
            if series.stroke == Stroke::Dots {
                picture.circle(&format!("dot {}", series.class), (at + 9.0, 14.0), 3.2);
            }
            picture.text("legend", (at + 24.0, 18.0), Anchor::Start, &series.name);
            at += 24.0 + text_width(&series.name, 12.0) + 20.0;
        }
    }
}

/// Horizontal bars from zero, each with its number at its end; they fill about `height` where that is not too far
/// apart. The one the page is about has the colour `highlight`.
pub fn bars(label: &str, measures: &[Measure], highlight: &str, height: f64) -> String {
    let step = (height / measures.len().max(1) as f64).clamp(38.0, 88.0);
    let thick = step * 0.5 + 3.0;
    let left = label_room(measures.iter().map(|measure| measure.name.as_str()));
    let right = WIDTH - 96.0;
    let high = measures.iter().map(|measure| measure.value).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let scale = Scale::linear(0.0, if high > 0.0 { high } else { 1.0 }, left, right);
    let height = step * measures.len() as f64 + 8.0;
    let mut picture = Picture::new(WIDTH, height);
    picture.line("axis", (left, 2.0), (left, height - 4.0));
    for (index, measure) in measures.iter().enumerate() {
        let middle = 4.0 + step * (index as f64 + 0.5);
        let class = if measure.highlight { format!("bar {highlight}") } else { "fill-quiet".into() };
        let end = scale.at(measure.value);
        let name = fitted(&measure.name, 12.5, left - 14.0);
        picture.text("bar-name", (left - 12.0, middle + 4.0), Anchor::End, &name);
        picture.rect(&class, (left, middle - thick / 2.0), (end - left, thick), 3.0);
        let strength = if measure.highlight { "bar-value strong" } else { "bar-value" };
        picture.text(strength, (end + 8.0, middle + 4.0), Anchor::Start, &format::number(measure.value));
    }
    picture.finish("chart", label)
}

/// What each rule of the cleaning let through and dropped, from all documents down to those that were kept.
pub fn funnel(label: &str, rules: &[RuleCount], documents_kept: u64) -> String {
    let width = 520.0;
    let step = 42.0;
    let left = label_room(rules.iter().map(|rule| rule.rule.as_str())).max(110.0);
    let right = width - 118.0;
    let all = rules.first().map_or(documents_kept, |rule| rule.documents_in).max(1);
    let scale = Scale::linear(0.0, all as f64, left, right);
    let height = step * (rules.len() + 1) as f64 + 8.0;
    let mut picture = Picture::new(width, height);
    for (index, rule) in rules.iter().enumerate() {
        let top = 4.0 + step * index as f64;
        let through = rule.documents_in.saturating_sub(rule.documents_dropped);
        let (end, cut) = (scale.at(rule.documents_in as f64), scale.at(through as f64));
        picture.text("bar-name", (left - 12.0, top + 20.5), Anchor::End, &format::words(&rule.rule));
        picture.rect("fill-kept", (left, top + 4.0), (cut - left, 24.0), 3.0);
        if rule.documents_dropped > 0 {
            picture.rect("fill-dropped", (cut + 1.0, top + 4.0), ((end - cut - 1.0).max(1.5), 24.0), 2.0);
        }
        // A thin slope leads the eye from what passed to the next, shorter bar.
        let slope =
            format!("M{l} {a}L{x} {a}L{x} {b}L{l} {b}Z", l = left, x = cut.round(), a = top + 28.0, b = top + 46.0);
        picture.path("fill-slope", &slope);
        let said = match (rule.documents_dropped, rule.documents_changed) {
            (0, 0) => "no change".into(),
            (0, changed) => format!("{} changed", format::count(changed)),
            (dropped, _) => {
                let share = dropped as f64 / rule.documents_in.max(1) as f64;
                format!("−{} ({})", format::count(dropped), format::share(share))
            }
        };
        let class = if rule.documents_dropped > 0 { "bar-value dropped" } else { "bar-value" };
        picture.text(class, (end.max(cut) + 10.0, top + 20.5), Anchor::Start, &said);
    }
    let top = 4.0 + step * rules.len() as f64;
    let end = scale.at(documents_kept as f64);
    picture.text("bar-name strong", (left - 12.0, top + 20.5), Anchor::End, "kept");
    picture.rect("family-data", (left, top + 4.0), (end - left, 24.0), 3.0);
    let share = format::share(documents_kept as f64 / all as f64);
    let said = format!("{} ({share})", format::count(documents_kept));
    picture.text("bar-value strong", (end + 10.0, top + 20.5), Anchor::Start, &said);
    picture.finish("chart", label)
}

/// One row of [`scores`]: a name and the score of each series, where it has one.
pub struct ScoreRow {
    /// Name of the row.
    pub name: String,
    /// Aligned with the series.
    pub scores: Vec<Option<Score>>,
}

/// Scores between 0 and 1 as dots with their intervals, one row a task, one colour a series.
pub fn scores(label: &str, series: &[(&str, &str)], rows: &[ScoreRow], level: Option<(f64, &str)>) -> String {
    let lane = 9.0;
    let step = lane * series.len() as f64 + 17.0;
    let left = label_room(rows.iter().map(|row| row.name.as_str()));
    let right = WIDTH - 22.0;
    let (top, bottom) = (34.0, 34.0 + step * rows.len() as f64);
    let x = Scale::linear(0.0, 1.0, left, right);
    let mut picture = Picture::new(WIDTH, bottom + 28.0);
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        picture.line("grid", (x.at(tick), top), (x.at(tick), bottom));
        let text = format!("{:.0}\u{a0}%", tick * 100.0);
        picture.text("tick", (x.at(tick), bottom + 18.0), Anchor::Middle, &text);
    }
    if let Some((value, name)) = level {
        picture.line("level series-quiet", (x.at(value), top - 6.0), (x.at(value), bottom));
        picture.text("level-label series-quiet", (x.at(value) + 5.0, top - 2.0), Anchor::Start, name);
    }
    for (index, row) in rows.iter().enumerate() {
        let upper = top + step * index as f64;
        picture.line("grid", (left, upper + step), (right, upper + step));
        let name = fitted(&row.name, 12.5, left - 16.0);
        let class = if row.name == "all" { "bar-name strong" } else { "bar-name" };
        picture.text(class, (left - 14.0, upper + step / 2.0 + 4.0), Anchor::End, &name);
        for (place, (score, (_, class))) in row.scores.iter().zip(series).enumerate() {
            let Some(score) = score else { continue };
            let height = upper + 8.5 + lane * (place as f64 + 0.5);
            picture.line(&format!("interval {class}"), (x.at(score.low), height), (x.at(score.high), height));
            picture.circle(&format!("dot {class}"), (x.at(score.score), height), 4.2);
        }
    }
    let mut at = left;
    for (name, class) in series {
        picture.circle(&format!("dot {class}"), (at + 5.0, 12.0), 4.2);
        picture.text("legend", (at + 15.0, 16.0), Anchor::Start, name);
        at += 15.0 + text_width(name, 12.0) + 18.0;
    }
    picture.finish("chart", label)
}

/// Room for the longest of the names beside the bars, within reason.
fn label_room<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let widest = names.map(|name| text_width(name, 12.5)).fold(0.0, f64::max);
    (widest + 22.0).clamp(70.0, 190.0)
}
