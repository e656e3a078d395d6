//! Hostile conversations through followers and core: the limit that each hits is counted, and what is kept and copied is bounded.
//!
//! Bytes allocated are the unit of work: they are the same on every machine, and what copies in a loop shows in them.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::sync::{Mutex, MutexGuard};
use transitproof_flow::Direction::{Forward, Reverse};
use transitproof_flow::certificates::Certificates;
use transitproof_flow::ike::IkeState;
use transitproof_flow::limits::{MAX_DIALOGUE, MAX_HEAD, MAX_HELD_BYTES};
use transitproof_flow::tls::{DtlsFollower, TlsStream};
use transitproof_flow::{Config, Core, Frame};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The counters are those of the whole process: one test at a time, from its first allocation on.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A chunk of the flow table, which a core takes with its first flow.
const CHUNK: usize = 512 * KIB;

struct Meter {
    live: usize,
    total: usize,
}

impl Meter {
    fn start() -> Self {
        let (live, total) = Self::now();
        Self { live, total }
    }

    fn now() -> (usize, usize) {
        let stats = ALLOCATOR.stats();
        (stats.bytes_allocated - stats.bytes_deallocated, stats.bytes_allocated)
    }

    /// Bytes on the heap beyond those at the start.
    fn live(&self) -> usize {
        Self::now().0.saturating_sub(self.live)
    }

    /// Bytes allocated since the start, freed or not.
    fn total(&self) -> usize {
        Self::now().1 - self.total
    }
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(content.len() as u16).to_be_bytes(), content].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

fn client_hello(extensions: &[u8]) -> Vec<u8> {
    let length = (extensions.len() as u16).to_be_bytes();
    message(1, &[&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0], &length, extensions].concat())
}

const KIB: usize = 1 << 10;

#[test]
fn a_certificate_of_16_mib_is_stepped_over() {
    let _alone = alone();
    let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
    stream.data(Forward, &record(22, &client_hello(&[])), 1, &mut certificates);
    let mut body = record(22, &[&[11, 0xff, 0xff, 0xff][..], &[0; 16_380]].concat());
    let meter = Meter::start();
    stream.data(Reverse, &body, 2, &mut certificates);
    body[5..9].fill(0);
    for _ in 1..1024 {
        stream.data(Reverse, &body, 3, &mut certificates);
        assert!(meter.live() < 4 * KIB, "{}", meter.live());
    }
    assert!(meter.total() < 4 * KIB, "{}", meter.total());
    // Of 2^24 - 1 bytes, 1024 records less their headers came: three bytes are left, then the next message begins.
    stream.data(Reverse, &record(22, &[0, 0, 0, 14, 0, 0, 0]), 4, &mut certificates);
    let session = stream.session();
    assert_eq!((session.limited, &session.certificates, session.resumed), (1, &None, Some(false)));
}

#[test]
fn a_client_hello_of_64_k_of_extensions_is_read_once() {
    let _alone = alone();
    let empty_ones: Vec<u8> = (0..16_300u16).flat_map(|kind| [(kind >> 8) as u8, kind as u8, 0, 0]).collect();
    let hello = client_hello(&empty_ones);
    let records: Vec<u8> = hello.chunks(16_384).flat_map(|part| record(22, part)).collect();
    let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
    let meter = Meter::start();
    for segment in records.chunks(1400) {
        stream.data(Forward, segment, 1, &mut certificates);
        assert!(meter.live() < 4 * hello.len(), "{}", meter.live());
    }
    assert!(meter.total() < 16 * hello.len(), "{}", meter.total());
    assert!(stream.session().offer.is_some() && stream.session().limited == 0);
    let mut longer = TlsStream::new();
    for part in client_hello(&[0; 65_530]).chunks(16_384) {
        longer.data(Forward, &record(22, part), 1, &mut certificates);
    }
    assert_eq!((longer.session().offer.is_some(), longer.session().limited), (false, 1));
}

#[test]
fn ten_thousand_tiny_records_are_one_message() {
    let _alone = alone();
    let hello = client_hello(&[&[0, 21, 0x27, 0][..], &[0; 9984]].concat());
    let tiny: Vec<u8> = hello.iter().flat_map(|byte| record(22, &[*byte])).collect();
    let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
    let meter = Meter::start();
    stream.data(Forward, &tiny, 1, &mut certificates);
    assert!(meter.total() < 8 * hello.len(), "{}", meter.total());
    assert!(stream.session().offer.is_some());
    // And as many of none at all.
    stream.data(Reverse, &record(22, &[]).repeat(10_000), 2, &mut certificates);
    assert!(meter.total() < 8 * hello.len(), "{}", meter.total());
}

#[test]
fn dtls_fragments_with_holes_are_bounded() {
    let _alone = alone();
    let fragment = |sequence: u16, length: u32, offset: u32| {
        let [_, a, b, c] = length.to_be_bytes();
        let [_, d, e, f] = offset.to_be_bytes();
        let [g, h] = sequence.to_be_bytes();
        let body = [11, a, b, c, g, h, d, e, f, 0, 0, 1, 0xff];
        [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13][..], &body].concat()
    };
    let (mut follower, mut certificates) = (DtlsFollower::new(), Certificates::new(1));
    let meter = Meter::start();
    for n in 0..5000u32 {
        follower.datagram(Forward, &fragment(n as u16 % 64, 65_536, (n * 7919) % 65_536), 1, &mut certificates);
        assert!(meter.live() < 10 * 128 * KIB, "{}", meter.live());
    }
    assert!(follower.session().limited > 4000, "{}", follower.session().limited);
}

#[test]
fn ike_with_a_thousand_proposals_keeps_a_few() {
    let _alone = alone();
    let transform = [0, 0, 0, 8, 1, 0, 0, 12];
    let proposals = [&[2, 0, 0, 16, 1, 1, 0, 1][..], &transform].concat().repeat(1000);
    let payload = [&[0, 0][..], &(proposals.len() as u16 + 4).to_be_bytes(), &proposals].concat();
    let length = (28 + payload.len() as u32).to_be_bytes();
    let datagram = [&[7; 8][..], &[0; 8], &[33, 0x20, 34, 8, 0, 0, 0, 0], &length, &payload].concat();
    let mut state = IkeState::new();
    let meter = Meter::start();
    for _ in 0..100 {
        state.message(Forward, &datagram, false, 1);
        assert!(meter.live() < 64 * KIB, "{}", meter.live());
    }
    let mut out = Vec::new();
    state.write_record(&Certificates::new(0), &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("\"encr\"").count(), 64);
    assert!(text.contains("truncated"), "{text}");
}

const SERVER: [u8; 4] = [198, 51, 100, 7];

/// One TCP segment over raw IPv4.
fn segment(client: u32, from_client: bool, flags: u8, seq: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = client.to_be_bytes();
    let (src, dst) = if from_client { ([10, a, b, c], SERVER) } else { (SERVER, [10, a, b, c]) };
    let (sport, dport) = if from_client { (40_000u16, 25u16) } else { (25, 40_000) };
    let length = 40 + payload.len() as u16;
    let mut ip = vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0, 0, 64, 6, 0, 0];
    ip.extend([src, dst].concat());
    ip.extend([sport.to_be_bytes(), dport.to_be_bytes()].concat());
    ip.extend(seq.to_be_bytes());
    ip.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    ip.extend(payload);
    ip
}

const SYN: u8 = 2;
const ACK: u8 = 16;

fn core(max_flows: usize) -> Core {
    Core::new(Config { flows: true, endpoints: false, names: false, why: false, max_flows, seed: 1 })
}

fn feed(core: &mut Core, time: u64, bytes: &[u8]) {
    core.frames(&[Frame { time, link: 101, number: 1, bytes }]);
}

/// Records and totals.
fn end(mut core: Core) -> (String, String) {
    core.finish(usize::MAX);
    (String::from_utf8(core.records().to_vec()).unwrap(), String::from_utf8(core.totals()).unwrap())
}

#[test]
fn a_million_segments_of_one_byte() {
    let _alone = alone();
    // Nothing known, a dialogue that goes on without a login, and a record that takes for ever to come.
    let streams: [(&[u8], bool); 3] =
        [(b"\x01", false), (b"NOOP\r\n", true), (b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb\x03\x03", false)];
    let mut core = core(16);
    let meter = Meter::start();
    for (client, (bytes, greeted)) in streams.into_iter().enumerate() {
        let client = client as u32;
        feed(&mut core, 1, &segment(client, true, SYN, 99, b""));
        feed(&mut core, 1, &segment(client, false, SYN | ACK, 499, b""));
        if greeted {
            feed(&mut core, 1, &segment(client, false, ACK, 500, b"220 mail.example ESMTP\r\n"));
        }
        let mut packet = segment(client, true, ACK, 0, b"x");
        for n in 0..333_334u32 {
            packet[24..28].copy_from_slice(&(100 + n).to_be_bytes());
            packet[40] = bytes[n as usize % bytes.len()];
            feed(&mut core, 2, &packet);
            assert!(meter.live() < CHUNK + 4 * (MAX_HEAD + MAX_DIALOGUE) + 64 * KIB, "{} at {n}", meter.live());
        }
    }
    assert!(meter.total() < CHUNK + 512 * KIB, "{}", meter.total());
    let (records, totals) = end(core);
    assert_eq!(records.matches("333335,").count(), 3, "{records}");
    assert!(totals.contains("\"packets\":1000009,"), "{totals}");
}

#[test]
fn segments_in_reverse_order_hit_the_limit_of_what_is_held() {
    let _alone = alone();
    let mut core = core(16);
    feed(&mut core, 1, &segment(1, true, SYN, 99, b""));
    let meter = Meter::start();
    for n in (1..10_000u32).rev() {
        feed(&mut core, 2, &segment(1, true, ACK, 100 + n * 1000, &[b'x'; 1000]));
        assert!(meter.live() < 2 * MAX_HELD_BYTES + MAX_HEAD + 64 * KIB, "{} at {n}", meter.live());
    }
    assert!(end(core).1.contains("\"held_segments\":"));
}

#[test]
fn a_flood_of_syns_stays_within_the_table() {
    let _alone = alone();
    const FLOWS: usize = 1000;
    let mut core = core(FLOWS);
    let meter = Meter::start();
    let mut lines = 0;
    for client in 0..100_000u32 {
        feed(&mut core, u64::from(client) * 1000, &segment(client, true, SYN, 9, b""));
        assert!(core.open_flows() <= FLOWS);
        if client % 1000 == 999 {
            lines += core.swap_records(Vec::new()).iter().filter(|byte| **byte == b'\n').count();
            assert!(meter.live() < CHUNK + FLOWS * 512 + 64 * KIB, "{}", meter.live());
        }
    }
    let (records, totals) = end(core);
    assert_eq!(lines + records.lines().count(), 100_000);
    assert!(totals.contains(&format!("\"max_flows\":{}", 100_000 - FLOWS)), "{totals}");
}

/// The clock of a capture may stand anywhere and go anywhere: each flow still ends once, not before it began.
#[test]
fn time_goes_to_its_end_and_back() {
    let _alone = alone();
    let mut core = core(64);
    let times = [5, u64::MAX, 0, u64::MAX - 1, 1 << 63, 1, u64::MAX, 400_000_000_000];
    for (client, time) in (0..).zip(times) {
        for again in times {
            feed(&mut core, time, &segment(client, true, SYN, 9, b""));
            feed(&mut core, again, &segment(client, true, ACK, 10, b"x"));
        }
    }
    let (records, totals) = end(core);
    let packets: u64 = records
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(record["start"].as_str() <= record["end"].as_str(), "{line}");
            record["packets"][0].as_u64().unwrap()
        })
        .sum();
    assert_eq!(packets, 2 * 64);
    assert!(totals.contains("\"start\":\"1970-01-01T00:00:00.000000Z\",\"end\":\"2554-"), "{totals}");
}

/// The first message of IKEv2 with an offer, from one of many sources.
fn ike_init(source: u32) -> Vec<u8> {
    let transform = |kind, id, last| [if last { 0 } else { 3 }, 0, 0, 8, kind, 0, 0, id];
    let transforms = [transform(1, 12, false), transform(2, 5, false), transform(3, 12, false), transform(4, 19, true)];
    let proposal = [&[0, 0, 0, 40, 1, 1, 0, 4][..], transforms.as_flattened()].concat();
    let payload = [&[0, 0, 0, 44][..], &proposal].concat();
    let spi = (u64::from(source) + 1).to_be_bytes();
    let length = (28 + payload.len() as u32).to_be_bytes();
    let ike = [&spi[..], &[0; 8], &[33, 0x20, 34, 8, 0, 0, 0, 0], &length, &payload].concat();
    let [_, a, b, c] = source.to_be_bytes();
    let total = 28 + ike.len() as u16;
    let mut ip = vec![0x45, 0, (total >> 8) as u8, total as u8, 0, 0, 0, 0, 64, 17, 0, 0, 10, a, b, c];
    ip.extend(SERVER);
    ip.extend([500u16.to_be_bytes(), 500u16.to_be_bytes(), (8 + ike.len() as u16).to_be_bytes(), [0, 0]].concat());
    ip.extend(ike);
    ip
}

#[test]
fn a_flood_of_first_messages_is_counted_and_makes_no_tunnel() {
    let _alone = alone();
    const SOURCES: u32 = 100_000;
    let mut core = core(1 << 20);
    let meter = Meter::start();
    for source in 0..SOURCES {
        feed(&mut core, u64::from(source), &ike_init(source));
    }
    // Some 2 kB for each attempt that is followed, and a place in the table of flows for each.
    let bound = 16_384 * 3 * KIB + 200 * SOURCES as usize;
    assert!(meter.live() < bound, "{} of {bound}", meter.live());
    let tunnels = core.take_tunnels();
    let observations = core.take_observations();
    assert!(tunnels.is_empty() && observations.is_empty());
    core.finish(usize::MAX);
    assert!(core.take_tunnels().is_empty() && core.take_observations().is_empty());
    let totals = String::from_utf8(core.totals()).unwrap();
    assert!(totals.contains(r#""ike_half_open":83616"#), "{totals}");
    assert!(totals.contains(r#""ipsec":{"flows":100000,"packets":100000,"#), "{totals}");
    let records = String::from_utf8(core.records().to_vec()).unwrap();
    assert_eq!(records.matches(r#""offered""#).count(), 16_384);
}
