//! A session as the record contract words it, and as the flat facts of an observation.

use super::{Keys, Offer, Session};
use crate::certificates::{CertificateId, Certificates};
use crate::json;
use crate::key::{community_id, write_community_id};
use crate::record::Detail;
use transitproof_wire::registry::tls::{
    alert_name, compression_name, group_name, srtp_profile_name, sslv2_cipher_name, suite_name, version_name,
};

impl Session {
    /// `"tls":{…}` of a flow record, nothing if nothing was seen.
    pub fn write_record(&self, certificates: &Certificates, out: &mut Vec<u8>) {
        if self.is_empty() && self.established.is_none() && self.implied_version.is_none() {
            return;
        }
        json::key(out, "tls");
        out.push(b'{');
        self.write_chosen(out, ["version", "suite", "group", "dh_bits", "dh_prime"]);
        let offer = self.offer.as_ref();
        if let Some(name) = offer.and_then(|offer| offer.server_name()) {
            json::string(out, "sni", name);
        }
        if let Some(alpn) = &self.alpn {
            json::string(out, "alpn", alpn);
        }
        self.write_protocols(out);
        if let Some(offer) = offer {
            offer.write_lists(out, ["groups_offered", "psk_modes_offered"]);
        }
        if self.hello_retry_request {
            json::boolean(out, "hello_retry_request", true);
        }
        self.write_srtp(out, "srtp_profile");
        optional(out, "resumed", self.resumed);
        if let Some(word) = self.resumed_by() {
            json::word(out, "resumed_by", word);
        }
        if let Some(origin) = certificates.resumptions.origin(self) {
            json::key(out, "resumes");
            write_community_id(out, &community_id(&origin.key, origin.initiator_low, (0, 0)));
        }
        optional(out, "established", self.established);
        if let Some(ja3) = offer.and_then(|offer| offer.ja3) {
            hex(out, "ja3", &ja3);
        }
        if let Some(ja3s) = self.server.and_then(|server| server.ja3s) {
            hex(out, "ja3s", &ja3s);
        }
        if let Some(ja4) = offer.and_then(|offer| offer.ja4) {
            // Letters, digits and underscores, whatever the hello holds.
            json::key(out, "ja4");
            out.push(b'"');
            out.extend_from_slice(&ja4);
            out.push(b'"');
        }
        self.write_flight(out);
        if self.is_decrypted() {
            json::boolean(out, "decrypted", true);
        }
        optional(out, "proven", self.proven);
        self.write_more_record(out);
        chain(out, "certificates", self.certificates.as_deref(), certificates);
        chain(out, "client_certificates", self.client_certificates.as_deref(), certificates);
        out.push(b'}');
    }

    /// What is needed to ask its server the same and to compare the answer: a JSON object.
    pub fn told(&self) -> Vec<u8> {
        let mut out = b"{".to_vec();
        self.write_protocols(&mut out);
        self.write_flight(&mut out);
        out.push(b'}');
        out
    }

    fn write_protocols(&self, out: &mut Vec<u8>) {
        let mut protocols = self.offer.iter().flat_map(|offer| offer.protocols()).peekable();
        if protocols.peek().is_some() {
            json::list(out, "alpn_offered", protocols, json::text);
        }
    }

    fn write_flight(&self, out: &mut Vec<u8>) {
        if let Some(bytes) = self.flight.bytes() {
            json::number(out, "server_flight", bytes.into());
        }
    }

    /// The `tls.` facts of an observation, appended to an object that is open: all, or those that are judged.
    pub fn write_facts(&self, certificates: &Certificates, detail: Detail, out: &mut Vec<u8>) {
        self.write_chosen(out, ["tls.version", "tls.suite", "tls.group", "tls.dh_bits", "tls.dh_prime"]);
        if let Some(server) = self.server.filter(|server| server.compression != 0) {
            code(out, "tls.compression", compression_name(server.compression), &[server.compression]);
        }
        let all = detail == Detail::All;
        if let Some(name) = self.offer.as_ref().and_then(|offer| offer.server_name()).filter(|_| all) {
            json::string(out, "tls.sni", name);
        }
        if self.offer.as_ref().is_some_and(|offer| offer.server_name().is_none()) {
            json::boolean(out, "tls.sni_offered", false);
        }
        if let Some(offer) = self.offer.as_ref().filter(|_| all) {
            offer.write_lists(out, ["tls.groups_offered", "tls.psk_modes_offered"]);
        }
        if let Some(alpn) = self.alpn.as_ref().filter(|_| all) {
            json::string(out, "tls.alpn", alpn);
        }
        self.write_srtp(out, "tls.srtp_profile");
        optional(out, "tls.resumed", self.resumed);
        if let Some(word) = self.resumed_by() {
            json::word(out, "tls.resumed_by", word);
        }
        // The server's chain is known from the handshake that is resumed.
        if certificates.resumptions.origin(self).is_some_and(|origin| !origin.chain.is_empty()) {
            json::boolean(out, "tls.inherited", true);
        }
        if let Some(server) = self.server {
            if server.answers_extensions() {
                json::boolean(out, "tls.extended_master_secret", server.extended_master_secret);
                json::boolean(out, "tls.renegotiation_info", server.renegotiation_info);
                json::boolean(out, "tls.encrypt_then_mac", server.encrypt_then_mac);
            }
            json::boolean(out, "tls.hello_retry_request", self.hello_retry_request);
        }
        for (key, ids) in [
            ("tls.certificates", self.certificates.as_deref()),
            ("tls.client_certificates", self.client_certificates.as_deref()),
        ] {
            match ids {
                Some(ids) if !all => json::boolean(out, key, !ids.is_empty()),
                _ => chain(out, key, ids, certificates),
            }
        }
        if let Some(keys) = self.keys {
            json::word(out, "tls.keys", if keys == Keys::Unfit { "unfit" } else { "fit" });
        }
        optional(out, "tls.proven", self.proven);
        if let Some(alert) = self.fatal_alert() {
            code(out, "tls.alert", alert_name(alert.description), &[alert.description]);
        }
        self.write_more_facts(out);
    }

    fn write_srtp(&self, out: &mut Vec<u8>, key: &str) {
        if let Some(profile) = self.srtp_profile {
            code(out, key, srtp_profile_name(profile), &profile.to_be_bytes());
        }
    }

    /// Inlined for the sake of [`json::key`].
    #[inline(always)]
    fn write_chosen(&self, out: &mut Vec<u8>, [version, suite, group, dh_bits, dh_prime]: [&str; 5]) {
        if let Some(number) = self.version() {
            code(out, version, version_name(number), &number.to_be_bytes());
        }
        if let Some(server) = self.server {
            match server.suite.map(|suite| (suite, u16::try_from(suite))) {
                Some((_, Ok(code16))) => code(out, suite, suite_name(code16), &code16.to_be_bytes()),
                Some((kind, Err(_))) => {
                    code(out, suite, sslv2_cipher_name(kind), kind.to_be_bytes().get(1..).unwrap_or(&[]))
                }
                None => {}
            }
        }
        if let Some(chosen) = self.group {
            code(out, group, group_name(chosen), &chosen.to_be_bytes());
        }
        if let Some(bits) = self.dh_bits {
            json::number(out, dh_bits, u64::from(bits));
        }
        if let Some(name) = self.more.dh_prime {
            json::word(out, dh_prime, name);
        }
    }
}

impl Offer {
    /// What the client can do, where it is a list.
    #[inline(always)]
    fn write_lists(&self, out: &mut Vec<u8>, [groups, psk_modes]: [&str; 2]) {
        let mut offered = self.groups().peekable();
        if offered.peek().is_some() {
            json::list(out, groups, offered, |out, group| match group_name(group) {
                Some(name) => json::quoted(out, name),
                None => {
                    out.extend_from_slice(b"\"0x");
                    json::hex(out, &group.to_be_bytes());
                    out.push(b'"');
                }
            });
        }
        if self.psk_modes != 0 {
            let modes = ["psk_ke", "psk_dhe_ke"].into_iter().zip(0..);
            let named = modes.filter(|(_, bit)| self.psk_modes & 1 << bit != 0).map(|(name, _)| name);
            json::words(out, psk_modes, named);
        }
    }
}

/// The registry's name, or the code point as `0x1a2b`.
#[inline(always)]
pub(super) fn code(out: &mut Vec<u8>, key: &str, name: Option<&str>, value: &[u8]) {
    match name {
        Some(name) => json::word(out, key, name),
        None => {
            json::key(out, key);
            out.extend_from_slice(b"\"0x");
            json::hex(out, value);
            out.push(b'"');
        }
    }
}

#[inline(always)]
fn optional(out: &mut Vec<u8>, key: &str, value: Option<bool>) {
    if let Some(value) = value {
        json::boolean(out, key, value);
    }
}

#[inline(always)]
fn hex(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    json::key(out, key);
    out.push(b'"');
    json::hex(out, value);
    out.push(b'"');
}

#[inline(always)]
fn chain(out: &mut Vec<u8>, key: &str, ids: Option<&[CertificateId]>, certificates: &Certificates) {
    if let Some(ids) = ids {
        json::list(out, key, ids.iter(), |out, id| json::quoted(out, certificates.sha256_hex(*id)));
    }
}
