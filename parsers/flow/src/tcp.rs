//! TCP: connection marks, byte order, and the question what the stream is, asked until it is answered or given up.

use crate::Direction;
use crate::context::Context;
use crate::conversation::{Conversation, Follower};
use crate::entry::{Entry, Phase, mark};
use crate::limits::{MAX_DIALOGUE, MAX_HEAD};
use crate::stream::{Piece, distance, in_order};
use crate::tls::{Progress, TlsStream};
use transitproof_wire::Protocol;
use transitproof_wire::app::{self, Ports, Verdict};
use transitproof_wire::packet::{Packet, tcp_flags};
use transitproof_wire::tls::{Seen, joined_inside, looks_like_tls};

/// Looks at a stream that matches nothing, while one side has not spoken yet.
const MAX_TRIES: u8 = 2;

/// One segment of a known flow. True if its end came nearer, so that its deadline has to be noted anew.
#[inline]
pub fn segment(entry: &mut Entry, from: Direction, packet: &Packet<'_>, ctx: &mut Context) -> bool {
    if packet.flags & (tcp_flags::SYN | tcp_flags::FIN | tcp_flags::RST) == 0 {
        if entry.phase == Phase::Open && packet.payload_length > 0 {
            payload(entry, from, packet.seq, packet, ctx);
        }
        return false;
    }
    control(entry, from, packet, ctx)
}

fn control(entry: &mut Entry, from: Direction, packet: &Packet<'_>, ctx: &mut Context) -> bool {
    let mut seq = packet.seq;
    if packet.flags & tcp_flags::SYN != 0 {
        entry.marks |= mark::SYN;
        seq = seq.wrapping_add(1);
        if !entry.has(mark::SEQ[from as usize]) {
            entry.marks |= mark::SEQ[from as usize];
            entry.next_seq[from as usize] = seq;
        }
    }
    if entry.phase == Phase::Open && packet.payload_length > 0 && packet.flags & tcp_flags::RST == 0 {
        payload(entry, from, seq, packet, ctx);
    }
    let before = entry.closed();
    if packet.flags & tcp_flags::FIN != 0 {
        entry.marks |= mark::FIN[from as usize];
    }
    if packet.flags & tcp_flags::RST != 0 {
        entry.marks |= mark::RST;
    }
    entry.closed() != before
}

/// Payload of an open flow: brings it in order and hands it on.
fn payload(entry: &mut Entry, from: Direction, seq: u32, packet: &Packet<'_>, ctx: &mut Context) {
    let side = from as usize;
    if !entry.has(mark::SEQ[side]) {
        entry.marks |= mark::SEQ[side];
        entry.next_seq[side] = seq;
    }
    let mut conversation = entry.conversation.take().unwrap_or_default();
    if distance(entry.next_seq[side], seq) > 0 {
        if !conversation.held[side].keep(seq, packet.payload_length, packet.payload) {
            ctx.totals.limit("held_segments");
            release(entry, &mut conversation, from, true, ctx);
            deliver_segment(entry, &mut conversation, from, seq, packet, ctx);
        }
    } else {
        deliver_segment(entry, &mut conversation, from, seq, packet, ctx);
        if !conversation.held[side].is_empty() {
            release(entry, &mut conversation, from, false, ctx);
        }
    }
    if entry.phase == Phase::Open {
        entry.conversation = Some(conversation);
    }
}

/// Delivers what is new in a segment that starts at or behind the next byte, or behind a hole that was given up.
fn deliver_segment(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    seq: u32,
    packet: &Packet<'_>,
    ctx: &mut Context,
) {
    let mut next = entry.next_seq[from as usize];
    if distance(next, seq) > 0 {
        deliver(entry, conversation, from, Piece::Gap, ctx);
        next = seq;
    }
    let deliver = &mut |piece: Piece<'_>| deliver(entry, conversation, from, piece, ctx);
    let next = in_order(next, seq, packet.payload_length, packet.payload, deliver);
    entry.next_seq[from as usize] = next;
}

/// Delivers held segments whose turn has come, or all with `force`.
fn release(entry: &mut Entry, conversation: &mut Conversation, from: Direction, force: bool, ctx: &mut Context) {
    let mut held = std::mem::take(&mut conversation.held[from as usize]);
    let next =
        held.release(entry.next_seq[from as usize], force, |piece| deliver(entry, conversation, from, piece, ctx));
    entry.next_seq[from as usize] = next;
    conversation.held[from as usize] = held;
}

/// The flow ends: what was held back behind a hole is looked at after all.
pub fn flush(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    for from in [Direction::Forward, Direction::Reverse] {
        if entry.phase == Phase::Open && !conversation.held[from as usize].is_empty() {
            release(entry, conversation, from, true, ctx);
        }
    }
}

fn deliver(entry: &mut Entry, conversation: &mut Conversation, from: Direction, piece: Piece<'_>, ctx: &mut Context) {
    if entry.phase == Phase::Settled {
        return;
    }
    match (&mut conversation.follower, piece) {
        (Follower::Tls(tls), Piece::Gap) => tls.gap(from),
        (Follower::Tls(tls), Piece::Bytes(bytes)) => {
            let progress = tls.data(from, bytes, ctx.frame, &mut ctx.certificates);
            after_tls(entry, conversation, progress, ctx);
        }
        (Follower::Undecided, Piece::Bytes(bytes)) => undecided(entry, conversation, from, bytes, ctx),
        (Follower::Dialogue, Piece::Bytes(bytes)) => {
            keep(&mut conversation.heads[from as usize], bytes, MAX_DIALOGUE);
            dialogue(entry, conversation, ctx);
        }
        // What comes behind a hole is no head of a stream: decide on what there is.
        (_, Piece::Gap) => conversation.heads[from as usize].clear(),
        _ => {}
    }
}

fn keep(head: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = limit.saturating_sub(head.len());
    head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

fn undecided(entry: &mut Entry, conversation: &mut Conversation, from: Direction, bytes: &[u8], ctx: &mut Context) {
    let side = from as usize;
    if conversation.heads[side].is_empty() && looks_like_tls(bytes) == Seen::Yes {
        return start_tls(entry, conversation, from, bytes, ctx);
    }
    keep(&mut conversation.heads[side], bytes, MAX_HEAD);
    let head = std::mem::take(&mut conversation.heads[side]);
    match looks_like_tls(&head) {
        Seen::Yes => return start_tls(entry, conversation, from, &head, ctx),
        Seen::NeedMore if conversation.heads[1 - side].is_empty() => {
            conversation.heads[side] = head;
            return;
        }
        _ => conversation.heads[side] = head,
    }
    // Picked up in the middle of a record: the next record's header is where it must be.
    if !entry.has(mark::SYN)
        && let Some(at) = joined_inside(&conversation.heads[side])
    {
        let head = std::mem::take(&mut conversation.heads[side]);
        return start_tls(entry, conversation, from, &head[at..], ctx);
    }
    recognise(entry, conversation, ctx);
}

fn recognise(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let ports = ports(entry);
    let [ahead, back] = &conversation.heads;
    let mut verdict = app::stream(ahead, back, ports);
    if !matches!(verdict, Verdict::Is(_)) && !entry.has(mark::SYN) {
        let swapped = app::stream(back, ahead, Ports { client: ports.server, server: ports.client });
        if matches!(swapped, Verdict::Is(_)) {
            conversation.turned = true;
            verdict = swapped;
        }
    }
    match verdict {
        Verdict::Is(protocol) => {
            entry.protocol = protocol;
            if watches(protocol) {
                conversation.follower = Follower::Dialogue;
                dialogue(entry, conversation, ctx);
            } else {
                ctx.settle(entry, Some(conversation));
            }
        }
        Verdict::Undecided if conversation.heads.iter().all(|head| head.len() < MAX_HEAD) => {}
        // While one side is silent, its first words may yet tell.
        Verdict::None if conversation.heads.iter().any(Vec::is_empty) && conversation.tries < MAX_TRIES => {
            conversation.tries += 1;
        }
        _ => ctx.settle(entry, Some(conversation)),
    }
}

/// Ports of initiator and responder.
fn ports(entry: &Entry) -> Ports {
    let initiator_low = entry.has(mark::INITIATOR_LOW);
    Ports { client: entry.key.end(initiator_low).1, server: entry.key.end(!initiator_low).1 }
}

/// Protocols whose clear part may agree on TLS or carry a login.
fn watches(protocol: Protocol) -> bool {
    use Protocol::*;
    matches!(
        protocol,
        Http | Smtp
            | Imap
            | Pop3
            | Ftp
            | Nntp
            | Ldap
            | Mysql
            | Postgresql
            | Xmpp
            | Redis
            | Mqtt
            | Tds
            | Rdp
            | Socks
            | Irc
    )
}

/// A protocol in the clear: has it agreed on TLS, has it shown a login, is it worth listening on?
fn dialogue(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let (client, server) = conversation.client_and_server();
    if let Some((client_at, server_at)) = app::starttls::starttls(entry.protocol, client, server) {
        let first = looks_like_tls(client.get(client_at..).unwrap_or(&[]));
        let second = looks_like_tls(server.get(server_at..).unwrap_or(&[]));
        if first == Seen::Yes || second == Seen::Yes {
            let heads = std::mem::take(&mut conversation.heads);
            conversation.starttls = Some(entry.protocol);
            entry.protocol = Protocol::Tls;
            let mut tls = Box::<TlsStream>::default();
            let mut progress = Progress::More;
            let client = conversation.client();
            for (from, at) in [(client, client_at), (client.other(), server_at)] {
                if let Some(bytes) =
                    heads[from as usize].get(at..).filter(|bytes| !bytes.is_empty() && progress == Progress::More)
                {
                    progress = tls.data(from, bytes, ctx.frame, &mut ctx.certificates);
                }
            }
            conversation.follower = Follower::Tls(tls);
            return after_tls(entry, conversation, progress, ctx);
        }
        if first == Seen::NeedMore || second == Seen::NeedMore {
            return;
        }
    }
    if app::credentials::credentials(entry.protocol, client).is_some() || past_login(entry.protocol, client, server) {
        ctx.settle(entry, Some(conversation));
    }
}

/// The point after which neither an upgrade nor a login can come any more; elsewhere the byte limit decides.
fn past_login(protocol: Protocol, client: &[u8], server: &[u8]) -> bool {
    let full = |head: &[u8]| head.len() >= MAX_DIALOGUE;
    match protocol {
        Protocol::Http if client.starts_with(b"CONNECT ") => server.len() >= MAX_DIALOGUE,
        Protocol::Http => client.is_empty() || memchr::memmem::find(client, b"\r\n\r\n").is_some() || full(client),
        // The login is the first thing that a client says.
        Protocol::Redis | Protocol::Mqtt => client.len() >= 512,
        _ => full(client) || full(server),
    }
}

/// The stream is TLS from here on; what the other side said before is part of it.
fn start_tls(entry: &mut Entry, conversation: &mut Conversation, from: Direction, bytes: &[u8], ctx: &mut Context) {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    const SERVER_HELLO: u8 = 2;
    // Picked up without a SYN, the first packet may have been the server's: the hello knows better.
    let hello = bytes.get(5).filter(|_| bytes[0] == HANDSHAKE);
    conversation.turned = !entry.has(mark::SYN)
        && match from {
            Direction::Forward => hello == Some(&SERVER_HELLO),
            Direction::Reverse => hello == Some(&CLIENT_HELLO),
        };
    entry.protocol = Protocol::Tls;
    let mut tls = Box::<TlsStream>::default();
    let earlier = std::mem::take(&mut conversation.heads[from.other() as usize]);
    let mut progress = Progress::More;
    if looks_like_tls(&earlier) != Seen::No && !earlier.is_empty() {
        progress = tls.data(from.other(), &earlier, ctx.frame, &mut ctx.certificates);
    }
    if progress == Progress::More {
        progress = tls.data(from, bytes, ctx.frame, &mut ctx.certificates);
    }
    conversation.follower = Follower::Tls(tls);
    after_tls(entry, conversation, progress, ctx);
}

fn after_tls(entry: &mut Entry, conversation: &mut Conversation, progress: Progress, ctx: &mut Context) {
    match progress {
        Progress::More => {}
        Progress::Done => ctx.settle(entry, Some(conversation)),
        Progress::Alien => {
            entry.protocol = conversation.starttls.take().unwrap_or(Protocol::Unknown);
            conversation.follower = Follower::Undecided;
            ctx.settle(entry, Some(conversation));
        }
    }
}
