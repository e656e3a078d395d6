//! Flows that another between the same hosts has told of: data connections of FTP, media of SIP and RTSP, transfers of TFTP.
//!
//! The two hosts are part of what is remembered: nobody names flows between others, and cores that divide flows by their
//! addresses come to the same.

use crate::entry::{Entry, mark};
use crate::limits::MAX_ANNOUNCED;
use crate::recent::Recent;
use transitproof_wire::Protocol;
use transitproof_wire::app::announced::{Announced, announced, announces};
use transitproof_wire::packet::{Address, ip_protocol as ip};

/// The hosts, the lower first, whether the port is the lower one's, the port, the transport.
type Place = (Address, Address, bool, u16, u8);

#[derive(Default)]
pub struct Announcements(Recent<Protocol, MAX_ANNOUNCED, Place>);

impl Announcements {
    /// What the client, or the server, has said in a flow of a protocol in the clear. `turned` as in the conversation.
    pub fn hear(&mut self, entry: &Entry, turned: bool, client: bool, said: &[u8]) {
        let client_low = entry.has(mark::INITIATOR_LOW) != turned;
        if announces(entry.protocol) {
            announced(entry.protocol, client, said, &mut |one| self.remember(entry, client_low, one));
        } else if entry.protocol == Protocol::Tftp && client {
            let (_, port) = entry.key.end(client_low);
            self.remember(entry, client_low, Announced { client: true, port, protocol: Protocol::Tftp });
        }
    }

    fn remember(&mut self, entry: &Entry, client_low: bool, one: Announced) {
        let transport = if one.protocol == Protocol::Ftpdata { ip::TCP } else { ip::UDP };
        let place = (entry.key.low(), entry.key.high(), client_low == one.client, one.port, transport);
        self.0.insert(place, one.protocol);
    }

    /// What a flow was announced as.
    pub fn of(&self, entry: &Entry) -> Option<Protocol> {
        if self.0.is_empty() {
            return None;
        }
        let at = |low| (entry.key.low(), entry.key.high(), low, entry.key.end(low).1, entry.key.transport());
        self.0.get(&at(true)).or_else(|| self.0.get(&at(false))).copied()
    }
}
