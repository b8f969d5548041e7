//! Measures of repetition inside one document (after Gopher, table A1), over tokens, so that they serve Chinese too.

use std::collections::HashSet;

use super::near::combine;

/// Fewest tokens a document must have for its repetition to be judged.
pub(super) const FEWEST_TOKENS: usize = 12;
/// Fewest lines a document must have for its repeated lines to be judged.
pub(super) const FEWEST_LINES: usize = 6;

/// Share of the runs of four tokens that stood earlier in the text (datatrove's reading: from the second time on).
pub(super) fn repeated_four_grams(tokens: &[u64]) -> f64 {
    if tokens.len() < FEWEST_TOKENS {
        return 0.0;
    }
    let runs = tokens.len() - 3;
    let mut distinct: Vec<u64> = tokens.windows(4).map(combine).collect();
    distinct.sort_unstable();
    distinct.dedup();
    (runs - distinct.len()) as f64 / runs as f64
}

/// Share of the most frequent token.
pub(super) fn top_token(tokens: &[u64]) -> f64 {
    if tokens.len() < FEWEST_TOKENS {
        return 0.0;
    }
    let mut sorted = tokens.to_vec();
    sorted.sort_unstable();
    let most = sorted.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    most as f64 / tokens.len() as f64
}

/// Share of the lines that are not blank and stood earlier in the text.
pub(super) fn repeated_lines(text: &str) -> f64 {
    let (mut total, mut seen) = (0usize, HashSet::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        total += 1;
        seen.insert(line);
    }
    if total < FEWEST_LINES { 0.0 } else { (total - seen.len()) as f64 / total as f64 }
}

/// Share of the visible characters that stand in runs of at least six of the same character. Rulers (`-----`, `=====`)
/// are left out: they belong to tables, forms and drawings.
pub(super) fn character_runs(text: &str) -> f64 {
    let (mut visible, mut in_runs, mut run) = (0usize, 0usize, 0usize);
    let mut previous = None;
    let close = |run: usize| if run >= 6 { run } else { 0 };
    for c in text.chars().filter(|c| !c.is_whitespace() && !is_ruler(*c)) {
        visible += 1;
        if previous == Some(c) {
            run += 1;
        } else {
            in_runs += close(run);
            run = 1;
            previous = Some(c);
        }
    }
    in_runs += close(run);
    in_runs as f64 / visible.max(1) as f64
}

/// Characters that lines are drawn with.
pub(super) fn is_ruler(c: char) -> bool {
    matches!(c, '-' | '=' | '_' | '*' | '~' | '—' | '─' | '+' | '|' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hashes;

    #[test]
    fn repetition_is_measured() {
        let check = |text: &str, low: f64, high: f64| {
            let share = repeated_four_grams(&hashes(text));
            assert!((low..=high).contains(&share), "{text}: {share}");
        };
        check(&"buy it now and ".repeat(10), 0.85, 1.0);
        check("The cat sat on the mat and the dog sat on the floor by the old door.", 0.0, 0.1);
        check("1 + 1 = 2. 1 + 2 = 3. 1 + 3 = 4. 1 + 4 = 5. 1 + 5 = 6.", 0.0, 0.2);
        check(&"我爱你".repeat(9), 0.8, 1.0);
        assert_eq!(top_token(&hashes(&"no ".repeat(20))), 1.0);
        assert_eq!(repeated_lines("a\nb\na\nb\na\nb"), 4.0 / 6.0);
        assert_eq!(repeated_lines("a\na"), 0.0);
        assert_eq!(character_runs("aaaaaaaabb"), 0.8);
        assert_eq!(character_runs("good book"), 0.0);
    }
}
