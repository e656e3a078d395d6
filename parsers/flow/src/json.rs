//! JSON written by hand into a byte buffer: flow records are made by the hundred thousand, and every one of them here.
//!
//! Keys are always literals of ours, never packet data. Strings from packets go through [`string`], which yields valid
//! UTF-8 whatever comes in: bytes that are not are written `\xNN` (so `\\xNN` in JSON), control characters `\u00NN`.

/// `"key":` preceded by a comma unless the buffer ends in an opening brace or bracket.
#[inline]
pub fn key(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), None | Some(b'{' | b'[' | b'\n')) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A literal of ours (registry name, enumeration word): needs no escaping.
#[inline]
pub fn word(out: &mut Vec<u8>, name: &str, value: &str) {
    key(out, name);
    quoted(out, value);
}

#[inline]
pub fn quoted(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

#[inline]
pub fn boolean(out: &mut Vec<u8>, name: &str, value: bool) {
    key(out, name);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

#[inline]
pub fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    decimal(out, value);
}

pub fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Bytes from a packet as a JSON string.
pub fn string(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    key(out, name);
    text(out, value);
}

/// The quoted, escaped value of [`string`], also for list elements.
pub fn text(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    if value.iter().all(|b| matches!(b, 0x20..=0x7e) && *b != b'"' && *b != b'\\') {
        out.extend_from_slice(value);
    } else {
        for chunk in value.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '"' => out.extend_from_slice(b"\\\""),
                    '\\' => out.extend_from_slice(b"\\\\"),
                    '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                        out.extend_from_slice(b"\\u00");
                        hex(out, &[c as u8]);
                    }
                    c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
            for byte in chunk.invalid() {
                out.extend_from_slice(b"\\\\x");
                hex(out, &[*byte]);
            }
        }
    }
    out.push(b'"');
}

/// Lower-case hex digits, unquoted.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for some in bytes.chunks(32) {
        let mut digits = [0; 64];
        for (pair, b) in digits.as_chunks_mut::<2>().0.iter_mut().zip(some) {
            *pair = [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]];
        }
        out.extend_from_slice(&digits[..some.len() * 2]);
    }
}

/// Standard base64 with padding (RFC 4648 section 4), unquoted.
pub fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let word = group.iter().enumerate().fold(0u32, |w, (i, b)| w | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= group.len() { digit } else { b'=' });
        }
    }
}

/// A list whose elements `write` appends.
pub fn list<T>(
    out: &mut Vec<u8>,
    name: &str,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    key(out, name);
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// A list of words of ours.
pub fn words<'a>(out: &mut Vec<u8>, name: &str, values: impl IntoIterator<Item = &'a str>) {
    list(out, name, values, quoted);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"{".to_vec();
        f(&mut out);
        out.push(b'}');
        String::from_utf8(out).expect("always UTF-8")
    }

    #[test]
    fn hostile_strings_stay_valid_json() {
        assert_eq!(written(|o| string(o, "s", b"a\"b\\c\n\xff\x7f")), "{\"s\":\"a\\\"b\\\\c\\u000a\\\\xff\\u007f\"}");
        assert_eq!(written(|o| string(o, "s", "bücher.example".as_bytes())), "{\"s\":\"bücher.example\"}");
    }

    #[test]
    fn base64_pads() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            let mut out = Vec::new();
            base64(&mut out, plain.as_bytes());
            assert_eq!(out, coded.as_bytes());
        }
    }

    #[test]
    fn commas_separate_members() {
        let text = written(|o| {
            number(o, "a", 0);
            number(o, "b", u64::MAX);
            boolean(o, "c", true);
            words(o, "d", ["x", "y"]);
        });
        assert_eq!(text, "{\"a\":0,\"b\":18446744073709551615,\"c\":true,\"d\":[\"x\",\"y\"]}");
    }
}
