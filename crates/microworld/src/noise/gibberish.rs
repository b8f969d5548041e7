//! Text in no language: random letters, keyboard mash, symbol soup, broken encodings, endless repetition.

use lang::rng::Rng;

/// The registry of kinds.
const KINDS: &[fn(&mut Rng) -> String] = &[random_letters, keyboard, symbols, mojibake, repetition, encoded];

/// A gibberish text of some hundred characters in one or more lines.
pub(crate) fn generate(rng: &mut Rng) -> String {
    let kind = rng.choose(KINDS);
    let lines = 1 + rng.index(4);
    let text: Vec<String> = (0..lines).map(|_| kind(rng)).collect();
    text.join("\n")
}

fn from_alphabet(rng: &mut Rng, alphabet: &str, length: usize) -> String {
    let characters: Vec<char> = alphabet.chars().collect();
    (0..length).map(|_| *rng.choose(&characters)).collect()
}

fn words_of(rng: &mut Rng, alphabet: &str, longest: usize) -> String {
    let count = 30 + rng.index(60);
    let words: Vec<String> = (0..count)
        .map(|_| {
            let length = 2 + rng.index(longest);
            from_alphabet(rng, alphabet, length)
        })
        .collect();
    words.join(" ")
}

fn random_letters(rng: &mut Rng) -> String {
    words_of(rng, "abcdefghijklmnopqrstuvwxyzbcdfghjklmnpqrstvwxz", 10)
}

fn keyboard(rng: &mut Rng) -> String {
    let row = *rng.choose(&["asdfjklghasdfg", "qwertzuiopqwer", "yxcvbnmasdfjk;", "sdfgjhkl;'asd", "qweasdzxcqweasd"]);
    words_of(rng, row, 12)
}

fn symbols(rng: &mut Rng) -> String {
    words_of(rng, "!@#$%^&*()_+-=[]{}|;:,.<>?/~`\\§±¶•", 9)
}

/// UTF-8 read as Latin-1 and read again, with control pictures and replacement characters.
fn mojibake(rng: &mut Rng) -> String {
    words_of(rng, "ÃÂ©â€™œžŸ¢¬ï¿½Ð¤Ñ¥ÿþ\u{fffd}¤¦§¨®°³¼½¾æøåéèäöü", 9)
}

fn repetition(rng: &mut Rng) -> String {
    let word = *rng.choose(&[
        "buy now",
        "the",
        "test",
        "click",
        "ha",
        "lorem",
        "spam",
        "again and",
        "win",
        "la",
        "哈",
        "测试",
        "点击",
        "好的",
        "啊",
    ]);
    let gap = if word.is_ascii() { " " } else { "" };
    vec![word; 60 + rng.index(120)].join(gap)
}

fn encoded(rng: &mut Rng) -> String {
    let alphabet =
        *rng.choose(&["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "0123456789abcdef"]);
    let length = 200 + rng.index(300);
    from_alphabet(rng, alphabet, length)
}
