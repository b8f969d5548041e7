//! What every page of ours is: one HTML file with the style sheet inside.

use super::markup::Markup;

/// The style sheet of all pages.
pub const STYLE: &str = include_str!("style.css");

/// The head of a page: characters, width, colours, its title, and `style` after the common style sheet.
pub fn head(html: &mut Markup, title: &str, style: &str) {
    html.element("head", &[], |head| {
        head.empty("meta", &[("charset", "utf-8")]);
        head.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        head.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
        head.leaf("title", &[], title);
        head.element("style", &[], |sheet| {
            sheet.raw(STYLE);
            sheet.raw(style);
        });
    });
}

/// A page whose main part `inside` writes.
pub fn shell(title: &str, style: &str, inside: impl FnOnce(&mut Markup)) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n");
    page.element("html", &[("lang", "en")], |html| {
        head(html, title, style);
        html.element("body", &[], |body| body.element("main", &[], inside));
    });
    page.raw("\n");
    page.finish()
}
