//! TCP: connection marks and byte order. What the bytes are is asked in [`crate::opening`].

use crate::Direction;
use crate::context::Context;
use crate::conversation::Conversation;
use crate::entry::{Entry, Phase, mark};
use crate::later;
use crate::opening::deliver;
use crate::stream::{Piece, distance, in_order};
use transitproof_wire::packet::{Packet, tcp_flags};

/// One segment of a known flow. True if its end came nearer, so that its deadline has to be noted anew.
#[inline]
pub fn segment(entry: &mut Entry, from: Direction, packet: &Packet<'_>, ctx: &mut Context) -> bool {
    if packet.flags & (tcp_flags::SYN | tcp_flags::FIN | tcp_flags::RST) == 0 {
        data(entry, from, packet.seq, packet, ctx);
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
    if packet.flags & tcp_flags::RST == 0 {
        data(entry, from, seq, packet, ctx);
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

/// What a segment carries goes to whoever still wants to hear it.
#[inline]
fn data(entry: &mut Entry, from: Direction, seq: u32, packet: &Packet<'_>, ctx: &mut Context) {
    if packet.payload_length == 0 {
        return;
    }
    if entry.phase.is_heard() {
        payload(entry, from, seq, packet, ctx);
    } else if entry.phase == Phase::Served {
        later::segment(entry, from, seq, packet, ctx);
    }
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
    if entry.phase.is_heard() {
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
        if entry.phase.is_heard() && !conversation.held[from as usize].is_empty() {
            release(entry, conversation, from, true, ctx);
        }
    }
}
