//! Filters and tests of Jinja where minijinja's own are others or know no marks (`tracked`).

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value};

use super::arguments::{Arguments, integer, invalid, text};
use super::json::to_json;
use super::tracked::Text;
use super::{number, python};

/// Puts them into `environment`.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("tojson", to_json);
    environment.add_filter("trim", trim);
    environment.add_filter("upper", |value: Value| soft(&value, |text| text.map_parts(str::to_uppercase)));
    environment.add_filter("lower", |value: Value| soft(&value, |text| text.map_parts(str::to_lowercase)));
    environment.add_filter("capitalize", |value: Value| soft(&value, |text| text.map(python::capitalize)));
    environment.add_filter("title", |value: Value| soft(&value, |text| text.map(title)));
    environment.add_filter("replace", replace);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter("indent", indent);
    environment.add_filter("center", center);
    environment.add_filter("wordcount", |value: Value| {
        let text = value.to_string();
        let words = Text::read(&text);
        words.plain.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count()
    });
    environment.add_filter("truncate", truncate);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("escape", escape);
    environment.add_filter("e", escape);
    environment.add_filter("urlencode", url_encode);
    environment.add_filter("string", |value: Value| match value.as_str() {
        Some(_) => value,
        None => number::text(&value).into(),
    });
    environment.add_filter("striptags", minijinja_contrib::filters::striptags);
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
    environment.add_test("sequence", |value: Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Bytes)
    });
    environment.add_test("iterable", |value: Value| value.try_iter().is_ok() && !value.is_none());
    environment.add_test("callable", |value: Value| value.kind() == ValueKind::Plain && value.as_object().is_some());
}

/// What `change` makes of the text of `value`.
fn soft(value: &Value, change: impl Fn(&Text) -> String) -> String {
    match value.as_str() {
        Some(text) => change(&Text::read(text)),
        None => change(&Text::read(&value.to_string())),
    }
}

fn trim(value: Value, arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [chars] = Arguments::new("trim", &arguments.into_values())?.take(["chars"], 0)?;
    let chars = text(&chars)?;
    Ok(soft(&value, |text| text.slice(python::strip(&text.plain, chars, true, true))))
}

/// Jinja's own: words end at white space, hyphens and opening brackets, not at apostrophes as Python's method has it.
fn title(text: &str) -> String {
    let ends = |c: char| python::is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
    text.split_inclusive(ends).map(python::capitalize).collect()
}

fn replace(state: &State, value: Value, arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [old, new, count] = Arguments::new("replace", &arguments.into_values())?.take(["old", "new", "count"], 2)?;
    let count = integer(&count)?.and_then(|count| usize::try_from(count).ok());
    let plain = |value: Option<Value>| value.map(|value| value.to_string()).unwrap_or_default();
    let (old, new, own) = (plain(old), plain(new), value.to_string());
    python::replace(state, &Text::read(&own), &Text::read(&old).plain, &new, count)
}

fn length(value: Value) -> Result<usize, Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => Ok(Text::read(text).plain.chars().count()),
        _ if value.kind() == ValueKind::Bytes => Ok(value.as_bytes().map_or(0, <[u8]>::len)),
        _ if value.is_undefined() => Ok(0),
        _ => value.len().ok_or_else(|| invalid(format!("object of type {} has no len()", value.kind()))),
    }
}

fn indent(state: &State, value: Value, arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [width, first, blank] =
        Arguments::new("indent", &arguments.into_values())?.take(["width", "first", "blank"], 0)?;
    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_true);
    let by = match text(&width) {
        Ok(Some(text)) => text.to_owned(),
        _ => {
            let width = usize::try_from(integer(&width)?.unwrap_or(4)).unwrap_or(0);
            state.consume_fuel(width as u64 / 64)?;
            " ".repeat(width)
        }
    };
    let marked = value.to_string();
    let own = Text::read(&marked);
    // A last line that ends in a newline is followed by an empty one.
    let mut ranges: Vec<_> = python::lines(&own.plain).map(|(line, _)| line).collect();
    if own.plain.is_empty() || own.plain.ends_with(python_line_end) {
        ranges.push(own.plain.len()..own.plain.len());
    }
    let mut out = String::with_capacity(own.plain.len());
    for (at, line) in ranges.into_iter().enumerate() {
        state.consume_fuel(1 + by.len() as u64 / 64)?;
        if at > 0 {
            out.push('\n');
        }
        let wanted = if at == 0 { is_set(&first) } else { is_set(&blank) || !line.is_empty() };
        if wanted {
            out.push_str(&by);
        }
        own.push(line, &mut out);
    }
    Ok(out)
}

fn python_line_end(c: char) -> bool {
    python::lines(c.encode_utf8(&mut [0; 4])).any(|(line, end)| line.end < end)
}

fn center(state: &mut State, value: Value, width: Option<i64>) -> Result<Value, Error> {
    python::method(state, &Value::from(value.to_string()), "center", &[Value::from(width.unwrap_or(80))])
}

fn default(value: Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [default, boolean] =
        Arguments::new("default", &arguments.into_values())?.take(["default_value", "boolean"], 0)?;
    let is_missing = value.is_undefined() || (boolean.is_some_and(|boolean| boolean.is_true()) && !value.is_true());
    Ok(if is_missing { default.unwrap_or_else(|| Value::from("")) } else { value })
}

/// The whole number that a value is or spells, else a default.
fn int(value: Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [default, base] = Arguments::new("int", &arguments.into_values())?.take(["default", "base"], 0)?;
    let base = integer(&base)?.and_then(|base| u32::try_from(base).ok()).unwrap_or(10);
    let float = |number: f64| (number.is_finite() && number.abs() < 9e18).then_some(number as i64);
    let found = match value.as_str() {
        Some(text) => number::integer(text, base).or_else(|| float(text.trim().parse().ok()?)),
        None if value.kind() == ValueKind::Bool => Some(i64::from(value.is_true())),
        None => match number::as_float(&value) {
            Some(number) => float(number),
            None => value.as_i64(),
        },
    };
    Ok(found.map_or_else(|| default.unwrap_or_else(|| Value::from(0)), Value::from))
}

/// The number that a value is or spells, else a default.
fn float(value: Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [default] = Arguments::new("float", &arguments.into_values())?.take(["default"], 0)?;
    let found = match value.as_str() {
        Some(text) => text.trim().replace('_', "").parse::<f64>().ok(),
        None if value.kind() == ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        None => f64::try_from(value).ok(),
    };
    Ok(found.map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from))
}

/// Characters that mean something in HTML, as markupsafe writes them.
fn escape(value: Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A text as it may stand in the path of an address.
fn url_encode(value: Value) -> String {
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for &byte in Text::read(&text).plain.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The first `length` characters, with `end` in place of what is cut; a text only `leeway` longer stays whole.
fn truncate(value: Value, arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let names = ["length", "killwords", "end", "leeway"];
    let [length, kill_words, end, leeway] = Arguments::new("truncate", &arguments.into_values())?.take(names, 0)?;
    let size = |value: &Option<Value>, default: i64| -> Result<usize, Error> {
        Ok(usize::try_from(integer(value)?.unwrap_or(default)).unwrap_or(0))
    };
    let (length, leeway) = (size(&length, 255)?, size(&leeway, 5)?);
    let end = text(&end)?.unwrap_or("...");
    let marked = value.to_string();
    let own = Text::read(&marked);
    if own.plain.chars().count() <= length + leeway {
        return Ok(marked);
    }
    let keep =
        length.checked_sub(end.chars().count()).ok_or_else(|| invalid("truncate: the end is longer than the text"))?;
    let cut = own.plain.char_indices().nth(keep).map_or(own.plain.len(), |(at, _)| at);
    let cut = match kill_words.is_some_and(|kill| kill.is_true()) {
        true => cut,
        // Up to the last space, if there is one.
        false => own.plain[..cut].rfind(' ').unwrap_or(cut),
    };
    Ok(own.slice(0..cut) + end)
}
