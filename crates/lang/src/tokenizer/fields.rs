//! Reading the components of `tokenizer.json`: an object with its place in the file, so that every error can say where,
//! and registries that map the `type` of a component to what reads it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::TokenizerError;

/// The file being read, for error messages.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
}

impl Source {
    pub(crate) fn new(path: &Path) -> Self {
        Source { path: path.to_owned() }
    }

    pub(crate) fn invalid(&self, problem: impl Into<String>) -> TokenizerError {
        TokenizerError::Invalid { path: self.path.clone(), problem: problem.into() }
    }
}

/// One component: a JSON object and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    source: &'a Source,
    place: String,
    object: &'a Map<String, Value>,
}

/// Members of a family of components: the `type` of each and what reads it.
pub(crate) type Kinds<T> = &'static [(&'static str, fn(&Fields) -> Result<Box<T>, TokenizerError>)];

/// Reads the component `value` at `place` by its `type`.
pub(crate) fn read_kind<T: ?Sized>(
    kinds: Kinds<T>,
    source: &Source,
    place: &str,
    value: &Value,
) -> Result<Box<T>, TokenizerError> {
    let fields = Fields::new(source, place, value)?;
    let kind = fields.text("type")?;
    match kinds.iter().find(|(name, _)| *name == kind) {
        Some((_, read)) => read(&fields),
        None => Err(fields.unsupported(kind, kinds.iter().map(|(name, _)| *name))),
    }
}

/// Reads a component that may be absent or `null`.
pub(crate) fn read_optional<T: ?Sized>(
    kinds: Kinds<T>,
    source: &Source,
    place: &str,
    value: &Value,
) -> Result<Option<Box<T>>, TokenizerError> {
    if value.is_null() { Ok(None) } else { read_kind(kinds, source, place, value).map(Some) }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(source: &'a Source, place: &str, value: &'a Value) -> Result<Self, TokenizerError> {
        match value.as_object() {
            Some(object) => Ok(Fields { source, place: place.to_owned(), object }),
            None => Err(source.invalid(format!("{place}: an object is expected"))),
        }
    }

    /// The members of the list `key` by their types.
    pub(crate) fn kinds<T: ?Sized>(&self, kinds: Kinds<T>, key: &str) -> Result<Vec<Box<T>>, TokenizerError> {
        let list = self.list(key)?;
        let place = |at: usize| format!("{}.{key}[{at}]", self.place);
        list.iter().enumerate().map(|(at, value)| read_kind(kinds, self.source, &place(at), value)).collect()
    }

    pub(crate) fn invalid(&self, key: &str, problem: impl std::fmt::Display) -> TokenizerError {
        self.source.invalid(format!("{}.{key}: {problem}", self.place))
    }

    pub(crate) fn unsupported(&self, name: &str, known: impl Iterator<Item = &'static str>) -> TokenizerError {
        TokenizerError::Unsupported {
            path: self.source.path.clone(),
            place: self.place.clone(),
            name: name.to_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        }
    }

    /// The value of `key`, `None` where it is absent or `null`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, TokenizerError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.invalid(key, format!("{expected} is expected"))),
        }
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, TokenizerError> {
        value.ok_or_else(|| self.invalid(key, "it is missing"))
    }

    pub(crate) fn optional_text(&self, key: &str) -> Result<Option<&'a str>, TokenizerError> {
        self.typed(key, "a text", Value::as_str)
    }

    pub(crate) fn text(&self, key: &str) -> Result<&'a str, TokenizerError> {
        self.required(key, self.optional_text(key)?)
    }

    pub(crate) fn optional_flag(&self, key: &str) -> Result<Option<bool>, TokenizerError> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool, TokenizerError> {
        self.required(key, self.optional_flag(key)?)
    }

    pub(crate) fn optional_count(&self, key: &str) -> Result<Option<usize>, TokenizerError> {
        self.typed(key, "a whole number", |value| value.as_u64().and_then(|count| usize::try_from(count).ok()))
    }

    pub(crate) fn count(&self, key: &str) -> Result<usize, TokenizerError> {
        self.required(key, self.optional_count(key)?)
    }

    pub(crate) fn optional_number(&self, key: &str) -> Result<Option<f64>, TokenizerError> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A text of one character.
    pub(crate) fn character(&self, key: &str) -> Result<char, TokenizerError> {
        let text = self.text(key)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(self.invalid(key, format!("{text:?} is not one character"))),
        }
    }

    pub(crate) fn list(&self, key: &str) -> Result<&'a [Value], TokenizerError> {
        let list = self.typed(key, "a list", |value| value.as_array().map(Vec::as_slice))?;
        self.required(key, list)
    }

    pub(crate) fn object(&self, key: &str) -> Result<Fields<'a>, TokenizerError> {
        let value = self.required(key, self.get(key))?;
        Fields::new(self.source, &format!("{}.{key}", self.place), value)
    }

    /// The keys and values of the object, in the order of the file.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.object.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A pair `["token", id]`.
    pub(crate) fn token(&self, key: &str) -> Result<(String, u32), TokenizerError> {
        match self.list(key)? {
            [Value::String(token), id] => match id.as_u64().and_then(|id| u32::try_from(id).ok()) {
                Some(id) => Ok((token.clone(), id)),
                None => Err(self.invalid(key, format!("{id} is no token id"))),
            },
            _ => Err(self.invalid(key, "a token and its id are expected")),
        }
    }

    pub(crate) fn source(&self) -> &'a Source {
        self.source
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }
}
