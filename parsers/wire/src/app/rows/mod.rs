//! The table: one row a protocol, strong tests before the ones that share their first bytes.
//!
//! To add a protocol: its name in `protocol.rs`, a test function in its family's file, a row in the part below that names that file. `first`
//! lists the ranges of first bytes that the test can accept; from them the masks below are made when this is compiled, so that a
//! payload meets only the rows it can match. `ports` are the registered ones: they confirm a weak match and nothing else.
//! The parts are one table, in the order in which they stand here.

mod carriers;
mod clusters;
mod content;
mod desks;
mod edges;
mod everyday;
mod fabrics;
mod industry;
mod networks;
mod services;

use super::Datagram;
use super::look::{Look, NO};
use super::masks::{DatagramRows, StreamRows, datagram_masks, port_masks, stream_masks};
use crate::Protocol::{self as P};

/// Ranges of first bytes, both ends included.
pub(super) type First = &'static [(u8, u8)];

#[derive(Clone, Copy)]
pub(super) struct Side {
    pub(super) first: First,
    test: fn(&[u8]) -> Look,
}

impl Side {
    /// Nothing said yet answers nothing.
    #[inline]
    pub(super) fn look(&self, bytes: &[u8]) -> Look {
        if bytes.is_empty() { None } else { (self.test)(bytes) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct StreamRow {
    pub(super) protocol: P,
    pub(super) ports: &'static [u16],
    pub(super) client: Side,
    pub(super) server: Side,
    /// Without the port even both sides together say nothing.
    pub(super) ported: bool,
}

#[derive(Clone, Copy)]
pub(super) struct DatagramRow {
    pub(super) protocol: P,
    pub(super) ports: &'static [u16],
    pub(super) first: First,
    /// The test is never more than weak: without the port it need not run.
    pub(super) ported: bool,
    pub(super) test: fn(&Datagram) -> Look,
}

const ANY: First = &[(0, 255)];
const UPPER: First = &[(b'A', b'Z')];
const LETTERS: First = &[(b'A', b'Z'), (b'a', b'z')];
const WORDS: First = &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')];
const PRINTABLE: First = &[(b'\t', b'\n'), (b'\r', b'\r'), (b' ', b'~')];
const WORDS_OR_STAR: First = &[(b'*', b'*'), (b'0', b'9'), (b'A', b'Z'), (b'a', b'z')];
/// What a terminal shows and sends.
const TYPED: First = &[(0, 0), (7, 13), (27, 27), (b' ', b'~')];
const ZERO: First = &[(0, 0)];

const EAQ_PORTS: &[u16] =
    &[6000, 6001, 6002, 6003, 6004, 6005, 6006, 6007, 6008, 6009, 6010, 6011, 6012, 6013, 6014, 6015, 6016, 6017];

/// The first that mosh-server takes: it begins at 60001 and takes the next one that is free.
const MOSH_PORTS: &[u16] = &[60001, 60002, 60003, 60004, 60005, 60006, 60007, 60008];

/// A side whose bytes tell nothing of their own.
const SILENT: Side = Side { first: &[], test: |_| NO };

const fn side(first: First, test: fn(&[u8]) -> Look) -> Side {
    Side { first, test }
}

const fn tcp(protocol: P, ports: &'static [u16], client: Side, server: Side) -> StreamRow {
    StreamRow { protocol, ports, client, server, ported: false }
}

/// Both sides write the same format.
const fn same(protocol: P, ports: &'static [u16], first: First, test: fn(&[u8]) -> Look) -> StreamRow {
    StreamRow { protocol, ports, client: side(first, test), server: side(first, test), ported: false }
}

/// Both sides write what many protocols might: the port tells.
const fn on_port(protocol: P, ports: &'static [u16], first: First, test: fn(&[u8]) -> Look) -> StreamRow {
    StreamRow { protocol, ports, client: side(first, test), server: side(first, test), ported: true }
}

const fn udp(protocol: P, ports: &'static [u16], first: First, test: fn(&Datagram) -> Look) -> DatagramRow {
    DatagramRow { protocol, ports, first, ported: false, test }
}

/// A format too loose to be claimed without its port.
const fn ported(protocol: P, ports: &'static [u16], first: First, test: fn(&Datagram) -> Look) -> DatagramRow {
    DatagramRow { protocol, ports, first, ported: true, test }
}

const STREAM_PARTS: &[&[StreamRow]] = &[
    everyday::STREAMS,
    networks::STREAMS,
    industry::STREAMS,
    edges::STREAMS,
    clusters::STREAMS,
    services::STREAMS,
    carriers::STREAMS,
    desks::STREAMS,
    fabrics::STREAMS,
    content::STREAMS,
];

const DATAGRAM_PARTS: &[&[DatagramRow]] = &[
    everyday::DATAGRAMS,
    networks::DATAGRAMS,
    industry::DATAGRAMS,
    edges::DATAGRAMS,
    clusters::DATAGRAMS,
    services::DATAGRAMS,
    carriers::DATAGRAMS,
    desks::DATAGRAMS,
    fabrics::DATAGRAMS,
    content::DATAGRAMS,
];

pub(super) const STREAMS: &[StreamRow] = &joined::<_, { rows_in(STREAM_PARTS) }>(STREAM_PARTS);
pub(super) const DATAGRAMS: &[DatagramRow] = &joined::<_, { rows_in(DATAGRAM_PARTS) }>(DATAGRAM_PARTS);

const fn rows_in<T>(parts: &[&[T]]) -> usize {
    let (mut rows, mut part) = (0, 0);
    while part < parts.len() {
        rows += parts[part].len();
        part += 1;
    }
    rows
}

/// The parts one behind the other.
const fn joined<T: Copy, const ROWS: usize>(parts: &[&[T]]) -> [T; ROWS] {
    let mut table = [parts[0][0]; ROWS];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            table[at] = parts[part][row];
            at += 1;
            row += 1;
        }
        part += 1;
    }
    table
}

/// For each first byte, the rows it can belong to: bit n is row n.
pub(super) static STREAM_CLIENT: [StreamRows; 256] = stream_masks(true);
pub(super) static STREAM_SERVER: [StreamRows; 256] = stream_masks(false);
pub(super) static DATAGRAM: [DatagramRows; 256] = datagram_masks();
/// For each low byte of a port, the rows that may run with it; those that need no port are in all.
pub(super) static DATAGRAM_PORT: [DatagramRows; 256] = port_masks();

const _: () =
    assert!(STREAMS.len() <= StreamRows::LIMIT && DATAGRAMS.len() <= DatagramRows::LIMIT, "a mask has one bit a row");
