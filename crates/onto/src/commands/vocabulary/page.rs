//! The page of `onto tokenizer inspect --html`: a text with its tokens in colour, one file, no network, no script.

use lang::tokenizer::Tokenizer;

use super::inspect::Shown;
use crate::report::markup::Markup;

/// Colours and letters are those of the reports.
const STYLE: &str = concat!(
    include_str!("../../report/style.css"),
    "
main { padding-top: 28px; padding-bottom: 60px; }
.tokens { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 22px 26px; font: 17px/1.5 var(--mono);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.t { display: inline-block; border-radius: 5px; margin: 2px 1px; padding: 1px 3px 0; vertical-align: top; max-width: 100%; }
.t small { display: block; font: 10px/1.4 var(--mono); color: var(--soft); white-space: nowrap; text-align: left; }
.c0 { background: var(--token-0); } .c1 { background: var(--token-1); } .c2 { background: var(--token-2); }
.c3 { background: var(--token-3); } .c4 { background: var(--token-4); }
.special { outline: 1.5px solid var(--aligned); } .gone { opacity: .5; } .mark { color: var(--pale); }
.switch { display: inline-flex; gap: 8px; align-items: center; margin: 0 0 14px; color: var(--soft); font-size: 13.5px; }
#plain:checked ~ .tokens .t small { display: none; }
#plain:checked ~ .tokens .t { margin: 0; padding: 0; border-radius: 3px; display: inline; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 5px 14px; align-items: center; margin-top: 12px; max-width: 640px; }
.bars i { display: block; height: 12px; border-radius: 3px; background: var(--main); }
h2 { font-size: 17px; margin: 34px 0 0; } .facts b { font-size: 20px; }
"
);

pub fn page(tokenizer: &Tokenizer, name: &str, text: &str, shown: &[Shown]) -> String {
    let mut page = Markup::default();
    page.raw("<!doctype html>");
    page.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| {
            head.empty("meta", &[("charset", "utf-8")]);
            head.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.leaf("title", &[], &format!("Tokens of {name}"));
            head.element("style", &[], |style| style.raw(STYLE));
        });
        html.element("body", &[], |body| {
            body.element("div", &[("class", "top")], |top| {
                top.element("div", &[("class", "top-inner")], |inner| head(inner, tokenizer, name, text, shown));
            });
            body.element("main", &[], |main| {
                main.empty("input", &[("type", "checkbox"), ("id", "plain")]);
                main.leaf("label", &[("for", "plain"), ("class", "switch")], " text only");
                main.element("div", &[("class", "tokens")], |tokens| stretches(tokens, tokenizer, shown));
                lengths(main, shown);
            });
        });
    });
    page.finish()
}

fn head(inner: &mut Markup, tokenizer: &Tokenizer, name: &str, text: &str, shown: &[Shown]) {
    let count: usize = shown.iter().map(|stretch| stretch.ids.len()).sum();
    let per = |amount: usize| format!("{:.2}", amount as f64 / count.max(1) as f64);
    inner.leaf("p", &[("class", "eyebrow")], "Tokens");
    inner.leaf("h1", &[], name);
    inner.element("div", &[("class", "facts")], |facts| {
        for (what, value) in [
            ("tokens", count.to_string()),
            ("characters", text.chars().count().to_string()),
            ("bytes", text.len().to_string()),
            ("bytes a token", per(text.len())),
            ("characters a token", per(text.chars().count())),
            ("vocabulary", tokenizer.vocabulary_size().to_string()),
        ] {
            facts.element("div", &[], |fact| {
                fact.leaf("span", &[], what);
                fact.leaf("b", &[], &value);
            });
        }
    });
}

fn stretches(tokens: &mut Markup, tokenizer: &Tokenizer, shown: &[Shown]) {
    let mut number = 0;
    for stretch in shown {
        let class = match stretch.ids.as_slice() {
            [] => "t gone".to_owned(),
            ids => {
                number += 1;
                let special = if ids.iter().any(|&id| tokenizer.is_special(id)) { " special" } else { "" };
                format!("t c{}{special}", (number - 1) % 5)
            }
        };
        let spelt: Vec<&str> = stretch.ids.iter().filter_map(|&id| tokenizer.token(id)).collect();
        let bytes: Vec<String> = stretch.text.bytes().map(|byte| format!("{byte:02X}")).collect();
        let title = format!("{} · bytes {}", spelt.join(" + "), bytes.join(" "));
        tokens.element("span", &[("class", &class), ("title", &title)], |span| {
            visible(span, &stretch.text);
            if !stretch.ids.is_empty() {
                let ids: Vec<String> = stretch.ids.iter().map(u32::to_string).collect();
                span.leaf("small", &[], &ids.join(" "));
            }
        });
        // A line of the text is a line of the page.
        for _ in stretch.text.matches('\n') {
            tokens.empty("br", &[]);
        }
    }
}

/// The text with signs for what could not be seen.
fn visible(span: &mut Markup, text: &str) {
    for character in text.chars() {
        let sign = match character {
            ' ' => "␣",
            '\n' => "⏎",
            '\t' => "⇥",
            '\r' => "␍",
            _ => {
                span.text(character.encode_utf8(&mut [0; 4]));
                continue;
            }
        };
        span.leaf("span", &[("class", "mark")], sign);
    }
}

/// How many tokens there are of every length.
fn lengths(main: &mut Markup, shown: &[Shown]) {
    let mut counts: Vec<usize> = Vec::new();
    for stretch in shown.iter().filter(|stretch| !stretch.ids.is_empty()) {
        let length = stretch.text.chars().count().min(15);
        counts.resize(counts.len().max(length + 1), 0);
        counts[length] += 1;
    }
    let Some(&most) = counts.iter().max() else { return };
    main.leaf("h2", &[], "Characters a token");
    main.element("div", &[("class", "bars")], |bars| {
        for (length, &count) in counts.iter().enumerate().filter(|(length, count)| *length > 0 || **count > 0) {
            let name = if length == 15 { "15 and more".to_owned() } else { length.to_string() };
            bars.leaf("span", &[], &name);
            let width = format!("width:{:.1}%", 100.0 * count as f64 / most.max(1) as f64);
            bars.element("span", &[], |bar| bar.leaf("i", &[("style", &width)], ""));
            bars.leaf("span", &[], &count.to_string());
        }
    });
}
