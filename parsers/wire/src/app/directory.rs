//! Directories and who is who: LDAP and CLDAP (RFC 4511), Kerberos (RFC 4120).

use super::Datagram;
use super::ber::{self, Element, INTEGER, SEQUENCE, tagged};
use super::look::{Look, NO, be32, yes};

/// LDAPMessage: a SEQUENCE of a message id and an application-tagged operation (RFC 4511 section 4.1.1).
fn ldap_message(b: &[u8]) -> Look {
    let outer = tagged!(b, SEQUENCE);
    let mut id = tagged!(outer.value, INTEGER);
    const USER: u8 = 4;
    // Without connections a user's name, mostly empty, may stand in between (RFC 1798 section 3).
    if let [USER, 0, rest @ ..] = id.rest {
        id.rest = rest;
    }
    if id.length > 4 || outer.length < 5 {
        return NO;
    }
    let Ok(operation) = ber::element(id.rest) else { return NO };
    let operation: Element = operation?;
    // Application 0 to 16, 19, 23 to 25, each primitive or constructed as its type says.
    let known =
        matches!(operation.tag, 0x60..=0x61 | 0x42 | 0x63..=0x69 | 0x4a | 0x6b..=0x6f | 0x50 | 0x73 | 0x77..=0x79);
    if !known {
        return NO;
    }
    // The operation and its controls fill the message exactly.
    let header = outer.length.saturating_sub(outer.value.len() - id.rest.len());
    let fits = operation.length < header && (outer.length <= 1 << 20);
    match operation.tag {
        0x60 => yes(fits && operation.value.get(..3).is_some_and(|v| matches!(v, [2, 1, 2 | 3]))),
        0x63 | 0x77 | 0x66 | 0x68 => yes(fits && operation.value.first().is_some_and(|t| matches!(t, 4 | 0x80))),
        0x61 | 0x65 | 0x78 | 0x67 | 0x69 => yes(fits && operation.value.get(..2).is_some_and(|v| matches!(v, [10, 1]))),
        0x64 => yes(fits && operation.value.first() == Some(&4)),
        0x42 => yes(operation.length == 0 && fits),
        _ => super::look::weak(fits),
    }
}

pub fn ldap(b: &[u8]) -> Look {
    ldap_message(b)
}

pub fn cldap(d: &Datagram) -> Look {
    ldap_message(d.payload)
}

/// AS, TGS, AP requests and replies, errors: application tags 10 to 15 and 30, each a SEQUENCE with pvno 5 in it.
fn kerberos_message(b: &[u8]) -> Look {
    let Ok(outer) = ber::element(b) else { return NO };
    let outer = outer?;
    let number = outer.tag & 0x1f;
    if outer.tag & 0xe0 != 0x60 || !matches!(number, 1 | 10..=15 | 20..=22 | 30) {
        return NO;
    }
    let body = tagged!(outer.value, SEQUENCE);
    let field = match ber::element(body.value) {
        Ok(field) => field?,
        Err(_) => return NO,
    };
    // pvno is [1] in KDC-REQ and [0] elsewhere.
    let tag = if matches!(number, 10 | 12) { 0xa1 } else { 0xa0 };
    yes(field.tag == tag && field.value == [2, 1, 5])
}

pub fn kerberos(d: &Datagram) -> Look {
    kerberos_message(d.payload)
}

/// Over TCP behind a length of four bytes (RFC 4120 section 7.2.2).
pub fn kerberos_stream(b: &[u8]) -> Look {
    if be32(b, 0)? > 1 << 20 { NO } else { kerberos_message(b.get(4..)?) }
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, server, udp};

    /// An AbandonRequest does not tell, a search does, behind a user without a name.
    #[test]
    fn connectionless_with_a_user() {
        let search = b"\x30\x27\x02\x01\0\x04\0\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectClass\x30\0";
        assert_eq!(udp(search, 389), Some(Protocol::Ldap));
        let mut other = search.to_vec();
        other[7] = 0x62;
        assert_eq!(udp(&other, 389), None);
    }

    #[test]
    fn ldap_binds_searches_and_answers() {
        assert_eq!(client(b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"), Some(Protocol::Ldap));
        assert_eq!(client(b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x09\x04\0\x80\0"), None);
        assert_eq!(server(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"), Some(Protocol::Ldap));
        let search = b"\x30\x25\x02\x01\x01\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectClass\x30\0";
        assert_eq!(udp(search, 389), Some(Protocol::Ldap));
    }

    #[test]
    fn kerberos_says_version_five() {
        assert_eq!(
            udp(b"\x6a\x81\x10\x30\x81\x0d\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\0", 88),
            Some(Protocol::Kerberos)
        );
        assert_eq!(udp(b"\x6a\x81\x10\x30\x81\x0d\xa1\x03\x02\x01\x04\xa2\x03\x02\x01\x0a\xa4\0", 88), None);
        assert_eq!(
            client(b"\0\0\0\x13\x6a\x81\x10\x30\x81\x0d\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\0"),
            Some(Protocol::Kerberos)
        );
    }
}
