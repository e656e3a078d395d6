//! What else is worth a notice about DNS, and about protocols that hide data as it does: told from the totals of a flow at its end, or
//! from a TLS session once it is known. Each gives the facts of an observation of its own.

use crate::entry::{Entry, mark};
use crate::json;
use crate::tls::{Offer, Session};
use std::sync::LazyLock;
use transitproof_wire::packet::ip_protocol as ip;
use transitproof_wire::{Class, Protocol};

const DNS_PORT: u16 = 53;
/// RFC 7858 section 3.1, RFC 9250 section 4.1.1.
const DNS_OVER_TLS_PORT: u16 = 853;
/// Bytes of one DNS connection over TCP that no host needs for its look-ups: beyond is a transfer of a zone, or of something else.
const MUCH_OVER_TCP: u64 = 256 << 10;
/// Packets of each direction before their sizes are compared.
const ENOUGH: u64 = 10;
/// Headers of IPv4 and UDP, and an NTP packet with its authentication (RFC 5905 section 7.3).
const NTP_LENGTH: u64 = 20 + 8 + 48 + 24;
/// IPv6 and TCP headers: what connections without content have for each packet, with options.
const BARE: u64 = 80;

const PUBLIC_RESOLVERS: &str = include_str!("public_resolvers.tsv");

static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let rows = PUBLIC_RESOLVERS.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| row.split('\t').next()).collect()
});

/// Of a flow that ends. `servers`: tell which servers were asked.
pub fn at_end(entry: &Entry, servers: bool) -> Option<Vec<u8>> {
    let (address, port) = entry.key.end(!entry.has(mark::INITIATOR_LOW));
    let usual = match entry.protocol {
        Protocol::Dns => port == DNS_PORT && entry.key.transport() == ip::UDP && !servers,
        Protocol::Icmp | Protocol::Icmpv6 | Protocol::Ntp => false,
        _ => port != DNS_PORT,
    };
    if usual {
        return None; // nearly every flow, before anything is allocated
    }
    let mut out = b"{".to_vec();
    match (entry.protocol, entry.key.transport()) {
        (Protocol::Dns, transport) => {
            if port != DNS_PORT {
                json::number(&mut out, "dns.port", u64::from(port));
            }
            let bytes = entry.bytes[0] + entry.bytes[1];
            if transport == ip::TCP && bytes >= MUCH_OVER_TCP {
                // Rounded, so that there are few of these facts.
                json::number(&mut out, "dns.tcp_bytes", 1 << bytes.ilog2());
            }
            if servers {
                json::key(&mut out, "dns.server");
                out.push(b'"');
                crate::endpoint::write_address(&mut out, entry.key.family(), address);
                out.push(b'"');
            }
        }
        (Protocol::Icmp | Protocol::Icmpv6, _) if echoes_differ(entry) => json::boolean(&mut out, "icmp.tunnel", true),
        (Protocol::Ntp, _) if is_long_ntp(entry) => json::boolean(&mut out, "ntp.tunnel", true),
        (Protocol::Mdns | Protocol::Llmnr, _) => {}
        (other, ip::UDP | ip::TCP) if port == DNS_PORT && has_content(entry) => {
            json::word(&mut out, "dns.port_53", if other.class() == Class::Unknown { "unknown" } else { other.name() });
        }
        _ => {}
    }
    out.push(b'}');
    (out.len() > 2).then_some(out)
}

/// Of a session whose key exchange a quantum computer breaks.
pub const EXPOSED: &[u8] = b"{\"class\":\"tls\",\"pq.exposed\":true}";

/// Of a session whose keys may have protected more than they should.
pub fn key_usage(suite: &str, measure: &str) -> Vec<u8> {
    let mut out = b"{".to_vec();
    json::word(&mut out, "class", "tls");
    json::word(&mut out, "tls.suite", suite);
    json::word(&mut out, "tls.key_usage", measure);
    out.push(b'}');
    out
}

fn has_content(entry: &Entry) -> bool {
    entry.key.transport() == ip::UDP || (0..2).any(|side| entry.bytes[side] > BARE * entry.packets()[side])
}

/// An echo is returned as it came (RFC 792): sizes that differ by a fifth are somebody else's answers.
fn echoes_differ(entry: &Entry) -> bool {
    let is_echo = matches!((entry.protocol, entry.next_seq[0]), (Protocol::Icmp, 0 | 8) | (_, 128 | 129));
    is_echo && sizes_differ(entry, 5)
}

/// NTP answers are as long as what they answer, with extensions too (RFC 8915 section 5.7), so that nobody is flooded with them.
fn is_long_ntp(entry: &Entry) -> bool {
    let long =
        (0..2).any(|side| entry.packets()[side] >= ENOUGH && entry.bytes[side] > NTP_LENGTH * entry.packets()[side]);
    long && (sizes_differ(entry, 20) || entry.packets().contains(&0))
}

/// Whether the mean sizes of the directions differ by more than this part of the larger one.
fn sizes_differ(entry: &Entry, part: u64) -> bool {
    let [forward, reverse] = entry.packets();
    if forward < ENOUGH || reverse < ENOUGH {
        return false;
    }
    let (a, b) = (entry.bytes[0] / forward, entry.bytes[1] / reverse);
    a.abs_diff(b) > a.max(b) / part
}

/// A resolver that is asked under encryption: by its port, by what the client wants to speak, or by whose it is.
pub fn encrypted(entry: &Entry, session: &Session) -> Option<Vec<u8>> {
    let (_, port) = entry.key.end(!entry.has(mark::INITIATOR_LOW));
    let offer = session.offer.as_ref();
    let offers = |protocol: &[u8]| offer.is_some_and(|offer| offer.protocols().any(|name| name == protocol));
    let quic = entry.protocol == Protocol::Quic;
    let name = offer.and_then(Offer::server_name).and_then(|name| std::str::from_utf8(name).ok());
    let public = name.is_some_and(is_public);
    let how = match (offers(b"doq"), offers(b"dot"), port) {
        (true, _, _) => "doq",
        (_, _, DNS_OVER_TLS_PORT) if quic => "doq",
        (_, true, _) | (_, _, DNS_OVER_TLS_PORT) => "dot",
        _ if public => "doh",
        _ => return None,
    };
    let mut out = b"{".to_vec();
    json::word(&mut out, "dns.encrypted_resolver", how);
    if let Some(name) = name.filter(|_| public) {
        json::string(&mut out, "dns.resolver_name", name.to_ascii_lowercase().as_bytes());
    }
    out.push(b'}');
    Some(out)
}

fn is_public(name: &str) -> bool {
    NAMES.iter().any(|known| {
        let (len, own) = (name.len(), known.len());
        len >= own
            && name.is_char_boundary(len - own)
            && name[len - own..].eq_ignore_ascii_case(known)
            && (len == own || name.as_bytes().get(len - own - 1) == Some(&b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_public_resolvers_and_those_below() {
        for (name, expected) in [
            ("dns.google", true),
            ("Mozilla.Cloudflare-DNS.com", true),
            ("notcloudflare-dns.com", false),
            ("google", false),
            ("ü", false),
        ] {
            assert_eq!(is_public(name), expected, "{name}");
        }
    }

    #[test]
    fn every_row_has_a_source() {
        for row in PUBLIC_RESOLVERS.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<_> = row.split('\t').collect();
            assert!(
                columns.len() == 4 && ["operator", "other"].contains(&columns[2]) && columns[3].starts_with("http"),
                "{row}"
            );
        }
    }
}
