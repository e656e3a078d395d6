//! What AH and unencrypted ESP carry, and ESP that opens with keys: packets of flows of their own, in a tunnel that is named by its SPI.
//!
//! Off the path of everything that is encrypted. The outer packet was counted before, as a packet of the capture and of
//! its flow; the one inside counts for its own flow only.

use super::{Core, Frame};
use crate::conversation::Follower;
use crate::entry::Entry;
use crate::ipsec::{Content, Ipsec};
use crate::looked::{Kind, Looked};
use crate::table::Slot;
use transitproof_wire::packet::{Packet, plain_body, protected};
use transitproof_wire::{ParseError, Protocol};

/// "No next header": padding against traffic analysis (RFC 4303 section 2.6).
const DUMMY: u8 = 59;

/// One comparison for what is not IPsec. `keys`: there are some of ESP.
#[inline]
pub(super) fn may_be_readable(entry: &Entry, keys: impl Fn() -> bool) -> bool {
    matches!(entry.protocol, Protocol::Ike | Protocol::Esp | Protocol::Ah)
        && matches!(
            entry.conversation.as_deref().map(|c| &c.follower),
            Some(Follower::Ipsec(ipsec)) if ipsec.may_be_readable() || keys()
        )
}

/// One more packet of an association for which counting is all that is left to do. False: nothing was done, it has to be read.
#[inline]
pub(super) fn count(entry: &mut Entry, frame: &Frame<'_>, looked: &Looked) -> bool {
    if !matches!(entry.protocol, Protocol::Esp | Protocol::Ike) || looked.kind != Kind::Plain || entry.is_empty() {
        return false;
    }
    let (from, transport) = (entry.direction(looked.low), entry.key.transport());
    let (body, length) = plain_body(frame.bytes, entry.key.v6(), looked.ip_length);
    let Some(ipsec) = ipsec(entry) else { return false };
    let counted = ipsec.count(from, transport, body, frame.time, (looked.ip_length, length));
    if counted {
        entry.count(looked.low, frame.time, looked.ip_length);
    }
    counted
}

fn ipsec(entry: &mut Entry) -> Option<&mut Ipsec> {
    match &mut entry.conversation.as_deref_mut()?.follower {
        Follower::Ipsec(ipsec) => Some(ipsec),
        _ => None,
    }
}

impl Core {
    /// A packet that is readable, or that will be once its association is proven not to encrypt.
    #[cold]
    pub(super) fn protected(&mut self, slot: Slot, frame: &Frame<'_>, packet: &Packet<'_>) {
        let Some(entry) = self.table.entry(slot) else { return };
        let tunnel = entry.tunnel;
        let keys = self.ctx.certificates.keys.as_deref_mut();
        let Some((earlier, last)) = ipsec(entry).map(|ipsec| ipsec.read(packet, (frame.number, frame.time), keys))
        else {
            return;
        };
        let latest = self.tracking.as_ref().and_then(|tracking| tracking.latest());
        earlier.iter().chain(&last).for_each(|content| self.inside(content, tunnel));
        if let Some(tracking) = &mut self.tracking {
            tracking.set_latest(latest); // what comes next belongs to the outer flow again
        }
    }

    fn inside(&mut self, content: &Content<'_>, tunnel: u16) {
        let Some(stack) = self.ctx.tunnels.stack(tunnel).filter(|_| content.next_header != DUMMY) else { return };
        let Some(mut tunnels) = stack.within(content.kind, Some(content.spi)) else {
            return self.ctx.totals.bad(ParseError::Limited("tunnels"));
        };
        let packet = match protected((&content.outer, content.added), content.next_header, &content.bytes, &mut tunnels)
        {
            Ok(packet) => packet,
            Err(stop) => return self.unreadable(stop),
        };
        if packet.fragment.is_some() {
            self.fragments.add(&packet, tunnels, content.time, content.frame);
            return self.reassembled();
        }
        self.ctx.leaks().expect();
        let looked = self.place(&packet, &tunnels);
        if self.ctx.may_have(&looked.key) {
            (self.ctx.frame, self.ctx.time) = (content.frame, content.time);
            let frame = Frame { time: content.time, link: 0, number: content.frame, bytes: &[] };
            self.open_packet(&frame, &packet, &looked);
        }
    }
}
