//! Keys of IKE SAs and of ESP associations that were given, and what opens with them.

mod cipher;
mod numbers;
mod table;

pub use cipher::Protection;
use table::Line;
pub use table::{IkeKeys, is_of_table};

use crate::hash::Map;
use crate::ike::Spis;
use numbers::Numbers;
use std::sync::Arc;

/// IKE SAs and ESP associations whose keys are kept, some 300 bytes each: a concentrator's for some days.
const MAX_ASSOCIATIONS: usize = 1 << 17;
/// Keys of different associations with the same SPI, which only their receivers tell apart.
const MAX_OF_ONE_SPI: usize = 4;
/// Packets opened in vain in search of the upper half of their numbers, in all: some seconds.
const MAX_TRIES: u32 = 1 << 22;

/// What came of a line.
pub enum Took {
    Kept,
    /// Not wanted, and not wrong.
    Passed,
    Malformed,
    Limited,
}

/// One association of ESP.
struct Association {
    keys: Protection,
    numbers: Numbers,
}

/// What was in an ESP packet.
pub struct Opened {
    pub next_header: u8,
    pub bytes: Vec<u8>,
    /// Its number is the lower half of one of 64 bits.
    pub extended: bool,
}

pub struct IpsecKeys {
    ike: Map<Spis, Arc<IkeKeys>>,
    esp: Map<u32, Vec<Association>>,
    /// What is left of [`MAX_TRIES`].
    tries: u32,
    /// Packets for which there was no search because of it.
    pub unsearched: u64,
}

impl Default for IpsecKeys {
    fn default() -> Self {
        Self { ike: Map::default(), esp: Map::default(), tries: MAX_TRIES, unsearched: 0 }
    }
}

impl IpsecKeys {
    pub fn line(&mut self, line: &[u8]) -> Took {
        let full = self.ike.len() + self.esp.len() >= MAX_ASSOCIATIONS;
        match table::read(line) {
            None => Took::Malformed,
            Some(Line::Clear) => Took::Passed,
            Some(_) if full => Took::Limited,
            Some(Line::Ike(spis, keys)) => {
                self.ike.insert(spis, Arc::from(keys));
                Took::Kept
            }
            Some(Line::Esp(spi, keys)) => {
                let of_spi = self.esp.entry(spi).or_default();
                if of_spi.len() >= MAX_OF_ONE_SPI {
                    return Took::Limited;
                }
                of_spi.push(Association { keys: *keys, numbers: Numbers::default() });
                Took::Kept
            }
        }
    }

    pub fn has_ike(&self) -> bool {
        !self.ike.is_empty()
    }

    pub fn has_esp(&self) -> bool {
        !self.esp.is_empty()
    }

    pub fn ike(&self, spis: &Spis) -> Option<&Arc<IkeKeys>> {
        self.ike.get(spis)
    }

    /// The content of an ESP packet; `None` where there are no keys, `Some(None)` where none fits.
    pub fn open_esp(&mut self, spi: u32, sequence: u32, sealed: &[u8]) -> Option<Option<Opened>> {
        let associations = self.esp.get_mut(&spi)?;
        let front = [spi.to_be_bytes(), sequence.to_be_bytes()].concat();
        let likely = associations
            .iter_mut()
            .find_map(|Association { keys, numbers }| numbers.open(sequence, |high| keys.open(&front, sealed, high)));
        let opened = likely.or_else(|| {
            let wanted = associations.iter().any(|association| association.numbers.may_be_searched());
            self.unsearched += u64::from(wanted && self.tries < numbers::MAX_HIGH);
            associations.iter_mut().find_map(|Association { keys, numbers }| {
                numbers.search(sequence, &mut self.tries, |high| keys.open(&front, sealed, high))
            })
        });
        Some(opened.and_then(|(text, extended)| {
            without_trailer(text).map(|(next_header, bytes)| Opened { next_header, bytes, extended })
        }))
    }
}

/// Padding, its length, next header: RFC 4303 section 2.4.
fn without_trailer(mut text: Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let next_header = text.pop()?;
    let padding = usize::from(text.pop()?);
    text.truncate(text.len().checked_sub(padding)?);
    Some((next_header, text))
}
