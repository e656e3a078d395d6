//! Where the workers of a [`crate::crew::Crew`] get their frames: whoever has nothing to do reads the next buffer.
//!
//! Who read it looks whose each frame is, while it is in its cache, see `transitproof_flow::Shares`; meanwhile another one reads.

use crate::keys;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{panicking, yield_now};
use transitproof_capture::{Block, Frame as Captured, Source};
use transitproof_flow::{Core, Frame, Looked, Shares};
use zeroize::Zeroizing;

/// Buffers under way at a time, of 256 kB: enough that none stands idle, and all of them stay in the shared cache.
const AHEAD: usize = 6;

/// How often one who finds nothing lets others have the processor before it sleeps: mostly there is something soon, and one who
/// slept is woken where the waker runs, behind it instead of beside it.
const PATIENCE: u32 = 500;

/// Blocks of the first step, before it is known how many packets are in one.
const FIRST_BLOCKS: u64 = 16;

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
    /// Who read it.
    worker: usize,
}

/// What one core is given of a chunk: places of frames in the list, and what the first look at them found.
#[derive(Default)]
struct Given {
    places: Vec<u32>,
    looked: Vec<Looked>,
}

/// Chunks that were worked off, of each worker those that it read: what is read next goes where its cache has lines already, and
/// a new one would have to be cleared by the kernel first. Each in its turn, so that no password stands in one for long.
pub struct Spare(Vec<Mutex<VecDeque<Chunk>>>);

impl Spare {
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    fn of(&self, worker: usize) -> MutexGuard<'_, VecDeque<Chunk>> {
        self.0[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, worker: usize) -> Chunk {
        let spare = self.of(worker).pop_front();
        Chunk { worker, ..spare.unwrap_or_default() }
    }

    fn put(&self, mut chunk: Chunk) {
        chunk.secrets.clear();
        self.of(chunk.worker).push_back(chunk);
    }
}

/// The capture, for whoever of them reads next.
struct Reader<'a, S> {
    source: &'a mut S,
    shares: &'a mut Shares,
    /// Number of the last frame so far.
    frame: &'a mut u64,
    /// Packets that are still wanted.
    left: u64,
    /// Or blocks, where these are read side by side: how many packets they have is known too late.
    blocks: u64,
    /// Packets and blocks so far.
    so_far: (u64, u64),
    /// Blocks that were read before one in front of them, by their places.
    early: BTreeMap<u64, (Block, Chunk)>,
    /// Whose turn it is.
    next: u64,
    /// False at the capture's end, or where no packets come for now.
    more: io::Result<bool>,
}

/// What was read, in the order of the capture.
#[derive(Default)]
struct Desk {
    /// Each with how many of the cores took it. None: it is being read.
    chunks: VecDeque<Option<(Arc<Chunk>, usize)>>,
    /// Number of the first of these.
    first: u64,
    /// Nothing is going to be added.
    over: bool,
}

pub struct Office<'a, S> {
    reader: Mutex<Reader<'a, S>>,
    desk: Mutex<Desk>,
    /// Of the desk.
    changed: Condvar,
    spare: &'a Spare,
    cores: usize,
}

/// What one finds on the desk.
enum Found {
    Chunk(Arc<Chunk>),
    /// Nothing, and room for more.
    Room,
    /// Nothing, until another one reads or works off.
    Full,
    Over,
}

impl Chunk {
    /// Divides the frames among the cores.
    fn divide(&mut self, mut shares: Shares, cores: usize) {
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

impl<S: Source> Reader<'_, S> {
    /// The next block, to be read meanwhile.
    fn ahead(&mut self, chunk: &mut Chunk) -> Option<Block> {
        if self.blocks == 0 {
            return None;
        }
        let block = self.source.ahead(&mut chunk.bytes)?;
        self.blocks -= 1;
        Some(block)
    }

    /// Takes a block that was read, and all whose turn it is then.
    fn adopt(&mut self, place: u64, block: Block, chunk: Chunk) -> Vec<(u64, Chunk, Shares)> {
        self.early.insert(place, (block, chunk));
        let mut adopted = Vec::new();
        while let Some((block, mut chunk)) = self.early.remove(&self.next) {
            chunk.bytes = self.source.adopt(block, &mut chunk.frames);
            self.so_far.0 += chunk.frames.len() as u64;
            self.so_far.1 += 1;
            let shares = self.number(&mut chunk);
            adopted.push((self.next, chunk, shares));
            self.next += 1;
        }
        adopted
    }

    /// The next buffer, and from where its frames are to be divided. None if there is none that is wanted.
    fn read(&mut self, mut chunk: Chunk) -> Option<(Chunk, Shares)> {
        if self.left == 0 || self.blocks == 0 {
            return None;
        }
        let bytes = std::mem::take(&mut chunk.bytes);
        match self.source.detach(&mut chunk.frames, bytes) {
            Ok(Some(bytes)) => chunk.bytes = bytes,
            ended => {
                self.more = ended.map(|_| false);
                self.left = 0;
                return None;
            }
        }
        chunk.secrets = keys::of_blocks(self.source);
        let shares = self.number(&mut chunk);
        self.next += 1;
        Some((chunk, shares))
    }

    /// Counts its frames; from where they are to be divided.
    fn number(&mut self, chunk: &mut Chunk) -> Shares {
        let count = chunk.frames.len() as u64;
        chunk.first = *self.frame + 1;
        *self.frame += count;
        self.left = self.left.saturating_sub(count);
        let shares = *self.shares;
        self.shares.pass(chunk.frames.iter().map(|frame| frame.time_ns));
        shares
    }
}

impl Desk {
    /// The chunk of this number, counted from the first of the call.
    fn find(&mut self, number: u64, cores: usize) -> Found {
        let at = (number - self.first) as usize;
        if let Some(Some((chunk, takers))) = self.chunks.get_mut(at) {
            let chunk = chunk.clone();
            *takers += 1;
            while self.chunks.front().is_some_and(|first| first.as_ref().is_some_and(|(_, takers)| *takers == cores)) {
                self.chunks.pop_front();
                self.first += 1;
            }
            return Found::Chunk(chunk);
        }
        match self.over {
            true if at >= self.chunks.len() => Found::Over,
            false if self.chunks.len() < AHEAD => Found::Room,
            _ => Found::Full,
        }
    }
}

/// One that panics would let the others wait for ever.
struct Alarm<'a, 'b, S>(&'a Office<'b, S>);

impl<S> Drop for Alarm<'_, '_, S> {
    fn drop(&mut self) {
        if panicking() {
            let mut desk = self.0.desk();
            desk.chunks.clear();
            desk.over = true;
            self.0.changed.notify_all();
        }
    }
}

impl<'a, S> Office<'a, S> {
    pub fn new(source: &'a mut S, shares: &'a mut Shares, frame: &'a mut u64, spare: &'a Spare, cores: usize) -> Self {
        let reader = Reader {
            source,
            shares,
            frame,
            left: 0,
            blocks: 0,
            so_far: (0, 0),
            early: BTreeMap::new(),
            next: 0,
            more: Ok(true),
        };
        let reader = Mutex::new(reader);
        Self { reader, desk: Mutex::default(), changed: Condvar::new(), spare, cores }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens for so many packets, with the rest of the last buffer.
    pub fn open(&self, packets: u64) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        (reader.left, reader.more, reader.next) = (packets, Ok(true), 0);
        reader.blocks = match reader.so_far {
            (0, _) => FIRST_BLOCKS,
            (packets_so_far, blocks) => (packets.saturating_mul(blocks) / packets_so_far).max(1),
        };
        *self.desk() = Desk::default();
    }

    /// Whether there may be more than was worked off.
    pub fn close(&self) -> io::Result<bool> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut reader.more, Ok(true))
    }

    /// The capture is over.
    pub fn rewind(&self) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        *reader.frame = 0;
        reader.shares.rewind();
    }
}

impl<'a, S: Source> Office<'a, S> {
    /// Works off what there is for this core, and reads ahead where there is nothing: who has more to do leaves that to the others.
    pub fn work(&self, core: &mut Core, at: usize) {
        let _alarm = Alarm(self);
        let (mut number, mut tries) = (0, 0);
        loop {
            let mut desk = self.desk();
            match desk.find(number, self.cores) {
                Found::Chunk(chunk) => {
                    drop(desk);
                    // There may be room now.
                    self.changed.notify_all();
                    (number, tries) = (number + 1, 0);
                    work_off(core, at, &chunk);
                    if let Some(chunk) = Arc::into_inner(chunk) {
                        self.spare.put(chunk);
                    }
                    continue;
                }
                Found::Room => {
                    drop(desk);
                    if let Some(reader) = self.reader(tries)
                        && self.read(reader, at, number)
                    {
                        continue;
                    }
                }
                Found::Full if tries < PATIENCE => drop(desk),
                Found::Full => drop(self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner)),
                Found::Over => return,
            }
            tries += 1;
            yield_now();
        }
    }

    /// None: another one has it, and there were few tries yet.
    fn reader(&self, tries: u32) -> Option<MutexGuard<'_, Reader<'a, S>>> {
        match self.reader.try_lock() {
            Ok(reader) => Some(reader),
            Err(TryLockError::WouldBlock) if tries < PATIENCE => None,
            Err(_) => Some(self.reader.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// Reads, unless somebody did in the meantime; whether something came of it. `number`: of the chunk that is wanted.
    fn read(&self, mut reader: MutexGuard<'_, Reader<'a, S>>, worker: usize, number: u64) -> bool {
        let desk = self.desk();
        let there = desk.chunks.get((number - desk.first) as usize).is_some_and(Option::is_some);
        if there || desk.chunks.len() >= AHEAD || desk.over {
            return true;
        }
        let place = desk.first + desk.chunks.len() as u64;
        drop(desk);
        let mut chunk = self.spare.take(worker);
        if let Some(mut block) = reader.ahead(&mut chunk) {
            self.desk().chunks.push_back(None);
            drop(reader);
            block.read();
            let adopted = self.reader.lock().unwrap_or_else(PoisonError::into_inner).adopt(place, block, chunk);
            for (place, chunk, shares) in adopted {
                self.put(place, chunk, shares);
            }
        } else if reader.next < place {
            // The last blocks are still being read: what is behind them comes after them.
            return false;
        } else if let Some((chunk, shares)) = reader.read(chunk) {
            self.desk().chunks.push_back(None);
            drop(reader);
            self.put(place, chunk, shares);
        } else {
            self.desk().over = true;
            self.changed.notify_all();
        }
        true
    }

    fn put(&self, place: u64, mut chunk: Chunk, shares: Shares) {
        chunk.divide(shares, self.cores);
        let mut desk = self.desk();
        let at = (place - desk.first) as usize;
        if let Some(slot) = desk.chunks.get_mut(at) {
            *slot = Some((Arc::new(chunk), 0));
        }
        drop(desk);
        self.changed.notify_all();
    }
}

fn work_off(core: &mut Core, at: usize, chunk: &Chunk) {
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
