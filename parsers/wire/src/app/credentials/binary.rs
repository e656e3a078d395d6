//! Logins of binary protocols of directories, devices and brokers: LDAP, SNMP, RADIUS, MQTT.

use std::borrow::Cow;

use super::{Credential, Secret, found};
use crate::app::ber::{self, Element, INTEGER, OCTET_STRING, SEQUENCE};
use crate::app::look::{be16, be32, byte};
use crate::app::messaging::remaining_length;

/// CONNECT with the password flag: name, level, flags, keep-alive, properties (5.0), client id, will, then the user name.
pub fn mqtt(b: &[u8]) -> Option<Credential<'_>> {
    let (_, start) = remaining_length(b)??;
    let string = |at: usize| -> Option<(&[u8], usize)> {
        let n = usize::from(be16(b, at)?);
        Some((b.get(at + 2..at + 2 + n)?, at + 2 + n))
    };
    let (_, at) = string(start)?;
    let (level, flags) = (byte(b, at)?, byte(b, at + 1)?);
    let properties = |at: usize| -> Option<usize> {
        if level < 5 {
            return Some(at);
        }
        let (length, end) = remaining_length(b.get(at.checked_sub(1)?..)?)??;
        Some(at - 1 + end + usize::try_from(length).ok()?)
    };
    let (_, mut at) = string(properties(at + 4)?)?;
    if flags & 0x04 != 0 {
        let (_, message) = string(properties(at)?)?;
        at = string(message)?.1;
    }
    if flags & 0x40 == 0 {
        return None;
    }
    let mut account = None;
    if flags & 0x80 != 0 {
        let (name, end) = string(at)?;
        (account, at) = (Some(Cow::Borrowed(name)), end);
    }
    found("mqtt_connect", account, Secret::Bytes(string(at)?.0))
}

/// The element, if it has this tag.
pub fn next(b: &[u8], tag: u8) -> Option<Element<'_>> {
    ber::element(b).ok()?.filter(|e| e.tag == tag)
}

/// BindRequest with simple authentication and a password that is not empty (RFC 4513 section 5.1.3), in any message.
pub fn ldap(b: &[u8]) -> Option<Credential<'_>> {
    let mut rest = b;
    while let Some(message) = next(rest, SEQUENCE).filter(Element::is_whole) {
        rest = message.rest;
        if let Some(found) = ldap_bind(message.value) {
            return Some(found);
        }
    }
    None
}

fn ldap_bind(message: &[u8]) -> Option<Credential<'_>> {
    const BIND_REQUEST: u8 = 0x60;
    const SIMPLE: u8 = 0x80;
    let bind = next(next(message, INTEGER)?.rest, BIND_REQUEST)?;
    let name = next(next(bind.value, INTEGER)?.rest, OCTET_STRING)?;
    let password = next(name.rest, SIMPLE).filter(|p| p.length > 0 && p.is_whole())?;
    found("ldap_simple_bind", Some(Cow::Borrowed(name.value)), Secret::Bytes(password.value))
}

/// The community of versions 1 and 2c is the secret itself: there is no account (RFC 3584 section 5.1).
pub fn snmp(b: &[u8]) -> Option<Credential<'_>> {
    let version = next(next(b, SEQUENCE)?.value, INTEGER)?;
    let community = next(version.rest, OCTET_STRING).filter(|c| c.length > 0 && c.is_whole())?;
    if version.integer()? > 1 { None } else { found("snmp_community", None, Secret::Bytes(community.value)) }
}

/// Access-Request: the password hidden by the secret that client and server share, or a challenge's response, from which
/// either can be guessed (RFC 2865 sections 5.2 and 5.3, RFC 2548 section 2.3).
pub fn radius(b: &[u8]) -> Option<Credential<'_>> {
    const ACCESS_REQUEST: u8 = 1;
    const MICROSOFT: u32 = 311;
    if byte(b, 0)? != ACCESS_REQUEST {
        return None;
    }
    let mut attributes = b.get(20..usize::from(be16(b, 2)?))?;
    let (mut account, mut kind) = (None, None);
    while let [code, size, ..] = attributes {
        let value = attributes.get(2..usize::from(*size))?;
        match *code {
            1 => account = Some(Cow::Borrowed(value)),
            2 => kind = Some("radius_password"),
            3 => kind = Some("radius_chap"),
            26 if be32(value, 0) == Some(MICROSOFT) && matches!(byte(value, 4), Some(1 | 25)) => {
                kind = Some("radius_mschap");
            }
            _ => {}
        }
        attributes = attributes.get(usize::from(*size)..)?;
    }
    found(kind?, account, Secret::None)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, seen};
    use crate::Protocol::{self, Ldap, Mqtt, Radius, Snmp};

    fn both(protocol: Protocol, bytes: &[u8]) -> (Option<(&'static str, Option<String>)>, Option<String>) {
        (seen(protocol, bytes), hashed(protocol, bytes, b""))
    }

    fn sesame() -> Option<String> {
        Some("sesame".into())
    }

    #[test]
    fn brokers_directories_and_devices() {
        let connect = b"\x10\x1d\0\x04MQTT\x04\xc2\0\x3c\0\x04test\0\x03joe\0\x06sesame";
        assert_eq!(both(Mqtt, connect), (named("mqtt_connect", "joe"), sesame()));
        let v5 = b"\x10\x1e\0\x04MQTT\x05\xc2\0\x3c\0\0\x04test\0\x03joe\0\x06sesame";
        assert_eq!(both(Mqtt, v5), (named("mqtt_connect", "joe"), sesame()));
        // A will's topic and message stand in front of the name.
        let will = b"\x10\x25\0\x04MQTT\x04\xc6\0\x3c\0\x04test\0\x02wt\0\x02wm\0\x03joe\0\x06sesame";
        assert_eq!(both(Mqtt, will), (named("mqtt_connect", "joe"), sesame()));
        assert_eq!(seen(Mqtt, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04test"), None);
        let bind = b"\x30\x16\x02\x01\x01\x60\x11\x02\x01\x03\x04\x04cn=a\x80\x06sesame";
        assert_eq!(both(Ldap, bind), (named("ldap_simple_bind", "cn=a"), sesame()));
        let anonymous = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0";
        assert_eq!(seen(Ldap, anonymous), None);
        assert_eq!(both(Ldap, &[&anonymous[..], bind].concat()), (named("ldap_simple_bind", "cn=a"), sesame()));
        assert_eq!(seen(Ldap, &bind[..20]), None);
        let get = b"\x30\x29\x02\x01\x01\x04\x06sesame\xa0\x1c";
        assert_eq!(both(Snmp, get), (Some(("snmp_community", None)), sesame()));
    }

    #[test]
    fn network_access() {
        // RFC 2865 section 7.1: user nemo.
        let request = b"\x01\0\0\x38\x0f\x40\x3f\x94\x73\x97\x80\x57\xbd\x83\xd5\xcb\x98\xf4\x22\x7a\x01\x06nemo\x02\x12\x0d\xbe\x70\x8d\x93\xd4\x13\xce\x31\x96\xe4\x3f\x78\x2a\x0a\xee\x04\x06\xc0\xa8\x01\x10\x05\x06\0\0\0\x03";
        assert_eq!(both(Radius, request), (named("radius_password", "nemo"), None));
        // RFC 2865 section 7.2: user flopsy by CHAP.
        let chap = b"\x01\x01\0\x47\x2a\xee\x86\xf0\x8d\x0d\x55\x96\x9c\xa5\x97\x8e\x0d\x33\x67\xa2\x01\x08flopsy\x03\x13\x16\xe9\x75\x57\xc3\x16\x18\x58\x95\xf2\x93\xff\x63\x44\x07\x72\x75\x04\x06\xc0\xa8\x01\x10\x05\x06\0\0\0\x14\x06\x06\0\0\0\x02\x07\x06\0\0\0\x01";
        assert_eq!(both(Radius, chap), (named("radius_chap", "flopsy"), None));
        // RFC 2548 sections 2.3.2 and 2.1.3: MS-CHAP2-Response, and MS-CHAP-Response.
        for kind in [25, 1] {
            let response = [&b"\x01\x01\0\x21\x2a\xee\x86\xf0\x8d\x0d\x55\x96\x9c\xa5\x97\x8e\x0d\x33\x67\xa2\x01\x05joe\x1a\x08\0\0\x01\x37"[..], &[kind, 2]].concat();
            assert_eq!(both(Radius, &response), (named("radius_mschap", "joe"), None));
        }
    }
}
