//! Against transformers: the golden file of `oracle/chat.py`, made with templates in the manner of well-known families.

use serde_json::json;

use super::*;
use crate::tokenizer::tests::trained;

fn golden() -> Json {
    serde_json::from_str(include_str!("../../tests/data/chat_golden.json")).unwrap()
}

fn named(golden: &Json) -> Vec<(String, String)> {
    let fields = golden["named"].as_object().unwrap();
    fields.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn messages<'a>(golden: &'a Json, case: &Json) -> &'a [Json] {
    golden["conversations"][case["conversation"].as_str().unwrap()].as_array().unwrap()
}

fn template(golden: &Json, case: &Json) -> ChatTemplate {
    let source = golden["templates"][case["template"].as_str().unwrap()].as_str().unwrap();
    ChatTemplate::new(source, named(golden)).unwrap()
}

#[test]
fn features_are_python_s() {
    let golden = golden();
    let context = &golden["context"];
    let mut variables = context.as_object().unwrap().clone();
    let mut take = |name: &str| variables.remove(name).unwrap().as_array().unwrap().clone();
    let (messages, tools, documents) = (take("messages"), take("tools"), take("documents"));
    variables.remove("add_generation_prompt");
    let options = ChatOptions {
        tools: Some(tools),
        documents: Some(documents),
        add_generation_prompt: true,
        variables,
        ..ChatOptions::default()
    };
    for case in golden["features"].as_array().unwrap() {
        let source = case["template"].as_str().unwrap();
        let found = ChatTemplate::new(source, Vec::new()).and_then(|template| {
            let text = template.render_json(&messages, &options)?;
            // Marks change nothing and every message that is written is followed.
            let placed = template.place(&messages, &options, &|_| false)?;
            assert_eq!((&placed.text, placed.unplaced), (&text, Vec::new()), "{source}");
            Ok(text)
        });
        match case["text"].as_str() {
            Some(expected) => assert_eq!(found.unwrap(), expected, "{source}"),
            None => assert!(found.is_err(), "{source}: {found:?}"),
        }
    }
}

#[test]
fn conversations_are_rendered_as_transformers_does() {
    let golden = golden();
    let list = |name: &str| golden[name].as_array().cloned();
    for case in golden["cases"].as_array().unwrap() {
        let options = ChatOptions {
            tools: list("tools").filter(|_| case["tools"] == true),
            documents: list("documents").filter(|_| case["template"] == "documents"),
            add_generation_prompt: case["prompt"] == true,
            continue_final_message: false,
            variables: case["variables"].as_object().unwrap().clone(),
        };
        let place = format!("{} {} {options:?}", case["template"], case["conversation"]);
        let template = template(&golden, case);
        let found = template.render_json(messages(&golden, case), &options);
        match (case["text"].as_str(), case["refused"].as_str()) {
            (Some(expected), _) => {
                assert_eq!(found.unwrap(), expected, "{place}");
                let placed = template.place(messages(&golden, case), &options, &|_| false).unwrap();
                assert_eq!(placed.unplaced, [0; 0], "{place}");
                let blocks = placed.generation.iter().map(|block| &placed.text[block.clone()]);
                assert_eq!(json!(blocks.collect::<Vec<_>>()), *case.get("generation").unwrap_or(&json!([])), "{place}");
            }
            (None, Some(said)) => {
                assert!(
                    matches!(&found, Err(ChatError::Refused { message, .. }) if message == said),
                    "{place} {found:?}"
                );
            }
            (None, None) => assert!(matches!(found, Err(ChatError::Template { .. })), "{place}"),
        }
    }
}

#[test]
fn final_messages_are_continued_as_transformers_does() {
    let golden = golden();
    let options = ChatOptions { continue_final_message: true, ..ChatOptions::default() };
    for case in golden["continued"].as_array().unwrap() {
        let found = template(&golden, case).render_json(messages(&golden, case), &options);
        match case["text"].as_str() {
            Some(expected) => assert_eq!(found.unwrap(), expected, "{case}"),
            None => assert!(found.is_err(), "{case} {found:?}"),
        }
    }
    let both = ChatOptions { add_generation_prompt: true, ..options };
    assert!(ChatTemplate::chatml().render_json(&[json!({"role": "user", "content": "q"})], &both).is_err());
}

#[test]
fn generation_blocks_give_the_masks_of_transformers() {
    let golden = golden();
    let tokenizer = trained("single_digits");
    let mut seen = 0;
    for case in golden["masks"].as_array().unwrap() {
        let template = template(&golden, case);
        let loss = LossOptions::default();
        let found = template.encode_training(&tokenizer, messages(&golden, case), &ChatOptions::default(), &loss);
        // A turn that only calls tools is left out by the first template; transformers trains on what is left.
        let found = match found {
            Err(ChatError::Changed { .. } | ChatError::Dropped { .. }) => {
                assert_eq!(case["template"], "tagged");
                continue;
            }
            found => found.unwrap(),
        };
        assert_eq!(json!(found.ids), case["ids"], "{case}");
        let mask: Vec<u8> = found.is_target.iter().map(|&is_target| is_target.into()).collect();
        assert_eq!(json!(mask), case["mask"], "{case}");
        seen += 1;
    }
    assert!(seen > 6);
}
