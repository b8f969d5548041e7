//! Recipes: a TOML file names the stages of one life. Unknown keys, wrong types and values out of range are refused
//! before any work starts, with the line, the nearest known key and the allowed range.

mod keys;
mod noise;
mod plan;
mod sections;

use std::path::Path;

use anyhow::{Context, Result, bail};

pub use noise::NoiseSection;
pub use plan::build_plan;
pub use sections::Recipe;

/// The recipe that `onto run` uses when none is named; the same file that stands in `recipes/`.
pub const QUICKSTART: &str = include_str!("../../../../recipes/quickstart.toml");

impl Recipe {
    /// Reads a recipe file (or the embedded quickstart), applies `--set key=value` pairs and checks every value.
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Recipe> {
        let (name, text) = match path {
            None => ("quickstart".to_owned(), QUICKSTART.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!(
                        "cannot read the recipe {}\nhint: recipes are TOML files; `onto run` without a name uses the \
                         embedded quickstart",
                        path.display()
                    )
                })?;
                let stem = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned());
                (stem, text)
            }
        };
        let label = path.map_or_else(|| "the embedded quickstart".to_owned(), |path| path.display().to_string());
        Recipe::parse(&label, &name, &text, overrides)
    }

    /// Parses recipe text. `label` names the file in messages, `name` is the default name of the run.
    pub fn parse(label: &str, name: &str, text: &str, overrides: &[String]) -> Result<Recipe> {
        let schema = keys::schema();
        keys::check_file(label, text, &schema)?;
        let mut table: toml::Table = toml::from_str(text).with_context(|| format!("{label} is not a valid recipe"))?;
        // Faults of the file are told with their lines, before an override can be blamed.
        let from_text: Recipe = toml::from_str(text).with_context(|| format!("in {label}"))?;
        for pair in overrides {
            keys::apply_override(&mut table, pair, &schema)?;
            keys::check_override(&table, pair)?;
        }
        table.entry("name").or_insert_with(|| toml::Value::String(name.to_owned()));
        let recipe: Recipe = if overrides.is_empty() {
            let mut recipe = from_text;
            if recipe.name.is_empty() {
                recipe.name = name.to_owned();
            }
            recipe
        } else {
            toml::Value::Table(table).try_into().with_context(|| format!("in {label} with --set"))?
        };
        let problems = recipe.problems();
        if !problems.is_empty() {
            bail!("{label} asks for something that cannot work:\n  {}", problems.join("\n  "));
        }
        Ok(recipe)
    }

    /// The recipe with every default written out.
    pub fn resolved(&self) -> Result<String> {
        toml::to_string(self).context("the recipe cannot be written as TOML")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails_with(text: &str, overrides: &[&str], expected: &[&str]) {
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        let error = Recipe::parse("r.toml", "r", text, &overrides).expect_err("must be refused");
        let message = format!("{error:#}");
        for part in expected {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }

    #[test]
    fn the_embedded_recipe_is_valid_and_resolves_to_itself() {
        let recipe = Recipe::load(None, &[]).unwrap();
        let again = Recipe::parse("resolved", "x", &recipe.resolved().unwrap(), &[]).unwrap();
        assert_eq!(recipe.resolved().unwrap(), again.resolved().unwrap());
        assert_eq!(recipe.name, "quickstart");
    }

    #[test]
    fn every_shipped_recipe_is_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                Recipe::load(Some(&path), &[]).unwrap();
                seen += 1;
            }
        }
        assert!(seen >= 3);
    }

    #[test]
    fn bad_recipes_name_line_and_key() {
        fails_with("[pretrain]\nlerning_rate = 1.0\n", &[], &["r.toml:2", "pretrain.lerning_rate", "learning_rate"]);
        fails_with("[pretrian]\nsteps = 1\n", &[], &["r.toml:1", "pretrian", "pretrain"]);
        fails_with("[pretrain]\nsteps = \"many\"\n", &[], &["steps", "string"]);
        fails_with("[pretrain]\nlearning_rate = -1.0\n", &[], &["pretrain.learning_rate"]);
        fails_with("seed = 1\nseed = 2\n", &[], &["r.toml", "duplicate key"]);
        fails_with("[pretrain\n", &[], &["r.toml"]);
        fails_with("", &["pretrain.step=3"], &["pretrain.step", "pretrain.steps"]);
        fails_with("", &["pretrain.steps=x"], &["pretrain.steps", "integer"]);
        fails_with("", &["pretrain.steps"], &["key=value"]);
        fails_with("", &["=3"], &["--set =3", "empty"]);
        fails_with("", &["pretrain.steps=-1"], &["pretrain.steps=-1", "0 or more"]);
        fails_with("[pretrain]\nsteps = -1\n", &[], &["r.toml:2", "pretrain.steps", "0 or more"]);
        fails_with("", &["pretrain.dtype=f64"], &["pretrain.dtype=f64", "bf16"]);
        fails_with("", &["clean.near_duplicates.bands=0"], &["clean.near_duplicates.bands is 0"]);
        fails_with("", &["clean.statistics.max_run_share=nan"], &["clean.statistics.max_run_share is NaN"]);
        fails_with("", &["corpus.documents=1000000000000"], &["corpus.documents", "at most"]);
        fails_with("", &["pretrain.gradient_accumulation=1000000000000"], &["pretrain.gradient_accumulation"]);
        fails_with("", &["model.heads=0"], &["model.heads"]);
        fails_with("", &["model.layers=100000"], &["model.layers", "4096"]);
    }

    #[test]
    fn overrides_reach_every_kind_of_value() {
        let recipe = Recipe::parse(
            "r.toml",
            "r",
            "",
            &["pretrain.steps=3".into(), "corpus.path=../shared/x".into(), "pretrain.learning_rate=1e-3".into()],
        )
        .unwrap();
        assert_eq!(recipe.pretrain.train.steps, 3);
        assert_eq!(recipe.corpus.path, "../shared/x");
    }
}
