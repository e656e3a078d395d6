//! Captures built in memory, field by field, and readers that hand them over in awkward ways.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{self, Cursor, Read};
use transitproof_capture::{Capture, Damage, Frame, OpenError};

/// Builds a capture in one byte order.
#[derive(Clone)]
pub struct Bytes {
    pub big: bool,
    pub bytes: Vec<u8>,
}

impl Bytes {
    pub fn new(big: bool) -> Self {
        Self { big, bytes: Vec::new() }
    }

    pub fn short(mut self, value: u16) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub fn word(mut self, value: u32) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub fn long(mut self, value: u64) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    pub fn padded(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    pub fn pcap(self, magic: u32, link: u32) -> Self {
        self.word(magic).short(2).short(4).word(0).word(0).word(65535).word(link)
    }

    pub fn record(self, seconds: u32, fraction: u32, data: &[u8]) -> Self {
        self.word(seconds).word(fraction).word(data.len() as u32).word(data.len() as u32 + 4).raw(data)
    }

    /// A pcapng block around what `body` adds.
    pub fn block(self, kind: u32, body: impl FnOnce(Self) -> Self) -> Self {
        let inside = body(Self::new(self.big)).bytes;
        let length = inside.len() as u32 + 12;
        self.word(kind).word(length).raw(&inside).word(length)
    }

    pub fn section(self) -> Self {
        self.block(0x0a0d_0d0a, |b| b.word(0x1a2b_3c4d).short(1).short(0).long(u64::MAX))
    }

    pub fn interface(self, link: u16, snaplen: u32, options: impl FnOnce(Self) -> Self) -> Self {
        self.block(1, |b| options(b.short(link).short(0).word(snaplen)).word(0))
    }

    pub fn option(self, code: u16, value: &[u8]) -> Self {
        self.short(code).short(value.len() as u16).padded(value)
    }

    pub fn enhanced(self, interface: u32, ticks: u64, data: &[u8]) -> Self {
        self.block(6, |b| {
            let b = b.word(interface).word((ticks >> 32) as u32).word(ticks as u32);
            b.word(data.len() as u32).word(data.len() as u32 + 4).padded(data)
        })
    }
}

/// A frame and its bytes, without where they lay.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Seen {
    pub time_ns: u64,
    pub original: u32,
    pub link: u16,
    pub interface: u16,
    pub data: Vec<u8>,
}

pub struct Outcome {
    pub frames: Vec<Seen>,
    pub damage: Vec<Damage>,
    pub capture: Capture,
}

pub fn open(bytes: &[u8]) -> Result<Capture, OpenError> {
    Capture::from_reader(Box::new(Cursor::new(bytes.to_vec())))
}

/// All frames, in batches of `max`.
pub fn drain(mut capture: Capture, max: usize) -> Outcome {
    let (mut frames, mut batch) = (Vec::new(), Vec::new());
    loop {
        capture.fill(&mut batch, max).expect("memory does not fail");
        assert!(batch.len() <= max);
        if batch.is_empty() {
            break;
        }
        frames.extend(batch.iter().map(|frame| seen(&capture, frame)));
    }
    capture.fill(&mut batch, max).expect("memory does not fail");
    assert!(batch.is_empty(), "an ended capture stays ended");
    Outcome { frames, damage: capture.damage().to_vec(), capture }
}

pub fn read(bytes: &[u8]) -> Outcome {
    drain(open(bytes).expect("a capture"), 3)
}

fn seen(capture: &Capture, frame: &Frame) -> Seen {
    let data = capture.bytes(frame).to_vec();
    assert_eq!(data.len(), frame.captured as usize);
    let Frame { time_ns, original, link, interface, .. } = *frame;
    Seen { time_ns, original, link, interface, data }
}

/// A pipe whose writer is slow: one byte at a time, with signals in between.
pub struct Dripping {
    pub bytes: Cursor<Vec<u8>>,
    pub interrupted: bool,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let one = buffer.len().min(1);
        self.bytes.read(&mut buffer[..one])
    }
}
