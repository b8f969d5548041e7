//! Small files of every shape, written for the purpose.

use serde_json::json;

use super::*;

fn read(name: &str, text: &str, all_paths: bool) -> Result<Imported, CorpusError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    import(&path, &ImportOptions { shape: None, all_paths })
}

/// Turns as `role: content`.
fn turns(conversation: &Conversation) -> Vec<String> {
    conversation.messages.iter().map(|message| format!("{}: {}", message.role.name(), message.content)).collect()
}

#[test]
fn alpaca() {
    let text = json!([
        {"instruction": "Add.", "input": "1 2", "output": "3", "system": "Sums.", "history": [["hi", "hello"]]},
        {"instruction": "Say hi.", "input": "", "response": "hi"},
        {"instruction": "x", "output": 3},
        {"instruction": "x", "output": "y", "history": [["one"]]},
    ]);
    let found = read("a.json", &serde_json::to_string_pretty(&text).unwrap(), false).unwrap();
    assert_eq!((found.shape, found.records), (Shape::Alpaca, 4));
    assert_eq!(
        turns(&found.conversations[0]),
        ["system: Sums.", "user: hi", "assistant: hello", "user: Add.\n1 2", "assistant: 3"]
    );
    assert_eq!(turns(&found.conversations[1]), ["user: Say hi.", "assistant: hi"]);
    let faults: Vec<String> = found.faults.iter().map(Fault::to_string).collect();
    assert_eq!(
        faults,
        ["19: output: a number where a text should be", "23: history[0]: must be a question and its answer"]
    );
}

#[test]
fn sharegpt_with_tools() {
    let call = r#"{"name": "count", "arguments": {"what": "boats"}}"#;
    let line = json!({"id": "7", "tools": r#"[{"name": "count", "parameters": {}}]"#, "conversations": [
        {"from": "human", "value": "how many?"},
        {"from": "function_call", "value": call},
        {"from": "observation", "value": "2"},
        {"from": "gpt", "value": "Two."},
    ]});
    let bad = [
        json!({"conversations": [{"from": "human", "value": "a"}, {"from": "alien", "value": "b"}]}),
        json!({"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "b"}]}),
        json!({"conversations": [{"from": "gpt", "value": "a"}]}),
        json!({"conversations": [{"from": "human", "value": "a"}]}),
        json!({"conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "a"}]}),
        json!({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": " "}]}),
    ];
    let bad: Vec<String> = bad.iter().map(Json::to_string).collect();
    let found = read("s.jsonl", &format!("{line}\n\n{{\n{}\n", bad.join("\n")), false).unwrap();
    assert_eq!(found.shape, Shape::ShareGpt);
    let only = &found.conversations[0];
    assert_eq!(turns(only), ["user: how many?", "assistant: ", "tool: 2", "assistant: Two."]);
    assert_eq!(only.messages[1].more["tool_calls"][0]["function"]["arguments"], json!({"what": "boats"}));
    assert_eq!(only.tools[0]["function"]["name"], "count");
    assert_eq!(only.id, "7");
    let faults: Vec<String> = found.faults.iter().map(Fault::to_string).collect();
    assert!(faults[0].starts_with("3: no JSON"), "{faults:?}");
    assert_eq!(faults[1], "4: conversations[1].from: `alien` is no known speaker");
    assert!(faults[2].starts_with("5: conversations[1].value: no JSON"), "{faults:?}");
    assert_eq!(
        faults[3..],
        [
            "6: message 1: the conversation begins with the model",
            "7: there is no turn of the model to learn from",
            "8: message 2: two turns of the person in a row",
            "9: message 2: the turn (assistant) is empty",
        ]
    );
}

use serde_json::Value as Json;

#[test]
fn openai_messages() {
    let calls = json!([{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let record = json!({"messages": [
        {"role": "developer", "content": "D"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "value": "b"}]},
        {"role": "assistant", "content": null, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": ""},
        {"role": "assistant", "content": [{"type": "reasoning", "value": "hm"}, {"type": "text", "value": "c"}], "name": null},
    ]});
    let image =
        json!({"messages": [{"role": "user", "content": [{"type": "image"}]}, {"role": "assistant", "content": "x"}]});
    let missing = json!({"messages": [{"role": "user"}, {"role": "assistant", "content": "x"}]});
    let found = read("m.jsonl", &format!("\u{feff}{record}\n{image}\n{missing}"), false).unwrap();
    assert_eq!(found.shape, Shape::Messages);
    let only = &found.conversations[0];
    assert_eq!(turns(only), ["developer: D", "user: ab", "assistant: ", "tool: ", "assistant: c"]);
    assert_eq!(
        (&only.messages[2].more["tool_calls"], &only.messages[4].more["reasoning_content"]),
        (&calls, &json!("hm"))
    );
    // What is written is read back the same.
    let line = serde_json::to_string(only).unwrap();
    assert_eq!(serde_json::from_str::<Conversation>(&line).unwrap(), *only);
    let faults: Vec<String> = found.faults.iter().map(Fault::to_string).collect();
    assert_eq!(
        faults,
        ["2: messages[0].content[0]: parts of type `image` are no text", "3: messages[0].content: is missing"]
    );
}

#[test]
fn trees_give_their_best_path_or_all() {
    let message = |id: &str, role: &str, rank: Json, replies: Json| json!({"message_id": id, "role": role, "text": id, "lang": "en", "rank": rank, "replies": replies});
    let deleted = json!({"message_id": "d", "role": "assistant", "text": "d", "deleted": true, "rank": -1});
    let a1 = message("a1", "assistant", json!(1), json!([]));
    let q2 = message(
        "q2",
        "prompter",
        json!(null),
        json!([message("a3", "assistant", json!(null), json!([])), message("a4", "assistant", json!(0), json!([]))]),
    );
    let q3 = message("q3", "prompter", json!(null), json!([]));
    let a2 = message("a2", "assistant", json!(0), json!([q2, q3]));
    let tree =
        json!({"message_tree_id": "t", "prompt": message("q1", "prompter", json!(null), json!([deleted, a1, a2]))});
    let ways = |found: &Imported| -> Vec<String> {
        found
            .conversations
            .iter()
            .map(|c| c.messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>().join(" "))
            .collect()
    };
    let best = read("t.jsonl", &tree.to_string(), false).unwrap();
    assert_eq!((best.shape, ways(&best)), (Shape::Trees, vec!["q1 a2 q2 a4".to_owned()]));
    assert_eq!((best.conversations[0].id.as_str(), best.conversations[0].lang.as_str()), ("a4", "en"));
    let all = ["q1 a2 q2 a4", "q1 a2 q2 a3", "q1 a2", "q1 a1"];
    assert_eq!(ways(&read("t.jsonl", &tree.to_string(), true).unwrap()), all);

    let flat = |id: &str, parent: Json, role: &str, rank: Json| {
        json!({"message_id": id, "parent_id": parent, "role": role, "text": id, "lang": "en", "rank": rank}).to_string()
    };
    let lines = [
        flat("a2", json!("q1"), "assistant", json!(0.0)),
        flat("q1", json!(null), "prompter", json!(null)),
        flat("a1", json!("q1"), "assistant", json!(1.0)),
        flat("q2", json!("a2"), "prompter", json!(null)),
        flat("a3", json!("q2"), "assistant", json!(null)),
        flat("a4", json!("q2"), "assistant", json!(0.0)),
        flat("q3", json!("a2"), "prompter", json!(null)),
        flat("x", json!("gone"), "assistant", json!(null)),
        flat("q1", json!(null), "prompter", json!(null)),
    ];
    let found = read("f.jsonl", &lines.join("\n"), false).unwrap();
    assert_eq!((found.shape, ways(&found)), (Shape::TreeMessages, vec!["q1 a2 q2 a4".to_owned()]));
    let faults: Vec<String> = found.faults.iter().map(Fault::to_string).collect();
    assert_eq!(faults, ["8: parent_id: there is no message `gone`", "9: message_id: `q1` stands twice"]);
    assert_eq!(ways(&read("f.jsonl", &lines.join("\n"), true).unwrap()), all);
}

#[test]
fn pairs_and_tasks() {
    let pair = r#"{"template": "t", "prompt": "q ", "completion": " a"}"#;
    let found = read("p.jsonl", pair, false).unwrap();
    assert_eq!(
        (found.shape, turns(&found.conversations[0])),
        (Shape::Pairs, vec!["user: q".to_owned(), "assistant: a".to_owned()])
    );
    assert_eq!(found.conversations[0].task, "t");
    let task = json!({"id": "s", "name": "n", "instruction": "I", "instances": [{"input": "", "output": "1"}, {"input": "x", "output": "2"}], "is_classification": false});
    let found = read("t.jsonl", &task.to_string(), false).unwrap();
    assert_eq!(found.shape, Shape::Tasks);
    assert_eq!(turns(&found.conversations[1]), ["user: I\nx", "assistant: 2"]);
    assert_eq!(found.conversations[1].id, "s.1");
}

#[test]
fn files_that_are_nothing_say_so() {
    let check = |text: &str, expected: &str| {
        let error = read("x.json", text, false).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("", "no conversations in");
    check("[]", "no conversations in");
    check("[\n{\"instruction\": \"a\", \"output\": \"b\"},\n{\"instruction\": }]", "x.json:3: no JSON");
    check("[{\"instruction\": \"a\", \"output\": \"b\"}", "the list is not closed");
    check("{\"text\": \"a\"}", "fields are text");
    check("{\"chosen\": \"a\", \"rejected\": \"b\"}", "onto align");
    check("{\"instruction\": \"a\", \"output\": \"\"}", "message 2: the turn (assistant) is empty");
    check("[1, 2]", "no conversations in");
    assert!(
        import(Path::new("/nowhere.json"), &ImportOptions::default())
            .unwrap_err()
            .to_string()
            .contains("/nowhere.json")
    );
    let found = read("l.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n\u{7f}\n[1]\n", false).unwrap();
    assert_eq!(found.faults.len(), 2);
}

/// The published sets, where they are present.
#[test]
fn published_sets_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let sets = [
        ("instruct/alpaca_en_demo.json.zst", Shape::Alpaca, 999),
        ("instruct/glaive_toolcall_zh_demo.json.zst", Shape::ShareGpt, 300),
        ("instruct/seed_tasks.jsonl", Shape::Tasks, 175),
        ("tool-use/reason_tool_use_demo_50.jsonl", Shape::Messages, 50),
    ];
    for (name, shape, records) in sets {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("{} is absent: passed over", path.display());
            continue;
        }
        let found = import(&path, &ImportOptions::default()).unwrap();
        assert_eq!((found.shape, found.records), (shape, records), "{name}");
        assert!(found.conversations.len() * 10 >= records * 9, "{name}: {:?}", found.faults.first());
    }
}
