//! ESP (RFC 4303), AH (RFC 4302) and ESP in UDP (RFC 3948): headers, and the proof that ESP does not encrypt.
//!
//! What ESP carries is ciphertext to this crate, except under ENCR_NULL: there the trailer and the packet inside can be
//! read. RFC 5879 describes the search; here a guess counts only if checksums confirm it. May not know flows.

pub mod wesp;

use crate::{ParseError, Reader};

/// The port that IKE and ESP share behind address translation.
pub const NAT_T_PORT: u16 = 4500;

/// SPI and sequence number.
pub const HEADER_LENGTH: usize = 8;

/// SPIs up to here are reserved by IANA (RFC 4303 section 2.1).
const LAST_RESERVED_SPI: u32 = 255;

/// An ESP packet: what is behind the header is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Esp<'a> {
    pub spi: u32,
    pub sequence: u32,
    pub payload: &'a [u8],
}

impl<'a> Esp<'a> {
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes, "esp");
        Ok(Self { spi: r.u32()?, sequence: r.u32()?, payload: r.rest() })
    }
}

/// An AH header and what it protects, which is in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ah<'a> {
    pub next_header: u8,
    pub spi: u32,
    pub sequence: u32,
    pub icv: &'a [u8],
    pub payload: &'a [u8],
}

impl<'a> Ah<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes, "ah");
        let next_header = r.u8()?;
        let words = r.u8()?;
        r.u16()?; // reserved
        let spi = r.u32()?;
        let sequence = r.u32()?;
        // The length counts 32-bit words less two; three of them are already read (RFC 4302 section 2.2).
        let icv = usize::from(words).checked_sub(1).ok_or(ParseError::Malformed("ah length"))?;
        // A capture may cut it: then there is no content either.
        let (icv, payload) = r.take(icv * 4).map_or((&[][..], &[][..]), |icv| (icv, r.rest()));
        Ok(Self { next_header, spi, sequence, icv, payload })
    }
}

/// The single byte that keeps a mapping of a translator alive (RFC 3948 section 2.3).
#[inline]
pub fn is_nat_keepalive(payload: &[u8]) -> bool {
    payload == [0xff]
}

/// Could this UDP payload be ESP, of which `length` bytes were sent? Necessary and not sufficient: the sequence numbers of a
/// flow decide.
#[inline]
pub fn looks_like_esp_in_udp(payload: &[u8], length: usize, ports: (u16, u16)) -> bool {
    /// ICV or IV, a trailer and at least a word of content: none is shorter.
    const SHORTEST: usize = HEADER_LENGTH + 16;
    if ports.0 != NAT_T_PORT && ports.1 != NAT_T_PORT || length < SHORTEST {
        return false;
    }
    // Content, padding and trailer end on a word (RFC 4303 section 2.4), as all initialisation vectors and ICVs do.
    let Ok(esp) = Esp::parse(payload) else { return false };
    // An ICV or ciphertext has bytes above ASCII: of 16 fair ones, none in one case of 65,000. Text behind two numbers is text.
    let above_ascii = || payload.get(HEADER_LENGTH..).is_some_and(|rest| rest.iter().any(|byte| *byte >= 0x80));
    length.is_multiple_of(4) && esp.spi > LAST_RESERVED_SPI && esp.sequence != 0 && above_ascii()
}

/// How a security association without encryption lays out its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullLayout {
    /// Bytes before the content: 8 under ENCR_NULL_AUTH_AES_GMAC, else none.
    pub iv: u8,
    /// Bytes of integrity check value behind the trailer.
    pub icv: u8,
}

/// A packet that can be read as unencrypted with this layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullFit {
    pub layout: NullLayout,
    pub next_header: u8,
    /// In transport mode what the checksum owes to the addresses: the same in each packet of one association,
    /// and not computable from one packet. In tunnel mode `None`: the packet inside proves itself.
    pub addresses: Option<u16>,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const IPV4: u8 = 4;
const IPV6: u8 = 41;

/// The layouts tried (RFC 5879 section 5: ICVs of 96, 128, 192 and 256 bits, none, and GMAC).
pub const NULL_LAYOUTS: [NullLayout; 6] = [
    NullLayout { iv: 0, icv: 12 },
    NullLayout { iv: 0, icv: 16 },
    NullLayout { iv: 0, icv: 32 },
    NullLayout { iv: 0, icv: 24 },
    NullLayout { iv: 0, icv: 0 },
    NullLayout { iv: 8, icv: 16 },
];

/// Reads the bytes behind an ESP header as if nothing were encrypted; `None` is what ciphertext gives.
pub fn null_fit(payload: &[u8], layout: NullLayout) -> Option<NullFit> {
    let (next_header, content) = null_content(payload, layout)?;
    let addresses = match next_header {
        IPV4 => valid_ipv4(content).then_some(None)?,
        IPV6 => valid_ipv6(content).then_some(None)?,
        TCP | UDP => Some(owed_to_addresses(next_header, content)?),
        _ => return None,
    };
    Some(NullFit { layout, next_header, addresses })
}

/// Next header and content of an unencrypted packet; `None` if the trailer is not one (RFC 4303 section 2.4).
pub fn null_content(payload: &[u8], layout: NullLayout) -> Option<(u8, &[u8])> {
    let (_, body) = payload.split_at_checked(usize::from(layout.iv))?;
    let (body, _) = body.split_at_checked(body.len().checked_sub(usize::from(layout.icv))?)?;
    if !body.len().is_multiple_of(4) {
        return None;
    }
    let (body, [pad_length, next_header]) = body.split_last_chunk::<2>()?;
    let (content, padding) = body.split_at_checked(body.len().checked_sub(usize::from(*pad_length))?)?;
    let counted = padding.iter().zip(1u8..).all(|(byte, expected)| *byte == expected);
    counted.then_some((*next_header, content))
}

fn valid_ipv4(packet: &[u8]) -> bool {
    let &[first, _, high, low, ..] = packet else { return false };
    let header = packet.get(..usize::from(first & 0x0f) * 4);
    let whole = usize::from(u16::from_be_bytes([high, low])) == packet.len();
    first >> 4 == 4 && first & 0x0f >= 5 && whole && header.is_some_and(|header| sum(0, header) == 0xffff)
}

/// IPv6 has no checksum of its own: the transport's must hold, so other next headers prove nothing.
fn valid_ipv6(packet: &[u8]) -> bool {
    let Some((header, content)) = packet.split_at_checked(40) else { return false };
    let Some(&[first, _, _, _, high, low, next_header, _]) = header.first_chunk::<8>() else { return false };
    if first >> 4 != 6 || usize::from(u16::from_be_bytes([high, low])) != content.len() {
        return false;
    }
    let Some(addresses) = header.get(8..) else { return false };
    match next_header {
        TCP | UDP => transport_length_fits(next_header, content) && pseudo(next_header, addresses, content) == 0xffff,
        ICMPV6 => pseudo(next_header, addresses, content) == 0xffff,
        _ => false,
    }
}

/// The ones' complement sum over pseudo header and content, which is 0xffff if the checksum is right.
fn pseudo(protocol: u8, addresses: &[u8], content: &[u8]) -> u16 {
    sum(u32::from(sum(u32::from(protocol) + (content.len() as u32 & 0xffff), addresses)), content)
}

/// What the addresses must add to the sum for the checksum to be right.
fn owed_to_addresses(protocol: u8, content: &[u8]) -> Option<u16> {
    let without_checksum = protocol == UDP && content.get(6..8) == Some(&[0, 0]);
    let fits = transport_length_fits(protocol, content) && !without_checksum;
    fits.then(|| !pseudo(protocol, &[], content))
}

/// TCP: a header length inside the segment. UDP: a length that is the datagram's.
fn transport_length_fits(protocol: u8, content: &[u8]) -> bool {
    match protocol {
        TCP => content.get(12).is_some_and(|byte| *byte >> 4 >= 5 && usize::from(byte >> 4) * 4 <= content.len()),
        _ => {
            content.len() >= 8
                && content.get(4..6).is_some_and(|l| usize::from(u16::from_be_bytes([l[0], l[1]])) == content.len())
        }
    }
}

/// The Internet checksum's sum (RFC 1071), folded. Wide enough for an offloaded segment, which may be far longer than 64 KiB.
fn sum(start: u32, bytes: &[u8]) -> u16 {
    let mut words = bytes.chunks_exact(2);
    let start = u64::from(start);
    let mut total = words.by_ref().fold(start, |sum, word| sum + u64::from(u16::from_be_bytes([word[0], word[1]])));
    if let [last] = words.remainder() {
        total += u64::from(*last) << 8;
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
