//! Bounds met from outside: what comes behind one is not heard, and what would go beyond it is counted.

use crate::core::{Config, Core, Frame};
use crate::limits::{MAX_DATAGRAMS, MAX_ENDPOINTS};

/// LINKTYPE_RAW.
const RAW: u16 = 101;

/// A datagram of IPv4, to the server or back.
fn udp(back: bool, server: u32, payload: &[u8]) -> Vec<u8> {
    let ends = [(0x0a00_0001u32, 40_000u16), (server, 5060)];
    let [(src, src_port), (dst, dst_port)] = if back { [ends[1], ends[0]] } else { ends };
    let length = 8 + payload.len() as u16;
    let ip = [&[0x45, 0][..], &(20 + length).to_be_bytes(), &[0, 0, 0, 0, 64, 17, 0, 0]].concat();
    let ports = [src_port.to_be_bytes(), dst_port.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    [&ip[..], &src.to_be_bytes(), &dst.to_be_bytes(), &ports, payload].concat()
}

/// Records and totals of a capture.
fn replayed(frames: &[Vec<u8>]) -> (String, String) {
    let mut core =
        Core::new(Config { flows: true, why: false, endpoints: true, names: false, max_flows: 100, seed: 1 });
    for (number, bytes) in (1..).zip(frames) {
        core.frames(&[Frame { time: number * 1_000_000, link: RAW, number, bytes }]);
    }
    core.finish(usize::MAX);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(core.records()), text(&core.totals()))
}

fn noise(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_add(7).wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The record of a flow in which `first` is said so many times, then `last`.
fn behind(first: &[u8], times: usize, last: &[u8]) -> String {
    let mut frames = vec![udp(false, 0x0a00_0002, first); times];
    frames.push(udp(false, 0x0a00_0002, last));
    replayed(&frames).0
}

#[test]
fn datagrams_are_looked_at_so_many_times() {
    let most = usize::from(MAX_DATAGRAMS);
    let wireguard = [&[1, 0, 0, 0], &noise(144)[..]].concat();
    assert!(behind(&noise(90), most - 1, &wireguard).contains("\"wireguard\""));
    assert!(behind(&noise(90), most, &wireguard).contains("\"class\":\"unknown\""));
    // Peers that find each other, and then speak DTLS (OpenSSL's HelloVerifyRequest).
    let stun = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    let dtls = b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x13\x03\0\0\x07\0\0\0\0\0\0\0\x07\xfe\xff\x04abcd";
    assert!(behind(stun, most, dtls).contains("\"dtls\""));
    assert!(behind(stun, most + 1, dtls).contains("\"stun\""));
    // A login that comes only when it is asked for.
    let options = b"OPTIONS sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    let login = b"REGISTER sip:b.example SIP/2.0\r\nAuthorization: Digest username=\"bob\", response=\"?\"\r\n\r\n";
    assert!(behind(options, most - 1, login).contains("\"sip_digest\""));
    assert!(!behind(options, most, login).contains("credentials"));
}

#[test]
fn endpoints_beyond_the_limit_are_counted_together() {
    let frames: Vec<_> = (0..=MAX_ENDPOINTS as u32).map(|n| udp(false, 0x0b00_0000 + n, b"?")).collect();
    let (_, totals) = replayed(&frames);
    assert!(totals.contains("\"endpoints\":1"), "{totals}");
    assert!(!replayed(&frames[1..]).1.contains("\"endpoints\":"), "not one less");
}
