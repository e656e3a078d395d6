//! Blocks of a file that several threads read side by side. What lies in them is then found in their order, see
//! [`crate::Source::adopt`].

use crate::decompress::Progress;
use crate::limits::{BLOCK, HEADROOM};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file with a place in it that all who read have in common. It is read with pread(2), in one go or block by block.
#[derive(Clone)]
pub(crate) struct Shared {
    file: Arc<File>,
    at: Arc<AtomicU64>,
}

impl Shared {
    pub(crate) fn new(file: File) -> Self {
        Self { file: Arc::new(file), at: Arc::default() }
    }

    /// The next block, to be read by whoever has it.
    pub(crate) fn block(&self, mut bytes: Vec<u8>, progress: Progress) -> Block {
        bytes.resize(HEADROOM + BLOCK, 0);
        let at = self.at.fetch_add(BLOCK as u64, Ordering::Relaxed);
        Block { file: Arc::clone(&self.file), at, bytes, length: 0, progress }
    }

    /// Goes on behind what was read of a block.
    pub(crate) fn go_on_behind(&self, block: &Block) {
        self.at.store(block.at + block.length as u64, Ordering::Relaxed);
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at.load(Ordering::Relaxed))?;
        self.at.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Part of a file, with room in front for what the part before it leaves over.
pub struct Block {
    file: Arc<File>,
    at: u64,
    pub(crate) bytes: Vec<u8>,
    /// As much of it as was read.
    pub(crate) length: usize,
    progress: Progress,
}

impl Block {
    /// Reads all of it, or up to where the file ends or cannot be read: who goes on there meets the error.
    pub fn read(&mut self) {
        while self.length < BLOCK {
            let place = self.bytes.get_mut(HEADROOM + self.length..).unwrap_or_default();
            match self.file.read_at(place, self.at + self.length as u64) {
                Ok(0) => break,
                Ok(read) => self.length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.progress.note(&Ok(self.length));
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.length == BLOCK
    }
}
