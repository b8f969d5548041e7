//! `onto tokenizer inspect --chat`: conversations as a model gets them, the loss mask in colour, in the terminal or as a page.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lang::chat::{ChatError, ChatOptions, ChatTemplate, Encoded, LossOptions, TrainOn};
use lang::tokenizer::Tokenizer;
use serde_json::{Value, json};

use super::load_any;
use crate::cli::TokenizerInspectArguments;
use crate::commands::Session;
use crate::report::markup::Markup;
use crate::run::lines::read_lines_lenient;
use crate::terminal::{Terminal, line_to_stdout, to_stdout};

const STYLE: &str = include_str!("inspect_chat.css");
/// Conversations on one page; more would be no page any more.
const MOST_SHOWN: usize = 200;

/// A conversation cut into tokens, each with the message it belongs to.
struct Shown {
    encoded: Encoded,
    /// Role of each message.
    roles: Vec<String>,
    /// First token of each message, in order.
    starts: Vec<usize>,
    /// Why it cannot be learnt, where it cannot; then nothing is a target.
    refused: Option<ChatError>,
}

pub fn inspect(session: &Session, arguments: &TokenizerInspectArguments, chat: &Path) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
    let template = match &arguments.template {
        Some(path) => {
            let source = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            ChatTemplate::new(&source, Vec::new()).with_context(|| format!("cannot use {}", path.display()))?
        }
        None if arguments.tokenizer.is_dir() => ChatTemplate::load(&arguments.tokenizer)?,
        None => match tokenizer.chat_template() {
            Some(_) => ChatTemplate::load(arguments.tokenizer.parent().unwrap_or(Path::new(".")))?,
            None => bail!("{} has no chat template\nhint: --template FILE names one", arguments.tokenizer.display()),
        },
    };
    let (values, bad): (Vec<Value>, Vec<String>) = read_lines_lenient(chat)?;
    session.terminal.warn_of_bad(&bad, bad.len(), "bad lines");
    if values.is_empty() {
        bail!("{} has no conversation", chat.display());
    }
    let train_on = if arguments.last { TrainOn::Last } else { TrainOn::All };
    let mut all = Vec::new();
    for (at, value) in values.iter().take(MOST_SHOWN).enumerate() {
        all.push(shown(&tokenizer, &template, value, train_on).with_context(|| format!("conversation {}", at + 1))?);
    }
    if let Some(path) = &arguments.html {
        let page = page(&tokenizer, &all);
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
        session.terminal.say(&format!("{} conversations in {}", all.len(), path.display()));
        return Ok(());
    }
    for shown in &all {
        if session.global.json {
            line_to_stdout(&as_json(shown).to_string())?;
        } else {
            to_stdout(&in_terminal(&session.terminal, shown))?;
        }
    }
    Ok(())
}

fn shown(tokenizer: &Tokenizer, template: &ChatTemplate, value: &Value, train_on: TrainOn) -> Result<Shown> {
    let messages = value["messages"].as_array().context("it has no messages")?;
    let tools = value["tools"].as_array().filter(|tools| !tools.is_empty()).cloned();
    let options = ChatOptions { tools, ..ChatOptions::default() };
    let loss = LossOptions { train_on, ..LossOptions::default() };
    let (encoded, refused) = match template.encode_training(tokenizer, messages, &options, &loss) {
        Ok(encoded) => (encoded, None),
        // What cannot be learnt can still be looked at.
        Err(error) => {
            let mut encoded = template.encode_json(tokenizer, messages, &options)?;
            encoded.is_target = vec![false; encoded.ids.len()];
            (encoded, Some(error))
        }
    };
    let roles = messages.iter().map(|message| message["role"].as_str().unwrap_or("?").to_owned()).collect();
    let starts = starts(tokenizer, &encoded, messages.len());
    Ok(Shown { encoded, roles, starts, refused })
}

/// Where each message begins: behind the special token, and the white space, that ends the one before.
fn starts(tokenizer: &Tokenizer, encoded: &Encoded, n_messages: usize) -> Vec<usize> {
    let Encoded { placed, ids, ranges, .. } = encoded;
    let mut starts = vec![0];
    for at in 1..n_messages {
        let place = |wanted: usize| placed.spans.iter().filter(move |span| span.message == Some(wanted));
        let after = (0..at).rev().find_map(|before| place(before).map(|span| span.range.end).max()).unwrap_or(0);
        let before = place(at).map(|span| span.range.start).min();
        let first = starts[at - 1];
        let mut token = (first..ids.len()).find(|&token| ranges[token].start >= after).unwrap_or(ids.len());
        let limit = (token..ids.len()).find(|&token| before.is_some_and(|before| ranges[token].end > before));
        let limit = limit.unwrap_or(ids.len());
        if let Some(stop) = (token..limit).find(|&token| tokenizer.is_special(ids[token])) {
            token = stop + 1;
            while token < limit && placed.text[ranges[token].clone()].trim().is_empty() {
                token += 1;
            }
        }
        starts.push(token);
    }
    starts
}

/// What a token shows: its part of the text; a dot for another token of the character before.
fn piece(shown: &Shown, at: usize) -> &str {
    let range = shown.encoded.ranges[at].clone();
    let before = at.checked_sub(1).map(|before| shown.encoded.ranges[before].clone());
    // Tokens that are parts of one character have the same range; it is shown once.
    match before == Some(range.clone()) && !range.is_empty() {
        true => "·",
        false => &shown.encoded.placed.text[range],
    }
}

fn parts(shown: &Shown) -> impl Iterator<Item = (usize, &str, std::ops::Range<usize>)> {
    shown.roles.iter().enumerate().map(move |(at, role)| {
        let end = shown.starts.get(at + 1).copied().unwrap_or(shown.encoded.ids.len());
        (at, role.as_str(), shown.starts[at]..end)
    })
}

fn counts(shown: &Shown) -> (usize, usize) {
    (shown.encoded.ids.len(), shown.encoded.is_target.iter().filter(|&&is_target| is_target).count())
}

fn in_terminal(terminal: &Terminal, shown: &Shown) -> String {
    let mut out = String::new();
    for (at, role, tokens) in parts(shown) {
        let learnt = tokens.clone().filter(|&token| shown.encoded.is_target[token]).count();
        let line = format!("── {} {role} ── {} tokens, {learnt} learnt ", at + 1, tokens.len());
        out.push_str(
            &terminal.paint("1", &format!("{line}{}", "─".repeat(72usize.saturating_sub(line.chars().count())))),
        );
        out.push('\n');
        let mut is_open = false;
        for token in tokens.clone() {
            let is_target = shown.encoded.is_target[token];
            let text = piece(shown, token).replace('\n', "⏎\n");
            if terminal.colour {
                let code = match (is_target, token % 2) {
                    (true, 0) => "30;42",
                    (true, _) => "30;102",
                    (false, 0) => "37;100",
                    (false, _) => "30;47",
                };
                out.push_str(&terminal.paint(code, &text));
                continue;
            }
            if is_target != is_open {
                out.push_str(if is_target { "«" } else { "»" });
                is_open = is_target;
            }
            out.push_str(&text);
            out.push('|');
        }
        out.push_str(if is_open { "»\n" } else { "\n" });
        let ids: Vec<String> = tokens.map(|token| shown.encoded.ids[token].to_string()).collect();
        out.push_str(&terminal.paint("2", &ids.join(" ")));
        out.push('\n');
    }
    let (tokens, learnt) = counts(shown);
    if let Some(error) = &shown.refused {
        out.push_str(&terminal.paint("31", &format!("cannot be learnt: {error}")));
        out.push('\n');
    }
    out.push_str(&format!("{tokens} tokens, {learnt} learnt\n\n"));
    out
}

fn as_json(shown: &Shown) -> Value {
    let pieces: Vec<&str> = (0..shown.encoded.ids.len()).map(|at| piece(shown, at)).collect();
    json!({"text": shown.encoded.placed.text, "ids": shown.encoded.ids, "pieces": pieces,
           "is_target": shown.encoded.is_target, "roles": shown.roles, "starts": shown.starts,
           "refused": shown.refused.as_ref().map(ToString::to_string)})
}

fn page(tokenizer: &Tokenizer, all: &[Shown]) -> String {
    let mut page = Markup::default();
    page.raw("<!doctype html>\n");
    page.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| {
            head.empty("meta", &[("charset", "utf-8")]);
            head.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.leaf("title", &[], "Conversations and their loss mask");
            head.element("style", &[], |style| style.raw(STYLE));
        });
        html.element("body", &[], |body| {
            body.leaf("h1", &[], "Conversations and their loss mask");
            let (tokens, learnt) = all.iter().map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let share = 100.0 * learnt as f64 / tokens.max(1) as f64;
            body.element("p", &[("class", "legend")], |p| {
                p.leaf("span", &[("class", "t y")], "learnt");
                p.leaf("span", &[("class", "t a")], "read");
                p.leaf("span", &[("class", "t s")], "special");
                p.text(&format!("{} conversations, {tokens} tokens, {learnt} learnt ({share:.1} %). Ids stand under the pointer and, opened, below each turn.", all.len()));
            });
            for (number, shown) in all.iter().enumerate() {
                body.element("section", &[], |section| conversation(section, tokenizer, shown, number));
            }
        });
    });
    page.finish()
}

fn conversation(section: &mut Markup, tokenizer: &Tokenizer, shown: &Shown, number: usize) {
    let (tokens, learnt) = counts(shown);
    section.leaf("h2", &[], &format!("Conversation {} · {tokens} tokens · {learnt} learnt", number + 1));
    if let Some(error) = &shown.refused {
        section.leaf("p", &[("class", "refused")], &format!("Cannot be learnt: {error}"));
    }
    for (at, role, tokens) in parts(shown) {
        let learnt = tokens.clone().filter(|&token| shown.encoded.is_target[token]).count();
        let class = format!("turn {}", if role == "assistant" { "model" } else { "other" });
        section.element("div", &[("class", class.as_str())], |turn| {
            turn.element("div", &[("class", "head")], |head| {
                head.leaf("b", &[], role);
                head.text(&format!(" turn {} · {} tokens · {learnt} learnt", at + 1, tokens.len()));
            });
            turn.element("div", &[("class", "text")], |text| {
                for token in tokens.clone() {
                    let id = shown.encoded.ids[token];
                    let colour = match shown.encoded.is_target[token] {
                        true => ["y", "z"][token % 2],
                        false => ["a", "b"][token % 2],
                    };
                    let special = if tokenizer.is_special(id) { " s" } else { "" };
                    let title = format!("{id} {}", tokenizer.token(id).unwrap_or_default());
                    let class = format!("t {colour}{special}");
                    let piece = piece(shown, token).replace('\n', "⏎\n");
                    text.leaf("span", &[("class", class.as_str()), ("title", title.as_str())], &piece);
                }
            });
            turn.element("details", &[], |details| {
                details.leaf("summary", &[], "ids");
                let ids: Vec<String> = tokens.map(|token| shown.encoded.ids[token].to_string()).collect();
                details.leaf("code", &[], &ids.join(" "));
            });
        });
    }
}
