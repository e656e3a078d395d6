//! Connections as frames through the whole core: proxies in front of TLS and of protocols in the clear.

use crate::Direction::{self, Forward, Reverse};
use crate::core::{Config, Core, Frame};

/// LINKTYPE_RAW: IP without a link layer.
const RAW: u16 = 101;
const CONNECT: &str = "CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: Basic am9lOng=\r\n\r\n";
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x07\xd9\x03\x01\xbb";

type Said = (Direction, Vec<u8>);

/// A handshake of OpenSSL's, see [`crate::tls`].
fn handshake() -> Vec<Said> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let line = |line: &str| {
        let from = if line.starts_with('>') { Forward } else { Reverse };
        (from, line.as_bytes()[2..].chunks(2).map(byte).collect())
    };
    include_str!("tls/testdata/tls12_ecdhe.txt").lines().map(line).collect()
}

fn frame(from: Direction, flags: u8, seq: [u32; 2], payload: &[u8]) -> Vec<u8> {
    let ends = [([192, 0, 2, 1], 40_000u16), ([192, 0, 2, 2], 1080)];
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
fn record(said: &[Said], with_syn: bool) -> (String, String) {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    let mut core =
        Core::new(Config { flows: true, why: false, endpoints: false, names: false, max_flows: 10, seed: 1 });
    let mut seq = [1000u32, 5000];
    let mut frames = Vec::new();
    if with_syn {
        frames.push(frame(Forward, SYN, [999, 0], &[]));
        frames.push(frame(Reverse, SYN | ACK, [1000, 4999], &[]));
    }
    for (from, bytes) in said {
        frames.push(frame(*from, ACK, seq, bytes));
        seq[*from as usize] += u32::try_from(bytes.len()).unwrap();
    }
    for (number, bytes) in (1..).zip(&frames) {
        core.frames(&[Frame { time: number * 1_000_000, link: RAW, number, bytes }]);
    }
    core.finish(usize::MAX);
    let facts = core.take_observations().pop().map_or(Vec::new(), |o| o.facts.to_vec());
    (String::from_utf8(core.take_records()).unwrap(), String::from_utf8(facts).unwrap())
}

fn says(from: Direction, bytes: impl AsRef<[u8]>) -> Said {
    (from, bytes.as_ref().to_vec())
}

fn socks5() -> Vec<Said> {
    vec![
        says(Forward, b"\x05\x01\0"),
        says(Reverse, b"\x05\0"),
        says(Forward, b"\x05\x01\0\x03\x0bexample.com\x01\xbb"),
        says(Reverse, b"\x05\0\0\x01\xc0\0\x02\x01\x04\x38"),
    ]
}

fn connect() -> Vec<Said> {
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
}
