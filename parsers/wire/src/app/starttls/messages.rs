//! The same where both sides speak in messages: PostgreSQL, MySQL, TDS, RDP, LDAP. What each side has said may be asked by itself.

use crate::app::ber::{self, INTEGER, SEQUENCE};
use crate::app::look::{be16, be32, byte, le32};

/// LDAP's StartTLS, RFC 4511 section 4.14.1.
const LDAP_START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
pub(in crate::app) const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// Whether both sides go on under GSSAPI's encryption (PostgreSQL 55.2.11), asked for at once or after TLS was refused: the
/// client's first token has to follow, which names its mechanism (RFC 2743 section 3.1).
pub fn is_under_gssapi(client: &[u8], server: &[u8]) -> bool {
    const LONGEST: u32 = 16_384;
    const INITIAL_TOKEN: u8 = 0x60;
    let asked = |at| be32(client, at);
    let behind = match server {
        [b'G', ..] if asked(4) == Some(GSSENC_REQUEST) => 8,
        [b'N', b'G', ..] if asked(4) == Some(SSL_REQUEST) && asked(12) == Some(GSSENC_REQUEST) => 16,
        _ => return false,
    };
    let token = client.get(behind + 4);
    token == Some(&INITIAL_TOKEN) && asked(behind).is_some_and(|length| (1..=LONGEST).contains(&length))
}

/// SSLRequest, or GSSENCRequest refused and then SSLRequest; one byte answers each.
pub(super) fn postgresql(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    match (be32(client, 4)?, server.first()?) {
        (SSL_REQUEST, b'S') => Some((8, 1)),
        (GSSENC_REQUEST, b'N') if be32(client, 12)? == SSL_REQUEST && server.get(1) == Some(&b'S') => Some((16, 2)),
        _ => None,
    }
}

/// The client cuts its response after the fixed part and sets CLIENT_SSL; the server has said that it can.
pub(super) fn mysql(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    Some((mysql_asked(client)?, mysql_greeting(server)?))
}

pub(in crate::app) fn mysql_asked(client: &[u8]) -> Option<usize> {
    const SSL_REQUEST_LENGTH: u32 = 32;
    const CLIENT_SSL: u32 = 0x800;
    let request = le32(client, 0)?;
    let asked = request & 0x00ff_ffff == SSL_REQUEST_LENGTH && request >> 24 == 1 && le32(client, 4)? & CLIENT_SSL != 0;
    (asked && client.len() >= 36).then_some(36)
}

pub(in crate::app) fn mysql_greeting(server: &[u8]) -> Option<usize> {
    let end = usize::try_from(le32(server, 0)? & 0x00ff_ffff).ok()? + 4;
    (server.get(4) == Some(&10) && server.len() >= end).then_some(end)
}

/// MS-TDS section 2.2.6.5: PRELOGIN and its answer, each one packet. Where neither wants more than ENCRYPT_OFF, the login alone is
/// encrypted, and everything behind it is in the clear.
pub(super) fn tds(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    let (asked, agreed) = (tds_prelogin(client, 0x12)?, tds_prelogin(server, 0x04)?);
    asked.whole().or(agreed.whole()).map(|_| (asked.end, agreed.end))
}

pub(in crate::app) struct Prelogin {
    end: usize,
    encryption: u8,
}

impl Prelogin {
    /// Its end, if it asks for more than an encrypted login.
    pub(in crate::app) fn whole(&self) -> Option<usize> {
        const ENCRYPT_OFF: u8 = 0;
        (self.encryption != ENCRYPT_OFF).then_some(self.end)
    }
}

pub(in crate::app) fn tds_prelogin(b: &[u8], kind: u8) -> Option<Prelogin> {
    const HEADER: usize = 8;
    const LAST: u8 = 1;
    const VERSION: u8 = 0;
    const ENCRYPTION: u8 = 1;
    const TERMINATOR: u8 = 0xff;
    const MAX_OPTIONS: usize = 16;
    let end = usize::from(be16(b, 2)?);
    let body = b.get(HEADER..end)?;
    if byte(b, 0)? != kind || byte(b, 1)? & LAST == 0 || byte(body, 0)? != VERSION {
        return None;
    }
    // Token, offset and length of each option.
    let option = body.chunks_exact(5).take(MAX_OPTIONS).take_while(|option| option.first() != Some(&TERMINATOR));
    let at = option.filter(|option| option.first() == Some(&ENCRYPTION)).find_map(|option| be16(option, 1))?;
    Some(Prelogin { end, encryption: byte(body, usize::from(at))? })
}

/// RFC 2126: the length of the first packet, once it is there.
pub(in crate::app) fn tpkt(b: &[u8]) -> Option<usize> {
    Some(usize::from(be16(b, 2)?)).filter(|length| b.first() == Some(&3) && b.len() >= *length)
}

pub(super) fn rdp(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    Some((tpkt(client)?, rdp_agreed(server)?))
}

/// MS-RDPBCGR section 2.2.1.2: the X.224 confirmation chooses TLS, with or without CredSSP in it; RDP's own security is 0.
pub(in crate::app) fn rdp_agreed(server: &[u8]) -> Option<usize> {
    const TYPE_RDP_NEG_RSP: u8 = 2;
    let agreed = tpkt(server)?;
    let chosen = server.get(11..agreed)?;
    (byte(server, 5)? == 0xd0 && byte(chosen, 0)? == TYPE_RDP_NEG_RSP && le32(chosen, 4)? != 0).then_some(agreed)
}

/// ExtendedRequest with StartTLS's name, and the ExtendedResponse with success that has its number. Anonymous binds and searches
/// may come in front of either.
pub(super) fn ldap(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    let asked = ldap_asked(client)?;
    Some((asked.end, ldap_agreed(server, Some(asked.id))?))
}

pub(in crate::app) struct Asked<'a> {
    id: &'a [u8],
    pub(in crate::app) end: usize,
}

/// The last such request: the ones before it were refused.
pub(in crate::app) fn ldap_asked(client: &[u8]) -> Option<Asked<'_>> {
    let asks =
        |request| ber::element(request).ok()?.is_some_and(|n| n.tag == 0x80 && n.value == LDAP_START_TLS).then_some(());
    ldap_operations(client)
        .filter(|(_, tag, operation, _)| *tag == 0x77 && asks(operation).is_some())
        .last()
        .map(|(id, _, _, end)| Asked { id, end })
}

pub(in crate::app) fn ldap_agreed(server: &[u8], id: Option<&[u8]>) -> Option<usize> {
    let succeeds = |response| Some(ber::element(response).ok()??.value == [0]);
    ldap_operations(server)
        .find(|(own, tag, operation, _)| {
            *tag == 0x78 && id.is_none_or(|id| id == *own) && succeeds(operation) == Some(true)
        })
        .map(|(_, _, _, end)| end)
}

/// Number, tag and content of the operation of each message that is whole, and the offset behind it.
fn ldap_operations(b: &[u8]) -> impl Iterator<Item = (&[u8], u8, &[u8], usize)> {
    let mut rest = b;
    std::iter::from_fn(move || {
        let message = ber::element(rest).ok()?.filter(|m| m.tag == SEQUENCE && m.is_whole())?;
        rest = message.rest;
        let id = ber::element(message.value).ok()?.filter(|i| i.tag == INTEGER)?;
        let operation = ber::element(id.rest).ok()??;
        Some((id.value, operation.tag, operation.value, b.len() - rest.len()))
    })
}
