//! Frames of one or several captures into a new one: the bytes, link types, lengths and times as they were read.
//!
//! Classic pcap wherever it can hold that, because everything reads it: one link type, and seconds in 32 bits; in
//! microseconds unless a time is finer. pcapng with nanoseconds otherwise.

use crate::Frame;
use crate::limits::{MAX_CAPTURED, USUAL_CAPTURED};
use crate::pcapng::{BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE_DESCRIPTION, SECTION_HEADER};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

const SECOND: u64 = 1_000_000_000;
/// LINKTYPE_ETHERNET, for a capture without a frame.
const ETHERNET: u16 = 1;

/// What the frames that may be written have in common; noted on a first pass over them.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    links: BTreeSet<u16>,
    /// Some time has nanoseconds.
    fine: bool,
    latest: u64,
    longest: u32,
}

impl Shape {
    pub fn note(&mut self, frame: &Frame) {
        self.links.insert(frame.link);
        self.fine |= !frame.time_ns.is_multiple_of(1000);
        self.latest = self.latest.max(frame.time_ns);
        self.longest = self.longest.max(frame.captured);
    }

    fn needs_pcapng(&self) -> bool {
        self.links.len() > 1 || self.latest / SECOND > u64::from(u32::MAX)
    }
}

/// Writes a capture that was described by a [`Shape`].
pub struct Writer<W: Write> {
    out: BufWriter<W>,
    shape: Shape,
    pcapng: bool,
}

impl<W: Write> Writer<W> {
    /// Nothing is written yet but into a buffer.
    pub fn new(out: W, shape: Shape) -> io::Result<Self> {
        let pcapng = shape.needs_pcapng();
        let mut writer = Self { out: BufWriter::with_capacity(1 << 16, out), shape, pcapng };
        if pcapng {
            writer.section()?
        } else {
            writer.file_header()?
        }
        Ok(writer)
    }

    /// draft-ietf-opsawg-pcap section 4: magic number, version 2.4, two unused fields, snapshot length, link type.
    fn file_header(&mut self) -> io::Result<()> {
        let magic: u32 = if self.shape.fine { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let link = self.shape.links.first().copied().unwrap_or(ETHERNET);
        self.words(&[magic, 4 << 16 | 2, 0, 0, self.snaplen(), link.into()])
    }

    fn snaplen(&self) -> u32 {
        self.shape.longest.clamp(USUAL_CAPTURED, MAX_CAPTURED)
    }

    /// pcapng draft, sections 4.1 and 4.2: one section of unknown length, an interface for each link type in nanoseconds.
    fn section(&mut self) -> io::Result<()> {
        const IF_TSRESOL: u32 = 1 << 16 | 9;
        const LENGTH: u32 = 32;
        self.words(&[SECTION_HEADER, 28, BYTE_ORDER_MAGIC, 1, u32::MAX, u32::MAX, 28])?;
        for link in self.shape.links.clone() {
            let snaplen = self.snaplen();
            self.words(&[INTERFACE_DESCRIPTION, LENGTH, link.into(), snaplen, IF_TSRESOL, 9, 0, LENGTH])?;
        }
        Ok(())
    }

    pub fn frame(&mut self, frame: &Frame, bytes: &[u8]) -> io::Result<()> {
        let Some(interface) = self.shape.links.iter().position(|link| *link == frame.link) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the input changed between the two passes"));
        };
        let captured = bytes.len() as u32;
        if !self.pcapng {
            let (seconds, fraction) = ((frame.time_ns / SECOND) as u32, (frame.time_ns % SECOND) as u32);
            let fraction = if self.shape.fine { fraction } else { fraction / 1000 };
            self.words(&[seconds, fraction, captured, frame.original])?;
            return self.out.write_all(bytes);
        }
        let padding = bytes.len().next_multiple_of(4) - bytes.len();
        let length = captured + padding as u32 + 32;
        let (high, low) = ((frame.time_ns >> 32) as u32, frame.time_ns as u32);
        self.words(&[ENHANCED_PACKET, length, interface as u32, high, low, captured, frame.original])?;
        self.out.write_all(bytes)?;
        self.out.write_all(&[0; 4][..padding])?;
        self.words(&[length])
    }

    fn words(&mut self, words: &[u32]) -> io::Result<()> {
        words.iter().try_for_each(|word| self.out.write_all(&word.to_le_bytes()))
    }

    /// Hands everything to the operating system.
    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
