//! Which language a text is in, by script and, where a script serves many languages, by the runs of letters in its words.
//!
//! Scripts are counted first: Han, kana, hangul, Devanagari, Greek, … say the language alone. For Latin, Cyrillic and Arabic letters a
//! linear model over hashed runs of one to five letters (the ends of words count as letters) and whole words answers, as fastText's
//! identifier does (arXiv 1607.01759). It was trained by `oracle/langid.py` on translated documentation in Debian packages, and its
//! answers are chances: `oracle/langid.py` prints how often answers of each confidence are right.
//!
//! Of a long text some windows are looked at, so the time is bounded.

mod han;
mod model;
pub(crate) mod scripts;

use scripts::{Script, Scripts};

pub use model::LANGUAGES;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// ISO 639-1 code; `None`: there is nothing to tell it by.
    pub lang: Option<&'static str>,
    /// Chance that most of the text is in that language, 0 to 1.
    pub confidence: f64,
    /// `Hans` or `Hant` for Chinese, where the characters tell.
    pub script: Option<&'static str>,
    /// The language of the second script in the text, where it has a tenth of the text or more.
    pub second: Option<&'static str>,
    /// Share of the text in the first script.
    pub share: f64,
}

/// Nothing to tell a language by.
const NOTHING: Guess = Guess { lang: None, confidence: 0.0, script: None, second: None, share: 0.0 };

/// Bytes of a window of a long text.
const WINDOW: usize = 128;
/// Windows whose scripts are counted; every fourth is read by the model.
const WINDOWS: usize = 16;
/// Bytes of a text that the model reads whole.
const SHORT: usize = 512;

/// The pieces of a text that are looked at, and those of them that the model reads.
fn windows(text: &str) -> (Vec<&str>, Vec<&str>) {
    let cut = |from: usize, length: usize| {
        let floor = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(from), floor((from + length).min(text.len())));
        // A word that is cut in front is left out, where there are spaces.
        let piece = &text[start..end];
        match piece.find(' ') {
            Some(space) if start > 0 && space < length / 2 => &piece[space..],
            _ => piece,
        }
    };
    if text.len() <= SHORT {
        return (vec![text], vec![text]);
    }
    if text.len() <= WINDOW * WINDOWS {
        let read = (0..4).map(|n| cut(n * (text.len() - WINDOW) / 3, WINDOW)).collect();
        return (vec![text], read);
    }
    let all: Vec<&str> = (0..WINDOWS).map(|n| cut(n * (text.len() - WINDOW) / (WINDOWS - 1), WINDOW)).collect();
    let read = all.iter().skip(1).step_by(4).copied().collect();
    (all, read)
}

/// The language of `text`.
pub fn identify(text: &str) -> Guess {
    let (looked_at, read) = windows(text);
    let mut scripts = Scripts::default();
    looked_at.iter().for_each(|piece| scripts.count(piece));
    let order = scripts.by_weight();
    let Some(&(first, share)) = order.first() else { return NOTHING };
    let (lang, chance) = language(first, &scripts, &read);
    let second =
        order.get(1).filter(|(_, share)| *share >= 0.1).map(|&(script, _)| language(script, &scripts, &read).0);
    // A text that is half another's is not surely in this one.
    let confidence = chance * (0.5 + 0.5 * share);
    Guess {
        lang: Some(lang),
        confidence,
        script: if lang == "zh" { han::variant(looked_at.iter().copied()) } else { None },
        second: second.filter(|second| *second != lang),
        share,
    }
}

/// The language of the letters in one script, and its chance.
fn language(script: Script, scripts: &Scripts, read: &[&str]) -> (&'static str, f64) {
    match script {
        Script::Latin | Script::Cyrillic | Script::Arabic => model::best(script, read),
        Script::Han => ("zh", 0.99),
        Script::Japanese => ("ja", 0.99),
        Script::Hangul => ("ko", 0.99),
        Script::Other(index) => (scripts.other(index), 0.98),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        let check = |text: &str, lang: &str| {
            let guess = identify(text);
            assert_eq!(guess.lang, Some(lang), "{text}: {guess:?}");
        };
        check("The ship left the harbour before the storm had reached the coast.", "en");
        check("Der kleine Hund lief über die Straße und suchte seinen Ball im Garten.", "de");
        check("Le petit chien court dans le jardin et il cherche sa balle rouge.", "fr");
        check("El perro pequeño corre por el jardín y busca su pelota roja.", "es");
        check("Il piccolo cane corre nel giardino e cerca la sua palla rossa.", "it");
        check("O pequeno cão corre pelo jardim e procura a sua bola vermelha.", "pt");
        check("De kleine hond rent door de tuin en zoekt naar zijn rode bal.", "nl");
        check("Den lilla hunden springer genom trädgården och letar efter sin röda boll.", "sv");
        check("Mały pies biegnie przez ogród i szuka swojej czerwonej piłki.", "pl");
        check("Malý pes běží zahradou a hledá svůj červený míč, který ztratil včera.", "cs");
        check("Küçük köpek bahçede koşuyor ve kırmızı topunu arıyor.", "tr");
        check("Anjing kecil itu berlari di taman dan mencari bola merahnya.", "id");
        check("Con chó nhỏ chạy trong vườn và tìm quả bóng đỏ của nó.", "vi");
        check("Маленькая собака бежит по саду и ищет свой красный мяч.", "ru");
        check("Маленький собака біжить садом і шукає свій червоний м'яч.", "uk");
        check("小さな犬が庭を走って、赤いボールを探しています。", "ja");
        check("작은 개가 정원을 뛰어다니며 빨간 공을 찾고 있습니다.", "ko");
        check("الكلب الصغير يجري في الحديقة ويبحث عن كرته الحمراء.", "ar");
        check("छोटा कुत्ता बगीचे में दौड़ रहा है और अपनी लाल गेंद ढूंढ रहा है।", "hi");
        check("Ο μικρός σκύλος τρέχει στον κήπο και ψάχνει την μπάλα του.", "el");
    }

    #[test]
    fn chinese_has_its_characters_told_and_mixed_texts_their_second_language() {
        let simplified = identify("这只小狗在花园里跑来跑去，寻找它的红色皮球。我们还没有听说过这件事。");
        assert_eq!((simplified.lang, simplified.script), (Some("zh"), Some("Hans")));
        let traditional = identify("這隻小狗在花園裡跑來跑去，尋找牠的紅色皮球。我們還沒有聽說過這件事。");
        assert_eq!((traditional.lang, traditional.script), (Some("zh"), Some("Hant")));
        let mixed =
            identify("今天我们学习 the history of computing，下一课是 programming languages and their compilers。");
        assert_eq!((mixed.lang, mixed.second), (Some("en"), Some("zh")));
        assert!(mixed.confidence < simplified.confidence);
        assert_eq!(identify("12 + 30 = 42!").lang, None);
        assert_eq!(identify(""), NOTHING);
    }

    #[test]
    fn long_texts_are_read_in_windows_of_whole_characters() {
        let long = "Ein langer Satz über die Größe der Häuser und die Straßen der Stadt. ".repeat(3000);
        assert_eq!(identify(&long).lang, Some("de"));
        let unspaced = "花园里的红色皮球".repeat(5000);
        assert_eq!(identify(&unspaced).lang, Some("zh"));
        for length in 500..530 {
            assert!(identify(&"é".repeat(length)).lang.is_some());
        }
    }
}
