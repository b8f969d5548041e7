//! C4's page rules (arXiv 1910.10683) as facts of the whole text. Its line rules are decisions over [`crate::signals::Lines`].

use crate::signals::lines::seen;
use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "c4",
    source: "C4 and mC4 (datatrove 0.10.1 C4QualityFilter and C4ParagraphFilter, dolma 1.2.1 c4_v2)",
    columns: &[
        Column::integer("c4_javascript_lines", "lines with \"javascript\" in any case"),
        Column::integer("c4_lorem_ipsum_lines", "lines with \"lorem ipsum\" in any case"),
        Column::integer("c4_curly_bracket_lines", "lines with {"),
        Column::integer("c4_policy_lines", "lines with a phrase of cookie notices or terms of use"),
        Column::integer("c4_unended_lines", "lines that do not end in . ? ! or \""),
        Column::integer("c4_few_word_lines", "lines of fewer than 3 words"),
        Column::integer("c4_long_lines", "lines of at least 200 characters (mC4 wants three)"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    let lines = &view.lines.lines;
    let count = |test: &dyn Fn(&crate::signals::Line) -> bool| lines.iter().filter(|line| test(line)).count() as f64;
    out.set_all(
        0,
        &[
            count(&|line| line.has(seen::JAVASCRIPT)),
            count(&|line| line.has(seen::LOREM_IPSUM)),
            count(&|line| line.has(seen::CURLY_BRACKET)),
            count(&|line| line.has(seen::POLICY)),
            count(&|line| !line.has(seen::RAW_TERMINAL)),
            count(&|line| line.words < 3),
            count(&|line| line.characters >= 200),
        ],
    );
}
