//! Keys of IKE SAs and of ESP associations that were given, and what opens with them.

mod cipher;
mod table;

pub use cipher::Protection;
use table::Line;
pub use table::{IkeKeys, is_of_table};

use crate::hash::Map;
use crate::ike::Spis;
use std::sync::Arc;

/// IKE SAs and ESP associations whose keys are kept, some 300 bytes each: a concentrator's for some days.
const MAX_ASSOCIATIONS: usize = 1 << 17;
/// Keys of different associations with the same SPI, which only their receivers tell apart.
const MAX_OF_ONE_SPI: usize = 4;

/// What came of a line.
pub enum Took {
    Kept,
    /// Not wanted, and not wrong.
    Passed,
    Malformed,
    Limited,
}

#[derive(Default)]
pub struct IpsecKeys {
    ike: Map<Spis, Arc<IkeKeys>>,
    esp: Map<u32, Vec<Protection>>,
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
                of_spi.push(*keys);
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

    /// The content of an ESP packet and its next header; `None` where there are no keys, `Some(None)` where none fits.
    pub fn open_esp(&self, spi: u32, sequence: u32, sealed: &[u8]) -> Option<Option<(u8, Vec<u8>)>> {
        let keys = self.esp.get(&spi)?;
        let front = [spi.to_be_bytes(), sequence.to_be_bytes()].concat();
        // Whether sequence numbers are extended is not in the tables. Their upper half is 0 for the first 2^32 packets.
        let opened = keys.iter().find_map(|keys| {
            keys.open(&front, sealed, None).or_else(|| keys.open(&front, sealed, Some(0))).and_then(without_trailer)
        });
        Some(opened)
    }
}

/// Padding, its length, next header: RFC 4303 section 2.4.
fn without_trailer(mut text: Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let next_header = text.pop()?;
    let padding = usize::from(text.pop()?);
    text.truncate(text.len().checked_sub(padding)?);
    Some((next_header, text))
}
