//! Where packets come from: pcap and pcapng files and pipes, compressed or not, and interfaces of this host.
//!
//! Knows files and sockets and nothing of what the frames contain. Input is hostile: it ends with damage that says where and what,
//! never with a panic. Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
// Only ring/sys.rs may, and says why at each place.
#![deny(unsafe_code)]

mod ahead;
mod capture;
mod clock;
mod decompress;
mod error;
mod foreign;
pub mod kept;
mod limits;
mod pcap;
mod pcapng;
pub mod ring;
mod window;
mod write;
mod zstd;

pub use ahead::Block;
pub use capture::Capture;
pub use decompress::{Compression, Progress};
pub use error::{Damage, Fault, OpenError};
pub use write::{Shape, Writer};

use clock::Clock;
use std::io;

/// Frames batch by batch, out of a buffer of the source's own.
pub trait Source {
    /// Replaces `frames` by up to `max` of the next ones. Their bytes stay valid until the next call.
    fn fill(&mut self, frames: &mut Vec<Frame>, max: usize) -> io::Result<()>;

    /// The captured bytes of a frame of the last `fill`.
    fn bytes(&self, frame: &Frame) -> &[u8];

    /// Hands over a whole buffer and the frames that lie in it, to be worked on while the next one is read; `spare` is used
    /// for that. None: as an empty `fill`. Errors are those of `fill`.
    fn detach(&mut self, frames: &mut Vec<Frame>, spare: Vec<u8>) -> io::Result<Option<Vec<u8>>>;

    /// The next bytes, if several threads may read: each block is read by its thread and then given back, in their order. None:
    /// to be read with `detach`. `spare` is used for the block.
    fn ahead(&mut self, spare: &mut Vec<u8>) -> Option<Block> {
        let _ = spare;
        None
    }

    /// Takes a block that was read; the buffer with the frames that end in it.
    fn adopt(&mut self, block: Block, frames: &mut Vec<Frame>) -> Vec<u8> {
        frames.clear();
        block.bytes
    }

    /// Type and bytes of the Decryption Secrets Blocks in front of the frames of the last `fill`, where the source has such.
    fn take_secrets(&mut self) -> Vec<(u32, Vec<u8>)> {
        Vec::new()
    }
}

/// One captured frame: where its bytes lie in the reader's buffer, or in the one that it handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Since the Unix epoch.
    pub time_ns: u64,
    pub offset: u32,
    pub captured: u32,
    /// Length on the wire, as the capture states it; normally not less than `captured`.
    pub original: u32,
    /// LINKTYPE_ value.
    pub link: u16,
    /// Index into `Capture::interfaces`.
    pub interface: u16,
}

/// Where frames were captured. A classic pcap file has exactly one.
#[derive(Clone, Debug)]
pub struct Interface {
    /// LINKTYPE_ value.
    pub link: u16,
    /// 0 is "no limit".
    pub snaplen: u32,
    pub name: Option<String>,
    /// Packets that the capturing system reports as lost here (pcapng Interface Statistics Block).
    pub drops: u64,
    clock: Clock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap, microseconds.
    Pcap,
    /// Classic pcap, nanoseconds.
    PcapNanosecond,
    /// Classic pcap with A. Kuznetzov's longer record header.
    PcapModified,
    Pcapng,
}

/// What a format's walk over the held bytes ended with.
enum Step {
    /// There may be more in the held bytes: call again.
    Again,
    /// The next record needs this many bytes.
    Need(usize),
    /// The next record is of no interest and this long.
    Skip(u64),
    /// The next record is damaged and nothing behind it can be trusted.
    Stop(Fault),
}
