//! What each pcapng block says: packets, interfaces, statistics, secrets (pcapng draft, sections 4.2 to 4.7, appendix A).
//! Knows one body at a time; lengths of blocks have been checked. A fault here concerns this block alone.

use super::{
    DECRYPTION_SECRETS, ENHANCED_PACKET, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, PACKET, Pcapng, SIMPLE_PACKET,
    Walk, word,
};
use crate::limits::{MAX_INTERFACES, MAX_NAME, MAX_SECRET_BLOCKS, MAX_SECRETS};
use crate::{Fault, Frame, Interface, clock::Clock};

const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// Type and length, in front of every body.
const BLOCK_HEADER: usize = 8;

impl Pcapng {
    pub(super) fn block<const BIG: bool>(
        &mut self,
        kind: u32,
        body: &[u8],
        walk: &mut Walk,
        at: usize,
    ) -> Result<(), Fault> {
        match kind {
            ENHANCED_PACKET => {
                let ([interface, high, low, captured, original], data) = fields::<BIG, 5>(kind, body)?;
                let described = self.interface(interface)?;
                let time = described.clock.nanoseconds(u64::from(high) << 32 | u64::from(low));
                self.packet(walk, at + body.len() - data.len(), data, (interface, time, captured, original))
            }
            PACKET => {
                let ([first, high, low, captured, original], data) = fields::<BIG, 5>(kind, body)?;
                // Interface and drop count are 16 bits each.
                let interface = if BIG { first >> 16 } else { first & 0xffff };
                let described = self.interface(interface)?;
                let time = described.clock.nanoseconds(u64::from(high) << 32 | u64::from(low));
                self.packet(walk, at + body.len() - data.len(), data, (interface, time, captured, original))
            }
            SIMPLE_PACKET => {
                let ([original], data) = fields::<BIG, 1>(kind, body)?;
                let snaplen = self.interface(0)?.snaplen;
                // The captured length is not written; the data is padded to four bytes.
                let captured = original.min(if snaplen == 0 { u32::MAX } else { snaplen }).min(data.len() as u32);
                self.packet(walk, at + body.len() - data.len(), data, (0, self.last_time, captured, original))
            }
            INTERFACE_DESCRIPTION => self.describe::<BIG>(kind, body),
            INTERFACE_STATISTICS => self.statistics::<BIG>(kind, body),
            DECRYPTION_SECRETS => self.keep_secrets::<BIG>(kind, body),
            _ => Ok(()),
        }
    }

    fn interface(&self, index: u32) -> Result<&Interface, Fault> {
        self.interfaces.get(index as usize).ok_or(Fault::Interface { index })
    }

    /// `at` is where the data begins, less the block's header.
    fn packet(
        &mut self,
        walk: &mut Walk,
        at: usize,
        data: &[u8],
        (interface, time_ns, captured, original): (u32, u64, u32, u32),
    ) -> Result<(), Fault> {
        if captured as usize > data.len() {
            return Err(Fault::PacketLength { captured, room: data.len() });
        }
        self.last_time = time_ns;
        walk.frames.push(Frame {
            time_ns,
            offset: (walk.base + BLOCK_HEADER + at) as u32,
            captured,
            original,
            link: self.interface(interface)?.link,
            interface: interface as u16,
        });
        Ok(())
    }

    fn describe<const BIG: bool>(&mut self, kind: u32, body: &[u8]) -> Result<(), Fault> {
        let ([first, snaplen], rest) = fields::<BIG, 2>(kind, body)?;
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(Fault::Interfaces);
        }
        // The link type is followed by 16 reserved bits.
        let link = (if BIG { first >> 16 } else { first & 0xffff }) as u16;
        let mut interface = Interface { link, snaplen, name: None, drops: 0, clock: Clock::default() };
        for (code, value) in Options::<BIG>(rest) {
            match (code, value) {
                (IF_NAME, name) => {
                    let name = name.get(..MAX_NAME).unwrap_or(name);
                    interface.name = Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
                }
                (IF_TSRESOL, &[resolution, ..]) => interface.clock.set_resolution(resolution),
                (IF_TSOFFSET, value) => {
                    if let Some(seconds) = long::<BIG>(value) {
                        interface.clock.set_offset(seconds.cast_signed());
                    }
                }
                _ => {}
            }
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// The counters are totals since the capture began, so the last block of an interface holds.
    fn statistics<const BIG: bool>(&mut self, kind: u32, body: &[u8]) -> Result<(), Fault> {
        let ([index, _high, _low], rest) = fields::<BIG, 3>(kind, body)?;
        let interface = self.interfaces.get_mut(index as usize).ok_or(Fault::Interface { index })?;
        let counts = Options::<BIG>(rest).filter(|&(code, _)| code == ISB_IFDROP || code == ISB_OSDROP);
        let drops = counts
            .filter_map(|(_, value)| long::<BIG>(value))
            .fold(None, |sum, count| Some(count.saturating_add(sum.unwrap_or(0))));
        interface.drops = drops.unwrap_or(interface.drops);
        Ok(())
    }

    fn keep_secrets<const BIG: bool>(&mut self, kind: u32, body: &[u8]) -> Result<(), Fault> {
        let ([secrets_type, length], rest) = fields::<BIG, 2>(kind, body)?;
        let Some(secrets) = rest.get(..length as usize) else {
            return Err(Fault::PacketLength { captured: length, room: rest.len() });
        };
        if self.secret_bytes + secrets.len() > MAX_SECRETS || self.secrets.len() >= MAX_SECRET_BLOCKS {
            return Err(Fault::Secrets { length });
        }
        self.secret_bytes += secrets.len();
        self.secrets.push((secrets_type, secrets.to_vec()));
        Ok(())
    }
}

/// The fixed fields at the beginning of a body, and what follows them.
fn fields<const BIG: bool, const N: usize>(kind: u32, body: &[u8]) -> Result<([u32; N], &[u8]), Fault> {
    let short = Fault::ShortBlock { kind, length: body.len() as u32 };
    let Some((fixed, rest)) = body.split_at_checked(4 * N) else { return Err(short) };
    let Some(fixed) = fixed.as_chunks().0.first_chunk::<N>() else { return Err(short) };
    Ok((fixed.map(word::<BIG>), rest))
}

fn long<const BIG: bool>(value: &[u8]) -> Option<u64> {
    let bytes = *value.first_chunk()?;
    Some(if BIG { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
}

/// Code and value of each option; ends at opt_endofopt or where an option does not fit (section 3.5).
struct Options<'a, const BIG: bool>(&'a [u8]);

impl<'a, const BIG: bool> Iterator for Options<'a, BIG> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk()?;
        let head = word::<BIG>(*head);
        let (first, second) = ((head >> 16) as u16, head as u16);
        let (code, length) = if BIG { (first, second) } else { (second, first) };
        let value = rest.get(..usize::from(length))?;
        self.0 = rest.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
        (code != 0).then_some((code, value))
    }
}
