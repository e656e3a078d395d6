//! Streams met in the middle: protocols told by messages that follow one another.
//!
//! A table again: one row a protocol, with a step for what each side sends. A step reads one message's header, says where the next one must
//! stand, and how many bits of what it read bytes of any other kind would have had to guess. Where the next header is no such thing, the chain
//! is broken and counts nothing. Lengths are never counted, nor are counters: ciphertext
//! may be framed by them as well; zeros count little, since other binary data is full of them.
//! Where bytes begin inside a message, its end is looked for: each place that was tried takes away from what is found there.
//! May not know: flows, time, how a connection began.

mod brokers;
mod databases;
mod lines;
mod mail;
mod screens;
mod services;
mod web;

use super::{HEAD_LIMIT, Ports, is_registered};
use crate::Protocol::{self as P};

/// Bits that both sides have to show together, in two messages or more. Random bytes do once in 2^48 for each row and side, for the most
/// part at their first byte; over all rows and places that is less than 2^-40 a flow.
const ENOUGH: u32 = 48;
/// Messages of one side looked at: fewer tell, or none will.
const MAX_LINKS: u32 = 32;
/// Places at which a chain may begin: where a segment begins with the end of a message, that is mostly short, and each place costs time on
/// streams that are none of these.
const MAX_PLACES: usize = 64;
/// Messages of one side looked at from all places together, so that bytes made for it cost little more than others.
const MAX_STEPS: u32 = 256;

/// What a step makes of the bytes before it.
#[derive(Debug, PartialEq, Eq)]
enum Link {
    /// Something else.
    Broken,
    /// A message: its length, and the bits that speak for it.
    Message { length: usize, bits: u32 },
}

/// `None` while the bytes end before the answer.
type Step = Option<Link>;

const BROKEN: Step = Some(Link::Broken);

/// A message, if it fits.
fn message(fits: bool, length: usize, bits: u32) -> Step {
    Some(if fits && length > 0 { Link::Message { length, bits } } else { Link::Broken })
}

/// The header of the next message; behind it the whole message before it, nothing at first.
type Test = fn(&[u8], &[u8]) -> Step;

struct Side {
    /// Ranges of first bytes that the step can take.
    first: &'static [(u8, u8)],
    step: Test,
}

struct Row {
    protocol: P,
    client: Side,
    server: Side,
    /// Messages are lines: they begin behind the end of one.
    lines: bool,
}

const ANY: &[(u8, u8)] = &[(0, 255)];
const ZERO: &[(u8, u8)] = &[(0, 0)];
const LETTERS: &[(u8, u8)] = &[(b'A', b'Z'), (b'a', b'z')];
const DIGITS: &[(u8, u8)] = &[(b'1', b'6')];

/// A side whose messages tell nothing.
const SILENT: Side = Side { first: &[], step: |_, _| BROKEN };

const fn side(first: &'static [(u8, u8)], step: Test) -> Side {
    Side { first, step }
}

const fn two(protocol: P, client: Side, server: Side) -> Row {
    Row { protocol, client, server, lines: false }
}

/// Both sides write the same format.
const fn same(protocol: P, first: &'static [(u8, u8)], step: Test) -> Row {
    two(protocol, side(first, step), side(first, step))
}

const fn lines(protocol: P, client: Side, server: Side) -> Row {
    Row { protocol, client, server, lines: true }
}

const ROWS: &[Row] = &[
    same(P::Http, &[(0, 0x0f)], web::http2),
    two(P::Http, side(&[(0x81, 0xc2)], web::websocket_client), side(&[(0x81, 0xc2)], web::websocket_server)),
    two(P::Mysql, side(ANY, databases::mysql_client), side(ANY, databases::mysql_server)),
    two(
        P::Postgresql,
        side(LETTERS, databases::postgresql_client),
        side(&[(b'1', b'z')], databases::postgresql_server),
    ),
    same(P::Oracle, &[(0, 0x20)], databases::oracle),
    two(P::Cassandra, side(&[(3, 5)], databases::cassandra_client), side(&[(0x83, 0x85)], databases::cassandra_server)),
    same(P::Cassandra, ANY, databases::cassandra_framed),
    two(P::Tds, side(&[(1, 0x0e)], databases::tds_client), side(&[(4, 4)], databases::tds_server)),
    same(P::Mongodb, ANY, databases::mongodb),
    two(P::Redis, side(&[(b'*', b'*')], databases::redis_client), side(&[(b'$', b':')], databases::redis_server)),
    two(P::Zookeeper, side(ZERO, services::zookeeper_client), side(ZERO, services::zookeeper_server)),
    two(P::Kafka, side(ZERO, brokers::kafka_client), SILENT),
    same(P::Amqp, &[(1, 8)], brokers::amqp_0_9_1),
    same(P::Amqp, ZERO, brokers::amqp_1_0),
    two(P::Mqtt, side(&[(0x30, 0xe0)], brokers::mqtt_client), side(&[(0x30, 0xe0)], brokers::mqtt_server)),
    two(P::Stomp, side(&[(b'A', b'U')], brokers::stomp_client), side(&[(b'E', b'R')], brokers::stomp_server)),
    lines(P::Nats, side(LETTERS, brokers::nats_client), side(&[(b'+', b'z')], brokers::nats_server)),
    two(P::Tacacs, side(&[(0xc0, 0xc1)], services::tacacs_client), side(&[(0xc0, 0xc1)], services::tacacs_server)),
    same(P::Bittorrent, ZERO, services::bittorrent),
    same(P::Bgp, &[(255, 255)], services::bgp),
    two(P::Ldap, side(&[(0x30, 0x30)], services::ldap_client), side(&[(0x30, 0x30)], services::ldap_server)),
    same(P::Smb, ZERO, services::smb),
    same(P::Smb3, ZERO, services::smb_sealed),
    two(P::Vnc, side(&[(2, 6)], screens::vnc_client), SILENT),
    two(P::X11, side(&[(1, 255)], screens::x11_client), SILENT),
    lines(P::Smtp, side(LETTERS, mail::smtp_client), side(DIGITS, mail::smtp_server)),
    lines(P::Ftp, side(LETTERS, lines::ftp_client), side(DIGITS, lines::ftp_server)),
    lines(P::Nntp, side(LETTERS, mail::nntp_client), side(DIGITS, mail::nntp_server)),
    lines(P::Pop3, side(LETTERS, mail::pop3_client), side(&[(b'+', b'-')], mail::pop3_server)),
    lines(P::Imap, side(&[(b'0', b'z')], mail::imap_client), side(&[(b'*', b'z')], mail::imap_server)),
    lines(P::Irc, side(LETTERS, lines::irc_client), side(&[(b':', b'z')], lines::irc_server)),
    same(P::Xmpp, &[(b'<', b'<')], lines::xmpp),
];

/// For each first byte, the rows it can begin a message of: bit n is row n.
static CLIENT: [u32; 256] = masks(true);
static SERVER: [u32; 256] = masks(false);
/// Rows whose messages are lines.
const LINES: u32 = lines_of();

const _: () = assert!(ROWS.len() <= 32, "a mask has one bit a row");

const fn masks(client: bool) -> [u32; 256] {
    let mut masks = [0; 256];
    let mut row = 0;
    while row < ROWS.len() {
        let first = if client { ROWS[row].client.first } else { ROWS[row].server.first };
        let mut range = 0;
        while range < first.len() {
            let mut byte = first[range].0 as usize;
            while byte <= first[range].1 as usize {
                masks[byte] |= 1 << row;
                byte += 1;
            }
            range += 1;
        }
        row += 1;
    }
    masks
}

const fn lines_of() -> u32 {
    let (mut lines, mut row) = (0, 0);
    while row < ROWS.len() {
        lines |= (ROWS[row].lines as u32) << row;
        row += 1;
    }
    lines
}

/// What a chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub protocol: P,
    /// The initiator's bytes are a server's.
    pub turned: bool,
}

#[derive(Clone, Copy, Default)]
struct Chain {
    bits: u32,
    links: u32,
}

/// Judges what either direction has said, which may begin anywhere in a conversation. `joined`: who is the client is not known either.
/// `within`: also looks for messages that begin behind the first byte.
pub fn stream(client: &[u8], server: &[u8], ports: Ports, joined: bool, within: bool) -> Option<Found> {
    let (client, server) = (head(client), head(server));
    let none = [Chain::default(); ROWS.len()];
    let straight = [chains(client, &CLIENT, true, within), chains(server, &SERVER, false, within)];
    let turned = if joined {
        [chains(server, &CLIENT, true, within), chains(client, &SERVER, false, within)]
    } else {
        [none; 2]
    };
    let mut best = (ENOUGH - 1, None);
    for (n, row) in ROWS.iter().enumerate() {
        let [straight, turned] = [straight, turned].map(|[a, b]| both(a[n], b[n]));
        // Where both sides write alike, the port tells which is which.
        let by_port = || is_registered(row.protocol, ports.client) && !is_registered(row.protocol, ports.server);
        let bits = straight.max(turned);
        if bits > best.0 {
            let turned = turned > straight || turned == straight && by_port();
            best = (bits, Some(Found { protocol: row.protocol, turned }));
        }
    }
    best.1
}

/// What two sides are worth together, in two messages or more.
fn both(a: Chain, b: Chain) -> u32 {
    if a.links + b.links < 2 { 0 } else { a.bits + b.bits }
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..2 * HEAD_LIMIT).unwrap_or(bytes)
}

/// For each row the strongest chain of one side, less what its place was worth.
fn chains(bytes: &[u8], masks: &[u32; 256], of_client: bool, within: bool) -> [Chain; ROWS.len()] {
    let mut best = [Chain::default(); ROWS.len()];
    let mut steps = 0;
    let places = if within { MAX_PLACES } else { 1 };
    for (at, first) in bytes.iter().enumerate().take(places) {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut rows = masks[usize::from(*first)];
        if at > 0 && bytes[at - 1] != b'\n' {
            rows &= !LINES;
        }
        while rows != 0 && steps < MAX_STEPS {
            let n = rows.trailing_zeros() as usize;
            rows &= rows - 1;
            let side = if of_client { &ROWS[n].client } else { &ROWS[n].server };
            let chain = follow(side.step, rest);
            steps += chain.links;
            let bits = chain.bits.saturating_sub(at.checked_ilog2().map_or(0, |place| place + 1));
            // Inside other data one header alone may be a coincidence: it has to lead to another.
            if bits > best[n].bits && (at == 0 || chain.links > 1) {
                best[n] = Chain { bits, ..chain };
            }
        }
    }
    best
}

/// One chain from here on.
fn follow(step: Test, bytes: &[u8]) -> Chain {
    let (mut before, mut rest, mut chain) = (&[][..], bytes, Chain::default());
    while chain.links < MAX_LINKS && !rest.is_empty() {
        match step(rest, before) {
            None => break,
            Some(Link::Broken) => return Chain::default(),
            Some(Link::Message { length, bits }) => {
                chain = Chain { bits: chain.bits + bits, links: chain.links + 1 };
                let Some((whole, behind)) = rest.split_at_checked(length) else { break };
                (before, rest) = (whole, behind);
            }
        }
    }
    chain
}

/// Bits of words: a letter, digit or sign that can be printed is one byte in 2.7.
fn spelt(text: &[u8], most: u32) -> u32 {
    let printed = text.iter().take_while(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')).count();
    let bits = u32::try_from(printed * 4 / 3).unwrap_or(u32::MAX).min(most);
    if printed == text.len() { bits } else { 0 }
}

#[cfg(test)]
mod guards;
#[cfg(test)]
mod tests;
