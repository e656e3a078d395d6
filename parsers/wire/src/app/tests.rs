//! The table as a whole: what must stay unrecognised, and short hands for the tests of each family.

use super::*;

const PORTS: Ports = Ports { client: 40_000, server: 40_001 };

/// Where `scripts/fuzz` asks for it, what a test looks at becomes a seed of the fuzzers (their `app.rs` and `flows.rs` say how it is laid out).
pub fn seed(target: &str, parts: &[&[u8]]) {
    let Some(corpora) = std::env::var_os("TRANSITPROOF_SEEDS") else { return };
    let bytes = parts.concat();
    let name = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3) // FNV-1a
    });
    std::fs::write(std::path::Path::new(&corpora).join(target).join(format!("test-{name:016x}")), bytes).unwrap();
}

/// The same of a stream, also carried by a connection that is joined in its middle.
pub fn seed_stream(client: &[u8], server: &[u8], port: u16) {
    const REVERSE: u8 = 1;
    const OTHER: u8 = 0x40;
    let lengths = [client, server].map(|said| u16::try_from(said.len()).unwrap_or(u16::MAX).to_be_bytes());
    let port = port.to_be_bytes();
    seed("app_stream", &[&port, &lengths[0], client, server]);
    seed("flows", &[&port, &[OTHER], &lengths[0], client, &[OTHER | REVERSE], &lengths[1], server]);
}

fn judged(client: &[u8], server: &[u8], port: u16) -> Option<Protocol> {
    seed_stream(client, server, port);
    is(stream(client, server, Ports { server: port, ..PORTS }))
}

fn is(verdict: Verdict) -> Option<Protocol> {
    if let Verdict::Is(protocol) = verdict { Some(protocol) } else { None }
}

/// What only the client's bytes say, on ports that say nothing.
pub fn client(bytes: &[u8]) -> Option<Protocol> {
    judged(bytes, &[], PORTS.server)
}

pub fn server(bytes: &[u8]) -> Option<Protocol> {
    judged(&[], bytes, PORTS.server)
}

pub fn server_on(bytes: &[u8], port: u16) -> Option<Protocol> {
    judged(&[], bytes, port)
}

pub fn both(client: &[u8], server: &[u8]) -> Option<Protocol> {
    judged(client, server, PORTS.server)
}

pub fn client_on(bytes: &[u8], port: u16) -> Option<Protocol> {
    judged(bytes, &[], port)
}

/// A datagram from the client to this port, and one back from it.
pub fn udp(bytes: &[u8], port: u16) -> Option<Protocol> {
    seed("app_datagram", &[&port.to_be_bytes(), bytes]);
    is(datagram(bytes, true, Ports { server: port, ..PORTS }))
}

pub fn udp_back(bytes: &[u8], port: u16) -> Option<Protocol> {
    seed("app_datagram", &[&port.to_be_bytes(), bytes]);
    is(datagram(bytes, false, Ports { server: port, ..PORTS }))
}

/// A message, the port that it goes to or comes from, the byte of it that may not be another, and what it is.
pub type Message<'a> = (&'a [u8], u16, usize, Protocol);

/// Each message is what it is on its port, and nothing with one byte changed.
pub fn each(judge: fn(&[u8], u16) -> Option<Protocol>, messages: &[Message<'_>]) {
    for (bytes, port, changed, protocol) in messages {
        assert_eq!(judge(bytes, *port), Some(*protocol));
        let mut other = bytes.to_vec();
        other[*changed] ^= 0x40;
        assert_eq!(judge(&other, *port), None, "{protocol:?}");
    }
}

/// Random bytes that are the same in every run (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: u64) -> usize {
        usize::try_from(self.next() % n).unwrap()
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(n).collect()
    }
}

/// What may be a key or ciphertext.
pub fn fair(n: usize) -> Vec<u8> {
    Random(3).bytes(n)
}

#[test]
fn random_bytes_are_nothing() {
    let mut random = Random(7);
    for round in 0..30_000u32 {
        // All short lengths, where a coincidence is likeliest, and some of a full segment.
        let limit = if round % 16 == 0 { 1400 } else { 200 };
        let (a, b) = (random.below(limit), random.below(limit));
        let (a, b) = (random.bytes(a), random.bytes(b));
        let ports = Ports { client: random.next() as u16 | 0x8000, server: random.next() as u16 | 0x8000 };
        assert_eq!(is(datagram(&a, round % 2 == 0, ports)), None, "{ports:?} {a:02x?}");
        assert_eq!(is(stream(&a, &b, ports)), None, "{ports:?} {a:02x?} {b:02x?}");
        assert_eq!(is(stream(&a, &[], ports)), None, "{ports:?} {a:02x?}");
        assert_eq!(is(stream(&[], &a, ports)), None, "{ports:?} {a:02x?}");
    }
}

/// On its own port a weak match counts, and must still not be chance: less than one in ten thousand.
#[test]
fn random_bytes_on_a_registered_port_are_nothing() {
    const ROUNDS: usize = 10_000;
    const LENGTHS: [usize; 10] = [8, 12, 16, 20, 32, 48, 64, 92, 148, 300];
    let mut random = Random(11);
    let payloads: Vec<_> = (0..ROUNDS).map(|n| random.bytes(LENGTHS[n % LENGTHS.len()])).collect();
    let mut failures = Vec::new();
    let mut check = |protocol, kind, ports: &[u16], judge: &dyn Fn(&[u8], Ports) -> Verdict| {
        let Some(server) = ports.first() else { return };
        let ports = Ports { client: 50_000, server: *server };
        let hits = payloads.iter().filter(|p| is(judge(p, ports)).is_some()).count();
        if hits > ROUNDS / 10_000 {
            failures.push((protocol, kind, hits));
        }
    };
    for row in DATAGRAMS {
        check(row.protocol, "datagram", row.ports, &|p, ports| datagram(p, true, ports));
    }
    for row in STREAMS {
        check(row.protocol, "client", row.ports, &|p, ports| stream(p, &[], ports));
        check(row.protocol, "server", row.ports, &|p, ports| stream(&[], p, ports));
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn nothing_is_undecided_and_a_full_head_is_not() {
    assert_eq!(stream(&[], &[], PORTS), Verdict::Undecided);
    assert_eq!(stream(b"S", &[], PORTS), Verdict::Undecided);
    assert_eq!(stream(b"SS", b"\x91\x92\x93\x94\x95\x96\x97\x98", PORTS), Verdict::Undecided);
    assert_eq!(stream(&[0xee; HEAD_LIMIT], &[0xee; HEAD_LIMIT], PORTS), Verdict::None);
    assert_eq!(stream(&[0xee; 64], &[0xee; 64], PORTS), Verdict::None);
    assert_eq!(datagram(&[], true, PORTS), Verdict::Undecided);
}

/// A stream that arrives byte by byte is never called something else on the way.
#[test]
fn a_greeting_in_pieces_never_changes_its_mind() {
    let greetings: [(&[u8], &[u8], Protocol); 6] = [
        (b"SSH-2.0-OpenSSH_9.6\r\n", b"", Protocol::Ssh),
        (b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n", b"", Protocol::Http),
        (b"", b"220 mx.example ESMTP Postfix\r\n", Protocol::Smtp),
        (b"", b"* OK [CAPABILITY IMAP4rev1] ready\r\n", Protocol::Imap),
        (b"*1\r\n$4\r\nPING\r\n", b"", Protocol::Redis),
        (b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04test", b"", Protocol::Mqtt),
    ];
    for (client, server, protocol) in greetings {
        for n in 0..=client.len().max(server.len()) {
            let (c, s) = (&client[..n.min(client.len())], &server[..n.min(server.len())]);
            let verdict = stream(c, s, PORTS);
            assert!(matches!(verdict, Verdict::Undecided) || verdict == Verdict::Is(protocol), "{n}: {verdict:?}");
        }
        assert_eq!(stream(client, server, PORTS), Verdict::Is(protocol));
    }
}
