//! Datagrams: each is looked at by itself until one says what the flow is; then DTLS, QUIC, IKE, ESP and DNS are followed.

use crate::Direction;
use crate::clear::Clear;
use crate::context::Context;
use crate::conversation::{Conversation, Follower};
use crate::dns::pending;
use crate::eap::RadiusFollower;
use crate::entry::{EndReason, Entry, Phase, mark};
use crate::ipsec::{self, Ipsec};
use crate::limits::MAX_DATAGRAMS;
use crate::openvpn::OpenVpnFollower;
use crate::quic::QuicFollower;
use crate::tls::{DtlsFollower, Progress};
use crate::why::{What, Why};
use transitproof_wire::app::announced::{announces, keeps_word};
use transitproof_wire::app::{self, Ports, Verdict};
use transitproof_wire::packet::Packet;
use transitproof_wire::{Protocol, dtls, esp, quic};

/// One datagram of an open flow. Some reason if the flow ends with it.
pub fn datagram(entry: &mut Entry, from: Direction, packet: &Packet<'_>, ctx: &mut Context) -> Option<EndReason> {
    if entry.protocol == Protocol::Dns {
        return dns_message(entry, from, packet.payload, ctx);
    }
    let mut conversation = entry.conversation.take().unwrap_or_default();
    let end = match &mut conversation.follower {
        Follower::Ipsec(ipsec) => {
            ipsec.datagram(from, packet, (ctx.frame, ctx.time), &mut ctx.certificates);
            after_ipsec(entry, &mut conversation, ctx);
            None
        }
        Follower::Dtls(follower) => {
            let progress = follower.datagram(from, packet.payload, ctx.frame, &mut ctx.certificates);
            conversation.turned = follower.client() == Some(Direction::Reverse);
            after_dtls(entry, &mut conversation, progress, ctx);
            None
        }
        Follower::Quic(quic) if quic.is_doubted() && quic::looks_like_quic(packet.payload).is_none() => {
            // Anything that this datagram is by itself, or with those around it, has the flow.
            let doubted = std::mem::take(&mut conversation.follower);
            let end = first_look(entry, &mut conversation, from, packet, ctx);
            let tells_nothing =
                entry.protocol == Protocol::Unknown && matches!(conversation.follower, Follower::Undecided);
            if tells_nothing && entry.phase == Phase::Open {
                conversation.follower = doubted;
            }
            end
        }
        Follower::Quic(_) => {
            quic_datagram(entry, &mut conversation, from, packet.payload, ctx);
            None
        }
        Follower::OpenVpn(follower) => {
            if follower.packet(from, packet.payload, ctx.frame, &mut ctx.certificates) != Progress::More {
                ctx.settle(entry, Some(&conversation));
            }
            None
        }
        Follower::Radius(follower) => {
            if follower.datagram(from, packet.payload, ctx.frame, &mut ctx.certificates) != Progress::More {
                ctx.settle(entry, Some(&conversation));
            }
            None
        }
        Follower::Announcing => {
            ctx.announced.hear(entry, conversation.turned, from == conversation.client(), packet.payload);
            None
        }
        Follower::Dialogue => {
            listen(entry, &mut conversation, from, packet.payload, ctx);
            None
        }
        _ => first_look(entry, &mut conversation, from, packet, ctx),
    };
    let idle = matches!(conversation.follower, Follower::Undecided) && conversation.tries == 0;
    if entry.phase.is_heard() && !idle {
        entry.conversation = Some(conversation);
    }
    end
}

fn first_look(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    packet: &Packet<'_>,
    ctx: &mut Context,
) -> Option<EndReason> {
    let payload = packet.payload;
    if payload.is_empty() || esp::is_nat_keepalive(payload) {
        return None;
    }
    if let Some(header) = quic::looks_like_quic(payload) {
        let whole = payload.len() >= packet.payload_length as usize && packet.fragment.is_none();
        conversation.follower = Follower::Quic(Box::new(QuicFollower::new(header.version, whole)));
        if header.protocol() == Protocol::Quic {
            quic_datagram(entry, conversation, from, payload, ctx);
        } else {
            (entry.protocol, entry.why) = (header.protocol(), Why::new(What::QuicHeader, ctx.frame, 0));
            ctx.settle(entry, Some(conversation));
        }
    } else if dtls::looks_like_dtls(payload) {
        // Section 5.2 of RFC 9289.
        conversation.starttls = Some(entry.protocol).filter(|asked| matches!(asked, Protocol::Nfs | Protocol::Rpc));
        start_dtls(entry, conversation, from, payload, ctx);
    } else if ipsec::is_ike(payload) || ipsec::may_be_cut_ike(payload, (packet.src_port, packet.dst_port)) {
        start_ipsec(entry, conversation, from, packet, ctx);
    } else {
        return application(entry, conversation, from, packet, ctx);
    }
    None
}

fn start_dtls(entry: &mut Entry, conversation: &mut Conversation, from: Direction, payload: &[u8], ctx: &mut Context) {
    entry.protocol = Protocol::Dtls;
    entry.why = Why::new(What::DtlsRecord, ctx.frame, 0);
    let mut follower = Box::<DtlsFollower>::default();
    let progress = follower.datagram(from, payload, ctx.frame, &mut ctx.certificates);
    conversation.turned = follower.client() == Some(Direction::Reverse);
    conversation.follower = Follower::Dtls(follower);
    after_dtls(entry, conversation, progress, ctx);
}

fn start_ipsec(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    packet: &Packet<'_>,
    ctx: &mut Context,
) {
    let mut ipsec = Box::<Ipsec>::default();
    ipsec.datagram(from, packet, (ctx.frame, ctx.time), &mut ctx.certificates);
    if !ctx.admits_attempt(&mut ipsec) {
        // A flow that is counted, and nothing more.
        (entry.protocol, entry.phase) = (ipsec.protocol(), Phase::Settled);
        return;
    }
    conversation.follower = Follower::Ipsec(ipsec);
    after_ipsec(entry, conversation, ctx);
}

/// Something of a flow with IKE, ESP or AH was read.
pub fn after_ipsec(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let Follower::Ipsec(ipsec) = &mut conversation.follower else { return };
    if entry.protocol != ipsec.protocol() {
        entry.protocol = ipsec.protocol();
        entry.why = Why::new(ipsec.what(), ctx.frame, 0);
    }
    ctx.follow_tunnel(entry, ipsec);
    if ipsec.has_news_to_judge() {
        ctx.observe(entry, Some(conversation));
        if let Follower::Ipsec(ipsec) = &mut conversation.follower {
            ipsec.counted = ipsec.ike.as_ref().map_or(0, |ike| ike.negotiations());
        }
    }
}

fn quic_datagram(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    payload: &[u8],
    ctx: &mut Context,
) {
    let Follower::Quic(follower) = &mut conversation.follower else { return };
    let progress = follower.datagram(from, payload, ctx.frame, &mut ctx.certificates);
    conversation.turned = follower.client() == Some(Direction::Reverse);
    if entry.protocol != Protocol::Quic && !follower.is_doubted() {
        (entry.protocol, entry.why) = (Protocol::Quic, Why::new(What::QuicHeader, ctx.frame, 0));
    }
    if progress != Progress::More {
        ctx.settle(entry, Some(conversation));
    }
}

fn after_dtls(entry: &mut Entry, conversation: &mut Conversation, progress: Progress, ctx: &mut Context) {
    match progress {
        Progress::More => {}
        Progress::Done => ctx.settle(entry, Some(conversation)),
        Progress::Alien => {
            entry.protocol = Protocol::Unknown;
            conversation.follower = Follower::Undecided;
            ctx.settle(entry, Some(conversation));
        }
    }
}

fn application(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    packet: &Packet<'_>,
    ctx: &mut Context,
) -> Option<EndReason> {
    let payload = packet.payload;
    let initiator_low = entry.has(mark::INITIATOR_LOW);
    let ports = Ports { client: entry.key.end(initiator_low).1, server: entry.key.end(!initiator_low).1 };
    let verdict = app::datagram(payload, from == Direction::Forward, ports);
    if matches!(verdict, Verdict::Is(_)) {
        entry.why = Why::new(What::Datagram, ctx.frame, 0);
    }
    match verdict {
        Verdict::Is(Protocol::Dns) => {
            entry.protocol = Protocol::Dns;
            // An answer first: the one who gave it is the server.
            if from == Direction::Forward && app::dns::is_response(payload) {
                entry.turn();
                return dns_message(entry, from.other(), payload, ctx);
            }
            return dns_message(entry, from, payload, ctx);
        }
        // Peers find each other by STUN before they speak DTLS: the next datagrams may say more.
        Verdict::Is(Protocol::Stun) if conversation.tries < MAX_DATAGRAMS => {
            entry.protocol = Protocol::Stun;
            conversation.tries += 1;
        }
        Verdict::Is(Protocol::Snmp) if app::is_snmp_discovery(payload) && conversation.tries < MAX_DATAGRAMS => {
            entry.protocol = Protocol::Snmp;
            conversation.tries += 1;
        }
        // TLS may be asked for by a call that does nothing (RFC 9289 section 4.1); how the others are protected, each of them shows.
        Verdict::Is(protocol @ (Protocol::Nfs | Protocol::Rpc))
            if app::rpc_tells_nothing(payload) && conversation.tries < MAX_DATAGRAMS =>
        {
            // Of a reply the program is not known.
            if entry.protocol != Protocol::Nfs {
                entry.protocol = protocol;
            }
            conversation.tries += 1;
        }
        Verdict::Is(Protocol::OpenVpn) => {
            entry.protocol = Protocol::OpenVpn;
            let mut follower = Box::new(OpenVpnFollower::new());
            let progress = follower.packet(from, payload, ctx.frame, &mut ctx.certificates);
            conversation.follower = Follower::OpenVpn(follower);
            if progress != Progress::More {
                ctx.settle(entry, Some(conversation));
            }
        }
        Verdict::Is(Protocol::Radius) if RadiusFollower::is_eap(payload) => {
            entry.protocol = Protocol::Radius;
            let mut follower = Box::<RadiusFollower>::default();
            follower.datagram(from, payload, ctx.frame, &mut ctx.certificates);
            conversation.follower = Follower::Radius(follower);
        }
        Verdict::Is(protocol) => {
            entry.protocol = protocol;
            conversation.follower = Follower::Dialogue;
            listen(entry, conversation, from, payload, ctx);
        }
        _ => {
            // Peers that found each other by STUN keep its name.
            let announced = ctx.announced.of(entry).filter(|protocol| keeps_word(*protocol, payload));
            match announced.filter(|_| entry.protocol == Protocol::Unknown) {
                Some(protocol) => {
                    entry.protocol = protocol;
                    entry.why = Why::new(What::Announced, ctx.frame, 0);
                    ctx.settle(entry, Some(conversation));
                }
                None => numbered(entry, conversation, from, packet, ctx),
            }
        }
    }
    None
}

/// A datagram that no row claims: one of a run, ESP, or one more in vain.
fn numbered(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    packet: &Packet<'_>,
    ctx: &mut Context,
) {
    // A flow on which peers found each other keeps STUN's name, also where its reports show that SRTP follows.
    let keeps = |protocol: &Protocol| entry.protocol == Protocol::Stun && *protocol == Protocol::Srtp;
    let found = conversation.hears_serial(from, packet.payload).filter(|found| !keeps(found));
    if found == Some(Protocol::Dtls) {
        start_dtls(entry, conversation, from, packet.payload, ctx);
    } else if let Some(protocol) = found {
        entry.protocol = protocol;
        entry.why = Why::new(if protocol == Protocol::Rtp { What::RtpRun } else { What::NumberRun }, ctx.frame, 0);
        ctx.settle(entry, Some(conversation));
    } else if ipsec::may_be_esp(packet) {
        start_ipsec(entry, conversation, from, packet, ctx);
    } else {
        conversation.tries += 1;
        if conversation.tries >= MAX_DATAGRAMS {
            ctx.settle(entry, Some(conversation));
        }
    }
}

/// A message of a protocol in the clear: the first that shows a login ends the listening, else a few are heard where a login
/// comes only after a refusal (RFC 3261 section 22.2, RFC 4120 section 3.1.3).
fn listen(entry: &mut Entry, conversation: &mut Conversation, from: Direction, payload: &[u8], ctx: &mut Context) {
    let (client, server) = if from == Direction::Forward { (payload, &[][..]) } else { (&[][..], payload) };
    ctx.announced.hear(entry, conversation.turned, from == conversation.client(), payload);
    let clear = Clear::of(entry.protocol, client, server, ctx.hash_key.as_ref());
    conversation.tries = conversation.tries.saturating_add(1);
    let asks_again = matches!(entry.protocol, Protocol::Sip | Protocol::Kerberos) && conversation.tries < MAX_DATAGRAMS;
    let login = clear.as_ref().is_some_and(|clear| clear.has_login());
    conversation.clear = clear;
    if login || conversation.frame == 0 {
        conversation.frame = ctx.frame;
    }
    if login || !asks_again {
        ctx.settle(entry, Some(conversation));
        if announces(entry.protocol) {
            conversation.only_announces();
            entry.phase = Phase::Listening;
        }
    }
}

/// DNS over UDP: the flow ends when every query has its answer.
fn dns_message(entry: &mut Entry, from: Direction, payload: &[u8], ctx: &mut Context) -> Option<EndReason> {
    let header = app::dns::header(payload).ok()?;
    let mut conversation = entry.conversation.take();
    let overflow = match conversation.as_deref_mut() {
        Some(Conversation { follower: Follower::Dns(ids), .. }) => Some(ids),
        _ => None,
    };
    if header.is_response() {
        let done = pending::answered(&mut entry.next_seq, overflow, header.id);
        entry.conversation = conversation;
        ctx.certificates.configurations.hear(payload);
        // An answer to what nothing is remembered of tells nothing: half of all messages.
        if entry.has(mark::AWAITED) || entry.packets()[from.other() as usize] == 0 {
            ctx.dns_message(entry, from, payload, done);
        }
        return done.then_some(EndReason::Answered);
    }
    if ctx.dns_message(entry, from, payload, false) {
        entry.marks |= mark::AWAITED;
    }
    if !pending::asked(&mut entry.next_seq, overflow, header.id) {
        let spill = conversation.get_or_insert_default();
        match &mut spill.follower {
            Follower::Dns(_) => ctx.totals.limit("dns_pending"),
            other => *other = Follower::Dns(vec![header.id]),
        }
    }
    entry.conversation = conversation;
    None
}
