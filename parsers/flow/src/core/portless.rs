//! Transports without ports: ESP and AH are followed, others are told by a packet.

use super::eapol;
use crate::Direction;
use crate::context::Context;
use crate::conversation::Follower;
use crate::entry::{Entry, Phase};
use crate::key::Family;
use crate::limits::MAX_DATAGRAMS;
use crate::why::{What, Why};
use transitproof_wire::Protocol;
use transitproof_wire::app;
use transitproof_wire::esp::wesp;
use transitproof_wire::packet::{Packet, ip_protocol as ip};

pub(super) fn packet(entry: &mut Entry, from: Direction, packet: &Packet<'_>, ctx: &mut Context) {
    match packet.transport {
        _ if entry.key.family() == Family::Link => eapol::follow(entry, from, packet.payload, ctx),
        ip::ESP | ip::AH | wesp::IP_PROTOCOL if !packet.payload.is_empty() => {
            let mut conversation = entry.conversation.take().unwrap_or_default();
            if !matches!(conversation.follower, Follower::Ipsec(_)) {
                conversation.follower = Follower::Ipsec(Box::default());
            }
            if let Follower::Ipsec(ipsec) = &mut conversation.follower {
                ipsec.packet(from, packet, ctx.time);
                if entry.protocol != ipsec.protocol() {
                    entry.protocol = ipsec.protocol();
                    entry.why = Why::new(ipsec.what(), ctx.frame, 0);
                }
                ctx.follow_tunnel(entry, ipsec);
            }
            entry.conversation = Some(conversation);
        }
        ip::ESP | ip::AH | wesp::IP_PROTOCOL => {}
        ip::ICMP | ip::ICMPV6 => entry.phase = Phase::Settled,
        _ => match app::over_ip(packet) {
            // What PPP agrees on is in the clear, and may be that the rest is not.
            Some(Protocol::Ppp) => {
                entry.protocol = Protocol::Ppp;
                entry.why = Why::new(What::Datagram, ctx.frame, 0);
            }
            Some(protocol) => {
                entry.protocol = protocol;
                entry.why = Why::new(What::Datagram, ctx.frame, 0);
                // Hosts tell routers which groups they are in, as they find each other by ICMP.
                if protocol == Protocol::Igmp { entry.phase = Phase::Settled } else { ctx.settle(entry, None) }
            }
            None => unknown(entry, ctx),
        },
    }
}

/// A packet that does not bear out what it is meant to be: a few more are looked at.
fn unknown(entry: &mut Entry, ctx: &mut Context) {
    if entry.packets().iter().sum::<u64>() >= u64::from(MAX_DATAGRAMS) {
        ctx.settle(entry, None);
    }
}
