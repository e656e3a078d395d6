//! Records in the SSLv2 format: the old way to begin SSLv3 and TLS, and SSLv2 itself up to the client's choice of cipher.

use super::session::ServerFacts;
use super::{Handshake, Offer};
use crate::Direction;
use crate::certificates::Certificates;
use transitproof_wire::tls::{content, sslv2};

const VERSION: u16 = 0x0002;

/// Whether the session is SSLv2, so that all its records have the short header.
pub fn is_sslv2(handshake: &Handshake) -> bool {
    handshake.session.version() == Some(VERSION)
}

/// A whole record without its header; `false` if it is none of SSLv2.
pub fn record(
    handshake: &mut Handshake,
    from: Direction,
    record: &[u8],
    frame: u64,
    certificates: &mut Certificates,
) -> bool {
    if let Ok(hello) = sslv2::ClientHello::parse(record) {
        handshake.client_offer(from, Offer::sslv2(hello.version, hello.cipher_specs));
    } else if let Ok(hello) = sslv2::ServerHello::parse(record) {
        server_hello(handshake, &hello, certificates);
    } else if !is_sslv2(handshake) {
        return false;
    } else if let (Some(ServerFacts { suite: suite @ None, .. }), Ok(chosen)) =
        (&mut handshake.session.server, sslv2::master_key_cipher(record))
    {
        *suite = Some(chosen);
    } else {
        // All that follows the choice is encrypted, and has no type in the clear.
        handshake.protected(from, content::HANDSHAKE, record.len() as u16);
        return true;
    }
    handshake.session.frame = frame;
    true
}

fn server_hello(handshake: &mut Handshake, hello: &sslv2::ServerHello<'_>, certificates: &mut Certificates) {
    handshake.session.server = Some(ServerFacts { version: VERSION, ..ServerFacts::default() });
    handshake.session.resumed = Some(hello.session_id_hit);
    if !hello.certificate.is_empty() {
        handshake.session.certificates = Some(certificates.intern(hello.certificate).into_iter().collect());
    }
}
