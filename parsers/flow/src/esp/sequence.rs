//! Sequence numbers of one association: what is missing, what came late, what came twice.
//!
//! A number inside the window is known to be new or repeated. One older than the window is repeated for certain only
//! when no gap is left behind the window that it could fill: so a network that reorders is not called an attacker.

/// A step forward beyond this is not loss but a counter that was set anew, or not a sequence number at all: at this
/// many lost packets in a row an association would have been taken down.
const MAX_GAP: u32 = 1 << 20;
/// Steps up to this count as running (what [`Sequence::steps`] is for): a few packets lost or not captured.
const SMALL_STEP: u32 = 64;
const WINDOW: u64 = 64;
/// The last sixteenth of the 32 bits: at ten thousand packets a second seven hours are left.
const NEAR_WRAP: u32 = 0xf000_0000;

/// What every packet needs comes first.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Sequence {
    first: u32,
    last: u32,
    /// Bit n: the number n before the last was seen.
    window: u64,
    steps: u64,
    /// Times that the 32 bits of the last ran over: extended sequence numbers do.
    wraps: u64,
    /// Numbers behind the window, after the first, that were not seen.
    holes: u64,
    reordered: u64,
    replayed: u64,
}

impl Sequence {
    pub fn new(first: u32) -> Self {
        Self { first, last: first, window: 1, steps: 0, wraps: 0, holes: 0, reordered: 0, replayed: 0 }
    }

    /// The usual case of [`Self::next`], the number behind the last where none is missing; false if it is another one.
    #[inline]
    pub fn follows(&mut self, seq: u32) -> bool {
        // Bits that fall out of the window are set, so nothing is missing behind it.
        let follows = seq == self.last.wrapping_add(1) && seq != 0 && self.window == u64::MAX;
        if follows {
            self.last = seq;
            self.steps += 1;
        }
        follows
    }

    pub fn next(&mut self, seq: u32) {
        let ahead = seq.wrapping_sub(self.last);
        if ahead == 0 {
            self.replayed += 1;
        } else if ahead <= MAX_GAP {
            self.forward(ahead);
        } else if ahead < 1 << 31 {
            *self = Self { first: seq, last: seq, window: 1, wraps: 0, holes: self.lost(), ..*self };
        } else {
            self.backward(u64::from(self.last.wrapping_sub(seq)));
        }
    }

    pub fn first(&self) -> u32 {
        self.first
    }

    pub fn last(&self) -> u32 {
        self.last
    }

    /// Has it come close to where 32 bits end? Without extended numbers the association may not go on (RFC 4303 section 3.3.3).
    pub fn is_near_wrap(&self) -> bool {
        self.last > NEAR_WRAP && self.steps > 0 && !self.is_extended()
    }

    /// It went on past 32 bits: extended numbers were agreed, of which the upper half is never sent.
    pub fn is_extended(&self) -> bool {
        self.wraps > 0 && self.steps > 0
    }

    /// Packets until 32 bits end.
    pub fn left(&self) -> u32 {
        u32::MAX - self.last
    }

    pub fn lost(&self) -> u64 {
        self.holes + u64::from((!self.window & self.valid()).count_ones())
    }

    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    pub fn replayed(&self) -> u64 {
        self.replayed
    }

    /// Small steps forward so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    fn forward(&mut self, ahead: u32) {
        self.steps += u64::from(ahead <= SMALL_STEP);
        let distance = u64::from(ahead);
        let unseen = !self.window & self.valid();
        if distance < WINDOW {
            self.holes += u64::from((unseen >> (WINDOW - distance)).count_ones());
            self.window = self.window << distance | 1;
        } else {
            self.holes += u64::from(unseen.count_ones()) + (distance - WINDOW);
            self.window = 1;
        }
        let (last, over) = self.last.overflowing_add(ahead);
        self.last = last;
        self.wraps += u64::from(over);
    }

    fn backward(&mut self, distance: u64) {
        if distance < WINDOW {
            let bit = 1 << distance;
            let seen = self.window & bit != 0;
            self.window |= bit;
            self.replayed += u64::from(seen);
            self.reordered += u64::from(!seen);
        } else if distance > self.span() || self.holes > 0 {
            // Sent before the capture began, or late into a gap.
            self.holes -= u64::from(distance <= self.span());
            self.reordered += 1;
        } else {
            self.replayed += 1;
        }
    }

    /// Numbers from the first to the last, less one.
    fn span(&self) -> u64 {
        (self.wraps << 32 | u64::from(self.last)) - u64::from(self.first)
    }

    /// The part of the window that is not older than the first packet.
    fn valid(&self) -> u64 {
        let span = self.span();
        if span >= WINDOW - 1 { u64::MAX } else { (1 << (span + 1)) - 1 }
    }
}
