//! Connections as frames through the whole core: proxies in front of TLS and of protocols in the clear.

use crate::Direction::{self, Forward, Reverse};
use crate::core::{Config, Core, Frame};
use proptest::prelude::*;

/// LINKTYPE_RAW: IP without a link layer.
const RAW: u16 = 101;
const CONNECT: &str = "CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: Basic am9lOng=\r\n\r\n";
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x07\xd9\x03\x01\xbb";

pub type Said = (Direction, Vec<u8>);

/// A handshake of OpenSSL's, see [`crate::tls`].
pub fn handshake() -> Vec<Said> {
    recorded(include_str!("tls/testdata/tls12_ecdhe.txt"))
}

fn recorded(trace: &str) -> Vec<Said> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let line = |line: &str| {
        let from = if line.starts_with('>') { Forward } else { Reverse };
        (from, line.as_bytes()[2..].chunks(2).map(byte).collect())
    };
    trace.lines().map(line).collect()
}

fn frame(port: u16, from: Direction, flags: u8, seq: [u32; 2], payload: &[u8]) -> Vec<u8> {
    let ends = [([192, 0, 2, 1], 40_000u16), ([192, 0, 2, 2], port)];
    let [(src, src_port), (dst, dst_port)] = if from == Forward { ends } else { [ends[1], ends[0]] };
    let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, 6, 0, 0];
    frame.extend_from_slice(&[src, dst].concat());
    frame.extend_from_slice(&[src_port.to_be_bytes(), dst_port.to_be_bytes()].concat());
    frame.extend_from_slice(&[seq[from as usize].to_be_bytes(), seq[from.other() as usize].to_be_bytes()].concat());
    frame.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend_from_slice(payload);
    frame
}

/// The connection's record, and its observation's facts.
pub fn record(said: &[Said], with_syn: bool) -> (String, String) {
    captured(1080, said, &[], with_syn)
}

/// The same with the server on another port, and with some of what was said not captured.
pub fn captured(port: u16, said: &[Said], lost: &[usize], with_syn: bool) -> (String, String) {
    captured_to(false, port, said, lost, with_syn)
}

/// The same, and the server resets the connection at the end of it.
pub fn captured_to(reset: bool, port: u16, said: &[Said], lost: &[usize], with_syn: bool) -> (String, String) {
    seed(port, said, with_syn);
    run(&frames(reset, port, said, lost, with_syn))
}

/// The record where a capture left off the last `bytes` of one thing that was said.
pub fn cut_short(said: &[Said], place: usize, bytes: usize) -> String {
    let mut frames = frames(false, 80, said, &[], false);
    let cut = &mut frames[place];
    cut.truncate(cut.len() - bytes);
    run(&frames).0
}

fn frames(reset: bool, port: u16, said: &[Said], lost: &[usize], with_syn: bool) -> Vec<Vec<u8>> {
    const RST: u8 = 0x04;
    const SYN: u8 = 0x02;
    const PSH: u8 = 0x08;
    const ACK: u8 = 0x10;
    let mut seq = [1000u32, 5000];
    let mut frames = Vec::new();
    if with_syn {
        frames.push(frame(port, Forward, SYN, [999, 0], &[]));
        frames.push(frame(port, Reverse, SYN | ACK, [1000, 4999], &[]));
    }
    for (place, (from, bytes)) in said.iter().enumerate() {
        if !lost.contains(&place) {
            frames.push(frame(port, *from, PSH | ACK, seq, bytes));
        }
        seq[*from as usize] += u32::try_from(bytes.len()).unwrap();
    }
    if reset {
        frames.push(frame(port, Reverse, RST | ACK, seq, &[]));
    }
    frames
}

fn run(frames: &[Vec<u8>]) -> (String, String) {
    let mut core =
        Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows: 10, seed: 1 });
    for (number, bytes) in (1..).zip(frames) {
        core.frames(&[Frame { time: number * 1_000_000, link: RAW, number, bytes }]);
    }
    core.finish(usize::MAX);
    let facts = core.take_observations().pop().map_or(Vec::new(), |o| o.facts.to_vec());
    (String::from_utf8(core.records().to_vec()).unwrap(), String::from_utf8(facts).unwrap())
}

/// Where `scripts/fuzz` asks for it, the connection becomes a seed of the fuzzers (`flows.rs` of theirs says how it is laid out).
fn seed(port: u16, said: &[Said], with_syn: bool) {
    const OTHER: u8 = 0x40;
    let Some(corpora) = std::env::var_os("TRANSITPROOF_SEEDS") else { return };
    let mut script = port.to_be_bytes().to_vec();
    for (from, bytes) in said.iter().filter(|(_, bytes)| bytes.len() <= usize::from(u16::MAX)) {
        script.push(*from as u8 | if with_syn { 0 } else { OTHER });
        script.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        script.extend_from_slice(bytes);
    }
    let name = script.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3) // FNV-1a
    });
    std::fs::write(std::path::Path::new(&corpora).join(format!("flows/test-{name:016x}")), script).unwrap();
}

pub fn says(from: Direction, bytes: impl AsRef<[u8]>) -> Said {
    (from, bytes.as_ref().to_vec())
}

pub fn socks5() -> Vec<Said> {
    vec![
        says(Forward, b"\x05\x01\0"),
        says(Reverse, b"\x05\0"),
        says(Forward, b"\x05\x01\0\x03\x0bexample.com\x01\xbb"),
        says(Reverse, b"\x05\0\0\x01\xc0\0\x02\x01\x04\x38"),
    ]
}

pub fn connect() -> Vec<Said> {
    vec![says(Forward, CONNECT), says(Reverse, "HTTP/1.1 200 Connection established\r\n\r\n")]
}

fn assert_tls(said: &[Said], via: &str) {
    for with_syn in [true, false] {
        let (record, facts) = record(said, with_syn);
        let member =
            format!(",\"class\":\"tls\",\"protocol\":\"tls\",\"evidence\":\"observed\",\"via\":[{via}],\"tls\":{{");
        assert!(record.contains(&member), "{record}");
        assert!(record.contains("\"version\":\"TLSv1.2\"") && record.contains("\"src_port\":40000"), "{record}");
        assert!(
            facts.contains(&format!("\"via\":[{via}]")) && facts.contains("\"tls.version\":\"TLSv1.2\""),
            "{facts}"
        );
    }
}

#[test]
fn tls_behind_each_proxy() {
    assert_tls(&[socks5(), handshake()].concat(), "\"socks5\"");
    assert_tls(&[connect(), handshake()].concat(), "\"http_connect\"");
    assert_tls(&[vec![says(Forward, PROXY_V2)], handshake()].concat(), "\"proxy_v2\"");
}

#[test]
fn proxies_in_front_of_proxies_outermost_first() {
    let v1 = says(Forward, "PROXY TCP4 192.0.2.1 192.0.2.7 55555 443\r\n");
    let said = [vec![v1], socks5(), connect(), handshake()].concat();
    assert_tls(&said, "\"proxy_v1\",\"socks5\",\"http_connect\"");
}

#[test]
fn prefix_and_client_hello_in_one_segment() {
    let mut said = handshake();
    said[0].1.splice(0..0, PROXY_V2.iter().copied());
    assert_tls(&said, "\"proxy_v2\"");
}

#[test]
fn other_protocols_behind_a_proxy() {
    let ssh = [socks5(), vec![says(Reverse, "SSH-2.0-OpenSSH_9.6\r\n")]].concat();
    let (record_of_ssh, facts) = record(&ssh, true);
    assert!(record_of_ssh.contains("\"class\":\"encrypted\",\"protocol\":\"ssh\""), "{record_of_ssh}");
    assert!(record_of_ssh.contains("\"via\":[\"socks5\"]") && facts.contains("\"via\":[\"socks5\"]"), "{facts}");
    // STARTTLS stays what it is behind a PROXY header.
    let mail = vec![
        says(Forward, PROXY_V2),
        says(Reverse, "220 mx ESMTP\r\n"),
        says(Forward, "EHLO a\r\n"),
        says(Reverse, "250 STARTTLS\r\n"),
        says(Forward, "STARTTLS\r\n"),
        says(Reverse, "220 go ahead\r\n"),
    ];
    let (record_of_mail, _) = record(&[mail, handshake()].concat(), true);
    assert!(record_of_mail.contains("\"via\":[\"proxy_v2\"],\"starttls\":\"smtp\",\"tls\":{"), "{record_of_mail}");
}

#[test]
fn nothing_or_something_unknown_behind_a_proxy() {
    let (quiet, _) = record(&socks5(), true);
    assert!(quiet.contains("\"class\":\"plaintext\",\"protocol\":\"socks\""), "{quiet}");
    let noise = [connect(), vec![says(Forward, [0xf7; 40]), says(Reverse, [0xf3; 40])]].concat();
    let (unknown, _) = record(&noise, true);
    assert!(unknown.contains("\"class\":\"unknown\"") && unknown.contains("\"via\":[\"http_connect\"]"), "{unknown}");
    let refused = vec![says(Forward, CONNECT), says(Reverse, "HTTP/1.1 403 Forbidden\r\n\r\n")];
    let (refused, facts) = record(&refused, true);
    assert!(refused.contains("\"protocol\":\"http\"") && !refused.contains("via"), "{refused}");
    assert!(facts.contains("\"plaintext.credentials\":\"http_basic\""), "{facts}");
}

/// A chain longer than the limit is not followed to its end, and nothing else happens.
#[test]
fn nesting_is_bounded() {
    let said: Vec<Said> = (0..=crate::limits::MAX_VIA).flat_map(|_| socks5()).collect();
    let (record, _) = record(&[said, handshake()].concat(), true);
    assert_eq!(record.matches("\"socks5\"").count(), crate::limits::MAX_VIA);
    assert!(record.contains("\"protocol\":\"socks\""), "{record}");
    let headers = says(Forward, PROXY_V2.repeat(crate::limits::MAX_VIA + 1));
    let (record, _) = self::record(&[vec![headers], handshake()].concat(), true);
    assert_eq!(record.matches("\"proxy_v2\"").count(), crate::limits::MAX_VIA, "{record}");
}

fn assert_starttls(clear: Vec<Said>, protocol: &str, handshake: Vec<Said>) {
    let (record, facts) = record(&[clear, handshake].concat(), true);
    assert!(
        record.contains(&format!("\"protocol\":\"tls\",\"evidence\":\"observed\",\"starttls\":\"{protocol}\"")),
        "{record}"
    );
    assert!(record.contains("\"version\":\"TLSv1.2\"") && record.contains("\"established\":true"), "{record}");
    assert!(facts.contains("\"tls.certificates\""), "{facts}");
}

#[test]
fn tls_behind_what_was_agreed_in_binary() {
    let rdp = [
        says(Forward, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x0b\0\0\0"),
        says(Reverse, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0"),
    ];
    assert_starttls(rdp.to_vec(), "rdp", handshake());
    let amqp = [says(Forward, b"AMQP\x02\x01\0\0"), says(Reverse, b"AMQP\x02\x01\0\0")];
    assert_starttls(amqp.to_vec(), "amqp", handshake());
}

/// RDP's own security, with the block that says so as MS-RDPBCGR section 4.1.4 shows it.
#[test]
fn rdp_with_and_without_its_own_encryption() {
    for (method, class) in [(2, "encrypted"), (0, "plaintext")] {
        let mut chosen =
            b"\x03\0\0\x2a\x02\xf0\x80\x7f\x66\0\x05\0\x14McDn\x14\x01\x0c\x08\0\x04\0\x08\0\x02\x0c\x0c\0".to_vec();
        chosen.extend([method, 0, 0, 0, method, 0, 0, 0]);
        let said = [
            says(Forward, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\0\0\0\0"),
            says(Reverse, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\0\0\0\0"),
            says(Forward, b"\x03\0\0\x08\x02\xf0\x80\x7f"),
            says(Reverse, chosen),
        ];
        let (records, _) = record(&said, true);
        assert!(records.contains(&format!("\"class\":\"{class}\",\"protocol\":\"rdp\"")), "{records}");
    }
}

#[test]
fn tls_behind_what_was_agreed_in_lines() {
    let sieve = [
        says(Reverse, "\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\n"),
        says(Forward, "STARTTLS\r\n"),
        says(Reverse, "OK \"begin\"\r\n"),
    ];
    assert_starttls(sieve.to_vec(), "sieve", handshake());
    let nntp = [says(Reverse, "200 news\r\n"), says(Forward, "STARTTLS\r\n"), says(Reverse, "382 go\r\n")];
    assert_starttls(nntp.to_vec(), "nntp", handshake());
    let xmpp = [
        says(
            Forward,
            "<?xml version='1.0'?><stream:stream to='a' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
        ),
        says(
            Reverse,
            "<?xml version='1.0'?><stream:stream from='a' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
        ),
        says(Reverse, "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"),
        says(Forward, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        says(Reverse, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ];
    assert_starttls(xmpp.to_vec(), "xmpp", handshake());
}

#[test]
fn tls_in_the_packets_of_tds() {
    let clear = [
        says(Forward, b"\x12\x01\0\x1a\0\0\0\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x11\0\0\0\0\0\x01"),
        says(Reverse, b"\x04\x01\0\x1a\0\0\x01\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x0f\0\x07\xd0\0\0\x01"),
    ];
    // All but the application data, in packets of at most 500 bytes.
    let packets = |bytes: &[u8]| -> Vec<u8> {
        let packet = |piece: &[u8]| {
            let length = u16::try_from(8 + piece.len()).unwrap().to_be_bytes();
            [&[0x12, 1, length[0], length[1], 0, 0, 0, 0], piece].concat()
        };
        bytes.chunks(500).flat_map(packet).collect()
    };
    let wrap = |(from, bytes): Said| (from, if bytes[0] == 0x17 { bytes } else { packets(&bytes) });
    assert_starttls(clear.to_vec(), "tds", handshake().into_iter().map(wrap).collect());
}

/// Packets of OpenVPN's control channel: the resets, then the handshake, each part with its number.
fn openvpn(signature: usize) -> Vec<Said> {
    let packet = |opcode: u8, id: u32, acknowledged: &[u8], payload: &[u8]| {
        let mut signed = vec![0xa5; signature];
        if signature > 0 {
            signed.extend([0, 0, 0, 1, 0x66, 0, 0, 0]);
        }
        [&[opcode << 3, 1, 2, 3, 4, 5, 6, 7, 8], &signed[..], acknowledged, &id.to_be_bytes(), payload].concat()
    };
    let mut next = [1, 1];
    let mut said = vec![
        (Forward, packet(7, 0, &[0], &[])),
        (Reverse, packet(8, 0, &[1, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1], &[])),
    ];
    for (from, bytes) in handshake() {
        for piece in bytes.chunks(400) {
            said.push((from, packet(4, next[from as usize], &[0], piece)));
            next[from as usize] += 1;
        }
    }
    said
}

#[test]
fn tls_in_openvpn_over_tcp_with_and_without_tls_auth() {
    let framed =
        |(from, packet): Said| (from, [&u16::try_from(packet.len()).unwrap().to_be_bytes()[..], &packet].concat());
    for signature in [0, 20, 64] {
        let said: Vec<Said> = openvpn(signature).into_iter().map(framed).collect();
        let (record, facts) = record(&said, true);
        assert!(record.contains("\"class\":\"encrypted\",\"protocol\":\"openvpn\""), "{record}");
        assert!(
            record.contains("\"tls\":{\"version\":\"TLSv1.2\"") && record.contains("\"established\":true"),
            "{record}"
        );
        assert!(facts.contains("\"tls.certificates\""), "{facts}");
    }
}

/// What the record says of the content, but for what the server sent before the client did: that is a matter of order.
fn content(record: &str) -> String {
    let (start, end) = (record.find(",\"class\"").unwrap(), record.find(",\"end_reason\"").unwrap());
    let said = &record[start..end];
    match said.split_once(",\"server_flight\":") {
        Some((before, rest)) => [before, rest.trim_start_matches(|c: char| c.is_ascii_digit())].concat(),
        None => said.to_string(),
    }
}

/// While one side is silent, so much noise of the other's is looked at, and no more.
#[test]
fn what_comes_behind_noise_is_not_heard() {
    let noise = |n: usize| says(Forward, (0..1400).map(|at| (at * 167 + n * 91 + 0x80) as u8).collect::<Vec<u8>>());
    let behind = |segments: usize| {
        let said = (0..segments).map(noise).chain([says(Reverse, "SSH-2.0-OpenSSH_9.6\r\n")]).collect::<Vec<_>>();
        record(&said, true).0.contains("\"ssh\"")
    };
    assert!(behind(3) && !behind(6));
}

/// Plays segments behind a TCP handshake; each is (direction, offset in its stream, bytes).
pub fn played(segments: &[(Direction, usize, &[u8])]) -> String {
    let mut core =
        Core::new(Config { flows: true, endpoints: false, names: false, max_flows: 10, seed: 1, why: false });
    let mut frames = vec![frame(1080, Forward, 0x02, [999, 0], &[]), frame(1080, Reverse, 0x12, [1000, 4999], &[])];
    for (from, at, bytes) in segments {
        let mut seq = [1000u32, 5000];
        seq[*from as usize] += u32::try_from(*at).unwrap();
        frames.push(frame(1080, *from, 0x18, seq, bytes));
    }
    for (number, bytes) in (1..).zip(&frames) {
        core.frames(&[Frame { time: number * 1_000_000, link: RAW, number, bytes }]);
    }
    core.finish(usize::MAX);
    String::from_utf8(core.records().to_vec()).unwrap()
}

proptest! {
    /// Segments of one handshake, cut, repeated, overlapping and shuffled as they may be, give one and the same record.
    #[test]
    fn any_order_of_segments_gives_the_same_record(
        trace in prop::sample::select(vec![
            include_str!("tls/testdata/tls12_ecdhe.txt"),
            include_str!("tls/testdata/tls12_mutual.txt"),
            include_str!("tls/testdata/tls12_resumed.txt"),
            include_str!("tls/testdata/tls13_retry.txt"),
            include_str!("tls/testdata/tls13_resumed.txt"),
            include_str!("tls/testdata/tls10_dhe2048.txt"),
        ]),
        size in prop_oneof![100usize..1460, 1460usize..40_000],
        extra in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 1usize..700), 0..16),
        order in any::<u64>(),
    ) {
        let said = recorded(trace);
        let streams = [Forward, Reverse].map(|side| {
            said.iter().filter(|(from, _)| *from == side).flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>()
        });
        let (expected, _) = record(&said, true);
        let mut segments = Vec::new();
        for (side, stream) in [Forward, Reverse].into_iter().zip(&streams) {
            segments.extend(stream.chunks(size).enumerate().map(|(n, piece)| (side, n * size, piece)));
        }
        for (forward, at, length) in extra {
            let (side, stream) = if forward { (Forward, &streams[0]) } else { (Reverse, &streams[1]) };
            let at = at.index(stream.len());
            segments.push((side, at, &stream[at..stream.len().min(at + length)]));
        }
        let mut state = order | 1;
        for i in (1..segments.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            segments.swap(i, (state >> 33) as usize % (i + 1));
        }
        let got = played(&segments);
        prop_assert_eq!(content(&got), content(&expected));
    }
}
