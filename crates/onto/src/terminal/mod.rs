//! Everything a person sees while work goes on: messages, progress, Ctrl-C. stderr only; stdout is for data.

mod progress;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

pub use progress::{Progress, TrainingProgress, grouped};

/// How talkative to be, decided once from flags and the terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Only errors.
    pub quiet: bool,
    /// Bars that redraw themselves: on a terminal, unless switched off.
    pub bars: bool,
    /// Colour: on a terminal, unless NO_COLOR is set.
    pub colour: bool,
}

impl Terminal {
    /// Reads the flags, the terminal and NO_COLOR.
    pub fn new(quiet: bool, no_progress: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Terminal { quiet, bars: terminal && !no_progress && !quiet, colour: terminal && !no_color }
    }

    /// One line of talk.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            to_stderr(line);
        }
    }

    /// Something is wrong but work goes on.
    pub fn warn(&self, line: &str) {
        to_stderr(&format!("{} {}", self.paint("33", "warning:"), visible(line)));
    }

    /// What was wrong with records that are passed over: the first ten by name, the rest by number.
    pub fn warn_of_bad(&self, problems: &[impl std::fmt::Display], total: usize, what: &str) {
        const SHOWN: usize = 10;
        for problem in problems.iter().take(SHOWN) {
            self.warn(&format!("{problem} (skipped)"));
        }
        if total > SHOWN {
            self.warn(&format!("… and {} more {what} ({total} in all)", total - SHOWN));
        }
    }

    /// `text` in an ANSI colour, where colours are shown.
    pub fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Writes a line to stderr; a closed stderr is no reason to stop working.
pub fn to_stderr(line: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "{line}"));
}

/// Writes data to stdout. A reader that went away is success: the process ends quietly.
pub fn to_stdout(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(anyhow::Error::new(ReaderGone)),
        other => other.context("cannot write to stdout"),
    }
}

/// Writes one line of data to stdout.
pub fn line_to_stdout(text: &str) -> anyhow::Result<()> {
    to_stdout(&format!("{text}\n"))
}

/// The reader of stdout closed it; not an error for a person.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output went away")]
pub struct ReaderGone;

/// Two things differ, and the person asked to hear it by the exit code; everything was said before.
#[derive(Debug, thiserror::Error)]
#[error("they differ")]
pub struct Differs;

/// Work ended early because the person asked for it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Interrupted(pub String);

/// Arguments that parse but make no sense together: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Prints an error with its causes and chooses the exit code.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<ReaderGone>().is_some() {
        return ExitCode::SUCCESS;
    }
    if error.downcast_ref::<Differs>().is_some() {
        return ExitCode::from(1);
    }
    let terminal = Terminal::new(false, true);
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        to_stderr(&format!("{} {interrupted}", terminal.paint("33", "interrupted:")));
        return ExitCode::from(130);
    }
    // Causes that repeat the line above them say nothing new.
    let mut message = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !message.contains(&text) {
            if !message.is_empty() {
                message.push_str("\n  because: ");
            }
            message.push_str(&text);
        }
    }
    let (body, mut hints): (Vec<&str>, Vec<&str>) =
        message.lines().partition(|line| !line.trim_start().starts_with("hint:"));
    // What an artifact says about any stage is said better where the stage is known.
    if hints.iter().any(|hint| hint.contains("--redo") && !hint.contains("--redo STAGE")) {
        hints.retain(|hint| !hint.contains("--redo STAGE"));
    }
    if hints.is_empty() && disk_is_full(error) {
        hints.push("free some space or choose another disk with --out DIR; what is finished is kept");
    }
    to_stderr(&format!("{} {}", terminal.paint("1;31", "error:"), visible(&body.join("\n"))));
    for hint in hints {
        let hint = hint.trim_start().trim_start_matches("hint:").trim();
        to_stderr(&format!("{} {}", terminal.paint("36", "hint:"), visible(hint)));
    }
    ExitCode::from(if error.downcast_ref::<Usage>().is_some() { 2 } else { 1 })
}

/// Whether some cause is a full disk or quota.
fn disk_is_full(error: &anyhow::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| matches!(error.kind(), StorageFull | QuotaExceeded))
            || cause.to_string().contains("No space left on device")
    })
}

/// Control characters as escapes: file names and file contents stand in messages, and neither may steer a terminal.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second ends the process at once. Work that has no safe points,
/// because it keeps nothing, ends at the first.
pub fn interrupt_flag(has_safe_points: bool) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let handler = move || {
        if raised.swap(true, Ordering::SeqCst) || !has_safe_points {
            abort_now();
        }
        to_stderr("\nstopping at the next safe point (press Ctrl-C again to stop at once) …");
    };
    // Without a handler Ctrl-C simply kills, which artifacts survive; so a failure to install one is no error.
    drop(ctrlc::set_handler(handler));
    flag
}

/// Nothing half-written can be mistaken for an artifact, so ending anywhere is safe.
#[allow(clippy::exit)]
fn abort_now() {
    std::process::exit(130);
}
