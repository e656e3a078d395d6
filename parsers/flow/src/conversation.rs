//! What a flow needs while it is not yet settled: heads of both directions, segments before their turn, the follower of its
//! handshake. Boxed, and dropped as soon as there is nothing more to learn.

use crate::Direction;
use crate::dns::Overflow;
use crate::ipsec::Ipsec;
use crate::stream::Held;
use crate::tls::{DtlsFollower, TlsStream};
use transitproof_wire::Protocol;
use transitproof_wire::app::proxies::Via;

#[derive(Default)]
pub struct Conversation {
    /// First bytes of each direction, in order, while it is undecided or a dialogue.
    pub heads: [Vec<u8>; 2],
    pub held: [Held; 2],
    /// Datagrams looked at in vain.
    pub tries: u8,
    pub follower: Follower,
    /// The content shows that the responder is the client: the ends change places when the flow settles.
    pub turned: bool,
    /// The clear protocol in which an upgrade to TLS was agreed.
    pub starttls: Option<Protocol>,
    /// Proxies stepped over, outermost first.
    pub via: Vec<Via>,
}

impl Conversation {
    /// The direction in which the client speaks.
    pub fn client(&self) -> Direction {
        if self.turned { Direction::Reverse } else { Direction::Forward }
    }

    pub fn client_and_server(&self) -> (&[u8], &[u8]) {
        let client = self.client();
        (&self.heads[client as usize], &self.heads[client.other() as usize])
    }
}

/// Who reads the flow's payload now.
#[derive(Default)]
pub enum Follower {
    #[default]
    Undecided,
    /// A protocol in the clear that may yet upgrade, or show a login.
    Dialogue,
    Tls(Box<TlsStream>),
    Dtls(Box<DtlsFollower>),
    Ipsec(Box<Ipsec>),
    Dns(Overflow),
    Quic {
        version: u32,
    },
}
