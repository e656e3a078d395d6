//! TLS as it lies on the wire: records, handshake messages, alerts. Views borrow from the bytes and read lazily.
//!
//! May not know streams, flows or time: whoever has a whole message hands it in. RFC 8446 section 4 and 5, RFC 5246,
//! RFC 6101 (SSLv3); the SSLv2-format hello is RFC 5246 appendix E.2.

pub mod ech;
pub mod hello;
pub mod hidden;
pub mod key_exchange;
pub mod messages;
pub mod record;
pub mod sslv2;

pub use hello::{ClientHello, Codes, Extensions, ServerHello};
pub use hidden::{Certificate13, EncryptedExtensions, certificate_verify};
pub use key_exchange::{KeyExchange, ServerKeyExchange, signature_scheme};
pub use messages::{Alert, CertificateList, MessageHeader, new_session_ticket, sct_count};
pub use record::{RecordHeader, Seen, joined_inside, looks_like_hello, looks_like_tls};

/// Record content types, RFC 8446 section 5.1 and RFC 6520.
pub mod content {
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const HEARTBEAT: u8 = 24;
    /// Under a connection id, what it is being encrypted (RFC 9146 section 3).
    pub const TLS12_CID: u8 = 25;
}

/// Handshake types, RFC 8446 section 4 and the documents that it replaced.
pub mod handshake {
    pub const HELLO_REQUEST: u8 = 0;
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    pub const NEW_SESSION_TICKET: u8 = 4;
    /// Only in drafts of TLS 1.3 up to 21; later ones are a ServerHello with a special random.
    pub const HELLO_RETRY_REQUEST: u8 = 6;
    pub const END_OF_EARLY_DATA: u8 = 5;
    pub const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub const CERTIFICATE: u8 = 11;
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    pub const CERTIFICATE_REQUEST: u8 = 13;
    pub const SERVER_HELLO_DONE: u8 = 14;
    pub const CERTIFICATE_VERIFY: u8 = 15;
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub const FINISHED: u8 = 20;
    pub const COMPRESSED_CERTIFICATE: u8 = 25;
    pub const CERTIFICATE_STATUS: u8 = 22;

    /// Whether a type is assigned, and so whether bytes in this place can be a message in the clear.
    pub fn is_assigned(kind: u8) -> bool {
        matches!(kind, 0..=6 | 8..=18 | 20..=26 | 67 | 254)
    }

    /// A message's name in RFC 8446 appendix B.3 and RFC 5246.
    pub fn name(kind: u8) -> Option<&'static str> {
        Some(match kind {
            HELLO_REQUEST => "hello_request",
            CLIENT_HELLO => "client_hello",
            SERVER_HELLO => "server_hello",
            HELLO_VERIFY_REQUEST => "hello_verify_request",
            NEW_SESSION_TICKET => "new_session_ticket",
            HELLO_RETRY_REQUEST => "hello_retry_request",
            CERTIFICATE => "certificate",
            SERVER_KEY_EXCHANGE => "server_key_exchange",
            CERTIFICATE_REQUEST => "certificate_request",
            SERVER_HELLO_DONE => "server_hello_done",
            CERTIFICATE_VERIFY => "certificate_verify",
            CLIENT_KEY_EXCHANGE => "client_key_exchange",
            CERTIFICATE_STATUS => "certificate_status",
            ENCRYPTED_EXTENSIONS => "encrypted_extensions",
            COMPRESSED_CERTIFICATE => "compressed_certificate",
            FINISHED => "finished",
            _ => return None,
        })
    }
}

/// The extensions that are read here, by their number in the IANA registry.
pub mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const STATUS_REQUEST: u16 = 5;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const EC_POINT_FORMATS: u16 = 11;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const USE_SRTP: u16 = 14;
    pub const HEARTBEAT: u16 = 15;
    pub const ALPN: u16 = 16;
    /// signed_certificate_timestamp, RFC 6962 section 3.3.1.
    pub const SCT: u16 = 18;
    pub const SERVER_CERTIFICATE_TYPE: u16 = 20;
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    pub const SESSION_TICKET: u16 = 35;
    /// What drafts of TLS 1.3 up to 22 used for key_share.
    pub const KEY_SHARE_DRAFT: u16 = 40;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
    pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    pub const KEY_SHARE: u16 = 51;
    pub const ENCRYPTED_CLIENT_HELLO: u16 = 65037;
    pub const RENEGOTIATION_INFO: u16 = 65281;
}
