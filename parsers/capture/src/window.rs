//! The one buffer through which a capture streams. Knows nothing of formats.
//!
//! Bytes are read behind those held; what has been consumed is overwritten only by `refill`, so slices taken between
//! two refills are all valid at once.

use crate::limits::{BUFFER, DETACHED};
use std::io::{self, Read};

pub(crate) struct Window {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes to pass over that have not been read yet; then nothing is held.
    to_skip: u64,
    /// Where `start` lies in the uncompressed capture.
    offset: u64,
    /// Met while more was read than was needed: to be reported once it is.
    failed: Option<io::Error>,
}

impl Window {
    pub(crate) fn new(source: Box<dyn Read + Send>) -> Self {
        Self { source, buffer: vec![0; BUFFER], start: 0, end: 0, to_skip: 0, offset: 0, failed: None }
    }

    /// The bytes read and not consumed.
    pub(crate) fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Where `held` begins in `slice`'s terms.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn slice(&self, start: usize, length: usize) -> &[u8] {
        start.checked_add(length).and_then(|end| self.buffer.get(start..end)).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn to_skip(&self) -> u64 {
        self.to_skip
    }

    /// Passes over bytes, whether they have been read or not.
    pub(crate) fn consume(&mut self, length: u64) {
        let held = (self.end - self.start) as u64;
        let here = length.min(held);
        self.start += here as usize;
        self.offset += here;
        self.to_skip = self.to_skip.saturating_add(length - here);
    }

    /// Reads until `need` bytes are held; false if the input ends before. After an error it may be called again.
    pub(crate) fn refill(&mut self, need: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < need {
            self.buffer.resize(need, 0);
        }
        while self.to_skip > 0 || self.end < need {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let read = self.source.read(self.buffer.get_mut(self.end..).unwrap_or_default())?;
            if read == 0 {
                return Ok(false);
            }
            self.end += read;
            if self.to_skip > 0 {
                let skip = std::mem::take(&mut self.to_skip);
                self.consume(skip);
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
        }
        Ok(true)
    }

    /// Reads as much as there is room for behind what is held.
    pub(crate) fn top_up(&mut self) {
        while self.to_skip == 0 && self.failed.is_none() {
            match self.source.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => return,
                Ok(read) => self.end += read,
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// Hands over the buffer and goes on with another one, which gets the bytes that were not consumed.
    pub(crate) fn detach(&mut self, mut other: Vec<u8>) -> Vec<u8> {
        other.resize(self.buffer.len().max(DETACHED), 0);
        let held = self.end - self.start;
        if let Some(place) = other.get_mut(..held) {
            place.copy_from_slice(self.held());
        }
        (self.start, self.end) = (0, held);
        std::mem::replace(&mut self.buffer, other)
    }

    /// Takes bytes that lie at `from` in a buffer, which come behind those held; a buffer that is not needed any more.
    pub(crate) fn adopt(&mut self, mut bytes: Vec<u8>, from: usize, length: usize) -> Vec<u8> {
        let held = self.end - self.start;
        if let Some(start) = from.checked_sub(held)
            && let Some(place) = bytes.get_mut(start..from)
        {
            place.copy_from_slice(self.held());
            (self.start, self.end) = (start, from + length);
            return std::mem::replace(&mut self.buffer, bytes);
        }
        self.buffer.truncate(self.end);
        self.buffer.extend_from_slice(bytes.get(from..from + length).unwrap_or_default());
        self.end += length;
        bytes
    }

    /// All that was read and the rest of the input, to be decoded from the beginning. For a window not consumed from.
    pub(crate) fn into_source(mut self) -> impl Read + Send {
        self.buffer.truncate(self.end);
        io::Cursor::new(self.buffer).chain(self.source)
    }
}
