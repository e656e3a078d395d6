//! Where the workers of a [`crate::crew::Crew`] get their frames: whoever has nothing to do reads the next buffer.
//!
//! Who read it looks whose each frame is, while it is in its cache, see `transitproof_flow::Shares`; meanwhile another one reads.

use crate::chunk::{Chunk, Spare, work_off};
use crate::keys;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{panicking, yield_now};
use transitproof_capture::{Block, Source};
use transitproof_flow::{Core, Shares};

/// Buffers under way at a time, of 128 or 256 kB: enough that who is quick seldom waits for who is slow, and few enough to stay in the
/// cache (measured: 6 and 48 are slower).
const AHEAD: usize = 16;

/// How often one who finds nothing lets others have the processor before it sleeps: mostly there is something soon, and one who
/// slept is woken where the waker runs, behind it instead of beside it.
const PATIENCE: u32 = 500;

/// The capture, for whoever of them reads next.
struct Reader<'a, S> {
    source: &'a mut S,
    shares: &'a mut Shares,
    /// Number of the last frame so far.
    frame: &'a mut u64,
    /// Packets that are still wanted.
    left: u64,
    /// After about as many packets a step ends, if the whole capture is read in steps.
    step: Option<u64>,
    /// Packets of this one so far.
    in_step: u64,
    /// Place of the next chunk whose frames are found: in the order of the capture.
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
    /// Of the reader: whose turn it is.
    turned: Condvar,
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

impl<S: Source> Reader<'_, S> {
    /// The next block, to be read meanwhile: how many packets it has is known only then.
    fn ahead(&mut self, chunk: &mut Chunk) -> Option<Block> {
        self.step?;
        self.source.ahead(&mut chunk.bytes)
    }

    /// Takes a block that was read; from where its frames are to be divided.
    fn adopt(&mut self, block: Block, chunk: &mut Chunk) -> Shares {
        chunk.bytes = self.source.adopt(block, &mut chunk.frames);
        self.next += 1;
        self.number(chunk)
    }

    /// The next buffer, and from where its frames are to be divided. None if there is none that is wanted.
    fn read(&mut self, chunk: &mut Chunk) -> Option<Shares> {
        if self.left == 0 {
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
        self.next += 1;
        Some(self.number(chunk))
    }

    /// Counts its frames; from where they are to be divided.
    fn number(&mut self, chunk: &mut Chunk) -> Shares {
        let count = chunk.frames.len() as u64;
        chunk.first = *self.frame + 1;
        *self.frame += count;
        self.left = self.left.saturating_sub(count);
        self.in_step += count;
        chunk.ends_step = self.step.is_some_and(|step| self.in_step >= step);
        if chunk.ends_step {
            self.in_step = 0;
        }
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
            self.0.abandon();
        }
    }
}

impl<'a, S> Office<'a, S> {
    pub fn new(source: &'a mut S, shares: &'a mut Shares, frame: &'a mut u64, spare: &'a Spare, cores: usize) -> Self {
        let reader = Reader { source, shares, frame, left: 0, step: None, in_step: 0, next: 0, more: Ok(true) };
        let reader = Mutex::new(reader);
        Self { reader, desk: Mutex::default(), changed: Condvar::new(), turned: Condvar::new(), spare, cores }
    }

    fn reader(&self) -> MutexGuard<'_, Reader<'a, S>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is worked off any more.
    pub fn abandon(&self) {
        // Whoever has looked whether it is over, and is about to wait, holds this.
        let _reader = self.reader();
        let mut desk = self.desk();
        desk.chunks.clear();
        desk.over = true;
        self.changed.notify_all();
        self.turned.notify_all();
    }

    /// Opens for so many packets, with the rest of the last buffer.
    pub fn open(&self, packets: u64) {
        self.open_for(packets, None);
    }

    /// Opens for all that is left of a capture, in steps of about so many packets.
    pub fn open_in_steps(&self, packets: u64) {
        self.open_for(u64::MAX, Some(packets));
    }

    fn open_for(&self, packets: u64, step: Option<u64>) {
        let mut reader = self.reader();
        (reader.left, reader.more, reader.next) = (packets, Ok(true), 0);
        (reader.step, reader.in_step) = (step, 0);
        *self.desk() = Desk::default();
    }

    /// Whether there may be more than was worked off.
    pub fn close(&self) -> io::Result<bool> {
        let mut reader = self.reader();
        std::mem::replace(&mut reader.more, Ok(true))
    }

    /// The capture is over.
    pub fn rewind(&self) {
        let mut reader = self.reader();
        *reader.frame = 0;
        reader.shares.rewind();
    }
}

impl<'a, S: Source> Office<'a, S> {
    /// Works off what there is for this core from the chunk of this number on, and reads ahead where there is nothing: who has more to
    /// do leaves that to the others. False at the end, true at that of a step.
    pub fn work(&self, core: &mut Core, at: usize, number: &mut u64) -> bool {
        let _alarm = Alarm(self);
        let mut tries = 0;
        loop {
            let mut desk = self.desk();
            match desk.find(*number, self.cores) {
                Found::Chunk(chunk) => {
                    drop(desk);
                    // There may be room now.
                    self.changed.notify_all();
                    (*number, tries) = (*number + 1, 0);
                    work_off(core, at, &chunk);
                    let ends_step = chunk.ends_step;
                    if let Some(chunk) = Arc::into_inner(chunk) {
                        self.spare.put(chunk);
                    }
                    if ends_step {
                        return true;
                    }
                    continue;
                }
                Found::Room => {
                    drop(desk);
                    if let Some(reader) = self.try_reader(tries)
                        && self.read(reader, *number)
                    {
                        continue;
                    }
                }
                Found::Full if tries < PATIENCE => drop(desk),
                Found::Full => drop(self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner)),
                Found::Over => return false,
            }
            tries += 1;
            yield_now();
        }
    }

    /// None: another one has it, and there were few tries yet.
    fn try_reader(&self, tries: u32) -> Option<MutexGuard<'_, Reader<'a, S>>> {
        match self.reader.try_lock() {
            Ok(reader) => Some(reader),
            Err(TryLockError::WouldBlock) if tries < PATIENCE => None,
            Err(_) => Some(self.reader()),
        }
    }

    /// Reads, unless somebody did in the meantime; whether something came of it. `number`: of the chunk that is wanted.
    fn read(&self, mut reader: MutexGuard<'_, Reader<'a, S>>, number: u64) -> bool {
        let desk = self.desk();
        let there = desk.chunks.get((number - desk.first) as usize).is_some_and(Option::is_some);
        if there || desk.chunks.len() >= AHEAD || desk.over {
            return true;
        }
        let place = desk.first + desk.chunks.len() as u64;
        drop(desk);
        let mut chunk = self.spare.take();
        if let Some(mut block) = reader.ahead(&mut chunk) {
            self.desk().chunks.push_back(None);
            drop(reader);
            block.read();
            let mut reader = self.turn_of(place);
            let shares = reader.adopt(block, &mut chunk);
            drop(reader);
            self.turned.notify_all();
            self.put(place, chunk, shares);
        } else if reader.next < place {
            // The last blocks are still being read: what is behind them comes after them.
            self.spare.put(chunk);
            return false;
        } else if let Some(shares) = reader.read(&mut chunk) {
            self.desk().chunks.push_back(None);
            drop(reader);
            self.put(place, chunk, shares);
        } else {
            self.spare.put(chunk);
            self.desk().over = true;
            self.changed.notify_all();
        }
        true
    }

    /// Waits until what is in front of this place was taken. What was read is in this thread's cache, so it is not left to others.
    fn turn_of(&self, place: u64) -> MutexGuard<'_, Reader<'a, S>> {
        let mut tries = 0;
        loop {
            let reader = self.reader();
            // Over before its turn: the one in front has panicked.
            if reader.next == place || self.desk().over {
                return reader;
            }
            if tries < PATIENCE {
                drop(reader);
                yield_now();
            } else {
                drop(self.turned.wait(reader).unwrap_or_else(PoisonError::into_inner));
            }
            tries += 1;
        }
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
