//! What a flow needs while it is not yet settled: heads of both directions, segments before their turn, the follower of its
//! handshake. Boxed, and dropped as soon as there is nothing more to learn.

use crate::Direction;
use crate::clear::Clear;
use crate::dns::{DnsStream, Overflow};
use crate::eap::{EapFollower, RadiusFollower};
use crate::hash_key::HashKey;
use crate::head::Head;
use crate::ipsec::Ipsec;
use crate::openvpn::OpenVpnFollower;
use crate::quic::QuicFollower;
use crate::stream::Held;
use crate::tds::Unwrap;
use crate::tls::{DtlsFollower, TlsStream};
use transitproof_wire::Protocol;
use transitproof_wire::app::Serial;
use transitproof_wire::app::proxies::Via;

/// What every packet needs comes first, in one cache line.
#[derive(Default)]
#[repr(C)]
pub struct Conversation {
    /// Datagrams looked at in vain.
    pub tries: u8,
    /// Looks for messages that follow one another in a stream whose beginning is missing.
    pub looks: u8,
    /// No row of first bytes fits what either side has said, whatever follows.
    pub nameless: bool,
    /// The content shows that the responder is the client: the ends change places when the flow settles.
    pub turned: bool,
    /// The clear protocol in which an upgrade to TLS was agreed.
    pub starttls: Option<Protocol>,
    /// Frame in which a protocol in the clear was recognised, then the one in which it showed a login or asked for a page.
    pub frame: u64,
    pub follower: Follower,
    /// The frame in which one side alone showed that TLS began.
    pub alone: Option<u64>,
    /// What a dialogue in the clear has shown.
    pub clear: Option<Box<Clear>>,
    /// First bytes of each direction, in order, while it is undecided or a dialogue.
    pub heads: [Head; 2],
    pub held: [Held; 2],
    /// The latest numbered packet of each direction and how many followed one another up to it.
    pub serial: [Option<(Serial, u8)>; 2],
    /// TDS packets that the TLS of each direction is to be taken out of.
    pub tds: Option<Box<[Unwrap; 2]>>,
    /// Proxies stepped over, outermost first.
    pub via: Vec<Via>,
}

impl Conversation {
    /// Reads the line where the follower is found; the value only has to be used somehow.
    #[inline]
    pub fn touch(&self) -> u64 {
        u64::from(self.tries)
    }

    /// Reads what a follower needs that lives long, beyond the line where it is found; the value only has to be used somehow.
    #[inline]
    pub fn touch_follower(&self, from: Direction) -> u64 {
        match &self.follower {
            Follower::Ipsec(ipsec) => ipsec.touch(from),
            // Datagrams of which nobody knows what they are yet may be numbered.
            Follower::Undecided => self.serial[from as usize].map_or(0, |(_, run)| u64::from(run)),
            _ => 0,
        }
    }

    /// The direction in which the client speaks.
    pub fn client(&self) -> Direction {
        if self.turned { Direction::Reverse } else { Direction::Forward }
    }

    /// One more datagram: what it is, if it is the last of as many successive ones as prove it. One that was captured twice
    /// counts once.
    pub fn hears_serial(&mut self, from: Direction, payload: &[u8]) -> Option<Protocol> {
        let earlier = self.serial[from as usize].take();
        let header = Serial::of(payload)?;
        let run = match earlier {
            Some((last, run)) if header == last => run,
            Some((last, run)) if header.follows(last) => run + 1,
            _ => 1,
        };
        self.serial[from as usize] = Some((header, run));
        (run >= header.run()).then(|| header.protocol())
    }

    /// From here on only what is said of other flows is heard; nothing is kept.
    pub fn only_announces(&mut self) {
        (self.follower, self.heads, self.clear) = (Follower::Announcing, Default::default(), None);
    }

    /// Nothing more is to come of a dialogue: reads what there is of it.
    pub fn read_dialogue(&mut self, protocol: Protocol, key: Option<&HashKey>) {
        if matches!(self.follower, Follower::Dialogue) && self.clear.is_none() {
            let (client, server) = self.client_and_server();
            self.clear = Clear::of(protocol, client, server, key);
        }
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
    /// One of which all is known but what it tells of other flows.
    Announcing,
    Tls(Box<TlsStream>),
    Dtls(Box<DtlsFollower>),
    Ipsec(Box<Ipsec>),
    Dns(Overflow),
    DnsStream(Box<DnsStream>),
    Quic(Box<QuicFollower>),
    OpenVpn(Box<OpenVpnFollower>),
    Radius(Box<RadiusFollower>),
    Eap(Box<EapFollower>),
}
