//! Flows whose packets the kernel counts: those that the core has nothing more to learn of are told to the rings, and what was
//! counted there comes back now and then.

use std::collections::HashMap;
use std::io;
use transitproof_capture::ring::{Live, Way};
use transitproof_flow::{Core, Key};

#[derive(Default)]
pub struct Bypassed {
    /// And whose each is, by its place among the cores.
    flows: HashMap<Key, usize>,
    /// Why no more are told.
    refused: Option<io::Error>,
    is_on: bool,
    /// No room was left at the last attempt, and no flow has ended since.
    is_full: bool,
}

/// Its two directions: sent by the low end of the key, sent to it.
fn ways(key: &Key) -> [Way; 2] {
    let [low, high] = [true, false].map(|low| key.end(low)).map(|(address, port)| (address.to_v6(), port));
    let way = |from, to| Way::new(key.v6(), key.transport(), from, to);
    [way(low, high), way(high, low)]
}

impl Bypassed {
    pub fn begin(&mut self, cores: &mut [Core]) {
        cores.iter_mut().for_each(Core::tell_settled);
        self.is_on = true;
    }

    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Hands over what is settled by now.
    pub fn hand_over(&mut self, cores: &mut [Core], live: &mut Live) {
        if !self.is_on {
            return;
        }
        for (core, at) in cores.iter_mut().zip(0..) {
            for key in core.take_settled() {
                if self.is_full {
                    continue;
                }
                // If its packets come up although they were counted below, it ended there, and another began between the same ports.
                look(core, live, &key);
                self.flows.insert(key, at);
                match live.put(&ways(&key)) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                        (self.is_on, self.refused) = (false, Some(error));
                        return;
                    }
                    Err(_) => self.is_full = true,
                }
            }
        }
    }

    /// Adds to the flows what was counted, and lets go of those that end. Fails once if the kernel takes no flows.
    pub fn collect(&mut self, cores: &mut [Core], live: &mut Live) -> io::Result<()> {
        let before = self.flows.len();
        self.flows.retain(|key, at| look(&mut cores[*at], live, key));
        self.is_full &= self.flows.len() == before;
        self.refused.take().map_or(Ok(()), Err)
    }
}

/// Adds to a flow what was counted of it; whether there is more to come.
fn look(core: &mut Core, live: &mut Live, key: &Key) -> bool {
    let mut goes_on = false;
    for (way, low) in ways(key).iter().zip([true, false]) {
        let carried = live.look(way);
        core.carried(key, low, carried.packets, carried.bytes, carried.last);
        goes_on |= !carried.over;
    }
    goes_on
}
