//! IANA names of TLS code points, and the primes of the FFDHE groups. Values stay integers; a name is looked up when written.
//!
//! The tables are generated (scripts/make_registry.py). Registry: <https://www.iana.org/assignments/tls-parameters>.

mod primes;
mod tables;

use primes::PRIMES;

fn lookup(table: &'static [(u16, &'static str)], code: u16) -> Option<&'static str> {
    let at = table.binary_search_by_key(&code, |row| row.0).ok()?;
    table.get(at).map(|row| row.1)
}

pub fn suite_name(code: u16) -> Option<&'static str> {
    lookup(&tables::SUITES, code)
}

pub fn group_name(code: u16) -> Option<&'static str> {
    lookup(&tables::GROUPS, code)
}

pub fn signature_scheme_name(code: u16) -> Option<&'static str> {
    lookup(&tables::SIGNATURE_SCHEMES, code)
}

pub fn extension_name(code: u16) -> Option<&'static str> {
    lookup(&tables::EXTENSIONS, code)
}

pub fn alert_name(code: u8) -> Option<&'static str> {
    lookup(&tables::ALERTS, u16::from(code))
}

pub fn compression_name(code: u8) -> Option<&'static str> {
    lookup(&tables::COMPRESSION_METHODS, u16::from(code))
}

/// SRTP protection profiles, IANA's registry of that name (RFC 5764, RFC 7714, RFC 8723).
pub fn srtp_profile_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0x0001 => "SRTP_AES128_CM_HMAC_SHA1_80",
        0x0002 => "SRTP_AES128_CM_HMAC_SHA1_32",
        0x0005 => "SRTP_NULL_HMAC_SHA1_80",
        0x0006 => "SRTP_NULL_HMAC_SHA1_32",
        0x0007 => "SRTP_AEAD_AES_128_GCM",
        0x0008 => "SRTP_AEAD_AES_256_GCM",
        0x0009 => "DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM",
        0x000a => "DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM",
        _ => return None,
    })
}

/// The contract's name of a protocol version, TLS and DTLS alike. Drafts of TLS 1.3 (0x7fNN) and Facebook's variants of
/// them (0xfb17 to 0xfb1a) count as TLS 1.3; 0x0100 is what OpenSSL before 0.9.8f sent for DTLS 1.0.
pub fn version_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        0x0304 | 0x7f00..=0x7fff | 0xfb17..=0xfb1a => "TLSv1.3",
        0x0100 | 0xfeff => "DTLSv1.0",
        0xfefd => "DTLSv1.2",
        0xfefc => "DTLSv1.3",
        _ => return None,
    })
}

/// Names of the SSLv2 cipher kinds (three bytes), as the SSL 2.0 specification spells them; IANA never registered them.
pub fn sslv2_cipher_name(code: u32) -> Option<&'static str> {
    Some(match code {
        0x010080 => "SSL_CK_RC4_128_WITH_MD5",
        0x020080 => "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
        0x030080 => "SSL_CK_RC2_128_CBC_WITH_MD5",
        0x040080 => "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
        0x050080 => "SSL_CK_IDEA_128_CBC_WITH_MD5",
        0x060040 => "SSL_CK_DES_64_CBC_WITH_MD5",
        0x0700c0 => "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
        _ => return None,
    })
}

/// Groups with a part that resists a quantum computer: ML-KEM, alone or with a curve. Drafts of it do not count, which
/// nobody keeps up.
pub fn is_post_quantum(group: u16) -> bool {
    matches!(group, 0x0200..=0x0202 | 0x11eb..=0x11ee)
}

/// The FFDHE group whose prime this is (big-endian, no leading zeros), RFC 7919 appendix A.
pub fn ffdhe_group(prime: &[u8]) -> Option<u16> {
    let (code, digits) = match prime.len() {
        256 => (0x0100, tables::FFDHE2048),
        384 => (0x0101, tables::FFDHE3072),
        512 => (0x0102, tables::FFDHE4096),
        768 => (0x0103, tables::FFDHE6144),
        1024 => (0x0104, tables::FFDHE8192),
        _ => return None,
    };
    is_prime(prime, digits).then_some(code)
}

/// What a prime without a named group is known as, if it is one of those that many servers share: `rfc3526_2048`, `nginx_1024`.
pub fn shared_prime(prime: &[u8]) -> Option<&'static str> {
    PRIMES.iter().find(|(_, digits)| is_prime(prime, digits)).map(|(name, _)| *name)
}

fn is_prime(prime: &[u8], digits: &str) -> bool {
    let expected = digits.as_bytes().chunks_exact(2).map(|pair| match pair {
        [high, low] => (nibble(*high) << 4) | nibble(*low),
        _ => 0,
    });
    digits.len() == 2 * prime.len() && prime.iter().copied().eq(expected)
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit & 0x0f,
    }
}

/// Values reserved so that peers learn to ignore what they do not know, RFC 8701: 0x0a0a, 0x1a1a, … 0xfafa.
#[inline]
pub fn is_grease(code: u16) -> bool {
    (code & 0x0f0f == 0x0a0a) & (code >> 8 == code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_so_that_every_row_is_found() {
        for table in [&tables::SUITES[..], &tables::GROUPS, &tables::SIGNATURE_SCHEMES, &tables::EXTENSIONS] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(table.iter().all(|(code, name)| lookup(table, *code) == Some(name)));
        }
    }

    #[test]
    fn names_are_spelled_as_iana_spells_them() {
        assert_eq!(suite_name(0x1301), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(suite_name(0xc02f), Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert_eq!(suite_name(0x00ff), Some("TLS_EMPTY_RENEGOTIATION_INFO_SCSV"));
        assert_eq!(group_name(0x001d), Some("x25519"));
        assert_eq!(group_name(0x11ec), Some("X25519MLKEM768"));
        assert_eq!(signature_scheme_name(0x0804), Some("rsa_pss_rsae_sha256"));
        assert_eq!(extension_name(65281), Some("renegotiation_info"));
        assert_eq!(alert_name(40), Some("handshake_failure"));
        assert_eq!(compression_name(1), Some("DEFLATE"));
        assert_eq!(version_name(0x7f1c), Some("TLSv1.3"));
        assert_eq!((suite_name(0x0a0a), group_name(0x2a2a), alert_name(255)), (None, None, None));
    }

    #[test]
    fn grease_is_told_from_look_alikes() {
        assert!((0..16).all(|n| is_grease(n << 12 | 0x0a00 | n << 4 | 0x0a)));
        assert!(![0x0a1a, 0x0b0b, 0x1301, 0xaa0a].into_iter().any(is_grease));
    }

    fn bytes(digits: &str) -> Vec<u8> {
        (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn shared_primes_have_the_size_that_their_names_say() {
        for (name, digits) in PRIMES {
            let mut prime = bytes(digits);
            let bits = prime.len() * 8 - prime[0].leading_zeros() as usize;
            assert!(name.split('_').any(|part| part == bits.to_string()), "{name}: {bits}");
            assert_eq!(shared_prime(&prime), Some(name));
            assert_eq!(ffdhe_group(&prime), None);
            *prime.last_mut().unwrap() ^= 2;
            assert_eq!(shared_prime(&prime), None);
        }
    }

    #[test]
    fn only_the_exact_prime_is_an_ffdhe_group() {
        let mut prime = bytes(tables::FFDHE2048);
        assert_eq!(ffdhe_group(&prime), Some(0x0100));
        prime[100] ^= 1;
        assert_eq!(ffdhe_group(&prime), None);
        assert_eq!(ffdhe_group(&prime[1..]), None);
    }
}
