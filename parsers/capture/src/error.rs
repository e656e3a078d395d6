//! What can be wrong with an input: it is not a capture at all (`OpenError`), or a part of it cannot be read (`Damage`).
//! The text is made at the edge, in `Display`; the values stay with the kinds.

use crate::limits::MAX_DAMAGE;
use std::{error::Error, fmt, io};

/// Why an input could not be opened as a capture.
#[derive(Debug)]
pub enum OpenError {
    Io(io::Error),
    /// Not one byte, stored or decompressed.
    Empty,
    NotACapture {
        found: String,
        hint: Option<&'static str>,
    },
    /// A capture, of a version that this reader does not know.
    Unsupported {
        what: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Empty => f.write_str("the file is empty"),
            Self::NotACapture { found, hint: None } => write!(f, "not a pcap or pcapng capture: {found}"),
            Self::NotACapture { found, hint: Some(hint) } => write!(f, "not a pcap or pcapng capture: {found}; {hint}"),
            Self::Unsupported { what } => write!(f, "cannot read {what}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A place in the capture that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where the record or block begins, in the uncompressed capture.
    pub offset: u64,
    pub what: Fault,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: {}", self.offset, self.what)
    }
}

/// What is wrong there. All but `Interface`, `Interfaces`, `PacketLength`, `ShortBlock` and `Secrets` end the reading:
/// after a wrong length nothing says where the next record begins, and a guess would invent packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The capture ends inside a record.
    Truncated { missing: u64 },
    /// A classic pcap record claims more bytes than any frame of this file can have.
    RecordLength { length: u32, limit: u32 },
    /// A pcapng block's length is impossible.
    BlockLength { length: u32 },
    /// The length at the end of a pcapng block is not the one at its beginning.
    BlockEnd { length: u32, end: u32 },
    /// A section header without the byte-order magic.
    ByteOrder { found: u32 },
    /// A later section of a pcapng file has an unknown version.
    Version { major: u16 },
    /// A packet or a statistic names an interface that was not described.
    Interface { index: u32 },
    /// More interfaces in a section than can be numbered.
    Interfaces,
    /// A packet longer than the block that holds it.
    PacketLength { captured: u32, room: usize },
    /// A block too short for the fixed fields of its type.
    ShortBlock { kind: u32, length: u32 },
    /// More decryption secrets than are kept.
    Secrets { length: u32 },
    /// The compressed stream cannot be decoded beyond this point.
    Compressed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { missing } => write!(f, "truncated: {missing} bytes missing"),
            Self::RecordLength { length, limit } => write!(f, "record length {length} exceeds {limit}; stopped here"),
            Self::BlockLength { length } => write!(f, "impossible block length {length}; stopped here"),
            Self::BlockEnd { length, end } => write!(f, "block length {length}, but {end} at its end; stopped here"),
            Self::ByteOrder { found } => write!(f, "section header with byte-order magic {found:#010x}; stopped here"),
            Self::Version { major } => write!(f, "section of version {major}; stopped here"),
            Self::Interface { index } => write!(f, "interface {index} is not described"),
            Self::Interfaces => f.write_str("too many interfaces in one section"),
            Self::PacketLength { captured, room } => write!(f, "packet of {captured} bytes in a block with {room}"),
            Self::ShortBlock { kind, length } => write!(f, "block of type {kind:#x} is only {length} bytes long"),
            Self::Secrets { length } => write!(f, "decryption secrets of {length} bytes exceed the limit; not kept"),
            Self::Compressed(text) => write!(f, "the compressed stream is damaged: {text}"),
        }
    }
}

/// The damage met so far: a bounded list, and how many there were in all.
#[derive(Default)]
pub(crate) struct Damages {
    pub(crate) list: Vec<Damage>,
    pub(crate) total: u64,
}

impl Damages {
    pub(crate) fn add(&mut self, offset: u64, what: Fault) {
        self.total = self.total.saturating_add(1);
        if self.list.len() < MAX_DAMAGE {
            self.list.push(Damage { offset, what });
        }
    }
}
