//! `tokenizer_config.json` and `chat_template.jinja`: what stands beside `tokenizer.json` in a model folder.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::TokenizerError;

/// The parts of `tokenizer_config.json` that concern us; all absent when there is no such file.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderConfig {
    /// The file, where it was read.
    pub(crate) path: PathBuf,
    /// Named tokens (`bos_token`, …) and their texts, in the order of the file.
    pub(crate) named_tokens: Vec<(String, String)>,
    pub(crate) chat_template: Option<String>,
    /// All templates with their names; a single one is named `default`.
    pub(crate) chat_templates: Vec<(String, String)>,
    pub(crate) model_max_length: Option<u64>,
    /// `do_lower_case` of BERT's tokenizers.
    pub(crate) lowercase: Option<bool>,
    /// `added_tokens_decoder`, as entries of `added_tokens` of `tokenizer.json`: for vocabularies that list none.
    pub(crate) added_tokens: Vec<Value>,
    /// The pattern and the special tokens of tiktoken ranks, from `tiktoken.json`.
    pub(crate) tiktoken: Option<Value>,
}

impl FolderConfig {
    /// Read what `dir` has.
    pub(crate) fn load(dir: &Path) -> Result<Self, TokenizerError> {
        FolderConfig::from_files(dir, read_if_present)
    }

    /// Read what `read` gives for the paths of files in `dir`.
    pub(crate) fn from_files(
        dir: &Path,
        read: impl Fn(&Path) -> Result<Option<String>, TokenizerError>,
    ) -> Result<Self, TokenizerError> {
        let path = dir.join("tokenizer_config.json");
        let mut config = FolderConfig { path: path.clone(), ..FolderConfig::default() };
        if let Some(text) = read(&path)? {
            let fields: Map<String, Value> = parse(&path, &text)?;
            config.read(&fields)?;
        }
        // Older folders name the tokens here only.
        let map = dir.join("special_tokens_map.json");
        if let Some(text) = read(&map)? {
            let fields: Map<String, Value> = parse(&map, &text)?;
            config.read_named_tokens(&fields, &map)?;
        }
        let tiktoken = dir.join("tiktoken.json");
        if let Some(text) = read(&tiktoken)? {
            config.tiktoken = Some(parse(&tiktoken, &text)?);
        }
        config.read_template_files(dir)?;
        let default = config.chat_templates.iter().find(|(name, _)| name == "default");
        config.chat_template = default.map(|(_, source)| source.clone());
        Ok(config)
    }

    fn read(&mut self, fields: &Map<String, Value>) -> Result<(), TokenizerError> {
        self.read_named_tokens(fields, &self.path.clone())?;
        self.lowercase = fields.get("do_lower_case").and_then(Value::as_bool);
        for (id, token) in fields.get("added_tokens_decoder").and_then(Value::as_object).into_iter().flatten() {
            let (Ok(id), Some(fields)) = (id.parse::<u32>(), token.as_object()) else {
                return Err(self.invalid(format!("added_tokens_decoder.{id}: an id with an added token is expected")));
            };
            let mut fields = fields.clone();
            fields.insert("id".to_owned(), id.into());
            self.added_tokens.push(Value::Object(fields));
        }
        self.chat_templates = match fields.get("chat_template") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(source)) => vec![("default".to_owned(), source.clone())],
            Some(Value::Array(templates)) => {
                let named = |template: &Value| {
                    Some((template["name"].as_str()?.to_owned(), template["template"].as_str()?.to_owned()))
                };
                let found: Option<Vec<_>> = templates.iter().map(named).collect();
                found
                    .ok_or_else(|| self.invalid("chat_template lists something without name and template".to_owned()))?
            }
            Some(_) => {
                return Err(self.invalid("chat_template is neither a text nor a list of templates".to_owned()));
            }
        };
        // Files of transformers write 10^30 for "no limit".
        self.model_max_length = fields.get("model_max_length").and_then(Value::as_u64);
        Ok(())
    }

    /// The templates that stand in files of their own; the newer place, which wins over the field as in transformers.
    fn read_template_files(&mut self, dir: &Path) -> Result<(), TokenizerError> {
        let mut found = Vec::new();
        if let Some(source) = read_if_present(&dir.join("chat_template.jinja"))? {
            found.push(("default".to_owned(), source));
        }
        let folder = dir.join("additional_chat_templates");
        if let Ok(entries) = std::fs::read_dir(&folder) {
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort();
            for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "jinja")) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                found.push((name, read(path)?));
            }
        }
        if !found.is_empty() {
            self.chat_templates = found;
        }
        Ok(())
    }

    /// Takes the tokens that `fields` of the file `path` name, unless they are known already.
    fn read_named_tokens(&mut self, fields: &Map<String, Value>, path: &Path) -> Result<(), TokenizerError> {
        for (name, value) in fields.iter().filter(|(name, _)| name.ends_with("_token") && !name.starts_with("add_")) {
            let content = value.as_str().or_else(|| value.get("content").and_then(Value::as_str));
            match content {
                Some(_) if self.named(name).is_some() => {}
                Some(content) => self.named_tokens.push((name.clone(), content.to_owned())),
                None if value.is_null() => {}
                None => {
                    let problem = format!("{name} is neither a text nor an added token");
                    return Err(TokenizerError::Invalid { path: path.to_owned(), problem });
                }
            }
        }
        Ok(())
    }

    /// The text of a named token.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        self.named_tokens.iter().find(|(known, _)| known == name).map(|(_, content)| content.as_str())
    }

    pub(crate) fn invalid(&self, problem: String) -> TokenizerError {
        TokenizerError::Invalid { path: self.path.clone(), problem }
    }
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, TokenizerError> {
    std::fs::read_to_string(path).map_err(|source| TokenizerError::Io { path: path.to_owned(), source })
}

fn read_if_present(path: &Path) -> Result<Option<String>, TokenizerError> {
    match read(path) {
        Ok(text) => Ok(Some(text)),
        Err(TokenizerError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// JSON of `path`, errors carrying its name.
pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(path: &Path, text: &'a str) -> Result<T, TokenizerError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        // The position stands in front already.
        let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message).to_owned();
        TokenizerError::Json { path: path.to_owned(), line, column, message }
    })
}
