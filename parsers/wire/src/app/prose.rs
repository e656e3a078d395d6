//! Text without a protocol around it, which anybody on the way can read. The last resort: what has a name keeps it.
//!
//! Letters may stand for sealed bytes (base64, armour), but those have no words: blanks tell. A stream has to go on for so long that a
//! greeting before TLS is over.

use super::Datagram;
use super::look::{Look, NO, yes};

/// Bytes of text that are no greeting any more.
const STREAM: usize = 512;
const DATAGRAM: usize = 64;

/// Characters of ASCII and line ends, half of them or more letters and digits, blanks among them as among words: one of 25 to one of 2.
/// Lines of base64 have one line end in 65 characters or fewer, random characters one blank in 95.
fn words(b: &[u8]) -> bool {
    let blank = |c: &u8| matches!(c, b' ' | b'\t' | b'\r' | b'\n');
    let text = b.iter().all(|c| matches!(c, b' '..=b'~') || blank(c));
    let blanks = b.iter().filter(|c| matches!(c, b' ' | b'\n')).count();
    text && 2 * b.iter().filter(|c| c.is_ascii_alphanumeric()).count() >= b.len()
        && (b.len() / 25..=b.len() / 2).contains(&blanks)
}

pub fn text(b: &[u8]) -> Look {
    match b.get(..STREAM) {
        Some(head) => yes(words(head)),
        // Not yet, or never.
        None if b.iter().all(|c| matches!(c, b' '..=b'~' | b'\t' | b'\r' | b'\n')) => None,
        None => NO,
    }
}

pub fn text_datagram(d: &Datagram) -> Look {
    yes(d.payload.len() >= DATAGRAM && words(d.payload.strip_suffix(&[0]).unwrap_or(d.payload)))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, server, udp};

    #[test]
    fn words_with_blanks_between_them() {
        let prose = b"The quick brown fox jumps over the lazy dog, and nobody knows why.\n".repeat(8);
        assert_eq!((client(&prose), client(&prose[..511])), (Some(Protocol::Text), None));
        assert_eq!((udp(&prose[..67], 9000), udp(&prose[..63], 9000)), (Some(Protocol::Text), None));
        let armour = b"TWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsuTWFueSBoYW5kcyBtYWtlIGxpZ2h0\r\n".repeat(8);
        assert_eq!((client(&armour), udp(&armour[..66], 9000)), (None, None));
        let banner = [b"220 Welcome\r\n", &prose[..]].concat();
        assert_eq!((server(&banner), both(b"USER joe\r\n", &banner)), (None, Some(Protocol::Ftp)));
        let mut damaged = prose;
        damaged[300] = 0x80;
        assert_eq!(client(&damaged), None);
    }
}
