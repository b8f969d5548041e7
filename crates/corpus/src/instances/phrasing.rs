//! How the tasks are asked, in English and Chinese, in several wordings each.

use lang::rng::Rng;

/// No wording is longer than this, in characters.
pub(super) const LONGEST: usize = 60;

fn choose(
    english: &'static [&'static str],
    chinese: &'static [&'static str],
    is_chinese: bool,
    rng: &mut Rng,
) -> String {
    (*rng.choose(if is_chinese { chinese } else { english })).to_string()
}

/// Asks for the next sentences of `text`.
pub(super) fn continue_text(text: &str, is_chinese: bool, rng: &mut Rng) -> String {
    let wording = choose(
        &["Continue this text:\n{}", "Go on with this text:\n{}", "What comes next?\n{}"],
        &["续写这段文字：\n{}", "请接着写下去：\n{}", "接下来会怎样？\n{}"],
        is_chinese,
        rng,
    );
    wording.replace("{}", text)
}

/// Asks for the first sentence of `text`.
pub(super) fn first_sentence(text: &str, is_chinese: bool, rng: &mut Rng) -> String {
    let wording = choose(
        &["What is the first sentence of this text?\n{}", "Copy the first sentence of this text:\n{}"],
        &["这段文字的第一句话是什么？\n{}", "抄写这段文字的第一句话：\n{}"],
        is_chinese,
        rng,
    );
    wording.replace("{}", text)
}

/// Asks for the sentence after `sentence` in `text`.
pub(super) fn next_sentence(text: &str, sentence: &str, is_chinese: bool, rng: &mut Rng) -> String {
    let wording = choose(
        &["{}\nWhich sentence comes right after \"{s}\"?", "{}\nWhat comes after this sentence in the text?\n{s}"],
        &["{}\n“{s}”的下一句是什么？", "{}\n在这段文字里，下面这句话之后是哪一句？\n{s}"],
        is_chinese,
        rng,
    );
    // The text goes in last: it could contain the other mark.
    wording.replace("{s}", sentence).replacen("{}", text, 1)
}

/// Asks for a text with `words`.
pub(super) fn words(words: &[String], is_chinese: bool, rng: &mut Rng) -> String {
    let wording = choose(
        &["Write a text with the words: {}.", "Write a short text that uses these words: {}."],
        &["用这些词写一段文字：{}。", "请用下面的词语写一小段话：{}。"],
        is_chinese,
        rng,
    );
    wording.replace("{}", &words.join(if is_chinese { "、" } else { ", " }))
}
