//! Encrypted Client Hello (RFC 9849): the extension of a ClientHello, and the configurations that DNS gives out for it.
//!
//! May not know which of them belong together: that is the flow side's.

use crate::{ParseError, Reader};

const LAYER: &str = "ech";
/// The only version of ECHConfig there is a standard for (RFC 9849 section 4); others are passed over.
const VERSION: u16 = 0xfe0d;
/// SvcParamKey of RFC 9848 section 3.
const SVC_PARAM_ECH: u16 = 5;

/// What the extension shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// A hello around a hidden one, or one that only looks like it.
    Outer(Outer),
    /// What a server in front decrypted and passed on (section 5).
    Inner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outer {
    pub kdf: u16,
    pub aead: u16,
    pub config_id: u8,
    /// Bytes of the encapsulated key.
    pub enc: u16,
}

impl Extension {
    /// The extension's body in a ClientHello, section 5.
    pub fn read(mut body: Reader<'_>) -> Result<Self, ParseError> {
        if body.u8()? == 1 {
            return Ok(Self::Inner);
        }
        let (kdf, aead, config_id) = (body.u16()?, body.u16()?, body.u8()?);
        let enc = body.vec16()?.len() as u16;
        Ok(Self::Outer(Outer { kdf, aead, config_id, enc }))
    }
}

/// A configuration, as far as hellos made with it show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config<'a> {
    pub config_id: u8,
    pub kem: u16,
    /// Pairs of KDF and AEAD, four bytes each.
    suites: &'a [u8],
    /// What hellos made with it show for a name.
    pub public_name: &'a [u8],
}

impl<'a> Config<'a> {
    /// What the extension of a hello made with it may look like; nothing for a key encapsulation whose length is not known.
    pub fn outers(&self) -> impl Iterator<Item = Outer> + use<'a> {
        let (config_id, enc) = (self.config_id, encapsulated(self.kem));
        let suites = self.suites.as_chunks::<4>().0.iter();
        suites.filter_map(move |[a, b, c, d]| {
            let (kdf, aead) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            Some(Outer { kdf, aead, config_id, enc: enc? })
        })
    }

    fn read(mut r: Reader<'a>) -> Result<Self, ParseError> {
        let (config_id, kem) = (r.u8()?, r.u16()?);
        r.vec16()?; // the public key
        let suites = r.vec16()?.rest();
        r.u8()?; // maximum_name_length
        let public_name = r.vec8()?.rest();
        r.vec16()?; // extensions
        Ok(Self { config_id, kem, suites, public_name })
    }
}

/// Bytes of an encapsulated key: RFC 9180 section 7.1, and X-Wing as HPKE has it.
fn encapsulated(kem: u16) -> Option<u16> {
    Some(match kem {
        0x0010 => 65,
        0x0011 => 97,
        0x0012 => 133,
        0x0020 => 32,
        0x0021 => 56,
        0x647a => 1120,
        _ => return None,
    })
}

/// Those of an ECHConfigList, section 4, up to the first that cannot be read.
pub fn configs(list: &[u8]) -> impl Iterator<Item = Config<'_>> {
    let mut r = Reader::new(list, LAYER).vec16().unwrap_or(Reader::new(&[], LAYER));
    let all = std::iter::from_fn(move || Some((r.u16().ok()?, r.vec16().ok()?)));
    all.filter_map(|(version, contents)| (version == VERSION).then(|| Config::read(contents).ok())?)
}

/// What an HTTPS or SVCB record says of it (RFC 9460 section 2.2): `None` if it is an alias or cannot be read, an empty list if it
/// has none.
pub fn of_service(data: &[u8]) -> Option<&[u8]> {
    let mut r = Reader::new(data, LAYER);
    let priority = r.u16().ok()?;
    // The target's name, without compression.
    while let length @ 1.. = r.u8().ok()? {
        r.take(usize::from(length)).ok()?;
    }
    if priority == 0 {
        return None;
    }
    while !r.is_empty() {
        let (key, value) = (r.u16().ok()?, r.vec16().ok()?);
        if key == SVC_PARAM_ECH {
            return Some(value.rest());
        }
    }
    Some(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(configs: &[(u16, &[u8])]) -> Vec<u8> {
        let all = configs.iter().flat_map(|(version, contents)| {
            [&version.to_be_bytes(), &(contents.len() as u16).to_be_bytes(), *contents].concat()
        });
        let all: Vec<u8> = all.collect();
        [&(all.len() as u16).to_be_bytes(), &all[..]].concat()
    }

    fn contents(id: u8, kem: u16, name: &[u8]) -> Vec<u8> {
        let kem = kem.to_be_bytes();
        [&[id][..], &kem, &[0, 2, 9, 9, 0, 8, 0, 1, 0, 1, 0, 1, 0, 3, 0, name.len() as u8], name, &[0, 0]].concat()
    }

    #[test]
    fn configurations_are_read_and_others_passed_over() {
        let (mine, other) = (contents(7, 0x20, b"front.example"), contents(8, 0x9999, b"b"));
        let bytes = list(&[(0xfe0c, b"old"), (VERSION, &mine), (VERSION, &other), (VERSION, b"\x07")]);
        let all: Vec<_> = configs(&bytes).collect();
        assert_eq!(
            all.iter().map(|c| (c.config_id, c.public_name)).collect::<Vec<_>>(),
            [(7, &b"front.example"[..]), (8, b"b")]
        );
        let outer = |aead| Outer { kdf: 1, aead, config_id: 7, enc: 32 };
        assert_eq!(all[0].outers().collect::<Vec<_>>(), [outer(1), outer(3)]);
        assert_eq!(all[1].outers().count(), 0);
        for length in 0..bytes.len() {
            assert!(configs(&bytes[..length]).count() == 0, "the list's length does not fit");
        }
    }

    #[test]
    fn records_with_without_and_as_alias() {
        for (data, expected) in [
            (&b"\x00\x01\x00\x00\x01\x00\x03\x02h2\x00\x05\x00\x02ab"[..], Some(&b"ab"[..])),
            (b"\x00\x01\x03cdn\x00\x00\x01\x00\x03\x02h2", Some(b"")),
            (b"\x00\x00\x03cdn\x00", None),
            (b"\x00\x01\x00\x00\x05\x00\x09ab", None),
            (b"", None),
        ] {
            assert_eq!(of_service(data), expected, "{data:?}");
        }
    }

    #[test]
    fn both_kinds_of_the_extension() {
        let read = |body: &[u8]| Extension::read(Reader::new(body, "test"));
        let outer = Outer { kdf: 1, aead: 3, config_id: 0x2a, enc: 2 };
        assert_eq!(read(b"\x00\x00\x01\x00\x03\x2a\x00\x02ee\x00\x01p"), Ok(Extension::Outer(outer)));
        assert_eq!(read(b"\x01"), Ok(Extension::Inner));
        assert!(read(b"").is_err() && read(b"\x00\x00\x01\x00\x03\x2a\x00\x02e").is_err());
    }
}
