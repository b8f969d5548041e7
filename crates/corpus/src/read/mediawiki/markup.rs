//! Wikitext to plain text. Links become their labels, headings their words; templates, references, tables, files,
//! categories, galleries and formulas go. Every pass is linear: what is opened and never closed costs the rest of its
//! paragraph at most, not the rest of the article.

/// Namespaces of files, whose links are pictures, and of categories, in the larger Wikipedias' languages.
const FILES: [&str; 22] = [
    "file",
    "image",
    "media",
    "datei",
    "bild",
    "fichier",
    "archivo",
    "imagen",
    "immagine",
    "ficheiro",
    "imagem",
    "bestand",
    "afbeelding",
    "plik",
    "grafika",
    "файл",
    "изображение",
    "文件",
    "檔案",
    "图像",
    "ファイル",
    "파일",
];
const CATEGORIES: [&str; 14] = [
    "category",
    "kategorie",
    "catégorie",
    "categoría",
    "categoria",
    "categorie",
    "kategoria",
    "kategori",
    "категория",
    "категорія",
    "分类",
    "分類",
    "カテゴリ",
    "분류",
];
/// Elements whose content is not prose.
const DROPPED: [&str; 16] = [
    "ref",
    "math",
    "chem",
    "gallery",
    "timeline",
    "imagemap",
    "score",
    "hiero",
    "templatestyles",
    "mapframe",
    "graph",
    "references",
    "noinclude",
    "section",
    "ce",
    "categorytree",
];
/// Elements whose content is taken as it stands.
const LITERAL: [&str; 4] = ["nowiki", "pre", "syntaxhighlight", "source"];

/// True when a text only leads to another page (`#REDIRECT [[…]]`, in any language).
pub(super) fn is_redirect(text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('#') else { return false };
    let line = rest.lines().next().unwrap_or_default();
    line.split_once("[[").is_some_and(|(word, _)| {
        let word = word.trim().trim_end_matches(':').trim();
        !word.is_empty() && word.chars().count() <= 20 && word.chars().all(char::is_alphabetic)
    })
}

/// The prose of wikitext, a paragraph or a heading or a list item a line, blank lines between paragraphs.
pub fn strip(wikitext: &str) -> String {
    let text = drop_comments(wikitext);
    let text = drop_elements(&text);
    let text = drop_pairs(&text, b"{{", b"}}");
    let text = drop_tables(&text);
    let text = convert_variants(&text);
    let text = resolve_links(&text);
    let text = drop_tags(&text);
    let text = drop_quotes(&text);
    lines(&html_escape::decode_html_entities(&text))
}

/// Looks ahead for a sign from places that only move forward, and searches no stretch twice: a thousand unclosed brackets
/// cost no more than one.
struct Ahead<'t> {
    text: &'t str,
    sign: &'static str,
    /// Where the sign stands next, from the last place asked for; the text's length where it stands no more.
    found: Option<usize>,
}

impl<'t> Ahead<'t> {
    fn new(text: &'t str, sign: &'static str) -> Self {
        Ahead { text, sign, found: None }
    }

    /// Where the sign stands next from `at` on, or the end of the text.
    fn or_end(&mut self, at: usize) -> usize {
        match self.found {
            Some(found) if found >= at => found,
            _ => {
                let bytes = &self.text.as_bytes()[at..];
                let found = memchr::memmem::find(bytes, self.sign.as_bytes()).map_or(self.text.len(), |end| at + end);
                self.found = Some(found);
                found
            }
        }
    }

    /// Where the sign stands next from `at` on.
    fn next(&mut self, at: usize) -> Option<usize> {
        let found = self.or_end(at);
        (found < self.text.len()).then_some(found)
    }
}

fn drop_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut ends = Ahead::new(text, "-->");
    let mut at = 0;
    while let Some(found) = text[at..].find("<!--").map(|found| at + found) {
        out.push_str(&text[at..found]);
        // MediaWiki hides everything behind an unclosed comment; a lost sign must not cost an article.
        at = ends.next(found + 4).map_or(found + 4, |end| end + 3);
    }
    out.push_str(&text[at..]);
    out
}

/// What ends a paragraph.
const BLANK_LINE: &str = "\n\n";

/// Drops elements that are no prose, with their content; of literal ones the signs that mean something are hidden.
fn drop_elements(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut tag_ends = Ahead::new(text, ">");
    let mut paragraphs = Ahead::new(text, BLANK_LINE);
    // Names without a closing tag further on: looked for once, so that many unclosed tags stay linear.
    let mut endless: Vec<&str> = Vec::new();
    while let Some(found) = text[at..].find('<').map(|found| at + found) {
        out.push_str(&text[at..found]);
        let name_end = found + 1 + text[found + 1..].bytes().take(24).take_while(u8::is_ascii_alphanumeric).count();
        let name = text[found + 1..name_end].to_ascii_lowercase();
        let dropped = DROPPED.iter().find(|known| **known == name);
        let literal = LITERAL.iter().find(|known| **known == name);
        let Some(known) = dropped.or(literal) else {
            out.push('<');
            at = found + 1;
            continue;
        };
        let Some(tag_end) = tag_ends.next(name_end).map(|end| end + 1) else {
            out.push('<');
            at = found + 1;
            continue;
        };
        if text[..tag_end].ends_with("/>") {
            at = tag_end;
            continue;
        }
        let close = if endless.contains(known) { None } else { find_close(text, tag_end, known) };
        match close {
            Some((content_end, end)) => {
                if literal.is_some() {
                    hide(&text[tag_end..content_end], &mut out);
                }
                at = end;
            }
            None => {
                if !endless.contains(known) {
                    endless.push(known);
                }
                at = if dropped.is_some() { paragraphs.or_end(tag_end) } else { tag_end };
            }
        }
    }
    out.push_str(&text[at..]);
    out
}

/// Where `</name` stands from `from` on, and where that tag ends.
fn find_close(text: &str, from: usize, name: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"</") {
        let start = at + found;
        let word = start + 2;
        let stop = word + name.len();
        if bytes.len() >= stop
            && bytes[word..stop].eq_ignore_ascii_case(name.as_bytes())
            && bytes.get(stop).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        {
            let end = memchr::memchr(b'>', &bytes[stop..]).map_or(bytes.len(), |end| stop + end + 1);
            return Some((start, end));
        }
        at = word;
    }
    None
}

/// Characters of private use stand for signs that must not be read as markup.
const HIDDEN: [(char, char); 7] = [
    ('[', '\u{f0001}'),
    (']', '\u{f0002}'),
    ('{', '\u{f0003}'),
    ('}', '\u{f0004}'),
    ('\'', '\u{f0005}'),
    ('<', '\u{f0006}'),
    ('=', '\u{f0007}'),
];

fn hide(text: &str, out: &mut String) {
    out.extend(text.chars().map(|c| HIDDEN.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, hidden)| *hidden)));
}

fn unhide(text: &str) -> String {
    text.chars().map(|c| HIDDEN.iter().find(|(_, hidden)| *hidden == c).map_or(c, |(sign, _)| *sign)).collect()
}

/// Drops what stands between pairs of brackets, which may nest. An opening bracket that is never closed costs the rest of
/// its paragraph, a closing one that was never opened goes alone.
fn drop_pairs(text: &str, open: &[u8], close: &[u8]) -> String {
    let bytes = text.as_bytes();
    let mut stack: Vec<usize> = Vec::new();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at..].starts_with(open) {
            stack.push(at);
            at += 2;
        } else if bytes[at..].starts_with(close) {
            let start = stack.pop().unwrap_or(at);
            at += 2;
            spans.push((start, at));
        } else {
            at += 1;
        }
    }
    // Unclosed ones: to the end of the paragraph, which may be before a pair that was closed within them.
    let mut paragraphs = Ahead::new(text, BLANK_LINE);
    spans.extend(stack.into_iter().map(|start| (start, paragraphs.or_end(start))));
    without(text, spans)
}

/// `text` without the spans, which may overlap.
fn without(text: &str, mut spans: Vec<(usize, usize)>) -> String {
    spans.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in spans {
        if start > at {
            out.push_str(&text[at..start]);
        }
        at = at.max(end);
    }
    out.push_str(&text[at..]);
    out
}

/// Drops tables, which begin and end lines with `{|` and `|}` and may nest.
fn drop_tables(text: &str) -> String {
    let mut stack: Vec<usize> = Vec::new();
    let mut spans = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let inner = line.trim_start_matches([' ', ':', '*', '\t']);
        if inner.starts_with("{|") {
            stack.push(at);
        } else if inner.starts_with("|}") && !inner.starts_with("|}}") {
            if let Some(start) = stack.pop() {
                // Text behind the closing sign belongs to the line.
                let end = at + (line.len() - inner.len()) + 2;
                spans.push((start, end));
            } else {
                spans.push((at, at + line.len()));
            }
        } else if !stack.is_empty() && inner.starts_with(['|', '!']) {
            // Rows of an unclosed table go line by line.
            spans.push((at, at + line.len()));
        }
        at += line.len();
    }
    for start in stack {
        let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
        spans.push((start, end));
    }
    without(text, spans)
}

/// The variants of Chinese: `-{zh-hans:计算机;zh-hant:電腦}-` is the simplified one, `-{text}-` its text.
fn convert_variants(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut line_ends, mut closes) = (Ahead::new(text, "\n"), Ahead::new(text, "}-"));
    let mut at = 0;
    while let Some(found) = text[at..].find("-{").map(|found| at + found) {
        let line_end = line_ends.or_end(found);
        let Some(end) = closes.next(found + 2).filter(|end| *end < line_end) else {
            out.push_str(&text[at..found + 2]);
            at = found + 2;
            continue;
        };
        out.push_str(&text[at..found]);
        let inner = &text[found + 2..end];
        // A rule for the whole page (`-{H|…}-`, `-{T|…}-`) shows nothing.
        let (flag, body) = inner.split_once('|').map_or(("", inner), |(flag, body)| (flag.trim(), body));
        if !matches!(flag, "H" | "T" | "-") {
            let variants: Vec<(&str, &str)> = body.split(';').filter_map(|part| part.split_once(':')).collect();
            let wanted = ["zh-hans", "zh-cn", "zh"];
            let chosen = wanted.iter().find_map(|name| variants.iter().find(|(found, _)| found.trim() == *name));
            let is_rule = variants.iter().any(|(name, _)| name.trim().starts_with("zh"));
            match chosen.or(variants.first()).filter(|_| is_rule) {
                Some((_, words)) => out.push_str(words.trim()),
                None => out.push_str(body),
            }
        }
        at = end + 2;
    }
    out.push_str(&text[at..]);
    out
}

/// Links become what is read of them.
fn resolve_links(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    // Open links: where their content begins in `out`.
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut copied = 0;
    let (mut line_ends, mut closes) = (Ahead::new(text, "\n"), Ahead::new(text, "]"));
    while let Some(found) = memchr::memchr2(b'[', b']', &bytes[at..]).map(|found| at + found) {
        let pair = bytes.get(found + 1) == Some(&bytes[found]);
        if pair {
            out.push_str(&text[copied..found]);
            at = found + 2;
            copied = at;
            if bytes[found] == b'[' {
                open.push(out.len());
            } else if let Some(start) = open.pop() {
                // Links are a line long; over a longer stretch the brackets are stray.
                let label =
                    if out.len() - start > 20_000 { None } else { Some(label(&out[start..]).map(String::from)) };
                if let Some(label) = label {
                    out.truncate(start);
                    out.push_str(&label.unwrap_or_default());
                }
            }
        } else if bytes[found] == b'[' && is_address(&text[found + 1..]) {
            out.push_str(&text[copied..found]);
            let line_end = line_ends.or_end(found);
            match closes.next(found).filter(|end| *end < line_end) {
                Some(end) => {
                    if let Some((_, words)) = text[found + 1..end].split_once([' ', '\t']) {
                        out.push_str(words);
                    }
                    at = end + 1;
                }
                None => at = found + 1,
            }
            copied = at;
        } else {
            at = found + 1;
        }
    }
    out.push_str(&text[copied..]);
    out
}

fn is_address(text: &str) -> bool {
    ["http://", "https://", "//", "ftp://", "mailto:"].iter().any(|scheme| text.starts_with(scheme))
}

/// What a reader sees of the content of a link; `None` of a picture or a category.
fn label(content: &str) -> Option<&str> {
    let (target, label) = content.split_once('|').map_or((content, None), |(target, label)| (target, Some(label)));
    let target = target.trim();
    if let Some((prefix, _)) = target.split_once(':')
        && !prefix.is_empty()
    {
        let prefix = prefix.trim().to_lowercase();
        // A link to a page of the same name in another language has no label.
        let language =
            label.is_none() && (2..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_lowercase());
        if FILES.contains(&prefix.as_str()) || CATEGORIES.contains(&prefix.as_str()) || language {
            return None;
        }
    }
    let target = target.trim_start_matches(':');
    match label {
        // "[[Paris (mythology)|]]" is read "Paris".
        Some(label) if label.trim().is_empty() => Some(target.split(" (").next().unwrap_or(target)),
        Some(label) => Some(label),
        None => Some(target),
    }
}

/// Drops what is left of tags; a line break is one.
fn drop_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let inner = &rest[at + 1..];
        let named = inner.strip_prefix('/').unwrap_or(inner).starts_with(|c: char| c.is_ascii_alphabetic());
        // A tag is short and on one line or two; anything else is a smaller-than sign.
        match inner.bytes().take(1000).position(|byte| byte == b'>' || byte == b'<') {
            Some(end) if named && inner.as_bytes()[end] == b'>' => {
                let tag = inner[..end].trim_start_matches('/').to_ascii_lowercase();
                if tag.starts_with("br") || tag.starts_with("/p") || tag == "p" || tag.starts_with("div") {
                    out.push('\n');
                }
                rest = &inner[end + 1..];
            }
            _ => {
                out.push('<');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Drops the quotes of bold and italics, and behaviour switches like `__NOTOC__`.
fn drop_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("''") {
        out.push_str(&rest[..at]);
        let quotes = rest[at..].bytes().take_while(|byte| *byte == b'\'').count();
        // Four are an apostrophe and bold.
        if quotes == 4 {
            out.push('\'');
        }
        rest = &rest[at + quotes..];
    }
    out.push_str(rest);
    out
}

/// Headings and list marks; headings with nothing under them, empty brackets and spare blank lines go.
fn lines(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    // Headings wait until text stands under them: (level, words).
    let mut headings: Vec<(usize, String)> = Vec::new();
    let mut blank = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || (line.starts_with("__") && line.ends_with("__") && line.len() > 4) {
            blank = true;
            continue;
        }
        let level = line.bytes().take_while(|byte| *byte == b'=').count();
        if level > 0 && line.len() > 2 * level && line.ends_with(&"=".repeat(level)) {
            while headings.last().is_some_and(|(above, _)| *above >= level) {
                headings.pop();
            }
            let words = line.trim_matches('=').trim();
            headings.push((level, unhide(words)));
            continue;
        }
        if line.starts_with("----") && line.bytes().all(|byte| byte == b'-') {
            blank = true;
            continue;
        }
        let line = line.trim_start_matches(['*', '#', ':', ';']).trim_start();
        let line = clean(&unhide(line));
        if line.is_empty() {
            continue;
        }
        for (_, words) in headings.drain(..) {
            if !out.is_empty() {
                out.push(String::new());
            }
            out.push(words);
            blank = true;
        }
        if blank && out.last().is_some_and(|last| !last.is_empty()) {
            out.push(String::new());
        }
        blank = false;
        out.push(line);
    }
    out.join("\n")
}

/// Takes away the brackets that templates leave behind, and double spaces.
fn clean(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for word in line.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    for (left, right) in [
        ("( )", ""),
        ("()", ""),
        ("（）", ""),
        ("(, ", "("),
        ("(; ", "("),
        ("（，", "（"),
        ("（；", "（"),
        (" ,", ","),
        (" .", "."),
    ] {
        if out.contains(left) {
            out = out.replace(left, right);
        }
    }
    if out.contains("  ") {
        out = out.replace("  ", " ");
    }
    // What has no letter and no digit left was only markup.
    if out.chars().any(char::is_alphanumeric) { out.trim().to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_stripped() {
        for (wikitext, expected) in [
            ("'''Bold''' and ''italic'', [[link]]s and [[target|labels]].", "Bold and italic, links and labels."),
            ("A {{template|with {{nested}} ones}} b.", "A b."),
            ("A {{unclosed b.\n\nNext paragraph.", "A\n\nNext paragraph."),
            ("A }} stray.", "A stray."),
            ("{{a {{b}} c\n\nText {{d}} here.", "Text here."),
            ("Fact.<ref name=\"x\">Book [[y]]</ref> More.<ref name=x /> End.", "Fact. More. End."),
            ("Fact.<ref>never closed\n\nNext.", "Fact.\n\nNext."),
            ("x\n{| class=t\n! head\n|-\n| cell {| nested\n|}\n|}\ny", "x\n\ny"),
            ("x\n{| class=t\n| cell\ny", "x\n\ny"),
            ("[[File:a.jpg|thumb|A [[nested]] caption]]Text.", "Text."),
            ("[[Category:Things]][[de:Dinge]][[:Category:Shown]]", "Category:Shown"),
            ("[http://x.org The site] and [http://y.org] and [note].", "The site and and [note]."),
            (
                "== Heading ==\nText.\n=== Empty ===\n== Last ==\n* one\n*# two\n",
                "Heading\n\nText.\n\nLast\n\none\ntwo",
            ),
            (
                "See [[Paris (mythology)|]].<br/>Next&nbsp;line &amp; more<!-- hidden -->.",
                "See Paris.\nNext line & more.",
            ),
            ("<nowiki>[[raw]] ''x''</nowiki> <math>a^2</math>if a < b then", "[[raw]] ''x'' if a < b then"),
            ("-{zh-hans:计算机;zh-hant:電腦}-和-{原样}-", "计算机和原样"),
            ("__NOTOC__\n----\nText ({{lang|x}}) here.", "Text here."),
            ("<!-- unclosed\nText.", "unclosed\nText."),
        ] {
            // Some of the expected texts write one blank line where the stripping leaves none or one.
            let squeeze = |text: &str| text.replace("\n\n", "\n");
            assert_eq!(squeeze(&strip(wikitext)), squeeze(expected), "{wikitext}");
        }
    }

    #[test]
    fn redirects_in_any_language() {
        for text in ["#REDIRECT [[x]]", " #redirect: [[x]]", "#重定向 [[x]]", "#WEITERLEITUNG[[x]]"] {
            assert!(is_redirect(text), "{text}");
        }
        for text in ["# item with a [[link]] in a list", "Text", "#"] {
            assert!(!is_redirect(text), "{text}");
        }
    }

    #[test]
    fn hostile_markup_is_linear() {
        for part in
            ["{{", "}}", "[[", "]]", "<ref>", "<!--", "{|\n", "[http://", "''", "-{", "<nowiki>", "[[a|", "{{[[", "<"]
        {
            let text = part.repeat(200_000);
            assert!(strip(&text).len() <= text.len() + 10, "{part}");
        }
    }
}
