//! The stage graph: one box a stage with its kind, time and the first digits of its hash, arrows from what was read to
//! what was made.

use super::data::Stage;
use super::format;
use super::layers::{Layout, layout};
use super::svg::{Anchor, Picture, fitted, px};

/// Which way the graph runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From left to right, for wide pages.
    Across,
    /// From top to bottom, for narrow ones.
    Down,
}

const BOX: (f64, f64) = (106.0, 66.0);

/// The colour families of the boxes: (name, class).
pub const FAMILIES: [(&str, &str); 5] = [
    ("text", "family-data"),
    ("tokenizer", "family-tokenizer"),
    ("model", "family-model"),
    ("evaluation", "family-evaluation"),
    ("report", "family-report"),
];

/// The picture of all stages. An input that is no stage is drawn as a source with a dashed border.
pub fn draw(stages: &[Stage], direction: Direction) -> String {
    let mut nodes: Vec<Stage> = Vec::new();
    for stage in stages {
        for input in &stage.inputs {
            if !stages.iter().any(|other| other.name == *input) && !nodes.iter().any(|node| node.name == *input) {
                nodes.push(Stage { name: input.clone(), kind: "source".into(), ..Stage::default() });
            }
        }
    }
    nodes.extend(stages.iter().cloned());
    let index_of = |name: &str| nodes.iter().position(|node| node.name == name);
    let inputs: Vec<Vec<usize>> =
        nodes.iter().map(|node| node.inputs.iter().filter_map(|name| index_of(name)).collect()).collect();

    let across = direction == Direction::Across;
    let (depth, extent) = if across { BOX } else { (BOX.1, BOX.0) };
    let between = if across { 26.0 } else { 28.0 };
    let layout = layout(&inputs, extent, if across { 16.0 } else { 12.0 }, if across { 8.0 } else { 6.0 });
    let length = layout.layers as f64 * (depth + between) - between;
    let margin = 4.0;
    let size = if across { (length, layout.breadth) } else { (layout.breadth, length) };
    let mut picture = Picture::new(size.0.max(1.0) + 2.0 * margin, size.1.max(1.0) + 2.0 * margin);
    let frame = Frame { across, depth, step: depth + between, margin };

    // Pale arrows first, so that strong ones lie over them.
    for implied in [true, false] {
        draw_arrows(&mut picture, &layout, &frame, implied);
    }
    for (node, place) in nodes.iter().zip(&layout.places) {
        let (x, y) = frame.point(place.layer as f64 * frame.step + depth / 2.0, place.middle);
        draw_box(&mut picture, node, (x - BOX.0 / 2.0, y - BOX.1 / 2.0));
    }
    let class = if across { "graph across" } else { "graph down" };
    picture.finish(class, &describe(&nodes))
}

/// Turns (along the layers, across them) into (x, y).
struct Frame {
    across: bool,
    depth: f64,
    step: f64,
    margin: f64,
}

impl Frame {
    fn point(&self, along: f64, over: f64) -> (f64, f64) {
        let (x, y) = if self.across { (along, over) } else { (over, along) };
        (x + self.margin, y + self.margin)
    }
}

fn draw_arrows(picture: &mut Picture, layout: &Layout, frame: &Frame, implied: bool) {
    for (index, arrow) in layout.arrows.iter().enumerate() {
        if arrow.implied != implied {
            continue;
        }
        let (from, to) = (layout.places[arrow.from], layout.places[arrow.to]);
        // A lane begins at the near edge of its layer and the arrow runs level through it.
        let start = from.layer as f64 * frame.step + frame.depth;
        let end = to.layer as f64 * frame.step;
        let middle = (start + end) / 2.0;
        let leave = from.middle;
        let enter = to.middle + port(layout, index);
        let tip = if to.lane { end } else { end - 6.0 };
        let mut notation = String::new();
        if from.lane {
            let begin = frame.point(start - frame.depth, leave);
            notation.push_str(&format!("M{} {}", px(begin.0), px(begin.1)));
        }
        let [a, b, c, d] = [(start, leave), (middle, leave), (middle, enter), (tip, enter)]
            .map(|(along, over)| frame.point(along, over))
            .map(|(x, y)| format!("{} {}", px(x), px(y)));
        let command = if from.lane { 'L' } else { 'M' };
        notation.push_str(&format!("{command}{a}C{b} {c} {d}"));
        let strength = if implied { "implied" } else { "direct" };
        picture.path(&format!("arrow {strength}"), &notation);
        if !to.lane {
            let [a, b, c] = [(end - 7.0, enter - 3.8), (end - 0.5, enter), (end - 7.0, enter + 3.8)]
                .map(|(along, over)| frame.point(along, over))
                .map(|(x, y)| format!("{} {}", px(x), px(y)));
            picture.path(&format!("tip {strength}"), &format!("M{a}L{b}L{c}Z"));
        }
    }
}

/// Where an arrow enters its box, from the middle of the box: several arrows stand side by side in the order of where
/// they come from.
fn port(layout: &Layout, index: usize) -> f64 {
    let arrow = layout.arrows[index];
    let place = layout.places[arrow.to];
    if place.lane {
        return 0.0;
    }
    let mut entering: Vec<usize> =
        (0..layout.arrows.len()).filter(|other| layout.arrows[*other].to == arrow.to).collect();
    entering.sort_by(|a, b| {
        let middle = |index: usize| layout.places[layout.arrows[index].from].middle;
        middle(*a).total_cmp(&middle(*b))
    });
    let rank = entering.iter().position(|other| *other == index).unwrap_or(0) as f64;
    let pitch = (0.62 * place.extent / entering.len() as f64).min(13.0);
    (rank - (entering.len() as f64 - 1.0) / 2.0) * pitch
}

fn draw_box(picture: &mut Picture, stage: &Stage, corner: (f64, f64)) {
    let (x, y) = corner;
    let family = family(&stage.kind);
    let source = stage.kind == "source";
    picture.rect(if source { "node source" } else { "node" }, corner, BOX, 9.0);
    picture.rect(&format!("node-mark {family}"), (x + 9.0, y + 11.0), (4.0, 14.0), 2.0);
    let left = x + 19.0;
    let name = fitted(&format::words(&stage.name), 12.5, BOX.0 - 26.0);
    picture.text("node-name", (left, y + 22.5), Anchor::Start, &name);
    if source {
        picture.text("node-note", (x + 10.0, y + 41.0), Anchor::Start, "given");
        return;
    }
    let spent = if stage.skipped { "reused".into() } else { format::duration(stage.seconds) };
    picture.text("node-note", (x + 10.0, y + 41.0), Anchor::Start, &fitted(&spent, 11.0, BOX.0 - 18.0));
    picture.text("node-hash", (x + 10.0, y + 56.5), Anchor::Start, format::short_hash(&stage.sha256));
}

/// The colour family of an artifact kind.
pub fn family(kind: &str) -> &'static str {
    let has = |parts: &[&str]| parts.iter().any(|part| kind.contains(part));
    match kind {
        _ if has(&["eval", "score"]) => "family-evaluation",
        _ if has(&["report"]) => "family-report",
        _ if has(&["tokenizer"]) => "family-tokenizer",
        _ if has(&["model", "gram", "adapter", "checkpoint"]) => "family-model",
        _ => "family-data",
    }
}

/// The graph in words.
fn describe(nodes: &[Stage]) -> String {
    let mut out = String::from("Stage graph. ");
    for node in nodes.iter().filter(|node| node.kind != "source") {
        if node.inputs.is_empty() {
            out.push_str(&format!("{} reads nothing. ", node.name));
        } else {
            out.push_str(&format!("{} reads {}. ", node.name, node.inputs.join(", ")));
        }
    }
    out.trim_end().into()
}
