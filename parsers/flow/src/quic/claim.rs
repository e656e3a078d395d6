//! Whether a flow that began with the header of an Initial packet may be called QUIC. Keys of a client's first Initial follow
//! from an id in it (RFC 9001 section 5.2): one that does not open with them is somebody else's, or was met in the middle of
//! a handshake. The latter shows in what follows; until then nothing is claimed.

use super::keys::schemes;
use crate::Direction;
use transitproof_wire::quic::{LongPacket, PacketType};

#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// No packet yet.
    Header,
    /// All that was seen is an Initial that could not be opened; its sender and source connection id.
    Doubted {
        from: Direction,
        source_id: Box<[u8]>,
    },
    Kept,
}

impl Claim {
    /// A packet was seen. `opened`: an Initial was, by now. `whole`: the datagram was not cut by the capture.
    pub fn weigh(&mut self, from: Direction, packet: &LongPacket<'_>, opened: bool, whole: bool) {
        let header = &packet.header;
        let doubted = match self {
            Self::Kept => return,
            // Of other versions, the keys are not certain.
            Self::Header => {
                let cut = packet.missing > 0 && !whole;
                header.packet_type == PacketType::Initial && !cut && schemes(header.version).len() == 1
            }
            // In the middle of a handshake, a sender goes on to Handshake packets, or the other answers by the id it gave.
            Self::Doubted { from: sender, source_id } if *sender == from => {
                header.packet_type != PacketType::Handshake || *header.source_id != **source_id
            }
            Self::Doubted { source_id, .. } => *header.destination_id != **source_id,
        };
        if opened || !doubted {
            *self = Self::Kept;
        } else if *self == Self::Header {
            *self = Self::Doubted { from, source_id: header.source_id.into() };
        }
    }
}
