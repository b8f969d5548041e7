//! Who writes: a language model of ours, or a command that reads a JSON line and writes one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lang::model::LanguageModel;
use lang::sampling::SamplingConfig;
use lang::text::{TextError, generate};
use lang::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};

use crate::CorpusError;

/// A text to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// What it is for: `tasks`, `classification`, `input_first` or `output_first`.
    pub kind: &'static str,
    /// The text.
    pub prompt: String,
    /// Where the answer ends, these not included.
    pub stop: Vec<String>,
    /// Most tokens of the answer.
    pub max_tokens: usize,
    /// Seed of the answer.
    pub seed: u64,
}

/// Something that goes on with texts.
pub trait Writer {
    /// What comes after the prompt.
    ///
    /// # Errors
    /// [`CorpusError::Writer`] when there is no answer.
    fn write(&mut self, request: &Request) -> Result<String, CorpusError>;
}

/// `answer` up to the first of the stops.
fn cut(answer: &str, stop: &[String]) -> String {
    let end = stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| answer.find(stop.as_str())).min();
    answer[..end.unwrap_or(answer.len())].to_owned()
}

/// A language model.
pub struct ModelWriter<'a> {
    /// The model.
    pub model: &'a dyn LanguageModel,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// How it is sampled; the seed is that of each request.
    pub sampling: SamplingConfig,
}

impl Writer for ModelWriter<'_> {
    fn write(&mut self, request: &Request) -> Result<String, CorpusError> {
        let mut ids = vec![self.tokenizer.beginning_of_text()];
        ids.extend(self.tokenizer.encode(&request.prompt));
        let stop_ids = [Some(self.tokenizer.end_of_text()), self.tokenizer.end_of_turn()];
        let stop_ids: Vec<u32> = stop_ids.into_iter().flatten().collect();
        // A prompt that does not fit leaves its beginning out; at least half of the context is for the answer.
        if let Some(limit) = self.model.context_length() {
            let room = limit.saturating_sub(request.max_tokens.min(limit / 2)).max(1);
            if ids.len() > room {
                // The mark of the beginning stays.
                let kept = usize::from(room > 1);
                ids.drain(kept..ids.len() - room + kept);
            }
        }
        let sampling = SamplingConfig { seed: request.seed, ..self.sampling.clone() };
        let mut written = Vec::new();
        let on_token = &mut |id| {
            written.push(id);
            let text = self.tokenizer.decode(&written, true);
            !request.stop.iter().any(|stop| text.contains(stop.as_str()))
        };
        let found = generate(self.model, self.tokenizer, &ids, request.max_tokens, &stop_ids, &sampling, on_token);
        match found {
            Ok(found) => Ok(cut(&self.tokenizer.decode(&found.ids, true), &request.stop)),
            Err(error) => Err(failed("model", &error)),
        }
    }
}

fn failed(who: &str, error: &TextError) -> CorpusError {
    CorpusError::Writer { who: who.to_owned(), problem: error.to_string() }
}

/// A command that stays open: each request is a JSON line on its stdin, each answer a JSON line with `text` on its
/// stdout. What it says on stderr goes where ours goes.
pub struct CommandWriter {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl CommandWriter {
    /// Starts `command` with the shell.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &str) -> Result<Self, CorpusError> {
        let problem = |problem: String| CorpusError::Writer { who: format!("command `{command}`"), problem };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = shell.spawn().map_err(|error| problem(format!("cannot be started: {error}")))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| problem("has no output".to_owned()))?;
        Ok(CommandWriter { name: format!("command `{command}`"), child, input, output: BufReader::new(output) })
    }

    fn failed(&self, problem: impl Into<String>) -> CorpusError {
        CorpusError::Writer { who: self.name.clone(), problem: problem.into() }
    }
}

impl Writer for CommandWriter {
    fn write(&mut self, request: &Request) -> Result<String, CorpusError> {
        let line = serde_json::to_string(request).map_err(|error| self.failed(error.to_string()))?;
        let sent = self.input.as_mut().map(|input| writeln!(input, "{line}").and_then(|()| input.flush()));
        let mut answer = Vec::new();
        let read = self.output.read_until(b'\n', &mut answer);
        match (sent, read) {
            // Who has ended takes no requests; how it ended says more.
            (Some(Err(error)), _) if answer.is_empty() && error.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(self.failed(format!("takes no more requests: {error}")));
            }
            (_, Err(error)) => return Err(self.failed(error.to_string())),
            (_, Ok(0)) => {
                let end = self.child.wait().map(|status| status.to_string()).unwrap_or_default();
                return Err(self.failed(format!("ended without an answer ({end})")));
            }
            _ => {}
        }
        match serde_json::from_slice::<Answer>(&answer) {
            Ok(found) => Ok(cut(&found.text, &request.stop)),
            Err(error) => {
                let said = crate::text::excerpt(String::from_utf8_lossy(&answer).trim_end(), 120);
                Err(self.failed(format!("answered `{said}`, which is no JSON object with text: {error}")))
            }
        }
    }
}

impl Drop for CommandWriter {
    fn drop(&mut self) {
        // The end of its input tells it to end; it is not waited for if it does not.
        drop(self.input.take());
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(std::time::Duration::from_millis(20));
            if !matches!(self.child.try_wait(), Ok(Some(_))) {
                drop(self.child.kill());
            }
            drop(self.child.wait());
        }
    }
}
