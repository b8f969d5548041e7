//! Replacing personal data: placeholders by kind, or by a keyed hash of the value, so that one person stays one person
//! inside a corpus and cannot be recovered without the key.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Found;

/// A template of placeholders: `{KIND}` and `{kind}` become the kind, `{hash}` eight hexadecimal digits of
/// HMAC-SHA-256 (RFC 2104) over kind and value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    template: String,
    key: Vec<u8>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlaceholderError {
    /// A name in braces that is none of ours.
    #[error("the placeholder has {{{name}}}\nhint: {{KIND}}, {{kind}} and {{hash}} can stand in it")]
    Unknown {
        /// The name.
        name: String,
    },
    /// `{hash}` without a key to hash with.
    #[error("a placeholder with {{hash}} needs a key, or anyone could try out values\nhint: --key-file FILE names one")]
    NoKey,
}

impl Default for Placeholder {
    fn default() -> Self {
        Placeholder { template: "<{KIND}>".to_string(), key: Vec::new() }
    }
}

impl Placeholder {
    /// Checks a template.
    ///
    /// # Errors
    /// A name in braces that is none of the three; `{hash}` with an empty key.
    pub fn new(template: &str, key: &[u8]) -> Result<Placeholder, PlaceholderError> {
        let mut rest = template;
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else { break };
            match name {
                "KIND" | "kind" => {}
                "hash" if key.is_empty() => return Err(PlaceholderError::NoKey),
                "hash" => {}
                name => return Err(PlaceholderError::Unknown { name: name.to_string() }),
            }
            rest = tail;
        }
        Ok(Placeholder { template: template.to_string(), key: key.to_vec() })
    }

    /// What stands for `value`. Equal values give equal placeholders, whatever document they are in and however their
    /// letters and spaces are written.
    pub fn of(&self, kind: &str, value: &str) -> String {
        let mut out = self.template.replace("{KIND}", &kind.to_uppercase()).replace("{kind}", kind);
        if out.contains("{hash}") {
            out = out.replace("{hash}", &self.hash(kind, value));
        }
        out
    }

    fn hash(&self, kind: &str, value: &str) -> String {
        // Numbers count by their digits and letters, the rest by its words.
        let plain: String = match kind {
            "email" => value.to_lowercase(),
            "name" | "address" => value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
            _ => value
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, '+' | '.' | ':'))
                .collect::<String>()
                .to_lowercase(),
        };
        let mac = hmac(&self.key, format!("{kind}\0{plain}").as_bytes());
        mac[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// `text` with every piece replaced by its placeholder; `found` is in order and without overlaps.
pub fn mask<'t>(text: &'t str, found: &[Found], placeholder: &Placeholder) -> Cow<'t, str> {
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for piece in found {
        out.push_str(&text[at..piece.start]);
        out.push_str(&placeholder.of(piece.kind, &text[piece.start..piece.end]));
        at = piece.end;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2 and 6.
    #[test]
    fn the_hash_is_hmac() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert!(hex(hmac(&[0x0b; 20], b"Hi There")).starts_with("b0344c61d8db38535ca8afceaf0bf12b"));
        assert!(hex(hmac(b"Jefe", b"what do ya want for nothing?")).starts_with("5bdcc146bf60754e6a042426089575c7"));
        let long = hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert!(hex(long).starts_with("60e431591ee0b67f0d8a26aacbf5b77f"));
    }

    #[test]
    fn equal_values_have_equal_placeholders() {
        let placeholder = Placeholder::new("[{kind}:{hash}]", b"secret").unwrap();
        let one = placeholder.of("card", "4111 1111 1111 1111");
        assert_eq!(one, placeholder.of("card", "4111-1111-1111-1111"));
        assert_ne!(one, placeholder.of("card", "5500000000000004"));
        assert_ne!(one, Placeholder::new("[{kind}:{hash}]", b"other").unwrap().of("card", "4111111111111111"));
        assert_eq!(one.len(), "[card:01234567]".len());
        assert_eq!(Placeholder::new("{hash}", b""), Err(PlaceholderError::NoKey));
        assert_eq!(Placeholder::new("{name}", b""), Err(PlaceholderError::Unknown { name: "name".into() }));
    }
}
