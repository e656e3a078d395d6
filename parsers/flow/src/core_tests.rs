//! Whole flows through the core: packets built here, records read back as text.

use super::*;
use proptest::prelude::*;

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 7];
const RAW_IP: u16 = 101;
use tcp_flags::{ACK, FIN, RST, SYN};

/// A capture in the making: one IPv4 packet a line.
#[derive(Clone, Default)]
struct Tape(Vec<(u64, Vec<u8>)>);

impl Tape {
    fn ip(mut self, ms: u64, protocol: u8, from_client: bool, payload: &[u8]) -> Self {
        let (src, dst) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let length = (20 + payload.len()) as u16;
        let mut ip = vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0, 0, 64, protocol, 0, 0];
        ip.extend(src.iter().chain(&dst).chain(payload));
        self.0.push((ms * 1_000_000, ip));
        self
    }

    fn udp(self, ms: u64, from_client: bool, (client, server): (u16, u16), payload: &[u8]) -> Self {
        let (src, dst) = if from_client { (client, server) } else { (server, client) };
        let length = (8 + payload.len()) as u16;
        let header = [src.to_be_bytes(), dst.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
        self.ip(ms, 17, from_client, &[&header, payload].concat())
    }

    fn tcp(self, ms: u64, from_client: bool, flags: u8, seq: u32, payload: &[u8]) -> Self {
        let (src, dst) = if from_client { (40000u16, 8080u16) } else { (8080, 40000) };
        let mut header = [src.to_be_bytes(), dst.to_be_bytes()].concat();
        header.extend(seq.to_be_bytes());
        header.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.ip(ms, 6, from_client, &[&header, payload].concat())
    }

    fn handshake(self, ms: u64) -> Self {
        self.tcp(ms, true, SYN, 99, b"").tcp(ms + 1, false, SYN | ACK, 499, b"").tcp(ms + 2, true, ACK, 100, b"")
    }

    /// Records in the order in which they were written.
    fn play(&self, max_flows: usize) -> (Vec<String>, String) {
        let mut core =
            Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows, seed: 1 });
        let frames: Vec<_> = (1..)
            .zip(&self.0)
            .map(|(number, (time, bytes))| Frame { time: *time, link: RAW_IP, number, bytes })
            .collect();
        core.frames(&frames);
        while core.finish(7) {}
        assert_eq!(core.open_flows(), 0);
        let records = String::from_utf8(core.records().to_vec()).expect("records are UTF-8");
        (records.lines().map(str::to_owned).collect(), String::from_utf8(core.totals()).unwrap())
    }

    fn records(&self) -> Vec<String> {
        self.play(1000).0
    }
}

fn member(record: &str, name: &str) -> String {
    let Some(at) = record.find(&format!("\"{name}\":")) else { return String::new() };
    let value = &record[at + name.len() + 3..];
    let end = if value.starts_with('[') { value.find(']').map(|e| e + 1) } else { value.find([',', '}']) };
    value[..end.unwrap_or(value.len())].trim_matches('"').to_owned()
}

fn members(records: &[String], name: &str) -> Vec<String> {
    records.iter().map(|record| member(record, name)).collect()
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// A manager asks for the engine's id and clock in the clear before it sends what is private (RFC 3414 section 4).
#[test]
fn snmp_is_what_follows_the_discovery() {
    let message = |flags: u8, user: &[u8], data: &[u8]| {
        let user = [&[4, user.len() as u8], user].concat();
        let security = [&b"\x04\0\x02\x01\0\x02\x01\0"[..], &user, b"\x04\0\x04\0"].concat();
        let length = security.len() as u8;
        let header = [&b"\x30\x0e\x02\x01\x07\x02\x03\0\xff\xe3\x04\x01"[..], &[flags], b"\x02\x01\x03"].concat();
        let body = [b"\x02\x01\x03", &header[..], &[4, length + 2, 0x30, length], &security, data].concat();
        [&[0x30, body.len() as u8][..], &body].concat()
    };
    let (asked, told) = (message(4, b"", b"\x30\x02\x04\0"), message(0, b"", b"\x30\x02\x04\0"));
    let ports = (40000, 161);
    let discovered = Tape::default().udp(1, true, ports, &asked).udp(2, false, ports, &told);
    let private = discovered.clone().udp(3, true, ports, &message(7, b"joe", b"\x04\x05\xa5\xf3\x91\x07\x6c"));
    assert!(private.records()[0].contains("\"class\":\"encrypted\",\"protocol\":\"snmp\""), "{:?}", private.records());
    let clear = discovered.udp(3, true, ports, &message(4, b"joe", b"\x30\x02\x04\0"));
    assert!(clear.records()[0].contains("\"class\":\"plaintext\",\"protocol\":\"snmp\""), "{:?}", clear.records());
}

/// The header of an Initial, behind it bytes that no key opens (RFC 9001 section 5.2): what follows tells what the flow is.
#[test]
fn what_follows_a_doubted_initial_has_the_flow() {
    let noise: Vec<u8> = (0..1200u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let initial = [&b"\xc3\0\0\0\x01\x08ABCDEFGH\x04SRCI\0\x44\x9c"[..], &noise[..0x49c]].concat();
    let begun = Tape::default().udp(1, true, (40000, 4433), &initial);
    assert_eq!(member(&begun.records()[0], "class"), "unknown");
    let wireguard = [&[1, 0, 0, 0], &noise[..144]].concat();
    let sip = b"OPTIONS sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    for (next, protocol) in [(&wireguard[..], "wireguard"), (sip, "sip")] {
        let said = begun.clone().udp(2, false, (40000, 4433), &noise[..90]).udp(3, true, (40000, 4433), next);
        assert_eq!(members(&said.records(), "protocol"), [protocol]);
    }
    // RTP shows in a run.
    let rtp = |n: u8| [&[0x80, 96, 0x12, n, 0, 0, n, 0x40, 0xde, 0xad, 0xbe, 0xef], &noise[..160]].concat();
    let media = (1..30).fold(begun.clone(), |tape, n| tape.udp(u64::from(n) + 1, true, (40000, 4433), &rtp(n)));
    let alone = (1..30).fold(Tape::default(), |tape, n| tape.udp(u64::from(n) + 1, true, (40000, 4433), &rtp(n)));
    assert_eq!(members(&media.records(), "protocol"), members(&alone.records(), "protocol"));
    // And QUIC it is, once Handshake packets follow.
    let handshake = [&b"\xe3\0\0\0\x01\x04PEER\x04SRCI\x40\x40"[..], &noise[..64]].concat();
    let said = begun.udp(2, false, (40000, 4433), &noise[..90]).udp(3, true, (40000, 4433), &handshake);
    assert_eq!(members(&said.records(), "protocol"), ["quic"]);
}

#[test]
fn a_connection_is_one_record_until_a_syn_follows_its_end() {
    let once = |tape: Tape, ms: u64| {
        tape.handshake(ms)
            .tcp(ms + 3, true, ACK, 100, REQUEST)
            .tcp(ms + 4, false, FIN | ACK, 500, b"")
            .tcp(ms + 5, true, FIN | ACK, 100 + REQUEST.len() as u32, b"")
            .tcp(ms + 6, false, ACK, 501, b"")
    };
    let records = once(once(Tape::default(), 1000), 2000).records();
    assert_eq!(members(&records, "end_reason"), ["fin", "fin"]);
    assert_eq!(members(&records, "packets"), ["[4,3]", "[4,3]"]);
    assert_eq!(members(&records, "protocol"), ["http", "http"]);
    assert_eq!(members(&records, "src_ip"), ["192.0.2.1", "192.0.2.1"]);
    assert_eq!(member(&records[0], "community_id"), member(&records[1], "community_id"));
}

#[test]
fn the_initiator_is_the_one_who_sent_the_syn() {
    let answered_only = Tape::default().tcp(1, false, SYN | ACK, 499, b"").tcp(2, true, ACK, 100, REQUEST);
    assert_eq!(members(&answered_only.records(), "src_port"), ["40000"]);
    let response_first = Tape::default().tcp(1, false, ACK, 500, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let records = response_first.records();
    assert_eq!((member(&records[0], "protocol"), member(&records[0], "src_port")), ("http".into(), "40000".into()));
}

#[test]
fn segments_out_of_order_are_read_in_order() {
    let (head, tail) = REQUEST.split_at(3);
    let tape = Tape::default()
        .handshake(1)
        .tcp(5, true, ACK, 103, tail)
        .tcp(6, true, ACK, 103, tail)
        .tcp(7, true, ACK, 100, head);
    assert_eq!(members(&tape.records(), "protocol"), ["http"]);
}

#[test]
fn reset_and_silence_end_flows() {
    let tape = Tape::default().handshake(0).tcp(10, false, RST, 500, b"").udp(20, true, (5000, 5001), &[7; 40]).udp(
        200_000,
        true,
        (6000, 6001),
        &[7; 40],
    );
    let records = tape.records();
    assert_eq!(members(&records, "end_reason"), ["rst", "idle", "eof"]);
    assert_eq!(members(&records, "evidence"), ["not_observable"; 3]);
}

#[test]
fn dns_ends_with_its_answer() {
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x01\x00\x01";
    let mut answer = query.to_vec();
    answer[2] = 0x81;
    let tape = Tape::default()
        .udp(1, true, (5353 + 1, 53), query)
        .udp(2, false, (5353 + 1, 53), &answer)
        .udp(3, true, (6000, 53), query)
        .udp(60_000, true, (7000, 53), query);
    let records = tape.records();
    assert_eq!(members(&records, "end_reason"), ["answered", "idle", "eof"]);
    assert_eq!(members(&records, "packets"), ["[1,1]", "[1,0]", "[1,0]"]);
}

/// Answered queries wait for one another before their records are written; whatever else ends comes in its order, and however many
/// packets are handed in together.
#[test]
fn records_stand_in_the_order_in_which_flows_end() {
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x01\x00\x01";
    let mut answer = query.to_vec();
    answer[2] = 0x81;
    let asked =
        |tape: Tape, ms: u64, port: u16| tape.udp(ms, true, (port, 53), query).udp(ms + 1, false, (port, 53), &answer);
    let mut tape = Tape::default();
    for port in 1..=crate::limits::MAX_ENDED as u16 + 3 {
        tape = asked(tape, 1, port);
    }
    // The same ports again, a connection that is opened anew, and silence.
    tape = asked(asked(tape, 10, 1), 20, 1).tcp(30, true, SYN, 99, b"").tcp(31, true, RST, 100, b"");
    tape = asked(tape.tcp(32, true, SYN, 200, b""), 40, 2);
    tape = asked(tape.udp(50, true, (9000, 53), query), 60_000, 3);
    let together = tape.records();
    let mut core =
        Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows: 1000, seed: 1 });
    for (number, (time, bytes)) in (1..).zip(&tape.0) {
        core.frames(&[Frame { time: *time, link: RAW_IP, number, bytes }]);
    }
    core.finish(usize::MAX);
    let singly: Vec<_> = core.records().split_inclusive(|byte| *byte == b'\n').collect();
    let singly: Vec<_> = singly.iter().map(|line| str::from_utf8(line).unwrap().trim_end().to_owned()).collect();
    assert_eq!(together, singly);
    let reasons = members(&together, "end_reason");
    let others: Vec<_> = reasons.iter().map(String::as_str).filter(|reason| *reason != "answered").collect();
    assert_eq!((reasons.len(), others), (crate::limits::MAX_ENDED + 10, vec!["rst", "idle", "idle"]), "{reasons:?}");
    let rst = reasons.iter().position(|reason| reason == "rst").unwrap();
    assert_eq!(rst, crate::limits::MAX_ENDED + 5, "behind all that was answered before");
}

#[test]
fn esp_between_two_gateways() {
    let mut tape = Tape::default();
    for n in 1..=8u8 {
        let packet = [&[0xc0, 0xff, 0xee, 1, 0, 0, 0, n], &[0xa5; 40][..]].concat();
        tape = tape.ip(u64::from(n), 50, true, &packet);
    }
    let records = tape.records();
    assert_eq!(members(&records, "transport"), ["esp"]);
    assert!(records[0].contains("\"spis\":[\"0xc0ffee01\"]"), "{}", records[0]);
    assert!(!records[0].contains("_port"));
}

#[test]
fn fragments_count_to_their_flow() {
    let query = [7; 16];
    let mut tape = Tape::default().udp(1, true, (5000, 5001), &query);
    tape.0[0].1[6] = 0x20; // more fragments
    tape = tape.ip(2, 17, true, &[9; 24]);
    tape.0[1].1[7] = 3; // offset 24
    let records = tape.records();
    assert_eq!(
        (members(&records, "packets"), members(&records, "bytes")),
        (vec!["[2,0]".into()], vec!["[88,0]".into()])
    );
}

/// The last packet of the tape in fragments of `size` bytes.
fn fragmented(mut tape: Tape, size: usize) -> Tape {
    let (time, ip) = tape.0.pop().unwrap();
    let (header, body) = ip.split_at(20);
    for (n, piece) in body.chunks(size).enumerate() {
        let more = (n + 1) * size < body.len();
        let field = (n * size / 8) as u16 | if more { 0x2000 } else { 0 };
        let mut part = [header, piece].concat();
        part[2..4].copy_from_slice(&(20 + piece.len() as u16).to_be_bytes());
        part[4..6].copy_from_slice(&7u16.to_be_bytes());
        part[6..8].copy_from_slice(&field.to_be_bytes());
        tape.0.push((time + n as u64, part));
    }
    tape
}

#[test]
fn a_datagram_in_fragments_is_recognised_whatever_their_order() {
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x04test\0\0\x01\0\x01";
    let tape = fragmented(Tape::default().udp(1, true, (5000, 5001), query), 16);
    let mut reversed = tape.clone();
    reversed.0.reverse();
    for tape in [tape, reversed] {
        let records = tape.udp(9, true, (5000, 5001), query).records();
        assert_eq!(
            (members(&records, "protocol"), members(&records, "packets")),
            (vec!["dns".into()], vec!["[4,0]".into()])
        );
        assert_eq!(members(&records, "bytes"), [format!("[{},0]", 4 * 20 + 2 * (8 + query.len()))]);
    }
}

#[test]
fn a_segment_in_fragments_is_part_of_its_stream() {
    let tape = fragmented(Tape::default().handshake(1).tcp(5, true, ACK, 100, REQUEST), 8);
    let records = tape.tcp(8, false, FIN | ACK, 500, b"").records();
    assert_eq!(
        (members(&records, "protocol"), members(&records, "packets")),
        (vec!["http".into()], vec!["[10,2]".into()])
    );
}

#[test]
fn a_lone_first_fragment_tells_what_it_can() {
    let mut tape = fragmented(
        Tape::default().udp(1, true, (5000, 514), b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed"),
        48,
    );
    tape.0.truncate(1);
    assert_eq!(members(&tape.clone().records(), "protocol"), ["syslog"]);
    // An hour later its flow is over: it ends by silence, not with the capture.
    let records = tape.udp(3_600_000, true, (1, 2), &[7; 40]).records();
    assert_eq!((member(&records[0], "protocol"), member(&records[0], "end_reason")), ("syslog".into(), "idle".into()));
}

#[test]
fn a_tunnel_in_fragments_is_opened() {
    let inner = Tape::default().udp(1, true, (5000, 53), &[7; 40]).0.remove(0).1;
    let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0][..], &[2; 12], &[8, 0], &inner].concat();
    let records = fragmented(Tape::default().udp(1, true, (4000, 4789), &vxlan), 40).records();
    assert_eq!(
        (members(&records, "tunnel"), members(&records, "dst_port")),
        (vec!["[\"vxlan:42\"]".into()], vec!["53".into()])
    );
    assert_eq!(members(&records, "bytes"), ["[68,0]"]);
}

#[test]
fn later_fragments_alone_are_counted_without_ports() {
    let mut tape = fragmented(Tape::default().udp(1, true, (5000, 5001), &[7; 40]), 24);
    tape.0.remove(0);
    let (records, totals) = tape.play(10);
    assert_eq!(
        (members(&records, "packets"), members(&records, "class")),
        (vec!["[1,0]".into()], vec!["unknown".into()])
    );
    assert!(totals.contains("\"limits\":{\"fragment_without_first\":1}"), "{totals}");
}

#[test]
fn a_full_table_evicts_and_says_so() {
    let tape = (0..50).fold(Tape::default(), |tape, n| tape.udp(u64::from(n), true, (1000 + n, 5001), &[7; 40]));
    let (records, totals) = tape.play(10);
    assert_eq!(records.len(), 50);
    assert_eq!(members(&records, "end_reason").iter().filter(|end| *end == "evicted").count(), 40);
    assert!(totals.contains("\"max_flows\":40"), "{totals}");
}

#[test]
fn what_is_no_ip_is_counted() {
    let mut core =
        Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows: 10, seed: 1 });
    let arp = [&[0xff; 12][..], &[8, 6], &[0; 28]].concat();
    core.frames(&[
        Frame { time: 1, link: 1, number: 1, bytes: &arp },
        Frame { time: 2, link: 1, number: 2, bytes: &arp[..9] },
    ]);
    let totals = String::from_utf8(core.totals()).unwrap();
    assert!(
        totals.contains("\"other\":{\"arp\":1}") && totals.contains("\"malformed\":{\"ethernet truncated\":1}"),
        "{totals}"
    );
}

proptest! {
    /// Whatever the frames hold, every one is counted, and the counters of the classes add up.
    #[test]
    fn arbitrary_frames_are_all_counted(
        frames in prop::collection::vec((0u64..1 << 62, prop::sample::select(vec![0u16, 1, 101, 113, 276]),
            prop::collection::vec(any::<u8>(), 0..120)), 0..60),
        max_flows in 1usize..8,
    ) {
        let mut core = Core::new(Config { flows: true, why: false, endpoints: true, names: false, max_flows, seed: 3 });
        let frames: Vec<_> = frames.iter().map(|(time, link, bytes)| Frame { time: *time, link: *link, number: 1, bytes }).collect();
        core.frames(&frames);
        prop_assert!(core.open_flows() <= max_flows);
        core.finish(usize::MAX);
        let totals = String::from_utf8(core.totals()).unwrap();
        prop_assert!(totals.contains(&format!("\"packets\":{},", frames.len())), "{}", totals);
        let lines = core.records().iter().filter(|b| **b == b'\n').count();
        prop_assert!(totals.contains(&format!("\"flows\":{lines},\"by_class\"")), "{}", totals);
    }

    /// Cutting a dialogue into any segments, sent in any order, gives the same record.
    #[test]
    fn segmentation_does_not_matter(cuts in prop::collection::vec(1usize..REQUEST.len(), 0..6), rotate in 0usize..6) {
        let mut cuts = cuts;
        cuts.extend([0, REQUEST.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut parts: Vec<_> = cuts.windows(2).map(|w| (w[0], &REQUEST[w[0]..w[1]])).collect();
        let shift = rotate % parts.len();
        parts.rotate_left(shift);
        let tape = parts.iter().fold(Tape::default().handshake(1), |tape, (at, bytes)| tape.tcp(9, true, ACK, 100 + *at as u32, bytes));
        let records = tape.records();
        prop_assert_eq!(members(&records, "protocol"), ["http"]);
    }
}

/// Plays a tape as live traffic does, in one go.
fn live(tape: &Tape) -> (Core, Vec<String>) {
    let mut core =
        Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows: 100, seed: 1 });
    core.stay_live();
    let mut now = 0;
    for (number, (time, bytes)) in (1..).zip(&tape.0) {
        // A second at a time, as the clock goes on a quiet link.
        (now..*time).step_by(1_000_000_000).for_each(|second| core.expire(second));
        core.frames(&[Frame { time: *time, link: RAW_IP, number, bytes }]);
        now = *time;
    }
    while core.finish(7) {}
    let records = String::from_utf8(core.records().to_vec()).unwrap().lines().map(str::to_owned).collect();
    (core, records)
}

#[test]
fn a_live_flow_that_lasts_gets_a_record_every_five_minutes() {
    let mut tape = Tape::default().handshake(0).tcp(3, true, ACK, 100, REQUEST);
    for (seq, minute) in (100 + REQUEST.len() as u32..).zip(1..=12u64) {
        tape = tape.tcp(minute * 60_000 + 500, true, ACK, seq, b"x");
    }
    assert_eq!(members(&tape.records(), "end_reason"), ["eof"], "a capture has no such limit");
    let (mut core, records) = live(&tape);
    assert_eq!(members(&records, "end_reason"), ["active", "active", "eof"]);
    assert_eq!(members(&records, "continues"), ["", "true", "true"]);
    assert_eq!(members(&records, "class"), ["plaintext"; 3]);
    assert_eq!(members(&records, "packets"), ["[8,1]", "[6,0]", "[1,0]"]);
    assert_eq!(members(&records, "start")[1], "1970-01-01T00:06:00.500000Z");
    let counted: u64 = core.take_observations().iter().map(|observation| observation.count).sum();
    assert_eq!(counted, 3, "the dialogue is still open at each cut, and judged as it stands");
    let rollup = String::from_utf8(Core::take_rollup(std::slice::from_mut(&mut core), 10)).unwrap();
    assert_eq!(
        rollup,
        r#"{"pairs":[{"endpoint":"198.51.100.7:8080/tcp","peer":"192.0.2.1","class":"plaintext","protocol":"http","flows":3,"packets":[15,1],"bytes":[650,40]}],"distinct":1,"others":{}}"#
    );
    assert_eq!(Core::take_rollup(std::slice::from_mut(&mut core), 10), br#"{"pairs":[],"distinct":0,"others":{}}"#);
}

#[test]
fn a_flow_that_is_silent_after_its_cut_leaves_no_empty_record() {
    let mut tape = Tape::default();
    for minute in 0..=5u64 {
        tape = tape.udp(minute * 59_000, true, (4000, 9999), b"?");
    }
    let (core, records) = live(&tape.udp(2_000_000, true, (4001, 9999), b"?"));
    assert_eq!(members(&records, "packets"), ["[6,0]", "[1,0]"]);
    assert_eq!(members(&records, "end_reason"), ["active", "eof"]);
    assert!(String::from_utf8(core.totals()).unwrap().contains(r#""flows":2,"#));
}

#[test]
fn the_largest_pairs_are_shown_and_the_others_added_up() {
    let mut tape = Tape::default();
    for port in 1..=9u16 {
        tape = tape.udp(u64::from(port), true, (4000, 20_000 + port), &vec![0; usize::from(port)]);
    }
    let (mut core, _) = live(&tape);
    let rollup = String::from_utf8(Core::take_rollup(std::slice::from_mut(&mut core), 1)).unwrap();
    assert!(rollup.starts_with(
        r#"{"pairs":[{"endpoint":"198.51.100.7:20009/udp","peer":"192.0.2.1","class":"unknown","flows":1,"#
    ));
    assert!(
        rollup.ends_with(r#""distinct":9,"others":{"unknown":{"flows":8,"packets":[8,0],"bytes":[260,0]}}}"#),
        "{rollup}"
    );
}

#[test]
fn flows_go_on_when_the_clock_is_set() {
    for (first, by) in [(5_000_000u64, -3_600_000i64), (5_000_000, 3_600_000)] {
        let later = |ms: u64| (first + ms).saturating_add_signed(by);
        let mut core =
            Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows: 10, seed: 1 });
        let feed = |core: &mut Core, tape: Tape| {
            for (time, bytes) in &tape.0 {
                core.frames(&[Frame { time: *time, link: RAW_IP, number: 1, bytes }]);
            }
        };
        feed(&mut core, Tape::default().handshake(first).tcp(first + 3, true, ACK, 100, REQUEST));
        core.shift(by.unsigned_abs() * 1_000_000, by < 0);
        feed(&mut core, Tape::default().tcp(later(1000), false, ACK, 500, b"HTTP/1.1 200 OK\r\n"));
        assert_eq!((core.open_flows(), core.records().len()), (1, 0));
        core.expire((later(1000) + 302_000) * 1_000_000);
        assert_eq!(core.open_flows(), 0, "silence still ends it");
        let records = String::from_utf8(core.records().to_vec()).unwrap();
        assert_eq!(records.matches("\"packets\":[3,2]").count(), 1, "{records}");
    }
}
