//! tiktoken ranks: a line for every token, its bytes in base64 and its rank, which is its id.
//!
//! The file says neither how text is cut nor which special tokens there are. Both are known of the published files, told
//! apart by how many ranks they have; for others they stand beside the file in `tiktoken.json`, an object with the
//! arguments `pat_str` and `special_tokens` of `tiktoken.Encoding`.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::tokenizer::added::AddedToken;
use crate::tokenizer::assemble::{Parts, assemble, check_vocabulary};
use crate::tokenizer::config::FolderConfig;
use crate::tokenizer::fields::Source;
use crate::tokenizer::merge::{Merge, PairTable, QuickMap, pair_key};
use crate::tokenizer::model::bpe::{Bpe, Settings};
use crate::tokenizer::pattern::known;
use crate::tokenizer::roles::Roles;
use crate::tokenizer::{Components, Tokenizer, TokenizerError, base64, bytes};

/// A published vocabulary.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) ranks: usize,
    pub(super) pattern: &'static str,
    pub(super) special: &'static [(&'static str, u32)],
}

pub(super) const KNOWN: [Known; 6] = [
    Known { name: "r50k_base", ranks: 50_256, pattern: known::GPT2, special: &[("<|endoftext|>", 50_256)] },
    Known { name: "p50k_base", ranks: 50_280, pattern: known::GPT2, special: &[("<|endoftext|>", 50_256)] },
    Known {
        name: "cl100k_base",
        ranks: 100_256,
        pattern: known::CL100K,
        special: &[
            ("<|endoftext|>", 100_257),
            ("<|fim_prefix|>", 100_258),
            ("<|fim_middle|>", 100_259),
            ("<|fim_suffix|>", 100_260),
            ("<|endofprompt|>", 100_276),
        ],
    },
    Known {
        name: "o200k_base",
        ranks: 199_998,
        pattern: known::O200K,
        special: &[("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)],
    },
    Known {
        name: "LLaMA 3",
        ranks: 128_000,
        pattern: known::DIGIT_TRIPLES,
        special: &[
            ("<|begin_of_text|>", 128_000),
            ("<|end_of_text|>", 128_001),
            ("<|start_header_id|>", 128_006),
            ("<|end_header_id|>", 128_007),
            ("<|eot_id|>", 128_009),
        ],
    },
    Known {
        name: "Qwen",
        ranks: 151_643,
        pattern: known::SINGLE_DIGITS,
        special: &[("<|endoftext|>", 151_643), ("<|im_start|>", 151_644), ("<|im_end|>", 151_645)],
    },
];

/// tiktoken's expression of GPT-2, which cuts as GPT-2's own does.
const GPT2: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";

/// Whether the text begins as such a file does.
pub(super) fn is_ranks(text: &str) -> bool {
    let first = text.lines().next().and_then(|line| line.split_once(' '));
    first.is_some_and(|(token, rank)| base64::decode(token).is_some() && rank.trim_end().parse::<u32>().is_ok())
}

/// Reads the ranks in `text`, the content of `file`; what stands beside it is in `config`, `known` are the
/// vocabularies it may be.
pub(super) fn load(
    file: &Path,
    text: &str,
    config: &FolderConfig,
    known: &[Known],
) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let mut contents: HashMap<Vec<u8>, u32> = HashMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
        let entry = line.split_once(' ').and_then(|(token, rank)| {
            Some((base64::decode(token).filter(|token| !token.is_empty())?, rank.trim_end().parse().ok()?))
        });
        let Some((token, rank)) = entry else {
            return Err(source.invalid(format!("line {number}: a token in base64 and its rank are expected")));
        };
        if let Some(first) = contents.insert(token, rank) {
            return Err(source.invalid(format!("line {number}: the token has the rank {first} already")));
        }
    }
    let (pattern, special) = match &config.tiktoken {
        Some(settings) => described(settings, config)?,
        None => published(&source, known, contents.len())?,
    };
    build(&source, contents, &pattern, special, config)
}

/// What stands beside the ranks.
fn described(settings: &Value, config: &FolderConfig) -> Result<(String, Vec<AddedToken>), TokenizerError> {
    let source = Source::new(&config.path.with_file_name("tiktoken.json"));
    let Some(pattern) = settings["pat_str"].as_str() else {
        return Err(source.invalid("pat_str: a text is expected"));
    };
    let mut special = Vec::new();
    for (content, id) in settings["special_tokens"].as_object().into_iter().flatten() {
        match id.as_u64().and_then(|id| u32::try_from(id).ok()) {
            Some(id) if !content.is_empty() => special.push(AddedToken::special(id, content)),
            _ => return Err(source.invalid(format!("special_tokens.{content}: a text with its id is expected"))),
        }
    }
    // In this dialect a count is never given back; in the other the sign is a repetition. No published expression differs.
    let pattern = if pattern == GPT2 { known::GPT2.to_owned() } else { pattern.replace("{1,3}+", "{1,3}") };
    Ok((pattern, special))
}

/// What is known of the published file with so many ranks.
fn published(source: &Source, known: &[Known], ranks: usize) -> Result<(String, Vec<AddedToken>), TokenizerError> {
    let Some(known) = known.iter().find(|known| known.ranks == ranks) else {
        let names: Vec<String> = known.iter().map(|known| format!("{} ({})", known.name, known.ranks)).collect();
        let problem = format!(
            "a file of {ranks} ranks does not say how text is cut\nhint: known are {}; of others say it in \
             tiktoken.json beside it, with pat_str and special_tokens",
            names.join(", ")
        );
        return Err(source.invalid(problem));
    };
    let special = known.special.iter().map(|&(content, id)| AddedToken::special(id, content)).collect();
    Ok((known.pattern.to_owned(), special))
}

/// The tokenizer of tokens with their ids, which are ranks too, cut by an expression in the dialect of `tokenizer.json`.
pub(super) fn build(
    source: &Source,
    contents: HashMap<Vec<u8>, u32>,
    pattern: &str,
    mut added: Vec<AddedToken>,
    config: &FolderConfig,
) -> Result<Tokenizer, TokenizerError> {
    let spell = |content: &[u8]| content.iter().map(|&byte| bytes::spell(byte)).collect::<String>();
    let ids: HashMap<String, u32> = contents.iter().map(|(content, &id)| (spell(content), id)).collect();
    let mut byte_tokens = Box::new([0; 256]);
    for byte in 0..=255u8 {
        match contents.get([byte].as_slice()) {
            Some(&id) => byte_tokens[usize::from(byte)] = id,
            None => return Err(source.invalid(format!("there is no token of the byte 0x{byte:02X}"))),
        }
    }
    // Any two neighbours that spell a token may be joined; its rank says when.
    let mut table: QuickMap<u64, Merge> = QuickMap::default();
    let mut listed: Vec<(u32, u32, u32)> = Vec::new();
    for (content, &token) in &contents {
        for cut in 1..content.len() {
            if let (Some(&left), Some(&right)) = (contents.get(&content[..cut]), contents.get(&content[cut..])) {
                table.insert(pair_key(left, right), Merge { rank: token, token });
                listed.push((token, left, right));
            }
        }
    }
    listed.sort_unstable();
    // Published ids leave gaps for tokens that never came.
    let taken: HashSet<u32> = ids.values().copied().chain(added.iter().map(|token| token.id)).collect();
    let last = taken.iter().copied().max().unwrap_or(0);
    // Far more ids than tokens are a mistake, not a gap.
    if last as usize > 4 * contents.len() {
        return Err(source.invalid(format!("there are {} tokens, but one has the id {last}", contents.len())));
    }
    let gaps = (0..last).filter(|id| !taken.contains(id));
    added.extend(gaps.map(|id| AddedToken::special(id, &format!("<|reserved_{id}|>"))));
    added.sort_by_key(|token| token.id);
    let all = check_vocabulary(source, &ids, &added)?;
    let roles = Roles::find(config, &all)?;
    let split = json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let byte_level = |add_prefix_space: bool, use_regex: bool| -> Value {
        json!({"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": true, "use_regex": use_regex})
    };
    let components = Components {
        pre_tokenizer: json!({"type": "Sequence", "pretokenizers": [split, byte_level(false, false)]}),
        decoder: byte_level(true, true),
        ..Components::default()
    };
    let parts = Parts { components, ids: &ids, all, added, roles, instead: None };
    assemble(source, parts, |_, size| {
        let pairs = PairTable::new(table.into_iter().collect::<Vec<_>>().into_iter());
        let merges = listed.into_iter().map(|(_, left, right)| (left, right)).collect();
        // A piece that is a token is that token before any merge.
        let settings = Settings { ignore_merges: true, ..Settings::default() };
        Ok(Box::new(Bpe::new(&ids, size, Some(byte_tokens), pairs, merges, settings)))
    })
}
