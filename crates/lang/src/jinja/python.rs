//! The methods of Python's texts, dictionaries and lists that templates call, as Python 3 has them. Methods of texts look
//! through the marks of `tracked` and keep them.

use std::ops::Range;

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::arguments::{Arguments, integer, invalid, text};
use super::tracked::{Text, has_marks};

/// What minijinja asks for a method it does not know.
pub(super) fn method(state: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => {
            // Its mini language of formats is minijinja's.
            if name == "format" {
                return minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments);
            }
            let marked = value.as_str().unwrap_or_default();
            of_text(state, &Text::read(marked), marked, name, Arguments::new(name, arguments)?)
        }
        ValueKind::Map => of_map(state, value, name, arguments),
        ValueKind::Seq | ValueKind::Iterable => of_list(value, name, Arguments::new(name, arguments)?),
        _ => Err(ErrorKind::UnknownMethod.into()),
    }
}

/// White space to Python: that of Unicode, and the four separators of ASCII.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// What is left of `text` when `chars`, else white space, is taken off its ends.
pub(super) fn strip(text: &str, chars: Option<&str>, left: bool, right: bool) -> Range<usize> {
    let drops = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    let start = if left { text.len() - text.trim_start_matches(drops).len() } else { 0 };
    let end = if right { text.trim_end_matches(drops).len() } else { text.len() };
    start..end.max(start)
}

/// The part of `text` that Python's `[start:end]` names, in characters.
fn part(text: &str, start: Option<i64>, end: Option<i64>) -> (Range<usize>, i64) {
    if start.is_none() && end.is_none() {
        return (0..text.len(), 0);
    }
    let length = text.chars().count() as i64;
    let clamp = |at: i64| if at < 0 { (at + length).max(0) } else { at.min(length) };
    let (first, last) = (clamp(start.unwrap_or(0)), clamp(end.unwrap_or(length)));
    let byte = |at: i64| text.char_indices().nth(at as usize).map_or(text.len(), |(byte, _)| byte);
    (byte(first)..byte(last).max(byte(first)), first)
}

fn tuple(parts: impl IntoIterator<Item = String>) -> Value {
    Value::from(Tuple::from(parts.into_iter().map(Value::from).collect::<Vec<_>>()))
}

/// Pays for a text of `bytes` before it is made.
fn pay(state: &State, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / 64) as u64)
}

fn of_text(state: &State, own: &Text, marked: &str, name: &str, arguments: Arguments) -> Result<Value, Error> {
    let plain: &str = &own.plain;
    // An argument may be marked too.
    let clean = |value: &Option<Value>| -> Result<Option<String>, Error> {
        Ok(text(value)?.map(|text| Text::read(text).plain.into_owned()))
    };
    let all = |test: fn(char) -> bool| !plain.is_empty() && plain.chars().all(test);
    Ok(match name {
        "upper" => own.map_parts(str::to_uppercase).into(),
        "lower" => own.map_parts(str::to_lowercase).into(),
        "casefold" => own.map_parts(casefold).into(),
        "swapcase" => own.map_parts(swapcase).into(),
        "capitalize" => own.map(capitalize).into(),
        "title" => own.map(title).into(),
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = arguments.take(["chars"], 0)?;
            let range = strip(plain, clean(&chars)?.as_deref(), name != "rstrip", name != "lstrip");
            own.slice(range).into()
        }
        "removeprefix" => {
            let [prefix] = arguments.take(["prefix"], 1)?;
            let rest = plain.strip_prefix(clean(&prefix)?.unwrap_or_default().as_str()).unwrap_or(plain);
            own.slice(plain.len() - rest.len()..plain.len()).into()
        }
        "removesuffix" => {
            let [suffix] = arguments.take(["suffix"], 1)?;
            let rest = plain.strip_suffix(clean(&suffix)?.unwrap_or_default().as_str()).unwrap_or(plain);
            own.slice(0..rest.len()).into()
        }
        "split" | "rsplit" => {
            let [separator, limit] = arguments.take(["sep", "maxsplit"], 0)?;
            let limit = integer(&limit)?.and_then(|limit| usize::try_from(limit).ok());
            let parts = match clean(&separator)? {
                Some(separator) if separator.is_empty() => return Err(invalid("empty separator")),
                separator => split(plain, separator.as_deref(), limit, name == "rsplit"),
            };
            parts.into_iter().map(|range| Value::from(own.slice(range))).collect()
        }
        "splitlines" => {
            let [keep] = arguments.take(["keepends"], 0)?;
            let keep = keep.is_some_and(|keep| keep.is_true());
            lines(plain)
                .map(|(line, end)| Value::from(own.slice(line.start..if keep { end } else { line.end })))
                .collect()
        }
        "partition" | "rpartition" => {
            let [separator] = arguments.take(["sep"], 1)?;
            let separator =
                clean(&separator)?.filter(|text| !text.is_empty()).ok_or_else(|| invalid("empty separator"))?;
            let found = if name == "partition" { plain.find(&separator) } else { plain.rfind(&separator) };
            match found {
                Some(at) => {
                    let after = at + separator.len();
                    tuple([own.slice(0..at), own.slice(at..after), own.slice(after..plain.len())])
                }
                None if name == "partition" => tuple([marked.to_owned(), String::new(), String::new()]),
                None => tuple([String::new(), String::new(), marked.to_owned()]),
            }
        }
        "replace" => {
            let [old, new, count] = arguments.take(["old", "new", "count"], 2)?;
            let count = integer(&count)?.and_then(|count| usize::try_from(count).ok());
            let (old, new) = (clean(&old)?.unwrap_or_default(), text(&new)?.unwrap_or_default());
            replace(state, own, &old, new, count)?.into()
        }
        "startswith" | "endswith" => {
            let [wanted, start, end] = arguments.take(["prefix", "start", "end"], 1)?;
            let range = part(plain, integer(&start)?, integer(&end)?).0;
            let wanted = wanted.unwrap_or_default();
            let options: Vec<String> = match wanted.as_str() {
                Some(one) => vec![Text::read(one).plain.into_owned()],
                None if wanted.is_tuple() => {
                    let texts = wanted.try_iter()?.map(|one| clean(&Some(one)));
                    texts.filter_map(Result::transpose).collect::<Result<_, _>>()?
                }
                None => {
                    return Err(invalid(format!("{name} takes a string or a tuple of strings, not {}", wanted.kind())));
                }
            };
            let fits = |option: &String| match name {
                "startswith" => plain[range.clone()].starts_with(option),
                _ => plain[range.clone()].ends_with(option),
            };
            options.iter().any(fits).into()
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let [wanted, start, end] = arguments.take(["sub", "start", "end"], 1)?;
            let wanted = clean(&wanted)?.unwrap_or_default();
            let (range, first) = part(plain, integer(&start)?, integer(&end)?);
            let here = &plain[range];
            if name == "count" {
                return Ok(Value::from(here.matches(wanted.as_str()).count()));
            }
            let found = if name.starts_with('r') { here.rfind(&wanted) } else { here.find(&wanted) };
            match found {
                Some(at) => (first + here[..at].chars().count() as i64).into(),
                None if name.ends_with("find") => (-1).into(),
                None => return Err(invalid("substring not found")),
            }
        }
        "join" => {
            let [values] = arguments.take(["iterable"], 1)?;
            let mut out = String::new();
            for (at, value) in values.unwrap_or_default().try_iter()?.checked().enumerate() {
                let value = value?;
                let item = value.as_str().ok_or_else(|| {
                    invalid(format!("sequence item {at}: expected str instance, {} found", value.kind()))
                })?;
                if at > 0 {
                    pay(state, marked.len())?;
                    out.push_str(marked);
                }
                pay(state, item.len())?;
                out.push_str(item);
            }
            out.into()
        }
        "center" | "ljust" | "rjust" | "zfill" => {
            let [width, fill] = arguments.take(["width", "fillchar"], 1)?;
            let (width, fill) = (integer(&width)?.unwrap_or(0), clean(&fill)?.unwrap_or_else(|| " ".to_owned()));
            pad(state, marked, plain, name, width, if name == "zfill" { "0" } else { &fill })?.into()
        }
        "expandtabs" => {
            let [size] = arguments.take(["tabsize"], 0)?;
            let size = usize::try_from(integer(&size)?.unwrap_or(8)).unwrap_or(0);
            pay(state, size.saturating_mul(plain.matches('\t').count()))?;
            expand_tabs(plain, size).into()
        }
        "encode" => Value::from_bytes(plain.as_bytes().to_vec()),
        "isspace" => all(is_space).into(),
        "isascii" => plain.is_ascii().into(),
        "isalpha" => all(char::is_alphabetic).into(),
        "isalnum" => all(char::is_alphanumeric).into(),
        "isnumeric" => all(char::is_numeric).into(),
        "isdecimal" => all(|c| c.is_ascii_digit() || (c.is_numeric() && is_digit(c) && !is_raised(c))).into(),
        "isdigit" => all(is_digit).into(),
        "isupper" => (plain.chars().any(char::is_uppercase) && !plain.chars().any(char::is_lowercase)).into(),
        "islower" => (plain.chars().any(char::is_lowercase) && !plain.chars().any(char::is_uppercase)).into(),
        "istitle" => (plain.chars().any(is_cased) && title(plain) == plain).into(),
        "isidentifier" => {
            let mut characters = plain.chars();
            let first = characters.next().is_some_and(|c| c == '_' || c.is_alphabetic());
            (first && characters.all(|c| c == '_' || c.is_alphanumeric())).into()
        }
        _ => return Err(ErrorKind::UnknownMethod.into()),
    })
}

/// A digit to Python: decimal digits of every script, and small ones set high or low.
fn is_digit(c: char) -> bool {
    // Digits come in runs of ten whose first has a place divisible by them in most scripts; fractions, Roman and Han
    // numerals do not.
    c.is_ascii_digit() || is_raised(c) || (c.is_numeric() && !c.is_alphabetic() && !is_fraction(c))
}

fn is_raised(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '\u{2070}'..='\u{2079}' | '\u{2080}'..='\u{2089}' | '①'..='⑨')
}

fn is_fraction(c: char) -> bool {
    matches!(c, '\u{BC}'..='\u{BE}' | '\u{2150}'..='\u{218B}' | '\u{2460}'..='\u{24FF}' | '\u{3000}'..='\u{33FF}')
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

fn casefold(text: &str) -> String {
    text.to_lowercase().replace('ß', "ss")
}

fn swapcase(text: &str) -> String {
    let swap =
        |c: char| if c.is_uppercase() { c.to_lowercase().collect::<String>() } else { c.to_uppercase().collect() };
    text.chars().map(swap).collect()
}

/// The first character in upper case, the others in lower case.
pub(super) fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(title_case).unwrap_or_default();
    first + &characters.as_str().to_lowercase()
}

/// The three Latin letter pairs that have a case of titles; elsewhere it is the upper case.
fn title_case(c: char) -> String {
    match c {
        'Ǆ' | 'ǆ' => "ǅ".to_owned(),
        'Ǉ' | 'ǉ' => "ǈ".to_owned(),
        'Ǌ' | 'ǌ' => "ǋ".to_owned(),
        'Ǳ' | 'ǳ' => "ǲ".to_owned(),
        'ß' => "Ss".to_owned(),
        other => other.to_uppercase().collect(),
    }
}

/// Every run of letters that have a case begins in upper case and goes on in lower case.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match (is_cased(c), inside) {
            (true, false) => out.push_str(&title_case(c)),
            (true, true) => out.extend(c.to_lowercase()),
            (false, _) => out.push(c),
        }
        inside = is_cased(c);
    }
    out
}

/// The parts of `text` between separators (white space where there is none), at most `limit` cuts.
fn split(text: &str, separator: Option<&str>, limit: Option<usize>, from_right: bool) -> Vec<Range<usize>> {
    let limit = limit.unwrap_or(usize::MAX);
    let range = |part: &str| {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        start..start + part.len()
    };
    let mut parts: Vec<Range<usize>> = Vec::new();
    match separator {
        Some(separator) if from_right => {
            parts.extend(text.rsplitn(limit.saturating_add(1), separator).map(range));
            parts.reverse();
        }
        Some(separator) => parts.extend(text.splitn(limit.saturating_add(1), separator).map(range)),
        None => {
            // White space at the ends is dropped, but for the part that is not cut any more.
            let mut rest = text;
            while parts.len() < limit || parts.is_empty() {
                rest = if from_right { rest.trim_end_matches(is_space) } else { rest.trim_start_matches(is_space) };
                if rest.is_empty() || parts.len() == limit {
                    break;
                }
                let cut = if from_right { rest.rfind(is_space) } else { rest.find(is_space) };
                let (part, after) = match cut {
                    None => (rest, ""),
                    Some(at) if from_right => {
                        let after = at + rest[at..].chars().next().map_or(1, char::len_utf8);
                        (&rest[after..], &rest[..at])
                    }
                    Some(at) => rest.split_at(at),
                };
                parts.push(range(part));
                rest = after;
            }
            rest = if from_right { rest.trim_end_matches(is_space) } else { rest.trim_start_matches(is_space) };
            if !rest.is_empty() {
                parts.push(range(rest));
            }
            if from_right {
                parts.reverse();
            }
        }
    }
    parts
}

/// The lines of `text` as Python's `splitlines` finds them: each with the place where its end is over.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, usize)> {
    let ends_line =
        |c: char| matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let line = rest.find(ends_line).unwrap_or(rest.len());
        let after = &rest[line..];
        let end = if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(0, char::len_utf8) };
        at = start + line + end;
        Some((start..start + line, at))
    })
}

/// `own` with `old` replaced: what is put into a stretch belongs to it.
pub(super) fn replace(state: &State, own: &Text, old: &str, new: &str, count: Option<usize>) -> Result<String, Error> {
    let plain: &str = &own.plain;
    let count = count.unwrap_or(usize::MAX);
    let (mut out, mut at) = (String::with_capacity(plain.len()), 0);
    for (start, matched) in plain.match_indices(old).take(count) {
        pay(state, new.len() + 64)?;
        let end = start + matched.len();
        own.push(at..start, &mut out);
        match own.origin(&(start..end)) {
            Some(origin) if !new.is_empty() && !old.is_empty() && !has_marks(new) => {
                out.push_str(&super::tracked::mark(new, origin));
            }
            _ => out.push_str(new),
        }
        at = end;
    }
    own.push(at..plain.len(), &mut out);
    Ok(out)
}

fn pad(state: &State, marked: &str, plain: &str, name: &str, width: i64, fill: &str) -> Result<String, Error> {
    let mut fill_characters = fill.chars();
    let (Some(fill), None) = (fill_characters.next(), fill_characters.next()) else {
        return Err(invalid("the fill character must be exactly one character long"));
    };
    let length = plain.chars().count();
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(length);
    pay(state, missing.saturating_mul(fill.len_utf8()))?;
    let repeat = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(match name {
        "ljust" => format!("{marked}{}", repeat(missing)),
        "rjust" => format!("{}{marked}", repeat(missing)),
        "zfill" => match marked.strip_prefix(['-', '+']) {
            Some(rest) => format!("{}{}{rest}", &marked[..1], repeat(missing)),
            None => format!("{}{marked}", repeat(missing)),
        },
        _ => {
            // Python puts the odd one left where the width is odd.
            let left = missing / 2 + (missing & width as usize & 1);
            format!("{}{marked}{}", repeat(left), repeat(missing - left))
        }
    })
}

fn expand_tabs(text: &str, size: usize) -> String {
    let (mut out, mut column) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let count = size - column % size;
                out.extend(std::iter::repeat_n(' ', count));
                column += count;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            other => {
                out.push(other);
                column += 1;
            }
        }
    }
    out
}

fn of_map(state: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    match name {
        // A copy is as good as the thing itself where nothing can be changed.
        "copy" => Ok(value.clone()),
        "pop" | "update" | "setdefault" | "clear" | "popitem" => Err(unsafe_call(name, "dict")),
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments),
    }
}

fn of_list(value: &Value, name: &str, arguments: Arguments) -> Result<Value, Error> {
    match name {
        "count" | "index" => {
            let [wanted] = arguments.take(["value"], 1)?;
            let wanted = wanted.unwrap_or_default();
            let items = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
            match (name, items.iter().position(|item| *item == wanted)) {
                ("count", _) => Ok(items.iter().filter(|item| **item == wanted).count().into()),
                (_, Some(at)) => Ok(at.into()),
                (_, None) => Err(invalid(format!("{wanted:?} is not in list"))),
            }
        }
        "copy" => Ok(value.clone()),
        "append" | "extend" | "insert" | "pop" | "remove" | "reverse" | "sort" | "clear" => {
            Err(unsafe_call(name, "list"))
        }
        _ => Err(ErrorKind::UnknownMethod.into()),
    }
}

/// Templates are rendered in a sandbox that changes nothing, as in transformers.
fn unsafe_call(name: &str, kind: &str) -> Error {
    invalid(format!("access to attribute '{name}' of '{kind}' object is unsafe"))
}
