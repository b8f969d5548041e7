//! What the word lists know of a capitalised word. Names come from `names/first.txt` and `names/last.txt`, ordinary
//! words from `names/common.txt` (all made by `oracle/names.py`); places, titles and words of organisations stand here.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use xxhash_rust::xxh3::Xxh3Default;

/// A set of the bits below.
pub(super) type Flags = u16;

/// A first name.
pub(super) const FIRST: Flags = 1;
/// A surname.
pub(super) const LAST: Flags = 2;
/// A name that is an ordinary word too.
pub(super) const ORDINARY: Flags = 4;
/// A word that text writes small.
pub(super) const COMMON: Flags = 8;
/// A country, a city, a nation, a month or a day.
pub(super) const PLACE: Flags = 16;
/// `Mr`, `Dr`, `Frau`, …
pub(super) const TITLE: Flags = 32;
/// A word that makes what it ends an organisation, a street or a thing.
pub(super) const THING: Flags = 64;
/// Ends as surnames do.
pub(super) const LIKE: Flags = 128;
/// One capital letter.
pub(super) const INITIAL: Flags = 256;
/// Written in capitals throughout.
pub(super) const CAPITALS: Flags = 512;

const FIRST_NAMES: &str = include_str!("names/first.txt");
const LAST_NAMES: &str = include_str!("names/last.txt");
const COMMON_WORDS: &str = include_str!("names/common.txt");

const TITLES: &str = "Mr Mrs Ms Miss Mx Dr Prof Professor Sir Dame Lady Madam Herr Frau Fräulein Herrn Mme Mlle Monsieur \
    Madame Mademoiselle Señor Señora Señorita Sr Sra Srta Don Doña Signor Signora Sig Senhor Senhora Mevrouw Meneer Dhr \
    Rev Reverend Fr Father Sister Brother Capt Captain Lt Sgt Sergeant Col Colonel Gen Judge Justice Senator Sen \
    Congressman Congresswoman Detective Inspector Officer Nurse Doctor Docteur Doktor Pan Pani Uncle Aunt Auntie Grandma Grandpa";

const PLACES: &str = "Afghanistan Africa Albania Algeria America American Americans Amsterdam Andorra Angola Ankara Antarctica Arabia Argentina \
    Arizona Armenia Arctic Asia Asian Athens Atlanta Atlantic Austin Australia Australian Austria Austrian Baghdad Bali Baltimore \
    Bangkok Bangladesh Barcelona Bavaria Bayern Beijing Belarus Belgium Belgian Berlin Bolivia Bosnia Boston Botswana Brazil Brazilian \
    Bristol Britain British Brussels Budapest Buenos Bulgaria Burma Cairo Calgary California Cambodia Cambridge Cameroon Canada Canadian \
    Caribbean Carolina Chad Charlotte Chelsea Chicago Chile China Chinese Cleveland Cologne Colombia Colorado Columbia Congo \
    Connecticut Copenhagen Cuba Cuban Cyprus Czech Dakota Dallas Damascus Darwin Delaware Delhi Denmark Danish Denver Detroit Deutschland \
    Dresden Dubai Dublin Düsseldorf Ecuador Edinburgh Egypt Egyptian England English Essex Estonia Ethiopia Eurasia Europe European \
    Fiji Finland Finnish Florence Florida France Francisco Frankfurt Français French Geneva Georgia German Germany Germans Ghana Glasgow Greece Greek \
    Greenland Guatemala Guinea Haiti Hamburg Hannover Havana Hawaii Helsinki Hindu Holland Honduras Houston Hungary Hungarian Iceland Idaho \
    Illinois India Indian Indiana Indonesia Iowa Iran Iraq Ireland Irish Islam Israel Israeli Istanbul Italy Italian Jamaica Japan \
    Japanese Jersey Jerusalem Jew Jewish Johannesburg Jordan Kansas Kazakhstan Kent Kentucky Kenya Kiev Kingston Korea Korean Kosovo Kuwait \
    Laos Latvia Lebanon Leipzig Liberia Libya Lima Lincoln Lisbon Lithuania Liverpool London Louisiana Luxembourg Lyon Madagascar Madison \
    Madrid Maine Malaysia Malta Manchester Manhattan Manila Marseille Maryland Massachusetts Mauritius Mediterranean Melbourne Memphis Mexico Mexican Miami Michigan \
    Milan Milano Minnesota Mississippi Missouri Moldova Monaco Mongolia Montana Montenegro Montreal Morocco Moscow Mozambique Mumbai Munich \
    München Muslim Myanmar Namibia Naples Nashville Nebraska Nepal Netherlands Nevada Newcastle Niger Nigeria Norfolk Norman Norway Norwegian \
    Oakland Ohio Oklahoma Oman Ontario Oregon Orlando Oslo Österreich Ottawa Oxford Pacific Pakistan Palestine Panama Paraguay Paris Pennsylvania \
    Persian Perth Peru Philadelphia Philippines Phoenix Pittsburgh Poland Polish Portland Portugal Portuguese Prague Providence Puerto Qatar Quebec Queensland \
    Rico Romania Romanian Rome Russia Russian Rwanda Sacramento Salvador Samoa Santiago Scotland Scottish Scandinavia Schweiz Seattle Senegal Serbia Seoul Shanghai \
    Siberia Sicily Singapore Slovakia Slovenia Somalia Spain Spanish Stanford Stockholm Stuttgart Sudan Sussex Sweden Swedish Switzerland Swiss Sydney \
    Syria Taiwan Tampa Tanzania Tennessee Texas Thailand Tibet Tokyo Toronto Trinidad Tunisia Turkey Turkish Uganda Ukraine Uruguay \
    Utah Valencia Vancouver Venezuela Venice Vermont Verona Victoria Vienna Vietnam Vietnamese Virginia Wales Warsaw Washington Wellington Welsh Wien \
    Windsor Winnipeg Wisconsin Worcester Wyoming Yemen York Yorkshire Zambia Zimbabwe Zurich Zürich \
    January February March April May June July August September October November December Monday Tuesday Wednesday Thursday Friday \
    Saturday Sunday Januar Februar März Mai Juni Juli Oktober Dezember Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag \
    Christmas Easter Christian Christ Jesus God Lord Bible Catholic Buddhist Latin Christians";

const THINGS: &str = "Academy Act Agency Airlines Airport Alley Apartments Archive Arena Army Association Authority Avenue Ave Award Awards Bank \
    Bar Bay Beach Board Books Boulevard Blvd Bridge Building Bureau Cafe Campus Canyon Castle Cathedral Center Centre Chapel Church City \
    Close Club Clinic College Commission Committee Company Conference Consulting Corp Corporation Council County Court Creek Crescent Cup \
    Department Depot District Drive Effect Enterprises Estate Falls Festival Financial Foundation Garden Gardens Gallery Gazette GmbH \
    Group Hall Harbor Harbour Heights Herald High Highway Hill Hills Holdings Hospital Hotel House Inc Incorporated Industries Inn Institute \
    Insurance International Island Islands Journal Junction Kingdom Laboratories Labs Lake Lane Library Limited LLC LLP Ltd Magazine Mall Market Media \
    Memorial Ministry Monument Mount Mountain Mountains Museum News Newspaper Observatory Ocean Office Orchestra Organization Palace Park Parkway \
    Partners Party Pass Peninsula Pharmacy Place Plaza Police Post Press Prize Productions Project Province Pub Publishing Railway Ranch Records Republic \
    Research Reserve Resort Restaurant River Road Rd Route School Sea Services Society Software Solutions Square Stadium State Station Store Stores Street Studio Studios \
    Symphony Syndrome Systems Team Technologies Technology Temple Terrace Theatre Theater Theorem Times Tower Towers Town Trail Tribune Trophy Trust Union \
    United University Valley Village Way Weekly Woods Zoo Straße Strasse Platz Allee Weg Gasse Universität Verein Museum Schule Kirche Bahnhof Stadt \
    AG SA SE KG SARL BV NV Oy AB Plc PLC Co Str St Rue Via Calle Rua Suite Apt Unit Box Floor Room Chapter Section Figure Table Version Windows User Bot Agent Client Customer Name Address Phone Fax Mobile Email Mail Website Date Subject Info \
    TV FM Associates Investments Stanley Brothers Sons Bros Motors Airways Labor Day War Abstracts";

type Hasher = BuildHasherDefault<Xxh3Default>;

static LISTS: LazyLock<HashMap<&'static str, Flags, Hasher>> = LazyLock::new(|| {
    let mut lists: HashMap<&'static str, Flags, Hasher> = HashMap::with_capacity_and_hasher(60_000, Hasher::default());
    let lines = |text: &'static str| text.lines().filter(|line| !line.starts_with('#'));
    for (list, flag) in [(FIRST_NAMES, FIRST), (LAST_NAMES, LAST)] {
        for line in lines(list) {
            let name = line.trim_end_matches('*');
            let ordinary = if name.len() < line.len() { ORDINARY } else { 0 };
            *lists.entry(name).or_default() |= flag | ordinary;
        }
    }
    for word in lines(COMMON_WORDS) {
        *lists.entry(word).or_default() |= COMMON;
    }
    for (list, flag) in [(TITLES, TITLE), (PLACES, PLACE), (THINGS, THING)] {
        for word in list.split_whitespace() {
            *lists.entry(word).or_default() |= flag;
        }
    }
    lists
});

/// Endings of surnames in the languages that form them so.
const ENDINGS: &[&str] = &[
    "sson", "dóttir", "dottir", "ssen", "nsen", "rsen", "lsen", "tsen", "dsen", "ksen", "ová", "ova", "eva", "evich",
    "ovich", "ović", "ević", "ovič", "evič", "ski", "ska", "sky", "ský", "ská", "czyk", "wicz", "escu", "enko", "chuk",
    "shvili", "adze", "yan", "ián", "opoulos", "idis", "akis", "oğlu", "inen", "mäki", "niemi", "quist", "qvist",
    "ström", "gård", "gren", "blad", "lund", "berg", "mann", "stein", "bauer", "meyer", "maier", "hofer", "inger",
    "ez", "ini", "etti", "elli", "ucci", "moto", "mura", "yama", "kawa", "son", "ov", "ev", "aitis", "auskas",
    "evičius", "nković", "kić", "čić", "šić", "ić", "oux", "eau", "stra", "sma", "dijk", "huis", "veld",
];

/// What is known of `word`, which begins with a capital letter.
pub(super) fn flags(word: &str) -> Flags {
    let mut characters = word.chars();
    characters.next();
    let Some(second) = characters.next() else { return INITIAL };
    let small = word.to_lowercase();
    let common = LISTS.get(small.as_str()).copied().unwrap_or(0) & COMMON;
    let known = LISTS.get(word).copied().unwrap_or(0);
    if second.is_uppercase() && word.chars().all(|c| !c.is_lowercase()) {
        let mut title = String::with_capacity(word.len());
        title.extend(word.chars().take(1));
        title.extend(word.chars().skip(1).flat_map(char::to_lowercase));
        return known | common | CAPITALS | LISTS.get(title.as_str()).copied().unwrap_or(0);
    }
    if known & (FIRST | LAST) == 0 {
        // Both halves of `Anne-Marie` or `Müller-Schmidt` are known, the whole seldom is.
        if let Some((one, two)) = word.split_once('-') {
            let both = |flag| flags(one) & flag != 0 && two.starts_with(char::is_uppercase) && flags(two) & flag != 0;
            let joined = if both(FIRST) { FIRST } else { 0 } | if both(LAST) { LAST } else { 0 };
            return known | common | joined;
        }
        if common == 0 && known == 0 && looks_like_a_surname(word, &small) {
            return LIKE;
        }
    }
    known | common
}

/// The flags of a word in small letters, taken as if it began with a capital.
pub(super) fn flags_of_small(word: &str) -> Flags {
    let mut characters = word.chars();
    let Some(first) = characters.next() else { return 0 };
    let capital: String = first.to_uppercase().chain(characters).collect();
    flags(&capital)
}

fn looks_like_a_surname(word: &str, small: &str) -> bool {
    let length = word.chars().count();
    let prefixed = ["Mc", "Mac", "O'", "O’", "D'", "D’"].iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(char::is_uppercase) && rest.len() > 2)
    });
    prefixed || length >= 5 && ENDINGS.iter().any(|ending| small.ends_with(ending))
}

/// Where the word that begins at `start` ends: letters, with apostrophes and hyphens between letters.
pub(super) fn end_of_word(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii_alphabetic() {
            at += 1;
        } else if byte < 0x80 {
            let joint = matches!(byte, b'\'' | b'-') && at > start;
            if !joint || !starts_with_letter(&text[at + 1..]) {
                break;
            }
            at += 1;
        } else {
            let Some(c) = text[at..].chars().next() else { break };
            let joint = c == '’' && at > start && starts_with_letter(&text[at + c.len_utf8()..]);
            if !joint && !is_western_letter(c) {
                break;
            }
            at += c.len_utf8();
        }
    }
    at
}

fn starts_with_letter(text: &str) -> bool {
    text.chars().next().is_some_and(is_western_letter)
}

/// A letter of an alphabet with capitals; Chinese characters may stand right beside a name.
pub(super) fn is_western_letter(c: char) -> bool {
    c.is_ascii_alphabetic()
        || (c.is_alphabetic() && (c < '\u{590}' || ('\u{1e00}'..'\u{2000}').contains(&c)))
        || ('\u{300}'..'\u{370}').contains(&c)
}

/// The end of the word at `start..end` without `'s`.
pub(super) fn without_genitive(text: &str, start: usize, end: usize) -> usize {
    let word = &text[start..end];
    ["'s", "’s", "'S"].iter().find_map(|tail| word.strip_suffix(tail)).map_or(end, |rest| start + rest.len())
}
