//! Compressed captures: recognised by their first bytes, decoded as they stream by. Knows nothing of captures.
//! RFC 1952 (gzip, several members), RFC 8878 (zstd, several frames), the .xz file format 1.2.0 (several streams).

use crate::limits::{DECODE_STEP, MAX_DICTIONARY};
use crate::zstd::Zstd;
use std::fmt;
use std::io::{self, BufReader, ErrorKind, Read};
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
            Self::Gzip => Box::new(Guarded::new(flate2::bufread::MultiGzDecoder::new(stored))),
            Self::Zstd => Box::new(Guarded::new(Zstd::new(stored))),
            Self::Xz => {
                let limit_kib = (MAX_DICTIONARY >> 10) as u32;
                Box::new(Guarded::new(lzma_rust2::XzReader::new_mem_limit(stored, true, limit_kib)))
            }
        }
    }
}

/// Asks a decoder for a little at a time: what it made before it met damage in the same call would be lost. And never asks one
/// that has failed again: the decoder of xz then runs for ever.
struct Guarded<R> {
    decoder: R,
    failed: Option<ErrorKind>,
}

impl<R> Guarded<R> {
    fn new(decoder: R) -> Self {
        Self { decoder, failed: None }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(kind) = self.failed {
            return Err(kind.into());
        }
        let step = buffer.len().min(DECODE_STEP);
        let result = self.decoder.read(buffer.get_mut(..step).unwrap_or_default());
        self.failed = result.as_ref().err().map(io::Error::kind).filter(|kind| *kind != ErrorKind::Interrupted);
        result
    }
}

/// How far the stored bytes have been read, and whether reading them failed: a decoder's error alone does not tell a
/// broken disk from a broken stream.
#[derive(Clone, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicBool)>);

impl Progress {
    /// Stored bytes read so far: compressed ones, if the input is compressed.
    pub fn read(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> bool {
        self.0.1.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, result: &io::Result<usize>) {
        self.0.1.store(result.is_err(), Ordering::Relaxed);
        self.0.0.fetch_add(*result.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
    }
}

/// The input as it is stored, watched.
pub(crate) struct Stored {
    pub(crate) input: Box<dyn Read + Send>,
    pub(crate) progress: Progress,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.input.read(buffer);
        self.progress.note(&result);
        result
    }
}
