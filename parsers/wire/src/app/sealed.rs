//! Protocols with encryption of their own whose framing or key exchange proves it: RLPx, Agora's transport, Weave, PIA,
//! netcode.io, CurveZMQ, collectd, SRT, miIO, Nebula, tinc, MTProto, libp2p's Noise. Each is claimed only where its bytes say that what follows is encrypted.

use num_bigint::BigUint;

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, le16, le32, line, starts, weak, yes};

/// Prime and constant of secp256k1: y² = x³ + 7 (SEC 2, 2.4.1). The prime is 2²⁵⁶ − 2³² − 977.
const SECP256K1_GAP: u64 = (1 << 32) + 977;
const SECP256K1_B: u32 = 7;
const POINT: usize = 64;

/// Ethereum's RLPx, the first message of either side (EIP-8): a length of two bytes, then ECIES with an ephemeral public
/// key, which lies on the curve. All that follows is encrypted with what is agreed on in it.
pub fn rlpx(b: &[u8]) -> Look {
    let size = be16(b, 0)?;
    if !(200..=2048).contains(&size) || byte(b, 2)? != 0x04 {
        return NO;
    }
    yes(on_secp256k1(b.get(3..3 + POINT)?))
}

fn on_secp256k1(point: &[u8]) -> bool {
    let (x, y) = point.split_at(POINT / 2);
    let (x, y) = (BigUint::from_bytes_be(x), BigUint::from_bytes_be(y));
    let p = (BigUint::from(1u8) << 256u32) - SECP256K1_GAP;
    x < p && y < p && &y * &y % &p == (&x * &x % &p * &x + SECP256K1_B) % &p
}

/// Agora's software-defined real-time network: hellos as in Google's QUIC crypto (quic-crypto 2014), tags with their values,
/// an AEAD and a key exchange among them. SNI comes first from clients, PEID from servers.
pub fn agora(d: &Datagram) -> Look {
    let b = d.payload;
    if !at(b, 13, b"SNI\0")? && !at(b, 13, b"PEID")? {
        return NO;
    }
    let has = |tag: &[u8]| memchr::memmem::find(b, tag).is_some();
    yes(has(b"AEAD") && has(b"KEXS"))
}

const NEST_OUI: &[u8] = b"\x30\xb4\x18";
const SECURITY_PROFILE: u32 = 4;

/// Weave over TCP (openweave-core, WeaveMessageLayer): length, header of version 1 with both node ids, whose first bytes
/// are Nest's OUI. Either encryption type 1 (AES-128-CTR and SHA-1), or a message of the security profile: CASE, PASE.
pub fn weave(b: &[u8]) -> Look {
    let (length, header) = (le16(b, 0)?, le16(b, 2)?);
    if header & 0xfb0f != 0x1300 || length < 24 {
        return NO;
    }
    let nest = at(b, 13, NEST_OUI)? || at(b, 21, NEST_OUI)?;
    match header & 0xf0 {
        0x10 => yes(nest),
        // Exchange header: version and flags, type, exchange id, profile.
        0x00 => yes(nest && le32(b, 28)? == SECURITY_PROFILE),
        _ => NO,
    }
}

/// Nintendo's PIA: magic number, then 2 where the packet is encrypted (1 where it is not).
pub fn pia(d: &Datagram) -> Look {
    let b = d.payload;
    yes(starts(b, b"\x32\xab\x98\x64")? && byte(b, 4)? == 2 && b.len() >= 32)
}

/// netcode.io's connection request: prefix 0, version; its token is sealed with ChaCha20-Poly1305, as is every later packet.
pub fn netcode(d: &Datagram) -> Look {
    yes(byte(d.payload, 0)? == 0 && at(d.payload, 1, b"NETCODE 1.0")?)
}

/// Google's QUIC before the standard, joined behind the packet that has its version: a public header without one, within the first bytes a
/// message of its crypto (quic-crypto 2014): a name, the number of its tags, two zeros, a tag.
pub fn google_quic(d: &Datagram) -> Look {
    const WITHIN: usize = 64;
    let b = d.payload;
    let head = b.get(..WITHIN.min(b.len()))?;
    let message = |at: usize| {
        let name = b.get(at..at + 4)?;
        let known = matches!(name, b"REJ\0" | b"SREJ" | b"SHLO" | b"CHLO");
        let tag = b.get(at + 8..at + 12)?;
        let tags = (1..=64).contains(&le16(b, at + 4)?) && le16(b, at + 6)? == 0;
        Some(known && tags && tag.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == 0))
    };
    // Neither a version nor a reset.
    yes(byte(b, 0)? & 3 == 0 && (8..head.len()).any(|at| message(at) == Some(true)))
}

/// ZMTP 3 with the CURVE mechanism (ZeroMQ RFC 23, 25).
pub fn curve_zmq(b: &[u8]) -> Look {
    yes(super::messaging::zmtp_mechanism(b)? == b"CURVE")
}

/// collectd's network plugin, security level "Encrypt": one part of type 0x0210 fills the datagram, with the account's name in
/// front of an initialisation vector, a checksum and ciphertext of AES-256 (binary protocol, "Encryption part").
pub fn collectd(d: &Datagram) -> Look {
    const VECTOR_AND_CHECKSUM: usize = 16 + 20;
    let b = d.payload;
    let (kind, length, name) = (be16(b, 0)?, usize::from(be16(b, 2)?), usize::from(be16(b, 4)?));
    if kind != 0x0210 || length != b.len() || name == 0 || 6 + name + VECTOR_AND_CHECKSUM >= length {
        return NO;
    }
    yes(b.get(6..6 + name)?.iter().all(u8::is_ascii_graphic))
}

/// SRT's handshake (draft-sharabayko-srt section 3.2.1), its conclusion, says whether keys come with it: `Some(true)` with an extension
/// of keying material, `Some(false)` with extensions and none of it.
fn srt_keyed(b: &[u8]) -> Option<Option<bool>> {
    const CONCLUSION: u32 = 0xffff_ffff;
    const KEYING: u16 = 0x0002;
    let flags = be16(b, 22)?;
    let fits = be32(b, 0)? == 0x8000_0000 && be32(b, 16)? == 5 && be32(b, 36)? == CONCLUSION && be32(b, 4)? == 0;
    if !fits || flags == 0 || flags > 7 {
        return Some(None);
    }
    let mut extensions = b.get(64..)?;
    let mut keyed = false;
    while let [_, kind, high, low, rest @ ..] = extensions {
        let words = usize::from(u16::from_be_bytes([*high, *low]));
        keyed |= matches!(kind, 3 | 4) && words > 1;
        extensions = rest.get(4 * words..)?;
    }
    Some(if flags & KEYING == 0 { Some(false) } else { keyed.then_some(true) })
}

pub fn srt(d: &Datagram) -> Look {
    yes(srt_keyed(d.payload)? == Some(false))
}

pub fn srt_sealed(d: &Datagram) -> Look {
    yes(srt_keyed(d.payload)? == Some(true))
}

/// Xiaomi's miIO: magic number and the datagram's length; what is longer than the header of 32 bytes is AES-128-CBC.
pub fn miio(d: &Datagram) -> Look {
    const HEADER: usize = 32;
    let b = d.payload;
    let fits = starts(b, b"\x21\x31")? && usize::from(be16(b, 2)?) == b.len();
    yes(fits && b.len() > HEADER && (b.len() - HEADER).is_multiple_of(16))
}

/// Nebula's first packet: version 1, a handshake, nobody's index yet, counter 1; Noise IX follows.
pub fn nebula(d: &Datagram) -> Look {
    yes(starts(d.payload, b"\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01")? && d.payload.len() >= 64)
}

/// tinc's ID request: 0, a name, protocol 17 (tinc manual, "Authentication protocol"). The rest of the connection is encrypted.
pub fn tinc(b: &[u8]) -> Look {
    if !starts(b, b"0 ")? {
        return NO;
    }
    let Some(request) = line(b) else { return if b.len() > 128 { NO } else { None } };
    let mut words = request.split(|c| *c == b' ').skip(1);
    let name = words.next().unwrap_or_default();
    let version = words.next().unwrap_or_default();
    weak(!name.is_empty() && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_') && version.starts_with(b"17"))
}

/// MTProto's key exchange (its transports abridged, intermediate and padded): no key yet, and a request for one. What follows
/// is encrypted with AES-256-IGE.
pub fn mtproto(b: &[u8]) -> Look {
    let at = match be32(b, 0)? {
        0xeeee_eeee | 0xdddd_dddd => 8,
        first if first >> 24 == 0xef => 2,
        _ => return NO,
    };
    let request = le32(b, at + 20)?;
    yes(be32(b, at)? == 0 && be32(b, at + 4)? == 0 && matches!(request, 0xbe7e_8ef1 | 0x6046_9778))
}

/// libp2p: multistream-select, then Noise, asked for by one side and repeated by the other.
pub fn libp2p(b: &[u8]) -> Look {
    const SELECT: &[u8] = b"\x13/multistream/1.0.0\n";
    weak(starts(b, SELECT)? && at(b, SELECT.len(), b"\x07/noise\n")?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_rejection_of_googles() {
        use crate::app::tests::udp_back;
        let header = b"\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01abcdefghijkl\xa0\x01\0\x60";
        let rejection = [&header[..], b"REJ\0\x02\0\0\0STK\0\x04\0\0\0SNO\0\x08\0\0\0abcdefgh"].concat();
        assert_eq!(udp_back(&rejection, 443).map(|p| (p.name(), p.class())), Some(("quic", crate::Class::Encrypted)));
        let other = [&header[..], b"REJ\0\x02\0\x01\0STK\0\x04\0\0\0"].concat();
        assert_eq!(udp_back(&other, 443), None);
    }

    use crate::Protocol;
    use crate::app::tests::{both, client, udp};

    /// The generator of secp256k1 (SEC 2, 2.4.1).
    const G: [u8; 64] = [
        0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b,
        0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98, 0x48, 0x3a, 0xda, 0x77,
        0x26, 0xa3, 0xc4, 0x65, 0x5d, 0xa4, 0xfb, 0xfc, 0x0e, 0x11, 0x08, 0xa8, 0xfd, 0x17, 0xb4, 0x48, 0xa6, 0x85,
        0x54, 0x19, 0x9c, 0x47, 0xd0, 0x8f, 0xfb, 0x10, 0xd4, 0xb8,
    ];

    #[test]
    fn a_key_of_rlpx_lies_on_the_curve() {
        let hello = |point: &[u8]| [b"\x01\x9a\x04".as_slice(), point, &[0x5a; 330]].concat();
        assert_eq!(client(&hello(&G)), Some(Protocol::Rlpx));
        let mut off = G;
        off[63] ^= 1;
        assert_eq!(client(&hello(&off)), None);
        assert_eq!(client(&hello(&[0xff; 64])), None);
    }

    #[test]
    fn hellos_with_tags() {
        let hello = b"\0\x5a\x38\x4c\0\0\x21\0\0\0\0\0\x04SNI\0\x1c\0edge.example\0AEAD\x04\0AESGKEXS\x04\0P256";
        assert_eq!(udp(hello, 8130), Some(Protocol::Agora));
        assert_eq!(udp(&hello[..40], 8130), None);
        let sealed = [&b"\x02\x10\0\x33\0\x04user"[..], &[0x5a; 41]].concat();
        assert_eq!(udp(&sealed, 25826), Some(Protocol::SealedCollectd));
        assert_eq!(udp(&sealed[..50], 25826), None);
        assert_eq!(udp(b"\0NETCODE 1.02\0\0\0\0\0", 40_002), Some(Protocol::Netcode));
    }

    #[test]
    fn a_header_says_that_it_is_encrypted() {
        let pia = [b"\x32\xab\x98\x64\x02\x56\x03\xcb".as_slice(), &[0x9d; 52]].concat();
        assert_eq!(udp(&pia, 49_432), Some(Protocol::Pia));
        let open = [b"\x32\xab\x98\x64\x01\x56\x03\xcb".as_slice(), &[0x9d; 52]].concat();
        assert_eq!(udp(&open, 49_432), None);
        let ids = b"\x08\x03\0\0\x36\x9e\x27\0\0\x30\xb4\x18\x04\0\0\0\x02\x30\xb4\x18";
        let case = [b"\x11\x02\x00\x13".as_slice(), ids, b"\x11\x0a\x89\x06\x04\0\0\0\x81\0\0"].concat();
        assert_eq!(client(&case), Some(Protocol::Weave));
        let report = [b"\x11\x02\x00\x13".as_slice(), ids, b"\x11\x0a\x89\x06\x05\0\0\0\x81\0\0"].concat();
        assert_eq!(client(&report), None);
        let sealed = [b"\x44\0\x10\x13".as_slice(), ids, &[7; 46]].concat();
        assert_eq!(client(&sealed), Some(Protocol::Weave));
    }

    #[test]
    fn zeromq_names_its_mechanism() {
        let greeting = |mechanism: &[u8]| {
            let mut b = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0".to_vec();
            b.extend_from_slice(mechanism);
            b.resize(64, 0);
            b
        };
        assert_eq!(client(&greeting(b"CURVE")), Some(Protocol::CurveZmq));
        assert_eq!(client(&greeting(b"NULL")), Some(Protocol::Zmtp));
        assert_eq!(client(&greeting(b"PLAIN")), Some(Protocol::Zmtp));
        assert_eq!(client(&greeting(b"GSSAPI")), None);
    }

    #[test]
    fn streams_say_whether_they_are_encrypted() {
        let conclusion = |flags: u8, extension: &[u8]| {
            let mut b = [b"\x80\0\0\0\0\0\0\0\0\0\x12\x34\0\0\0\x05\0\0\0\x05\0\x02\0".as_slice(), &[flags]].concat();
            b.extend_from_slice(b"\0\0\x01\x01\0\0\x05\xdc\0\0\x20\0\xff\xff\xff\xff\0\0\0\x07\0\0\0\x09");
            b.extend_from_slice(&[0; 16]);
            [&b, extension].concat()
        };
        let plain = b"\0\x01\0\x03\0\x01\x05\x03\0\0\0\x3f\0\x78\0\0";
        assert_eq!(udp(&conclusion(1, plain), 9000), Some(Protocol::Srt));
        let keyed = [&plain[..], b"\0\x03\0\x02\x12\x20\x29\x01\0\0\0\0"].concat();
        assert_eq!(udp(&conclusion(3, &keyed), 9000), Some(Protocol::SealedSrt));
        assert_eq!(udp(&conclusion(3, plain), 9000), None, "a key was promised and is not there");
    }

    #[test]
    fn networks_over_networks() {
        let handshake = [b"\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0a\x40".as_slice(), &[0x33; 90]].concat();
        assert_eq!(udp(&handshake, 4242), Some(Protocol::Nebula));
        assert_eq!(both(b"0 alpha 17.7\n1 94 64 0 0 ", b"0 beta 17.7\n1 94 64 0 0 "), Some(Protocol::Tinc));
        assert_eq!(both(b"0 alpha 17.7\n", b"hello\n"), None);
        let noise = b"\x13/multistream/1.0.0\n\x07/noise\n";
        assert_eq!((both(noise, noise), client(noise)), (Some(Protocol::Libp2p), None));
    }

    #[test]
    fn things_and_messengers() {
        let order = [b"\x21\x31\0\x40\0\0\0\0\x01\x02\x03\x04\0\0\x10\0".as_slice(), &[0x6b; 48]].concat();
        assert_eq!((udp(&order, 54321), udp(&order[..63], 54321)), (Some(Protocol::Miio), None));
        let hello = [b"\x21\x31\0\x20".as_slice(), &[0xff; 28]].concat();
        assert_eq!(udp(&hello, 54321), None, "a search is not encrypted");
        let request =
            [b"\xef\x0a".as_slice(), &[0; 8], b"\x01\x02\x03\x04\x05\x06\x07\x08\x14\0\0\0\xf1\x8e\x7e\xbe", &[9; 16]]
                .concat();
        assert_eq!(client(&request), Some(Protocol::Mtproto));
    }
}
