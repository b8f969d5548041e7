//! A tokenizer of the kind that encoders have, made of a few words.

/// `tokenizer.json` of a WordPiece vocabulary: the five special tokens of BERT (0 to 4), then `words`.
pub fn wordpiece(words: &[&str]) -> String {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let added: Vec<String> = special
        .iter()
        .enumerate()
        .map(|(id, content)| {
            format!(
                r#"{{"id":{id},"content":"{content}","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#
            )
        })
        .collect();
    let entry = |(id, word): (usize, &&str)| format!("\"{word}\":{id}");
    let vocabulary: Vec<String> = special.iter().chain(words).enumerate().map(entry).collect();
    format!(
        r###"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{}],
"normalizer":{{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}},
"pre_tokenizer":{{"type":"BertPreTokenizer"}},
"post_processor":{{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}},
"decoder":{{"type":"WordPiece","prefix":"##","cleanup":true}},
"model":{{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{{{}}}}}}}"###,
        added.join(","),
        vocabulary.join(",")
    )
}
