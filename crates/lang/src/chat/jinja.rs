//! Jinja as `transformers` sets it up: white space, Python's methods, `raise_exception` and `tojson`; with a bound on
//! what a template may spend.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value};

use super::ChatError;

/// What one rendering may spend: an instruction or 64 bytes of text cost one unit, so an endless template ends within a
/// second and 128 MiB.
const FUEL: u64 = 2_000_000;

/// An environment whose one template is `source`, under the name `chat template`.
pub(super) fn environment(source: &str) -> Result<Environment<'static>, ChatError> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(template_error)?;
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_filter("tojson", to_json);
    environment.add_template_owned("chat template", without_generation(source)).map_err(template_error)?;
    Ok(environment)
}

pub(super) fn template_error(error: Error) -> ChatError {
    let line = error.line().unwrap_or(0);
    match error.kind() {
        ErrorKind::OutOfFuel => ChatError::OutOfFuel { line },
        kind => ChatError::Template { line, message: error.detail().map_or_else(|| kind.to_string(), str::to_owned) },
    }
}

/// `source` with the tags `generation` and `endgeneration`, by which templates of transformers mark what is learnt,
/// made into a condition that always holds: the mask here follows the messages instead.
fn without_generation(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start..].find("%}") else { break };
        let tag = &rest[start..start + length];
        let name = tag[2..].trim_matches(['-', '+']).trim();
        out.push_str(&rest[..start]);
        match name {
            "generation" => out.push_str(&tag.replacen(name, "if true", 1)),
            "endgeneration" => out.push_str(&tag.replacen(name, "endif", 1)),
            _ => out.push_str(tag),
        }
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    out
}

/// `tojson` as transformers defines it: Python's `json.dumps` with `ensure_ascii=False`, nothing escaped for HTML.
fn to_json(value: Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let tree =
        serde_json::to_value(&value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let mut out = String::new();
    write_json(&tree, indent.map(|width| width.min(16)), 0, &mut out);
    Ok(out)
}

/// JSON with Python's separators: `", "` and `": "`, or lines indented by `indent`.
fn write_json(value: &serde_json::Value, indent: Option<usize>, depth: usize, out: &mut String) {
    let new_line = |depth: usize, out: &mut String| {
        if let Some(width) = indent {
            out.push('\n');
            out.push_str(&" ".repeat(width * depth));
        }
    };
    let begin = |at: usize, out: &mut String| {
        if at > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        new_line(depth + 1, out);
    };
    match value {
        serde_json::Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                begin(at, out);
                write_json(item, indent, depth + 1, out);
            }
            new_line(depth, out);
            out.push(']');
        }
        serde_json::Value::Object(fields) if !fields.is_empty() => {
            out.push('{');
            for (at, (key, item)) in fields.iter().enumerate() {
                begin(at, out);
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write_json(item, indent, depth + 1, out);
            }
            new_line(depth, out);
            out.push('}');
        }
        // Empty containers and scalars are written alike by both.
        other => out.push_str(&other.to_string()),
    }
}
