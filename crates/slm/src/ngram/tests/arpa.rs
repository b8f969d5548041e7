//! ARPA text: round trip, files of other programs, and every kind of damage.

use std::fs;

use lang::model::LanguageModel;

use super::*;

#[test]
fn arpa_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for order in [1, 2, 4] {
        let model = NGram::train(markov(6, 200, 25), &config(order, 25)).unwrap();
        model.save(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(ARPA_FILE)).unwrap();
        let back = NGram::load(folder.path()).unwrap();
        back.save(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(ARPA_FILE)).unwrap(), text);
        assert_eq!(back.n_grams(), model.n_grams());
        for document in markov(7, 20, 25) {
            for at in 0..document.len() {
                let expected = model.log_prob(&document[..at], document[at]).unwrap();
                let found = back.log_prob(&document[..at], document[at]).unwrap();
                // Half a unit of the 7th decimal (base 10), for the probability and each back-off.
                assert!((found - expected).abs() < 4.0 * 0.5e-7 * std::f64::consts::LN_10, "{found} {expected}");
            }
        }
        let mut session = back.session();
        session.feed(&[3, 4, 5]).unwrap();
        let sum: f64 = session.next_log_probs().unwrap().iter().map(|p| f64::from(p.exp())).sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }
}

const SMALL: &str = "\
\\data\\
ngram 1=3
ngram 2=2

\\1-grams:
-0.5\t0\t-0.4010300
-0.3\t1\t-0.1
-0.7\t2

\\2-grams:
-0.1\t0 1
-0.2\t1 2

\\end\\
";

#[test]
fn arpa_of_others_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.arpa");
    // Spaces for tabs, Windows line ends, any order of lines.
    let shuffled = SMALL.replace("-0.5\t0\t-0.4010300\n", "").replace("-0.7\t2", "-0.7 2\r\n-0.5 0 -0.4010300");
    for text in [SMALL, &shuffled] {
        fs::write(&path, text).unwrap();
        let model = NGram::load(&path).unwrap();
        let base_10 = |context: &[u32], word| model.log_prob(context, word).unwrap() / std::f64::consts::LN_10;
        for (found, expected) in [
            (base_10(&[], 2), -0.7),
            (base_10(&[0], 1), -0.1),
            (base_10(&[0], 2), -0.40103 - 0.7),
            (base_10(&[2, 1], 1), -0.1 - 0.3),
            (base_10(&[2], 0), -0.5),
        ] {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}

#[test]
fn broken_arpa_is_named_by_line() {
    let cases = [
        ("\\data\\", "data", "line 1: expected `\\data\\`, found `data`"),
        ("ngram 2=2", "ngram 3=2", "line 3: expected `ngram 2=COUNT`, found `ngram 3=2`"),
        ("ngram 1=3", "ngram 1=many", "line 2: expected `ngram 1=COUNT`"),
        ("ngram 1=3", "ngram 1=2", "line 8: expected `\\2-grams:`, found `-0.7"),
        ("-0.7\t2", "-0.7\t3", "line 8: `3` is not a token id below 3"),
        ("ngram 1=3", "ngram 1=4", "line 10: the section ends after 3 of 4 1-grams"),
        ("ngram 2=2", "ngram 2=1", "line 12: expected `\\end\\`, found `-0.2"),
        ("-0.3\t1", "0.3\t1", "line 7: `0.3` is not the logarithm of a probability"),
        ("-0.3\t1", "nan\t1", "line 7: `nan` is not the logarithm of a probability"),
        ("-0.3\t1\t-0.1", "-0.3\t1\tinf", "line 7: `inf` is not a back-off weight"),
        ("-0.3\t1\t-0.1", "-0.3\t1\t-0.1 7", "line 7: `7` after the back-off weight"),
        ("-0.3\t1\t-0.1", "-0.3\t0\t-0.1", "line 7: the 1-gram stands here for the second time"),
        ("-0.2\t1 2", "-0.2\t1", "line 12: 1 tokens, expected 2"),
        ("-0.2\t1 2", "-0.2\t1 2 -0.1", "line 12: `-0.1` after the last token"),
        ("-0.2\t1 2", "-0.2\t1 word", "line 12: `word` is not a token id below 3"),
        ("\\2-grams:", "\\3-grams:", "line 10: expected `\\2-grams:`"),
        ("\\end\\", "", "line 14: the file ends where `\\end\\` should come"),
        ("\\end\\", "\\end\\\nmore", "line 15: text after `\\end\\`"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.arpa");
    let check = |text: &[u8], expected: &str| {
        fs::write(&path, text).unwrap();
        let error = NGram::load(&path).unwrap_err().to_string();
        assert!(error.contains("broken.arpa, ") && error.contains(expected), "{error}\nexpected {expected}");
    };
    for (from, to, expected) in cases {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL);
        check(text.as_bytes(), expected);
    }
    let trigrams =
        SMALL.replace("ngram 2=2\n", "ngram 2=2\nngram 3=1\n").replace("\\end\\", "\\3-grams:\n-1\t2 1 0\n\\end\\");
    check(trigrams.as_bytes(), "line 16: the 2-gram that this 3-gram begins with is not in the file");
    check(b"", "line 0: the file ends");
    check(&[0xff; 40], "line 1: the line is not UTF-8");
    check(&[b'x'; 5000], "line 1: the line is too long");
    // Cut anywhere, it is an error and no panic; only the last line end may be missing.
    for length in 0..SMALL.len() - 1 {
        fs::write(&path, &SMALL[..length]).unwrap();
        assert!(NGram::load(&path).is_err(), "cut at {length}");
    }
    assert!(NGram::load(&folder.path().join("none.arpa")).unwrap_err().to_string().contains("none.arpa"));
}
