//! `Capture`: an input opened, its format known, its frames handed out batch by batch.
//! The only file that knows the buffer, the decoders and the formats; none of these know one another.

use crate::ahead::{Block, Shared};
use crate::decompress::{self, Stored};
use crate::error::Damages;
use crate::limits::HEADROOM;
use crate::pcap::{self, FILE_HEADER, Pcap};
use crate::pcapng::{self, Pcapng};
use crate::window::Window;
use crate::{Compression, Damage, Fault, Format, Frame, Interface, OpenError, Progress, Source, Step, foreign};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// A capture being read from its beginning to its end. Input is read with read(2) through one buffer, never mapped: a
/// file that shrinks while it is read must not kill the process.
pub struct Capture {
    window: Window,
    reading: Reading,
    format: Format,
    compression: Option<Compression>,
    size: Option<u64>,
    progress: Progress,
    /// A file whose blocks several may read.
    shared: Option<Shared>,
    damages: Damages,
    /// Where the block begins that is being passed over.
    skipping_from: u64,
    ended: bool,
}

enum Reading {
    Pcap(Pcap, Interface),
    Pcapng(Pcapng),
    /// The file header itself is cut short.
    Nothing,
}

impl Capture {
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Self::start(Box::new(file), None);
        }
        let shared = Shared::new(file);
        let mut capture = Self::start(Box::new(shared.clone()), Some(metadata.len()))?;
        // Blocks of pcapng may have to be handed out in parts.
        if capture.compression.is_none() && matches!(capture.reading, Reading::Pcap(..)) {
            capture.shared = Some(shared);
        }
        Ok(capture)
    }

    /// From a pipe or any other stream; it is only read, never sought.
    pub fn from_reader(input: Box<dyn Read + Send>) -> Result<Self, OpenError> {
        Self::start(input, None)
    }

    fn start(input: Box<dyn Read + Send>, size: Option<u64>) -> Result<Self, OpenError> {
        let progress = Progress::default();
        let mut window = Window::new(Box::new(Stored { input, progress: progress.clone() }));
        read_ahead(&mut window, decompress::MAGIC)?;
        let compression = Compression::recognise(window.held());
        if let Some(compression) = compression {
            window = Window::new(compression.decoder(window.into_source()));
        }
        let cut = match read_ahead(&mut window, FILE_HEADER) {
            Ok(true) => None,
            Ok(false) if window.held().is_empty() => return Err(OpenError::Empty),
            Ok(false) => Some(Fault::Truncated { missing: (FILE_HEADER - window.held().len()) as u64 }),
            Err(error) if compression.is_none() || progress.failed() => return Err(error.into()),
            Err(error) => Some(Fault::Compressed(error.to_string())),
        };
        let Some((format, reading)) = recognise(window.held())? else {
            // A better message is worth a second read, which may fail as it likes.
            let _ = read_ahead(&mut window, foreign::ENOUGH);
            return Err(foreign::describe(window.held(), compression, cut));
        };
        let mut damages = Damages::default();
        let ended = cut.is_some();
        if let Some(fault) = cut {
            damages.add(0, fault);
        } else if format != Format::Pcapng {
            window.consume(FILE_HEADER as u64);
        }
        Ok(Self {
            window,
            reading,
            format,
            compression,
            size,
            progress,
            shared: None,
            damages,
            skipping_from: 0,
            ended,
        })
    }

    /// Replaces `frames` by up to `max` of the frames that lie in the buffer, reading only if there is not one. None:
    /// the capture has ended, or damage keeps the rest from being read (see `damage`). The bytes of all these frames
    /// stay valid until the next call. After an error, `Interrupted` among them, it may be called again.
    pub fn fill(&mut self, frames: &mut Vec<Frame>, max: usize) -> io::Result<()> {
        frames.clear();
        while !self.ended {
            let step = self.walk(frames, max.max(1));
            if !frames.is_empty() {
                break;
            }
            match step {
                Step::Again => {}
                Step::Need(length) => self.refill(length)?,
                Step::Skip(length) => {
                    self.skipping_from = self.window.offset();
                    self.window.consume(length);
                }
                Step::Stop(fault) => self.end(self.window.offset(), Some(fault)),
            }
        }
        Ok(())
    }

    /// Hands over a whole buffer and the frames that lie in it, to be worked on while the next one is read; `spare` is used
    /// for that. None: as an empty `fill`. Errors are those of `fill`.
    pub fn detach(&mut self, frames: &mut Vec<Frame>, spare: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        self.fill(frames, 1)?;
        if frames.is_empty() {
            return Ok(None);
        }
        self.window.top_up();
        if !self.ended {
            // What keeps it from going on is met again by the next `fill`.
            self.walk(frames, usize::MAX);
        }
        Ok(Some(self.window.detach(spare)))
    }

    /// As [`Source::ahead`].
    pub fn ahead(&mut self, spare: &mut Vec<u8>) -> Option<Block> {
        let shared = self.shared.as_ref().filter(|_| !self.ended)?;
        Some(shared.block(std::mem::take(spare), self.progress.clone()))
    }

    /// As [`Source::adopt`]. What ends a capture is met by the next `fill`.
    pub fn adopt(&mut self, block: Block, frames: &mut Vec<Frame>) -> Vec<u8> {
        frames.clear();
        let Some(shared) = self.shared.as_ref().filter(|_| !self.ended) else { return block.bytes };
        if !block.is_whole() {
            shared.go_on_behind(&block);
            self.shared = None;
        }
        let spare = self.window.adopt(block.bytes, HEADROOM, block.length);
        if let Step::Stop(fault) = self.walk(frames, usize::MAX) {
            self.end(self.window.offset(), Some(fault));
        }
        // A record longer than a block is put together where it is.
        if frames.is_empty() { spare } else { self.window.detach(spare) }
    }

    /// The captured bytes of a frame of the last `fill`.
    #[inline]
    pub fn bytes(&self, frame: &Frame) -> &[u8] {
        self.window.slice(frame.offset as usize, frame.captured as usize)
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// How far it has been read, to be asked while somebody reads.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Stored bytes in all, if the input is a file.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Where frames of the last `fill` were captured; a new pcapng section describes its interfaces anew.
    pub fn interfaces(&self) -> &[Interface] {
        match &self.reading {
            Reading::Pcap(_, interface) => std::slice::from_ref(interface),
            Reading::Pcapng(pcapng) => &pcapng.interfaces,
            Reading::Nothing => &[],
        }
    }

    /// Packets that the capturing system says it lost, as far as the capture has been read.
    pub fn capture_drops(&self) -> u64 {
        if let Reading::Pcapng(pcapng) = &self.reading { pcapng.drops() } else { 0 }
    }

    /// Type and bytes of the Decryption Secrets Blocks read since the last call: those in front of the frames of the last
    /// `fill`. Who takes them overwrites them after use.
    pub fn take_secrets(&mut self) -> Vec<(u32, Vec<u8>)> {
        if let Reading::Pcapng(pcapng) = &mut self.reading { pcapng.take_secrets() } else { Vec::new() }
    }

    /// What could not be read so far: the first entries of `damage_count`.
    pub fn damage(&self) -> &[Damage] {
        &self.damages.list
    }

    pub fn damage_count(&self) -> u64 {
        self.damages.total
    }

    fn walk(&mut self, frames: &mut Vec<Frame>, max: usize) -> Step {
        let (base, offset) = (self.window.start(), self.window.offset());
        let (length, step) = match &mut self.reading {
            Reading::Pcap(pcap, _) => pcap.walk(self.window.held(), base, frames, max),
            Reading::Pcapng(pcapng) => pcapng.walk(self.window.held(), (base, offset), frames, max, &mut self.damages),
            Reading::Nothing => return Step::Need(1),
        };
        self.window.consume(length as u64);
        step
    }

    /// Makes `need` bytes available, or ends the reading with what there is to say about it.
    fn refill(&mut self, need: usize) -> io::Result<()> {
        match self.window.refill(need) {
            Ok(true) => {}
            Ok(false) if self.window.to_skip() > 0 => {
                self.end(self.skipping_from, Some(Fault::Truncated { missing: self.window.to_skip() }));
            }
            Ok(false) => {
                let held = self.window.held().len();
                let fault = (held > 0).then(|| Fault::Truncated { missing: (need - held) as u64 });
                self.end(self.window.offset(), fault);
            }
            Err(error) if self.compression.is_none() || self.progress.failed() => return Err(error),
            Err(error) => {
                let reached = self.window.offset() + self.window.held().len() as u64;
                self.end(reached, Some(Fault::Compressed(error.to_string())));
            }
        }
        Ok(())
    }

    fn end(&mut self, offset: u64, fault: Option<Fault>) {
        self.ended = true;
        if let Some(fault) = fault {
            self.damages.add(offset, fault);
        }
    }
}

impl Source for Capture {
    fn fill(&mut self, frames: &mut Vec<Frame>, max: usize) -> io::Result<()> {
        Self::fill(self, frames, max)
    }

    #[inline]
    fn bytes(&self, frame: &Frame) -> &[u8] {
        Self::bytes(self, frame)
    }

    fn detach(&mut self, frames: &mut Vec<Frame>, spare: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        Self::detach(self, frames, spare)
    }

    fn ahead(&mut self, spare: &mut Vec<u8>) -> Option<Block> {
        Self::ahead(self, spare)
    }

    fn adopt(&mut self, block: Block, frames: &mut Vec<Frame>) -> Vec<u8> {
        Self::adopt(self, block, frames)
    }

    fn take_secrets(&mut self) -> Vec<(u32, Vec<u8>)> {
        Self::take_secrets(self)
    }
}

/// Reads until `need` bytes are held; false if there are fewer.
fn read_ahead(window: &mut Window, need: usize) -> io::Result<bool> {
    loop {
        match window.refill(need) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The format of a capture that begins like this, None if it is not a capture.
fn recognise(start: &[u8]) -> Result<Option<(Format, Reading)>, OpenError> {
    let Some(&magic) = start.first_chunk() else { return Ok(None) };
    if let Some(format) = pcap::format(magic) {
        let Some(header) = start.first_chunk() else { return Ok(Some((format, Reading::Nothing))) };
        let (pcap, interface) = Pcap::open(header)?;
        return Ok(Some((format, Reading::Pcap(pcap, interface))));
    }
    if magic != pcapng::SECTION_HEADER.to_be_bytes() {
        return Ok(None);
    }
    match start.first_chunk().map(pcapng::section) {
        Some(Err(_)) => Ok(None),
        Some(Ok((_, major))) if major != pcapng::VERSION => {
            Err(OpenError::Unsupported { what: format!("pcapng version {major}") })
        }
        _ => Ok(Some((Format::Pcapng, Reading::Pcapng(Pcapng::default())))),
    }
}
