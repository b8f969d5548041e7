//! What the model has to write: from where each message landed to a loss mask over tokens.
//!
//! A turn of the model begins where the prompt ends that it is given when its turn comes, and ends with the special token
//! that tells it is over. A template with `{% generation %}` blocks says both itself, and is believed; only the ends are
//! checked.

use std::ops::Range;

use serde_json::Value as Json;

use super::placed::{Field, Placed, Span};
use super::{ChatError, ChatOptions, ChatTemplate};
use crate::tokenizer::{Token, Tokenizer};

/// A conversation as ids with its loss mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The whole conversation.
    pub ids: Vec<u32>,
    /// For each id, whether the model is trained to write it: the text of the model's turns and the token that ends
    /// each.
    pub is_target: Vec<bool>,
}

/// A conversation as ids, with the text behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The text and where each message stands in it.
    pub placed: Placed,
    /// The whole conversation.
    pub ids: Vec<u32>,
    /// For each id the bytes of the text it stands for, whole characters.
    pub ranges: Vec<Range<usize>>,
    /// For each id, whether the model is trained to write it; empty where no mask was asked for.
    pub is_target: Vec<bool>,
}

impl From<Encoded> for Masked {
    fn from(encoded: Encoded) -> Self {
        Masked { ids: encoded.ids, is_target: encoded.is_target }
    }
}

/// Which turns of the model are learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrainOn {
    /// All.
    #[default]
    All,
    /// The last one.
    Last,
}

/// How a conversation becomes an example to learn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossOptions {
    /// Which turns of the model are learnt.
    pub train_on: TrainOn,
    /// The most tokens an example may have; one with more is cut where no target is lost, and refused elsewhere.
    pub max_tokens: Option<usize>,
    /// Let turns pass whose end is not learnt, for templates that are meant so.
    pub waive_stop: bool,
}

impl ChatTemplate {
    /// The ids of a conversation, without a mask. Special tokens in what people wrote are ordinary text.
    ///
    /// # Errors
    /// As [`render_json`](ChatTemplate::render_json); or special tokens in a message cannot be told from the template's.
    pub fn encode_json(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Json],
        options: &ChatOptions,
    ) -> Result<Encoded, ChatError> {
        let text = self.render_json(messages, options)?;
        let is_dangerous = |text: &str| has_special(tokenizer, text);
        let cut = options.continue_final_message;
        let placing = ChatOptions { continue_final_message: false, ..options.clone() };
        let whole = if cut { self.render_json(messages, &placing)? } else { text.clone() };
        let mut placed = self.place_rendered(whole, messages, &placing, &is_dangerous)?;
        // The text to continue is the beginning of the whole one.
        placed.spans.retain(|span| span.range.start < text.len());
        placed.spans.iter_mut().for_each(|span| span.range.end = span.range.end.min(text.len()));
        placed.text = text;
        for &at in &placed.unplaced {
            if any_text(&messages[at], &is_dangerous) {
                return Err(changed(messages, at));
            }
        }
        let breaks = match cut {
            true => Vec::new(),
            false => self.turns(messages, options, &placed, true)?.into_iter().map(|turn| turn.start).collect(),
        };
        Ok(encode(tokenizer, placed, breaks, options.add_generation_prompt))
    }

    /// The ids of a conversation to learn from, with the loss mask.
    ///
    /// # Errors
    /// As [`encode_json`](ChatTemplate::encode_json), or there is nothing to learn in a turn of the model, nothing that
    /// ends it, its place cannot be told, or it does not fit.
    pub fn encode_training(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Json],
        options: &ChatOptions,
        loss: &LossOptions,
    ) -> Result<Encoded, ChatError> {
        if options.continue_final_message || options.add_generation_prompt {
            return Err(ChatError::Options(
                "an example to learn from has no generation prompt and nothing to continue",
            ));
        }
        let is_dangerous = |text: &str| has_special(tokenizer, text);
        let placed = self.place(messages, options, &is_dangerous)?;
        check(messages, &placed, &is_dangerous)?;
        let marked = !placed.generation.is_empty() || self.has_generation();
        let mut turns = self.turns(messages, options, &placed, marked)?;
        if turns.is_empty() {
            return Err(ChatError::NoTarget);
        }
        if loss.train_on == TrainOn::Last {
            turns.drain(..turns.len() - 1);
        }
        let mut stops = Vec::new();
        for turn in &turns {
            match self.stop(tokenizer, &placed, turn) {
                Some(stop) => stops.push(Some(stop)),
                None if loss.waive_stop => stops.push(None),
                None => return Err(ChatError::NoEndOfTurn { index: turn.message + 1 }),
            }
        }
        let targets: Vec<Range<usize>> = if marked {
            // For the last turn alone, the blocks that have its text.
            let wanted = |block: &Range<usize>| {
                loss.train_on == TrainOn::All
                    || turns.iter().any(|turn| block.start < turn.text.end && turn.text.start < block.end)
            };
            placed.generation.iter().filter(|block| !block.is_empty() && wanted(block)).cloned().collect()
        } else {
            turns
                .iter()
                .zip(&stops)
                .map(|(turn, stop)| turn.start..stop.clone().unwrap_or(turn.text.clone()).end)
                .collect()
        };
        if targets.is_empty() {
            return Err(ChatError::EmptyMask);
        }
        let breaks = if marked { Vec::new() } else { turns.iter().map(|turn| turn.start).collect() };
        let mut encoded = encode(tokenizer, placed, breaks, false);
        let touches =
            |range: &Range<usize>| targets.iter().any(|target| range.start < target.end && target.start < range.end);
        encoded.is_target = encoded.ranges.iter().map(touches).collect();
        if !encoded.is_target.contains(&true) {
            return Err(ChatError::EmptyMask);
        }
        for (turn, stop) in turns.iter().zip(&stops) {
            let Some(stop) = stop.as_ref().filter(|_| !loss.waive_stop) else { continue };
            // White space around a special token may belong to it.
            let at = encoded.ranges.iter().position(|range| range.start < stop.end && range.end >= stop.end);
            if !at.is_some_and(|at| encoded.is_target[at]) {
                let token = encoded.placed.text[stop.clone()].to_owned();
                return Err(ChatError::StopOutsideMask { index: turn.message + 1, token });
            }
        }
        if let Some(limit) = loss.max_tokens.filter(|&limit| encoded.ids.len() > limit) {
            if let Some(lost) = (limit..encoded.ids.len()).find(|&at| encoded.is_target[at]) {
                let place = encoded.ranges[lost].start;
                let turn = turns.iter().rfind(|turn| turn.start <= place).or(turns.first());
                let index = turn.map_or(0, |turn| turn.message) + 1;
                return Err(ChatError::Truncated { index, tokens: encoded.ids.len(), limit });
            }
            encoded.ids.truncate(limit);
            encoded.ranges.truncate(limit);
            encoded.is_target.truncate(limit);
        }
        Ok(encoded)
    }

    /// The turns of the model, in order. Where `lenient`, turns that cannot be told are left out.
    fn turns(
        &self,
        messages: &[Json],
        options: &ChatOptions,
        placed: &Placed,
        lenient: bool,
    ) -> Result<Vec<Turn>, ChatError> {
        let mut turns: Vec<Turn> = Vec::new();
        for at in (0..messages.len()).filter(|&at| role(&messages[at]) == "assistant") {
            match self.turn(messages, options, placed, at) {
                Ok(turn) => turns.push(turn),
                Err(_) if lenient => {}
                Err(error) => return Err(error),
            }
        }
        Ok(turns)
    }

    fn turn(&self, messages: &[Json], options: &ChatOptions, placed: &Placed, at: usize) -> Result<Turn, ChatError> {
        if placed.unplaced.contains(&at) {
            return Err(changed(messages, at));
        }
        let spans: Vec<&Span> =
            placed.spans.iter().filter(|span| span.message == Some(at) && span.field != Field::Other).collect();
        let (Some(&first), Some(last)) = (spans.first(), spans.last()) else {
            let is_text = |text: &str| !text.trim().is_empty();
            return Err(match any_text(&messages[at], &is_text) {
                true => ChatError::Dropped { index: at + 1, role: role(&messages[at]).to_owned() },
                false => ChatError::EmptyTarget { index: at + 1 },
            });
        };
        let moved = || ChatError::Moved { index: at + 1, role: role(&messages[at]).to_owned() };
        // Standing instructions may be put anywhere, but what was said before must stand before.
        let is_earlier = |span: &&Span| span.message.is_some_and(|other| other < at && !is_standing(&messages[other]));
        if placed.spans.iter().filter(is_earlier).any(|span| span.range.end > first.range.start) {
            return Err(moved());
        }
        // The content must be there as it was written, though parts of it may have been left out.
        let content = content_text(&messages[at]);
        let mut read = 0;
        for span in spans.iter().filter(|span| span.field == Field::Content) {
            let text = &placed.text[span.range.clone()];
            match content[read..].find(text) {
                Some(found) => read += found + text.len(),
                None if content.contains(text) => return Err(moved()),
                None => return Err(changed(messages, at)),
            }
        }
        let text = first.range.start..last.range.end;
        let start = self.start(messages, options, placed, at, first)?;
        let next = placed.spans.iter().find(|span| span.range.start >= text.end && span.message != Some(at));
        let limit = next.map_or(placed.text.len(), |span| span.range.start);
        Ok(Turn { message: at, start, text, last: last.field, limit })
    }

    /// Where the prompt ends that the model is given before message `at`, whose first text is `first`.
    fn start(
        &self,
        messages: &[Json],
        options: &ChatOptions,
        placed: &Placed,
        at: usize,
        first: &Span,
    ) -> Result<usize, ChatError> {
        let before = &placed.text[..first.range.start];
        let is_content = first.field == Field::Content;
        // Nearly always, and without rendering once more for every turn.
        let opening = self.opening.get_or_init(|| self.find_opening());
        if is_content && !opening.is_empty() && before.ends_with(opening.as_str()) {
            return Ok(before.len());
        }
        let prompt = |add_generation_prompt: bool, thinks: bool| {
            let mut options = ChatOptions { add_generation_prompt, ..options.clone() };
            if !thinks {
                options.variables.insert("enable_thinking".to_owned(), false.into());
            }
            self.render_json(&messages[..at], &options).ok()
        };
        let is_prefix = |text: &String| before.starts_with(text.as_str());
        let Some(found) = prompt(true, true).filter(is_prefix) else {
            return match is_content {
                true => Ok(before.len()),
                // Where a call or a thought begins cannot be told without the prompt before it.
                false => match opening.is_empty() {
                    false => before.rfind(opening.as_str()).map(|found| found + opening.len()).filter(|&found| {
                        !placed
                            .spans
                            .iter()
                            .any(|span| span.message != Some(at) && (found..before.len()).contains(&span.range.start))
                    }),
                    true => None,
                }
                .ok_or_else(|| changed(messages, at)),
            };
        };
        let gap = &before[found.len()..];
        if gap.is_empty() {
            return Ok(found.len());
        }
        if is_content
            && let Some(longer) = prompt(true, false).filter(is_prefix).filter(|text| text.len() > found.len())
        {
            // The prompt of a model that is told not to think has the empty thoughts in it.
            return Ok(longer.len());
        }
        // Without a prompt of its own the turn's header is the template's, but a space before the answer is the model's.
        let has_opening = prompt(false, true).is_some_and(|without| without != found);
        Ok(if has_opening || !is_content || gap.trim().is_empty() { found.len() } else { before.len() })
    }

    /// What a generation prompt adds after one question.
    fn find_opening(&self) -> String {
        let question = [serde_json::json!({"role": "user", "content": "q"})];
        let render = |add_generation_prompt| {
            self.render_json(&question, &ChatOptions { add_generation_prompt, ..ChatOptions::default() }).ok()
        };
        let opening = || Some(render(true)?.strip_prefix(&render(false)?)?.to_owned());
        opening().unwrap_or_default()
    }

    /// Whether the template says itself what is learnt.
    fn has_generation(&self) -> bool {
        let mut tags = self.source.split("{%").skip(1);
        tags.any(|tag| {
            tag.split("%}").next().is_some_and(|inside| inside.trim_matches(['-', '+']).trim() == "generation")
        })
    }

    /// The special token that ends `turn`: one that is known to end texts or turns, else the first there is.
    fn stop(&self, tokenizer: &Tokenizer, placed: &Placed, turn: &Turn) -> Option<Range<usize>> {
        let eos = self.named_tokens.iter().find(|(name, _)| name == "eos_token").map(|(_, text)| text.as_str());
        let tail = &placed.text[turn.text.end..turn.limit];
        let mut at = turn.text.end;
        let mut first: Option<Range<usize>> = None;
        for (text, token) in tokenizer.split_special(tail) {
            let range = at..at + text.len();
            at = range.end;
            match token {
                Some(id) if tokenizer.is_special(id) => {
                    let is_known = tokenizer.end_of_turn() == Some(id)
                        || Some(text.trim()) == eos
                        || (tokenizer.end_of_text() == id && tokenizer.token(id) == Some(text.trim()));
                    if is_known {
                        return Some(range);
                    }
                    first.get_or_insert(range);
                }
                // After an answer only white space may stand before its end; a call is closed by the template.
                _ if first.is_none() && turn.last == Field::Content && !text.trim().is_empty() => return None,
                _ => {}
            }
        }
        first
    }
}

/// A turn of the model in a rendered conversation.
struct Turn {
    message: usize,
    /// Where what the model has to write begins.
    start: usize,
    /// From its first text to the end of its last.
    text: Range<usize>,
    /// What its last text is.
    last: Field,
    /// Where the text of another message begins, or everything ends.
    limit: usize,
}

fn encode(tokenizer: &Tokenizer, placed: Placed, mut breaks: Vec<usize>, at_end: bool) -> Encoded {
    if at_end {
        breaks.push(placed.text.len());
    }
    let untrusted: Vec<Range<usize>> = placed.spans.iter().map(|span| span.range.clone()).collect();
    let tokens: Vec<Token> = tokenizer.encode_around(&placed.text, &untrusted, &breaks);
    let (ids, ranges) = tokens.into_iter().map(|token| (token.id, token.range)).unzip();
    Encoded { placed, ids, ranges, is_target: Vec::new() }
}

/// Refuses what would be lost without a word: messages that the template leaves out, and special tokens in texts that
/// cannot be followed.
fn check(messages: &[Json], placed: &Placed, is_dangerous: &dyn Fn(&str) -> bool) -> Result<(), ChatError> {
    for (at, message) in messages.iter().enumerate().filter(|(_, message)| role(message) != "assistant") {
        if placed.unplaced.contains(&at) {
            if any_text(message, is_dangerous) {
                return Err(changed(messages, at));
            }
        } else if !content_text(message).trim().is_empty() && !placed.spans.iter().any(|span| span.message == Some(at))
        {
            return Err(ChatError::Dropped { index: at + 1, role: role(message).to_owned() });
        }
    }
    Ok(())
}

fn has_special(tokenizer: &Tokenizer, text: &str) -> bool {
    tokenizer.split_special(text).into_iter().any(|(_, token)| token.is_some_and(|id| tokenizer.is_special(id)))
}

/// Whether `test` holds for a text anywhere in `value`, roles apart.
fn any_text(value: &Json, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Json::String(text) => test(text),
        Json::Array(items) => items.iter().any(|item| any_text(item, test)),
        Json::Object(fields) => fields.iter().any(|(name, item)| name != "role" && any_text(item, test)),
        _ => false,
    }
}

/// All that a message says.
fn content_text(message: &Json) -> String {
    match message.get("content") {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(parts)) => {
            let text = |part: &Json| part.as_str().or_else(|| part.get("text")?.as_str()).map(str::to_owned);
            parts.iter().filter_map(text).collect()
        }
        _ => String::new(),
    }
}

fn role(message: &Json) -> &str {
    message.get("role").and_then(Json::as_str).unwrap_or("unknown")
}

fn is_standing(message: &Json) -> bool {
    matches!(role(message), "system" | "developer")
}

fn changed(messages: &[Json], at: usize) -> ChatError {
    let role = messages.get(at).map_or("unknown", role).to_owned();
    ChatError::Changed { index: at + 1, role }
}
