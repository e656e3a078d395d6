//! Kerberos with RC4 (RFC 4757): the key is the unsalted MD4 of the password, so whoever sees one message guesses offline.
//!
//! RFC 4120 section 5.4 for the messages; RFC 8429 deprecates the encryption type.

use std::borrow::Cow;

use super::binary::next;
use super::{Credential, Secret, found};
use crate::app::ber::{self, Element, INTEGER, OCTET_STRING, SEQUENCE};
use crate::app::look::byte;

const GENERAL_STRING: u8 = 0x1b;
/// rc4-hmac and rc4-hmac-exp.
const RC4: [u32; 2] = [23, 24];

/// One message; over TCP behind its length of four bytes.
pub fn rc4(b: &[u8]) -> Option<Credential<'_>> {
    let b = if byte(b, 0)? == 0 { b.get(4..)? } else { b };
    let message = ber::element(b).ok()??;
    let body = next(message.value, SEQUENCE)?.value;
    match message.tag {
        // AS-REQ: a timestamp under the client's key.
        0x6a => {
            let all = next(field(body, 3)?.value, SEQUENCE)?.value;
            let timestamp = elements(all).find(|data| padata_type(data.value) == Some(2))?;
            let encrypted = next(field(timestamp.value, 2)?.value, OCTET_STRING)?;
            let client = field(next(field(body, 4)?.value, SEQUENCE)?.value, 1);
            of_rc4("kerberos_preauth_rc4", encrypted.value, client)
        }
        // AS-REP: the session key under the client's key.
        0x6b => of_rc4("kerberos_as_rep_rc4", field(body, 6)?.value, field(body, 4)),
        // TGS-REP: a ticket under the key of the service.
        0x6d => {
            let ticket = next(next(field(body, 5)?.value, 0x61)?.value, SEQUENCE)?.value;
            of_rc4("kerberos_tgs_rep_rc4", field(ticket, 3)?.value, field(ticket, 2))
        }
        _ => None,
    }
}

fn elements(b: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut rest = b;
    std::iter::from_fn(move || {
        let element = ber::element(rest).ok()??;
        rest = element.rest;
        Some(element)
    })
}

/// The member [`number`] of a sequence's content.
fn field(sequence: &[u8], number: u8) -> Option<Element<'_>> {
    elements(sequence).find(|e| e.tag == 0xa0 | number)
}

fn padata_type(data: &[u8]) -> Option<u32> {
    next(field(data, 1)?.value, INTEGER)?.integer()
}

/// `encrypted`: an EncryptedData; `principal`: whose key it is under.
fn of_rc4<'a>(kind: &'static str, encrypted: &[u8], principal: Option<Element<'a>>) -> Option<Credential<'a>> {
    let etype = next(field(next(encrypted, SEQUENCE)?.value, 0)?.value, INTEGER)?.integer()?;
    if !RC4.contains(&etype) {
        return None;
    }
    found(kind, principal.and_then(|name| written(name.value)), Secret::None)
}

/// A PrincipalName's components, with slashes between them.
fn written(principal: &[u8]) -> Option<Cow<'_, [u8]>> {
    let parts = next(field(next(principal, SEQUENCE)?.value, 1)?.value, SEQUENCE)?;
    let mut name = Vec::new();
    for part in elements(parts.value).filter(|e| e.tag == GENERAL_STRING) {
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(part.value);
    }
    Some(Cow::Owned(name))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, seen, with_server};
    use crate::Protocol::Kerberos;

    /// One element of DER with a short length.
    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        [&[tag, u8::try_from(value.len()).unwrap()][..], &value].concat()
    }

    fn principal(names: &[&str]) -> Vec<u8> {
        let names: Vec<Vec<u8>> = names.iter().map(|n| der(0x1b, &[n.as_bytes()])).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        der(0x30, &[b"\xa0\x03\x02\x01\x01", &der(0xa1, &[&der(0x30, &names)])])
    }

    fn encrypted(etype: u8) -> Vec<u8> {
        der(0x30, &[&[0xa0, 3, 2, 1, etype], b"\xa2\x04\x04\x02??"])
    }

    #[test]
    fn what_a_password_s_key_was_used_for() {
        for (etype, found) in [(23, named("kerberos_preauth_rc4", "joe")), (18, None)] {
            let timestamp = der(0x30, &[b"\xa1\x03\x02\x01\x02", &der(0xa2, &[&der(4, &[&encrypted(etype)])])]);
            let body = der(0x30, &[b"\xa0\x07\x03\x05\0\0\0\0\0", &der(0xa1, &[&principal(&["joe"])])]);
            let padata = der(0xa3, &[&der(0x30, &[&timestamp])]);
            let parts: [&[u8]; 4] = [b"\xa1\x03\x02\x01\x05", b"\xa2\x03\x02\x01\x0a", &padata, &der(0xa4, &[&body])];
            let request = der(0x6a, &[&der(0x30, &parts)]);
            assert_eq!(seen(Kerberos, &request), found);
            assert_eq!(seen(Kerberos, &[&[0, 0, 0, request.len() as u8][..], &request].concat()), found);
            assert_eq!(hashed(Kerberos, &request, b""), None);
        }
        let sname = der(0xa2, &[&principal(&["http", "intranet"])]);
        let ticket = der(0x61, &[&der(0x30, &[&sname, &der(0xa3, &[&encrypted(23)])])]);
        let answer = |tag: u8, key: u8| {
            let cname = der(0xa4, &[&principal(&["joe"])]);
            der(tag, &[&der(0x30, &[&cname, &der(0xa5, &[&ticket]), &der(0xa6, &[&encrypted(key)])])])
        };
        assert_eq!(with_server(Kerberos, b"", &answer(0x6d, 18)), named("kerberos_tgs_rep_rc4", "http/intranet"));
        assert_eq!(with_server(Kerberos, b"", &answer(0x6b, 23)), named("kerberos_as_rep_rc4", "joe"));
        assert_eq!(with_server(Kerberos, b"", &answer(0x6b, 18)), None);
    }
}
