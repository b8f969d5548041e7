//! The source of a template before the engine reads it: where its tags are, what is rewritten in them, and whether
//! something in it is so deep that it needs a stack of its own.

/// Characters of one tag, texts in quotes apart; templates of people stay far below.
const LONGEST_TAG: usize = 64 << 10;
/// Tags with more characters, texts in quotes apart, may be chains deep enough to need a large stack.
const ORDINARY_TAG: usize = 1 << 10;

/// Each `elif` stands one level deeper to the engine than the one before.
const FEW_ELIFS: usize = 200;
const MOST_ELIFS: usize = 20_000;

/// What a template is made of.
enum Part<'a> {
    /// Text, comments, and what is raw.
    Text(&'a str),
    /// `{{ … }}` with its braces.
    Expression(&'a str),
    /// The inside of `{% … %}`.
    Tag(&'a str),
}

/// Cuts `source` into its parts. What is not closed is text; the engine will say so.
fn parts(source: &str) -> Vec<Part<'_>> {
    let mut out = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let inside = &rest[start..];
        let end = match inside.as_bytes().get(1) {
            Some(b'#') => inside.find("#}").map(|at| at + 2),
            Some(b'{') => closing(inside, '}'),
            Some(b'%') => closing(inside, '%'),
            _ => {
                out.push(Part::Text(&rest[..start + 1]));
                rest = &rest[start + 1..];
                continue;
            }
        };
        let Some(end) = end else { break };
        out.push(Part::Text(&rest[..start]));
        let found = &inside[..end];
        rest = &inside[end..];
        match found.as_bytes()[1] {
            b'#' => out.push(Part::Text(found)),
            b'{' => out.push(Part::Expression(found)),
            _ => {
                let tag = &found[2..found.len() - 2];
                out.push(Part::Tag(tag));
                if tag.trim_matches(['-', '+']).trim() == "raw" {
                    // The end tag is found by its name: nothing else is a tag in here.
                    let name = rest.find("endraw").unwrap_or(rest.len());
                    let end = rest[..name].rfind("{%").unwrap_or(name);
                    out.push(Part::Text(&rest[..end]));
                    rest = &rest[end..];
                }
            }
        }
    }
    out.push(Part::Text(rest));
    out
}

/// Where `{{` or `{%` at the beginning of `text` is closed by `close` and a brace, outside texts in quotes and, for `{{`,
/// outside braces.
fn closing(text: &str, close: char) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0usize;
    let mut characters = text.char_indices().skip(2).peekable();
    while let Some((at, c)) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c == close && depth == 0 && text[at + 1..].starts_with('}') => return Some(at + 2),
            (None, '{') => depth += usize::from(close == '}'),
            (None, '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// `source` with the inside of its tags changed where `change` says so.
pub(super) fn in_tags(source: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(source.len());
    for part in parts(source) {
        match part {
            Part::Text(text) | Part::Expression(text) => out.push_str(text),
            Part::Tag(inside) => {
                out.push_str("{%");
                match change(inside) {
                    Some(changed) => out.push_str(&changed),
                    None => out.push_str(inside),
                }
                out.push_str("%}");
            }
        }
    }
    out
}

/// The white space control at both ends of the inside of a tag.
pub(super) fn controls(inside: &str) -> (&str, &str) {
    let left = if inside.starts_with(['-', '+']) { &inside[..1] } else { "" };
    let right = if inside.len() > 1 && inside.ends_with(['-', '+']) { &inside[inside.len() - 1..] } else { "" };
    (left, right)
}

/// `{% set … = value %}` with `check(value)` in place of the value, so that nothing can be nested without bound by setting
/// it again and again.
pub(super) fn checked_sets(source: &str, check: &str) -> String {
    in_tags(source, |inside| {
        let (left, right) = controls(inside);
        let body = &inside[left.len()..inside.len() - right.len()];
        let assigned = body.trim_start().strip_prefix("set")?;
        let (target, value) = assigned.split_once('=')?;
        let is_target = target.starts_with(char::is_whitespace)
            && target.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.,()".contains(c));
        // Texts, names and numbers nest nothing.
        if !is_target || !value.contains(['[', '{', '(', '|', '+']) {
            return None;
        }
        Some(format!("{left} set{target}= {check}(({})) {right}", value.trim()))
    })
}

/// How deep the engine may have to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Ordinary,
    /// A stack of its own is needed.
    Deep,
    /// No stack is large enough.
    Endless,
}

/// How deep the engine may have to go for the longest tag of `source`.
pub(super) fn depth(source: &str) -> Depth {
    let length = |part: &Part| match part {
        Part::Text(_) => 0,
        Part::Expression(text) | Part::Tag(text) => {
            let mut quote = None;
            let mut count = 0;
            let mut characters = text.chars();
            while let Some(c) = characters.next() {
                match quote {
                    Some(_) if c == '\\' => drop(characters.next()),
                    Some(open) if c == open => quote = None,
                    Some(_) => {}
                    None if c == '"' || c == '\'' => quote = Some(c),
                    None => count += 1,
                }
            }
            count
        }
    };
    let parts = parts(source);
    let is_elif = |part: &&Part| matches!(part, Part::Tag(inside) if inside.trim_start_matches(['-', '+', ' ']).starts_with("elif"));
    let n_elifs = parts.iter().filter(is_elif).count();
    match parts.iter().map(length).max().unwrap_or(0) {
        0..=ORDINARY_TAG if n_elifs <= FEW_ELIFS => Depth::Ordinary,
        0..=LONGEST_TAG if n_elifs <= MOST_ELIFS => Depth::Deep,
        _ => Depth::Endless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_outside_texts_comments_and_what_is_raw() {
        let tags = |source: &str| {
            let found = std::cell::RefCell::new(Vec::new());
            let same = in_tags(source, |inside| {
                found.borrow_mut().push(inside.to_owned());
                None
            });
            assert_eq!(same, source);
            found.into_inner()
        };
        assert_eq!(tags("a{% b %}c{%- d -%}"), [" b ", "- d -"]);
        assert_eq!(tags("{{ '{% x %}' }}{# {% y %} #}{% if '%}' %}{{ {'a': {}} }}{% z %}"), [" if '%}' ", " z "]);
        assert_eq!(tags("{% raw %}{% x %}{{ {% endraw %}{% b %}"), [" raw ", " endraw ", " b "]);
        assert_eq!(tags("{ {} { % } {% open"), [""; 0]);
        assert_eq!(tags(r#"{% a "\"%}" %}"#), [r#" a "\"%}" "#]);
        for source in ["{", "{%", "{{", "{#", "{%}", "{{}", "{% raw %}", "{%%}", "{{}}"] {
            tags(source);
        }
    }

    #[test]
    fn sets_are_checked() {
        let checked = |source: &str| checked_sets(source, "c");
        assert_eq!(checked("{%- set a = [1] -%}"), "{%- set a = c(([1])) -%}");
        assert_eq!(checked("{% set ns.x = [a == b] %}"), "{% set ns.x = c(([a == b])) %}");
        assert_eq!(checked("{% set a, b = (1, 2) %}"), "{% set a, b = c(((1, 2))) %}");
        for same in [
            "{% set a %}x{% endset %}",
            "{% set a = 'x' %}",
            "{% if a == [1] %}",
            "{% settle = [1] %}",
            "{% set a | f(b=[1]) %}",
        ] {
            assert_eq!(checked(same), same);
        }
    }

    #[test]
    fn long_tags_are_deep() {
        assert_eq!(depth(&format!("{{{{ '{}' }}}}", "x".repeat(9999))), Depth::Ordinary);
        assert_eq!(depth(&format!("{{{{ {}1 }}}}", "1+".repeat(1000))), Depth::Deep);
        assert_eq!(depth(&format!("{{% if {}1 %}}", "1+".repeat(100_000))), Depth::Endless);
    }
}
