//! Bulk that need not be copied: packets of flows about which all is known are counted in the kernel (bpf(2)).
//!
//! One map and one filter for each ring, so that each knows what reached it. Loading wants CAP_BPF; afterwards flows come and
//! go through the map's descriptor, which wants no right since Linux 5.19.

mod bpf;
mod program;

use bpf::{Filter, Map};
use program::{DST, KEY, PORTS, PROTOCOL, SILENCE_NS, SRC, VERSION, Value};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

/// Directions of flows in the kernel, some 200 bytes each there and here; the flows beyond are read as all were.
const MAX_WAYS: u32 = 32_768;
/// A direction stays in the map for so long after it is over: another processor that found it before may still be adding to it,
/// and what it adds to an entry that was taken out would be in no count. The filter runs for less than a microsecond, unless a
/// hypervisor stops the processor meanwhile.
const GRACE_NS: u64 = 10_000_000;

/// One direction of a flow as its packets have it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Way([u8; KEY]);

impl Way {
    /// Addresses of version 4 stand in the first four bytes.
    pub fn new(v6: bool, transport: u8, from: ([u8; 16], u16), to: ([u8; 16], u16)) -> Self {
        let mut key = [0; KEY];
        key[SRC..DST].copy_from_slice(&from.0);
        key[DST..PORTS].copy_from_slice(&to.0);
        key[PORTS..PORTS + 2].copy_from_slice(&from.1.to_be_bytes());
        key[PORTS + 2..PROTOCOL].copy_from_slice(&to.1.to_be_bytes());
        (key[PROTOCOL], key[VERSION]) = (transport, u8::from(v6));
        Self(key)
    }
}

/// What the kernel counted of one direction since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    pub packets: u64,
    /// Of the IP layer.
    pub bytes: u64,
    /// Time of the latest packet, ns since the epoch by the clock as it stands.
    pub last: u64,
    /// The packets come up again, so that there is nothing left to count.
    pub over: bool,
}

impl Carried {
    /// Nothing, and nothing to come.
    pub fn over() -> Self {
        Self { over: true, ..Self::default() }
    }

    /// With what another ring counted of the same direction.
    pub fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.last = self.last.max(other.last);
        self.over &= other.over;
    }
}

pub struct Bypass {
    map: Map,
    /// The socket has it; kept to be attached to another.
    _filter: Filter,
    /// What was told of each before.
    told: HashMap<Way, [u64; 2]>,
    /// Counted in the kernel so far.
    pub packets: u64,
    pub bytes: u64,
}

impl Bypass {
    /// Lets everything of the socket go through a filter. `PermissionDenied` without CAP_BPF.
    pub fn attach(socket: &OwnedFd) -> io::Result<Self> {
        let map = Map::new(MAX_WAYS)?;
        let filter = Filter::load(&program::program(map.number()))?;
        filter.attach(socket)?;
        Ok(Self { map, _filter: filter, told: HashMap::new(), packets: 0, bytes: 0 })
    }

    /// From now on this direction is counted in the kernel, if it is not already. E2BIG: there is no room.
    pub fn put(&mut self, way: Way) -> io::Result<()> {
        if self.told.contains_key(&way) {
            return Ok(());
        }
        let [last, _] = bpf::clocks();
        self.map.put(&way.0, Value { last, ..Value::default() })?;
        self.told.insert(way, [0; 2]);
        Ok(())
    }

    /// What was counted since the last look. One that is over is let go a while later, when nobody counts it any more: what comes
    /// after an end or a silence is passed up.
    pub fn look(&mut self, way: &Way) -> Carried {
        let Some(told) = self.told.get_mut(way) else { return Carried::over() };
        let Some(value) = self.map.get(&way.0) else {
            self.told.remove(way);
            return Carried::over();
        };
        let [now, real] = bpf::clocks();
        let silent = now.saturating_sub(value.last);
        let ended = value.over != 0 && now.saturating_sub(value.over) > GRACE_NS;
        let over = ended || silent > SILENCE_NS as u64 + GRACE_NS;
        let (packets, bytes) = (value.packets - told[0], value.bytes - told[1]);
        *told = [value.packets, value.bytes];
        self.packets += packets;
        self.bytes += bytes;
        if over {
            self.told.remove(way);
            self.map.remove(&way.0);
        }
        Carried { packets, bytes, last: real.saturating_sub(silent), over }
    }
}
