//! Protocols over datagrams, each a conversation of any datagrams in either direction, followed to its record.
//!
//! `dtls`: records, fragments of messages, flights. `quic`: Initial packets as they are, which mostly fail to authenticate;
//! so `quic_frames` seals any frames into packets that open, by several clients, in several versions. `ike`: messages of both
//! versions, with the walk along every payload, proposal, transform and attribute. `esp`: ESP and AH packets, and the search
//! for ESP that does not encrypt. Promised by all: the record keeps to the contract.

use crate::json;
use crate::quic_seal::{Sealer, VERSIONS};
use crate::script::{REVERSE, Step, steps};
use transitproof_flow::certificates::Certificates;
use transitproof_flow::esp::{AhState, EspState};
use transitproof_flow::ike::IkeState;
use transitproof_flow::quic::QuicFollower;
use transitproof_flow::tls::{DtlsFollower, Progress};
use transitproof_wire::ike::{MAX_PAYLOADS, Message, Notify, Proposals, looks_like_ike, plausible_ike};
use transitproof_wire::{dtls as wire_dtls, esp as wire_esp, quic as wire_quic};

pub fn dtls(input: &[u8]) {
    let (mut follower, mut certificates) = (DtlsFollower::new(), Certificates::new(1));
    for step in steps(input) {
        let recognised = wire_dtls::looks_like_dtls(step.bytes);
        let progress = follower.datagram(step.from(), step.bytes, 1, &mut certificates);
        assert!(!(recognised && progress == Progress::Alien));
        if progress != Progress::More {
            break;
        }
    }
    follower.closed(true);
    json::members(|out| follower.session().write_record(&certificates, out));
}

pub fn quic(input: &[u8]) {
    follow_quic(steps(input).iter().map(|step| (step.flags, step.bytes.to_vec())));
}

/// The two bits of a step's kind say in which version it is sealed, those above them with which connection id.
pub fn quic_frames(input: &[u8]) {
    let mut sealer = Sealer::default();
    let packets: Vec<_> = steps(input).iter().take(64).map(|step| (step.flags, seal(&mut sealer, step))).collect();
    follow_quic(packets.into_iter());
}

fn seal(sealer: &mut Sealer, step: &Step<'_>) -> Vec<u8> {
    let version = VERSIONS[step.kind() % VERSIONS.len()];
    sealer.seal(version, &[step.flags >> 4; 8], step.flags & REVERSE != 0, step.bytes)
}

fn follow_quic(datagrams: impl Iterator<Item = (u8, Vec<u8>)>) {
    let mut certificates = Certificates::new(1);
    let mut follower = None;
    for (flags, bytes) in datagrams {
        let from = Step { flags, bytes: &bytes }.from();
        let header = wire_quic::looks_like_quic(&bytes);
        let follower =
            follower.get_or_insert_with(|| QuicFollower::new(header.map_or(1, |header| header.version), true));
        if follower.datagram(from, &bytes, 1, &mut certificates) != Progress::More {
            break;
        }
    }
    let Some(follower) = follower else { return };
    json::members(|out| follower.write_record(&certificates, out));
}

pub fn ike(input: &[u8]) {
    let mut state = IkeState::new();
    for step in steps(input) {
        walk(step.bytes);
        assert!(!looks_like_ike(step.bytes) || plausible_ike(step.bytes));
        let _ = state.begins_another(step.bytes);
        state.message(step.from(), step.bytes, step.kind() != 0, 1);
    }
    json::members(|out| state.write_record(&Certificates::new(0), out));
    json::members(|out| state.write_facts(out));
}

fn walk(datagram: &[u8]) {
    let Ok(message) = Message::parse(datagram) else { return };
    let payloads: Vec<_> = message.payloads().collect();
    assert!(payloads.len() <= MAX_PAYLOADS + 1);
    for payload in payloads.into_iter().flatten() {
        let v1 = message.header.is_v1();
        let _ = Notify::parse(payload.body, v1);
        for proposal in Proposals::parse(payload.body, v1).into_iter().flatten().flatten() {
            for transform in proposal.transforms.flatten() {
                let _ = transform.key_length();
                transform.attributes.flatten().for_each(|attribute| _ = attribute.number());
            }
        }
    }
}

pub fn esp(input: &[u8]) {
    let (mut esp, mut ah) = (EspState::new(true), AhState::new());
    for step in steps(input) {
        let _ = wire_esp::looks_like_esp_in_udp(step.bytes, step.bytes.len(), (wire_esp::NAT_T_PORT, 1));
        if step.kind() != 0 {
            if let Ok(packet) = wire_esp::Ah::parse(step.bytes) {
                ah.packet(step.from(), packet.spi, packet.sequence, step.bytes.len());
            }
            continue;
        }
        let Ok(packet) = wire_esp::Esp::parse(step.bytes) else { continue };
        for layout in wire_esp::NULL_LAYOUTS {
            let fit = wire_esp::null_fit(packet.payload, layout);
            assert!(fit.is_none() || wire_esp::null_content(packet.payload, layout).is_some());
        }
        esp.packet(step.from(), packet.spi, packet.sequence, step.bytes.len());
        if esp.wants_inspection() {
            esp.inspect(Some(packet.payload));
        }
        let _ = (esp.null_layout(), esp.confirmed());
    }
    json::members(|out| esp.write_record(out, &[]));
    json::members(|out| esp.write_facts(out));
    json::members(|out| ah.write_record(out, &[]));
}
