//! Masking of personal data that has a form: found by pattern, kept only when a check (Luhn, mod 97, mod 11-2, value
//! ranges, neighbours, words before it) agrees, replaced by a placeholder such as `<EMAIL>`. What was masked stands in
//! the decisions with its place, for audit.
//!
//! Names and street addresses have no such form and are not touched here.

mod checks;
mod patterns;

use rayon::prelude::*;

use super::stage::Stage;
use super::{Masked, PersonalDataConfig};

/// The kinds of personal data, as settings and decisions name them.
pub const KINDS: [&str; 7] = ["email", "phone", "ip", "card", "id_card", "iban", "ssn"];

/// The placeholder of a kind: `<EMAIL>`, `<ID_CARD>`, …
pub fn placeholder(kind: &str) -> String {
    format!("<{}>", kind.to_uppercase())
}

/// The personal data in `text`, in order, without overlaps.
pub fn find(text: &str, config: &PersonalDataConfig) -> Vec<Masked> {
    let wanted = |kind: &str| config.kinds.iter().any(|k| k == kind);
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut spans: Vec<(usize, usize, &'static str)> = Vec::new();
    // Surer kinds first: a later kind never takes characters of an earlier one.
    for (kind, search) in patterns::SEARCHES {
        if wanted(kind) {
            let mut found = search(text);
            found.retain(|&(start, end)| patterns::is_free(&taken, start, end));
            spans.extend(found.iter().map(|&(start, end)| (start, end, kind)));
            taken.extend(found);
            taken.sort_unstable();
        }
    }
    spans.sort_unstable();
    spans
        .into_iter()
        .map(|(start, end, kind)| Masked { kind: kind.to_string(), text: text[start..end].to_string(), start, end })
        .collect()
}

/// `text` with every span of `found` replaced by its placeholder.
pub fn mask(text: &str, found: &[Masked]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for piece in found {
        out.push_str(&text[at..piece.start]);
        out.push_str(&placeholder(&piece.kind));
        at = piece.end;
    }
    out.push_str(&text[at..]);
    out
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    let config = &stage.config.personal_data;
    let found = stage.map(|document| find(&document.text, config));
    let documents = &stage.documents;
    let edits: Vec<(usize, Vec<Masked>, String)> = found
        .into_par_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(index, found)| {
            let text = mask(&documents[index].text, &found);
            (index, found, text)
        })
        .collect();
    for (index, found, text) in edits {
        stage.documents[index].text = text;
        stage.decisions[index].masked = found;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = find(text, &PersonalDataConfig::default());
        for piece in &found {
            assert_eq!(&text[piece.start..piece.end], piece.text);
        }
        assert_eq!(mask(text, &found), expected);
    }

    #[test]
    fn personal_data_is_masked() {
        check("Write to ann.lee+news@mail.example.co.uk.", "Write to <EMAIL>.");
        check("邮箱：zhang_wei@example.cn，谢谢", "邮箱：<EMAIL>，谢谢");
        check("Call (212) 555-0147 or 646-555-0123 x12.", "Call <PHONE> or <PHONE>.");
        check("Call +1 212 555 0147 now", "Call <PHONE> now");
        check("Ring +44 20 7946 0958, +49 (0)30 1234567 or +33 6 12 34 56 78.", "Ring <PHONE>, <PHONE> or <PHONE>.");
        check("Tel. 020 7946 0958 / 030-12345678", "Tel. <PHONE> / <PHONE>");
        check("Her phone number is 555-0123.", "Her phone number is <PHONE>.");
        check("手机13812345678，电话010-62345678。", "手机<PHONE>，电话<PHONE>。");
        check("请拨打+86 138-1234-5678联系", "请拨打<PHONE>联系");
        check("Server 192.168.10.4 answered; 8.8.8.8:53 too.", "Server <IP> answered; <IP>:53 too.");
        check("Host 2001:db8:85a3::8a2e:370:7334 and fe80::1.", "Host <IP> and <IP>.");
        check("Card 4111 1111 1111 1111, 5500-0000-0000-0004, 378282246310005", "Card <CARD>, <CARD>, <CARD>");
        check("身份证号11010519491231002X，请保密", "身份证号<ID_CARD>，请保密");
        check("IBAN DE89 3704 0044 0532 0130 00 IN USE", "IBAN <IBAN> IN USE");
        check("GB82WEST12345698765432", "<IBAN>");
        check("SSN 536-90-4399", "SSN <SSN>");
    }

    #[test]
    fn near_misses_stay() {
        for text in [
            "Version 10.0.19.1 and v1.2.3.4 came out.",
            "版本 2.10.3.4 已发布",
            "See section 3.2.1.4 of the book.",
            "ISBN 978-3-16-148410-0, ISBN 0-306-40615-2 and ISBN 9783161484100",
            "doi:10.1000/182.4567-1234",
            "On 2021-05-03 at 12:30:45 it rained.",
            "From 1990-2000 there were 1,234,567 visitors.",
            "47 + 38 = 85 and 123456789 + 987654321 = 1111111110",
            "3.14159265358979 is close to pi",
            "Card 4111 1111 1111 1112 fails the check",
            "身份证号110105194912310021不对",
            "999.300.1.2 is no address",
            "He called 12 times and paid 200 dollars.",
            "Mix 200 300 4000 in this order.",
            "a @ b, @home, user@localhost",
            "std::net::Ipv6Addr and a::b",
            "订单号20210503123456789012",
            "GB82 WEST 1234 5698 7654 33",
            "The score was 21-19, 18-21, 21-15.",
            "小明有13个苹果，2021年有365天。",
        ] {
            check(text, text);
        }
    }
}
