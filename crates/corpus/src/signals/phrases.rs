//! Marks and phrases inside lines that the sources take out or look for: citation marks (C4), counters of social networks and
//! three phrases of shops and blogs (RefinedWeb).

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is a constant of this file; the tests match each.
fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static CITATION: LazyLock<Option<Regex>> = LazyLock::new(|| compile(r"\[\d*\]|\[edit\]|\[citation needed\]"));

/// A line without citation marks; `None` when it has none.
pub fn without_citations(line: &str) -> Option<String> {
    let pattern = CITATION.as_ref()?;
    pattern.is_match(line).then(|| pattern.replace_all(line, "").into_owned())
}

static COUNTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r"(?i)^\W*\d[,.\d]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)\W*$",
    )
});

/// Whether a line is a counter: "1,024 likes", "3.2k views".
pub fn is_counter(line: &str) -> bool {
    // Every word of the pattern has an s, the long one among them.
    if memchr::memchr2(b's', b'S', line.as_bytes()).is_none() && !line.contains('ſ') {
        return false;
    }
    COUNTER.as_ref().is_some_and(|pattern| pattern.is_match(line))
}

static PHRASES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    // The dots of the second phrase are dots of a pattern in the source, which match any character.
    [r"(?i)\s?items in cart", r"(?i)\s?read more...$", r"(?i)^sign-in\s?"].into_iter().filter_map(compile).collect()
});

/// A line without RefinedWeb's phrases; `None` when it has none. To be asked for lines of at most ten words.
pub fn without_phrases(line: &str) -> Option<String> {
    let mut out = line.to_owned();
    for pattern in PHRASES.iter() {
        out = pattern.replace_all(&out, "").into_owned();
    }
    (out != line).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citation_marks_go() {
        assert_eq!(without_citations("As said[12] here[edit].[citation needed]"), Some("As said here.".to_owned()));
        assert_eq!(without_citations("an [aside] stays"), None);
    }

    #[test]
    fn counters_are_whole_lines() {
        for line in ["3 likes", "1,024 Shares", "· 3.2k views ·", "5M followers"] {
            assert!(is_counter(line), "{line}");
        }
        for line in ["likes 3", "3 people like this", "He has 3 likes"] {
            assert!(!is_counter(line), "{line}");
        }
    }

    #[test]
    fn phrases_go_from_their_places() {
        assert_eq!(without_phrases("3 Items in cart"), Some("3".to_owned()));
        assert_eq!(without_phrases("Sign-in to post"), Some("to post".to_owned()));
        assert_eq!(without_phrases("The fox. Read more..."), Some("The fox.".to_owned()));
        assert_eq!(without_phrases("Please sign-in"), None);
    }
}
