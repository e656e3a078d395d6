//! What a TCP stream is, asked until it is answered or given up: TLS, a proxy's prefix, or a protocol in the clear that
//! may yet agree on TLS or show a login. Behind a prefix the question is asked anew. May not know sequence numbers.

use crate::Direction;
use crate::context::Context;
use crate::conversation::{Conversation, Follower};
use crate::dialogue::{announcing, dialogue, watches};
use crate::entry::{Entry, mark};
use crate::ike::Ends;
use crate::ipsec::Ipsec;
use crate::ipsec_stream;
use crate::joined;
use crate::limits::{MAX_DIALOGUE, MAX_HEAD, MAX_VIA};
use crate::one_sided;
use crate::openvpn::OpenVpnFollower;
use crate::stream::Piece;
use crate::tds::Unwrap;
use crate::tls::{Progress, TlsStream};
use crate::udp::after_ipsec;
use crate::why::{What, Why};
use transitproof_wire::Protocol;
use transitproof_wire::app::proxies::{self, Prefix, Via};
use transitproof_wire::app::{self, Ports, Verdict};
use transitproof_wire::openvpn;
use transitproof_wire::tls::{Seen, joined_inside, looks_like_tls};

/// Looks at a stream that matches nothing, while one side has not spoken yet.
const MAX_TRIES: u8 = 2;

/// Fewer bytes are not asked as they come: TLS's header is as long (RFC 8446 section 5.1).
const RECORD_HEADER: usize = 5;

/// The next bytes of one direction, or the news that some will never come.
pub fn deliver(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    piece: Piece<'_>,
    ctx: &mut Context,
) {
    if !entry.phase.is_heard() {
        return;
    }
    if matches!(piece, Piece::Gap) {
        // What was heard up to here is all that tells.
        one_sided::believe(entry, conversation, ctx);
    }
    match (&mut conversation.follower, piece) {
        (Follower::Tls(tls), Piece::Gap) => {
            tls.gap(from);
            conversation.tds.iter_mut().for_each(|tds| tds[from as usize].lost());
        }
        (Follower::Tls(tls), Piece::Bytes(bytes)) => {
            let progress = read_tls(tls, &mut conversation.tds, from, bytes, ctx);
            after_tls(entry, conversation, progress, ctx);
        }
        (Follower::OpenVpn(_), Piece::Gap) => ctx.settle(entry, Some(conversation)),
        (Follower::OpenVpn(follower), Piece::Bytes(bytes)) => {
            let progress = follower.stream(from, bytes, ctx.frame, &mut ctx.certificates);
            after_tls(entry, conversation, progress, ctx);
        }
        (Follower::Ipsec(ipsec), piece) => {
            let bytes = if let Piece::Bytes(bytes) = piece { Some(bytes) } else { None };
            if ipsec.stream(from, bytes, ends(entry, from), (ctx.frame, ctx.time), &mut ctx.certificates) {
                after_ipsec(entry, conversation, ctx);
            } else {
                ctx.settle(entry, Some(conversation));
            }
        }
        (Follower::DnsStream(_), Piece::Gap) => ctx.settle(entry, Some(conversation)),
        (Follower::DnsStream(stream), Piece::Bytes(bytes)) => {
            stream.bytes(from, bytes, |message| {
                ctx.certificates.configurations.hear(message);
                ctx.dns_message(entry, from, message, false);
            });
        }
        (Follower::Undecided, Piece::Bytes(bytes)) => undecided(entry, conversation, from, bytes, ctx),
        (Follower::Announcing, Piece::Bytes(bytes)) => announcing(entry, conversation, from, bytes, ctx),
        (Follower::Dialogue, Piece::Bytes(bytes)) => {
            ctx.announced.hear(entry, conversation.turned, from == conversation.client(), bytes);
            conversation.heads[from as usize].keep(bytes, MAX_DIALOGUE);
            if entry.protocol == Protocol::Http && from == conversation.client() {
                conversation.frame = ctx.frame;
            }
            dialogue(entry, conversation, from, ctx);
        }
        // What comes behind a hole is no head of a stream: decide on what there is.
        (_, Piece::Gap) => {
            conversation.heads[from as usize].clear();
            conversation.nameless = false;
        }
        _ => {}
    }
}

/// Hands bytes to TLS, out of the packets of TDS where they come in such.
fn read_tls(
    tls: &mut TlsStream,
    tds: &mut Option<Box<[Unwrap; 2]>>,
    from: Direction,
    mut bytes: &[u8],
    ctx: &mut Context,
) -> Progress {
    let Some(tds) = tds else { return tls.data(from, bytes, ctx.frame, &mut ctx.certificates) };
    let mut progress = Progress::More;
    while let Some(inside) = tds[from as usize].next(&mut bytes)
        && progress == Progress::More
    {
        progress = tls.data(from, inside, ctx.frame, &mut ctx.certificates);
    }
    progress
}

fn undecided(entry: &mut Entry, conversation: &mut Conversation, from: Direction, bytes: &[u8], ctx: &mut Context) {
    let side = from as usize;
    // What comes behind a proxy's prefix decides; until something does, the flow is what negotiated it.
    entry.protocol = Protocol::Unknown;
    if conversation.heads[side].is_empty() && looks_like_tls(bytes) == Seen::Yes {
        return start_tls(entry, conversation, from, bytes, ctx);
    }
    conversation.heads[side].keep(bytes, MAX_HEAD);
    match proxy_header(entry, conversation, from) {
        Prefix::Passed(via, length, _) => return step_over(entry, conversation, via, (length, 0), ctx),
        Prefix::NeedMore => return,
        Prefix::None => {}
    }
    if conversation.via.is_empty() && ipsec_stream::may_begin(&conversation.heads[conversation.client() as usize]) {
        return start_ipsec(entry, conversation, ctx);
    }
    let head = std::mem::take(&mut conversation.heads[side]);
    match looks_like_tls(&head) {
        Seen::Yes => return start_tls(entry, conversation, from, &head, ctx),
        Seen::NeedMore if conversation.heads[1 - side].is_empty() => {
            conversation.heads[side] = head;
            return;
        }
        _ => conversation.heads[side] = head,
    }
    if !entry.has(mark::SYN) {
        match openvpn::joined(&conversation.heads[side]) {
            Seen::Yes => {
                entry.protocol = Protocol::OpenVpn;
                entry.why = Why::new(What::FirstBytes, ctx.frame, 0);
                return ctx.settle(entry, Some(conversation));
            }
            Seen::NeedMore => return,
            Seen::No => {}
        }
    }
    // Picked up in the middle of a record: the next record's header is where it must be.
    if !entry.has(mark::SYN)
        && conversation.tries <= MAX_TRIES
        && let Some(at) = joined_inside(&conversation.heads[side])
    {
        let head = std::mem::take(&mut conversation.heads[side]);
        start_tls(entry, conversation, from, &head[at..], ctx);
        entry.why = Why::new(What::TlsRecord, ctx.frame, at);
        return;
    }
    recognise(entry, conversation, ctx);
}

/// IKE over TCP, once its prefix is whole.
fn start_ipsec(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let heads = std::mem::take(&mut conversation.heads);
    let client = conversation.client();
    if heads[client as usize].len() < ipsec_stream::PREFIX.len() {
        conversation.heads = heads;
        return;
    }
    entry.protocol = Protocol::Ike;
    entry.why = Why::new(What::FirstBytes, ctx.frame, 0);
    conversation.follower = Follower::Ipsec(Box::new(Ipsec::over_tcp()));
    for from in [client, client.other()].into_iter().filter(|from| !heads[*from as usize].is_empty()) {
        deliver(entry, conversation, from, Piece::Bytes(&heads[from as usize]), ctx);
    }
}

/// Where bytes of this direction come from and go to.
fn ends(entry: &Entry, from: Direction) -> Ends {
    let low = entry.has(mark::INITIATOR_LOW) == (from == Direction::Forward);
    Ends { v6: entry.key.v6(), src: entry.key.end(low), dst: entry.key.end(!low) }
}

/// A PROXY header is the first thing that a client says.
fn proxy_header(entry: &Entry, conversation: &mut Conversation, from: Direction) -> Prefix {
    let joined = !entry.has(mark::SYN) && conversation.via.is_empty();
    if conversation.via.len() >= MAX_VIA || from != conversation.client() && !joined {
        return Prefix::None;
    }
    let prefix = proxies::proxy_header(&conversation.heads[from as usize]);
    if matches!(prefix, Prefix::Passed(..)) {
        conversation.turned = from == Direction::Reverse;
    }
    prefix
}

/// A proxy's prefix is over: what either side has said behind it is looked at as if the connection began there.
pub fn step_over(
    entry: &mut Entry,
    conversation: &mut Conversation,
    via: Via,
    (client_at, server_at): (usize, usize),
    ctx: &mut Context,
) {
    conversation.via.push(via);
    conversation.follower = Follower::Undecided;
    (conversation.tries, conversation.nameless) = (0, false);
    let heads = std::mem::take(&mut conversation.heads);
    let client = conversation.client();
    for (from, at) in [(client, client_at), (client.other(), server_at)] {
        if let Some(bytes) = heads[from as usize].get(at..).filter(|bytes| !bytes.is_empty()) {
            deliver(entry, conversation, from, Piece::Bytes(bytes), ctx);
        }
    }
}

/// Nothing more comes of a stream whose few bytes might have begun a record: they are asked what else they are.
pub fn over(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let said = conversation.heads.iter().map(|head| head.len()).sum::<usize>();
    if matches!(conversation.follower, Follower::Undecided) && (1..RECORD_HEADER).contains(&said) {
        recognise(entry, conversation, ctx);
    }
}

fn recognise(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let joined = joined::is_joined(entry, conversation);
    let verdict = if conversation.nameless { Verdict::None } else { first_bytes(entry, conversation, joined) };
    let known = is_named(verdict) || !conversation.via.is_empty();
    if let Some(protocol) = ctx.announced.of(entry).filter(|_| !known) {
        entry.protocol = protocol;
        entry.why = Why::new(What::Announced, ctx.frame, 0);
        return ctx.settle(entry, Some(conversation));
    }
    let waits = match verdict {
        Verdict::Is(_) => false,
        Verdict::Undecided => conversation.heads.iter().all(|head| head.len() < MAX_HEAD),
        // While one side is silent, its first words may yet tell.
        Verdict::None => conversation.heads.iter().any(|head| head.is_empty()) && conversation.tries < MAX_TRIES,
    };
    if !is_named(verdict)
        && (joined || verdict != Verdict::Is(Protocol::Text) && !waits)
        && let Some(protocol) = joined::protocol(entry, conversation)
    {
        claim(entry, conversation, protocol, What::MessageRun, ctx);
    } else if let Verdict::Is(protocol) = verdict {
        claim(entry, conversation, protocol, What::FirstBytes, ctx);
    } else if !waits && !joined::may_tell(entry, conversation) {
        ctx.settle(entry, Some(conversation));
    } else if verdict == Verdict::None {
        conversation.tries = conversation.tries.saturating_add(1);
    }
}

/// What the table of first bytes says. Of a stream that was joined, who is the client is not known either.
fn first_bytes(entry: &Entry, conversation: &mut Conversation, joined: bool) -> Verdict {
    let ports = ports(entry, conversation);
    let (client, server) = conversation.client_and_server();
    let verdict = app::stream(client, server, ports);
    if !joined {
        return verdict;
    }
    let swapped = app::stream(server, client, Ports { client: ports.server, server: ports.client });
    let turns = match (verdict, swapped) {
        // What both sides write alike does not tell them apart: the port does.
        (Verdict::Is(protocol), other) if verdict == other => {
            app::is_registered(protocol, ports.client) && !app::is_registered(protocol, ports.server)
        }
        _ => !is_named(verdict) && is_named(swapped),
    };
    conversation.nameless = (verdict, swapped) == (Verdict::None, Verdict::None) && has_both(conversation);
    conversation.turned ^= turns;
    if turns { swapped } else { verdict }
}

fn has_both(conversation: &Conversation) -> bool {
    conversation.heads.iter().all(|head| !head.is_empty())
}

/// The stream is this: what reads on takes over, or all is known.
pub fn claim(entry: &mut Entry, conversation: &mut Conversation, protocol: Protocol, what: What, ctx: &mut Context) {
    entry.protocol = protocol;
    entry.why = Why::new(what, ctx.frame, 0);
    conversation.frame = ctx.frame;
    let follower = match protocol {
        Protocol::OpenVpn => Follower::OpenVpn(Box::new(OpenVpnFollower::new())),
        Protocol::Dns => Follower::DnsStream(Box::default()),
        _ if watches(protocol) => {
            for from in [Direction::Forward, Direction::Reverse] {
                let head = &conversation.heads[from as usize];
                ctx.announced.hear(entry, conversation.turned, from == conversation.client(), head);
            }
            conversation.follower = Follower::Dialogue;
            return dialogue(entry, conversation, conversation.client(), ctx);
        }
        _ => return ctx.settle(entry, Some(conversation)),
    };
    conversation.follower = follower;
    let heads = std::mem::take(&mut conversation.heads);
    deliver(entry, conversation, Direction::Forward, Piece::Bytes(&heads[0]), ctx);
    deliver(entry, conversation, Direction::Reverse, Piece::Bytes(&heads[1]), ctx);
}

/// Whether bytes have a name of their own, which text alone has not.
fn is_named(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Is(protocol) if protocol != Protocol::Text)
}

/// Ports of client and server.
pub fn ports(entry: &Entry, conversation: &Conversation) -> Ports {
    let client_low = entry.has(mark::INITIATOR_LOW) != conversation.turned;
    Ports { client: entry.key.end(client_low).1, server: entry.key.end(!client_low).1 }
}

/// TLS begins behind the clear part.
pub fn upgrade(
    entry: &mut Entry,
    conversation: &mut Conversation,
    (client_at, server_at): (usize, usize),
    ctx: &mut Context,
) {
    let heads = std::mem::take(&mut conversation.heads);
    conversation.starttls = Some(entry.protocol);
    conversation.tds = (entry.protocol == Protocol::Tds).then(Default::default);
    entry.protocol = Protocol::Tls;
    let mut tls = Box::<TlsStream>::default();
    let mut progress = Progress::More;
    let client = conversation.client();
    let first = heads[client as usize].get(client_at..).filter(|bytes| !bytes.is_empty());
    let first = first.or(heads[client.other() as usize].get(server_at..)).unwrap_or_default();
    entry.why = Why::new(hello_in(first), ctx.frame, 0);
    for (from, at) in [(client, client_at), (client.other(), server_at)] {
        if let Some(bytes) =
            heads[from as usize].get(at..).filter(|bytes| !bytes.is_empty() && progress == Progress::More)
        {
            progress = read_tls(&mut tls, &mut conversation.tds, from, bytes, ctx);
        }
    }
    conversation.follower = Follower::Tls(tls);
    after_tls(entry, conversation, progress, ctx);
}

/// The stream is TLS from here on; what the other side said before is part of it.
fn start_tls(entry: &mut Entry, conversation: &mut Conversation, from: Direction, bytes: &[u8], ctx: &mut Context) {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    const SERVER_HELLO: u8 = 2;
    // Picked up without a SYN, the first packet may have been the server's: the hello knows better.
    let hello = bytes.get(5).filter(|_| bytes[0] == HANDSHAKE);
    if conversation.via.is_empty() {
        conversation.turned = !entry.has(mark::SYN)
            && match from {
                Direction::Forward => hello == Some(&SERVER_HELLO),
                Direction::Reverse => hello == Some(&CLIENT_HELLO),
            };
    }
    entry.protocol = Protocol::Tls;
    entry.why = Why::new(hello_in(bytes), ctx.frame, 0);
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

/// What the first record holds; SSL 2.0's ClientHello has a header of its own.
fn hello_in(bytes: &[u8]) -> What {
    match (bytes.first(), bytes.get(5)) {
        (Some(22), Some(1)) | (Some(0x80..), _) => What::ClientHello,
        (Some(22), Some(2)) => What::ServerHello,
        _ => What::TlsRecord,
    }
}

fn after_tls(entry: &mut Entry, conversation: &mut Conversation, progress: Progress, ctx: &mut Context) {
    match progress {
        Progress::More => {}
        Progress::Done => ctx.settle(entry, Some(conversation)),
        Progress::Alien => {
            entry.protocol = conversation.starttls.take().unwrap_or(Protocol::Unknown);
            entry.why = Why::new(What::FirstBytes, conversation.frame, 0);
            conversation.follower = Follower::Undecided;
            ctx.settle(entry, Some(conversation));
        }
    }
}
