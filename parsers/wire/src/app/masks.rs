//! From the table's rows, when this is compiled: which rows a first byte and a port leave. One bit a row.

use super::rows::{DATAGRAMS, First, STREAMS};

const fn holds(first: First, byte: u8) -> bool {
    let mut i = 0;
    while i < first.len() {
        if first[i].0 <= byte && byte <= first[i].1 {
            return true;
        }
        i += 1;
    }
    false
}

pub(super) const fn stream_masks(client: bool) -> [u128; 256] {
    let mut masks = [0; 256];
    let mut row = 0;
    while row < STREAMS.len() {
        let first = if client { STREAMS[row].client.first } else { STREAMS[row].server.first };
        let mut byte = 0;
        while byte < 256 {
            if holds(first, byte as u8) {
                masks[byte] |= 1 << row;
            }
            byte += 1;
        }
        row += 1;
    }
    masks
}

pub(super) const fn datagram_masks() -> [u128; 256] {
    let mut masks = [0; 256];
    let mut row = 0;
    while row < DATAGRAMS.len() {
        let mut byte = 0;
        while byte < 256 {
            if holds(DATAGRAMS[row].first, byte as u8) {
                masks[byte] |= 1 << row;
            }
            byte += 1;
        }
        row += 1;
    }
    masks
}

pub(super) const fn port_masks() -> [u128; 256] {
    let mut masks = [0; 256];
    let mut row = 0;
    while row < DATAGRAMS.len() {
        let mut byte = 0;
        while byte < 256 {
            let mut named = !DATAGRAMS[row].ported;
            let mut port = 0;
            while port < DATAGRAMS[row].ports.len() {
                named |= (DATAGRAMS[row].ports[port] & 0xff) as usize == byte;
                port += 1;
            }
            if named {
                masks[byte] |= 1 << row;
            }
            byte += 1;
        }
        row += 1;
    }
    masks
}
