//! EAP over a LAN: flows between stations instead of IP addresses, all of them the first core's.

use super::{Core, Frame};
use crate::Direction;
use crate::context::Context;
use crate::conversation::Follower;
use crate::eap::EapFollower;
use crate::entry::Entry;
use crate::key::{EAPOL, Key};
use crate::looked::{Kind, Looked};
use crate::table::NO_SLOT;
use crate::tls::Progress;
use crate::why::{What, Why};
use transitproof_wire::Protocol;
use transitproof_wire::eap::{EapCode, EapHeader};
use transitproof_wire::packet::{Address, Eapol, Packet, Stop, eapol};

impl Core {
    /// A frame with an EAP packet.
    #[cold]
    pub(super) fn eapol(&mut self, frame: &Frame<'_>) {
        match eapol(frame.link, frame.bytes).and_then(|read| Some((self.between(&read)?, read))) {
            Some((looked, read)) => self.single_packet(frame, &packet(&read), &looked),
            None => {
                self.pass_over(frame);
                self.unreadable(Stop::NotIp(crate::endpoint::EAPOL));
            }
        }
    }

    /// The same in a run that is about a part of the packets; false: it is of no flow.
    pub(super) fn particular_eapol(&mut self, frame: &Frame<'_>) -> bool {
        let Some(read) = eapol(frame.link, frame.bytes) else { return false };
        let Some(looked) = self.between(&read) else { return false };
        if self.ctx.admits(&looked.key, 1, frame.time) {
            self.single_packet(frame, &packet(&read), &looked);
        }
        true
    }

    /// The flow of its stations, if it is known who they are.
    fn between(&mut self, read: &Eapol<'_>) -> Option<Looked> {
        let before = self.stations.limited;
        let found = EapHeader::parse(read.eap).and_then(|header| self.stations.of(read, header));
        if self.stations.limited > before {
            self.ctx.totals.limit("eapol_ports");
        }
        let (src, dst) = found?;
        let (key, low) = Key::of_stations(src, dst, self.ctx.tunnels.number(&read.tunnels));
        let hash = key.hash(self.seed);
        Some(Looked { key, hash, candidate: NO_SLOT, ip_length: read.length, flags: 0, kind: Kind::Eapol, low })
    }
}

/// What the flow table has to know of it: there are neither IP addresses nor ports.
fn packet<'a>(read: &Eapol<'a>) -> Packet<'a> {
    let nowhere = Address::default();
    Packet {
        v6: false,
        transport: EAPOL,
        flags: 0,
        src: nowhere,
        dst: nowhere,
        src_port: 0,
        dst_port: 0,
        seq: 0,
        ip_length: read.length,
        payload_length: read.length,
        payload: read.eap,
        fragment: None,
    }
}

/// One EAP packet of an open flow.
pub(super) fn follow(entry: &mut Entry, from: Direction, packet: &[u8], ctx: &mut Context) {
    let Some(header) = EapHeader::parse(packet) else { return };
    let mut conversation = entry.conversation.take().unwrap_or_default();
    if entry.protocol != Protocol::Eap {
        entry.protocol = Protocol::Eap;
        entry.why = Why::new(What::EapHeader, ctx.frame, 0);
        (conversation.follower, conversation.frame) = (Follower::Eap(Box::<EapFollower>::default()), ctx.frame);
        // The device is the one that wants something, but it is asked first.
        conversation.turned = (header.code == EapCode::Response) == (from == Direction::Reverse);
    }
    if let Follower::Eap(follower) = &mut conversation.follower
        && follower.packet(packet, ctx.frame, &mut ctx.certificates) != Progress::More
    {
        return ctx.settle(entry, Some(&conversation));
    }
    entry.conversation = Some(conversation);
}
