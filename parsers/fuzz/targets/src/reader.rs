//! `capture`: a file of any bytes through the readers of pcap and pcapng, plain or compressed.
//!
//! Promised: every frame lies in the file or in what was decoded from it, and a pipe that gives a few bytes at a time makes the
//! same frames and the same damage as a file that is there as a whole.

use std::io::{Cursor, Read};
use transitproof_capture::{Capture, Damage, Fault, Frame};

/// gzip, zstd, xz.
const COMPRESSED: [&[u8]; 3] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"];

/// Frames looked at: a compressed input of a few bytes may hold millions.
const ENOUGH: usize = 4096;

pub fn capture(input: &[u8]) {
    let whole = read(Box::new(Cursor::new(input.to_vec())), 64);
    // A decoder that fails drops what it made in that call, so how far it came depends on the calls: it may not even have come
    // to the header of the capture.
    let compressed = COMPRESSED.iter().any(|magic| input.starts_with(magic));
    let failed = |seen: &Option<(Vec<Seen>, Vec<Damage>)>| match seen {
        None => compressed,
        Some((_, damages)) => damages.iter().any(|damage| matches!(damage.what, Fault::Compressed(_))),
    };
    let step = 1 + input.len() % 7;
    let dripping = read(Box::new(Dripping { bytes: Cursor::new(input.to_vec()), step }), 3);
    if !failed(&whole) && !failed(&dripping) {
        assert_eq!(whole, dripping);
    }
}

type Seen = (u64, u16, u32, Vec<u8>);

/// None for what is refused.
fn read(input: Box<dyn Read + Send>, batch: usize) -> Option<(Vec<Seen>, Vec<Damage>)> {
    let mut capture = Capture::from_reader(input).ok()?;
    let (mut seen, mut frames) = (Vec::new(), Vec::new());
    loop {
        let filled = capture.fill(&mut frames, batch);
        assert!(frames.len() <= batch);
        if filled.is_err() || frames.is_empty() || seen.len() > ENOUGH {
            break;
        }
        seen.extend(frames.iter().map(|frame| look(&capture, frame)));
    }
    let _ = (capture.format(), capture.compression(), capture.progress().read(), capture.capture_drops());
    assert!(capture.damage().len() as u64 <= capture.damage_count());
    seen.truncate(ENOUGH);
    Some((seen, capture.damage().to_vec()))
}

fn look(capture: &Capture, frame: &Frame) -> Seen {
    let bytes = capture.bytes(frame);
    assert_eq!(bytes.len(), frame.captured as usize);
    assert!(usize::from(frame.interface) < capture.interfaces().len());
    (frame.time_ns, frame.link, frame.original, bytes.to_vec())
}

/// Gives at most `step` bytes at a time.
pub struct Dripping {
    pub bytes: Cursor<Vec<u8>>,
    pub step: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.step);
        self.bytes.read(&mut buffer[..length])
    }
}
