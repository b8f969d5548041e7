//! Which language a document is in, by evidence that does not fail on short texts full of invented names or numbers:
//! the script, then function words, and letter statistics (`whatlang`) only where a long text has neither.
//!
//! A document is dropped on evidence *for* another language, never for lack of evidence: a sum, a list of names or a
//! line of noise stays here (noise is the next rule's business).

use whatlang::Lang;

use super::letter_pairs::is_implausible;
use super::stage::{Drop, Stage};
use super::statistics::noise_in_any_language;
use super::{CleanConfig, LanguageConfig};
use crate::langid::scripts::{Script, is_japanese, language_of_letter, of_letter};
use crate::text::words::{ENGLISH, LANGUAGES, languages_of};
use crate::text::{TokenKind, is_han, is_hangul, is_kana, is_latin, tokens};

/// Characters of a document that are looked at: enough to tell, and a bound for huge documents.
const LOOK_AT: usize = 20_000;
/// Letter statistics are trusted from this many letters on.
const MIN_LETTERS_FOR_STATISTICS: usize = 40;
/// … or this many where many are accented.
const MIN_LETTERS_WITH_ACCENTS: usize = 24;

/// What the evidence says.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// ISO 639-1 code; `None`: the evidence does not say.
    pub lang: Option<&'static str>,
    /// How far the evidence is on one side, from 0 (there is none) to 1 (none is on the other).
    pub confidence: f64,
    /// What was measured.
    pub evidence: String,
}

/// Letters of a text by script.
#[derive(Debug, Default)]
struct Scripts {
    latin: usize,
    han: usize,
    kana: usize,
    hangul: usize,
    others: Vec<(&'static str, usize)>,
}

/// The language that most text in the script of a letter is in; signs that only one language has stand for it.
fn language_of(c: char) -> Option<&'static str> {
    Some(match (of_letter(c), c) {
        (Some(Script::Cyrillic), 'і' | 'ї' | 'є' | 'ґ') => "uk",
        (Some(Script::Cyrillic), _) => "ru",
        (Some(Script::Arabic), 'پ' | 'چ' | 'ژ' | 'گ') => "fa",
        (Some(Script::Arabic), _) => "ar",
        _ => return language_of_letter(c),
    })
}

impl Scripts {
    fn count(text: &str) -> Self {
        let mut scripts = Scripts::default();
        for c in text.chars() {
            if is_latin(c) {
                scripts.latin += 1;
            } else if c.is_ascii() {
            } else if is_han(c) {
                scripts.han += 1;
            } else if is_kana(c) {
                scripts.kana += 1;
            } else if is_hangul(c) {
                scripts.hangul += 1;
            } else if c.is_alphabetic() {
                let Some(lang) = language_of(c) else { continue };
                match scripts.others.iter_mut().find(|(l, _)| *l == lang) {
                    Some((_, count)) => *count += 1,
                    None => scripts.others.push((lang, 1)),
                }
            }
        }
        scripts
    }

    fn letters(&self) -> usize {
        self.latin + self.han + self.kana + self.hangul + self.others.iter().map(|(_, n)| n).sum::<usize>()
    }

    /// Language and weight of each script, the weightiest first. A Han character says as much as two or three Latin
    /// letters.
    fn weights(&self) -> Vec<(&'static str, f64)> {
        let (chinese, japanese) =
            if is_japanese(self.kana, self.han) { (0, self.han + self.kana) } else { (self.han, self.kana) };
        let mut weights = vec![("", self.latin as f64), ("zh", 2.5 * chinese as f64), ("ja", 2.0 * japanese as f64)];
        weights.push(("ko", 2.0 * self.hangul as f64));
        // Signs that only one language has stand for their whole script.
        let cyrillic: usize = self.others.iter().filter(|(l, _)| matches!(*l, "ru" | "uk")).map(|(_, n)| n).sum();
        let arabic: usize = self.others.iter().filter(|(l, _)| matches!(*l, "ar" | "fa")).map(|(_, n)| n).sum();
        let of = |lang: &str| self.others.iter().find(|(l, _)| *l == lang).map_or(0, |(_, n)| *n);
        weights.push((if of("uk") * 50 > cyrillic { "uk" } else { "ru" }, cyrillic as f64));
        weights.push((if of("fa") * 50 > arabic { "fa" } else { "ar" }, arabic as f64));
        for &(lang, count) in self.others.iter().filter(|(l, _)| !matches!(*l, "ru" | "uk" | "ar" | "fa")) {
            weights.push((lang, count as f64));
        }
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        weights
    }
}

/// Identifies the language of `text`.
pub fn identify(text: &str, config: &LanguageConfig) -> Guess {
    let text = match text.char_indices().nth(LOOK_AT) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let scripts = Scripts::count(text);
    let letters = scripts.letters();
    // Latin and Han letters serve many languages; a handful of any other script says which it is.
    let telling = letters - scripts.latin - scripts.han;
    if letters < config.min_letters && telling * 2 < config.min_letters {
        let lang = (scripts.han * 2 > letters).then_some("zh");
        return Guess { lang, confidence: 0.0, evidence: format!("{letters} letters are too few to judge") };
    }
    let weights = scripts.weights();
    let total: f64 = weights.iter().map(|(_, w)| w).sum();
    let wanted = |lang: &str| config.allowed.iter().any(|allowed| allowed == lang);
    let (first, weight) = weights[0];
    if first.is_empty() {
        let guess = latin_language(text, config);
        // Names and terms in Latin letters can outweigh the sentence around them.
        let other = weights.iter().skip(1).find(|(lang, w)| !wanted(lang) && *w > 0.25 * total);
        return match (guess.lang, other) {
            (None, Some((lang, w))) => script_guess(lang, w / total),
            _ => guess,
        };
    }
    // A text half in a wanted script (parallel sentences, quotations) counts as wanted.
    let zh = weights.iter().find(|(lang, _)| *lang == "zh").map_or(0.0, |(_, w)| *w);
    let latin = weights.iter().find(|(lang, _)| lang.is_empty()).map_or(0.0, |(_, w)| *w);
    if first != "zh" && wanted("zh") && zh > 0.4 * total {
        return script_guess("zh", zh / total);
    }
    if !wanted(first) && latin > 0.4 * total {
        let guess = latin_language(text, config);
        if guess.lang.is_some() {
            return guess;
        }
    }
    script_guess(first, weight / total)
}

fn script_guess(lang: &'static str, share: f64) -> Guess {
    Guess { lang: Some(lang), confidence: share, evidence: format!("{share:.2} of the letters are in its script") }
}

/// The language of a text in Latin letters: by function words, else by letter statistics.
fn latin_language(text: &str, config: &LanguageConfig) -> Guess {
    let mut words = 0usize;
    let (mut implausible, mut capitals) = (0usize, 0usize);
    let mut masks: Vec<u32> = Vec::new();
    for token in tokens(text) {
        if token.kind == TokenKind::Word {
            words += 1;
            capitals += usize::from(token.text.starts_with(char::is_uppercase));
            // Capital letters alone are initials, symbols and marks, not the Czech or Polish words they look like.
            let sign = token.text.len() == 1
                && token.text != "I"
                && token.text != "A"
                && token.text.starts_with(char::is_uppercase);
            let mask = if sign { 0 } else { languages_of(token.hash()) };
            if mask != 0 {
                masks.push(mask);
            } else {
                implausible += usize::from(is_implausible(token.text));
            }
        }
    }
    let english = masks.iter().filter(|&&m| m & ENGLISH != 0).count();
    // For each other language: words that only it has against words that only English has.
    let mut best: (usize, usize, usize) = (0, 0, usize::MAX);
    for bit in 1..LANGUAGES.len() {
        let own = masks.iter().filter(|&&m| m & (1 << bit) != 0 && m & ENGLISH == 0).count();
        let against = masks.iter().filter(|&&m| m & (1 << bit) == 0 && m & ENGLISH != 0).count();
        if own > best.1 || (own == best.1 && against < best.2) {
            best = (bit, own, against);
        }
    }
    let (bit, own, against) = best;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let foreign_letters = text.chars().filter(|c| is_latin(*c) && !c.is_ascii()).count();
    let accented = foreign_letters * 33 > letters;
    let share = |count: usize| count as f64 / words.max(1) as f64;
    // Function words on one side against those on the other.
    let lead = |most: usize, others: usize| most as f64 / (most + others).max(1) as f64;
    // Two foreign function words may be a name or a quotation ("El Dorado", "de la Cruz").
    if own >= 3 && own > 2 * against && share(own) >= 0.08 {
        let evidence = format!("{own} of {words} words are its function words, {against} are English ones");
        return Guess { lang: Some(LANGUAGES[bit]), confidence: lead(own, against), evidence };
    }
    // `a`, `by` and `to` are words of other languages too; among accents they are no evidence.
    if english >= 1 && share(english) >= 0.05 && (against >= 1 || !accented) {
        let evidence = format!("{english} of {words} words are English function words");
        return Guess { lang: Some("en"), confidence: lead(english, own), evidence };
    }
    // Lists of names are capitals all over, and have "de la" and "von" in them.
    let names = share(capitals) > 0.5;
    if own >= 2 && against == 0 && !names && (words >= 6 || accented) && share(own) >= 0.1 {
        let evidence = format!("{own} of {words} words are its function words, {against} are English ones");
        return Guess { lang: Some(LANGUAGES[bit]), confidence: lead(own, against), evidence };
    }
    // Noise resembles some language or other: letter statistics are asked only about texts that look like words.
    let word_like = share(implausible) < 0.2 || accented;
    let enough = if accented { MIN_LETTERS_WITH_ACCENTS } else { MIN_LETTERS_FOR_STATISTICS };
    let info = if letters >= enough && word_like && !names { whatlang::detect(text) } else { None };
    if let Some(info) = info {
        // Accents on every word or two are evidence enough that it is not English.
        let confident = info.is_reliable() && info.confidence() >= config.min_confidence;
        if confident || (accented && info.lang() != Lang::Eng) {
            let evidence = format!("letter statistics, confidence {:.2}", info.confidence());
            return Guess { lang: two_letter_code(info.lang()), confidence: info.confidence(), evidence };
        }
    }
    let evidence = format!("{english} English function words in {words}, no other evidence");
    Guess { lang: (english > 0).then_some("en"), confidence: share(english), evidence }
}

/// ISO 639-1 code of the languages `whatlang` knows in Latin script; the first two letters of its code else.
fn two_letter_code(lang: Lang) -> Option<&'static str> {
    Some(match lang {
        Lang::Eng => "en",
        Lang::Cmn => "zh",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "no",
        Lang::Fin => "fi",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Tur => "tr",
        Lang::Ind => "id",
        Lang::Vie => "vi",
        Lang::Lat => "la",
        Lang::Cat => "ca",
        Lang::Est => "et",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Afr => "af",
        Lang::Jav => "jv",
        Lang::Tgl => "tl",
        Lang::Epo => "eo",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Aka => "ak",
        Lang::Aze => "az",
        Lang::Tuk => "tk",
        Lang::Uzb => "uz",
        _ => return None,
    })
}

/// The language of a text, where it is told in favour of dropping or keeping it. What is noise in every language is the
/// next rule's: symbols and "la la la" resemble some language or other.
pub(crate) fn judge(text: &str, config: &CleanConfig) -> Guess {
    let guess = identify(text, &config.language);
    let foreign = guess.lang.is_some_and(|lang| !config.language.allowed.iter().any(|allowed| allowed == lang));
    if foreign && config.statistics.enabled && noise_in_any_language(text, &config.statistics).is_some() {
        return Guess { lang: None, confidence: 0.0, evidence: guess.evidence };
    }
    guess
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    let config = stage.config;
    let guesses = stage.map(|document| judge(&document.text, config));
    for (index, guess) in guesses {
        let Some(lang) = guess.lang else { continue };
        if stage.config.language.allowed.iter().any(|allowed| allowed == lang) {
            stage.documents[index].lang.get_or_insert_with(|| lang.to_string());
        } else {
            stage.drop(index, Drop { reason: format!("{lang}: {}", guess.evidence), duplicate_of: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(text: &str) -> Option<&'static str> {
        identify(text, &LanguageConfig::default()).lang
    }

    #[test]
    fn wanted_languages_stay() {
        for text in [
            "Velmora and Tarnis went to the market in Qaldor.",
            "Zorbin Kellak Marrowyn Thessaly Quillon",
            "47 + 38 = 85. 12 + 9 = 21.",
            "Maria de la Cruz lives in El Paso. She likes the sea.",
            "Question: Who is older, Hans or Greta? Answer: Greta.",
            "The cat sat on the mat. 猫坐在垫子上。",
            "Translate to Chinese: the moon. 月亮",
            "{\"name\": \"Ann\", \"age\": 7, \"city\": \"Brinmoor\"}",
        ] {
            assert!(matches!(lang(text), None | Some("en" | "zh")), "{text}: {:?}", lang(text));
        }
        for text in
            ["小明有3个苹果，又买了5个，一共有8个。", "李华，王芳，张伟", "我喜欢 Python 和 Rust 编程。", "答案：12"]
        {
            assert_eq!(lang(text), Some("zh"), "{text}");
        }
    }

    #[test]
    fn other_languages_are_named() {
        let check = |text: &str, code: &str| assert_eq!(lang(text), Some(code), "{text}");
        check("Der kleine Hund lief über die Straße und suchte seinen Ball im Garten.", "de");
        check("Le petit chien court dans le jardin et il cherche sa balle rouge.", "fr");
        check("El perro pequeño corre por el jardín y busca su pelota roja.", "es");
        check("Il piccolo cane corre nel giardino e cerca la sua palla rossa.", "it");
        check("O pequeno cão corre pelo jardim e procura a sua bola vermelha.", "pt");
        check("De kleine hond rent door de tuin en zoekt naar zijn rode bal.", "nl");
        check("Маленькая собака бежит по саду и ищет свой красный мяч.", "ru");
        check("小さな犬が庭を走って、赤いボールを探しています。", "ja");
        check("작은 개가 정원을 뛰어다니며 빨간 공을 찾고 있습니다.", "ko");
        check("الكلب الصغير يجري في الحديقة ويبحث عن كرته الحمراء.", "ar");
        check("Ο μικρός σκύλος τρέχει στον κήπο και ψάχνει την μπάλα του.", "el");
    }
}
