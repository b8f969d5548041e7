//! Progress: a bar with rate and ETA on a terminal, plain lines elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use train::{Evaluation, Observer, Spike, StepMetrics};

use super::Terminal;

/// Seconds between plain lines where there is no terminal to redraw.
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// Progress of work that counts things.
pub struct Progress {
    terminal: Terminal,
    label: String,
    bar: ProgressBar,
    last_line: Instant,
}

impl Progress {
    /// Starts a bar of `total` things (0: not known yet).
    pub fn new(terminal: &Terminal, label: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if terminal.bars {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let template = "  {msg:<22} {bar:28.cyan/dim} {human_pos}/{human_len} · {per_sec} · {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_message(label.to_owned());
        Progress { terminal: terminal.clone(), label: label.to_owned(), bar, last_line: Instant::now() }
    }

    /// `done` of `total` things are done; `part` names what is being done.
    pub fn set(&mut self, part: &str, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        if !part.is_empty() {
            self.bar.set_message(format!("{} · {part}", self.label));
        }
        if !self.terminal.bars && self.last_line.elapsed() > PLAIN_EVERY {
            self.last_line = Instant::now();
            self.terminal.say(&format!("  {} {part} {done}/{total}", self.label));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Progress of a training loop.
pub struct TrainingProgress {
    terminal: Terminal,
    label: String,
    bar: ProgressBar,
    last_line: Instant,
    last_eval: Option<Evaluation>,
}

impl TrainingProgress {
    /// Starts silent; the loop says how many steps there are.
    pub fn new(terminal: &Terminal, label: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if terminal.bars {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if let Ok(style) =
            ProgressStyle::with_template("  {prefix:<10} {bar:28.cyan/dim} {pos}/{len} · {msg} · {eta} left")
        {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_prefix(label.to_owned());
        TrainingProgress {
            terminal: terminal.clone(),
            label: label.to_owned(),
            bar,
            last_line: Instant::now(),
            last_eval: None,
        }
    }

    fn held_out(&self) -> String {
        match &self.last_eval {
            Some(Evaluation { bits_per_byte: Some(bits), .. }) => format!(" · held-out {bits:.3} bits/byte"),
            Some(evaluation) => format!(" · held-out loss {:.3}", evaluation.loss),
            None => String::new(),
        }
    }
}

impl Observer for TrainingProgress {
    fn started(&mut self, done: u64, steps: u64) {
        self.bar.set_length(steps);
        self.bar.set_position(done);
        self.bar.reset_eta();
        if done > 0 {
            self.terminal.say(&format!("  {}: going on from step {done} of {steps}", self.label));
        }
    }

    fn step(&mut self, metrics: &StepMetrics) {
        let rate = metrics.tokens_per_second;
        self.bar.set_position(metrics.step);
        self.bar.set_message(format!("loss {:.3} · {} tokens/s{}", metrics.loss, grouped(rate), self.held_out()));
        let last = metrics.step == metrics.steps;
        if !self.terminal.bars && (self.last_line.elapsed() > PLAIN_EVERY || last) {
            self.last_line = Instant::now();
            let done = metrics.step.max(1) as f64;
            let left = metrics.seconds / done * (metrics.steps.saturating_sub(metrics.step)) as f64;
            self.terminal.say(&format!(
                "  {} step {}/{} · loss {:.3} · {} tokens/s{} · {:.0} s left",
                self.label,
                metrics.step,
                metrics.steps,
                metrics.loss,
                grouped(rate),
                self.held_out(),
                left
            ));
        }
    }

    fn evaluated(&mut self, _step: u64, evaluation: &Evaluation) {
        self.last_eval = Some(evaluation.clone());
    }

    fn checkpointed(&mut self, _step: u64, _path: &Path) {}

    fn spiked(&mut self, spike: &Spike) {
        let (first, last) = spike.skipped_batches;
        let done = match spike.rolled_back_to {
            Some(step) => format!("back to step {step}, leaving out batches {first} to {last}"),
            None => format!("batch {last} is left out"),
        };
        self.bar.set_position(spike.rolled_back_to.unwrap_or(spike.step - 1));
        self.bar.suspend(|| self.terminal.warn(&format!("{}: {spike}; {done}", self.label)));
    }

    fn warning(&mut self, message: &str) {
        self.bar.suspend(|| self.terminal.warn(message));
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// 12345.6 as `12 346`.
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
