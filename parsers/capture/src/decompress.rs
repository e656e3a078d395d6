//! Compressed captures: recognised by their first bytes, decoded as they stream by. Knows nothing of captures.
//! RFC 1952 (gzip, several members), RFC 8878 (zstd, several frames), the .xz file format 1.2.0 (several streams).

use crate::limits::{DECODE_STEP, MAX_DICTIONARY};
use crate::zstd::Zstd;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
    Xz,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        })
    }
}

/// As many bytes as the longest magic number has.
pub(crate) const MAGIC: usize = 6;

impl Compression {
    pub(crate) fn recognise(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A skippable frame, such as pzstd puts in front.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    pub(crate) fn decoder(self, stored: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        let stored = BufReader::with_capacity(DECODE_STEP, stored);
        match self {
            Self::Gzip => Box::new(InSteps(flate2::bufread::MultiGzDecoder::new(stored))),
            Self::Zstd => Box::new(Zstd::new(stored)),
            Self::Xz => {
                let limit_kib = (MAX_DICTIONARY >> 10) as u32;
                Box::new(InSteps(lzma_rust2::XzReader::new_mem_limit(stored, true, limit_kib)))
            }
        }
    }
}

/// Asks a decoder for a little at a time: what it made before it met damage in the same call would be lost.
struct InSteps<R>(R);

impl<R: Read> Read for InSteps<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = buffer.len().min(DECODE_STEP);
        self.0.read(buffer.get_mut(..step).unwrap_or_default())
    }
}

/// How far the stored bytes have been read, and whether reading them failed: a decoder's error alone does not tell a
/// broken disk from a broken stream.
#[derive(Default)]
pub(crate) struct Progress {
    read: AtomicU64,
    failed: AtomicBool,
}

impl Progress {
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// The input as it is stored, watched.
pub(crate) struct Stored {
    pub(crate) input: Box<dyn Read + Send>,
    pub(crate) progress: Arc<Progress>,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.input.read(buffer);
        self.progress.failed.store(result.is_err(), Ordering::Relaxed);
        self.progress.read.fetch_add(*result.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
        result
    }
}
