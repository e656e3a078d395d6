//! The rows: one a protocol, with a step for what each side sends and the first bytes of messages that the step can take. From those the
//! masks are made when this is compiled, so that a place in a stream meets only the rows that can begin there.
//!
//! A range is the step's own condition, never a guess: what it leaves out the step would refuse, or its message would tell nothing.

use super::{BROKEN, Test, brokers, databases, lines, mail, screens, services, web};
use crate::Protocol::{self as P};

/// Ranges of a byte, both ends included.
type Bytes = &'static [(u8, u8)];

/// Bytes at the front of a message that are looked at before its row's step: most lengths and types stand within them.
pub const FRONT: usize = 4;

pub struct Side {
    /// Ranges of the first bytes, one after the other, of as many as there are; others may be anything.
    front: &'static [Bytes],
    pub step: Test,
}

impl Side {
    const fn is_silent(&self) -> bool {
        self.front[0].is_empty()
    }
}

pub struct Row {
    pub protocol: P,
    pub client: Side,
    pub server: Side,
    /// Messages are lines: they begin behind the end of one.
    lines: bool,
}

const ANY: Bytes = &[(0, 255)];
const ZERO: Bytes = &[(0, 0)];
/// The first of four bytes of a length of up to 16 MB.
const ZERO_OR_ONE: Bytes = &[(0, 1)];
/// The second of four bytes of a length of up to 1 MB.
const MEGABYTE: Bytes = &[(0, 0x10)];
const UPPER: Bytes = &[(b'A', b'Z')];
const LETTERS: Bytes = &[(b'A', b'Z'), (b'a', b'z')];
const DIGITS: Bytes = &[(b'0', b'9')];
/// Letters behind a first one, and the end of a word.
const WORD: Bytes = &[(b'\t', b'\r'), (b' ', b'~')];

const COMMAND: &[Bytes] = &[LETTERS, LETTERS, WORD, WORD];
const REPLY: &[Bytes] = &[&[(b'1', b'6')], DIGITS, DIGITS, &[(b' ', b' '), (b'-', b'-')]];
const WEBSOCKET: Bytes = &[(0x81, 0x82), (0x88, 0x8a), (0xc1, 0xc2)];
const TACACS: &[Bytes] = &[&[(0xc0, 0xc1)], &[(1, 3)], ANY, &[(0, 1), (4, 5)]];
/// BER's lengths of up to four bytes.
const LDAP: &[Bytes] = &[&[(0x30, 0x30)], &[(0, 0x84)]];

/// A side whose messages tell nothing.
const SILENT: Side = Side { front: &[&[]], step: |_, _| BROKEN };

const fn side(front: &'static [Bytes], step: Test) -> Side {
    Side { front, step }
}

const fn two(protocol: P, client: Side, server: Side) -> Row {
    Row { protocol, client, server, lines: false }
}

/// Both sides write the same format.
const fn same(protocol: P, front: &'static [Bytes], step: Test) -> Row {
    two(protocol, side(front, step), side(front, step))
}

const fn lines(protocol: P, client: Side, server: Side) -> Row {
    Row { protocol, client, server, lines: true }
}

pub const ROWS: &[Row] = &[
    same(P::Http, &[MEGABYTE, ANY, ANY, &[(0, 4), (6, 9), (16, 16)]], web::http2),
    two(
        P::Http,
        side(&[WEBSOCKET, &[(0x80, 0xff)]], web::websocket_client),
        side(&[WEBSOCKET, &[(0, 0x7f)]], web::websocket_server),
    ),
    two(
        P::Mysql,
        side(&[ANY, ANY, ANY, ZERO], databases::mysql_client),
        // Longer packets tell nothing.
        side(&[ANY, ANY, ZERO], databases::mysql_server),
    ),
    two(
        P::Postgresql,
        side(
            &[&[(b'B', b'F'), (b'H', b'H'), (b'P', b'S'), (b'X', b'X'), (b'c', b'f'), (b'p', b'p')], ZERO_OR_ONE],
            databases::postgresql_client,
        ),
        side(&[&[(b'1', b'3'), (b'A', b'Z'), (b'c', b'd'), (b'n', b't')], ZERO_OR_ONE], databases::postgresql_server),
    ),
    same(P::Oracle, &[&[(0, 0x20)]], databases::oracle),
    two(
        P::Cassandra,
        side(&[&[(3, 5)], &[(0, 0x1f)]], databases::cassandra_client),
        side(&[&[(0x83, 0x85)], &[(0, 0x1f)]], databases::cassandra_server),
    ),
    same(P::Cassandra, &[ANY], databases::cassandra_framed),
    two(
        P::Tds,
        side(&[&[(1, 1), (3, 3), (6, 7), (14, 14)], &[(0, 0x1d)], &[(0, 0x7f)]], databases::tds_client),
        side(&[&[(4, 4)], &[(0, 0x1d)], &[(0, 0x7f)]], databases::tds_server),
    ),
    same(P::Mongodb, &[ANY, ANY, ANY, &[(0, 2)]], databases::mongodb),
    two(
        P::Redis,
        side(&[&[(b'*', b'*')], &[(b'-', b'-'), (b'0', b'9')]], databases::redis_client),
        side(
            &[&[(b'$', b'$'), (b'*', b'+'), (b'-', b'-'), (b':', b':')], &[(b'-', b'-'), (b'0', b'9'), (b'A', b'Z')]],
            databases::redis_server,
        ),
    ),
    two(
        P::Zookeeper,
        side(&[ZERO, MEGABYTE], services::zookeeper_client),
        side(&[ZERO, MEGABYTE], services::zookeeper_server),
    ),
    two(P::Kafka, side(&[ZERO], brokers::kafka_client), SILENT),
    same(P::Amqp, &[&[(1, 3), (8, 8)], ANY, ANY, ZERO], brokers::amqp_0_9_1),
    same(P::Amqp, &[ZERO], brokers::amqp_1_0),
    two(
        P::Mqtt,
        side(
            &[&[
                (0x30, 0x3d),
                (0x40, 0x40),
                (0x50, 0x50),
                (0x62, 0x62),
                (0x70, 0x70),
                (0x82, 0x82),
                (0xa2, 0xa2),
                (0xc0, 0xc0),
                (0xe0, 0xe0),
            ]],
            brokers::mqtt_client,
        ),
        side(
            &[&[
                (0x20, 0x20),
                (0x30, 0x3d),
                (0x40, 0x40),
                (0x50, 0x50),
                (0x62, 0x62),
                (0x70, 0x70),
                (0x90, 0x90),
                (0xb0, 0xb0),
                (0xd0, 0xd0),
            ]],
            brokers::mqtt_server,
        ),
    ),
    two(
        P::Stomp,
        side(&[UPPER, UPPER, UPPER, WORD], brokers::stomp_client),
        side(&[UPPER, UPPER, UPPER, UPPER], brokers::stomp_server),
    ),
    lines(
        P::Nats,
        side(&[UPPER, UPPER, UPPER, WORD], brokers::nats_client),
        side(&[&[(b'+', b'+'), (b'-', b'-'), (b'A', b'Z')], UPPER], brokers::nats_server),
    ),
    two(P::Tacacs, side(TACACS, services::tacacs_client), side(TACACS, services::tacacs_server)),
    same(P::Bittorrent, &[ZERO, MEGABYTE], services::bittorrent),
    same(P::Bgp, &[&[(255, 255)], &[(255, 255)], &[(255, 255)], &[(255, 255)]], services::bgp),
    two(P::Ldap, side(LDAP, services::ldap_client), side(LDAP, services::ldap_server)),
    same(P::Smb, &[ZERO], services::smb),
    same(P::Smb3, &[ZERO], services::smb_sealed),
    two(P::Vnc, side(&[&[(2, 6)]], screens::vnc_client), SILENT),
    two(P::X11, side(&[&[(1, 255)], ANY, ANY, &[(0, 0x0f)]], screens::x11_client), SILENT),
    lines(P::Smtp, side(COMMAND, mail::smtp_client), side(REPLY, mail::smtp_server)),
    lines(P::Ftp, side(COMMAND, lines::ftp_client), side(REPLY, lines::ftp_server)),
    lines(P::Nntp, side(COMMAND, mail::nntp_client), side(REPLY, mail::nntp_server)),
    lines(
        P::Pop3,
        side(COMMAND, mail::pop3_client),
        side(
            &[&[(b'+', b'+'), (b'-', b'-')], &[(b'E', b'E'), (b'O', b'O'), (b'e', b'e'), (b'o', b'o')]],
            mail::pop3_server,
        ),
    ),
    lines(
        P::Imap,
        side(&[&[(b'.', b'.'), (b'0', b'9'), (b'A', b'Z'), (b'a', b'z')], WORD, WORD, WORD], mail::imap_client),
        side(&[&[(b'*', b'+'), (b'.', b'.'), (b'0', b'9'), (b'A', b'Z'), (b'a', b'z')], WORD], mail::imap_server),
    ),
    lines(
        P::Irc,
        side(COMMAND, lines::irc_client),
        side(&[&[(b':', b':'), (b'P', b'P'), (b'p', b'p')]], lines::irc_server),
    ),
    same(P::Xmpp, &[&[(b'<', b'<')], &[(b'i', b'i'), (b'm', b'm'), (b'p', b'p')]], lines::xmpp),
];

/// One bit a row.
pub type Rows = u32;

/// For each of the first bytes of a message and each value of it, the rows that can take it.
pub type Masks = [[Rows; 256]; FRONT];

pub static CLIENT: Masks = masks(true);
pub static SERVER: Masks = masks(false);
/// Rows whose messages are lines, and rows that expect nothing of a server.
pub const LINES: Rows = marked(true);
pub const SILENT_SERVER: Rows = marked(false);

const _: () = assert!(ROWS.len() <= Rows::BITS as usize, "a mask has one bit a row");

const fn masks(client: bool) -> Masks {
    let mut masks = [[0; 256]; FRONT];
    let mut row = 0;
    while row < ROWS.len() {
        let front = if client { ROWS[row].client.front } else { ROWS[row].server.front };
        let mut at = 0;
        while at < FRONT {
            let ranges = if at < front.len() { front[at] } else { ANY };
            let mut range = 0;
            while range < ranges.len() {
                let mut byte = ranges[range].0 as usize;
                while byte <= ranges[range].1 as usize {
                    masks[at][byte] |= 1 << row;
                    byte += 1;
                }
                range += 1;
            }
            at += 1;
        }
        row += 1;
    }
    masks
}

const fn marked(of_lines: bool) -> Rows {
    let (mut rows, mut row) = (0, 0);
    while row < ROWS.len() {
        let holds = if of_lines { ROWS[row].lines } else { ROWS[row].server.is_silent() };
        rows |= (holds as Rows) << row;
        row += 1;
    }
    rows
}

/// The rows of which a message may begin with these bytes; of those that are still to come anything is expected.
#[inline]
pub fn beginning(masks: &Masks, bytes: &[u8]) -> Rows {
    let mut rows = Rows::MAX;
    for (mask, byte) in masks.iter().zip(bytes) {
        rows &= mask[usize::from(*byte)];
    }
    rows
}
