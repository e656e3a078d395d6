//! Several cores at work on one capture, each in a thread of its own; whoever has nothing else to do reads the next buffer.
//!
//! The one who reads looks whose each frame is, while it is in its cache, see `transitproof_flow::Shares`. What they hand over is
//! put together in the order of the cores, so the same capture gives the same output with the same number of them.

use crate::keys;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{ScopedJoinHandle, panicking, scope};
use transitproof_capture::{Frame as Captured, Source};
use transitproof_flow::certificates::{Certificate, Certificates};
use transitproof_flow::observation::Observation;
use transitproof_flow::{Core, Frame, Looked, Said, Share, Shares, Watch};
use zeroize::Zeroizing;

/// Buffers under way at a time, of 256 kB: enough that none stands idle, and all of them stay in the shared cache.
const AHEAD: usize = 6;

/// Frames given to a core at a time.
const FRAMES: usize = 256;

/// A buffer that was read, with the frames in it.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    frames: Vec<Captured>,
    /// For each core what it is given; it alone asks for it.
    shares: Vec<Mutex<Given>>,
    /// Key logs in front of the frames.
    secrets: Vec<Zeroizing<Vec<u8>>>,
    /// Number of the first frame.
    first: u64,
}

/// What one core is given of a chunk: places of frames in the list, and what the first look at them found.
#[derive(Default)]
struct Given {
    places: Vec<u32>,
    looked: Vec<Looked>,
}

/// A part of a chunk: frames from the first to before the second number.
type Piece = (Arc<Chunk>, usize, usize);

#[derive(Default)]
struct Spare(Mutex<VecDeque<Chunk>>);

impl Spare {
    fn take(&self) -> Chunk {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_default()
    }

    fn put(&self, mut chunk: Chunk) {
        chunk.secrets.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(chunk);
    }
}

pub struct Crew {
    watch: Watch,
    /// What each core heard of DNS in the call before: it is judged while they are at the next one.
    said: Vec<Said>,
    certificates: Certificates,
    shares: Shares,
    /// Chunks that were worked off, for what is read next: a new one would have to be cleared by the kernel first. Each in its
    /// turn, so that no password stands in one for long.
    spare: Spare,
    /// What was read of a chunk and is for the next call.
    rest: Option<Piece>,
}

/// The capture, for whoever of them reads next.
struct Reader<'a, S> {
    source: &'a mut S,
    shares: &'a mut Shares,
    spare: &'a Spare,
    rest: &'a mut Option<Piece>,
    /// Number of the last frame so far.
    frame: &'a mut u64,
    /// Packets that are still wanted.
    left: u64,
    /// To each core, in the order of the frames. None once all was read.
    queues: Vec<Sender<Piece>>,
    under_way: VecDeque<Weak<Chunk>>,
    /// False at the capture's end, or where no packets come for now.
    more: io::Result<bool>,
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
            said: cores.iter().map(|_| Said::default()).collect(),
            certificates: Certificates::new(seed),
            shares: Shares::new(of, seed),
            spare: Spare::default(),
            rest: None,
        })
    }

    /// As `Core.feed`; `frame` is the number of the last frame so far.
    pub fn feed<S: Source + Send>(
        &mut self,
        cores: &mut [Core],
        source: &mut S,
        frame: &mut u64,
        packets: u64,
    ) -> io::Result<bool> {
        let (queues, pieces): (Vec<_>, Vec<_>) = cores.iter().map(|_| channel()).unzip();
        let reader = Mutex::new(Reader {
            source,
            shares: &mut self.shares,
            spare: &self.spare,
            rest: &mut self.rest,
            frame,
            left: packets,
            queues,
            under_way: VecDeque::with_capacity(AHEAD),
            more: Ok(true),
        });
        let (watch, said, spare, reader_of_all) = (&mut self.watch, &mut self.said, &self.spare, &reader);
        scope(|scope| {
            let heard = said.iter().any(|said| !said.is_empty()).then(|| scope.spawn(|| watch.hear(said)));
            let places = cores.iter_mut().zip(pieces).enumerate();
            let workers: Vec<_> = places
                .map(|(at, (core, pieces))| scope.spawn(move || work(core, at, pieces, reader_of_all, spare)))
                .collect();
            workers.into_iter().chain(heard).for_each(join);
        });
        let more = reader.into_inner().unwrap_or_else(PoisonError::into_inner).more;
        self.listen(cores);
        tell_each_other(cores, false);
        more
    }

    /// Takes what the cores heard, to be judged later.
    fn listen(&mut self, cores: &mut [Core]) {
        cores.iter_mut().zip(&mut self.said).for_each(|(core, said)| std::mem::swap(core.said(), said));
    }

    /// One who knows of all that was heard so far.
    pub fn watch(&mut self) -> &mut Watch {
        self.watch.hear(&mut self.said);
        &mut self.watch
    }

    /// Watches as these cores do from now on.
    pub fn watch_as(&mut self, cores: &[Core]) {
        if let Some(core) = cores.first() {
            self.watch = core.watch();
        }
    }

    /// As `Core.finish`, of all of them; so many flows of each.
    pub fn finish(&mut self, cores: &mut [Core], flows: usize) -> bool {
        let more = scope(|scope| {
            let workers: Vec<_> = cores.iter_mut().map(|core| scope.spawn(move || core.finish(flows))).collect();
            workers.into_iter().map(join).fold(false, |more, this| more | this)
        });
        self.watch();
        self.listen(cores);
        tell_each_other(cores, !more);
        self.rest = None;
        if !more {
            self.shares.rewind();
        }
        more
    }

    pub fn take_observations(&mut self, cores: &mut [Core]) -> Vec<Observation> {
        let mut all: Vec<_> = cores.iter_mut().flat_map(Core::take_observations).collect();
        self.watch().take(&mut all);
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
    pub fn limits(&mut self) -> Vec<(&'static str, u64)> {
        [&self.watch().limits()[..], &[("certificates", self.certificates.limited)]].concat()
    }
}

impl Chunk {
    /// Divides the frames among the cores.
    fn divide(&mut self, shares: &mut Shares, cores: usize) {
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

impl Given {
    /// Of the frames from the one to before the other.
    fn of(&mut self, from: usize, to: usize) -> (&[u32], &mut [Looked]) {
        let place = |of: usize| self.places.partition_point(|at| (*at as usize) < of);
        let range = place(from)..place(to);
        (&self.places[range.clone()], &mut self.looked[range])
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

impl<S: Source> Reader<'_, S> {
    /// Reads once, unless enough is under way or all was read; whether it did anything.
    fn read(&mut self) -> bool {
        while self.under_way.front().is_some_and(|chunk| chunk.strong_count() == 0) {
            self.under_way.pop_front();
        }
        if self.queues.is_empty() || self.under_way.len() >= AHEAD {
            return false;
        }
        match self.piece() {
            Ok(Some((chunk, from, to))) => {
                self.left -= (to - from) as u64;
                self.under_way.push_back(Arc::downgrade(&chunk));
                for queue in &self.queues {
                    // One that is gone has panicked, which shows when it is joined.
                    let _ = queue.send((chunk.clone(), from, to));
                }
                if self.left == 0 {
                    self.queues.clear();
                }
            }
            ended => {
                self.more = ended.map(|_| false);
                self.queues.clear();
            }
        }
        true
    }

    /// The next frames, not more than are wanted.
    fn piece(&mut self) -> io::Result<Option<Piece>> {
        let (chunk, from, to) = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let mut chunk = self.spare.take();
                let bytes = std::mem::take(&mut chunk.bytes);
                let Some(bytes) = self.source.detach(&mut chunk.frames, bytes)? else { return Ok(None) };
                chunk.bytes = bytes;
                chunk.first = *self.frame + 1;
                chunk.secrets = keys::of_blocks(self.source);
                chunk.divide(self.shares, self.queues.len());
                let to = chunk.frames.len();
                *self.frame += to as u64;
                (Arc::new(chunk), 0, to)
            }
        };
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(to - from);
        if from + wanted < to {
            *self.rest = Some((chunk.clone(), from + wanted, to));
        }
        Ok(Some((chunk, from, from + wanted)))
    }
}

/// One that panics would let the others wait for ever.
struct Alarm<'a, 'b, S>(&'a Mutex<Reader<'b, S>>);

impl<S> Drop for Alarm<'_, '_, S> {
    fn drop(&mut self) {
        if panicking() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).queues.clear();
        }
    }
}

/// Reads ahead where nobody else does, and works off what is there. Whoever has the most to do finds no room ahead, and so
/// the others read for it.
fn work<S: Source>(core: &mut Core, at: usize, pieces: Receiver<Piece>, reader: &Mutex<Reader<'_, S>>, spare: &Spare) {
    let _alarm = Alarm(reader);
    loop {
        if let Ok(mut reader) = reader.try_lock()
            && reader.read()
        {
            continue;
        }
        let Ok((chunk, from, to)) = pieces.recv() else { return };
        work_off(core, at, &chunk, from, to);
        if let Some(chunk) = Arc::into_inner(chunk) {
            spare.put(chunk);
        }
    }
}

fn work_off(core: &mut Core, at: usize, chunk: &Chunk, from: usize, to: usize) {
    if from == 0 {
        keys::hand_over(&chunk.secrets, core);
    }
    let mut given = chunk.shares[at].lock().unwrap_or_else(PoisonError::into_inner);
    let (places, looked) = given.of(from, to);
    let mut frames = [Frame { time: 0, link: 0, number: 0, bytes: &[] }; FRAMES];
    for (places, looked) in places.chunks(FRAMES).zip(looked.chunks_mut(FRAMES)) {
        for (frame, at) in frames.iter_mut().zip(places) {
            *frame = chunk.frame(*at);
        }
        core.given(&frames[..looked.len()], looked);
    }
}

fn join<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
