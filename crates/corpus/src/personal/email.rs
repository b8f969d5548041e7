//! E-mail addresses: from every at sign outwards.

use super::Taken;
use super::scan::Scan;

/// Endings of files that are written like hosts: `logo@2x.png`.
const FILES: &[&str] =
    &["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "php", "py", "rs", "ts"];

/// Longest local part (RFC 5321, 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;
/// Longest host.
const LONGEST_HOST: usize = 255;

pub(super) fn search(text: &str, scan: &Scan, found: &mut Taken) {
    if !scan.ats {
        return;
    }
    for (at, _) in text.match_indices('@') {
        if let Some(start) = start_of_local(text, at)
            && let Some(end) = end_of_host(text, at + 1)
        {
            found.add((start, end), "email", "local part, at sign, host");
        }
    }
}

/// Letters of e-mail addresses beyond ASCII (RFC 6531), without Chinese characters, which may stand right beside one.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && super::words::is_western_letter(c))
}

fn start_of_local(text: &str, at: usize) -> Option<usize> {
    let allowed =
        |c: char| is_letter(c) || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'' | '&' | '!' | '#' | '*' | '=' | '~');
    let before = &text[..at];
    let mut start = at;
    for (place, c) in before.char_indices().rev() {
        if !allowed(c) || at - place > LONGEST_LOCAL {
            break;
        }
        start = place;
    }
    // An assignment or an address in quotation marks begins after its sign.
    let local = &before[start..];
    let local = local.rfind('=').map_or(local, |sign| &local[sign + 1..]);
    let local = local.trim_start_matches(|c: char| !is_letter(c) && !matches!(c, '_' | '%' | '+'));
    let ends_well = local.chars().next_back().is_some_and(|c| is_letter(c) || matches!(c, '_' | '%' | '+' | '-'));
    let start = at - local.len();
    let touches_at = text[..start].ends_with('@');
    (ends_well && !touches_at && !local.contains("..")).then_some(start)
}

fn end_of_host(text: &str, begin: usize) -> Option<usize> {
    let rest = &text[begin..];
    let length: usize = rest
        .chars()
        .take_while(|&c| is_letter(c) || matches!(c, '-' | '.'))
        .take(LONGEST_HOST)
        .map(char::len_utf8)
        .sum();
    let mut host = rest[..length].trim_end_matches(['.', '-']);
    if rest[length..].starts_with(['@', '_']) {
        return None;
    }
    loop {
        let (front, last) = host.rsplit_once('.')?;
        // "…@example.com.Then": the sentence goes on without a space.
        let previous = front.rsplit('.').next().unwrap_or_default();
        let goes_on = last.starts_with(char::is_uppercase)
            && front.contains('.')
            && !front.contains(char::is_uppercase)
            && (2..=6).contains(&previous.len());
        let is_top = (2..=24).contains(&last.chars().count()) && last.chars().all(char::is_alphabetic)
            || last.to_ascii_lowercase().starts_with("xn--");
        if is_top && !goes_on {
            break;
        }
        if !goes_on {
            return None;
        }
        host = front;
    }
    let (front, last) = host.rsplit_once('.')?;
    let labels_are_good =
        front.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let is_file = FILES.contains(&last.to_ascii_lowercase().as_str());
    (labels_are_good && !is_file).then_some(begin + host.len())
}
