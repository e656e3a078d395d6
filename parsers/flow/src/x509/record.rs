//! The certificate record, byte for byte as probe.trust.certificates.certificate_lines writes it.

use super::Facts;
use super::der::Der;
use super::issuer;
use super::parts::{Parts, RsaKey};
use crate::{json, time};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An alternative name that has a place in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    Dns(&'a str),
    Ip(std::net::IpAddr),
    Email(&'a str),
    Uri(&'a str),
}

/// Bytes of `dns:` and a name, as in probe/trust/certificates.py.
const MAX_TEXT: usize = 4096;

impl Facts {
    /// Alternative names in order; `None` without the extension. Those of other kinds are left out.
    pub fn names(&self) -> Option<impl Iterator<Item = Name<'_>>> {
        let mut der = Der::new(self.extensions.names.as_deref()?);
        let elements = std::iter::from_fn(move || der.any());
        Some(elements.filter_map(|(tag, contents)| match tag {
            0x81 => std::str::from_utf8(contents).ok().map(Name::Email),
            0x82 => std::str::from_utf8(contents).ok().map(Name::Dns),
            0x86 => std::str::from_utf8(contents).ok().map(Name::Uri),
            0x87 => address(contents).map(Name::Ip),
            _ => None,
        }))
    }

    /// The record's line. `der`: the certificate that was read.
    pub fn write_record(&self, sha256_hex: &str, der: &[u8], out: &mut Vec<u8>) {
        out.push(b'{');
        json::word(out, "type", "certificate");
        json::word(out, "sha256", sha256_hex);
        json::string(out, "subject", self.subject.as_bytes());
        json::string(out, "issuer", self.issuer.as_bytes());
        json::key(out, "serial");
        self.serial(out);
        for (name, moment) in [("not_before", self.not_before), ("not_after", self.not_after)] {
            json::key(out, name);
            out.push(b'"');
            time::second(out, moment, b'T');
            out.extend_from_slice(b".000000Z\"");
        }
        self.sans(out);
        json::key(out, "key");
        out.push(b'{');
        json::word(out, "algorithm", self.key.algorithm);
        if let Some(bits) = self.key.bits {
            json::number(out, "bits", bits.into());
        }
        if let Some(curve) = self.key.curve {
            json::word(out, "curve", curve);
        }
        out.push(b'}');
        json::word(out, "signature", self.signature.name);
        json::key(out, "spki_sha256");
        out.push(b'"');
        json::hex(out, &self.spki_sha256);
        out.push(b'"');
        if let ("rsa", Some(key)) = (self.key.algorithm, Parts::read(der).and_then(|parts| RsaKey::read(&parts))) {
            json::key(out, "key_modulus");
            out.push(b'"');
            json::hex(out, key.modulus);
            out.push(b'"');
        }
        json::number(out, "scts", self.extensions.scts.into());
        json::boolean(out, "ca", self.extensions.ca);
        if let Some(word) = issuer::service(&self.issuer, self.extensions.private_ca) {
            json::word(out, "issuer_service", word);
        }
        out.extend_from_slice(b"}\n");
    }

    /// Lower hex without leading zeros.
    fn serial(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        let start = out.len();
        json::hex(out, &self.serial);
        match out.get(start) {
            None => out.push(b'0'),
            Some(b'0') => drop(out.remove(start)),
            Some(_) => {}
        }
        out.push(b'"');
    }

    fn sans(&self, out: &mut Vec<u8>) {
        json::key(out, "sans");
        out.push(b'[');
        for (at, name) in self.names().into_iter().flatten().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match name {
                Name::Dns(name) => san(out, "dns:", name),
                Name::Ip(address) => json::quoted(out, &format!("ip:{address}")),
                Name::Email(name) => san(out, "email:", name),
                Name::Uri(name) => san(out, "uri:", name),
            }
        }
        out.push(b']');
    }
}

/// The names are ASCII, so bytes are characters.
fn san(out: &mut Vec<u8>, kind: &str, name: &str) {
    let start = out.len();
    let name = name.get(..MAX_TEXT - kind.len()).unwrap_or(name);
    json::text(out, name.as_bytes());
    out.splice(start + 1..start + 1, kind.bytes());
}

fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}
