//! A scripted writer in place of a model.

use super::*;

fn seed(id: usize, instruction: &str, is_classification: bool, input: &str, output: &str) -> Task {
    Task {
        id: format!("seed_{id}"),
        instruction: instruction.to_owned(),
        instances: vec![TaskInstance { input: input.to_owned(), output: output.to_owned() }],
        is_classification,
        ..Task::default()
    }
}

fn seeds() -> Vec<Task> {
    vec![
        seed(0, "Name three boats that cross a river.", false, "", "ferry, raft, barge"),
        seed(1, "Say whether the lantern is lit or dark.", true, "It shines.", "lit"),
        seed(2, "Translate the sentence into German.", false, "The river is wide.", "Der Fluss ist breit."),
        seed(3, "Tell if the weather is good or bad.", true, "It rains.", "bad"),
    ]
}

/// Answers by the kind of the request, and remembers what was asked.
struct Script {
    lists: Vec<&'static str>,
    asked: Vec<Request>,
}

impl Writer for Script {
    fn write(&mut self, request: &Request) -> Result<String, CorpusError> {
        self.asked.push(request.clone());
        let asked = request.prompt.lines().rev().find(|line| line.starts_with("Task")).unwrap_or_default().to_owned();
        Ok(match request.kind {
            "tasks" => self.lists[self.asked.iter().filter(|asked| asked.kind == "tasks").count() - 1 % self.lists.len()].to_owned(),
            "classification" => if asked.contains("Decide") { " Yes" } else { " No" }.to_owned(),
            "output_first" => " near\nInput: The harbour is here.\nLabel: far\nInput: It is days away.\nLabel: cut".to_owned(),
            _ if asked.contains("nothing") => " (none)\nOutput:".to_owned(),
            _ => " five lanterns\nOutput: fünf Laternen\nExample 2\nInput: (none)\nOutput: none given\nExample 3\nInput: x\nOutput: x\nTask: y".to_owned(),
        })
    }
}

#[test]
fn a_pool_grows_by_what_is_new_and_fit() {
    let lists = vec![
        " Name three boats that cross the river.\nTask 10: Count the bridges of the old town\nand add them up.\nTask 11: Draw a lantern over water.\n\
         Task 12: Decide how far the harbour of the text is.\nTask 13: Go.\n\nOther things",
        " Write a program that counts boats.\nTask 10: Write about nothing at all here.\nTask 11: Count the bridges of the old town and add them up!\nTask 12: Describe how bakers light their ovens:",
        " Explain why millers need wind.",
    ];
    let run = || {
        let mut script = Script { lists: lists.clone(), asked: Vec::new() };
        let config = SelfInstructConfig { tasks: 9, requests: 3, ..SelfInstructConfig::default() };
        let made = self_instruct(&seeds(), &mut script, &config, &mut |_, _, _| true).unwrap();
        (made, script.asked)
    };
    let (made, asked) = run();
    let instructions: Vec<&str> = made.tasks.iter().map(|task| task.instruction.as_str()).collect();
    assert_eq!(
        instructions,
        [
            "Count the bridges of the old town and add them up.",
            "Decide how far the harbour of the text is.",
            "Explain why millers need wind."
        ]
    );
    let dropped: Vec<(usize, Rejection)> =
        made.dropped.iter().map(|dropped| (dropped.request, dropped.reason)).collect();
    use Rejection::*;
    assert_eq!(
        dropped,
        [(0, NotNew), (0, NotText), (0, TooShort), (1, Program), (1, NoInstance), (1, NotNew), (1, BrokenOff)]
    );
    assert_eq!(made.dropped[0].most_like.as_ref().unwrap().0, "seed_0");
    assert_eq!(made.dropped[5].most_like.as_ref().unwrap().0, "made_task_0");
    assert_eq!(made.requests, 3);
    // The input first, or the label first where there are few.
    assert_eq!(
        made.tasks[0].instances,
        [
            TaskInstance { input: "five lanterns".into(), output: "fünf Laternen".into() },
            TaskInstance { input: String::new(), output: "none given".into() },
        ]
    );
    assert!(made.tasks[1].is_classification);
    assert_eq!(
        made.tasks[1].instances,
        [
            TaskInstance { input: "The harbour is here.".into(), output: "near".into() },
            TaskInstance { input: "It is days away.".into(), output: "far".into() },
        ]
    );
    let conversations = made.tasks[0].conversations();
    assert_eq!(
        conversations[0].messages[0].content,
        "Count the bridges of the old town and add them up.\nfive lanterns"
    );
    assert_eq!(
        (conversations[1].id.as_str(), conversations[1].messages[0].content.lines().count()),
        ("made_task_0.1", 1)
    );
    // What was made is shown in later requests, and the same seed gives the same.
    assert!(asked.iter().rfind(|asked| asked.kind == "tasks").unwrap().prompt.contains("Count the bridges"));
    assert_eq!(run().0, made);
}

#[test]
fn tasks_with_two_answers_to_one_input_are_torn() {
    let two = |input: &str, output: &str| TaskInstance { input: input.to_owned(), output: output.to_owned() };
    let kept =
        fit_instances(vec![two("a", "1"), two("b", "2"), two("a", "3"), two("b", "2"), two("c", "")], &Task::default());
    assert_eq!(kept, [two("b", "2")]);
}

#[test]
fn a_command_may_write() {
    let mut request = Request { kind: "tasks", prompt: "p".into(), stop: vec!["STOP".into()], max_tokens: 3, seed: 1 };
    let mut writer = CommandWriter::start("while read line; do echo '{\"text\": \"one STOP two\"}'; done").unwrap();
    assert_eq!(writer.write(&request).unwrap(), "one ");
    request.stop.clear();
    assert_eq!(writer.write(&request).unwrap(), "one STOP two");
    let check = |command: &str, expected: &str| {
        let error = CommandWriter::start(command).unwrap().write(&request).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("echo nonsense; cat > /dev/null", "answered `nonsense`, which is no JSON object with text");
    check("exit 3", "without an answer");
}

#[test]
fn pools_are_read_with_the_line_of_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.jsonl");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    write("{\"instruction\": \"a\", \"instances\": [{\"output\": \"b\"}]}\n{\"instruction\": 3}\n");
    let error = read_tasks(&path).unwrap_err().to_string();
    assert!(error.contains("p.jsonl:2: no task"), "{error}");
    write("\n");
    assert!(read_tasks(&path).unwrap_err().to_string().contains("no tasks"));
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/instruct/seed_tasks.jsonl");
    match published.exists() {
        true => assert_eq!(read_tasks(&published).unwrap().len(), 175),
        false => eprintln!("{} is absent: passed over", published.display()),
    }
}
