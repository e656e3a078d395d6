//! ZooKeeper, TACACS+ (RFC 8907), BitTorrent (BEP 3), BGP (RFC 4271), LDAP (RFC 4511), SMB 2 and 3 (MS-SMB2), in the middle.

use super::{BROKEN, Step, message, spelt};
use crate::app::ber::{self, element};
use crate::app::files::smb_transform;
use crate::app::look::{Match, at, be16, be24, be32, byte, le16};

/// A request of ZooKeeper's: its number, what is asked, mostly a path; or a ping.
pub fn zookeeper_client(b: &[u8], _: &[u8]) -> Step {
    const WORDS: u32 = 20;
    let (length, number, operation) = (be32(b, 0)?, be32(b, 4)?, be32(b, 8)?);
    let (fits, bits) = match (length, operation) {
        (8, 11) => (number == u32::MAX - 1, 50),
        (8, 0xffff_fff5) => (number < 1 << 24, 30),
        // create, delete, exists, getData, setData, getACL, setACL, getChildren, sync, getChildren2 and their kin begin with a path.
        (14..=0x10_0000, 1..=9 | 12 | 15 | 19..=21) => {
            let size = be32(b, 12)?;
            let path = b.get(16..16 + size.min(WORDS) as usize)?;
            (
                number < 1 << 24 && size > 0 && size <= length - 12 && path.first() == Some(&b'/'),
                16 + spelt(path, WORDS),
            )
        }
        _ => return BROKEN,
    };
    message(fits, 4 + length as usize, bits)
}

/// A reply: the number of its request, or of a ping or a watch, when it was, an error or none.
pub fn zookeeper_server(b: &[u8], before: &[u8]) -> Step {
    let (length, number, error) = (be32(b, 0)?, be32(b, 4)?, be32(b, 16)?);
    let (fits, bits) = match length {
        // The answer to a ConnectRequest: version 0, a session with a password of 16 bytes.
        36 | 37 if number == 0 && before.is_empty() && be32(b, 20)? == 16 => (be32(b, 8)? <= 3_600_000, 40),
        16..=0x10_0000 => {
            let ping = number == u32::MAX - 1 && length == 16;
            let failed = (0xffff_ff00..).contains(&error);
            let known = ping || number < 1 << 24 || number == u32::MAX;
            (known && (error == 0 || failed && length == 16), if ping { 44 } else { 12 })
        }
        _ => return BROKEN,
    };
    message(fits, 4 + length as usize, bits)
}

/// A packet of a session (RFC 8907 section 4.1); clients number theirs odd, servers even.
fn tacacs(b: &[u8], before: &[u8], odd: bool) -> Step {
    let (version, kind, sequence, flags) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?, byte(b, 3)?);
    let (session, length) = (be32(b, 4)?, be32(b, 8)?);
    let fits = matches!(version, 0xc0 | 0xc1) && (1..=3).contains(&kind) && flags & !5 == 0 && length < 1 << 16;
    let again = be32(before, 4) == Some(session);
    let counts = !again || byte(before, 2)?.wrapping_add(2) == sequence;
    let own = sequence > 0 && (sequence % 2 == 1) == odd;
    message(fits && counts && own && length > 0, 12 + length as usize, if again { 60 } else { 32 })
}

pub fn tacacs_client(b: &[u8], before: &[u8]) -> Step {
    tacacs(b, before, true)
}

pub fn tacacs_server(b: &[u8], before: &[u8]) -> Step {
    tacacs(b, before, false)
}

/// BEP 3: a length, a number of the message. Requests are of 2^14 bytes, and so are the pieces.
pub fn bittorrent(b: &[u8], _: &[u8]) -> Step {
    const BLOCK: u32 = 1 << 14;
    /// More pieces than any torrent has.
    const PIECES: u32 = 1 << 20;
    let length = be32(b, 0)?;
    if length == 0 {
        return message(true, 4, 0);
    }
    let (fits, bits) = match (byte(b, 4)?, length) {
        (0..=3, 1) => (true, 8),
        (4, 5) => (be32(b, 5)? < PIECES, 16),
        (6 | 8, 13) => (be32(b, 5)? < PIECES && be32(b, 9)? % BLOCK == 0 && be32(b, 13)? <= BLOCK, 36),
        (7, 10..) => (length <= BLOCK + 9 && be32(b, 5)? < PIECES && be32(b, 9)? % BLOCK == 0, 20),
        (20, 3..=0x10_0000) => (byte(b, 6)? == b'd' && byte(b, 5)? < 32, 19),
        _ => return BROKEN,
    };
    message(fits, 4 + length as usize, bits)
}

/// RFC 4271 section 4.1: the marker is all ones.
pub fn bgp(b: &[u8], _: &[u8]) -> Step {
    if !at(b, 0, &[0xff; 16])? {
        return BROKEN;
    }
    let (length, kind) = (be16(b, 16)?, byte(b, 18)?);
    // A KEEPALIVE is a header, RFC 8654 makes the others longer.
    message((1..=5).contains(&kind) && length >= 19 && (kind == 4) == (length == 19), usize::from(length), 128)
}

/// An LDAPMessage: its number, one of these operations, which fills it but for controls.
fn ldap(b: &[u8], operations: &[u8]) -> Step {
    let Ok(outer) = element(b) else { return BROKEN };
    let outer = outer?;
    if outer.tag != ber::SEQUENCE || outer.length > 1 << 24 {
        return BROKEN;
    }
    let header = b.len() - outer.value.len() - outer.rest.len();
    let Ok(number) = element(outer.value) else { return BROKEN };
    let number = number?;
    let Some(_) = number.integer() else { return BROKEN };
    let Ok(operation) = element(number.rest) else { return BROKEN };
    let operation = operation?;
    let before = outer.value.len() - number.rest.len();
    let inner = number.rest.len() - operation.value.len() - operation.rest.len();
    // What is left is the controls, or there are none.
    let Some(left) = outer.length.checked_sub(before + inner + operation.length) else { return BROKEN };
    let fits =
        operations.contains(&operation.tag) && (left == 0 || operation.rest.first().is_none_or(|tag| *tag == 0xa0));
    message(fits, header + outer.length, if left == 0 { 36 } else { 26 })
}

/// bind, unbind, search, modify, add, delete, rename, compare, abandon, extended.
pub fn ldap_client(b: &[u8], _: &[u8]) -> Step {
    ldap(b, &[0x60, 0x42, 0x63, 0x66, 0x68, 0x4a, 0x6c, 0x6e, 0x50, 0x77])
}

pub fn ldap_server(b: &[u8], _: &[u8]) -> Step {
    ldap(b, &[0x61, 0x64, 0x73, 0x65, 0x67, 0x69, 0x6b, 0x6d, 0x6f, 0x78, 0x79])
}

/// A message about a file in the clear, behind NetBIOS's header.
pub fn smb(b: &[u8], _: &[u8]) -> Step {
    let length = be24(b, 1)?;
    if byte(b, 0)? != 0 || !at(b, 4, b"\xfeSMB")? {
        return BROKEN;
    }
    // Negotiation, logins, trees and controls come before either.
    let tells = matches!(le16(b, 16)?, 5..=10 | 14..=18);
    message(le16(b, 8)? == 64 && length >= 64, 4 + length as usize, if tells { 56 } else { 0 })
}

/// A message within a transform header (MS-SMB2 section 2.2.41).
pub fn smb_sealed(b: &[u8], _: &[u8]) -> Step {
    let length = be24(b, 1)?;
    message(smb_transform(b)? == Match::Yes, 4 + length as usize, 80)
}
