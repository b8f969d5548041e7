//! From the dialect of Oniguruma with Ruby's syntax, which the reference runs, to that of the `regex` crate: what the two
//! read differently is spelt out.
//!
//! `^` and `$` stand at every line; `\w` has no joiners, and outside of a class it has the
//! superscripts and fractions of Latin-1; `\h` is a
//! hexadecimal digit; `[:punct:]` has all symbols; `{1,3}+` repeats what `{1,3}` found, it is not possessive.

/// Letters of words, as the reference counts them (compared over all code points by `oracle/tokenizer_kinds.py`).
const WORD: &str = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}";
/// The same outside of a character class: there the superscripts and fractions of Latin-1 are among them.
const WORD_ALONE: &str = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}²³¹¼½¾";

/// The same expression in the dialect of the `regex` crate.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    // Depth of character classes, and where in `out` the group each open parenthesis begins.
    let mut depth = 0;
    let mut groups = Vec::new();
    // Where in `out` the last thing begins that can be repeated.
    let mut atom = 0;
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        if depth == 0 && !matches!(character, '?' | '*' | '+' | '{' | ')') {
            atom = out.len();
        }
        match character {
            '\\' => match rest.next() {
                Some('w') if depth > 0 => out.push_str(WORD),
                Some('w') => out.push_str(&format!("[{WORD_ALONE}]")),
                Some('W') if depth > 0 => out.push_str(&format!("[^{WORD}]")),
                Some('W') => out.push_str(&format!("[^{WORD_ALONE}]")),
                Some('h') if depth > 0 => out.push_str("0-9a-fA-F"),
                Some('h') => out.push_str("[0-9a-fA-F]"),
                Some('H') => out.push_str("[^0-9a-fA-F]"),
                Some('Z') => out.push_str(r"(?=\n?\z)"),
                Some(name @ ('b' | 'B')) if depth == 0 => {
                    let (same, other) = if name == 'b' { ("!", "=") } else { ("=", "!") };
                    let word = format!("[{WORD_ALONE}]");
                    out.push_str(&format!("(?:(?<={word})(?{same}{word})|(?<!{word})(?{other}{word}))"));
                }
                // A class of its own: `\p{…}`, an escaped character, …
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                    if matches!(other, 'p' | 'P' | 'x' | 'u') && rest.as_str().starts_with('{') {
                        for letter in rest.by_ref() {
                            out.push(letter);
                            if letter == '}' {
                                break;
                            }
                        }
                    }
                }
                None => return Err("a backslash ends the expression".to_owned()),
            },
            '[' if depth > 0 && rest.as_str().starts_with(':') => {
                let Some((name, after)) = rest.as_str()[1..].split_once(":]") else {
                    return Err("a named class does not end".to_owned());
                };
                match name {
                    "punct" => out.push_str(r"\p{P}\p{S}"),
                    "word" => out.push_str(WORD),
                    "alpha" => out.push_str(r"\p{Alphabetic}"),
                    "digit" => out.push_str(r"\p{Nd}"),
                    "alnum" => out.push_str(r"\p{Alphabetic}\p{Nd}"),
                    "space" => out.push_str(r"\s"),
                    "upper" => out.push_str(r"\p{Uppercase}"),
                    "lower" => out.push_str(r"\p{Lowercase}"),
                    "cntrl" => out.push_str(r"\p{Cc}"),
                    "xdigit" => out.push_str("0-9a-fA-F"),
                    _ => return Err(format!("the class [:{name}:] is not known")),
                }
                rest = after.chars();
            }
            '[' => {
                depth += 1;
                out.push('[');
                // `]` right after the opening is a character.
                if rest.as_str().starts_with('^') {
                    rest.next();
                    out.push('^');
                }
                if rest.as_str().starts_with(']') {
                    rest.next();
                    out.push_str(r"\]");
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
            }
            _ if depth > 0 => {
                // `--` and `~~` are set operations only here, not there.
                let is_operation = matches!(character, '-' | '~') && out.ends_with(character);
                if is_operation {
                    out.push('\\');
                }
                out.push(character);
            }
            '^' => out.push_str("(?m:^)"),
            '$' => out.push_str("(?m:$)"),
            '(' => {
                let flags = rest.as_str().strip_prefix('?').unwrap_or_default();
                let flags: String =
                    flags.chars().take_while(|flag| flag.is_ascii_alphabetic() || *flag == '-').collect();
                if flags.chars().any(|flag| !matches!(flag, 'i' | 'x' | '-')) {
                    return Err(format!("the option (?{flags}) is not known"));
                }
                groups.push(out.len());
                out.push('(');
            }
            ')' => {
                atom = groups.pop().unwrap_or(atom);
                out.push(')');
            }
            '{' => {
                out.push('{');
                for letter in rest.by_ref() {
                    out.push(letter);
                    if letter == '}' {
                        break;
                    }
                }
                if rest.as_str().starts_with('+') {
                    out.insert_str(atom, "(?:");
                    out.push(')');
                }
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dialects_read_differently() {
        let check =
            |pattern: &str, expected: &str| assert_eq!(translate(pattern).as_deref(), Ok(expected), "{pattern}");
        check(r"\p{L}+|[^\r\n\p{L}]?|\s+(?!\S)", r"\p{L}+|[^\r\n\p{L}]?|\s+(?!\S)");
        check("^a$", "(?m:^)a(?m:$)");
        check(r"[\h_]\h", "[0-9a-fA-F_][0-9a-fA-F]");
        check(r"\p{N}{1,3}+", r"(?:\p{N}{1,3})+");
        check(r"(a|b){2}+c", "(?:(a|b){2})+c");
        check(r"[]a]|[^]a]", r"[\]a]|[^\]a]");
        check(r"[!--]", r"[!-\-]");
        assert!(translate(r"[[:punct:]]").unwrap().contains(r"\p{S}"));
        assert!(translate(r"(?m:a)").unwrap_err().contains("(?m)"));
        assert!(translate(r"a\").is_err());
    }
}
