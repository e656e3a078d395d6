//! What a handshake tells besides its parameters: how it was signed, signs of a downgrade, what became of a request for the
//! client's certificate, who ended it. As the record and the facts of an observation word it; absent means not seen.

use super::Session;
use super::session::is_tls13;
use super::write::code;
use crate::json;
use transitproof_wire::registry::tls::{alert_name, is_grease, signature_scheme_name, version_name};

const FALLBACK_SCSV: u16 = 0x5600; // RFC 7507

/// Facts of the messages that the record names only where they are out of the ordinary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// Of the ServerKeyExchange in TLS 1.2.
    pub signature_scheme: Option<u16>,
    /// The version that the server says, in its random, it could do: RFC 8446 section 4.1.3.
    pub downgrade_sentinel: Option<u16>,
    /// A CertificateRequest was read; TLS 1.3 hides it.
    pub certificate_request: bool,
    /// A CertificateStatus was sent; RFC 6066 section 8, in TLS 1.3 hidden in the Certificate.
    pub ocsp_staple: bool,
    /// Whether the last alert was the client's.
    pub alert_by_client: Option<bool>,
}

impl Session {
    /// What came of a CertificateRequest, up to TLS 1.2.
    pub fn client_certificate(&self) -> Option<&'static str> {
        if !self.more.certificate_request {
            return None;
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

    /// The highest version that the client offered. DTLS counts downwards.
    pub fn version_offered(&self) -> Option<u16> {
        let offer = self.offer.as_ref()?;
        let listed = offer.versions().filter(|version| !is_grease(*version) && version_name(*version).is_some());
        let highest = if offer.legacy_version >> 8 == 0xfe { listed.min() } else { listed.max() };
        Some(highest.unwrap_or(offer.legacy_version))
    }

    /// Members of the record, where there is something to say.
    pub(super) fn write_more_record(&self, out: &mut Vec<u8>) {
        self.write_more(["signature_scheme", "downgrade_sentinel", "client_certificate", "ocsp_staple"], out);
        if let Some(alert) = self.fatal_alert() {
            code(out, "alert", alert_name(alert.description), &[alert.description]);
            self.write_alert_from(out, "alert_from");
        }
        self.write_offered(["fallback_scsv", "early_data_offered", "ech_offered"], out);
    }

    pub(super) fn write_more_facts(&self, out: &mut Vec<u8>) {
        if let Some(version) = self.version_offered() {
            code(out, "tls.version_offered", version_name(version), &version.to_be_bytes());
        }
        let names = ["tls.signature_scheme", "tls.downgrade_sentinel", "tls.client_certificate", "tls.ocsp_staple"];
        self.write_more(names, out);
        if self.fatal_alert().is_some() {
            self.write_alert_from(out, "tls.alert_from");
        }
        self.write_offered(["tls.fallback_scsv", "tls.early_data_offered", "tls.ech_offered"], out);
    }

    #[inline(always)]
    fn write_more(&self, [scheme, sentinel, client, staple]: [&str; 4], out: &mut Vec<u8>) {
        if let Some(number) = self.more.signature_scheme {
            code(out, scheme, signature_scheme_name(number), &number.to_be_bytes());
        }
        if let Some(version) = self.more.downgrade_sentinel {
            code(out, sentinel, version_name(version), &version.to_be_bytes());
        }
        if let Some(word) = self.client_certificate() {
            json::word(out, client, word);
        }
        if self.more.ocsp_staple {
            json::boolean(out, staple, true);
        }
    }

    #[inline(always)]
    fn write_alert_from(&self, out: &mut Vec<u8>, key: &str) {
        if let Some(by_client) = self.more.alert_by_client {
            json::word(out, key, if by_client { "client" } else { "server" });
        }
    }

    #[inline(always)]
    fn write_offered(&self, [fallback, early_data, ech]: [&str; 3], out: &mut Vec<u8>) {
        let Some(offer) = &self.offer else { return };
        // A client that reached TLS 1.3 did not fall back.
        let older = !self.server.is_some_and(|server| is_tls13(server.version));
        if older && offer.suites().any(|suite| suite == FALLBACK_SCSV) {
            json::boolean(out, fallback, true);
        }
        if offer.early_data {
            json::boolean(out, early_data, true);
        }
        if offer.encrypted_client_hello {
            json::boolean(out, ech, true);
        }
    }
}
