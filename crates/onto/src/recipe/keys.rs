//! Which keys a recipe may have: the resolved default recipe is the schema, so a key that exists there is known and
//! nothing has to be listed twice.

use anyhow::{Context, Result, anyhow, bail};
use toml::{Table, Value};

use super::Recipe;

/// The default recipe as a table: every known key with a value of its type.
pub fn schema() -> Table {
    match Value::try_from(Recipe::schema_example()) {
        Ok(Value::Table(table)) => table,
        // Recipe is a struct of plain values, which TOML can always hold; the tests parse it back.
        _ => Table::new(),
    }
}

/// Refuses the first key of `text` that the schema lacks, with its line and the nearest known key.
pub fn check_file(label: &str, text: &str, schema: &Table) -> Result<()> {
    let parsed = toml::de::DeTable::parse(text).map_err(|error| anyhow!("{label} is not valid TOML\n{error}"))?;
    check_table(label, text, "", parsed.get_ref(), schema)
}

fn check_table(label: &str, text: &str, prefix: &str, table: &toml::de::DeTable<'_>, schema: &Table) -> Result<()> {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let line = text[..key.span().start.min(text.len())].matches('\n').count() + 1;
        match schema.get(name) {
            None => bail!("{}", unknown(&format!("{label}:{line}: "), prefix, name, schema)),
            Some(Value::Table(known)) => match value.get_ref() {
                toml::de::DeValue::Table(inner) => {
                    check_table(label, text, &format!("{prefix}{name}."), inner, known)?;
                }
                _ => bail!("{label}:{line}: `{prefix}{name}` is a table of keys, written [{prefix}{name}]"),
            },
            Some(example) => {
                let found = value.get_ref();
                if !fits(example, found) {
                    bail!(
                        "{label}:{line}: `{prefix}{name}` is {}, not {}",
                        with_article(example.type_str()),
                        with_article(found.type_str())
                    );
                }
                if found.as_integer().is_some_and(|number| number.as_str().starts_with('-')) && example.is_integer() {
                    bail!("{label}:{line}: `{prefix}{name}` is negative: expected 0 or more");
                }
            }
        }
    }
    Ok(())
}

/// Whether a value has the type of the key's example; whole numbers pass for numbers.
fn fits(example: &Value, found: &toml::de::DeValue<'_>) -> bool {
    example.type_str() == found.type_str() || (example.is_float() && found.is_integer())
}

fn with_article(kind: &str) -> String {
    format!("{} {kind}", if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

fn unknown(place: &str, prefix: &str, name: &str, schema: &Table) -> String {
    let nearest = schema
        .keys()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let hint = match nearest {
        Some((likeness, known)) if likeness > 0.7 => format!("did you mean `{prefix}{known}`?"),
        _ => {
            let known: Vec<&str> = schema.keys().map(String::as_str).collect();
            format!("known keys here: {}", known.join(", "))
        }
    };
    format!("{place}unknown key `{prefix}{name}`\nhint: {hint}")
}

/// Applies one `--set key=value`; the value is read as the type that the key has.
pub fn apply_override(table: &mut Table, pair: &str, schema: &Table) -> Result<()> {
    let (path, raw) = pair
        .split_once('=')
        .ok_or_else(|| anyhow!("--set {pair}: expected key=value\nhint: for example --set pretrain.steps=200"))?;
    let path = path.trim();
    let parts: Vec<&str> = path.split('.').collect();
    let Some((last, folders)) = parts.split_last() else { bail!("--set {pair}: the key is empty") };
    if parts.contains(&"") {
        bail!("--set {pair}: the key has an empty part\nhint: for example --set pretrain.steps=200");
    }
    let mut known = schema;
    let mut target = table;
    let mut prefix = String::new();
    for part in folders {
        known = match known.get(*part) {
            Some(Value::Table(inner)) => inner,
            _ => bail!("{}", unknown(&format!("--set {path}: "), &prefix, part, known)),
        };
        prefix.push_str(part);
        prefix.push('.');
        target = target
            .entry((*part).to_owned())
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .with_context(|| format!("--set {path}: `{part}` is not a table in the recipe"))?;
    }
    let Some(example) = known.get(*last) else {
        bail!("{}", unknown(&format!("--set {path}: "), &prefix, last, known));
    };
    let raw = raw.trim();
    let value = match example {
        Value::String(_) => Value::String(raw.trim_matches('"').to_owned()),
        // Every whole number of a recipe is a count, a length or a seed.
        Value::Integer(_) => {
            let number = raw.replace('_', "").parse::<i64>().ok().filter(|&number| number >= 0);
            Value::Integer(number.ok_or_else(|| wrong(path, raw, "an integer, 0 or more"))?)
        }
        Value::Float(_) => Value::Float(raw.parse().map_err(|_| wrong(path, raw, "a number"))?),
        Value::Boolean(_) => Value::Boolean(raw.parse().map_err(|_| wrong(path, raw, "true or false"))?),
        Value::Table(_) => bail!("--set {path}: this is a table of keys; set one of its keys"),
        _ => {
            let parsed: Table = toml::from_str(&format!("value = {raw}"))
                .map_err(|_| wrong(path, raw, "a TOML value such as [\"en\"]"))?;
            parsed.get("value").cloned().ok_or_else(|| wrong(path, raw, "a TOML value"))?
        }
    };
    target.insert((*last).to_owned(), value);
    Ok(())
}

/// Whether the recipe that one override gave can be read at all; names the override when not.
pub fn check_override(table: &Table, pair: &str) -> Result<()> {
    let read: Result<Recipe, _> = Value::Table(table.clone()).try_into();
    read.map(drop).map_err(|error| anyhow!("--set {pair}: {}", error.message()))
}

fn wrong(path: &str, raw: &str, expected: &str) -> anyhow::Error {
    anyhow!("--set {path}={raw}: expected {expected}")
}

/// The decoder names its shape as Hugging Face does; a person has the recipe's keys before them.
pub fn in_keys_of_the_recipe(message: &str) -> String {
    let keys = [
        ("n_kv_heads", "model.kv_heads"),
        ("n_heads", "model.heads"),
        ("n_experts", "model.experts"),
        ("n_chosen", "model.experts_per_token"),
        ("balance_loss", "model.balance_loss"),
        ("embedding_size", "model.embedding_size"),
        ("tie_word_embeddings", "model.tie_embeddings"),
        ("n_layers", "model.layers"),
        ("hidden_size", "model.hidden_size"),
        ("intermediate_size", "model.intermediate_size"),
        ("max_position_embeddings", "model.context"),
        ("vocab_size", "tokenizer.vocab_size"),
        ("init_std", "model.init_std"),
        ("theta", "model.rope_theta"),
    ];
    message
        .split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .map(|piece| {
            let word = piece.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let known = keys.iter().find(|key| key.0 == word);
            known.map_or_else(|| piece.to_owned(), |key| format!("{}{}", key.1, &piece[word.len()..]))
        })
        .collect()
}
