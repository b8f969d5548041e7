//! `tojson` as transformers defines it: Python's `json.dumps` with `ensure_ascii`, `indent`, `separators` and `sort_keys`,
//! nothing escaped for HTML.

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State, Value};

use super::arguments::{Arguments, integer, invalid, text};
use super::number;
use super::tracked::Text;

/// Values nested deeper are refused, as Python's own limit would.
const DEEPEST: usize = 200;

struct Style {
    ensure_ascii: bool,
    indent: Option<String>,
    item: String,
    key: String,
    sort_keys: bool,
}

/// The filter.
pub(super) fn to_json(state: &State, value: Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    let [ensure_ascii, indent, separators, sort_keys] =
        Arguments::new("tojson", &arguments.into_values())?.take(names, 0)?;
    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_true);
    let indent = match &indent {
        Some(value) if value.as_str().is_some() => text(&indent)?.map(str::to_owned),
        _ => integer(&indent)?.map(|width| " ".repeat(usize::try_from(width).unwrap_or(0).min(64))),
    };
    let (mut item, mut key) = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    if let Some(pair) = separators.filter(|pair| !pair.is_none()) {
        let parts: Vec<Value> = pair.try_iter()?.collect();
        match &parts[..] {
            [first, second] if first.as_str().is_some() && second.as_str().is_some() => {
                (item, key) = (first.to_string(), second.to_string());
            }
            _ => return Err(invalid("separators must be two strings")),
        }
    }
    let style = Style { ensure_ascii: is_set(&ensure_ascii), indent, item, key, sort_keys: is_set(&sort_keys) };
    let mut out = String::new();
    write(state, &value, &style, 0, &mut out)?;
    Ok(out.into())
}

fn write(state: &State, value: &Value, style: &Style, depth: usize, out: &mut String) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(invalid("maximum recursion depth exceeded while encoding JSON"));
    }
    state.consume_fuel(1)?;
    match value.kind() {
        ValueKind::Undefined => return Err(serialize("Object of type Undefined is not JSON serializable")),
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => match number::text(value).as_str() {
            "nan" => out.push_str("NaN"),
            "inf" => out.push_str("Infinity"),
            "-inf" => out.push_str("-Infinity"),
            number => out.push_str(number),
        },
        ValueKind::String => {
            let marked = value.as_str().unwrap_or_default();
            state.consume_fuel(marked.len() as u64 / 64)?;
            out.push('"');
            out.push_str(&Text::read(marked).map_parts(|part| escaped(part, style.ensure_ascii)));
            out.push('"');
        }
        ValueKind::Seq => {
            let items = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
            container(state, '[', ']', items, style, depth, out, |item, out| {
                write(state, item, style, depth + 1, out)
            })?;
        }
        ValueKind::Map => {
            let mut pairs = Vec::new();
            for key in value.try_iter()?.checked() {
                let key = key?;
                let item = value.get_item(&key)?;
                pairs.push((key_text(&key)?, item));
            }
            if style.sort_keys {
                pairs.sort_by(|left, right| left.0.cmp(&right.0));
            }
            container(state, '{', '}', pairs, style, depth, out, |(key, item), out| {
                out.push('"');
                out.push_str(&escaped(key, style.ensure_ascii));
                out.push('"');
                out.push_str(&style.key);
                write(state, item, style, depth + 1, out)
            })?;
        }
        other => return Err(serialize(&format!("Object of type {other} is not JSON serializable"))),
    }
    Ok(())
}

fn serialize(problem: &str) -> Error {
    Error::new(ErrorKind::BadSerialization, problem.to_owned())
}

fn container<T>(
    state: &State,
    open: char,
    close: char,
    items: Vec<T>,
    style: &Style,
    depth: usize,
    out: &mut String,
    mut each: impl FnMut(&T, &mut String) -> Result<(), Error>,
) -> Result<(), Error> {
    let new_line = |depth: usize, out: &mut String| -> Result<(), Error> {
        if let Some(indent) = &style.indent {
            state.consume_fuel((indent.len() * depth) as u64 / 64)?;
            out.push('\n');
            out.extend(std::iter::repeat_n(indent.as_str(), depth));
        }
        Ok(())
    };
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(&style.item);
        }
        new_line(depth + 1, out)?;
        each(item, out)?;
    }
    if !items.is_empty() {
        new_line(depth, out)?;
    }
    out.push(close);
    Ok(())
}

/// A key as Python writes it: numbers, truth values and `None` become texts.
fn key_text(key: &Value) -> Result<String, Error> {
    Ok(match key.kind() {
        ValueKind::String => Text::read(key.as_str().unwrap_or_default()).plain.into_owned(),
        ValueKind::Bool => key.is_true().to_string(),
        ValueKind::None => "null".to_owned(),
        ValueKind::Number => number::text(key),
        other => return Err(serialize(&format!("keys must be str, int, float, bool or None, not {other}"))),
    })
}

/// The inside of a JSON string as `json.dumps` writes it.
fn escaped(text: &str, ensure_ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", c as u32)),
            // DEL counts as one that is not printed.
            c if !ensure_ascii || (c.is_ascii() && c != '\x7f') => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}
