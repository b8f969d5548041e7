//! Writing a tokenizer in the formats other programs read. What a format cannot hold is an error; and what was written is
//! read back before it is put down, and must encode every token and some texts as the tokenizer itself does.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{gguf, plain, sentencepiece};
use crate::tokenizer::config::FolderConfig;
use crate::tokenizer::pattern::known;
use crate::tokenizer::{Core, Tokenizer, TokenizerError, base64, bytes, save};

/// A format tokenizers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `tokenizer.json` of Hugging Face.
    TokenizerJson,
    /// SentencePiece's `tokenizer.model`.
    SentencePiece,
    /// tiktoken's ranks.
    Tiktoken,
    /// BERT's `vocab.txt`.
    VocabTxt,
    /// GPT-2's `vocab.json` and `merges.txt`.
    Gpt2,
    /// GGUF without weights.
    Gguf,
}

/// The formats by the names they are asked for.
const FORMATS: [(&str, Format); 6] = [
    ("tokenizer.json", Format::TokenizerJson),
    ("sentencepiece", Format::SentencePiece),
    ("tiktoken", Format::Tiktoken),
    ("vocab.txt", Format::VocabTxt),
    ("gpt2", Format::Gpt2),
    ("gguf", Format::Gguf),
];

impl Format {
    /// The names of all formats.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(name, _)| *name)
    }

    /// The name it is asked for by.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What a person should know who reads them with another program.
    pub notes: Vec<String>,
}

/// Files that are to be written, each with its name and content, the vocabulary first; and what should be known of them.
pub(super) struct Files {
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) notes: Vec<String>,
}

impl Files {
    pub(super) fn one(name: &'static str, content: Vec<u8>) -> Files {
        Files { files: vec![(name, content)], notes: Vec::new() }
    }
}

/// Writes `tokenizer` into `dir`, creating it if need be.
pub(in crate::tokenizer) fn save_as(
    tokenizer: &Tokenizer,
    format: Format,
    dir: &Path,
) -> Result<Converted, TokenizerError> {
    let cannot = |problem: String| TokenizerError::CannotHold { format: format.name(), problem };
    let Files { mut files, notes } = match format {
        Format::TokenizerJson => {
            // Checked like the others, written by the one place that does it.
            let text = format!("{:#}", save::file(&tokenizer.core));
            let mut notes = Vec::new();
            match check(tokenizer, &[("tokenizer.json", text.into_bytes())]) {
                // It has no words for all that a SentencePiece model says; what is written is what Hugging Face's
                // converter makes of one.
                Err(problem) if tokenizer.core.sentencepiece.is_some() => {
                    notes.push(format!("tokenizer.json follows a SentencePiece model not everywhere: {problem}"));
                }
                checked => checked.map_err(cannot)?,
            }
            save::save(tokenizer, dir)?;
            let names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];
            return Ok(Converted { files: names.map(|name| dir.join(name)).to_vec(), notes });
        }
        Format::SentencePiece => sentencepiece::write(tokenizer),
        Format::Tiktoken => tiktoken(&tokenizer.core),
        Format::VocabTxt => plain::write_word_piece(&tokenizer.core),
        Format::Gpt2 => plain::write_gpt2(&tokenizer.core),
        Format::Gguf => gguf::write(tokenizer),
    }
    .map_err(cannot)?;
    if format != Format::Gguf {
        let config = beside(tokenizer, format);
        files.push(("tokenizer_config.json", format!("{config:#}\n").into_bytes()));
        let map = Value::Object(save::named_tokens(&tokenizer.core));
        files.push(("special_tokens_map.json", format!("{map:#}\n").into_bytes()));
    }
    check(tokenizer, &files).map_err(cannot)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TokenizerError::Io { path, source }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    let mut written = Vec::with_capacity(files.len());
    for (name, content) in files {
        let path = dir.join(name);
        std::fs::write(&path, content).map_err(failed(&path))?;
        written.push(path);
    }
    Ok(Converted { files: written, notes })
}

/// `tokenizer_config.json` beside a vocabulary that lists no added tokens.
fn beside(tokenizer: &Tokenizer, format: Format) -> Value {
    let mut config = save::config(tokenizer);
    let Some(fields) = config.as_object_mut() else { return config };
    let class = match format {
        Format::VocabTxt => "BertTokenizer",
        Format::Gpt2 => "GPT2Tokenizer",
        _ => return config,
    };
    fields.insert("tokenizer_class".to_owned(), class.into());
    if format == Format::VocabTxt {
        let lowercase = tokenizer.core.components.normalizer["lowercase"].clone();
        fields.insert("do_lower_case".to_owned(), lowercase);
    }
    let added = save::file(&tokenizer.core)["added_tokens"].as_array().cloned().unwrap_or_default();
    let by_id: Map<String, Value> = added
        .into_iter()
        .filter_map(|mut token| {
            let id = token.as_object_mut()?.shift_remove("id")?;
            Some((id.to_string(), token))
        })
        .collect();
    fields.insert("added_tokens_decoder".to_owned(), Value::Object(by_id));
    config
}

/// Reads `files` and compares what they say with the tokenizer itself.
fn check(tokenizer: &Tokenizer, files: &[(&'static str, Vec<u8>)]) -> Result<(), String> {
    let read = read_back(files).map_err(|error| error.to_string())?;
    if read.vocabulary_size() != tokenizer.vocabulary_size() {
        return Err(format!("it comes back with {} ids, not {}", read.vocabulary_size(), tokenizer.vocabulary_size()));
    }
    // A text that has a token inside must go other ways than the token alone.
    // What is special spelt out in a text is text, which the vocabularies of some formats do not tell apart.
    let ordinary = (0..tokenizer.vocabulary_size() as u32).filter(|&id| !tokenizer.is_special(id));
    let texts = ordinary.map(|id| tokenizer.decode(&[id], false));
    let inside = |text: String| [format!("x{text} {text}9"), text];
    for text in texts.flat_map(inside).chain(TEXTS.iter().map(|&text| text.to_owned())) {
        let (wanted, found) = (tokenizer.encode(&text), read.encode(&text));
        if wanted != found && !tokenizer.core.pipeline.model.are_as_good(&wanted, &found) {
            return Err(format!("{text:?} would be encoded as {found:?} instead of {wanted:?}"));
        }
    }
    Ok(())
}

/// Texts in which the ways to cut and to normalize differ.
const TEXTS: [&str; 14] = [
    "The small boat, isn't it? It'LL CROSS the river in 1234 seconds: 3.14 x 100%",
    "  two  spaces   three\ttab \n newline \n\n \r\n end  ",
    "def f(x):\n    return x  # twice\n\n\n    y = [1,2]\n",
    "小船在河上。船过河，三艘！",
    "naïve café Ångström é ÉCOLE ß İ ſ ǅ",
    "Ａｂｃ１２３ ﬁne ½ ² ⅻ",
    "한국어 にほんごｶﾞ हिन्दी ไทย العربية עברית",
    "🙂👩\u{200d}👩\u{200d}👧 🇨🇳 \u{301}",
    "http://example.org/a_b?c=d&e#f (x)[y]{z} <b>\"quoted\"</b> --- ... !!!",
    "▁meta▁space ▁▁ Ġ",
    "\u{a0}\u{3000}\u{2028}\u{85}\u{200b}\u{feff}\u{0}\u{7f}\u{ad}",
    "HTTPServer camelCase snake_case ALLCAPS a1b2c3",
    " leading",
    "trailing ",
];

fn read_back(files: &[(&'static str, Vec<u8>)]) -> Result<Tokenizer, TokenizerError> {
    let content = |wanted: &str| files.iter().find(|(name, _)| *name == wanted).map(|(_, content)| content);
    let config = FolderConfig::from_files(Path::new(""), |path| {
        let name = path.to_str().unwrap_or_default();
        Ok(content(name).map(|content| String::from_utf8_lossy(content).into_owned()))
    })?;
    let text = |name: &str| content(name).map(|content| String::from_utf8_lossy(content)).unwrap_or_default();
    match files {
        [("vocab.json", _), ..] => {
            let (tokens, merges) = (text("vocab.json"), text("merges.txt"));
            plain::read_gpt2((Path::new("vocab.json"), &tokens), (Path::new("merges.txt"), &merges), &config)
        }
        [(name, content), ..] => super::read(Path::new(name), content, &config),
        [] => super::read(Path::new(""), b"", &config),
    }
}

/// The model as `tokenizer.json` has it, but for the long lists where they are not needed.
pub(super) fn described(core: &Core) -> Map<String, Value> {
    core.pipeline.model.to_json(&core.tokens, &core.in_model)
}

/// An error unless `value` is absent or `null`.
pub(super) fn must_be_absent(what: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Ok(()),
        _ => Err(format!("it has no place for the {what} {}", value["type"].as_str().unwrap_or("given"))),
    }
}

/// The expression a byte-level tokenizer cuts by, in the dialect of `tokenizer.json`.
fn expression(pre_tokenizer: &Value) -> Result<String, String> {
    let members = match pre_tokenizer["pretokenizers"].as_array() {
        Some(members) => members.clone(),
        None => vec![pre_tokenizer.clone()],
    };
    match members.as_slice() {
        [last] if last["type"] == "ByteLevel" && last["add_prefix_space"] != true => {
            match last["use_regex"].as_bool().unwrap_or(true) {
                true => Ok(known::GPT2.to_owned()),
                // Nothing is cut.
                false => Ok(r"(?s).+".to_owned()),
            }
        }
        [split, last]
            if split["type"] == "Split"
                && split["behavior"] == "Isolated"
                && split["invert"] != true
                && last["type"] == "ByteLevel"
                && last["add_prefix_space"] != true
                && last["use_regex"] == false =>
        {
            match split["pattern"]["Regex"].as_str() {
                Some(regex) => Ok(regex.to_owned()),
                None => Err("its text is cut at a fixed text, not by an expression".to_owned()),
            }
        }
        _ => Err("its text is not cut by one expression into pieces that are spelt byte by byte".to_owned()),
    }
}

/// Ranks, and beside them what else tiktoken wants to be told.
fn tiktoken(core: &Core) -> Result<Files, String> {
    if !core.pipeline.model.takes_bytes() {
        return Err("its model is no byte-pair encoding of bytes".to_owned());
    }
    must_be_absent("normalizer", &core.components.normalizer)?;
    let pattern = expression(&core.components.pre_tokenizer)?;
    let mut special = Map::new();
    for token in &core.added {
        if !token.special {
            return Err(format!("{:?} is always found in a text, which special tokens are not", token.content));
        }
        special.insert(token.content.clone(), token.id.into());
    }
    let mut lines = String::new();
    for (id, token) in core.tokens.iter().enumerate() {
        if special.contains_key(token) {
            continue;
        }
        let content: Option<Vec<u8>> = token.chars().map(bytes::unspell).collect();
        let Some(content) = content else {
            return Err(format!("the token {id}, {token:?}, stands for no bytes"));
        };
        lines.push_str(&format!("{} {id}\n", base64::encode(&content)));
    }
    let settings = json!({"pat_str": pattern, "special_tokens": special});
    Ok(Files {
        files: vec![
            ("tokenizer.tiktoken", lines.into_bytes()),
            ("tiktoken.json", format!("{settings:#}\n").into_bytes()),
        ],
        notes: vec![
            "ranks do not say how text is cut nor which tokens are special: tiktoken.json beside them has both, as \
             tiktoken.Encoding wants them"
                .to_owned(),
        ],
    })
}
