//! A writer of HTML and SVG in which every element is closed and every text is escaped by construction.

/// Attributes of an element: (name, value). An attribute with an empty value is written as a bare name.
pub type Attributes<'a> = [(&'a str, &'a str)];

/// Markup in the making.
#[derive(Default)]
pub struct Markup {
    out: String,
}

impl Markup {
    /// What has been written.
    pub fn finish(self) -> String {
        self.out
    }

    /// An element with whatever `inside` writes between its tags.
    pub fn element(&mut self, tag: &str, attributes: &Attributes, inside: impl FnOnce(&mut Markup)) {
        self.start(tag, attributes);
        self.out.push('>');
        inside(self);
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// An element that holds only text.
    pub fn leaf(&mut self, tag: &str, attributes: &Attributes, text: &str) {
        self.element(tag, attributes, |inner| inner.text(text));
    }

    /// An element that holds nothing: `<meta …/>`, `<path …/>`.
    pub fn empty(&mut self, tag: &str, attributes: &Attributes) {
        self.start(tag, attributes);
        self.out.push_str("/>");
    }

    /// Text, escaped. Control characters that HTML forbids are shown as the replacement character.
    pub fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\n' | '\t' => self.out.push(character),
                _ if character.is_control() => self.out.push('\u{fffd}'),
                _ => self.out.push(character),
            }
        }
    }

    /// Markup that is already right: our own style sheet and finished pictures.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    fn start(&mut self, tag: &str, attributes: &Attributes) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            if !value.is_empty() {
                self.out.push_str("=\"");
                self.text(value);
                self.out.push('"');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_text_and_attributes() {
        let mut markup = Markup::default();
        markup.element("p", &[("title", "a \"b\" <c>"), ("hidden", "")], |p| {
            p.text("<script>alert(1 && 2)</script>\u{7}");
            p.empty("br", &[]);
        });
        assert_eq!(
            markup.finish(),
            "<p title=\"a &quot;b&quot; &lt;c&gt;\" hidden>\
             &lt;script&gt;alert(1 &amp;&amp; 2)&lt;/script&gt;\u{fffd}<br/></p>"
        );
    }
}
