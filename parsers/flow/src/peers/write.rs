//! The record of a tunnel: two peers, what they agreed on, and what went through.

use super::side::IkeSide;
use super::{Pair, Tunnel};
use crate::endpoint::write_address;
use crate::esp::EspSummary;
use crate::json;
use crate::key::Family;
use crate::time::Clock;

/// `within`: the member that says what the tunnel itself was unwrapped from, or nothing.
pub fn record(pair: &Pair, tunnel: &Tunnel, within: &[u8], clock: &mut Clock, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"tunnel\",\"start\":");
    clock.quoted(out, tunnel.start);
    out.extend_from_slice(b",\"end\":");
    clock.quoted(out, tunnel.end);
    // The one who began it first, and all pairs of numbers likewise.
    let turned = !tunnel.initiator_low;
    out.extend_from_slice(b",\"peers\":[\"");
    let (first, second) = if turned { (pair.high, pair.low) } else { (pair.low, pair.high) };
    write_address(out, Family::ip(pair.v6), first);
    out.extend_from_slice(b"\",\"");
    write_address(out, Family::ip(pair.v6), second);
    out.extend_from_slice(b"\"]");
    json::number(out, "flows", tunnel.flows);
    both(out, "packets", tunnel.packets, turned);
    both(out, "bytes", tunnel.bytes, turned);
    if !within.is_empty() {
        out.push(b',');
        out.extend_from_slice(within);
    }
    if let Some(ike) = &tunnel.ike {
        write_ike(out, ike);
    }
    for (member, side) in [("esp", &tunnel.esp), ("ah", &tunnel.ah)] {
        if !side.is_empty() {
            write_esp(out, member, side, turned);
        }
    }
    out.extend_from_slice(b"}\n");
}

fn both(out: &mut Vec<u8>, member: &str, mut numbers: [u64; 2], turned: bool) {
    if turned {
        numbers.reverse();
    }
    json::list(out, member, numbers, json::decimal);
}

fn write_ike(out: &mut Vec<u8>, ike: &IkeSide) {
    json::key(out, "ike");
    out.push(b'{');
    json::number(out, "version", u64::from(ike.latest.version));
    if let Some(mode) = ike.latest.mode {
        json::word(out, "mode", mode);
    }
    if !ike.latest.chosen.is_empty() {
        json::key(out, "chosen");
        out.extend_from_slice(&ike.latest.chosen);
    }
    for (member, count) in [
        ("sas", ike.sas),
        ("rekeys", ike.rekeys),
        ("children", ike.children),
        ("liveness_checks", ike.liveness_checks),
        ("retransmitted", ike.retransmitted),
        ("unanswered", ike.unanswered),
    ] {
        if count > 0 {
            json::number(out, member, count);
        }
    }
    if ike.refused {
        json::word(out, "authentication", "refused");
    }
    out.push(b'}');
}

fn write_esp(out: &mut Vec<u8>, member: &str, esp: &EspSummary, turned: bool) {
    json::key(out, member);
    out.push(b'{');
    both(out, "sas", esp.sas, turned);
    both(out, "packets", esp.packets, turned);
    both(out, "bytes", esp.bytes, turned);
    json::number(out, "lost", esp.lost);
    json::number(out, "replayed", esp.replayed);
    if esp.rekeys > 0 {
        json::number(out, "rekeys", esp.rekeys);
    }
    if member == "esp" {
        json::boolean(out, "nat_t", esp.nat_t);
        if let Some(null) = esp.null {
            json::boolean(out, "null_encryption", null);
        }
        if let Some(family) = esp.family {
            json::word(out, "inferred_cipher", family);
        }
    }
    out.push(b'}');
}
