//! Chat templates: any bytes are an error or a template that renders within its bounds, never a panic; and where texts were
//! followed through it, they stand where it says.
#![no_main]

use lang::chat::{ChatOptions, ChatTemplate};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    // What stands behind the first NUL is what the messages say.
    let (source, said) = text.split_once('\0').unwrap_or((&text, "two <think>x</think> boats"));
    let Ok(template) = ChatTemplate::new(source, vec![("eos_token".to_owned(), "</s>".to_owned())]) else { return };
    let calls = json!([{"function": {"name": said, "arguments": {"a": [said, 1, null]}}}]);
    let messages = [
        json!({"role": "system", "content": said}),
        json!({"role": "user", "content": [{"type": "text", "text": said}]}),
        json!({"role": "assistant", "content": said, "reasoning_content": said, "tool_calls": calls}),
        json!({"role": "tool", "content": said, "name": "f"}),
        json!({"role": "assistant", "content": said}),
    ];
    for add_generation_prompt in [false, true] {
        let options = ChatOptions {
            tools: Some(vec![json!({"name": said})]),
            add_generation_prompt,
            ..ChatOptions::default()
        };
        if let Ok(placed) = template.place(&messages, &options, &|_| true) {
            for span in &placed.spans {
                assert!(!placed.text[span.range.clone()].is_empty());
            }
        }
    }
});
