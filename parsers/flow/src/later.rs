//! Logins in later requests of an HTTP connection that has already served something.
//!
//! Nothing else is still to be learnt of such a flow, so its segments are not put in order. A request begins what a client says behind an
//! answer (RFC 9112 section 9.3): of what it sends, that segment is looked at, and those in which the head or the form behind it goes on.
//! The box in which it is kept for these is there for no longer. Requests that do not wait for the answer before are seen where each ends
//! with its segment, or they share one; not behind content that takes several.

use crate::Direction;
use crate::clear::Clear;
use crate::context::Context;
use crate::conversation::Conversation;
use crate::core::Frame;
use crate::entry::{Entry, Phase, mark};
use crate::limits::{MAX_DIALOGUE, MAX_LATER_SEGMENTS};
use crate::looked::{Kind, Looked};
use crate::stream::distance;
use transitproof_wire::Protocol;
use transitproof_wire::app::credentials::Requests;
use transitproof_wire::app::http;
use transitproof_wire::packet::{Packet, plain, tcp_flags};

/// Headers of IPv6 and TCP with all options: a longer packet has data in it. Of shorter ones a sender marks its last words with PSH
/// (RFC 9293 section 3.9.1.2).
const LARGEST_HEADERS: u32 = 40 + 60;

/// One more packet of a connection that waits for a request, in which none begins or goes on.
#[inline]
pub fn passes(entry: &mut Entry, looked: &Looked) -> bool {
    if entry.phase != Phase::Served || entry.is_empty() {
        return false;
    }
    let has_data = may_have_data(looked.flags, looked.ip_length);
    if entry.direction(looked.low) == Direction::Reverse {
        answer(entry, has_data);
        return true;
    }
    !has_data || !entry.has(mark::ANSWERED) && entry.conversation.is_none()
}

#[inline]
fn may_have_data(flags: u8, ip_length: u32) -> bool {
    flags & tcp_flags::PSH != 0 || ip_length > LARGEST_HEADERS
}

#[inline]
fn answer(entry: &mut Entry, has_data: bool) {
    if has_data {
        entry.marks |= mark::ANSWERED;
    }
}

/// Whether a dialogue that is over may show a login later.
pub fn may_follow(entry: &Entry, conversation: &Conversation) -> bool {
    let login = conversation.clear.as_ref().is_some_and(|clear| clear.has_login());
    entry.protocol == Protocol::Http && !login && !http::is_version_2(conversation.client_and_server().0)
}

/// The order of the streams is of no interest any more.
pub fn expect(entry: &mut Entry) {
    entry.phase = Phase::Served;
    entry.marks = entry.marks & !mark::COUNTS | mark::ANSWERED;
}

/// One more packet of such a connection that does not pass. Whatever else is asked of packets, these need none of it.
#[inline(never)]
pub fn packet(entry: &mut Entry, frame: &Frame<'_>, looked: &Looked, ctx: &mut Context) -> bool {
    if entry.is_empty() || looked.kind != Kind::Plain {
        return false;
    }
    let Some(packet) = plain(frame.link, frame.bytes) else { return false };
    let from = entry.count(looked.low, frame.time, looked.ip_length);
    if packet.payload_length > 0 {
        segment(entry, from, packet.seq, &packet, ctx);
    }
    true
}

/// A segment with data in it.
pub fn segment(entry: &mut Entry, from: Direction, seq: u32, packet: &Packet<'_>, ctx: &mut Context) {
    // It must not matter whether [`passes`] was asked of this packet: that depends on what was looked at together.
    if !may_have_data(packet.flags, packet.ip_length) {
        return;
    }
    if from == Direction::Reverse {
        return answer(entry, true);
    }
    if !entry.has(mark::COUNTS) {
        entry.marks |= mark::COUNTS;
        entry.next_seq = [0; 2];
    }
    entry.marks &= !mark::ANSWERED;
    // Where what is kept goes on, and how many were looked at.
    let [next, looked_at] = &mut entry.next_seq;
    let ahead = distance(*next, seq);
    *looked_at += 1;
    if *looked_at > MAX_LATER_SEGMENTS {
        (entry.phase, entry.conversation) = (Phase::Settled, None);
        return;
    }
    // Sent again, or what is kept goes on; behind a hole it is lost.
    if entry.conversation.is_some() && ahead < 0 {
        return;
    }
    let mut kept = entry.conversation.take().filter(|_| ahead == 0);
    if let Some(kept) = &mut kept {
        kept.heads[0].keep(packet.payload, MAX_DIALOGUE);
    }
    let request = kept.as_ref().map_or(packet.payload, |kept| &kept.heads[0]);
    if kept.is_none() && !http::is_request(request) {
        return;
    }
    let whole = packet.payload.len() == packet.payload_length as usize;
    let Requests { login, goes_on, ended } = Requests::read(request);
    if let Some(login) = login {
        let login = Clear::of_login(login, ctx.hash_key.as_ref());
        ctx.add_login(entry, &login);
        entry.phase = Phase::Settled;
    } else if goes_on && whole && request.len() < MAX_DIALOGUE {
        let begun = || {
            let mut begun = Box::<Conversation>::default();
            begun.heads[0].keep(packet.payload, MAX_DIALOGUE);
            begun
        };
        entry.conversation = Some(kept.unwrap_or_else(begun));
        entry.next_seq[0] = seq.wrapping_add(packet.payload_length);
    } else if ended && whole {
        // The next one may not wait for the answer (RFC 9112 section 9.3.2).
        entry.marks |= mark::ANSWERED;
    }
}
