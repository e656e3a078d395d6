//! Where a secret stands in a packet, and the decodings it may need. Bytes come out one way only: into a keyed hash.
//!
//! Nothing here copies a secret: decoders yield one byte after another. It has no `Debug` that shows, and cannot be compared.

use std::borrow::Cow;

/// A secret that was sent. What the caller does with the bytes of [`Secret::feed`] is hash them with a key, nothing else.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// Challenge and response, or a password hidden by a shared secret: nothing that is the same at the next login.
    None,
    Bytes(&'a [u8]),
    /// The part of a base64 text behind `separators` bytes of this value, up to `end` if there is one.
    Base64 {
        text: &'a [u8],
        separator: u8,
        separators: usize,
        end: Option<u8>,
    },
    /// A value of application/x-www-form-urlencoded.
    Form(&'a [u8]),
    /// A quoted string in which a backslash quotes.
    Quoted(&'a [u8]),
    /// A line typed into a terminal, see [`super::telnet`].
    Typed {
        client: &'a [u8],
        line: usize,
    },
}

impl std::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret<'_> {
    /// Hands the secret's bytes on, decoded; false if there is none to hash.
    pub fn feed(&self, mut hash: impl FnMut(&[u8])) -> bool {
        let mut count = 0usize;
        let mut each = |byte: u8| {
            hash(&[byte]);
            count = count.saturating_add(1);
        };
        match *self {
            Self::None => {}
            Self::Bytes(bytes) => bytes.iter().for_each(|b| each(*b)),
            Self::Base64 { text, separator, separators, end } => {
                let mut passed = 0;
                for byte in decoded(text) {
                    if passed < separators {
                        passed += usize::from(byte == separator);
                    } else if Some(byte) == end {
                        break;
                    } else {
                        each(byte);
                    }
                }
            }
            Self::Form(value) => form_decoded(value).for_each(each),
            Self::Quoted(text) => unquoted(text).for_each(each),
            Self::Typed { client, line } => super::telnet::typed(client, line).for_each(each),
        }
        count > 0
    }
}

fn sextet(c: u8) -> Option<u32> {
    Some(u32::from(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Base64 (RFC 4648 sections 4 and 5) up to the first byte that is none, one byte at a time.
pub fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let (mut bits, mut held) = (0u32, 0u32);
    text.iter().map_while(|c| sextet(*c)).filter_map(move |s| {
        (bits, held) = (bits << 6 | s, held + 6);
        (held >= 8).then(|| {
            held -= 8;
            let byte = (bits >> held & 0xff) as u8;
            bits &= (1 << held) - 1;
            byte
        })
    })
}

/// Whether all of the text is base64, with or without padding.
pub fn is_base64(text: &[u8]) -> bool {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    !body.is_empty() && body.iter().all(|c| sextet(*c).is_some())
}

/// `+` is a space, `%xx` a byte (WHATWG URL section 5.1).
pub fn form_decoded(value: &[u8]) -> impl Iterator<Item = u8> {
    let hex = |at: usize| value.get(at).and_then(|c| char::from(*c).to_digit(16));
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *value.get(at)?;
        let (decoded, size) = match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => ((high << 4 | low) as u8, 3),
            (b'+', ..) => (b' ', 1),
            _ => (byte, 1),
        };
        at += size;
        Some(decoded)
    })
}

/// A backslash stands for the byte behind it (RFC 9051 section 9, RFC 9110 section 5.6.4).
pub fn unquoted(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut bytes = text.iter();
    std::iter::from_fn(move || match bytes.next()? {
        b'\\' => bytes.next().copied(),
        byte => Some(*byte),
    })
}

/// What an account's name is written with, as far as it may be long.
pub fn name<'a>(bytes: impl Iterator<Item = u8>) -> Option<Cow<'a, [u8]>> {
    let name: Vec<u8> = bytes.take(super::ACCOUNT_LIMIT).collect();
    (!name.is_empty()).then_some(Cow::Owned(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(secret: Secret<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(secret.feed(|bytes| out.extend_from_slice(bytes)), !out.is_empty());
        out
    }

    #[test]
    fn decodings() {
        // RFC 7617 section 2: "Aladdin" and "open sesame".
        let text = b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(fed(Secret::Base64 { text, separator: b':', separators: 1, end: None }), b"open sesame");
        assert_eq!(fed(Secret::Form(b"a+b%26%c3%a4%4")), "a b&ä%4".as_bytes());
        assert_eq!(fed(Secret::Quoted(b"a\\\"b\\\\")), b"a\"b\\");
        assert_eq!(fed(Secret::Bytes(b"")), b"");
        assert_eq!(fed(Secret::None), b"");
        assert!(
            is_base64(b"c2VzYW1l") && is_base64(b"QQ==") && !is_base64(b"*") && !is_base64(b"=") && !is_base64(b"")
        );
    }

    #[test]
    fn a_secret_does_not_show() {
        assert_eq!(format!("{:?}", Secret::Bytes(b"sesame")), "Secret");
    }
}
