//! Extensions (RFC 5280 section 4.2). Every one that the library looks into is looked into here too, since it refuses all of them if one
//! is malformed; those that hardly occur are left to it as a whole.

use super::der::{self, Der};
use super::issuer::is_of_private_ca;
use super::name::{bmp, general, generals};

/// Extensions of one certificate; honest ones have about ten. More are left to Python.
const MAX_EXTENSIONS: usize = 32;
/// Alternative names kept in a record, as in probe/trust/certificates.py. A certificate with more is left to Python.
const MAX_NAMES: usize = 1000;

/// authorityKeyIdentifier, as far as chains are built by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    pub key: Option<Box<[u8]>>,
    /// By issuer and serial number.
    pub serial: bool,
}

/// Which extensions are critical, those told apart that may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Critical {
    pub basic_constraints: bool,
    pub names: bool,
    /// Any but these two and keyUsage.
    pub others: bool,
}

/// What is known of the extensions. Absent ones are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// basicConstraints says that it may sign others.
    pub ca: bool,
    /// pathLenConstraint; a longer one than 255 is that.
    pub path_length: Option<u8>,
    pub critical: Critical,
    /// keyUsage includes keyCertSign.
    pub key_cert_sign: Option<bool>,
    /// extendedKeyUsage includes serverAuth or anyExtendedKeyUsage.
    pub serves: Option<bool>,
    /// extendedKeyUsage includes clientAuth or anyExtendedKeyUsage.
    pub asks: Option<bool>,
    /// extendedKeyUsage includes serverAuth.
    pub server_auth: Option<bool>,
    pub authority: Option<Authority>,
    pub subject_key: Option<Box<[u8]>>,
    /// Contents of the subjectAltName, checked.
    pub names: Option<Box<[u8]>>,
    pub scts: u16,
    /// An address in it is one of AWS Private CA.
    pub private_ca: bool,
}

impl Critical {
    fn add(&mut self, oid: &[u8]) {
        match oid {
            [0x55, 0x1d, 15] => {}
            [0x55, 0x1d, 17] => self.names = true,
            [0x55, 0x1d, 19] => self.basic_constraints = true,
            _ => self.others = true,
        }
    }
}

/// `contents` is a SEQUENCE OF Extension.
pub fn read(contents: &[u8]) -> Option<Extensions> {
    let mut out = Extensions::default();
    let (mut all, mut seen) = (Der::new(contents), [&[] as &[u8]; MAX_EXTENSIONS]);
    for at in 0.. {
        if all.is_empty() {
            break;
        }
        let mut extension = all.nested(der::SEQUENCE)?;
        let oid = der::oid(extension.get(der::OID)?)?;
        // FALSE is the default, which DER does not write.
        let critical = extension.optional(der::BOOLEAN)?;
        if critical.is_some_and(|critical| critical != [0xff]) {
            return None;
        }
        if critical.is_some() {
            out.critical.add(oid);
        }
        let value = extension.get(der::OCTET_STRING)?;
        extension.end()?;
        if seen.get(..at)?.contains(&oid) {
            return None;
        }
        *seen.get_mut(at)? = oid;
        one(oid, value, &mut out)?;
    }
    Some(out)
}

fn one(oid: &[u8], value: &[u8], out: &mut Extensions) -> Option<()> {
    match oid {
        [0x55, 0x1d, arc] => id_ce(*arc, value, out),
        // authorityInfoAccess, subjectInfoAccess
        [0x2b, 6, 1, 5, 5, 7, 1, arc @ (1 | 11)] => each(value, |access| {
            der::oid(access.get(der::OID)?)?;
            out.private_ca |= *arc == 1 && has_private_ca(*access);
            general(access)
        }),
        // tlsFeature with status_request alone, as everybody has it
        [0x2b, 6, 1, 5, 5, 7, 1, 24] => (value == [0x30, 3, 2, 1, 5]).then_some(()),
        // precertificate poison, OCSP no check
        [0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3] | [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5] => (value == [5, 0]).then_some(()),
        [0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2] => {
            out.scts = timestamps(der::only(value, der::OCTET_STRING)?)?;
            Some(())
        }
        // Microsoft's certificate template
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 21, 7] => template(der::only(value, der::SEQUENCE)?),
        // admissions
        [0x2b, 0x24, 8, 3, 3] => None,
        // Unknown to the library, which keeps their bytes.
        _ => Some(()),
    }
}

fn id_ce(arc: u8, value: &[u8], out: &mut Extensions) -> Option<()> {
    match arc {
        14 => out.subject_key = Some(der::only(value, der::OCTET_STRING)?.into()),
        15 => out.key_cert_sign = Some(signs(der::only(value, der::BIT_STRING)?)?),
        17 => {
            let names = der::only(value, der::SEQUENCE)?;
            generals(names, MAX_NAMES)?;
            out.names = Some(names.into());
        }
        16 => usage_period(der::only(value, der::SEQUENCE)?)?,
        18 => drop(generals(der::only(value, der::SEQUENCE)?, usize::MAX)?),
        19 => (out.ca, out.path_length) = basic_constraints(der::only(value, der::SEQUENCE)?)?,
        31 => each(value, |point| distribution_point(point, out))?,
        32 => each(value, policy)?,
        36 => policy_constraints(der::only(value, der::SEQUENCE)?)?,
        35 => out.authority = Some(authority(der::only(value, der::SEQUENCE)?)?),
        37 => {
            let [server_auth, client_auth, any] = usages(der::only(value, der::SEQUENCE)?)?;
            (out.server_auth, out.serves) = (Some(server_auth), Some(server_auth || any));
            out.asks = Some(client_auth || any);
        }
        54 => drop(der::unsigned(der::only(value, der::INTEGER)?)?),
        // nameConstraints, freshestCRL
        30 | 46 => return None,
        _ => {}
    }
    Some(())
}

/// A SEQUENCE OF SEQUENCE.
fn each(value: &[u8], mut read: impl FnMut(&mut Der<'_>) -> Option<()>) -> Option<()> {
    let mut all = Der::new(der::only(value, der::SEQUENCE)?);
    while !all.is_empty() {
        let mut element = all.nested(der::SEQUENCE)?;
        read(&mut element)?;
        element.end()?;
    }
    Some(())
}

/// cA and pathLenConstraint.
fn basic_constraints(contents: &[u8]) -> Option<(bool, Option<u8>)> {
    let mut der = Der::new(contents);
    let ca = der.optional(der::BOOLEAN)?;
    let path_length = der.optional(der::INTEGER)?;
    der.end()?;
    if ca.is_some_and(|ca| ca != [0xff]) || (path_length.is_some() && ca.is_none()) {
        return None;
    }
    small(path_length, 8)?;
    let length = path_length.map(|length| match der::magnitude(length) {
        [] => 0,
        [length] => *length,
        _ => u8::MAX,
    });
    Some((ca.is_some(), length))
}

/// An optional number of so many bytes at most.
fn small(number: Option<&[u8]>, bytes: usize) -> Option<()> {
    number.is_none_or(|n| der::unsigned(n).is_some_and(|n| der::magnitude(n).len() <= bytes)).then_some(())
}

/// privateKeyUsagePeriod (RFC 3280 section 4.2.1.4): in order, and not empty.
fn usage_period(contents: &[u8]) -> Option<()> {
    let mut der = Der::new(contents);
    let mut time = |tag| match der.optional(tag)? {
        Some(time) => der::time(der::GENERALIZED_TIME, time).map(Some),
        None => Some(None),
    };
    match (time(0x80)?, time(0x81)?) {
        (None, None) => None,
        (Some(begin), Some(end)) if begin > end => None,
        _ => der.end(),
    }
}

fn policy_constraints(contents: &[u8]) -> Option<()> {
    let mut der = Der::new(contents);
    let (explicit, mapping) = (der.optional(0x80)?, der.optional(0x81)?);
    small(explicit, 8)?;
    small(mapping, 8)?;
    explicit.or(mapping).and(der.end())
}

/// [MS-WCCE] section 2.2.2.7.7.2.
fn template(contents: &[u8]) -> Option<()> {
    let mut der = Der::new(contents);
    der::oid(der.get(der::OID)?)?;
    small(der.optional(der::INTEGER)?, 4)?;
    small(der.optional(der::INTEGER)?, 4)?;
    der.end()
}

/// Whether keyUsage has keyCertSign. encipherOnly and decipherOnly without keyAgreement are the library's.
fn signs(contents: &[u8]) -> Option<bool> {
    let (unused, bits) = contents.split_first()?;
    if *unused > 7 || bits.last()?.trailing_zeros() < u32::from(*unused) {
        return None;
    }
    let (first, second) = (*bits.first()?, bits.get(1).copied().unwrap_or(0));
    let only = first & 0x01 != 0 || second & 0x80 != 0;
    (!only || first & 0x08 != 0).then_some(first & 0x04 != 0)
}

/// Whether serverAuth and anyExtendedKeyUsage are among them.
/// Whether serverAuth, clientAuth and anyExtendedKeyUsage are among them.
fn usages(contents: &[u8]) -> Option<[bool; 3]> {
    const KNOWN: [&[u8]; 3] = [&[0x2b, 6, 1, 5, 5, 7, 3, 1], &[0x2b, 6, 1, 5, 5, 7, 3, 2], &[0x55, 0x1d, 37, 0]];
    let (mut der, mut found) = (Der::new(contents), [false; 3]);
    loop {
        let usage = der::oid(der.get(der::OID)?)?;
        for (found, known) in found.iter_mut().zip(KNOWN) {
            *found |= usage == known;
        }
        if der.is_empty() {
            return Some(found);
        }
    }
}

fn authority(contents: &[u8]) -> Option<Authority> {
    let mut der = Der::new(contents);
    let key = der.optional(0x80)?;
    let issuer = der.optional(0xa1)?;
    let serial = der.optional(0x82)?;
    der.end()?;
    if issuer.is_some() != serial.is_some() || serial.is_some_and(|serial| der::unsigned(serial).is_none()) {
        return None;
    }
    if let Some(issuer) = issuer {
        generals(issuer, usize::MAX)?;
    }
    Some(Authority { key: key.map(Into::into), serial: serial.is_some() })
}

/// With a full name and nothing else, as everybody has it.
fn distribution_point(der: &mut Der<'_>, out: &mut Extensions) -> Option<()> {
    let name = der::only(der.get(0xa0)?, 0xa0)?;
    out.private_ca |= has_private_ca(Der::new(name));
    generals(name, usize::MAX).filter(|count| *count > 0).map(|_| ())
}

/// Whether one of these general names is an address of AWS Private CA.
fn has_private_ca(mut names: Der<'_>) -> bool {
    std::iter::from_fn(|| names.any()).any(|(tag, contents)| tag == 0x86 && is_of_private_ca(contents))
}

fn policy(der: &mut Der<'_>) -> Option<()> {
    der::oid(der.get(der::OID)?)?;
    if der.is_empty() {
        return Some(());
    }
    each(der.whole(der::SEQUENCE)?, |qualifier| match qualifier.get(der::OID)? {
        [0x2b, 6, 1, 5, 5, 7, 2, 1] => qualifier.get(der::IA5_STRING).filter(|uri| uri.is_ascii()).map(|_| ()),
        [0x2b, 6, 1, 5, 5, 7, 2, 2] => notice(qualifier.get(der::SEQUENCE)?),
        _ => None,
    })
}

fn notice(contents: &[u8]) -> Option<()> {
    let mut der = Der::new(contents);
    if let Some(reference) = der.optional(der::SEQUENCE)? {
        let mut reference = Der::new(reference);
        display_text(&mut reference)?;
        let mut numbers = reference.nested(der::SEQUENCE)?;
        while !numbers.is_empty() {
            der::unsigned(numbers.get(der::INTEGER)?)?;
        }
        reference.end()?;
    }
    if !der.is_empty() {
        display_text(&mut der)?;
    }
    der.end()
}

fn display_text(der: &mut Der<'_>) -> Option<()> {
    let (tag, text) = der.any()?;
    match tag {
        der::IA5_STRING => text.is_ascii(),
        der::VISIBLE_STRING => text.iter().all(|b| matches!(b, 0x20..0x7f)),
        der::UTF8_STRING => std::str::from_utf8(text).is_ok(),
        der::BMP_STRING => bmp(text).is_some(),
        _ => false,
    }
    .then_some(())
}

/// SignedCertificateTimestampList (RFC 6962 section 3.3), how many there are.
fn timestamps(list: &[u8]) -> Option<u16> {
    use transitproof_wire::Reader;
    let mut outer = Reader::new(list, "timestamps");
    let mut all = outer.vec16().ok()?;
    let mut count = 0u16;
    while !all.is_empty() {
        let mut one = all.vec16().ok()?;
        let version = one.u8().ok()?;
        one.take(32 + 8).ok()?;
        one.vec16().ok()?;
        let (hash, signature) = (one.u8().ok()?, one.u8().ok()?);
        one.vec16().ok()?;
        if version != 0 || !matches!(hash, 1..=6) || !matches!(signature, 1..=3) || !one.is_empty() {
            return None;
        }
        count = count.checked_add(1)?;
    }
    outer.is_empty().then_some(count)
}
