//! Personal data inside sentences: e-mail addresses, telephone numbers, IPv4 addresses, payment cards with a valid Luhn
//! digit (ISO/IEC 7812-1), Chinese identity numbers with a valid check character (GB 11643-1999). All are drawn at random.

use crate::template::fill;
use crate::world::Language;
use lang::rng::Rng;
use lang::truth::Personal;

/// A kind of personal data with sentences to carry it; `{v}` is the data, `{who}` somebody.
struct Kind {
    name: &'static str,
    english: &'static [&'static str],
    chinese: &'static [&'static str],
    draw: fn(&mut Rng, Language) -> String,
}

/// The registry of kinds.
const KINDS: &[Kind] = &[
    Kind {
        name: "email",
        english: &[
            "You can write to {who} at {v}.",
            "For more about this, send a message to {v}.",
            "The e-mail address of {who} is {v}.",
            "Please send the photos to {v} before Sunday.",
        ],
        chinese: &[
            "可以写信到 {v} 联系{who}。",
            "{who}的邮箱是 {v}。",
            "想知道更多，请发邮件到 {v}。",
            "请在星期天以前把照片发到 {v}。",
        ],
        draw: email,
    },
    Kind {
        name: "phone",
        english: &[
            "You can call {who} at {v}.",
            "The phone number of {who} is {v}.",
            "If you find the key, please ring {v}.",
            "In the evening {who} answers under {v}.",
        ],
        chinese: &[
            "{who}的电话是 {v}。",
            "有事请打 {v} 找{who}。",
            "捡到钥匙的人请拨打 {v}。",
            "晚上可以打 {v} 找到{who}。",
        ],
        draw: phone,
    },
    Kind {
        name: "ip",
        english: &[
            "The message came from the address {v}.",
            "The computer of {who} has the address {v}.",
            "Somebody logged in from {v} last night.",
        ],
        chinese: &["这条消息来自 {v}。", "{who}的电脑地址是 {v}。", "昨天夜里有人从 {v} 登录过。"],
        draw: ip,
    },
    Kind {
        name: "card",
        english: &[
            "{who} paid with the card {v}.",
            "The bill goes to card number {v}.",
            "The credit card of {who} has the number {v}.",
        ],
        chinese: &["{who}用卡号 {v} 付了钱。", "账单记在卡号 {v} 上。", "{who}的信用卡号是 {v}。"],
        draw: card,
    },
    Kind {
        name: "id_card",
        english: &["The identity number of {who} is {v}.", "On the form {who} wrote the identity number {v}."],
        chinese: &["{who}的身份证号是 {v}。", "{who}在表上填了身份证号 {v}。", "请带好身份证，号码是 {v}。"],
        draw: identity_number,
    },
];

const ENGLISH_WHO: &[&str] =
    &["the teacher", "our neighbour", "the owner", "the doctor", "my cousin", "the office", "the manager", "the guide"];
const CHINESE_WHO: &[&str] = &["老师", "邻居", "店主", "医生", "我表哥", "办公室", "经理", "导游"];
const MAIL_FIRST: &[&str] = &[
    "anna", "peter", "li.wei", "maria", "tom", "sara", "wang", "john", "eva", "chen", "paul", "lucy", "max", "zhang",
    "nina", "leo", "office", "info", "mark", "julia",
];
const MAIL_LAST: &[&str] = &[
    "smith", "berg", "stone", "hill", "rivera", "novak", "fox", "lang", "moore", "weber", "rossi", "klein", "park",
    "wood",
];
const MAIL_HOSTS: &[&str] = &[
    "example.com",
    "example.org",
    "mail.example.net",
    "post.example.org",
    "school.example.edu",
    "town.example",
    "example.com.cn",
    "letters.example.de",
];
/// County codes that open an identity number.
const AREAS: &[&str] = &[
    "110101", "310104", "440305", "330106", "510107", "420106", "320505", "610113", "370202", "210103", "350203",
    "120101",
];

/// Adds one to three sentences with personal data to ends of lines. Returns the new text and the data.
pub(crate) fn plant(rng: &mut Rng, text: &str, language: Language) -> (String, Vec<Personal>) {
    let english = language == Language::English;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut found = Vec::new();
    for _ in 0..1 + rng.index(3) {
        let kind = rng.choose(KINDS);
        let value = (kind.draw)(rng, language);
        let who = rng.choose(if english { ENGLISH_WHO } else { CHINESE_WHO });
        let template = rng.choose(if english { kind.english } else { kind.chinese });
        let mut sentence = fill(template, &[("v", &value), ("who", who)]);
        if english {
            sentence = crate::template::capitalised(&sentence);
        }
        let candidates: Vec<usize> =
            (0..lines.len()).filter(|&i| lines[i].ends_with(['.', '!', '?', '。', '！', '？'])).collect();
        if let Some(&at) = candidates.get(rng.index(candidates.len())) {
            let gap = if english { " " } else { "" };
            lines[at] = format!("{}{gap}{sentence}", lines[at]);
        } else {
            lines.push(sentence);
        }
        found.push(Personal { kind: kind.name.to_owned(), text: value });
    }
    (lines.join("\n"), found)
}

fn digits(rng: &mut Rng, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + rng.index(10) as u8)).collect()
}

fn email(rng: &mut Rng, _: Language) -> String {
    let first = rng.choose(MAIL_FIRST);
    let last = rng.choose(MAIL_LAST);
    let local = match rng.index(4) {
        0 => format!("{first}.{last}"),
        1 => format!("{first}_{last}{}", rng.range(1, 99)),
        2 => format!("{first}{}", rng.range(1950, 2015)),
        _ => format!("{last}+{first}"),
    };
    format!("{local}@{}", rng.choose(MAIL_HOSTS))
}

fn phone(rng: &mut Rng, language: Language) -> String {
    let style = if language == Language::English { rng.index(9) } else { 5 + rng.index(5) };
    let area = rng.range(201, 989);
    let exchange = rng.range(200, 999);
    match style {
        0 => format!("({area}) {exchange}-{}", digits(rng, 4)),
        1 => format!("+1 {area}-{exchange}-{}", digits(rng, 4)),
        2 => format!("{area}-{exchange}-{}", digits(rng, 4)),
        3 => format!("+49 {} {}", rng.range(30, 89), digits(rng, 7)),
        4 => format!("+44 20 7{} {}", digits(rng, 3), digits(rng, 4)),
        5 => format!("+86 1{}{}-{}-{}", rng.range(3, 9), digits(rng, 1), digits(rng, 4), digits(rng, 4)),
        6 => format!("1{}{}{}", rng.range(3, 9), digits(rng, 1), digits(rng, 8)),
        7 => format!("1{}{} {} {}", rng.range(3, 9), digits(rng, 1), digits(rng, 4), digits(rng, 4)),
        8 => format!(
            "+33 {} {} {} {} {}",
            rng.range(1, 7),
            digits(rng, 2),
            digits(rng, 2),
            digits(rng, 2),
            digits(rng, 2)
        ),
        _ => format!("010-{}{}", rng.range(2, 8), digits(rng, 7)),
    }
}

fn ip(rng: &mut Rng, _: Language) -> String {
    format!("{}.{}.{}.{}", rng.range(11, 223), rng.range(0, 255), rng.range(0, 255), rng.range(1, 254))
}

fn card(rng: &mut Rng, _: Language) -> String {
    let (prefix, length) = match rng.index(4) {
        0 | 1 => ("4".to_owned(), 16),
        2 => (rng.range(51, 55).to_string(), 16),
        _ => ((*rng.choose(&["34", "37"])).to_owned(), 15),
    };
    let mut number = format!("{prefix}{}", digits(rng, length - 1 - prefix.len()));
    number.push(luhn_digit(&number));
    let groups: &[usize] = if length == 16 { &[4, 4, 4, 4] } else { &[4, 6, 5] };
    let separator = *rng.choose(&[" ", "-", ""]);
    let mut rest = number.as_str();
    let mut pieces = Vec::new();
    for &group in groups {
        let (piece, after) = rest.split_at(group);
        pieces.push(piece);
        rest = after;
    }
    pieces.join(separator)
}

/// The digit that makes `number` followed by it pass the Luhn test.
fn luhn_digit(number: &str) -> char {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

fn identity_number(rng: &mut Rng, _: Language) -> String {
    let body = format!(
        "{}{}{:02}{:02}{}",
        rng.choose(AREAS),
        rng.range(1945, 2008),
        rng.range(1, 12),
        rng.range(1, 28),
        digits(rng, 3)
    );
    let check = identity_check(&body);
    format!("{body}{check}")
}

/// ISO 7064 MOD 11-2 check character of seventeen digits.
fn identity_check(body: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(b, w)| u32::from(b - b'0') * w).sum();
    ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'][(sum % 11) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_match_published_examples() {
        // The Luhn example of ISO/IEC 7812-1 annex B, and the identity number printed in GB 11643-1999.
        assert_eq!(luhn_digit("7992739871"), '3');
        assert_eq!(luhn_digit("411111111111111"), '1');
        assert_eq!(identity_check("11010519491231002"), 'X');
    }
}
