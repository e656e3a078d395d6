//! Several cores at work on one capture, each in a thread of its own, while the next buffer is read.
//!
//! The one who reads looks whose each frame is, while it is in its cache, see `transitproof_flow::Shares`. What they hand over is
//! put together in the order of the cores, so the same capture gives the same output with the same number of them.

use crate::keys;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{ScopedJoinHandle, scope};
use transitproof_capture::{Frame as Captured, Source};
use transitproof_flow::certificates::{Certificate, Certificates};
use transitproof_flow::observation::Observation;
use transitproof_flow::{Core, Frame, Looked, Share, Shares, Watch};
use zeroize::Zeroizing;

/// Buffers that may wait for one core: enough that none stands idle, and some 1 MB for all that is under way.
const WAITING: usize = 2;

/// Frames given to a core at a time.
const FRAMES: usize = 256;

/// A buffer that was read, with the frames in it.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    frames: Vec<Captured>,
    /// For each core what it is given: places of frames in the list, and what the first look at them found.
    shares: Vec<(Vec<u32>, Vec<Looked>)>,
    /// Key logs in front of the frames.
    secrets: Vec<Zeroizing<Vec<u8>>>,
    /// Number of the first frame.
    first: u64,
}

/// A part of a chunk: frames from the first to before the second number.
type Piece = (Arc<Chunk>, usize, usize);

#[derive(Clone, Default)]
struct Spare(Arc<Mutex<Vec<Chunk>>>);

impl Spare {
    fn take(&self) -> Chunk {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn put(&self, mut chunk: Chunk) {
        chunk.secrets.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
    }
}

pub struct Crew {
    pub watch: Watch,
    certificates: Certificates,
    shares: Shares,
    /// Chunks that were worked off, for what is read next: a new one would have to be cleared by the kernel first.
    spare: Spare,
    /// What was read of a chunk and is for the next call.
    rest: Option<Piece>,
}

impl Crew {
    pub fn new(cores: &mut [Core], seed: u64) -> Option<Self> {
        let of = u32::try_from(cores.len()).ok()?;
        for (core, mine) in cores.iter_mut().zip(0..) {
            core.share(Share { mine, of });
        }
        let watch = cores.first()?.watch();
        Some(Self {
            watch,
            certificates: Certificates::new(seed),
            shares: Shares::new(of, seed),
            spare: Spare::default(),
            rest: None,
        })
    }

    /// As `Core.feed`; `frame` is the number of the last frame so far.
    pub fn feed(
        &mut self,
        cores: &mut [Core],
        source: &mut impl Source,
        frame: &mut u64,
        packets: u64,
    ) -> io::Result<bool> {
        let spare = &self.spare.clone();
        let more = scope(|scope| {
            let mut queues = Vec::with_capacity(cores.len());
            let mut workers = Vec::with_capacity(cores.len());
            for (core, at) in cores.iter_mut().zip(0..) {
                let (queue, pieces) = sync_channel(WAITING);
                queues.push(queue);
                workers.push(scope.spawn(move || work(core, at, &pieces, spare)));
            }
            let more = self.read(source, frame, packets, &queues);
            drop(queues);
            workers.into_iter().for_each(join);
            more
        });
        let mut said: Vec<_> = cores.iter_mut().map(Core::said).collect();
        self.watch.hear(&mut said);
        tell_each_other(cores, false);
        more
    }

    /// Reads until so many packets are under way; false at the capture's end, or where none come for now.
    fn read(
        &mut self,
        source: &mut impl Source,
        frame: &mut u64,
        packets: u64,
        queues: &[SyncSender<Piece>],
    ) -> io::Result<bool> {
        let mut left = packets;
        while left > 0 {
            let (chunk, from, to) = match self.rest.take() {
                Some(rest) => rest,
                None => {
                    let mut chunk = self.spare.take();
                    let bytes = std::mem::take(&mut chunk.bytes);
                    let Some(bytes) = source.detach(&mut chunk.frames, bytes)? else { return Ok(false) };
                    chunk.bytes = bytes;
                    chunk.first = *frame + 1;
                    chunk.secrets = keys::of_blocks(source);
                    chunk.divide(&mut self.shares, queues.len());
                    let to = chunk.frames.len();
                    *frame += to as u64;
                    (Arc::new(chunk), 0, to)
                }
            };
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(to - from);
            if from + wanted < to {
                self.rest = Some((chunk.clone(), from + wanted, to));
            }
            for queue in queues {
                // One that is gone has panicked, which shows when it is joined.
                let _ = queue.send((chunk.clone(), from, from + wanted));
            }
            left -= wanted as u64;
        }
        Ok(true)
    }

    /// As `Core.finish`, of all of them; so many flows of each.
    pub fn finish(&mut self, cores: &mut [Core], flows: usize) -> bool {
        let more = scope(|scope| {
            let workers: Vec<_> = cores.iter_mut().map(|core| scope.spawn(move || core.finish(flows))).collect();
            workers.into_iter().map(join).fold(false, |more, this| more | this)
        });
        let mut said: Vec<_> = cores.iter_mut().map(Core::said).collect();
        self.watch.hear(&mut said);
        tell_each_other(cores, !more);
        self.rest = None;
        if !more {
            self.shares.rewind();
        }
        more
    }

    pub fn take_observations(&mut self, cores: &mut [Core]) -> Vec<Observation> {
        let mut all: Vec<_> = cores.iter_mut().flat_map(Core::take_observations).collect();
        self.watch.take(&mut all);
        all
    }

    /// Those that no core handed out before.
    pub fn take_certificates(&mut self, cores: &mut [Core]) -> Vec<Arc<Certificate>> {
        for certificate in cores.iter_mut().flat_map(Core::take_certificates) {
            self.certificates.adopt(&certificate);
        }
        self.certificates.take_new()
    }

    /// Limits that were hit in what is done for all.
    pub fn limits(&self) -> Vec<(&'static str, u64)> {
        [&self.watch.limits()[..], &[("certificates", self.certificates.limited)]].concat()
    }
}

impl Chunk {
    /// Divides the frames among the cores.
    fn divide(&mut self, shares: &mut Shares, cores: usize) {
        let mut given = std::mem::take(&mut self.shares);
        given.resize_with(cores, Default::default);
        for (places, looked) in &mut given {
            places.clear();
            looked.clear();
        }
        for at in 0..self.frames.len() as u32 {
            shares.give(&self.frame(at), |core, looked| {
                let (places, all) = &mut given[core as usize];
                places.push(at);
                all.push(looked);
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

    /// What a core is given of the frames from the one to before the other.
    fn given(&self, core: usize, from: usize, to: usize) -> (&[u32], &[Looked]) {
        let (places, looked) = &self.shares[core];
        let place = |of: usize| places.partition_point(|at| (*at as usize) < of);
        let range = place(from)..place(to);
        (&places[range.clone()], &looked[range])
    }
}

/// What each learnt of tunnels is told to the others; then they can say what passed those by.
fn tell_each_other(cores: &mut [Core], all: bool) {
    let heard: Vec<_> = cores.iter_mut().map(Core::take_heard).collect();
    for (core, own) in cores.iter_mut().zip(0..) {
        heard.iter().zip(0..).filter(|(_, from)| *from != own).for_each(|(heard, _)| core.hear_of_tunnels(heard));
        core.tell_leaks(all);
    }
}

fn work(core: &mut Core, at: usize, pieces: &Receiver<Piece>, spare: &Spare) {
    for (chunk, from, to) in pieces {
        if from == 0 {
            keys::hand_over(&chunk.secrets, core);
        }
        let mut frames = [Frame { time: 0, link: 0, number: 0, bytes: &[] }; FRAMES];
        let mut looked = [Looked::NOTHING; FRAMES];
        let (places, all) = chunk.given(at, from, to);
        for (places, some) in places.chunks(FRAMES).zip(all.chunks(FRAMES)) {
            for (frame, at) in frames.iter_mut().zip(places) {
                *frame = chunk.frame(*at);
            }
            looked[..some.len()].copy_from_slice(some);
            core.given(&frames[..some.len()], &mut looked[..some.len()]);
        }
        if let Some(chunk) = Arc::into_inner(chunk) {
            spare.put(chunk);
        }
    }
}

fn join<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
