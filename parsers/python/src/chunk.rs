//! What was read at once: a buffer, the frames in it, and whose each of them is.

use crate::keys;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use transitproof_capture::Frame as Captured;
use transitproof_flow::{Core, Frame, Looked, Shares};
use zeroize::Zeroizing;

/// Frames given to a core at a time.
const FRAMES: usize = 256;

/// A buffer that was read, with the frames in it.
#[derive(Default)]
pub struct Chunk {
    pub bytes: Vec<u8>,
    pub frames: Vec<Captured>,
    /// For each core what it is given; it alone asks for it.
    shares: Vec<Mutex<Given>>,
    /// Key logs in front of the frames.
    pub secrets: Vec<Zeroizing<Vec<u8>>>,
    /// Number of the first frame.
    pub first: u64,
    /// What is handed over in between is handed over behind it.
    pub ends_step: bool,
}

/// What one core is given of a chunk: places of frames in the list, and what the first look at them found.
#[derive(Default)]
struct Given {
    places: Vec<u32>,
    looked: Vec<Looked>,
}

/// Chunks that were worked off, for what is read next: a new one would have to be cleared by the kernel first. Each in its turn,
/// whoever reads, so that no password stands in one for long.
#[derive(Default)]
pub struct Spare(Mutex<VecDeque<Chunk>>);

impl Spare {
    pub fn take(&self) -> Chunk {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_default()
    }

    pub fn put(&self, mut chunk: Chunk) {
        chunk.secrets.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(chunk);
    }
}

impl Chunk {
    /// Divides the frames among the cores.
    pub fn divide(&mut self, mut shares: Shares, cores: usize) {
        let mut given = std::mem::take(&mut self.shares);
        given.resize_with(cores, Mutex::default);
        let mut all: Vec<_> =
            given.iter_mut().map(|given| given.get_mut().unwrap_or_else(PoisonError::into_inner)).collect();
        for Given { places, looked } in &mut all {
            places.clear();
            looked.clear();
        }
        for at in 0..self.frames.len() as u32 {
            shares.give(&self.frame(at), |core, looked| {
                if let Some(given) = all.get_mut(core as usize) {
                    given.places.push(at);
                    given.looked.push(looked);
                }
            });
        }
        self.shares = given;
    }

    #[inline]
    fn frame(&self, at: u32) -> Frame<'_> {
        let captured = &self.frames[at as usize];
        let bytes = self.bytes.get(captured.offset as usize..).unwrap_or_default();
        let bytes = bytes.get(..captured.captured as usize).unwrap_or_default();
        Frame { time: captured.time_ns, link: captured.link, number: self.first + u64::from(at), bytes }
    }
}

/// What is this core's of a chunk.
pub fn work_off(core: &mut Core, at: usize, chunk: &Chunk) {
    keys::hand_over(&chunk.secrets, core);
    let mut given = chunk.shares[at].lock().unwrap_or_else(PoisonError::into_inner);
    let Given { places, looked } = &mut *given;
    let mut frames = [Frame { time: 0, link: 0, number: 0, bytes: &[] }; FRAMES];
    for (places, looked) in places.chunks(FRAMES).zip(looked.chunks_mut(FRAMES)) {
        for (frame, at) in frames.iter_mut().zip(places) {
            *frame = chunk.frame(*at);
        }
        core.given(&frames[..looked.len()], looked);
    }
}
