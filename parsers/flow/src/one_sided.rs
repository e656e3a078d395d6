//! TLS behind a clear part of which only one side's words were captured: a request for it with a hello right behind, or a grant.
//!
//! Believed when nothing more is to come of the dialogue, or bytes of it are missing: until then the other side may only be late. May not know sequence numbers.

use crate::Direction;
use crate::context::Context;
use crate::conversation::{Conversation, Follower};
use crate::entry::{Entry, Phase};
use crate::limits::{MAX_DIALOGUE, MAX_VIA};
use crate::opening::{step_over, upgrade};
use transitproof_wire::Protocol;
use transitproof_wire::app::proxies::Via;
use transitproof_wire::app::{self, one_sided};
use transitproof_wire::tls::{Seen, joined_inside, looks_like_hello, looks_like_tls};

/// Where TLS begins in either head.
struct Begins {
    via: Option<Via>,
    client_at: usize,
    server_at: usize,
}

/// Notes the frame in which such a hello first stands.
pub fn note(entry: &Entry, conversation: &mut Conversation, spoke: Direction, frame: u64) {
    // A hello has these two bytes in front; most words of a dialogue have not.
    let said = memchr::memmem::find(&conversation.heads[spoke as usize], b"\x16\x03").is_some();
    if said && conversation.alone.is_none() && begins(entry.protocol, conversation).is_some() {
        conversation.alone = Some(frame);
    }
}

/// Reads the heads as TLS if one side's words tell that it is; true if they did.
pub fn believe(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) -> bool {
    let Some(frame) = conversation.alone.take() else { return false };
    if entry.phase != Phase::Open || !matches!(conversation.follower, Follower::Dialogue) {
        return false;
    }
    let Some(Begins { via, client_at, server_at }) = begins(entry.protocol, conversation) else { return false };
    let full = conversation.heads.each_ref().map(|head| head.len() >= MAX_DIALOGUE);
    let here = std::mem::replace(&mut ctx.frame, frame);
    match via {
        Some(via) => step_over(entry, conversation, via, (client_at, server_at), ctx),
        None => upgrade(entry, conversation, (client_at, server_at), ctx),
    }
    ctx.frame = here;
    // What did not fit into the heads is lost.
    if let Follower::Tls(tls) = &mut conversation.follower {
        for from in [Direction::Forward, Direction::Reverse].into_iter().filter(|from| full[*from as usize]) {
            tls.gap(from);
        }
    }
    true
}

fn begins(protocol: Protocol, conversation: &Conversation) -> Option<Begins> {
    let (client, server) = conversation.client_and_server();
    let of = |head, from_client| match protocol {
        Protocol::Http | Protocol::Socks if conversation.via.len() >= MAX_VIA => None,
        Protocol::Http | Protocol::Socks => {
            one_sided::proxy(protocol, head, from_client).map(|(via, at)| (Some(via), at))
        }
        // Behind a hole, the request may be what was lost.
        _ if app::may_upgrade(protocol) && looks_like_hello(head, from_client) => Some((None, 0)),
        _ => one_sided::starttls(protocol, head, from_client).map(|at| (None, at)),
    };
    let other = |head: &[u8], from_client| match joined(head) {
        None if one_sided::ends_clear_part(protocol, head, from_client) => Some(head.len()),
        joined => joined,
    };
    let (via, client_at, server_at) = match (of(client, true), of(server, false)) {
        (Some((via, client_at)), Some((_, server_at))) => (via, client_at, server_at),
        (Some((via, client_at)), None) => (via, client_at, other(server, false)?),
        (None, Some((via, server_at))) => (via, other(client, true)?, server_at),
        (None, None) => return None,
    };
    Some(Begins { via, client_at, server_at })
}

/// Where TLS begins in what was heard of the other side: nothing, or records behind a hole. Words in the clear contradict it, unless
/// they are those that TLS follows.
fn joined(head: &[u8]) -> Option<usize> {
    if head.is_empty() || looks_like_tls(head) == Seen::Yes { Some(0) } else { joined_inside(head) }
}
