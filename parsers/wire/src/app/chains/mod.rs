//! Streams met in the middle: protocols told by messages that follow one another.
//!
//! A table again ([`table`]): one row a protocol, with a step for what each side sends. A step reads one message's header, says where the next one must
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
mod table;
mod web;

use super::{HEAD_LIMIT, Ports, is_registered};
use crate::Protocol::{self as P};
use table::{CLIENT, LINES, ROWS, Rows, SERVER, SILENT_SERVER, beginning};

/// Bits that both sides have to show together, in two messages or more. Random bytes do once in 2^48 for each row and side, for the most
/// part at their first byte; over all rows and places that is less than 2^-40 a flow.
const ENOUGH: u32 = 48;
/// What the registered port of a protocol is worth: 14 bits of its messages do there, as a weak row's (one random payload in 10,000), and
/// one message may be all. Neither side may say anything else.
const PORT: u32 = 34;
/// There a length counts as well, if the messages fill what a side has said: who agreed on encryption writes something else.
const FILLED: u32 = 8;
/// Messages of one side looked at: fewer tell, or none will.
const MAX_LINKS: u32 = 32;
/// Places at which a chain may begin: where a segment begins with the end of a message, that is mostly short, and each place costs time on
/// streams that are none of these.
const MAX_BEGINNINGS: usize = 64;
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
    /// From the first byte to the last.
    fills: bool,
}

/// The strongest chain of each row in what one side has said.
struct Side {
    chains: [Chain; ROWS.len()],
    /// Rows that have one.
    found: Rows,
    /// Those, and rows that are not contradicted.
    fits: Rows,
}

impl Side {
    const UNKNOWN: Self = Self { chains: [Chain { bits: 0, links: 0, fills: false }; ROWS.len()], found: 0, fits: 0 };
}

/// Judges what either direction has said, which may begin anywhere in a conversation. `joined`: who is the client is not known either.
/// `within`: also looks for messages that begin behind the first byte.
pub fn stream(client: &[u8], server: &[u8], ports: Ports, joined: bool, within: bool) -> Option<Found> {
    let (client, server) = (head(client), head(server));
    let straight = [side(client, true, within), side(server, false, within)];
    let turned =
        if joined { [side(server, true, within), side(client, false, within)] } else { [Side::UNKNOWN, Side::UNKNOWN] };
    let mut best = (ENOUGH - 1, None);
    let mut rows = straight.iter().chain(&turned).fold(0, |rows, side| rows | side.found);
    while rows != 0 {
        let n = rows.trailing_zeros() as usize;
        rows &= rows - 1;
        let protocol = ROWS[n].protocol;
        let [straight, turned] = [(&straight, ports.server), (&turned, ports.client)]
            .map(|(sides, port)| worth(sides, n, || is_registered(protocol, port)));
        // Where both sides write alike, the port tells which is which.
        let by_port = || is_registered(protocol, ports.client) && !is_registered(protocol, ports.server);
        let bits = straight.max(turned);
        if bits > best.0 {
            let turned = turned > straight || turned == straight && by_port();
            best = (bits, Some(Found { protocol, turned }));
        }
    }
    best.1
}

/// What client and server are worth together as this row's: in two messages or more, or on its port.
fn worth(sides: &[Side; 2], row: usize, on_port: impl Fn() -> bool) -> u32 {
    let [client, server] = sides.each_ref().map(|side| side.chains[row]);
    let (bits, links) = (client.bits + server.bits, client.links + server.links);
    let filled = bits + [client, server].iter().map(|chain| u32::from(chain.fills) * FILLED).sum::<u32>();
    let fits = sides.iter().all(|side| side.fits & 1 << row != 0);
    if fits && links > 0 && filled + PORT >= ENOUGH && on_port() {
        filled + PORT
    } else if links > 1 {
        bits
    } else {
        0
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..2 * HEAD_LIMIT).unwrap_or(bytes)
}

/// For each row the strongest chain of one side, less what its place was worth.
fn side(bytes: &[u8], of_client: bool, within: bool) -> Side {
    let mut side = Side::UNKNOWN;
    if bytes.is_empty() {
        side.fits = Rows::MAX;
        return side;
    }
    if !of_client {
        side.fits = SILENT_SERVER;
    }
    let masks = if of_client { &CLIENT } else { &SERVER };
    let mut steps = 0;
    for at in 0..bytes.len().min(if within { MAX_BEGINNINGS } else { 1 }) {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut rows = beginning(masks, rest);
        if at > 0 && bytes[at - 1] != b'\n' {
            rows &= !LINES;
        }
        while rows != 0 && steps < MAX_STEPS {
            let n = rows.trailing_zeros() as usize;
            let row = rows & rows.wrapping_neg();
            rows ^= row;
            let step = if of_client { ROWS[n].client.step } else { ROWS[n].server.step };
            let Some(chain) = follow(step, rest) else { continue };
            steps += chain.links;
            // Inside other data one header alone may be a coincidence: it has to lead to another.
            if at > 0 && chain.links < 2 {
                continue;
            }
            side.fits |= row;
            let bits = chain.bits.saturating_sub(at.checked_ilog2().map_or(0, |place| place + 1));
            if bits > side.chains[n].bits {
                side.found |= row;
                side.chains[n] = Chain { bits, fills: chain.fills && at == 0, ..chain };
            }
        }
    }
    side
}

/// One chain from here on; nothing where it is broken.
fn follow(step: Test, bytes: &[u8]) -> Option<Chain> {
    let (mut before, mut rest, mut chain) = (&[][..], bytes, Chain::default());
    while chain.links < MAX_LINKS {
        match step(rest, before) {
            None => break,
            Some(Link::Broken) => return None,
            Some(Link::Message { length, bits }) => {
                chain = Chain { bits: chain.bits + bits, links: chain.links + 1, fills: length == rest.len() };
                let Some((whole, behind)) = rest.split_at_checked(length).filter(|(_, behind)| !behind.is_empty())
                else {
                    break;
                };
                (before, rest) = (whole, behind);
            }
        }
    }
    Some(chain)
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
