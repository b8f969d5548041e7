//! Templates written for the purpose, rendered by jinja2 as promptsource does (`oracle/prompts.py`), and by hand.

use std::path::Path;

use serde_json::json;

use super::*;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/prompts_golden.json")).unwrap()
}

fn library(text: &str) -> Library {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.yaml");
    std::fs::write(&path, text).unwrap();
    Library::load(&path).unwrap()
}

fn record(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

#[test]
fn templates_are_filled_as_promptsource_does() {
    let golden = golden();
    let library = library(golden["yaml"].as_str().unwrap());
    assert_eq!(library.faults, [""; 0]);
    let mut filled = 0;
    for case in golden["cases"].as_array().unwrap() {
        let template = library.of("", case["name"].as_str()).next().unwrap();
        let found = template.apply(record(&golden["records"][case["record"].as_u64().unwrap() as usize]), &Rng::new(1));
        match case["parts"].as_array() {
            None => assert!(found.is_err(), "{case}"),
            Some(parts) => {
                let found = found.unwrap().unwrap_or_default();
                let ours: Vec<&String> = [&found.prompt].into_iter().chain(&found.targets).collect();
                assert_eq!(json!(ours), json!(parts), "{case}");
                assert_eq!(json!(found.choices), case["choices"], "{case}");
                filled += 1;
            }
        }
    }
    assert_eq!(filled, 20);
}

#[test]
fn what_a_template_says_of_itself_is_read() {
    let golden = golden();
    let library = library(golden["yaml"].as_str().unwrap());
    let template = library.of("own/part", Some("label")).next().unwrap();
    assert_eq!(
        (template.metrics.as_slice(), template.languages.as_slice()),
        (&["Accuracy".to_owned()][..], &["en".to_owned()][..])
    );
    assert!(template.choices_in_prompt && template.original_task);
    assert_eq!(library.of("other", None).count(), 0);
    let text = "templates:\n  a: !Template\n    name: broken\n    jinja: '{% if %}'\n  b: !Template\n    name: none\n  c: !Template\n    name: fine\n    jinja: x\n";
    let found = self::library(text);
    assert_eq!(found.templates.len(), 1);
    assert!(found.faults[0].contains(":4: template broken is no Jinja"), "{:?}", found.faults);
    assert!(found.faults[1].contains("template b has no jinja"), "{:?}", found.faults);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.yaml"), "a: [").unwrap();
    assert!(Library::load(dir.path()).unwrap_err().to_string().contains("x.yaml:"));
    assert!(Library::load(Path::new("/nowhere.yaml")).is_err());
}

#[test]
fn instances_turned_round_lose_nothing() {
    let golden = golden();
    let library = library(golden["yaml"].as_str().unwrap());
    let template = library.of("", Some("label")).next().unwrap();
    let applied = template.apply(record(&golden["records"][0]), &Rng::new(1)).unwrap().unwrap();
    let inverted = applied.inverted().unwrap();
    let (request, answer) = (&inverted.messages[0].content, &inverted.messages[1].content);
    assert_eq!(answer, golden["records"][0]["text"].as_str().unwrap().trim());
    assert!(request.contains("[text]") && !request.contains(answer.as_str()) && request.contains(&applied.targets[0]));
    assert!(request.contains(&applied.prompt.replace(answer.as_str(), "[text]")));

    let pair = Conversation {
        messages: vec![Message::user("q\n\nr"), Message::assistant("a\n\nb")],
        ..Conversation::default()
    };
    let inverted = invert(&pair).unwrap();
    assert_eq!(inverted.messages[1].content, "q\n\nr");
    assert_eq!(restore(&inverted).unwrap(), pair);
    let chinese = Conversation {
        messages: vec![Message::user("写诗"), Message::assistant("灯笼照着河水。")],
        ..Conversation::default()
    };
    assert!(invert(&chinese).unwrap().messages[0].content.starts_with("写一条指令"));
    assert_eq!(restore(&invert(&chinese).unwrap()).unwrap(), chinese);
    let long =
        Conversation { messages: [pair.messages.clone(), pair.messages.clone()].concat(), ..Conversation::default() };
    assert_eq!(invert(&long), None);

    let shown = with_examples(&applied, std::slice::from_ref(&applied));
    assert!(shown.prompt.starts_with(&format!("{}\n{}\n\n", applied.prompt, applied.targets[0])));
    assert!(shown.prompt.ends_with(&applied.prompt));
    assert_eq!(shown.prompt[shown.fields[0].0.clone()], applied.prompt[applied.fields[0].0.clone()]);
}

#[test]
fn records_cannot_end_a_prompt() {
    let library = library("templates:\n  a: !Template\n    name: a\n    jinja: '{{ x }} ||| {{ y }}'\n");
    let apply = |value: Value| library.templates[0].apply(record(&value), &Rng::new(1));
    let found = apply(json!({"x": "a ||| b", "y": "c"})).unwrap().unwrap();
    assert_eq!((found.prompt.as_str(), found.targets.as_slice()), ("a ||| b", &["c".to_owned()][..]));
    assert!(apply(json!({"x": "a", "answer_choices": []})).is_err());
    assert_eq!(apply(json!({"x": "a"})).unwrap().unwrap().conversation(), None);
}

/// The published library, where it is present.
#[test]
fn the_published_library_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/prompt-templates/promptsource-templates.tar.zst");
    if !path.exists() {
        eprintln!("{} is absent: passed over", path.display());
        return;
    }
    let library = Library::load(&path).unwrap();
    assert_eq!((library.templates.len(), library.faults.len()), (2085, 0), "{:?}", library.faults.first());
    assert!(library.of("super_glue/cb", None).count() > 3);
}
