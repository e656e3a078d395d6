//! What can be said without an oracle; the comparison with `cryptography` is tests/unit/trust/test_core_x509.py.

use super::*;
use proptest::prelude::*;

/// A certificate that openssl made for the captured handshakes of `tls/testdata`.
pub fn pay_example() -> Vec<u8> {
    unhex(include_str!("../tls/testdata/certificate.txt").trim())
}

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().as_chunks::<2>().0.iter();
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn a_certificate_as_openssl_prints_it() {
    let der = pay_example();
    let facts = Facts::read(&der).unwrap();
    let mut line = Vec::new();
    facts.write_record("04e0", &der, &mut line);
    let wanted = concat!(
        r#"{"type":"certificate","sha256":"04e0","subject":"CN=pay.example","issuer":"CN=pay.example","#,
        r#""serial":"1e7c405c8b6226fe6ddd5f4b7834a327c8f907a9","not_before":"2026-11-24T00:07:03.000000Z","#,
        r#""not_after":"2036-11-21T00:07:03.000000Z","sans":[],"key":{"algorithm":"rsa","bits":2048},"#,
        r#""signature":"sha256WithRSAEncryption","#,
        r#""spki_sha256":"deaf7fd4c5249e5e03dc13bb9931b43a4060297c6f1a4019fd266eec542d9f7e","key_modulus":""#,
        "bf5767d75161f2c8a9f47c6c8847fbdceb671e53297e094a1108b181598436066e6224c3a1e6dc2dbf4efe946a35d2422cbf",
        "4a684a9f6872a1ab4cb3d79fefe5ee7384cabcfc361099444591f2c3710a0a7ced221e90d4624a39c2975dd9f12e5791db56",
        "96f9fa67ae4bd235cd80fc97387f24c15d48ead88e137aecae7dab1f7f384793fd9fdd5194b159174e49c46e0af3de7f39ee",
        "379f613978bd269c87f0f79515ac6d1ebc7f259ae6e69e618fdd086da55b7cb31c43e22eb610ce11729c5a5c135003d8ccb1",
        "75c1818dbe2bf9b80146c84377212015097359e0b802cd01d2da282ed529a11f6988c1f43a670f88f0b77d40ef34bbc03e54",
        "01223ea2021f",
        r#"","scts":0,"ca":true}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line).unwrap(), wanted);
    let Extensions { authority, subject_key, names, .. } = &facts.extensions;
    assert_eq!(authority.as_ref().unwrap().key, *subject_key);
    assert_eq!((subject_key.as_ref().unwrap().first(), names), (Some(&0xa8), &None));
    assert!((0..der.len()).all(|cut| Facts::read(&der[..cut]).is_none()));
}

#[test]
fn der_has_one_way_to_say_it() {
    for (bytes, good) in [
        (&[4, 1, 7][..], true),
        (&[4, 0x81, 1, 7], false),
        (&[4, 0x82, 0, 1, 7], false),
        (&[4, 0x80, 7, 0, 0], false),
        (&[4, 2, 7], false),
        (&[4, 1, 7, 0], false),
        (&[0x1f, 1, 7], false),
    ] {
        assert_eq!(der::only(bytes, der::OCTET_STRING), good.then_some(&[7][..]), "{bytes:?}");
    }
    for (integer, good) in [(&[0][..], true), (&[0, 0x80], true), (&[0, 1], false), (&[0x80], false), (&[], false)] {
        assert_eq!(der::unsigned(integer).is_some(), good, "{integer:?}");
    }
}

#[test]
fn object_identifiers_in_dots() {
    for (oid, dots) in [
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d][..], "1.2.840.113549"),
        (&[0x88, 0x37, 3], "2.999.3"), // ITU-T X.690's example
        (&[0x27], "0.39"),
        (&[0x4f], "1.39"),
        (&[0x50], "2.0"),
    ] {
        let mut out = String::new();
        der::dotted(der::oid(oid).unwrap(), &mut out);
        assert_eq!(out, dots);
    }
    for bad in [
        &[][..],
        &[0x80, 1],
        &[0x2a, 0x80, 1],
        &[0x2a, 0x86],
        &[0x81; 70],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ] {
        assert_eq!(der::oid(bad), None);
    }
}

#[test]
fn times_of_certificates() {
    assert_eq!(der::time(der::UTC_TIME, b"700101000000Z"), Some(0));
    assert_eq!(der::time(der::UTC_TIME, b"491231235959Z"), Some(2_524_607_999));
    assert_eq!(der::time(der::UTC_TIME, b"500101000000Z"), Some(-631_152_000));
    assert_eq!(der::time(der::GENERALIZED_TIME, b"99991231235959Z"), Some(253_402_300_799));
    for bad in [&b"240230000000Z"[..], b"2401010000Z", b"240101000060Z", b"240101000000+", b"+40101000000Z", b""] {
        assert_eq!(der::time(der::UTC_TIME, bad), None);
    }
}

#[test]
fn points_on_curves() {
    // The base points (SEC 2 sections 2.4.2, 2.5.1, 2.6.1).
    let p256 = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let p384 = "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7\
                3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
    let p521 = "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66\
                011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650";
    for (bits, hex) in [(256, p256), (384, p384), (521, p521)] {
        let mut point = unhex(hex);
        assert!(curve::has_point(bits, &point));
        assert!(!curve::has_point(bits, &point[1..]));
        for at in 0..point.len() {
            point[at] ^= 1;
            assert!(!curve::has_point(bits, &point), "{bits} {at}");
            point[at] ^= 1;
        }
    }
}

proptest! {
    #[test]
    fn hostile_bytes_are_no_certificate(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(Facts::read(&bytes), None);
    }

    #[test]
    fn changed_bytes_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut der = pay_example();
        for (at, byte) in changes {
            *at.get_mut(&mut der) = byte;
        }
        if let Some(facts) = Facts::read(&der) {
            facts.write_record("", &der, &mut Vec::new());
        }
    }
}
