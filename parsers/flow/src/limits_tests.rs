//! Bounds met from outside: what comes behind one is not heard, and what would go beyond it is counted.

use crate::core::{Config, Core, Frame};
use crate::limits::{MAX_DATAGRAMS, MAX_ENDPOINTS, MAX_HEAD};

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

/// The first datagram that does something tells how calls are protected, or that they go on under DTLS.
#[test]
fn calls_that_do_nothing_are_waited_behind() {
    let most = usize::from(MAX_DATAGRAMS);
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
    let call = |procedure: u32, flavor: u32, credential: &[u32]| {
        let head = words(&[7, 0, 2, 100_003, 3, procedure, flavor, 4 * credential.len() as u32]);
        [head, words(credential), words(&[0, 0]), words(&[9; 8])].concat()
    };
    let null = |flavor: u32| words(&[7, 0, 2, 100_003, 3, 0, flavor, 0, 0, 0]);
    let (clear, sealed) = (call(1, 1, &[0; 5]), call(1, 6, &[1, 0, 1, 3, 0]));
    let class = |record: &str, class: &str, protocol: &str| {
        record.contains(&format!("\"class\":\"{class}\",\"protocol\":\"{protocol}\""))
    };
    assert!(class(&behind(&null(0), 2, &sealed), "encrypted", "nfs"));
    assert!(class(&behind(&null(0), 2, &clear), "plaintext", "nfs"));
    assert!(class(&behind(&null(0), 2, &null(0)), "plaintext", "nfs"), "nothing else was said");
    assert!(class(&behind(&null(0), most, &sealed), "encrypted", "nfs"));
    assert!(class(&behind(&null(0), most + 1, &sealed), "plaintext", "nfs"));
    // OpenSSL's HelloVerifyRequest behind the question for TLS and its answer.
    let dtls = b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x13\x03\0\0\x07\0\0\0\0\0\0\0\x07\xfe\xff\x04abcd";
    let agreed = [words(&[7, 1, 0, 0, 8]), b"STARTTLS".to_vec(), words(&[0])].concat();
    let said = [udp(false, 0x0a00_0002, &null(7)), udp(true, 0x0a00_0002, &agreed), udp(false, 0x0a00_0002, dtls)];
    let record = replayed(&said).0;
    assert!(class(&record, "tls", "dtls") && record.contains("\"starttls\":\"nfs\""), "{record}");
}

/// Those of dimpl's handshakes are such (see `dtls13_tests.rs`): every one of its datagrams under the unified header, each with another number.
#[test]
fn dtls_1_3_by_another_hand() {
    use transitproof_wire::app::Serial;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let trace = [include_str!("tls/testdata/dtls13_1301.txt"), include_str!("tls/testdata/dtls13_1303.txt")].concat();
    let sealed: Vec<Vec<u8>> = trace
        .lines()
        .filter(|line| line.starts_with("< 2") || line.starts_with("> 2"))
        .map(|line| line.as_bytes()[2..].chunks(2).map(byte).collect())
        .collect();
    assert!(sealed.len() > 10);
    let read: Vec<_> = sealed.iter().map(|datagram| Serial::of(datagram).unwrap()).collect();
    let follows = read.windows(2).map(|pair| pair[1].follows(pair[0]));
    let same_epoch = sealed.windows(2).map(|pair| pair[1][0] == pair[0][0]);
    assert!(follows.eq(same_epoch), "{read:?}");
}

/// Four records under the unified header prove DTLS 1.3 that is joined behind its handshake.
#[test]
fn dtls_1_3_joined() {
    let record = |n: usize| {
        let masked = noise(2 * n + 2);
        [&[0x2f], &masked[2 * n..], &[0, 90], &noise(90 + n)[n..]].concat()
    };
    let said: Vec<_> = (0..4).map(|n| udp(n % 2 == 1, 0x0a00_0002, &record(n))).collect();
    assert!(replayed(&said).0.contains("\"class\":\"unknown\""), "two of each side");
    for back in [false, true] {
        let said: Vec<_> = (0..4).map(|n| udp(back, 0x0a00_0002, &record(n))).collect();
        let found = replayed(&said).0;
        assert!(found.contains("\"class\":\"tls\",\"protocol\":\"dtls\""), "{found}");
        assert!(replayed(&said[1..]).0.contains("\"class\":\"unknown\""));
    }
}

/// What a stream may yet be is waited for up to so many bytes of one side, here a name of IRC whose line has not ended.
#[test]
fn a_head_is_kept_up_to_its_limit() {
    use crate::Direction::{Forward, Reverse};
    use crate::opening_tests::{record, says};
    let behind = |bytes: usize| {
        let line = [&b"NICK "[..], &vec![b'a'; bytes]].concat();
        record(&[says(Forward, &line[..bytes]), says(Reverse, "SSH-2.0-OpenSSH_9.6\r\n")], true).0
    };
    assert!(behind(MAX_HEAD - 1).contains("\"ssh\""));
    let found = behind(MAX_HEAD);
    assert!(found.contains("\"class\":\"unknown\""), "{found}");
}

#[test]
fn endpoints_beyond_the_limit_are_counted_together() {
    let frames: Vec<_> = (0..=MAX_ENDPOINTS as u32).map(|n| udp(false, 0x0b00_0000 + n, b"?")).collect();
    let (_, totals) = replayed(&frames);
    assert!(totals.contains("\"endpoints\":1"), "{totals}");
    assert!(!replayed(&frames[1..]).1.contains("\"endpoints\":"), "not one less");
}
