//! Plans of corpora: a TOML file with the settings of `onto corpus build`, checked like a recipe.

use std::path::Path;

use anyhow::{Context, Result};
use corpus::build::BuildConfig;
use toml::{Table, Value};

use super::keys;

/// Reads a plan (none: the defaults) and applies `--set key=value` pairs.
pub fn build_plan(path: Option<&Path>, overrides: &[String]) -> Result<BuildConfig> {
    let (label, text) = match path {
        None => ("the defaults".to_owned(), String::new()),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the plan {}\nhint: a plan is a TOML file", path.display()))?;
            (path.display().to_string(), text)
        }
    };
    let schema = schema();
    keys::check_file(&label, &text, &schema)?;
    let mut table: Table = toml::from_str(&text).with_context(|| format!("{label} is not a valid plan"))?;
    toml::from_str::<BuildConfig>(&text).with_context(|| format!("in {label}"))?;
    for pair in overrides {
        keys::apply_override(&mut table, pair, &schema)?;
        let read: Result<BuildConfig, _> = Value::Table(table.clone()).try_into();
        read.map_err(|error| anyhow::anyhow!("--set {pair}: {}", error.message()))?;
    }
    Value::Table(table).try_into().with_context(|| format!("in {label} with --set"))
}

/// Every known key with a value of its type.
fn schema() -> Table {
    let example =
        BuildConfig { own_rules: Some(true), duplicates: Some("default".to_owned()), ..BuildConfig::default() };
    match Value::try_from(example) {
        Ok(Value::Table(table)) => table,
        // The settings are plain values, which TOML can always hold; the test reads them back.
        _ => Table::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_checked_like_recipes() {
        assert_eq!(build_plan(None, &[]).unwrap(), BuildConfig::default());
        let set = |pair: &str| build_plan(None, &[pair.to_owned()]);
        assert_eq!(set("policies=[\"gopher\"]").unwrap().policies, ["gopher"]);
        assert_eq!(set("own_rules=true").unwrap().own_rules, Some(true));
        assert!(set("polices=[]").unwrap_err().to_string().contains("policies"));
        assert!(set("format=xml").unwrap_err().to_string().contains("jsonl"));
        assert!(set("clean.language.allowed=[\"de\"]").is_ok());
    }
}
