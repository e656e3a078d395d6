//! One block of a ring, read without trust: struct tpacket_hdr_v1, then a struct tpacket3_hdr and sockaddr_ll for each frame
//! (linux/if_packet.h). Offsets in here are those of the kernel less [`BEHIND_STATUS`].

use super::sys::BEHIND_STATUS;
use crate::Frame;
use std::mem::{offset_of, size_of};

const SECOND: u64 = 1_000_000_000;
/// In struct tpacket_block_desc.
const NUMBER_OF_FRAMES: usize = 12 - BEHIND_STATUS;
const FIRST_FRAME: usize = 16 - BEHIND_STATUS;
/// TPACKET_ALIGN(sizeof(struct tpacket3_hdr)).
const ADDRESS: usize = 48;
const VLAN_TCI: usize = 32;
const VLAN_TPID: usize = 36;
/// A frame cannot begin before the end of its own header.
const HEADERS: usize = ADDRESS + size_of::<libc::sockaddr_ll>();
const ETHERNET_ADDRESSES: usize = 12;
const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_RAW: u16 = 101;

/// How far a block was read.
pub struct Walk {
    left: u32,
    next: usize,
}

impl Walk {
    pub fn new(block: &[u8]) -> Self {
        let next = (word(block, FIRST_FRAME) as usize).saturating_sub(BEHIND_STATUS);
        Self { left: word(block, NUMBER_OF_FRAMES), next }
    }

    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Appends frames until there are `max`; gives the number of copies that were left out.
    pub fn frames(&mut self, block: &mut [u8], frames: &mut Vec<Frame>, max: usize, interface: u16) -> u64 {
        let mut copies = 0;
        while self.left > 0 && frames.len() < max {
            let header = self.next;
            self.left -= 1;
            self.next += word(block, header) as usize;
            if is_copy(block, header) {
                copies += 1;
            } else if let Some(frame) = frame(block, header, interface) {
                frames.push(frame);
            }
        }
        copies
    }
}

/// What leaves through the loopback comes in again at once.
fn is_copy(block: &[u8], header: usize) -> bool {
    let address = header + ADDRESS;
    let kind = block.get(address + offset_of!(libc::sockaddr_ll, sll_pkttype)).copied();
    kind == Some(libc::PACKET_OUTGOING)
        && half(block, address + offset_of!(libc::sockaddr_ll, sll_hatype)) == libc::ARPHRD_LOOPBACK
}

fn frame(block: &mut [u8], header: usize, interface: u16) -> Option<Frame> {
    let [seconds, nanoseconds, captured, original, status] = [4, 8, 12, 16, 20].map(|at| word(block, header + at));
    let (mac, network) = (usize::from(half(block, header + 24)), usize::from(half(block, header + 26)));
    let hardware = half(block, header + ADDRESS + offset_of!(libc::sockaddr_ll, sll_hatype));
    let ethernet = matches!(hardware, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK);
    // Other links (tunnels, PPP) are read from their network layer on, whatever stands before it.
    let skipped = if ethernet { 0 } else { network.checked_sub(mac)? };
    let link = if ethernet { LINKTYPE_ETHERNET } else { LINKTYPE_RAW };
    let mut start = header + mac + skipped;
    let (mut captured, mut original) = (captured.checked_sub(skipped as u32)?, original.saturating_sub(skipped as u32));
    if status & libc::TP_STATUS_VLAN_VALID != 0 && ethernet && mac >= HEADERS + 4 && captured as usize >= 14 {
        start -= 4;
        put_back_tag(block, header, start, status)?;
        (captured, original) = (captured + 4, original.saturating_add(4));
    }
    block.get(start..start + captured as usize)?;
    let time_ns = u64::from(seconds) * SECOND + u64::from(nanoseconds);
    Some(Frame { time_ns, offset: start as u32, captured, original, link, interface })
}

/// The addresses move back by the length of a tag, into room that was reserved, and the tag goes behind them.
fn put_back_tag(block: &mut [u8], header: usize, start: usize, status: u32) -> Option<()> {
    const DOT1Q: u16 = 0x8100;
    let valid = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    let tpid = if valid { half(block, header + VLAN_TPID) } else { DOT1Q };
    let tci = word(block, header + VLAN_TCI) as u16;
    let room = block.get_mut(start..start + 16)?;
    room.copy_within(4..4 + ETHERNET_ADDRESSES, 0);
    room[12..14].copy_from_slice(&tpid.to_be_bytes());
    room[14..16].copy_from_slice(&tci.to_be_bytes());
    Some(())
}

fn word(block: &[u8], at: usize) -> u32 {
    block.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

fn half(block: &[u8], at: usize) -> u16 {
    block.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u16::from_ne_bytes(*bytes))
}
