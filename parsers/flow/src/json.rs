//! JSON written by hand into a byte buffer: flow records are made by the hundred thousand, and every one of them here.
//!
//! Keys are always literals of ours, never packet data. Strings from packets go through [`string`], which yields valid
//! UTF-8 whatever comes in: bytes that are not are written `\xNN` (so `\\xNN` in JSON), control characters `\u00NN`.

/// `"key":` preceded by a comma unless the buffer ends in an opening brace or bracket. Inlined where it is called, so that the
/// name is a constant there: a copy of known length is a store or two, any other a call.
#[inline(always)]
pub fn key(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), None | Some(b'{' | b'[' | b'\n')) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A literal of ours (registry name, enumeration word): needs no escaping.
#[inline(always)]
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

#[inline(always)]
pub fn boolean(out: &mut Vec<u8>, name: &str, value: bool) {
    key(out, name);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

#[inline(always)]
pub fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    decimal(out, value);
}

/// The first `len` of `bytes`: a copy of known length, of which what is too much is dropped.
#[inline]
pub fn front<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N], len: usize) {
    let end = out.len() + len;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

#[inline]
pub fn decimal(out: &mut Vec<u8>, value: u64) {
    match value {
        0..10 => out.push(b'0' + value as u8),
        10..100 => out.extend_from_slice(&two(value)),
        100..10_000 => {
            let [a, b] = two(value / 100);
            let [c, d] = two(value % 100);
            if value < 1000 { out.extend_from_slice(&[b, c, d]) } else { out.extend_from_slice(&[a, b, c, d]) }
        }
        _ => long_decimal(out, value),
    }
}

fn long_decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    for pair in digits.as_chunks_mut::<2>().0.iter_mut().rev() {
        *pair = two(value % 100);
        at -= if value < 10 { 1 } else { 2 };
        value /= 100;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Two decimal digits of a number below 100.
#[inline]
pub fn two(value: u64) -> [u8; 2] {
    [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]
}

/// Bytes from a packet as a JSON string.
#[inline(always)]
pub fn string(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    key(out, name);
    text(out, value);
}

/// The quoted, escaped value of [`string`], also for list elements.
pub fn text(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    if is_plain(value) {
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

/// Printable ASCII without anything that JSON escapes. Without a way out of the loop it is done 32 bytes at a time.
pub fn is_plain(value: &[u8]) -> bool {
    value.iter().fold(true, |plain, b| plain & matches!(b, 0x20..=0x7e) & (*b != b'"') & (*b != b'\\'))
}

/// Lower-case hex digits, unquoted.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let (blocks, rest) = bytes.as_chunks::<16>();
    for block in blocks {
        out.extend_from_slice(block.map(hex_digits).as_flattened());
    }
    for byte in rest {
        out.extend_from_slice(&hex_digits(*byte));
    }
}

/// Worked out, not looked up: so a block of them is done at once.
#[inline]
fn hex_digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| digit + if digit < 10 { b'0' } else { b'a' - 10 })
}

/// Standard base64 with padding (RFC 4648 section 4), unquoted.
pub fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let (groups, rest) = bytes.as_chunks::<3>();
    for group in groups {
        out.extend_from_slice(&base64_digits(*group));
    }
    match *rest {
        [a] => {
            let [first, second, ..] = base64_digits([a, 0, 0]);
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        [a, b] => {
            let [first, second, third, _] = base64_digits([a, b, 0]);
            out.extend_from_slice(&[first, second, third, b'=']);
        }
        _ => {}
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What was written so; none if it is no base64.
pub fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|c| **c == b'=').count();
    let digits = text.get(..text.len() - padding)?;
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let values = group.iter().map(|c| ALPHABET.iter().position(|known| known == c));
        let word = values.zip([18, 12, 6, 0]).try_fold(0, |word, (value, shift)| Some(word | value? << shift))?;
        out.extend_from_slice(&(word as u32).to_be_bytes()[1..group.len()]);
    }
    (text.len().is_multiple_of(4) && padding < 3).then_some(out)
}

#[inline]
fn base64_digits([a, b, c]: [u8; 3]) -> [u8; 4] {
    let word = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift) as usize & 63])
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
    fn numbers_of_every_length() {
        let powers = (0..20).map(|n| 10u64.pow(n));
        let near = powers.flat_map(|power| [power - 1, power, power + 1, power + power / 7]);
        for value in (0..=10_100).chain(near).chain([u64::MAX]) {
            let mut out = Vec::new();
            decimal(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn hex_of_every_byte_in_blocks_and_alone() {
        let bytes: Vec<u8> = (0..=255).chain(0..7).collect();
        let mut out = Vec::new();
        hex(&mut out, &bytes);
        let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn base64_pads() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            let mut out = Vec::new();
            base64(&mut out, plain.as_bytes());
            assert_eq!(out, coded.as_bytes());
            assert_eq!(from_base64(&out).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn what_is_no_base64_is_not_read() {
        for wrong in ["Zg", "Zg=", "Z===", "Zm9*", "Z=g=", "====", "Zm9vY"] {
            assert_eq!(from_base64(wrong.as_bytes()), None, "{wrong}");
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
