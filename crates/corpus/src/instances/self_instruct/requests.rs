//! What the writer is asked, and how its answers are read. A request shows solved cases and ends where the writer goes on,
//! so that a plain language model can answer it; an answer is read up to where it leaves the pattern.

use super::{SelfInstructConfig, Task, TaskInstance};
use crate::instances::self_instruct::Request;

/// The words of the requests in one language.
struct Words {
    tasks: &'static str,
    task: &'static str,
    kind: &'static str,
    is_kind: &'static str,
    yes: &'static str,
    no: &'static str,
    input_first: &'static str,
    output_first: &'static str,
    example: &'static str,
    input: &'static str,
    output: &'static str,
    label: &'static str,
    none: &'static str,
}

const ENGLISH: Words = Words {
    tasks: "Here is a list of tasks, each different from the others:",
    task: "Task",
    kind: "For each task, say whether its answer is one of a few fixed labels.",
    is_kind: "Few labels:",
    yes: "Yes",
    no: "No",
    input_first: "Solve each task on examples. A task that needs no input has none.",
    output_first: "For each task, name a label that may be its answer, and an input to which it is the answer.",
    example: "Example",
    input: "Input:",
    output: "Output:",
    label: "Label:",
    none: "(none)",
};
const CHINESE: Words = Words {
    tasks: "下面是一些各不相同的任务：",
    task: "任务",
    kind: "说明每个任务的答案是否只是几个固定标签之一。",
    is_kind: "固定标签：",
    yes: "是",
    no: "否",
    input_first: "用例子完成每个任务。不需要输入的任务没有输入。",
    output_first: "为每个任务写一个可能作为答案的标签，以及答案为该标签的输入。",
    example: "例",
    input: "输入：",
    output: "输出：",
    label: "标签：",
    none: "（无）",
};

fn words(is_chinese: bool) -> &'static Words {
    if is_chinese { &CHINESE } else { &ENGLISH }
}

/// Tasks asked for in one request, those that are shown included.
const LISTED: usize = 16;
/// Tasks shown before the one that is asked about.
const SHOWN: usize = 4;

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asks to go on with a list of tasks.
pub(super) fn for_tasks(shown: &[&Task], is_chinese: bool, config: &SelfInstructConfig, seed: u64) -> Request {
    let words = words(is_chinese);
    let mut prompt = format!("{}\n\n", words.tasks);
    for (at, task) in shown.iter().enumerate() {
        prompt.push_str(&format!("{} {}: {}\n", words.task, at + 1, one_line(&task.instruction)));
    }
    prompt.push_str(&format!("{} {}:", words.task, shown.len() + 1));
    let stop = vec![format!("\n{} {LISTED}:", words.task), "\n\n".to_owned()];
    Request { kind: "tasks", prompt, stop, max_tokens: config.max_tokens, seed }
}

/// The instructions of an answer: what stands between the numbers. The last is left out where it may be cut off.
pub(super) fn read_tasks(answer: &str, is_chinese: bool) -> Vec<String> {
    let words = words(is_chinese);
    // Up to the first empty line; a model goes on to other things behind it.
    let list = answer.split("\n\n").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, line) in list.lines().enumerate() {
        let line = line.trim();
        let numbered = line.strip_prefix(words.task).map(|rest| rest.trim_start_matches([' ', '　']));
        let body =
            numbered.and_then(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix([':', '：']));
        match (at, body) {
            (_, Some(body)) => found.push(body.trim().to_owned()),
            (0, None) => found.push(line.to_owned()),
            // A line without a number belongs to the task before.
            (_, None) => {
                if let Some(last) = found.last_mut() {
                    last.push(' ');
                    last.push_str(line);
                }
            }
        }
    }
    found.retain(|text| !text.is_empty());
    found
}

/// Tasks of people of both kinds, for examples: those with labels and without in turn.
fn examples(seeds: &[Task], wanted: impl Fn(&Task) -> bool) -> Vec<&Task> {
    seeds.iter().filter(|seed| !seed.instances.is_empty() && wanted(seed)).take(SHOWN).collect()
}

/// Asks whether a task has few labels.
pub(super) fn for_kind(
    task: &Task,
    seeds: &[Task],
    is_chinese: bool,
    config: &SelfInstructConfig,
    seed: u64,
) -> Request {
    let words = words(is_chinese);
    let (labelled, free) =
        (examples(seeds, |seed| seed.is_classification), examples(seeds, |seed| !seed.is_classification));
    let mut prompt = format!("{}\n\n", words.kind);
    let longest = labelled.len().max(free.len());
    for shown in (0..longest).flat_map(|at| [labelled.get(at), free.get(at)]).flatten() {
        let answer = if shown.is_classification { words.yes } else { words.no };
        prompt.push_str(&format!("{}: {}\n{} {answer}\n\n", words.task, one_line(&shown.instruction), words.is_kind));
    }
    prompt.push_str(&format!("{}: {}\n{}", words.task, one_line(&task.instruction), words.is_kind));
    Request { kind: "classification", prompt, stop: vec!["\n".to_owned()], max_tokens: config.max_tokens.min(8), seed }
}

/// Whether an answer says yes.
pub(super) fn read_kind(answer: &str) -> bool {
    let answer = answer.trim().to_lowercase();
    answer.starts_with("yes") || answer.starts_with('是')
}

/// Asks for instances: the input first, or for tasks with labels the label first, so that not all get the same.
pub(super) fn for_instances(
    task: &Task,
    seeds: &[Task],
    is_chinese: bool,
    config: &SelfInstructConfig,
    seed: u64,
) -> Request {
    let words = words(is_chinese);
    let shown = examples(seeds, |seed| seed.is_classification == task.is_classification);
    let or_none = |text: &str| if text.trim().is_empty() { words.none.to_owned() } else { text.trim().to_owned() };
    let mut prompt = format!("{}\n\n", if task.is_classification { words.output_first } else { words.input_first });
    for shown in shown {
        prompt.push_str(&format!("{}: {}\n", words.task, one_line(&shown.instruction)));
        for (at, instance) in shown.instances.iter().take(2).enumerate() {
            prompt.push_str(&match task.is_classification {
                true => format!(
                    "{} {}\n{} {}\n",
                    words.label,
                    instance.output.trim(),
                    words.input,
                    or_none(&instance.input)
                ),
                false => format!(
                    "{} {}\n{} {}\n{} {}\n",
                    words.example,
                    at + 1,
                    words.input,
                    or_none(&instance.input),
                    words.output,
                    instance.output.trim()
                ),
            });
        }
        prompt.push('\n');
    }
    let begin =
        if task.is_classification { words.label.to_owned() } else { format!("{} 1\n{}", words.example, words.input) };
    prompt.push_str(&format!("{}: {}\n{begin}", words.task, one_line(&task.instruction)));
    let stop = vec![format!("\n{}:", words.task)];
    let kind = if task.is_classification { "output_first" } else { "input_first" };
    Request { kind, prompt, stop, max_tokens: config.max_tokens, seed }
}

/// The instances of an answer, which goes on after the first mark.
pub(super) fn read_instances(answer: &str, is_classification: bool, is_chinese: bool) -> Vec<TaskInstance> {
    let words = words(is_chinese);
    let end = answer.find(&format!("\n{}:", words.task)).unwrap_or(answer.len());
    let answer = &answer[..end];
    let clean = |text: &str| {
        let text = text.trim();
        if text == words.none { String::new() } else { text.to_owned() }
    };
    let mut found = Vec::new();
    if is_classification {
        for part in answer.split(&format!("\n{}", words.label)) {
            if let Some((label, input)) = part.split_once(&format!("\n{}", words.input)) {
                found.push(TaskInstance { input: clean(input), output: clean(label) });
            }
        }
        return found;
    }
    for part in answer.split(&format!("\n{} ", words.example)) {
        // The first part begins behind the mark of its input, the others with their number.
        let part = match found.is_empty() {
            true => part,
            false => part.split_once(words.input).map_or("", |(_, rest)| rest),
        };
        match part.split_once(&format!("\n{}", words.output)) {
            Some((input, output)) => found.push(TaskInstance { input: clean(input), output: clean(output) }),
            // A part without an output is cut off.
            None => found.push(TaskInstance::default()),
        }
    }
    found
}
