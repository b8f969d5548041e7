//! Filling of sentence templates, English articles, Chinese–Latin spacing, lists in words.

use lang::rng::Rng;

/// Replaces each `{key}` by its value and each `a(n)` by the right article. Unknown keys stay as they are, which the
/// tests refuse.
pub(crate) fn fill(template: &str, slots: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let found = after.find('}').and_then(|close| {
            let key = &after[..close];
            slots.iter().find(|(k, _)| *k == key).map(|(_, v)| (close, *v))
        });
        if let Some((close, value)) = found {
            out.push_str(value);
            rest = &after[close + 1..];
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    articles(&out)
}

/// Fills one template of a list.
pub(crate) fn pick(rng: &mut Rng, templates: &[&str], slots: &[(&str, &str)]) -> String {
    let template: &str = rng.choose::<&str>(templates);
    fill(template, slots)
}

/// `a(n) owl` → `an owl`, `a(n) cat` → `a cat`. The vocabulary has no word whose first letter misleads.
fn articles(text: &str) -> String {
    if !text.contains("(n) ") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("(n) ") {
        out.push_str(&rest[..at]);
        rest = &rest[at + 4..];
        out.push_str(if rest.starts_with(['a', 'e', 'i', 'o', 'u']) { "n " } else { " " });
    }
    out.push_str(rest);
    out
}

/// `a cat`, `an owl`.
pub(crate) fn with_article(word: &str) -> String {
    articles(&format!("a(n) {word}"))
}

/// Puts a space between a Chinese character and a Latin letter or digit next to it, as Chinese typesetting likes it.
pub(crate) fn space_mixed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut previous: Option<char> = None;
    for c in text.chars() {
        if let Some(p) = previous
            && ((is_han(p) && c.is_ascii_alphanumeric()) || (p.is_ascii_alphanumeric() && is_han(c)))
        {
            out.push(' ');
        }
        out.push(c);
        previous = Some(c);
    }
    out
}

/// A character of the common Chinese block.
pub(crate) fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// `a, b and c`.
pub(crate) fn english_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// `甲、乙和丙`.
pub(crate) fn chinese_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{}和{last}", start.join("、")),
    }
}

/// First letter in upper case.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_articles_and_spaces() {
        assert_eq!(fill("{a} has a(n) {b}.", &[("a", "Boro"), ("b", "owl")]), "Boro has an owl.");
        assert_eq!(fill("a(n) {b} and {x}", &[("b", "cat")]), "a cat and {x}");
        assert_eq!(space_mixed("王明有12颗，Boro住在Danfel。"), "王明有 12 颗，Boro 住在 Danfel。");
        assert_eq!(english_list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
