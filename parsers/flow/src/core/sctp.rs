//! SCTP: each message in it is told by its number or looked at as a datagram is, until one says what the association is for.

use crate::Direction;
use crate::context::Context;
use crate::conversation::Follower;
use crate::entry::{EndReason, Entry, Phase};
use crate::udp;
use crate::why::{What, Why};
use transitproof_wire::app::sctp;
use transitproof_wire::dtls::looks_like_dtls;
use transitproof_wire::packet::Packet;

/// One packet of an association that is still open. Some reason if the flow ends with it.
pub(super) fn packet(entry: &mut Entry, from: Direction, packet: &Packet<'_>, ctx: &mut Context) -> Option<EndReason> {
    for message in sctp::messages(packet.payload) {
        let followed = |entry: &Entry| {
            entry.conversation.as_ref().is_some_and(|known| !matches!(known.follower, Follower::Undecided))
        };
        // Under DTLS (RFC 6083) any protocol may keep its number.
        if !followed(entry)
            && !looks_like_dtls(message.bytes)
            && let Some(protocol) = sctp::protocol(&message)
        {
            (entry.protocol, entry.why) = (protocol, Why::new(What::Datagram, ctx.frame, 0));
            ctx.settle(entry, None);
        } else {
            let inner = Packet { payload: message.bytes, payload_length: message.bytes.len() as u32, ..*packet };
            let end = udp::datagram(entry, from, &inner, ctx);
            if end.is_some() {
                return end;
            }
        }
        if entry.phase == Phase::Settled {
            break;
        }
    }
    None
}
