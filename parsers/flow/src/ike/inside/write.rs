//! The `decrypted` member of `ike` in a flow record.

use super::{Identity, Inside, Peer};
use crate::certificates::Certificates;
use crate::ike::write::name_or_hex;
use crate::json;
use transitproof_wire::registry::ike as registry;

impl Inside {
    pub fn write(&self, certificates: &Certificates, out: &mut Vec<u8>) {
        if let Some(word) = self.keys_word() {
            json::word(out, "keys", word);
        }
        if self.opened == 0 {
            return;
        }
        json::key(out, "decrypted");
        out.push(b'{');
        json::number(out, "messages", self.opened);
        for (member, peer) in ["initiator", "responder"].into_iter().zip(&self.peers) {
            json::key(out, member);
            peer.write(certificates, out);
        }
        if !self.eap.is_empty() {
            json::list(out, "eap", &self.eap, |out, kind| name_or_hex(out, eap_method(*kind), u16::from(*kind)));
        }
        json::list(out, "children", &self.children, |out, child| child.write(out));
        if !self.errors.is_empty() {
            json::list(out, "errors", &self.errors, |out, kind| name_or_hex(out, registry::notify(*kind), *kind));
        }
        out.push(b'}');
    }
}

impl Peer {
    fn write(&self, certificates: &Certificates, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(identity @ Identity(kind, data)) = &self.identity {
            json::key(out, "identity_type");
            name_or_hex(out, identity_type(*kind), u16::from(*kind));
            if let Some(name) = identity.name() {
                json::string(out, "identity", name.as_bytes());
            } else if matches!(kind, 2 | 3) {
                json::string(out, "identity", data);
            } else {
                json::key(out, "identity");
                out.push(b'"');
                json::hex(out, data);
                out.push(b'"');
            }
        }
        if let Some(method) = self.method {
            json::key(out, "authentication");
            name_or_hex(out, authentication_method(method), u16::from(method));
        }
        if !self.chain.is_empty() {
            json::list(out, "certificates", &self.chain, |out, id| json::quoted(out, certificates.sha256_hex(*id)));
        }
        out.push(b'}');
    }
}

/// RFC 7296 section 3.5, as IANA names them.
fn identity_type(id: u8) -> Option<&'static str> {
    Some(match id {
        1 => "ID_IPV4_ADDR",
        2 => "ID_FQDN",
        3 => "ID_RFC822_ADDR",
        5 => "ID_IPV6_ADDR",
        9 => "ID_DER_ASN1_DN",
        10 => "ID_DER_ASN1_GN",
        11 => "ID_KEY_ID",
        12 => "ID_FC_NAME",
        13 => "ID_NULL",
        _ => return None,
    })
}

/// IANA, IKEv2 Authentication Method.
fn authentication_method(id: u8) -> Option<&'static str> {
    Some(match id {
        1 => "RSA Digital Signature",
        2 => "Shared Key Message Integrity Code",
        3 => "DSS Digital Signature",
        9 => "ECDSA with SHA-256 on the P-256 curve",
        10 => "ECDSA with SHA-384 on the P-384 curve",
        11 => "ECDSA with SHA-512 on the P-521 curve",
        12 => "Generic Secure Password Authentication Method",
        13 => "NULL Authentication",
        14 => "Digital Signature",
        _ => return None,
    })
}

/// IANA, EAP Method Types, those met with IKEv2.
fn eap_method(id: u8) -> Option<&'static str> {
    Some(match id {
        1 => "Identity",
        2 => "Notification",
        3 => "Legacy Nak",
        4 => "MD5-Challenge",
        6 => "Generic Token Card (GTC)",
        13 => "EAP-TLS",
        18 => "EAP-SIM",
        21 => "EAP-TTLS",
        23 => "EAP-AKA",
        25 => "PEAP",
        26 => "MS-EAP-Authentication",
        50 => "EAP-AKA'",
        _ => return None,
    })
}
