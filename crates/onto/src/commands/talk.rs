//! `onto generate` and `onto chat`: using a model.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lang::instance::{Message, Role};
use lang::sampling::SamplingConfig;
use lang::text::{FinishReason, generate as continue_text};
use lang::tokenizer::DecodeStream;
use serde_json::json;

use super::Session;
use super::measure::{stdin, utf8};
use super::open::{OpenModel, open};
use crate::cli::{ChatArguments, GenerateArguments, SamplingArguments};
use crate::terminal::{Interrupted, ReaderGone, Usage, line_to_stdout, to_stdout};

/// Continues a prompt.
pub fn generate(session: &Session, arguments: &GenerateArguments) -> Result<()> {
    let config = sampling(session, &arguments.sampling)?;
    let open = open(&arguments.model, None)?;
    let prompt = match arguments.prompt.as_deref() {
        Some("-") => utf8(stdin()?, "stdin")?,
        Some(text) => text.to_owned(),
        None => String::new(),
    };
    let ids = if arguments.chat {
        open.template.encode_prompt(&open.tokenizer, &[Message::user(prompt.clone())])?
    } else {
        let mut ids = vec![open.tokenizer.beginning_of_text()];
        ids.extend(open.tokenizer.encode(&prompt));
        ids
    };
    if let Some(limit) = open.model.context_length()
        && ids.len() >= limit
    {
        bail!("the prompt has {} tokens, and the model's context holds {limit}\nhint: shorten --prompt", ids.len());
    }
    let streaming = !session.global.json;
    if streaming && !arguments.chat {
        to_stdout(&prompt)?;
    }
    let answer = speak(session, &open, &ids, arguments.sampling.max_tokens, &config, streaming)?;
    if session.global.json {
        line_to_stdout(
            &json!({
                "text": answer.text,
                "tokens": answer.tokens,
                "finish_reason": answer.finish_reason,
                "tokens_per_second": answer.tokens_per_second,
                "prompt": prompt,
                "model": arguments.model.to_string_lossy(),
            })
            .to_string(),
        )?;
    } else {
        to_stdout("\n")?;
    }
    if session.interrupt.load(Ordering::SeqCst) {
        return Err(Interrupted(format!("stopped after {} tokens", answer.tokens)).into());
    }
    Ok(())
}

/// Talks in turns until the input ends.
pub fn chat(session: &Session, arguments: &ChatArguments) -> Result<()> {
    let config = sampling(session, &arguments.sampling)?;
    let open = open(&arguments.model, None)?;
    let mut messages = Vec::new();
    let start: Vec<Message> = arguments.system.iter().map(|text| Message::new(Role::System, text.clone())).collect();
    messages.extend(start.clone());
    let interactive = std::io::stdin().is_terminal();
    let terminal = &session.terminal;
    if interactive {
        terminal.say(&terminal.paint("2", "/new starts over, /quit or Ctrl-D ends"));
    }
    let mut reader = Reader::new(interactive)?;
    let mut turn = 0u64;
    while let Some(line) = reader.next(&terminal.paint("1;36", "you › "))? {
        let line = line.trim().to_owned();
        match line.as_str() {
            "" => continue,
            "/quit" | "/exit" => break,
            "/new" => {
                messages.clone_from(&start);
                terminal.say("(a new conversation)");
                continue;
            }
            _ => {}
        }
        messages.push(Message::user(line));
        let ids = loop {
            let ids = open.template.encode_prompt(&open.tokenizer, &messages)?;
            let limit = open.model.context_length().unwrap_or(usize::MAX);
            // Room for an answer; the oldest exchange goes first when there is none.
            if ids.len() + 16 <= limit || messages.len() <= start.len() + 1 {
                break ids;
            }
            messages.drain(start.len()..(start.len() + 2).min(messages.len() - 1));
            terminal.warn("the conversation is longer than the model's context; its oldest turns are forgotten");
        };
        if interactive {
            to_stdout(&terminal.paint("1;32", "onto › "))?;
        }
        let config = SamplingConfig { seed: config.seed.wrapping_add(turn), ..config.clone() };
        turn += 1;
        session.interrupt.store(false, Ordering::SeqCst);
        match speak(session, &open, &ids, arguments.sampling.max_tokens, &config, !session.global.json) {
            Ok(answer) => {
                if session.global.json {
                    line_to_stdout(
                        &json!({
                            "text": answer.text,
                            "tokens": answer.tokens,
                            "finish_reason": answer.finish_reason,
                            "tokens_per_second": answer.tokens_per_second,
                        })
                        .to_string(),
                    )?;
                } else {
                    to_stdout("\n")?;
                }
                messages.push(Message::assistant(answer.text));
            }
            Err(error) => {
                // A turn too long for the model is the person's to shorten, not the end of the talk.
                if error.downcast_ref::<ReaderGone>().is_some() {
                    return Err(error);
                }
                terminal.warn(&format!("no answer: {error:#}; say it in fewer words, or /new starts over"));
                messages.pop();
            }
        }
    }
    Ok(())
}

/// Lines from a person: with editing and history on a terminal, plain elsewhere.
enum Reader {
    Edited(Box<rustyline::DefaultEditor>),
    Plain,
}

impl Reader {
    fn new(interactive: bool) -> Result<Reader> {
        if interactive {
            Ok(Reader::Edited(Box::new(rustyline::DefaultEditor::new().context("cannot read from the terminal")?)))
        } else {
            Ok(Reader::Plain)
        }
    }

    fn next(&mut self, prompt: &str) -> Result<Option<String>> {
        match self {
            Reader::Edited(editor) => match editor.readline(prompt) {
                Ok(line) => {
                    drop(editor.add_history_entry(&line));
                    Ok(Some(line))
                }
                Err(rustyline::error::ReadlineError::Eof | rustyline::error::ReadlineError::Interrupted) => Ok(None),
                Err(error) => Err(error).context("cannot read from the terminal"),
            },
            Reader::Plain => {
                let mut line = Vec::new();
                let read = std::io::stdin().lock().read_until(b'\n', &mut line).context("cannot read stdin")?;
                Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
            }
        }
    }
}

struct Answer {
    text: String,
    tokens: usize,
    finish_reason: FinishReason,
    tokens_per_second: f64,
}

/// Generates, streaming whole characters to stdout as they come.
fn speak(
    session: &Session,
    open: &OpenModel,
    ids: &[u32],
    max_tokens: usize,
    config: &SamplingConfig,
    streaming: bool,
) -> Result<Answer> {
    let started = Instant::now();
    let mut stream = DecodeStream::new(&open.tokenizer, true);
    let mut failed = None;
    let generation =
        continue_text(open.model.as_ref(), &open.tokenizer, ids, max_tokens, &open.stop, config, &mut |id| {
            if streaming
                && let Some(text) = stream.push(id)
                && let Err(error) = to_stdout(&text)
            {
                failed = Some(error);
                return false;
            }
            !session.interrupt.load(Ordering::SeqCst)
        })?;
    if let Some(error) = failed {
        return Err(error);
    }
    drop(std::io::stdout().flush());
    let seconds = started.elapsed().as_secs_f64();
    Ok(Answer {
        text: open.tokenizer.decode(&generation.ids, true),
        tokens: generation.ids.len(),
        finish_reason: generation.finish_reason,
        tokens_per_second: generation.ids.len() as f64 / seconds.max(1e-9),
    })
}

fn sampling(session: &Session, arguments: &SamplingArguments) -> Result<SamplingConfig> {
    let config = SamplingConfig {
        temperature: arguments.temperature,
        top_k: arguments.top_k,
        top_p: arguments.top_p,
        repetition_penalty: arguments.repetition_penalty,
        seed: session.seed(0),
    };
    config.validate().map_err(|error| Usage(error.to_string()))?;
    Ok(config)
}
