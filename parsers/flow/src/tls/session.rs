//! The facts of one session. Absent means not seen.

use super::Offer;
use super::beside::Beside;
use super::flight::Flight;
use super::more::More;
use super::mutual::Mutual;
use super::resumption::Token;
use crate::Direction;
use crate::certificates::CertificateId;
use crate::observation::Provenance;
use transitproof_wire::tls::Alert;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Of the first ClientHello.
    pub offer: Option<Offer>,
    pub hello_retry_request: bool,
    pub server: Option<ServerFacts>,
    /// The version that the transport alone leaves, while no ServerHello was seen: QUIC has TLS 1.3 and no other.
    pub implied_version: Option<u16>,
    pub group: Option<u16>,
    pub dh_bits: Option<u16>,
    /// Selected in the ServerHello; TLS 1.3 hides it in EncryptedExtensions.
    pub alpn: Option<Box<[u8]>>,
    /// What protects the media that DTLS made keys for: RFC 5764. TLS 1.3 hides it.
    pub srtp_profile: Option<u16>,
    pub resumed: Option<bool>,
    /// The session's names up to TLS 1.2: the id in the ServerHello, and the ticket given out.
    pub session_id: Token,
    pub ticket: Token,
    pub established: Option<bool>,
    /// In wire order; empty if the message was.
    pub certificates: Option<Vec<CertificateId>>,
    pub client_certificates: Option<Vec<CertificateId>>,
    /// What the server sent with its certificates.
    pub beside: Beside,
    /// What keys that were given did for it.
    pub keys: Option<Keys>,
    /// The server's Finished was read with them and is right.
    pub server_finished: bool,
    /// What CertificateVerify messages, read with keys, say: whether who showed a certificate has its key.
    pub proven: Option<bool>,
    /// The last alert in the clear before the session was established, and who sent it.
    pub alert: Option<(Alert, Direction)>,
    pub more: More,
    /// What sizes tell of the client's certificate in TLS 1.3.
    pub mutual: Mutual,
    /// The size of what the server hides in TLS 1.3 before the client answers.
    pub flight: Flight,
    /// Frame of the last message that told something.
    pub frame: u64,
    /// Messages and certificates left unread because of a limit.
    pub limited: u32,
}

/// What became of keys that were given for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They open it.
    Opened,
    /// They do not open it, or a Finished is wrong.
    Unfit,
}

/// What the (final) ServerHello says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    pub version: u16,
    /// A cipher kind of three bytes in SSLv2, `None` until the client chose it.
    pub suite: Option<u32>,
    pub ja3s: Option<[u8; 16]>,
    pub compression: u8,
    pub extended_master_secret: bool,
    pub renegotiation_info: bool,
    pub encrypt_then_mac: bool,
    /// RFC 6520: the client may send heartbeats.
    pub heartbeat: bool,
}

impl ServerFacts {
    /// Whether everything behind the ServerHello is hidden: TLS 1.3, its drafts, DTLS 1.3.
    pub fn is_tls13(&self) -> bool {
        is_tls13(self.version)
    }

    /// Whether extensions that TLS 1.3 has no use for could have been answered; SSLv2 has none at all.
    pub fn answers_extensions(&self) -> bool {
        !self.is_tls13() && self.version != SSLV2
    }
}

const SSLV2: u16 = 0x0002;

pub(super) fn is_tls13(version: u16) -> bool {
    matches!(version, 0x0304 | 0x7f00..=0x7fff | 0xfb17..=0xfb1a | 0xfefc)
}

impl Session {
    pub fn version(&self) -> Option<u16> {
        self.server.map(|server| server.version).or(self.implied_version)
    }

    pub fn is_tls13(&self) -> bool {
        self.server.is_some_and(|server| server.is_tls13())
    }

    /// Whether the certificates, if any, were read with keys.
    pub fn is_decrypted(&self) -> bool {
        self.keys.is_some() && (self.certificates.is_some() || self.server_finished)
    }

    /// How its chain is known, if it has one of its own.
    pub fn provenance(&self) -> Provenance {
        if self.is_decrypted() { Provenance::Decrypted } else { Provenance::Observed }
    }

    /// Whether anything of a handshake was seen at all.
    pub fn is_empty(&self) -> bool {
        self.frame == 0
    }

    /// The fatal alert that ended the handshake.
    pub fn fatal_alert(&self) -> Option<Alert> {
        self.alert.map(|(alert, _)| alert).filter(|alert| alert.level == Alert::FATAL)
    }
}
