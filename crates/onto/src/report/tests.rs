//! The page as a whole: well-formed, complete, self-contained and deaf to markup in the data.

use super::data::{ReportData, Stage};
use super::{example, format, graph, render};

/// Checks that every element is closed in the right order and returns how many there were.
fn balanced(page: &str) -> usize {
    let mut open: Vec<&str> = Vec::new();
    let mut count = 0;
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag without an end");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "closed out of order before {:?}",
                rest.chars().take(60).collect::<String>()
            );
        } else {
            let name = tag.split_whitespace().next().unwrap_or_default();
            open.push(name);
            count += 1;
            if name == "style" {
                rest = &rest[rest.find("</style>").expect("style is closed")..];
            }
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    count
}

#[test]
fn the_page_is_well_formed_and_complete() {
    let data = example::report();
    let page = render(&data);
    assert!(balanced(&page) > 500);
    for (name, value) in &data.metrics {
        assert!(page.contains(&format!("<code>{name}</code>")), "{name} is missing");
        assert!(page.contains(&format::number(*value)), "the value of {name} is missing");
    }
    for stage in &data.stages {
        assert!(page.contains(&stage.sha256) && page.contains(&format!(">{}<", &stage.sha256[..8])), "{}", stage.name);
    }
    for goal in &data.goals {
        assert!(page.contains(&goal.name));
    }
    assert!(page.contains("8 of 9 goals are met, 1 missed"));
    for anchor in page.match_indices("href=\"#").map(|(at, _)| page[at + 7..].split('"').next().unwrap()) {
        assert!(page.contains(&format!("id=\"{anchor}\"")), "no section {anchor}");
    }
}

#[test]
fn the_page_stands_alone() {
    let page = render(&example::report()).replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http:", "https:", "src=", "url(", "@import", "<script", "<link", "<iframe"] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
}

#[test]
fn text_from_outside_is_escaped_and_kept() {
    let page = render(&example::report());
    assert!(page.contains("&lt;script&gt;alert('no')&lt;/script&gt;"));
    assert!(page.contains("# &lt;b&gt;not markup&lt;/b&gt;"));
    assert!(page.contains("<p class=\"prompt\" lang=\"zh\">米娜住在云雀港"));
}

#[test]
fn an_empty_report_is_a_page_too() {
    let page = render(&ReportData { title: "Empty".into(), ..ReportData::default() });
    balanced(&page);
    assert!(page.contains("<h1>Empty</h1>") && !page.contains("<section"));
}

#[test]
fn odd_numbers_do_not_reach_the_pictures() {
    let mut data = example::report();
    for measure in &mut data.bits_per_byte {
        measure.value = f64::NAN;
    }
    data.curves[0].training[3].1 = f64::INFINITY;
    data.bits_per_byte_curve = vec![(0.0, f64::NAN), (0.0, 0.0)];
    if let Some(cleaning) = &mut data.cleaning {
        cleaning.documents_kept = u64::MAX;
        cleaning.rules[1].documents_dropped = u64::MAX;
    }
    let page = render(&data);
    balanced(&page);
    assert!(!page.contains("\"NaN") && !page.contains("inf\""));
}

#[test]
fn the_same_data_give_the_same_bytes_and_survive_json() {
    let data = example::report();
    let json = serde_json::to_string(&data).unwrap();
    let back: ReportData = serde_json::from_str(&json).unwrap();
    assert!(render(&data) == render(&back));
    assert!(json.contains("\"metrics\":{\"aligned.exact_match\":0.9312"));
}

#[test]
fn an_input_that_is_no_stage_is_drawn_as_a_source() {
    let stages = [Stage { name: "corpus".into(), inputs: vec!["my texts".into()], ..Stage::default() }];
    for direction in [graph::Direction::Across, graph::Direction::Down] {
        let picture = graph::draw(&stages, direction);
        assert!(picture.contains("node source") && picture.contains(">my texts<") && picture.contains("arrow direct"));
    }
}
