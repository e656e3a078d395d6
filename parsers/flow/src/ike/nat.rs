//! What both sides said of their own and each other's address, held against the addresses seen here.
//!
//! A hash that does not match means that an address was translated between there and here, or that a peer forces
//! encapsulation in UDP by sending a wrong one, as strongSwan's `encap` does. RFC 7296 section 2.23, RFC 3947 section 3.2.

use crate::json;
use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use transitproof_wire::packet::{Address, Packet};

/// Where a message came from and went to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    pub v6: bool,
    pub src: (Address, u16),
    pub dst: (Address, u16),
}

impl Ends {
    pub fn of(packet: &Packet<'_>) -> Self {
        Self { v6: packet.v6, src: (packet.src, packet.src_port), dst: (packet.dst, packet.dst_port) }
    }
}

/// The hash with which IKEv1 agreed to hash (attribute 2); IKEv2 always takes SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn v1(id: u16) -> Option<Self> {
        Some(match id {
            1 => Self::Md5,
            2 => Self::Sha1,
            4 => Self::Sha256,
            5 => Self::Sha384,
            6 => Self::Sha512,
            _ => return None,
        })
    }

    fn is_of(self, parts: &[&[u8]], hash: &[u8]) -> bool {
        fn hashed<D: Digest>(parts: &[&[u8]], hash: &[u8]) -> bool {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            digest.finalize().as_slice() == hash
        }
        match self {
            Self::Md5 => hashed::<Md5>(parts, hash),
            Self::Sha1 => hashed::<Sha1>(parts, hash),
            Self::Sha256 => hashed::<Sha256>(parts, hash),
            Self::Sha384 => hashed::<Sha384>(parts, hash),
            Self::Sha512 => hashed::<Sha512>(parts, hash),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Source,
    Destination,
}

/// By who said it, initiator and responder, then of whom.
#[derive(Debug, Default)]
pub struct NatDetection([[Option<bool>; 2]; 2]);

impl NatDetection {
    /// One hash. Of several for one end, which a host with several addresses sends, one that matches is enough.
    pub fn hash(
        &mut self,
        from_initiator: bool,
        end: End,
        spis: &([u8; 8], [u8; 8]),
        ends: &Ends,
        (hash, with): (&[u8], Hash),
    ) {
        let (address, port) = if end == End::Source { ends.src } else { ends.dst };
        let (v4, v6) = (address.to_v4(), address.to_v6());
        let address: &[u8] = if ends.v6 { &v6 } else { &v4 };
        let matches = with.is_of(&[&spis.0, &spis.1, address, &port.to_be_bytes()], hash);
        let seen = &mut self.0[usize::from(!from_initiator)][end as usize];
        *seen = Some(matches || seen.unwrap_or(false));
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().flatten().all(Option::is_none)
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        const MEMBERS: [[&str; 2]; 2] =
            [["initiator_source", "initiator_destination"], ["responder_source", "responder_destination"]];
        json::key(out, "nat_detection");
        out.push(b'{');
        for (member, seen) in MEMBERS.iter().flatten().zip(self.0.iter().flatten()) {
            if let Some(matches) = seen {
                json::word(out, member, if *matches { "match" } else { "mismatch" });
            }
        }
        out.push(b'}');
    }
}
