//! Where each target starts: pieces of the project's captures in the form that the target reads.

use crate::captures::{Captures, Flow, Sent};
use crate::script::{REVERSE, push};
use transitproof_flow::{Config, Core, Frame};
use transitproof_wire::ike::{looks_like_ike, strip_non_esp_marker};
use transitproof_wire::packet::ip_protocol as ip;
use transitproof_wire::{dtls, quic as wire_quic};

/// Frames of one flow that make a seed: hellos, certificates and what follows them.
const STEPS: usize = 24;

pub fn captures(from: &Captures) -> Vec<Vec<u8>> {
    from.files.clone()
}

pub fn frames(from: &Captures) -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = from.frames.iter().map(|(link, bytes)| [&link.to_be_bytes()[..], bytes].concat()).collect();
    seeds.sort_by_key(Vec::len);
    seeds.dedup_by_key(|seed| seed.len()); // one of each length is variety enough
    seeds
}

/// `flags` are those of every step but for its direction.
fn script(sent: &[Sent], flags: u8) -> Vec<u8> {
    let mut script = Vec::new();
    for (first, payload) in sent.iter().take(STEPS) {
        push(&mut script, flags | if *first { 0 } else { REVERSE }, payload);
    }
    script
}

/// With the port in front.
pub fn flows(from: &Captures) -> Vec<Vec<u8>> {
    const UDP_STEP: u8 = 4;
    let kind = |flow: &Flow| match flow.transport {
        ip::TCP => Some(0),
        ip::UDP => Some(UDP_STEP),
        _ => None,
    };
    let seed = |flow: &Flow| Some([&flow.ports.0.to_be_bytes()[..], &script(&flow.sent, kind(flow)?)].concat());
    from.flows.iter().filter_map(seed).collect()
}

fn of(from: &Captures, transport: u8, fits: impl Fn(&Flow) -> bool) -> Vec<Vec<u8>> {
    from.flows
        .iter()
        .filter(|flow| flow.transport == transport && fits(flow))
        .map(|flow| script(&flow.sent, 0))
        .collect()
}

/// From the first record of a handshake on, so that what stands in front of STARTTLS is left out.
pub fn tls(from: &Captures) -> Vec<Vec<u8>> {
    let flows = from.flows.iter().filter(|flow| flow.transport == ip::TCP);
    let begins = |flow: &&Flow| flow.sent.iter().position(|(_, payload)| payload.starts_with(&[22, 3]));
    flows.filter_map(|flow| Some(script(&flow.sent[begins(&flow)?..], 0))).collect()
}

/// As the core found them.
pub fn certificates(from: &Captures) -> Vec<Vec<u8>> {
    let mut core =
        Core::new(Config { flows: false, endpoints: false, names: false, why: false, max_flows: 1024, seed: 1 });
    for (link, bytes) in &from.frames {
        core.frames(&[Frame { time: 0, link: *link, number: 1, bytes }]);
    }
    core.take_certificates().into_iter().map(|certificate| certificate.der.to_vec()).collect()
}

pub fn dtls(from: &Captures) -> Vec<Vec<u8>> {
    of(from, ip::UDP, |flow| dtls::looks_like_dtls(&flow.sent[0].1))
}

pub fn quic(from: &Captures) -> Vec<Vec<u8>> {
    of(from, ip::UDP, |flow| wire_quic::looks_like_quic(&flow.sent[0].1).is_some())
}

/// Hellos of TLS over TCP without their record headers, in CRYPTO frames: whole, and in three that overlap, the last first.
pub fn quic_frames(from: &Captures) -> Vec<Vec<u8>> {
    let frame = |offset: usize, data: &[u8]| {
        let [high, low] = (offset as u16 | 0x4000).to_be_bytes();
        let [length_high, length_low] = (data.len() as u16 | 0x4000).to_be_bytes();
        [&[6, high, low, length_high, length_low][..], data].concat()
    };
    let mut seeds = Vec::new();
    for flow in &from.flows {
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        for (first, payload) in flow.sent.iter().filter(|(_, payload)| payload.starts_with(&[22, 3])).take(2) {
            let (flags, hello) = (if *first { 0 } else { REVERSE }, &payload[5..payload.len().min(1500)]);
            push(&mut whole, flags, &frame(0, hello));
            let cuts = [(hello.len() / 2, hello.len()), (hello.len() / 3, hello.len() * 2 / 3), (0, hello.len() / 2)];
            for (start, end) in cuts {
                push(&mut parts, flags, &frame(start, &hello[start..end]));
            }
        }
        seeds.extend([whole, parts]);
    }
    seeds.retain(|seed| !seed.is_empty());
    seeds
}

pub fn ike(from: &Captures) -> Vec<Vec<u8>> {
    let bare = |(first, payload): &Sent| (*first, strip_non_esp_marker(payload).unwrap_or(payload).to_vec());
    let flows = from.flows.iter().filter(|flow| flow.transport == ip::UDP);
    let messages = flows.map(|flow| flow.sent.iter().map(bare).collect::<Vec<_>>());
    messages.filter(|sent| looks_like_ike(&sent[0].1)).map(|sent| script(&sent, 0)).collect()
}

/// AH has a kind of its own in the script.
pub fn esp(from: &Captures) -> Vec<Vec<u8>> {
    const AH_STEP: u8 = 4;
    let mut seeds = of(from, ip::ESP, |_| true);
    seeds.extend(of(from, ip::UDP, |flow| flow.ports.0 == 4500));
    let protected = from.flows.iter().filter(|flow| flow.transport == ip::AH);
    seeds.extend(protected.map(|flow| script(&flow.sent, AH_STEP)));
    seeds
}

pub fn app_streams(from: &Captures) -> Vec<Vec<u8>> {
    const LONGEST: usize = 2048;
    let flows = from.flows.iter().filter(|flow| flow.transport == ip::TCP);
    let side = |flow: &Flow, first: bool| -> Vec<u8> {
        let sent = flow.sent.iter().filter(|(by_first, _)| *by_first == first);
        sent.flat_map(|(_, payload)| payload).copied().take(LONGEST).collect()
    };
    flows
        .map(|flow| {
            let (client, server) = (side(flow, true), side(flow, false));
            [&flow.ports.0.to_be_bytes()[..], &(client.len() as u16).to_be_bytes(), &client, &server].concat()
        })
        .collect()
}

pub fn datagrams(from: &Captures) -> Vec<Vec<u8>> {
    let flows = from.flows.iter().filter(|flow| flow.transport == ip::UDP);
    let first_ones = flows.flat_map(|flow| flow.sent.iter().take(4).map(|(_, payload)| (flow.ports.0, payload)));
    first_ones.map(|(port, payload)| [&port.to_be_bytes(), &payload[..]].concat()).collect()
}

pub fn dns(from: &Captures) -> Vec<Vec<u8>> {
    let flows = from.flows.iter().filter(|flow| flow.transport == ip::UDP && flow.ports.0 == 53);
    flows.flat_map(|flow| flow.sent.iter().map(|(_, payload)| payload.clone())).collect()
}
