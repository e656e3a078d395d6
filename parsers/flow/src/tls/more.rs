//! What a handshake tells besides its parameters: how it was signed, signs of a downgrade, what became of a request for the
//! client's certificate, who ended it. As the record and the facts of an observation word it; absent means not seen.

use super::Session;
use super::ech::Ech;
use super::session::is_tls13;
use super::write::code;
use crate::json;
use transitproof_wire::registry::tls::{alert_name, compression_name, is_grease, signature_scheme_name, version_name};
use transitproof_wire::tls::handshake;

const FALLBACK_SCSV: u16 = 0x5600; // RFC 7507

/// Facts of the messages that the record names only where they are out of the ordinary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// Of the ServerKeyExchange in TLS 1.2.
    pub signature_scheme: Option<u16>,
    /// The version that the server says, in its random, it could do: RFC 8446 section 4.1.3.
    pub downgrade_sentinel: Option<u16>,
    /// A CertificateRequest was read; TLS 1.3 encrypts it.
    pub certificate_request: bool,
    /// A CertificateStatus was sent; RFC 6066 section 8, in TLS 1.3 hidden in the Certificate.
    pub ocsp_staple: bool,
    /// Whether the last alert was the client's.
    pub alert_by_client: Option<bool>,
    /// The latest message of the handshake, [`CHANGE_CIPHER_SPEC`] among them: at an alert, how far it had come.
    pub last: Option<u8>,
    /// What the prime of a Diffie-Hellman exchange is known as.
    pub dh_prime: Option<&'static str>,
    /// Signed certificate timestamps beside the certificate, RFC 6962 section 3.3.1; in TLS 1.3 hidden in the Certificate.
    pub scts: u16,
    /// Whether the server took the hidden hello of an encrypted_client_hello, where keys tell.
    pub ech_accepted: Option<bool>,
}

/// Not a message of the handshake; no message has this type.
pub const CHANGE_CIPHER_SPEC: u8 = 0xff;

const RECORDED: [&str; 5] =
    ["signature_scheme", "downgrade_sentinel", "client_certificate", "client_certificate_evidence", "ocsp_staple"];
const JUDGED: [&str; 5] = [
    "tls.signature_scheme",
    "tls.downgrade_sentinel",
    "tls.client_certificate",
    "tls.client_certificate_evidence",
    "tls.ocsp_staple",
];

impl Session {
    /// What came of a CertificateRequest.
    pub fn client_certificate(&self) -> Option<&'static str> {
        if !self.more.certificate_request || (self.is_tls13() && self.mutual.word().is_some()) {
            return self.mutual.word();
        }
        let refused = self.fatal_alert().is_some() && self.more.alert_by_client == Some(false);
        Some(match (self.client_certificates.as_deref(), self.established) {
            (None, _) => "requested",
            (Some(_), Some(false)) if refused => "refused",
            (Some([]), _) => "absent",
            (Some(_), Some(true)) => "accepted",
            (Some(_), _) => "presented",
        })
    }

    /// Whether the session is for another name than the one that was seen.
    pub fn hides_name(&self) -> bool {
        self.more.ech_accepted == Some(true)
    }

    /// How that is known, where it was not sent in the clear.
    fn client_certificate_evidence(&self) -> Option<&'static str> {
        let how = if self.more.certificate_request { "decrypted" } else { "inferred" };
        self.client_certificate().filter(|_| self.is_tls13()).map(|_| how)
    }

    /// The highest version that the client offered. DTLS counts downwards.
    pub fn version_offered(&self) -> Option<u16> {
        let offer = self.offer.as_ref()?;
        let listed = offer.versions().filter(|version| !is_grease(*version) && version_name(*version).is_some());
        let highest = if offer.legacy_version >> 8 == 0xfe { listed.min() } else { listed.max() };
        Some(highest.unwrap_or(offer.legacy_version))
    }

    /// Members of the record, where there is something to say.
    pub(super) fn write_more_record(&self, out: &mut Vec<u8>) {
        self.write_more(RECORDED, out);
        if let Some(alert) = self.fatal_alert() {
            code(out, "alert", alert_name(alert.description), &[alert.description]);
            self.write_alert_from(out, ["alert_from", "alert_after"]);
        }
        self.write_offered(["fallback_scsv", "early_data_offered", "ech_offered", "ech", "ech_accepted"], out);
        if let Some(ech) = self.offer.as_ref().and_then(|offer| offer.ech) {
            json::word(out, "ech_evidence", if self.hides_name() { "decrypted" } else { ech.evidence() });
            if let Some(id) = ech.config_id() {
                json::number(out, "ech_config_id", id.into());
            }
        }
        self.write_extensions(["scts", "heartbeat", "psk_mode"], out);
        self.write_out_of_the_ordinary(out);
    }

    /// What the facts always say, and the record only where it is not as usual.
    fn write_out_of_the_ordinary(&self, out: &mut Vec<u8>) {
        if let Some(version) = self.version_offered().filter(|version| Some(*version) != self.version()) {
            code(out, "version_offered", version_name(version), &version.to_be_bytes());
        }
        let Some(server) = self.server.filter(|server| server.answers_extensions()) else { return };
        if server.compression != 0 {
            code(out, "compression", compression_name(server.compression), &[server.compression]);
        }
        for (name, usual, is) in [
            ("extended_master_secret", true, server.extended_master_secret),
            ("renegotiation_info", true, server.renegotiation_info),
            ("encrypt_then_mac", false, server.encrypt_then_mac),
        ] {
            if is != usual {
                json::boolean(out, name, is);
            }
        }
    }

    pub(super) fn write_more_facts(&self, out: &mut Vec<u8>) {
        if let Some(version) = self.version_offered() {
            code(out, "tls.version_offered", version_name(version), &version.to_be_bytes());
        }
        self.write_more(JUDGED, out);
        if self.fatal_alert().is_some() {
            self.write_alert_from(out, ["tls.alert_from", "tls.alert_after"]);
        }
        let offered = ["tls.fallback_scsv", "tls.early_data_offered", "tls.ech_offered", "tls.ech", "tls.ech_accepted"];
        self.write_offered(offered, out);
        self.write_extensions(["tls.scts", "tls.heartbeat", "tls.psk_mode"], out);
        if self.is_tls13() {
            let offered = self.offer.as_ref().map(|offer| offer.is_post_quantum());
            let word = offered.map_or("unknown", |offered| if offered { "offered" } else { "not_offered" });
            json::word(out, "tls.pq_offer", word);
        }
    }

    /// Who can do heartbeats, and how a PSK was used: without (EC)DHE there is no forward secrecy (RFC 8446 section 2.2).
    #[inline(always)]
    fn write_extensions(&self, [scts, heartbeat, psk_mode]: [&str; 3], out: &mut Vec<u8>) {
        if self.more.scts > 0 {
            json::number(out, scts, u64::from(self.more.scts));
        }
        if self.offer.as_ref().is_some_and(|offer| offer.heartbeat) {
            let accepted = self.server.is_some_and(|server| server.heartbeat);
            json::word(out, heartbeat, if accepted { "accepted" } else { "offered" });
        }
        if self.resumed == Some(true) && self.is_tls13() {
            json::word(out, psk_mode, if self.group.is_some() { "psk_dhe_ke" } else { "psk_ke" });
        }
    }

    #[inline(always)]
    fn write_more(&self, [scheme, sentinel, client, evidence, staple]: [&str; 5], out: &mut Vec<u8>) {
        if let Some(number) = self.more.signature_scheme {
            code(out, scheme, signature_scheme_name(number), &number.to_be_bytes());
        }
        if let Some(version) = self.more.downgrade_sentinel {
            code(out, sentinel, version_name(version), &version.to_be_bytes());
        }
        if let Some(word) = self.client_certificate() {
            json::word(out, client, word);
        }
        if let Some(word) = self.client_certificate_evidence() {
            json::word(out, evidence, word);
        }
        if self.more.ocsp_staple {
            json::boolean(out, staple, true);
        }
    }

    #[inline(always)]
    fn write_alert_from(&self, out: &mut Vec<u8>, [from, after]: [&str; 2]) {
        if let Some(by_client) = self.more.alert_by_client {
            json::word(out, from, if by_client { "client" } else { "server" });
        }
        match self.more.last {
            Some(CHANGE_CIPHER_SPEC) => json::word(out, after, "change_cipher_spec"),
            Some(kind) => code(out, after, handshake::name(kind), &[kind]),
            None => {}
        }
    }

    #[inline(always)]
    fn write_offered(&self, [fallback, early_data, ech_offered, ech, accepted]: [&str; 5], out: &mut Vec<u8>) {
        let Some(offer) = &self.offer else { return };
        // A client that reached TLS 1.3 did not fall back.
        let older = !self.server.is_some_and(|server| is_tls13(server.version));
        if older && offer.suites().any(|suite| suite == FALLBACK_SCSV) {
            json::boolean(out, fallback, true);
        }
        if offer.early_data {
            json::boolean(out, early_data, true);
        }
        if let Some(what) = offer.ech {
            json::boolean(out, ech_offered, true);
            json::word(out, ech, if self.hides_name() { Ech::REAL } else { what.word() });
        }
        if let Some(is) = self.more.ech_accepted {
            json::boolean(out, accepted, is);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Direction::{Forward, Reverse};
    use crate::certificates::Certificates;
    use crate::fingerprint::Transport;
    use crate::record::Detail;
    use crate::tls::Handshake;
    use transitproof_wire::tls::handshake;

    /// Number and body.
    type Extension<'a> = (u16, &'a [u8]);

    fn hello(version: u16, behind_random: &[u8], extensions: &[Extension<'_>]) -> Vec<u8> {
        let bodies = extensions
            .iter()
            .flat_map(|(kind, body)| [&kind.to_be_bytes(), &(body.len() as u16).to_be_bytes(), *body].concat());
        let bodies: Vec<u8> = bodies.collect();
        let length = (bodies.len() as u16).to_be_bytes();
        [&version.to_be_bytes()[..], &[7; 32], behind_random, &length, &bodies].concat()
    }

    /// The facts of hellos with these extensions, and the record.
    fn facts(client: &[Extension<'_>], server: &[Extension<'_>]) -> String {
        let (mut follower, mut certificates) = (Handshake::new(Transport::Tcp), Certificates::new(1));
        let client = hello(0x0303, b"\0\0\x02\x13\x01\x01\0", client);
        let server = hello(0x0303, b"\0\x13\x01\0", server);
        follower.message(Forward, handshake::CLIENT_HELLO, &client, 1, &mut certificates);
        follower.message(Reverse, handshake::SERVER_HELLO, &server, 2, &mut certificates);
        let mut out = Vec::new();
        follower.session().write_facts(&certificates, Detail::All, &mut out);
        follower.session().write_record(&certificates, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn heartbeats_offered_and_accepted() {
        let beat: Extension<'_> = (15, b"\x01");
        assert!(facts(&[beat], &[]).contains("\"tls.heartbeat\":\"offered\""));
        let both = facts(&[beat], &[beat]);
        assert!(both.contains("\"tls.heartbeat\":\"accepted\"") && both.contains(",\"heartbeat\":\"accepted\""));
        assert!(!facts(&[], &[]).contains("heartbeat"));
    }

    #[test]
    fn timestamps_beside_the_certificate_are_counted() {
        let scts: Extension<'_> = (18, b"\0\x07\0\x01a\0\x02bc");
        assert!(facts(&[(18, b"")], &[scts]).contains("\"tls.scts\":2"));
        assert!(!facts(&[(18, b"")], &[]).contains("scts"));
    }

    #[test]
    fn a_psk_with_and_without_an_exchange() {
        let version: Extension<'_> = (43, b"\x03\x04");
        let psk: Extension<'_> = (41, b"\0\0");
        let modes: Extension<'_> = (45, b"\x02\0\x01");
        let alone = facts(&[modes], &[version, psk]);
        assert!(
            alone.contains("\"tls.psk_mode\":\"psk_ke\"") && alone.contains("\"tls.resumed_by\":\"psk\""),
            "{alone}"
        );
        assert!(alone.contains("\"psk_modes_offered\":[\"psk_ke\",\"psk_dhe_ke\"]"), "{alone}");
        let shared = facts(&[modes], &[version, psk, (51, b"\0\x1d\0\x01x")]);
        assert!(shared.contains("\"tls.psk_mode\":\"psk_dhe_ke\""), "{shared}");
    }

    #[test]
    fn whether_the_client_offers_a_post_quantum_group() {
        let version: Extension<'_> = (43, b"\x03\x04");
        let offer = |groups: &[u8]| facts(&[(10, groups)], &[version]);
        assert!(offer(b"\0\x04\x0a\x0a\x11\xec").contains("\"tls.pq_offer\":\"offered\""));
        assert!(offer(b"\0\x02\0\x1d").contains("\"tls.pq_offer\":\"not_offered\""));
        // A draft does not count.
        assert!(offer(b"\0\x02\x63\x99").contains("\"tls.pq_offer\":\"not_offered\""));
    }
}
