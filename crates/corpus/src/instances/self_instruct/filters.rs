//! What a draft must be to be taken: the heuristics of Self-Instruct (Wang et al. 2023, appendix A), with lengths counted in
//! words as `rouge` counts them, so that they hold for Chinese too.

use serde::{Deserialize, Serialize};

use super::super::rouge::words;
use super::{Task, TaskInstance};

/// Why a draft is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// Fewer than four words.
    TooShort,
    /// More than 150 words.
    TooLong,
    /// It asks for what no text can give: pictures, files, maps.
    NotText,
    /// It asks for a program, of which models write too many.
    Program,
    /// It does not begin with a letter.
    Beginning,
    /// It breaks off.
    BrokenOff,
    /// It is too much like a task there is.
    NotNew,
    /// No instance that can be learnt from came of it.
    NoInstance,
    /// The answer is empty.
    EmptyOutput,
    /// The answer repeats what was given.
    Echo,
    /// The answer is the instruction.
    Repetition,
}

const SHORTEST: usize = 4;
const LONGEST: usize = 150;
/// Words by which a task is told that a model of text cannot do.
const NOT_TEXT: [&str; 13] = [
    "image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps", "draw", "plot",
    "video",
];
const NOT_TEXT_CHINESE: [&str; 7] = ["图片", "图像", "画一", "文件", "地图", "视频", "绘制"];

/// Why `instruction` is not taken, if so.
pub fn unfit_instruction(instruction: &str) -> Option<Rejection> {
    let text = instruction.trim();
    let found = words(text);
    let lower = text.to_lowercase();
    let checks = [
        (found.len() < SHORTEST, Rejection::TooShort),
        (found.len() > LONGEST, Rejection::TooLong),
        (!text.chars().next().is_some_and(char::is_alphanumeric), Rejection::Beginning),
        (
            found.iter().any(|word| NOT_TEXT.contains(&word.as_str()))
                || lower.contains("go to ")
                || NOT_TEXT_CHINESE.iter().any(|word| text.contains(word)),
            Rejection::NotText,
        ),
        (lower.starts_with("write a program") || text.contains("写一个程序"), Rejection::Program),
        (text.ends_with([':', '：', ',', '，']), Rejection::BrokenOff),
    ];
    checks.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
}

/// Why `instance` of `task` is not taken, if so.
pub fn unfit_instance(instance: &TaskInstance, task: &Task) -> Option<Rejection> {
    let (input, output) = (instance.input.trim(), instance.output.trim());
    let checks = [
        (output.is_empty(), Rejection::EmptyOutput),
        (input == output, Rejection::Echo),
        (output == task.instruction.trim(), Rejection::Repetition),
        (input.ends_with([':', '：']) || output.ends_with([':', '：']), Rejection::BrokenOff),
    ];
    checks.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
}
