//! Splitting text into sentences, English and Chinese, by punctuation: `.` `!` `?` with closing quotes when white space
//! and a capital, quote, digit or the end follow; `。！？` with closing quotes anywhere; a line end always.

/// The sentences of `text` in order, trimmed, none empty.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.lines() {
        split_line(line, &mut out);
    }
    out
}

fn split_line<'t>(line: &'t str, out: &mut Vec<&'t str>) {
    let characters: Vec<(usize, char)> = line.char_indices().collect();
    let mut start = 0;
    let mut at = 0;
    while at < characters.len() {
        let (offset, c) = characters[at];
        if !is_terminator(c) {
            at += 1;
            continue;
        }
        let mut wide = is_wide_terminator(c);
        let mut end = at + 1;
        while end < characters.len() && (is_terminator(characters[end].1) || is_closing(characters[end].1)) {
            wide |= is_wide_terminator(characters[end].1);
            end += 1;
        }
        let after = characters.get(end).map(|&(_, c)| c);
        let boundary = match after {
            None => true,
            // After a full-width end anything but a joining mark starts a new sentence.
            Some(next) if wide => !matches!(next, '，' | ',' | '、' | '；' | '：' | '）'),
            Some(next) if next.is_whitespace() => {
                let following = characters[end..].iter().map(|&(_, c)| c).find(|c| !c.is_whitespace());
                !(c == '.' && is_abbreviation(&line[start..offset]))
                    && following.is_none_or(|f| !f.is_lowercase() && f != ',')
            }
            Some(_) => false,
        };
        if boundary {
            let stop = characters.get(end).map_or(line.len(), |&(o, _)| o);
            push(&line[start..stop], out);
            start = stop;
        }
        at = end;
    }
    push(&line[start..], out);
}

fn push<'t>(piece: &'t str, out: &mut Vec<&'t str>) {
    let piece = piece.trim();
    if piece.chars().any(char::is_alphanumeric) {
        out.push(piece);
    }
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…') || is_wide_terminator(c)
}

fn is_wide_terminator(c: char) -> bool {
    matches!(c, '。' | '！' | '？')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '」' | '』' | ')' | '）' | '》')
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(' || c == '"').next().unwrap_or("");
    matches!(
        word,
        "Mr" | "Mrs" | "Ms" | "Dr" | "Prof" | "St" | "Jr" | "Sr" | "vs" | "etc" | "No" | "e.g" | "i.e" | "Mt"
    ) || (word.len() == 1 && word.bytes().all(|b| b.is_ascii_uppercase()) && word != "I")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_readers_end_them() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected, "{text}");
        check("Tom ran. He fell! Why? No idea", &["Tom ran.", "He fell!", "Why?", "No idea"]);
        check("\"Come here!\" said Mum. He came.", &["\"Come here!\" said Mum.", "He came."]);
        check("Mr. Fox has 3.5 pies. Dr. Owl has none.", &["Mr. Fox has 3.5 pies.", "Dr. Owl has none."]);
        check("He said \"Stop.\" Then he left.", &["He said \"Stop.\"", "Then he left."]);
        check("小明来了。“你好！”他说。好吗？", &["小明来了。", "“你好！”", "他说。", "好吗？"]);
        check("one line\nanother line", &["one line", "another line"]);
        check("... !!", &[]);
    }
}
