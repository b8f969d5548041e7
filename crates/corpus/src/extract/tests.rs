//! Pages good and made to break.

use super::*;

fn page(body: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>A day &amp; a night</title>\
         <meta property=\"article:published_time\" content=\"2024-05-06T10:00:00Z\"></head><body>\
         <nav><ul><li><a href=/>Home</a></li><li><a href=/about>About us</a></li></ul></nav>{body}\
         <footer><p>Copyright of nobody, all rights reserved.</p></footer></body></html>"
    )
}

const SENTENCE: &str = "The river rose in the night, and in the morning the whole town walked down to the bridge to see \
                        how far the water had come up the old stone wall.";

fn article() -> String {
    let paragraphs: String = (0..8).map(|i| format!("<p>{SENTENCE} That was day {i}.</p>")).collect();
    page(&format!("<article><h1>A day and a night</h1>{paragraphs}</article><div class=comments><p>First!</p></div>"))
}

#[test]
fn every_extractor_finds_the_article_alone() {
    for extractor in Extractor::ALL {
        let found = extract(&article(), &ExtractOptions { extractor, ..ExtractOptions::default() });
        assert_eq!(found.beyond, None);
        assert!((0..8).all(|i| found.text.contains(&format!("That was day {i}."))), "{extractor:?}: {}", found.text);
        assert!(!found.text.contains("About us") && !found.text.contains("Copyright"), "{extractor:?}: {}", found.text);
        assert!(found.title.as_deref().is_some_and(|title| title.starts_with("A day")), "{:?}", found.title);
        assert_eq!(found.date.as_deref(), Some("2024-05-06"), "{extractor:?}");
    }
}

#[test]
fn pages_made_to_break_a_parser_only_lose_their_tags() {
    let many = |what: &str, times: usize| what.repeat(times);
    let fonts: String = (0..300).map(|i| format!("<font color={i}>")).collect();
    let attributes: String = (0..50_000).map(|i| format!(" a{i}=1")).collect();
    for (name, body) in [
        ("deep", many("<div>", 200_000) + "Text."),
        ("deep and closed", many("<div>", 50_000) + "Text." + &many("</div>", 50_000)),
        ("wide", many("<i>x</i>", 200_000) + "Text."),
        ("formatting", fonts + &many("<p>x", 20_000) + "Text."),
        ("attributes", format!("<div{attributes}>Text.</div>")),
        ("tables", many("<table><tr><td>", 5_000) + "Text."),
        ("long", many("x ", 5_000_000) + "Text."),
    ] {
        let found = extract(&page(&body), &ExtractOptions::default());
        assert!(found.beyond.is_some(), "{name} was given to an extractor");
        assert!(name == "long" || found.text.contains("Text."), "{name}");
        assert_eq!(found.title.as_deref(), Some("A day & a night"), "{name}");
    }
}

/// What stays below the limits is given to the extractors, on whose stacks and in whose loops it must end.
#[test]
fn pages_just_within_the_limits_are_survived() {
    let options = ExtractOptions::default();
    let depth = options.max_depth - 20;
    let nested = |tag: &str, close: bool| {
        let end = if close { format!("</{tag}>").repeat(depth) } else { String::new() };
        format!("<{tag}>").repeat(depth) + &article() + &end
    };
    for html in [
        nested("div", true),
        nested("div", false),
        nested("span", true),
        nested("b", false),
        nested("blockquote", true),
        nested("table><tr><td", false),
        "</p>".repeat(50_000) + &article(),
        "<a href=x>".repeat(300) + &article(),
        article() + &"<p><a href=/x>".repeat(5_000),
        article() + &"<li><ul>".repeat(180),
        article() + "<script>" + &"<div>".repeat(100_000),
        article() + "<!--" + &"<div>".repeat(100_000),
        article() + &"<![CDATA[<svg>".repeat(100),
    ] {
        for extractor in Extractor::ALL {
            assert_eq!(Shape::of(&html).beyond(&options), None, "{} …", &html[..60]);
            let found = extract(&html, &ExtractOptions { extractor, ..options.clone() });
            assert!(found.title.is_some(), "{} …", &html[..60]);
        }
    }
}

#[test]
fn dropping_tags_keeps_lines_and_entities() {
    let html = "<html><head><style>p{}</style><title>T</title></head><body><p>One <b>two</b>\n three &amp; 4 &lt; 5<p>a < b\
                <script>var x = '<p>no</p>';</script><!-- no --><br>last</body>";
    assert_eq!(plain::text(html), "One two three & 4 < 5\na < b\nlast");
    assert_eq!(plain::text("<title>endless"), "");
    assert_eq!(plain::text("a<"), "a<");
}

#[test]
fn dates_are_read_from_many_places() {
    let check = |head: &str, expected: Option<&str>| {
        let mut found = Extracted::default();
        metadata::complete(&mut found, head);
        assert_eq!(found.date.as_deref(), expected, "{head}");
    };
    check("<meta name=\"date\" content=\"2020-1-02\">", Some("2020-01-02"));
    check("<meta content='2021/03/04 10:00' itemprop='datePublished' />", Some("2021-03-04"));
    check("<p><time class=x datetime=\"2022-05-06T01:02\">May</time>", Some("2022-05-06"));
    check("<meta name=\"date\" content=\"someday\">", None);
    check("<meta name=\"date\" content=\"2020-13-02\">", None);
}

#[test]
fn the_union_has_the_lines_of_both_in_order() {
    let text = |text: &str| Extracted { text: text.to_string(), ..Extracted::default() };
    let first = text("one one one one\ntwo two two two\nfour four four four");
    let second = text("zero zero zero zero\ntwo two two two\nthree three three three\nfour four four four four");
    let merged = union::merge(first, second).text;
    let expected = ["zero zero zero zero", "one one one one", "two two two two", "three three three three"];
    assert_eq!(merged.lines().collect::<Vec<_>>(), [&expected[..], &["four four four four"]].concat());
    assert_eq!(union::merge(text(" "), text("b")).text, "b");
}
