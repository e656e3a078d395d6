//! `Ring`: one interface, or all of them, through a TPACKET_V3 ring of packet(7). `Live`: several rings as one source.
//!
//! Frames come as they would stand in a file: hardware VLAN tags put back, the loopback's second copies left out. A frame
//! merged by the card (GRO) or not cut yet (TSO) is one frame, of up to 64 kB. The layout of the ring is that of
//! Documentation/networking/packet_mmap.rst and linux/if_packet.h.

mod block;
mod bypass;
mod confine;
mod sys;

pub use bypass::{Carried, Way};
pub use confine::confine;
pub use sys::{drop_capabilities, keep_memory, processors, stay_on};

use crate::{Frame, Source};
use block::Walk;
use bypass::Bypass;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// A block is handed over when it is full or this old: what a quiet link's record may be late by.
const RETIRE_MS: u32 = 100;
/// Large enough for many frames of 64 kB, so that a merged one is not cut.
const BLOCK: usize = 1 << 20;
/// Unused by version 3 but checked: it must divide the block.
const FRAME: usize = 2048;
/// All interfaces, also those that are yet to come.
pub const ANY: &str = "any";
/// Room before a frame, in which a VLAN tag finds its place again.
const VLAN_TAG: u32 = 4;

/// What the kernel says of a ring since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that reached the socket, lost ones among them.
    pub packets: u64,
    /// Frames for which the ring had no room.
    pub drops: u64,
    /// Times that the ring was full.
    pub freezes: u64,
    /// Second copies of the loopback's frames, which are left out.
    pub copies: u64,
}

pub struct Ring {
    name: String,
    promiscuous: bool,
    socket: OwnedFd,
    mapping: sys::Mapping,
    blocks: usize,
    /// The block that is read or waited for, and how far it was read, if it is ours.
    at: usize,
    walk: Option<Walk>,
    /// The interface it is bound to; 0 is any, None that there is none of its name.
    bound: Option<i32>,
    counts: Counts,
    bypass: Option<Bypass>,
}

impl Ring {
    /// Opens a ring of about this many bytes. `PermissionDenied` without CAP_NET_RAW, `NotFound` without such an interface.
    pub fn open(name: &str, bytes: usize, promiscuous: bool) -> io::Result<Self> {
        let index = if name == ANY { Some(0) } else { sys::interface_index(name) };
        let index = index.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such interface"))?;
        let socket = sys::packet_socket()?;
        let blocks = (bytes / BLOCK).max(2);
        sys::set(&socket, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V3 as libc::c_int))?;
        sys::set(&socket, libc::PACKET_RESERVE, &VLAN_TAG)?;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: FRAME as u32,
            tp_frame_nr: (BLOCK / FRAME * blocks) as u32,
            tp_retire_blk_tov: RETIRE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        sys::set(&socket, libc::PACKET_RX_RING, &request)?;
        let mapping = sys::Mapping::new(&socket, BLOCK, blocks)?;
        let counts = Counts::default();
        let name = name.to_owned();
        let (at, walk, bound, bypass) = (0, None, None, None);
        let mut ring = Self { name, promiscuous, socket, mapping, blocks, at, walk, bound, counts, bypass };
        ring.bind(index)?;
        Ok(ring)
    }

    fn bind(&mut self, index: i32) -> io::Result<()> {
        sys::bind(&self.socket, index)?;
        self.bound = Some(index);
        if self.promiscuous && index != 0 {
            let request = libc::packet_mreq {
                mr_ifindex: index,
                mr_type: libc::PACKET_MR_PROMISC as u16,
                mr_alen: 0,
                mr_address: [0; 8],
            };
            sys::set(&self.socket, libc::PACKET_ADD_MEMBERSHIP, &request)?;
        }
        Ok(())
    }

    /// Binds anew if the interface was taken away and came back, which needs no capability. To be called now and then.
    pub fn follow(&mut self) {
        // A link that went down leaves an error behind, which would end every wait at once.
        let _ = sys::pending_error(&self.socket);
        if self.name == ANY {
            return;
        }
        let index = sys::interface_index(&self.name);
        if index != self.bound {
            self.bound = None;
            if let Some(index) = index {
                let _ = self.bind(index);
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its interface is there.
    pub fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// The kernel's counters. Reading resets those, so they are added up here.
    pub fn counts(&mut self) -> Counts {
        if let Ok([packets, drops, freezes]) = sys::statistics(&self.socket) {
            self.counts.packets += u64::from(packets);
            self.counts.drops += u64::from(drops);
            self.counts.freezes += u64::from(freezes);
        }
        // The kernel's count begins behind the filter.
        let bypassed = self.bypass.as_ref().map_or(0, |bypass| bypass.packets);
        Counts { packets: self.counts.packets + bypassed, ..self.counts }
    }

    /// Appends frames of the block at hand, or of the next one that is ours; false if there is none.
    fn fill(&mut self, frames: &mut Vec<Frame>, max: usize, interface: u16) -> bool {
        self.give_back();
        let block = self.mapping.block(self.at);
        if block.is_empty() {
            return false;
        }
        let walk = self.walk.get_or_insert_with(|| Walk::new(block));
        self.counts.copies += walk.frames(block, frames, max, interface);
        true
    }

    /// Gives the block at hand back if it was read to its end, and says whether.
    fn give_back(&mut self) -> bool {
        let done = self.walk.as_ref().is_some_and(Walk::is_done);
        if done {
            self.mapping.release(self.at);
            self.at = (self.at + 1) % self.blocks;
            self.walk = None;
        }
        done
    }

    #[inline]
    fn bytes(&self, frame: &Frame) -> &[u8] {
        let from = frame.offset as usize;
        self.mapping.held(self.at).get(from..from + frame.captured as usize).unwrap_or_default()
    }
}

/// Rings that are read in turn. The frames of one `fill` are those of one ring.
pub struct Live {
    pub rings: Vec<Ring>,
    turn: usize,
    /// Until when `fill` waits for frames.
    until: Instant,
}

impl Live {
    /// Of one ring at least.
    pub fn new(rings: Vec<Ring>) -> Self {
        assert!(!rings.is_empty(), "there is nothing to read");
        Self { rings, turn: 0, until: Instant::now() }
    }

    /// For so long from now `fill` waits for frames.
    pub fn wait_for(&mut self, time: Duration) {
        self.until = Instant::now() + time;
    }

    /// From now on flows can be counted in the kernel. `PermissionDenied` without CAP_BPF: everything is read as before.
    pub fn bypass(&mut self) -> io::Result<()> {
        for ring in &mut self.rings {
            ring.bypass = Some(Bypass::attach(&ring.socket)?);
        }
        Ok(())
    }

    /// The packets of a flow are counted in the kernel from now on.
    pub fn put(&mut self, ways: &[Way; 2]) -> io::Result<()> {
        self.bypasses().try_for_each(|bypass| ways.iter().try_for_each(|way| bypass.put(*way)))
    }

    /// What was counted of one direction since the last look; what is over is let go.
    pub fn look(&mut self, way: &Way) -> Carried {
        self.bypasses().map(|bypass| bypass.look(way)).fold(Carried::over(), |mut sum, carried| {
            sum.add(carried);
            sum
        })
    }

    /// Packets and bytes counted in the kernel so far; None where nothing is.
    pub fn bypassed(&self) -> Option<[u64; 2]> {
        let all = self.rings.iter().map(|ring| ring.bypass.as_ref().map(|bypass| [bypass.packets, bypass.bytes]));
        all.reduce(|sum, one| sum.zip(one).map(|(a, b)| [a[0] + b[0], a[1] + b[1]])).flatten()
    }

    fn bypasses(&mut self) -> impl Iterator<Item = &mut Bypass> {
        self.rings.iter_mut().filter_map(|ring| ring.bypass.as_mut())
    }

    fn next(&mut self, frames: &mut Vec<Frame>, max: usize) -> bool {
        // After each block comes the next ring, so that a busy one does not starve the others.
        if self.rings[self.turn].give_back() {
            self.turn = (self.turn + 1) % self.rings.len();
        }
        for _ in 0..self.rings.len() {
            let turn = self.turn;
            while self.rings[turn].fill(frames, max, turn as u16) {
                if !frames.is_empty() {
                    return true;
                }
            }
            self.turn = (turn + 1) % self.rings.len();
        }
        false
    }
}

impl Source for Live {
    /// No frames: none came in the time that was given.
    fn fill(&mut self, frames: &mut Vec<Frame>, max: usize) -> io::Result<()> {
        frames.clear();
        while !self.next(frames, max.max(1)) {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let sockets: Vec<_> = self.rings.iter().map(|ring| ring.socket.as_raw_fd()).collect();
            sys::wait(&sockets, left.as_millis() as i32 + 1);
        }
        Ok(())
    }

    /// A copy of what is left of a block, so that the kernel has it back whoever is how far.
    fn detach(&mut self, frames: &mut Vec<Frame>, mut spare: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        self.fill(frames, usize::MAX)?;
        let Some((first, last)) = frames.first().zip(frames.last()) else { return Ok(None) };
        let (from, to) = (first.offset, last.offset + last.captured);
        let ring = &self.rings[usize::from(first.interface)];
        let bytes = ring.mapping.held(ring.at).get(from as usize..to as usize).unwrap_or_default();
        spare.clear();
        spare.extend_from_slice(bytes);
        frames.iter_mut().for_each(|frame| frame.offset = frame.offset.saturating_sub(from));
        Ok(Some(spare))
    }

    #[inline]
    fn bytes(&self, frame: &Frame) -> &[u8] {
        self.rings.get(usize::from(frame.interface)).map_or(&[], |ring| ring.bytes(frame))
    }
}
