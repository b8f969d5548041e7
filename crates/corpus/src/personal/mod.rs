//! Personal data: here is a text, give me the pieces that point at a person, each with its kind and the reason it was
//! taken for that.
//!
//! Two families. *Structured* data has a form that can be checked: e-mail addresses, IP addresses, payment cards (Luhn),
//! bank accounts (IBAN, mod 97), Chinese identity numbers (mod 11-2), US social security numbers, telephone numbers. A
//! match is kept only when its check, its neighbours and the words before it agree, so that ISBNs, versions, dates and
//! ordinary numbers stay. *Names and addresses* have no check; they are found by word lists and by what stands around
//! them (`names`, `chinese`, `address`).
//!
//! One pass over the bytes (`scan`) finds the few places where anything can be; patterns run on those alone.

mod address;
mod address_words;
mod checks;
mod chinese;
mod email;
mod ip;
mod names;
mod numbers;
mod phone;
pub mod presets;
pub mod redact;
mod scan;
mod words;

pub use redact::{Placeholder, PlaceholderError, mask};

use scan::Scan;

/// All kinds, as settings, spans and placeholders name them; the structured ones first, surest first.
pub const KINDS: [&str; 9] = ["email", "iban", "id_card", "card", "ip", "ssn", "phone", "address", "name"];

/// The kinds that have a form.
pub const STRUCTURED: [&str; 7] = ["email", "phone", "ip", "card", "id_card", "iban", "ssn"];

/// A byte range of the text.
type Span = (usize, usize);

/// One piece of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// One of [`KINDS`], or a kind of a preset.
    pub kind: &'static str,
    /// Why it was taken for that.
    pub reason: &'static str,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finder {
    /// Aligned with [`KINDS`].
    wanted: [bool; KINDS.len()],
    /// Leave addresses of private, local and documentation networks alone.
    pub public_ip_only: bool,
}

impl Finder {
    /// A finder of `kinds`; the first one that is none of [`KINDS`] comes back as the error.
    pub fn new<'k>(kinds: impl IntoIterator<Item = &'k str>) -> Result<Finder, String> {
        let mut wanted = [false; KINDS.len()];
        for kind in kinds {
            let place = KINDS.iter().position(|known| *known == kind).ok_or_else(|| kind.to_string())?;
            wanted[place] = true;
        }
        Ok(Finder { wanted, public_ip_only: false })
    }

    /// A finder of every kind.
    pub fn all() -> Finder {
        Finder { wanted: [true; KINDS.len()], public_ip_only: false }
    }

    fn wants(&self, kind: &str) -> bool {
        KINDS.iter().position(|known| *known == kind).is_some_and(|place| self.wanted[place])
    }

    /// The personal data in `text`, in order, without overlaps. The work grows with the length of the text alone.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let words = self.wants("name") || self.wants("address");
        let scan = Scan::of(text, words);
        let mut found = Taken::default();
        if self.wants("email") {
            email::search(text, &scan, &mut found);
        }
        if self.wants("ip") && scan.colons {
            ip::search_long(text, self.public_ip_only, &mut found);
        }
        for window in &scan.windows {
            if self.wants("iban") {
                numbers::ibans(text, window, &mut found);
            }
            if self.wants("id_card") && window.digits >= 17 {
                numbers::identity_numbers(text, window, &mut found);
            }
            if self.wants("card") && window.digits >= 12 {
                numbers::cards(text, window, &mut found);
            }
            if self.wants("ip") && window.dots >= 3 {
                ip::search_short(text, window, self.public_ip_only, &mut found);
            }
            if self.wants("ssn") && window.digits >= 9 {
                numbers::social_security_numbers(text, window, &mut found);
            }
            if self.wants("phone") && window.digits >= 7 {
                phone::search(text, window, &mut found);
            }
        }
        if self.wants("address") {
            address::search(text, &scan, &mut found);
            if scan.han {
                chinese::addresses(text, &mut found);
            }
        }
        if self.wants("name") {
            names::search(text, &scan, &mut found);
            if scan.han {
                chinese::names(text, &mut found);
            }
        }
        found.spans
    }
}

/// What has been found so far, in order of place.
#[derive(Debug, Default)]
struct Taken {
    spans: Vec<Found>,
}

impl Taken {
    /// True when nothing found so far overlaps `start..end`.
    fn is_free(&self, start: usize, end: usize) -> bool {
        let next = self.spans.partition_point(|span| span.end <= start);
        self.spans.get(next).is_none_or(|span| end <= span.start)
    }

    /// Adds a piece where nothing stands yet: surer kinds come first, and a later one never takes their characters.
    fn add(&mut self, (start, end): Span, kind: &'static str, reason: &'static str) -> bool {
        let free = start < end && self.is_free(start, end);
        if free {
            let place = self.spans.partition_point(|span| span.end <= start);
            self.spans.insert(place, Found { start, end, kind, reason });
        }
        free
    }
}

#[cfg(test)]
mod tests;
