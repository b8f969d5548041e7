//! What is found and what stays, by hand-made sentences in English, German, French and Chinese.

use super::*;

fn masked(text: &str, kinds: &[&str]) -> String {
    let found = Finder::new(kinds.iter().copied()).unwrap().find(text);
    assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start), "{found:?}");
    mask(text, &found, &Placeholder::default()).into_owned()
}

fn check(text: &str, expected: &str) {
    assert_eq!(masked(text, &STRUCTURED), expected);
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
    check("Her social security number: 536 90 4399", "Her social security number: <SSN>");
    check("Schreib an jürgen.groß@müller-bäckerei.de!", "Schreib an <EMAIL>!");
    check("Fin de phrase: a.b@exemple.fr.Ensuite", "Fin de phrase: <EMAIL>.Ensuite");
    check("+49 89 1234-5678 ext. 12, (030) 123 45 67 Durchwahl 8", "<PHONE>, <PHONE>");
    check("Tél. : 01\u{a0}42\u{a0}68\u{a0}53\u{a0}00", "Tél. : <PHONE>");
    check("座机0755-8888 6666转8001，热线400-820-8820", "座机<PHONE>，热线<PHONE>");
    check("card 4111 1111 1111 1111 12/27", "card <CARD> 12/27");
    check("10.0.0.5/24 and http://93.184.216.34/x", "<IP>/24 and http://<IP>/x");
    check("DE89-3704-0044-0532-0130-00", "<IBAN>");
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
        "logo@2x.png and lodash@4.17.21",
        "Chrome/1.2.3.4 and tool-1.2.3.4.tar.gz",
        "https://example.com/item/13812345678?id=4111111111111111",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Bestellnummer 0301234567 und Rechnung 4111111111111111",
        "le 14.07.2023 à 12 h 30, 1 234 567 habitants",
        "MAC 00:1A:2B:3C:4D:5E at 12:30:45",
        "身份证号110105199002300028不存在",
    ] {
        check(text, text);
    }
}

fn check_names(text: &str, expected: &str) {
    assert_eq!(masked(text, &["name", "address"]), expected);
}

#[test]
fn names_are_masked() {
    check_names("Please ask Dr. Kyle Kuefer about it.", "Please ask Dr. <NAME> about it.");
    check_names("My name is Rubija", "My name is <NAME>");
    check_names(
        "Yesterday Margaret O'Brien met Hans-Peter Müller in Vienna.",
        "Yesterday <NAME> met <NAME> in Vienna.",
    );
    check_names("Faina D. Yefremova's tales", "<NAME>'s tales");
    check_names("Frau Schneider wohnt dort.", "Frau <NAME> wohnt dort.");
    check_names("Je m'appelle Camille Lefèvre.", "Je m'appelle <NAME>.");
    check_names("Ludwig van Beethoven wrote it.", "<NAME> wrote it.");
    check_names("我叫李小龙，住在北京。", "我叫<NAME>，住在北京。");
    check_names("王先生和张伟老师来了。", "<NAME>先生和<NAME>老师来了。");
    check_names("联系人：欧阳娜娜，电话", "联系人：<NAME>，电话");
}

#[test]
fn addresses_are_masked() {
    check_names("He lives at 221B Baker Street, London NW1 6XE.", "He lives at <ADDRESS>.");
    check_names("Send it to 1600 Pennsylvania Avenue NW, Washington, DC 20500 today", "Send it to <ADDRESS> today");
    check_names("Meine Adresse: Berliner Straße 12a, 10115 Berlin.", "Meine Adresse: <ADDRESS>.");
    check_names("Das Haus in der Gartenweg 7 ist alt", "Das Haus in der <ADDRESS> ist alt");
    check_names("au 12 bis, rue de la République, 69002 Lyon.", "au <ADDRESS>.");
    check_names("Write to PO Box 1234, Springfield, IL 62701", "Write to <ADDRESS>");
    check_names("他住在北京市海淀区中关村大街27号3号楼502室。", "他住在<ADDRESS>。");
    check_names("寄到上海市浦东新区世纪大道100号，谢谢", "寄到<ADDRESS>，谢谢");
}

#[test]
fn what_is_no_name_stays() {
    for text in [
        "The United States of America and Great Britain signed in Paris.",
        "In May 2020 the Supreme Court of Virginia met on Monday.",
        "New York University opened 3 Labs in Boston.",
        "Chapter 5 The Way of the World",
        "In 1990 Years of War ended.",
        "Windows 10 and Table 3 show Figure 4.",
        "Der Bericht über die Schule im Garten ist lang.",
        "高兴的人都在北京路上，王国很大。",
        "中国人民银行成立于1948年。",
        "地铁2号线和10号线路过这里。",
    ] {
        check_names(text, text);
    }
}

/// Each kind alone, in text of every sort of character, at every place: no panic, and spans on boundaries of characters.
#[test]
fn any_text_can_be_searched() {
    let pieces = [
        "é",
        "😀",
        "王",
        "@",
        "+49",
        "13812345678",
        "\u{a0}",
        "::1",
        "GB82",
        "4111 1111",
        "Dr. ",
        "Ü",
        "路12号",
        "\n",
        "12 ",
        "Straße ",
        ".",
        "x",
        "Anna ",
        "\u{301}",
        "İ",
        "K",
        "ß",
        "０",
    ];
    let mut rng = lang::rng::Rng::new(11);
    let finder = Finder::all();
    for _ in 0..3000 {
        let text: String = (0..rng.index(14)).map(|_| *rng.choose(&pieces)).collect();
        for piece in finder.find(&text) {
            assert!(
                text.is_char_boundary(piece.start) && text.is_char_boundary(piece.end) && piece.start < piece.end,
                "{text}"
            );
        }
    }
}
