//! Which protocol the first bytes of a flow are, told by content.
//!
//! A table drives it ([`rows`]): one row a protocol, with a test for what each side sends. A test answers yes (these
//! bytes are this protocol), weak (they fit, as other bytes might) or no; a weak answer counts only when the other
//! side's bytes fit as well, or when the flow uses the protocol's registered port. A port alone says nothing.
//! TLS, DTLS, QUIC, IKE and ESP are recognised before this is asked. May not know: flows, time, earlier packets.

pub mod announced;
mod automation;
mod ber;
mod caches;
mod carriers;
pub mod chains;
mod chat;
mod clusters;
mod codecs;
pub mod credentials;
mod databases;
mod desktops;
mod devices;
mod directory;
pub mod dns;
mod exchanges;
mod fabrics;
mod files;
mod formats;
mod games;
mod grids;
pub mod http;
mod industrial;
mod look;
mod machines;
mod mail;
mod management;
mod masks;
mod measuring;
mod media;
mod mesh;
mod messaging;
mod middleware;
mod naming;
pub mod one_sided;
mod operators;
mod oracle;
mod over_ip;
mod peers;
mod prose;
mod protobuf;
mod providers;
pub mod proxies;
mod remote;
mod robots;
mod routing;
mod rows;
mod rpc;
pub mod sctp;
mod sealed;
mod serial;
mod services;
mod snmp;
pub mod starttls;
mod stores;
mod tunnels;
pub mod upgrade;
mod voice;
mod web;
mod worlds;

pub use over_ip::over_ip;
pub use rpc::rpc_tells_nothing;
pub use serial::Serial;
pub use snmp::is_snmp_discovery;

use crate::Protocol;
use look::{Look, Match};
use masks::StreamRows;
use rows::{DATAGRAMS, STREAMS};

/// How much of each direction's start is worth keeping for recognition: the longest greeting that has to be seen
/// whole (an SMB negotiation behind its NetBIOS header, an HTTP request line with a long path) fits with room.
pub const HEAD_LIMIT: usize = 2048;

/// The initiator's port and the responder's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    pub client: u16,
    pub server: u16,
}

impl Ports {
    fn any_of(self, known: &[u16]) -> bool {
        known.contains(&self.server) || known.contains(&self.client)
    }
}

/// What is known so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More bytes may tell.
    Undecided,
    Is(Protocol),
    /// No row can match, whatever follows.
    None,
}

/// Judges the first bytes of each direction of a TCP connection, as far as they have been reassembled. Either may be
/// empty; bytes past [`HEAD_LIMIT`] are not looked at. Ask again when more has come, as long as it is undecided.
pub fn stream(client: &[u8], server: &[u8], ports: Ports) -> Verdict {
    let (client, server) = (head(client), head(server));
    let mut candidates = StreamRows::NONE;
    if let Some(first) = client.first() {
        candidates = candidates.or(rows::STREAM_CLIENT[usize::from(*first)]);
    }
    if let Some(first) = server.first() {
        candidates = candidates.or(rows::STREAM_SERVER[usize::from(*first)]);
    }
    // A side that has not spoken yet may still be recognised by what it says first.
    let mut open = (client.is_empty() && server.len() < HEAD_LIMIT) || (server.is_empty() && client.len() < HEAD_LIMIT);
    let mut waits = false;
    for row in candidates.filter_map(|row| STREAMS.get(row)) {
        // The client's port may be anything: it counts if the server's is nobody's, for the two may be the other way round.
        let port = row.ports.contains(&ports.server)
            || row.ports.contains(&ports.client) && !STREAMS.iter().any(|row| row.ports.contains(&ports.server));
        if row.ported && !port {
            continue;
        }
        match combine(row.client.look(client), row.server.look(server), port) {
            // Words are a protocol's as long as one waits for its other side.
            Some(true) if waits && row.protocol == Protocol::Text => {}
            Some(true) => return Verdict::Is(row.protocol),
            Some(false) => {}
            None => (open, waits) = (true, true),
        }
    }
    let full = client.len() == HEAD_LIMIT && server.len() == HEAD_LIMIT;
    if open && !full { Verdict::Undecided } else { Verdict::None }
}

/// Whether a protocol's clear part may agree on TLS.
pub fn may_upgrade(protocol: Protocol) -> bool {
    use Protocol::*;
    matches!(protocol, Smtp | Imap | Pop3 | Ftp | Nntp | Sieve | Irc | Xmpp | Ldap)
        || matches!(protocol, Postgresql | Mysql | Tds | Rdp | Amqp | Nfs | Rpc)
}

/// What a protocol is from here on whose beginning in the clear may agree on encryption of its own: sealed, or for certain what it was.
/// `None` while that is open.
pub fn goes_on_as(protocol: Protocol, client: &[u8], server: &[u8]) -> Option<Protocol> {
    use Protocol::*;
    let (sealed, encrypts) = match protocol {
        Postgresql => (SealedPostgresql, starttls::is_under_gssapi(client, server).then_some(true)),
        Http => (Tailscale, tunnels::tailscale_control(client, server)),
        Smb => (Smb3, files::smb_encrypts(client).or_else(|| files::smb_encrypts(server))),
        Rdp => (RdpSecurity, remote::rdp_encrypts(client, server)),
        Nfs => (SealedNfs, rpc::rpc_encrypts(client, server)),
        Rpc => (SealedRpc, rpc::rpc_encrypts(client, server)),
        Oracle => (SealedOracle, oracle::oracle_encrypts(client, server)),
        _ => return None,
    };
    encrypts.map(|encrypts| if encrypts { sealed } else { protocol })
}

/// Whether a port is registered for a protocol over TCP.
pub fn is_registered(protocol: Protocol, port: u16) -> bool {
    STREAMS.iter().any(|row| row.protocol == protocol && row.ports.contains(&port))
}

/// Judges one UDP datagram by its whole payload. `Undecided` says that it fits a protocol too loosely to claim it.
pub fn datagram(payload: &[u8], from_client: bool, ports: Ports) -> Verdict {
    let Some(first) = payload.first() else { return Verdict::Undecided };
    let sent = Datagram { payload, from_client };
    let by_port = |port: u16| rows::DATAGRAM_PORT[usize::from(port & 0xff)];
    let candidates = rows::DATAGRAM[usize::from(*first)].and(by_port(ports.server).or(by_port(ports.client)));
    let mut fits = false;
    for row in candidates.filter_map(|row| DATAGRAMS.get(row)) {
        match (row.test)(&sent) {
            Some(Match::Yes) => return Verdict::Is(row.protocol),
            Some(Match::Weak) if ports.any_of(row.ports) => return Verdict::Is(row.protocol),
            Some(Match::Weak) => fits = true,
            Some(Match::No) | None => {}
        }
    }
    if fits { Verdict::Undecided } else { Verdict::None }
}

/// One datagram as the tests see it.
struct Datagram<'a> {
    payload: &'a [u8],
    from_client: bool,
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..HEAD_LIMIT).unwrap_or(bytes)
}

/// The two sides of one row put together: yes, no, or not yet.
fn combine(client: Look, server: Look, port: bool) -> Option<bool> {
    use Match::{No, Weak, Yes};
    match (client, server) {
        (Some(Yes), _) | (_, Some(Yes)) | (Some(Weak), Some(Weak)) => Some(true),
        (Some(No), _) | (_, Some(No)) => Some(false),
        (Some(Weak), None) | (None, Some(Weak)) if port => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
