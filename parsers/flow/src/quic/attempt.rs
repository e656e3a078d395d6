//! One attempt at a connection: what the client's first Destination Connection ID stands for, its keys and CRYPTO streams.
//!
//! A Retry or a version negotiation makes the client begin anew with another id (RFC 9000 sections 6 and 17.2.5), and with a
//! compatible negotiation the keys of two versions come from one id (RFC 9369 section 4).

use super::crypto::CryptoStream;
use super::keys::{Keys, Scheme, Side, schemes};
use crate::Direction;
use std::ops::Range;
use transitproof_wire::quic::LongPacket;

pub struct Attempt {
    pub client: Direction,
    /// A packet could be opened with its keys.
    pub proven: bool,
    id: Box<[u8]>,
    /// Made when first needed. The schemes are static, so the table has at most two entries for each.
    keys: Vec<(&'static Scheme, Side, Keys)>,
    /// Of the client and of the server.
    streams: [CryptoStream; 2],
    largest: [u64; 2],
}

impl Attempt {
    pub fn new(id: &[u8], client: Direction) -> Self {
        Self { client, proven: false, id: id.into(), keys: Vec::new(), streams: Default::default(), largest: [0; 2] }
    }

    pub fn is_of(&self, id: &[u8], client: Direction) -> bool {
        self.client == client && *self.id == *id
    }

    /// Removes the protection of an Initial packet if it belongs to this attempt. What is returned is the place of its
    /// payload in `buffer`, and the stream that it is a part of.
    pub fn open(
        &mut self,
        from: Direction,
        packet: &LongPacket<'_>,
        buffer: &mut Vec<u8>,
    ) -> Option<(Range<usize>, &mut CryptoStream)> {
        let side = if from == self.client { Side::Client } else { Side::Server };
        let largest = self.largest[side as usize];
        let opened = schemes(packet.header.version).iter().find_map(|scheme| {
            let keys = self.keys_of(scheme, side)?;
            keys.open(packet, largest, buffer)
        })?;
        self.largest[side as usize] = opened.number.max(largest);
        self.proven = true;
        Some((opened.payload, &mut self.streams[side as usize]))
    }

    fn keys_of(&mut self, scheme: &'static Scheme, side: Side) -> Option<&Keys> {
        let found = self.keys.iter().position(|(known, of, _)| *known == scheme && *of == side);
        let at = match found {
            Some(at) => at,
            None => {
                self.keys.push((scheme, side, Keys::new(scheme, &self.id, side)?));
                self.keys.len() - 1
            }
        };
        self.keys.get(at).map(|(_, _, keys)| keys)
    }
}
