//! Lines of Wireshark's tables `ikev2_decryption_table` and `esp_sa`, which strongSwan's save-keys plug-in writes as well.
//!
//! Fields stand between commas, words in quotes. Names of algorithms are read by what they say, since the two spell some of
//! them differently.

use super::super::log::hex;
use super::cipher::{Cipher, Hash, Integrity, Protection};
use crate::ike::Spis;
use zeroize::Zeroizing;

/// Keys of one IKE SA: what its initiator sends, what its responder sends.
pub type IkeKeys = [Protection; 2];

pub enum Line {
    Ike(Spis, Box<IkeKeys>),
    /// With the SPI of the association.
    Esp(u32, Box<Protection>),
    /// Of ESP without encryption, which is read without keys.
    Clear,
}

/// Is it a line of one of the tables? No line of a TLS key log has a comma.
pub fn is_of_table(line: &[u8]) -> bool {
    line.contains(&b',')
}

/// `None` of a line that is wrong, or whose algorithms are not known here.
pub fn read(line: &[u8]) -> Option<Line> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b',').map(unquoted).collect();
    match *fields.as_slice() {
        [_protocol, _from, _to, spi, cipher, key, integrity, authentication, ..] if is_family(_protocol) => {
            let spi = number(spi)?;
            if bare(cipher) == "NULL" {
                return Some(Line::Clear);
            }
            let icv = tag_length(integrity);
            let protection = protection(self::cipher(cipher, icv)?, key, integrity, authentication)?;
            Some(Line::Esp(spi, Box::new(protection)))
        }
        [initiator, responder, ei, er, cipher, ai, ar, integrity] => {
            let spis = (spi(initiator)?, spi(responder)?);
            let of = |key, authentication| {
                protection(self::cipher(cipher, tag_length(cipher))?, key, integrity, authentication)
            };
            Some(Line::Ike(spis, Box::new([of(ei, ai)?, of(er, ar)?])))
        }
        _ => None,
    }
}

fn is_family(field: &[u8]) -> bool {
    matches!(field, b"IPv4" | b"IPv6" | b"*")
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field)
}

fn prefixed(field: &[u8]) -> &[u8] {
    field.strip_prefix(b"0x").or(field.strip_prefix(b"0X")).unwrap_or(field)
}

fn spi(field: &[u8]) -> Option<[u8; 8]> {
    hex::<8>(prefixed(field)).filter(|(_, length)| *length == 8).map(|(spi, _)| spi)
}

fn number(field: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(prefixed(field)).ok()?, 16).ok()
}

fn bytes(field: &[u8]) -> Option<Zeroizing<Box<[u8]>>> {
    /// HMAC-SHA-512's, the longest that is used.
    const LONGEST: usize = 64;
    let (bytes, length) = hex::<LONGEST>(prefixed(field))?;
    let bytes = Zeroizing::new(bytes);
    Some(Zeroizing::new(bytes.get(..length)?.into()))
}

fn protection(cipher: Cipher, key: &[u8], integrity: &[u8], authentication: &[u8]) -> Option<Protection> {
    let integrity = match self::integrity(integrity) {
        Some(integrity) => Some((integrity, bytes(authentication)?)),
        None => None,
    };
    Protection::new(cipher, bytes(key)?, integrity)
}

/// The name up to its reference, in capitals, letters and digits only.
fn bare(name: &[u8]) -> String {
    let name = name.split(|byte| *byte == b'[').next().unwrap_or_default();
    name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| byte.to_ascii_uppercase() as char).collect()
}

/// In bytes: of "… with 8 octet ICV" or "ANY 64 bit authentication".
fn tag_length(name: &[u8]) -> Option<u8> {
    let name = bare(name);
    let of =
        |words: [&str; 3]| words.into_iter().zip([8, 12, 16]).find(|(word, _)| name.contains(word)).map(|(_, n)| n);
    of(["WITH8OCTET", "WITH12OCTET", "WITH16OCTET"]).or(of(["ANY64BIT", "ANY96BIT", "ANY128BIT"]))
}

fn cipher(name: &[u8], icv: Option<u8>) -> Option<Cipher> {
    let icv = tag_length(name).or(icv).unwrap_or(16);
    let name = bare(name);
    let has = |word| name.contains(word);
    Some(match () {
        () if has("3DES") || has("TRIPLEDES") => Cipher::TripleDes,
        () if has("CHACHA20") => Cipher::ChaCha20Poly1305,
        () if has("AESGCM") => Cipher::AesGcm(icv),
        () if has("AESCCM") => Cipher::AesCcm(icv),
        () if has("AESCTR") => Cipher::AesCtr,
        () if has("AESCBC") => Cipher::AesCbc,
        () => return None,
    })
}

/// `None` of a name that stands for no check of its own.
fn integrity(name: &[u8]) -> Option<Integrity> {
    let (hash, length) = match bare(name).as_str() {
        "HMACMD596" => (Hash::Md5, 12),
        "HMACMD5128" => (Hash::Md5, 16),
        "HMACSHA196" => (Hash::Sha1, 12),
        "HMACSHA1160" => (Hash::Sha1, 20),
        "HMACSHA225696" | "HMACSHA25696" => (Hash::Sha256, 12),
        "HMACSHA2256128" | "HMACSHA256128" => (Hash::Sha256, 16),
        "HMACSHA2384192" | "HMACSHA384192" => (Hash::Sha384, 24),
        "HMACSHA2512256" | "HMACSHA512256" => (Hash::Sha512, 32),
        _ => return None,
    };
    Some(Integrity { hash, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_both_tables() {
        let key = |length: usize| "ab".repeat(length);
        for name in ["TripleDes-CBC [RFC2451]", "TripleDES-CBC [RFC2451]", "3DES [RFC2451]"] {
            assert_eq!(cipher(name.as_bytes(), None), Some(Cipher::TripleDes), "{name}");
        }
        let esp = |cipher, length, integrity, auth| {
            format!(
                r#""IPv4","192.0.2.1","192.0.2.2","0xc0ffee01","{cipher}","0x{}","{integrity}","0x{}""#,
                key(length),
                key(auth)
            )
        };
        for (line, known) in [
            (esp("AES-CBC [RFC3602]", 16, "HMAC-SHA-256-128 [RFC4868]", 32), true),
            (esp("AES-CBC [RFC3602]", 17, "HMAC-SHA-256-128 [RFC4868]", 32), false),
            (esp("AES-CBC [RFC3602]", 16, "ANY 96 bit authentication [no checking]", 0), false),
            (esp("AES-GCM [RFC4106]", 20, "ANY 128 bit authentication [no checking]", 0), true),
            (esp("AES-GCM [RFC4106]", 16, "NULL", 0), false),
            (esp("Blowfish", 16, "HMAC-SHA-1-96 [RFC2404]", 20), false),
        ] {
            let read = read(line.as_bytes());
            assert_eq!(matches!(read, Some(Line::Esp(0xc0ff_ee01, _))), known, "{line}");
        }
        let ike = format!(
            r#"0102030405060708,1112131415161718,{0},{0},"AES-CBC-128 [RFC3602]",{1},{1},"HMAC_SHA2_256_128 [RFC4868]""#,
            key(16),
            key(32)
        );
        assert!(matches!(read(ike.as_bytes()), Some(Line::Ike(_, _))));
        for end in 0..ike.len() - 1 {
            read(&ike.as_bytes()[..end]); // whatever it is, it is no panic
        }
    }
}
