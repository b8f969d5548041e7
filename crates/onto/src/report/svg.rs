//! The few shapes our pictures are made of. Colours come from the style sheet through classes, so that one picture
//! serves light pages, dark pages and paper.

use super::markup::{Attributes, Markup};

/// A picture in the making, measured in pixels from its upper left corner.
pub struct Picture {
    width: f64,
    height: f64,
    shapes: Markup,
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

impl Picture {
    /// An empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        Picture { width, height, shapes: Markup::default() }
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.shape("line", class, &[("x1", px(from.0)), ("y1", px(from.1)), ("x2", px(to.0)), ("y2", px(to.1))]);
    }

    /// A rectangle with rounded corners.
    pub fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), radius: f64) {
        self.shape(
            "rect",
            class,
            &[
                ("x", px(corner.0)),
                ("y", px(corner.1)),
                ("width", px(size.0.max(0.0))),
                ("height", px(size.1.max(0.0))),
                ("rx", px(radius)),
            ],
        );
    }

    /// A disc.
    pub fn circle(&mut self, class: &str, centre: (f64, f64), radius: f64) {
        self.shape("circle", class, &[("cx", px(centre.0)), ("cy", px(centre.1)), ("r", px(radius))]);
    }

    /// A path in SVG's own notation.
    pub fn path(&mut self, class: &str, notation: &str) {
        self.shape("path", class, &[("d", notation.into())]);
    }

    /// Straight lines through points.
    pub fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut notation = String::new();
        for (index, point) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            notation.push_str(&format!("{command}{} {}", px(point.0), px(point.1)));
        }
        if points.len() > 1 {
            self.path(class, &notation);
        }
    }

    /// A line of text whose baseline passes through `at`.
    pub fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        self.turned_text(class, at, anchor, text, None);
    }

    /// A line of text running upwards.
    pub fn upward_text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let turn = format!("rotate(-90 {} {})", px(at.0), px(at.1));
        self.turned_text(class, at, anchor, text, Some(&turn));
    }

    fn turned_text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str, turn: Option<&str>) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = (px(at.0), px(at.1));
        let mut attributes = vec![("class", class), ("x", x.as_str()), ("y", y.as_str()), ("text-anchor", anchor)];
        attributes.extend(turn.map(|turn| ("transform", turn)));
        self.shapes.leaf("text", &attributes, text);
    }

    fn shape(&mut self, tag: &str, class: &str, geometry: &[(&str, String)]) {
        let mut attributes: Vec<(&str, &str)> = vec![("class", class)];
        attributes.extend(geometry.iter().map(|(name, value)| (*name, value.as_str())));
        self.shapes.empty(tag, &attributes);
    }

    /// The finished `<svg>`: `label` says what is seen to those who do not see it.
    pub fn finish(self, class: &str, label: &str) -> String {
        let view_box = format!("0 0 {} {}", px(self.width), px(self.height));
        let (width, height) = (px(self.width), px(self.height));
        let attributes: &Attributes = &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("class", class),
            ("viewBox", &view_box),
            ("width", &width),
            ("height", &height),
            ("role", "img"),
            ("aria-label", label),
        ];
        let shapes = self.shapes.finish();
        let mut out = Markup::default();
        out.element("svg", attributes, |svg| svg.raw(&shapes));
        out.finish()
    }
}

/// A coordinate with a tenth of a pixel, which is finer than anyone sees.
pub fn px(value: f64) -> String {
    let text = format!("{:.1}", if value.is_finite() { value } else { 0.0 });
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

/// About how wide a text comes out at a font size, for leaving room; full-width characters count double.
pub fn text_width(text: &str, font_size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|character| match character {
            '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' => {
                1.0
            }
            'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | ':' | ' ' | '\u{202f}' | '|' | '\'' => 0.32,
            'm' | 'w' | 'M' | 'W' | '%' => 0.86,
            'A'..='Z' => 0.68,
            _ => 0.56,
        })
        .sum();
    ems * font_size
}

/// `text` cut to fit `width`, with an ellipsis where it was cut.
pub fn fitted(text: &str, font_size: f64, width: f64) -> String {
    if text_width(text, font_size) <= width {
        return text.into();
    }
    let mut out = String::new();
    for character in text.chars() {
        out.push(character);
        if text_width(&out, font_size) > width - font_size * 0.8 {
            out.pop();
            break;
        }
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!([px(1.0), px(2.25), px(-0.01), px(f64::NAN)], ["1", "2.2", "0", "0"]);
    }

    #[test]
    fn long_labels_are_cut() {
        assert_eq!(fitted("short", 12.0, 100.0), "short");
        let cut = fitted("a label that is much too long", 12.0, 80.0);
        assert!(cut.ends_with('…') && text_width(&cut, 12.0) <= 84.0, "{cut}");
    }
}
