//! Names of persons in Latin letters: runs of capitalised words, judged by what the lists know of them and by the words
//! around: a title or "my name is" before them, a known first name among them, an initial inside, the same surname
//! elsewhere in the document.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Taken;
use super::checks::{compile, slack};
use super::scan::{Scan, Word};
use super::words::{self, CAPITALS, COMMON, FIRST, Flags, INITIAL, LAST, LIKE, ORDINARY, PLACE, THING, TITLE};

/// Small words inside names.
const PARTICLES: &[&str] = &[
    "de", "da", "do", "dos", "das", "del", "della", "di", "du", "la", "le", "van", "von", "der", "den", "ter", "ten",
    "zu", "bin", "ibn", "al", "el", "y", "e", "af", "av",
];

/// What announces a name right before it.
static CUE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)(?:^|[^\p{L}])(?:names? (?:is|was|are)|name'?s?(?: ?[:=]|, please\?)|name on the account\? (?:user:)?|named|(?:is|was|are|were|am) called|call me|i am|i['’]m|this is|under (?:my [a-z' ]{3,20} name)?|signed,?|regards,|sincerely,|dear|hi|hello|hey|contact:?|contactez|kontaktieren sie|rückfragen an|according to|name\?|author:|by:|from:|to:|cc:|attn:?|attention:|mein name ist|ich heiße|ich bin|namens|heißt|je m['’]appelle|je suis|nommée?|s['’]appelle|me llamo|mi nombre es|soy|mi chiamo|sono|o meu nome é|chamo-me|ik ben|mijn naam is|heet|liebe[r]?|sehr geehrte[r]? (?:herr|frau)|cher|chère|bonjour|hallo|name:|nom:|nombre:|nome:|naam:|client:|patient:|kunde:|customer:|employee:|ansprechpartner(?:in)?:?) {0,4}$",
    )
});
/// What persons do right after their name.
static DOES: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?:['’]s (?:kid|wife|husband|mother|father|daughter|son|killers?|address|account|boss|sister|brother|birthday|house)|,? (?:said|says|say|asked|told|replied|explained|wrote|writes|lives|lived|was born|is a|is an|is the|is very|is from|is \d|will|has|had|have been|began|began writing|added|argued|announced|joined|works?|worked|thinks|believes|shouted|called|married|died|loves?|speaks?|talks?|sagte|sagt|wohnt|arbeitet|meint|erklärte|a dit|a déclaré|dit|habite|travaille|dijo|vive|trabaja|ha detto)\b| ?(?:\(|, )\d{1,3}\b|, the \p{L}+|: ?[“\x22])",
    )
});
/// What is said before a person's name.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)(?:^|[^\p{L}])(?:said|says|asked|told|replied|directed by:?|written by|sung by|played by|performed by|starring|co-starring|featuring|features|with|songwriter|singer|producer|author|actor|actress|director|president|minister|chancellor|founder|ceo|coach|player|manager|colleague|friend|wife|husband|son|daughter|brother|sister|mother|father|partner|kid|child|cousin|neighbou?r|commenter|writer|artist|poet|painter|journalist|captain|me|she named (?:him|her)|early|than|between|founders:|for|is under|freundin|freund|kollege|kollegin|sohn|tochter|mutter|vater|chef|chefin|und|et|and|or|avec|mit|sagte|fils|fille|ami|amie|hijo|hija|con|not by|concert by|tribute to|speak to|married) {1,4}$",
    )
});

/// What only persons do.
static PERSONAL: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^ (?:said|says|asked|told|replied|shouted|whispered|smiled|laughed|lives|lived|was born|married|wrote|writes|thinks|loves|sagte|wohnt|heiratete|habite|est né|est née|vive)\b",
    )
});

/// Words `first..=last` are a name.
struct Judged {
    first: usize,
    last: usize,
    reason: &'static str,
}

pub(super) fn search(text: &str, scan: &Scan, found: &mut Taken) {
    let small = if scan.words.is_empty() { small_words(text) } else { Vec::new() };
    let words = if scan.words.is_empty() { &small } else { &scan.words };
    let mut surnames: HashSet<&str> = HashSet::new();
    let mut alone: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        // A run: words with nothing but a space, a point of an initial or a particle between them.
        let mut end = at + 1;
        while end < words.len() && end - at < 12 && joins(text, &words[end - 1], &words[end]) {
            end += 1;
        }
        judge_run(text, words, at, end, found, &mut surnames, &mut alone);
        at = end;
    }
    // A word of a sure name is that name wherever the document uses it again.
    for index in alone {
        let word = &words[index];
        if surnames.contains(&text[word.start..word.end]) {
            found.add((word.start, word.end), "name", "named in full elsewhere");
        }
    }
}

/// The words of a text without any capital that may be parts of names: a first name and what follows it.
fn small_words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(words::is_western_letter) {
        let start = at + offset;
        at = words::end_of_word(text, start).max(start + 1);
        let end = words::without_genitive(text, start, at);
        let flags = words::flags_of_small(&text[start..end]);
        words.push(Word { start, end, flags });
    }
    // Only pairs of names that are nothing else.
    let sure = |word: &Word, flag: Flags| {
        word.flags & flag != 0 && word.flags & (ORDINARY | COMMON | PLACE | THING | TITLE) == 0
    };
    let pair = |index: usize| {
        let next = words.get(index + 1);
        sure(&words[index], FIRST)
            && next.is_some_and(|next| sure(next, LAST | LIKE) && &text[words[index].end..next.start] == " ")
    };
    (0..words.len()).filter(|&index| pair(index) || (index > 0 && pair(index - 1))).map(|index| words[index]).collect()
}

fn joins(text: &str, one: &Word, next: &Word) -> bool {
    let gap = &text[one.end..next.start];
    match gap {
        " " | "\u{a0}" => true,
        ". " | "." => one.flags & (INITIAL | TITLE) != 0 || matches!(&text[one.start..one.end], "St" | "Jr"),
        _ => {
            gap.len() <= 14
                && gap.starts_with(' ')
                && gap.ends_with([' ', '-'])
                && gap.split([' ', '-']).filter(|word| !word.is_empty()).all(|word| PARTICLES.contains(&word))
                && gap.trim().split(' ').count() <= 2
                && one.flags & FIRST != 0
                && !matches!(gap, " e " | " y ")
        }
    }
}

fn judge_run<'t>(
    text: &'t str,
    words: &[Word],
    begin: usize,
    end: usize,
    found: &mut Taken,
    surnames: &mut HashSet<&'t str>,
    alone: &mut Vec<usize>,
) {
    let mut at = begin;
    while at < end {
        let flags = words[at].flags;
        let title = flags & TITLE != 0 && at + 1 < end && flags & CAPITALS == 0;
        let mut judged = if title { titled(text, words, at, end) } else { None };
        if judged.is_none() && may_be_part(flags) {
            judged = judge(text, words, begin, at, end);
            if judged.is_none() {
                alone.push(at);
            }
        }
        at = match judged {
            Some(judged) => {
                add(text, words, &judged, found, surnames);
                judged.last + 1
            }
            None => at + 1,
        };
    }
}

fn add<'t>(text: &'t str, words: &[Word], judged: &Judged, found: &mut Taken, surnames: &mut HashSet<&'t str>) {
    let end = words[judged.last].end;
    // The point of a last initial belongs to the name.
    let end = if words[judged.last].flags & INITIAL != 0 && text[end..].starts_with('.') { end + 1 } else { end };
    if !found.add((words[judged.first].start, end), "name", judged.reason) {
        return;
    }
    for word in &words[judged.first..=judged.last] {
        let piece = &text[word.start..word.end];
        if piece.chars().count() >= 3
            && word.flags & (COMMON | THING | TITLE | PLACE) == 0
            && (judged.first < judged.last || word.flags & ORDINARY == 0)
        {
            surnames.insert(piece);
        }
    }
}

/// Whether the word can stand in a name at all.
fn may_be_part(flags: Flags) -> bool {
    let name = flags & (FIRST | LAST | LIKE) != 0;
    let other = flags & (COMMON | THING | TITLE) != 0 || (flags & PLACE != 0 && flags & FIRST == 0);
    name && flags & THING == 0 || !other
}

/// `Dr. Kyle Kuefer`: the title stays, the name goes.
fn titled(text: &str, words: &[Word], title: usize, end: usize) -> Option<Judged> {
    let name = |index: usize| {
        let flags = words[index].flags;
        flags & (THING | TITLE) == 0 && (flags & (COMMON | PLACE) == 0 || flags & (FIRST | LAST) != 0)
    };
    let mut first = title + 1;
    while first < end && words[first].flags & TITLE != 0 {
        first += 1;
    }
    if first >= end || !name(first) {
        return None;
    }
    let mut last = first;
    while last + 1 < end && last - first < 4 && (name(last + 1) || words[last + 1].flags & INITIAL != 0) {
        last += 1;
    }
    if last == first && words[first].flags & INITIAL != 0 {
        return None;
    }
    // Words that are titles in one language are words in another: they need a known name after them.
    let word = &text[words[title].start..words[title].end];
    let weak = matches!(
        word,
        "Pan"
            | "Don"
            | "Sir"
            | "Col"
            | "Gen"
            | "Fr"
            | "Sen"
            | "Sig"
            | "Father"
            | "Sister"
            | "Brother"
            | "Judge"
            | "Justice"
            | "Officer"
            | "Nurse"
            | "Doctor"
            | "Uncle"
            | "Aunt"
            | "Lady"
            | "Sr"
    );
    let known = words[first..=last].iter().any(|word| word.flags & (FIRST | LAST | LIKE) != 0);
    (!weak || known).then_some(Judged { first, last, reason: "after a title" })
}

/// The name that begins with word `at` of the run `begin..end`, if it is one.
fn judge(text: &str, words: &[Word], begin: usize, at: usize, end: usize) -> Option<Judged> {
    let part = |index: usize| {
        let flags = words[index].flags;
        let surname = flags & LAST != 0 && flags & THING == 0;
        flags & (FIRST | LIKE | INITIAL) != 0 && flags & THING == 0
            || surname
            || flags & (COMMON | THING | TITLE | PLACE) == 0
    };
    let mut last = at;
    while last + 1 < end && last - at < 4 && part(last + 1) {
        last += 1;
    }
    let names = &words[at..=last];
    let capitals = names.iter().all(|word| word.flags & (CAPITALS | INITIAL) != 0);
    let strong = |word: &Word, flag: Flags| word.flags & flag != 0 && word.flags & (ORDINARY | PLACE | COMMON) == 0;
    // "…Incorporated", "… Street": what the run ends in says that it is no person.
    let thing = words.get(last + 1).is_some_and(|next| last + 1 < end && next.flags & THING != 0);
    let before = &text[before_start(text, words[at].start)..words[at].start];
    let after = &text[words[last].end..slack(text, words[last].end + 40)];
    let announced = CUE.is_match(before);
    // "Dear Julia Lane": some surnames are words of streets too.
    if thing
        && last == at
        && last + 2 == end
        && strong(&names[0], FIRST)
        && words[last + 1].flags & LAST != 0
        && (announced || SAID.is_match(before))
    {
        return Some(Judged { first: at, last: last + 1, reason: "announced as a name" });
    }
    if thing
        || after.starts_with(" & ")
        || before.ends_with(['#', '@', '/', '_'])
        || after.starts_with("://")
        || after.starts_with(['_', '/', '('])
    {
        return None;
    }
    let known_first = strong(&names[0], FIRST);
    let n_first = names.iter().filter(|word| word.flags & FIRST != 0).count();
    let n_last = names.iter().skip(1).filter(|word| word.flags & (LAST | LIKE) != 0).count();
    let initial_inside = names.len() >= 3 && names[1].flags & INITIAL != 0;
    let judged = |reason| Some(Judged { first: at, last, reason });
    if names.iter().all(|word| word.flags & INITIAL != 0) {
        return None;
    }
    if capitals && !(names.len() >= 2 && n_first > 0 && names.iter().skip(1).any(|word| strong(word, LAST))) {
        return None;
    }
    let after_article = before.trim_end().ends_with(" the")
        || before.trim_end() == "The"
        || before.trim_end().ends_with("The")
        || before.trim_end() == "the";
    let starts_run = at == begin || words[at - 1].flags & (COMMON | TITLE) != 0;
    if names.len() >= 2 {
        let last_flags = names[names.len() - 1].flags;
        if initial_inside && last_flags & THING == 0 && last_flags & INITIAL == 0 {
            return judged("initial between names");
        }
        if known_first && last_flags & (COMMON | PLACE) == 0 {
            return judged("first name and more");
        }
        let does = || DOES.is_match(after) || SAID.is_match(before);
        let place = names[0].flags & PLACE != 0;
        if names[0].flags & FIRST != 0
            && n_last > 0
            && (!place || (starts_run && (strong(&names[1], LAST) || announced || does())))
        {
            return judged("first name and surname");
        }
        // "Contactez Michèle Le Goff": an unknown word before a first name is no part of the name.
        if names[0].flags & (FIRST | LAST | LIKE | INITIAL) == 0 && strong(&names[1], FIRST) && names.len() > 2 {
            return None;
        }
        let plain = names.iter().all(|word| word.flags & (COMMON | CAPITALS) == 0);
        if starts_run
            && plain
            && !after_article
            && (names.iter().any(|word| strong(word, LAST)) || names.iter().any(|word| word.flags & LIKE != 0))
            && last_flags & (FIRST | LAST | LIKE) != 0
        {
            return judged("surname at the end");
        }
        if announced && names.iter().all(|word| word.flags & COMMON == 0) {
            return judged("announced as a name");
        }
        if starts_run
            && !after_article
            && names.len() <= 3
            && does()
            && plain
            && names.iter().all(|word| word.flags & PLACE == 0)
            && names[0].flags & INITIAL == 0
        {
            return judged("does what persons do");
        }
        return None;
    }
    let word = &names[0];
    if words.get(at + 1).is_some_and(|_| last + 1 < end) || !starts_run || after_article {
        // Part of a longer title: "Victoria Line", "The Johnson Report".
        let possessive = after.starts_with("'s") || after.starts_with("’s");
        if !(known_first && possessive || announced && last + 1 == end && !after_article) {
            return None;
        }
    }
    if known_first && word.flags & CAPITALS == 0 {
        return judged("first name");
    }
    if announced && word.flags & (COMMON | PLACE | THING) == 0 && !before.trim_end().ends_with("this is") {
        return judged("announced as a name");
    }
    if word.flags == 0 && PERSONAL.is_match(after) {
        return judged("does what persons do");
    }
    if word.flags & (FIRST | LAST | LIKE) != 0 && word.flags & (PLACE | THING) == 0 {
        let sure = word.flags & (ORDINARY | COMMON) == 0;
        if announced
            || (sure && (DOES.is_match(after) || SAID.is_match(before)))
            || (word.flags & FIRST != 0 && DOES.is_match(after) && SAID.is_match(before))
        {
            return judged("does what persons do");
        }
    }
    None
}

/// The beginning of the forty bytes before `start`.
fn before_start(text: &str, start: usize) -> usize {
    let mut begin = start.saturating_sub(40);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    begin
}
