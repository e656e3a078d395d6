//! ESP or AH of one flow (an address pair, or a UDP 4500 flow): what each security association sent, lost and repeated.
//!
//! Called for every packet: the association used last is looked at first and nothing is allocated for the first two.
//! Sequence numbers are those of RFC 4303 section 3.4.3. May not know addresses.

mod cipher;
mod life;
mod null;
mod sequence;
mod write;

pub use life::EspSummary;
use null::NullProof;
use sequence::Sequence;
use transitproof_wire::esp::NullLayout;

use crate::Direction;

/// Associations kept in one flow. Two gateways with a tunnel per subnet pair need dozens, and each rekey adds two.
pub const MAX_SAS: usize = 128;
const _: () = assert!(MAX_SAS < NO_SA as usize);
/// Most flows have one association in each direction: these are kept in place.
const INLINE_SAS: usize = 2;
/// Steps forward without a large gap after which a flow's packets are taken for ESP whatever port they are on.
const CONFIRMING_STEPS: u64 = 4;

/// No association has this number.
const NO_SA: u8 = u8::MAX;

/// One security association: an SPI means something only in its direction. What every packet needs is one cache line.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Sa {
    spi: u32,
    direction: Direction,
    /// Counting is all that is left to do for its packets.
    quiet: bool,
    /// Keys showed that its numbers are extended.
    extended: bool,
    packets: u64,
    bytes: u64,
    last_time: u64,
    sizes: cipher::Sizes,
    sequence: Sequence,
    null: NullProof,
    first_time: u64,
}

impl Sa {
    fn new(direction: Direction, spi: u32, seq: u32, time: u64) -> Self {
        Self {
            spi,
            direction,
            quiet: false,
            extended: false,
            packets: 0,
            bytes: 0,
            last_time: time,
            sizes: cipher::Sizes::default(),
            sequence: Sequence::new(seq),
            null: NullProof::default(),
            first_time: time,
        }
    }
}

/// The state of one flow. Behind the associations in place, what else every packet needs is one cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct EspState {
    inline: [Option<Sa>; INLINE_SAS],
    /// Where each direction's last packet was counted that was not a quiet one.
    last: [u8; 2],
    /// The direction of that packet.
    from: Direction,
    nat_t: bool,
    /// The latest WESP header said that nothing is encrypted, or the contrary.
    wesp: Option<bool>,
    /// Time of the packet in hand.
    now: u64,
    more: Vec<Sa>,
    /// Packets of associations beyond [`MAX_SAS`].
    untracked: u64,
    /// Packets that opened with the keys given for their association, and those that did not.
    with_keys: [u64; 2],
}

/// AH counts as ESP does; only the record's member has another name.
#[derive(Debug, Default)]
pub struct AhState(EspState);

impl EspState {
    pub fn new(nat_t: bool) -> Self {
        Self { nat_t, ..Self::default() }
    }

    /// Reads the association that the direction used last, if it is the direction's first, as nearly always; the value only has
    /// to be used somehow.
    #[inline]
    pub fn touch(&self, from: Direction) -> u64 {
        self.inline[from as usize].as_ref().map_or(0, |sa| sa.packets) ^ u64::from(self.last[0])
    }

    /// One more packet of the association that the direction used last, `length` bytes at the IP layer and `size` behind the ESP
    /// header, if counting is all that is left to do for it. False: nothing was done, see [`Self::packet`].
    #[inline]
    pub fn count(&mut self, from: Direction, (spi, seq): (u32, u32), time: u64, (length, size): (u32, u32)) -> bool {
        let last = self.last[from as usize];
        let Some(sa) = self.sa_mut(last).filter(|sa| sa.spi == spi && sa.direction == from && sa.quiet) else {
            return false;
        };
        if !sa.sequence.follows(seq) {
            sa.sequence.next(seq);
        }
        sa.packets += 1;
        sa.bytes = sa.bytes.saturating_add(u64::from(length));
        sa.last_time = sa.last_time.max(time);
        sa.sizes.add(size);
        true
    }

    /// Nothing is left to do for the association of the last packet but to count, unless there is something to be found out yet.
    #[inline]
    pub fn hush(&mut self) {
        if let Some(sa) = self.sa_mut(self.last[self.from as usize]) {
            sa.quiet = !sa.null.is_open() && sa.null.proven().is_none();
        }
    }

    pub fn is_nat_t(&self) -> bool {
        self.nat_t
    }

    /// The time of the next packet, ns.
    #[inline]
    pub fn at(&mut self, time: u64) {
        self.now = time;
    }

    /// The next packet is wrapped (RFC 5840).
    pub fn wrapped(&mut self, encrypted: bool) {
        self.wesp = Some(encrypted);
    }

    /// One packet, `length` bytes at the IP layer.
    #[inline]
    pub fn packet(&mut self, from: Direction, spi: u32, seq: u32, length: usize) {
        let now = self.now;
        self.from = from;
        let last = self.last[self.from as usize];
        let found = match self.sa(last) {
            Some(sa) if sa.spi == spi && sa.direction == from => Some(last),
            _ => self.find_or_add(from, spi, seq),
        };
        let Some(at) = found else {
            self.untracked += 1;
            self.last[self.from as usize] = NO_SA;
            return;
        };
        self.last[self.from as usize] = at;
        if let Some(sa) = self.sa_mut(at) {
            if sa.packets > 0 {
                sa.sequence.next(seq);
            }
            sa.packets += 1;
            sa.last_time = sa.last_time.max(now);
            sa.bytes = sa.bytes.saturating_add(length as u64);
        }
    }

    /// Bytes behind the ESP header of the last packet, by the outer headers.
    #[inline]
    pub fn size(&mut self, length: u32) {
        if let Some(sa) = self.sa_mut(self.last[self.from as usize]) {
            sa.sizes.add(length);
        }
    }

    /// Is the last packet worth an [`inspect`](Self::inspect)? Only the first ones of an association are.
    #[inline]
    pub fn wants_inspection(&self) -> bool {
        self.sa(self.last[self.from as usize]).is_some_and(|sa| sa.null.is_open())
    }

    /// Looks whether the last packet, behind SPI and sequence number, can be read as unencrypted.
    pub fn inspect(&mut self, payload: Option<&[u8]>) {
        if let Some(sa) = self.sa_mut(self.last[self.from as usize]) {
            sa.null.inspect(payload);
        }
    }

    /// The last packet opened with keys that were given, under an extended number or not, or did not open. True if it is the first to
    /// say so.
    pub fn opened(&mut self, extended: Option<bool>) -> bool {
        if let Some(sa) = self.sa_mut(self.last[self.from as usize]) {
            sa.extended |= extended == Some(true);
        }
        let opened = extended.is_some();
        let count = &mut self.with_keys[usize::from(!opened)];
        *count += 1;
        *count == 1 && (opened || self.with_keys[0] == 0)
    }

    /// Whether the keys that were given fit, if any were. A packet that does not open among others that do may be forged.
    pub fn keys_word(&self) -> Option<&'static str> {
        match self.with_keys {
            [0, 0] => None,
            [0, _] => Some("unfit"),
            _ => Some("fit"),
        }
    }

    /// Does the last packet look unencrypted, without being proof yet?
    pub fn is_suspect(&self) -> bool {
        self.sa(self.last[self.from as usize]).is_some_and(|sa| sa.null.is_suspect())
    }

    /// SPI of the flow's first association: what is carried inside is named after it, so that both directions and all
    /// rekeys are one.
    pub fn first_spi(&self) -> Option<u32> {
        self.sas().next().map(|sa| sa.spi)
    }

    /// The layout of the last packet, if its association is proven not to encrypt.
    pub fn null_layout(&self) -> Option<NullLayout> {
        self.sa(self.last[self.from as usize])?.null.proven()
    }

    /// Do the sequence numbers run as those of ESP do, at least in one association?
    pub fn confirmed(&self) -> bool {
        self.sas().any(|sa| sa.sequence.steps() >= CONFIRMING_STEPS && sa.sequence.steps() * 2 > sa.packets)
    }

    #[inline]
    fn sa(&self, at: u8) -> Option<&Sa> {
        let at = usize::from(at);
        match self.inline.get(at) {
            Some(sa) => sa.as_ref(),
            None => self.more.get(at - INLINE_SAS),
        }
    }

    #[inline]
    fn sa_mut(&mut self, at: u8) -> Option<&mut Sa> {
        let at = usize::from(at);
        match self.inline.get_mut(at) {
            Some(sa) => sa.as_mut(),
            None => self.more.get_mut(at - INLINE_SAS),
        }
    }

    /// In first-seen order.
    fn sas(&self) -> impl Iterator<Item = &Sa> {
        self.inline.iter().flatten().chain(&self.more)
    }

    #[cold]
    fn find_or_add(&mut self, from: Direction, spi: u32, seq: u32) -> Option<u8> {
        if let Some(at) = self.sas().position(|sa| sa.spi == spi && sa.direction == from) {
            return Some(at as u8); // below MAX_SAS
        }
        let at = self.sas().count();
        let sa = Sa::new(from, spi, seq, self.now);
        if let Some(place) = self.inline.get_mut(at) {
            *place = Some(sa);
        } else if at < MAX_SAS {
            self.more.push(sa);
        } else {
            return None;
        }
        Some(at as u8)
    }
}

impl AhState {
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`EspState::at`].
    pub fn at(&mut self, time: u64) {
        self.0.now = time;
    }

    /// One packet, `length` bytes at the IP layer.
    #[inline]
    pub fn packet(&mut self, from: Direction, spi: u32, seq: u32, length: usize) {
        self.0.packet(from, spi, seq, length);
    }

    /// As [`EspState::first_spi`].
    pub fn first_spi(&self) -> Option<u32> {
        self.0.first_spi()
    }

    pub fn state(&self) -> &EspState {
        &self.0
    }
}

#[cfg(test)]
mod tests;
