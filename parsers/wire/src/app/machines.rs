//! Factories, vehicles, studios and players: Foundation Fieldbus HSE, EtherCAT over UDP, AVTP (IEEE 1722), VITA 49, CIGI, Ember+, VICP, Gryphon, SINEC H1,
//! routable GOOSE, Enttec, MANET's packets (RFC 5444), B.A.T.M.A.N., HIP over UDP, Mosh, MLE, LTP, STAMP, SLIMP3, TeamSpeak 2, Soulseek, DirectPlay 8.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, le16, le32, may_be_sealed, one_of, starts, weak, yes};

/// IEC 61158 type 5 (HSE): version 1, a protocol, a length that fills the datagram.
pub fn fieldbus(d: &Datagram) -> Look {
    let b = d.payload;
    let fills = usize::try_from(be32(b, 8)?).ok()? == b.len();
    yes(byte(b, 0)? == 1 && (1..=4).contains(&(byte(b, 2)? >> 2)) && fills)
}

/// ETG.1000.4 section 4.4: a length with type 1, then a datagram with a known command that fits into it.
pub fn ethercat(d: &Datagram) -> Look {
    let b = d.payload;
    let (first, size) = (le16(b, 0)?, usize::from(le16(b, 8)? & 0x7ff));
    let length = usize::from(first & 0x7ff);
    weak(first >> 12 == 1 && length + 2 <= b.len() && b.len() < length + 16 && byte(b, 2)? <= 14 && size + 12 <= length)
}

/// IEEE 1722 annex J: a sequence, then a stream's header whose length fills the datagram.
pub fn audio_video(d: &Datagram) -> Look {
    let b = d.payload;
    let fills = usize::from(be16(b, 24)?) + 28 == b.len();
    weak(matches!(byte(b, 4)?, 0 | 2 | 3 | 4) && byte(b, 5)? & 0x70 == 0 && fills)
}

/// ANSI/VITA 49.2 section 5.1: a type of packet, and a size in words that fills the datagram.
pub fn radio_transport(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? >> 4 <= 7 && usize::from(be16(b, 2)?) * 4 == b.len())
}

/// CIGI 3 and 4: the first packet controls or begins a frame, and has a word that shows the order of bytes.
pub fn image_generator(d: &Datagram) -> Look {
    let b = d.payload;
    let first = matches!(byte(b, 0)?, 0x01 | 0x65) && matches!(byte(b, 1)?, 16 | 24) && byte(b, 2)? == 3;
    yes(first && matches!(be16(b, 6)?, 0x8000 | 0x0080))
}

/// Lawo's S101: begin of frame, slot, message 14 (EmBER), a command, version 1.
pub fn ember(b: &[u8]) -> Look {
    yes(starts(b, &[0xfe, 0, 0x0e])? && byte(b, 3)? <= 2 && byte(b, 4)? == 1)
}

/// LeCroy's VICP: operation, version 1, sequence, zero, length.
pub fn oscilloscope(b: &[u8]) -> Look {
    weak(byte(b, 0)? & 0x80 != 0 && byte(b, 1)? == 1 && byte(b, 3)? == 0 && be32(b, 4)? <= 1 << 20)
}

/// Dearborn's Gryphon: sender and receiver with channels, length, type, zero.
pub fn gryphon(b: &[u8]) -> Look {
    let ends = byte(b, 0)? <= 0x24 && byte(b, 2)? <= 0x24;
    weak(ends && be16(b, 4)? <= 4096 && matches!(byte(b, 6)? & 0x3f, 1..=7) && byte(b, 7)? == 0)
}

/// SIMATIC's H1: "S5", the header's length, an operation's element.
pub fn h1(b: &[u8]) -> Look {
    yes(starts(b, b"S5\x10\x01\x03")? && byte(b, 5)? <= 10)
}

/// IEC 61850-90-5: a session of one element, its kind, a common header.
pub fn routable_goose(d: &Datagram) -> Look {
    let b = d.payload;
    yes(be16(b, 0)? == 0x0140 && (0xa0..=0xa3).contains(&byte(b, 2)?) && byte(b, 4)? == 0x80)
}

/// A node of Enttec's: what it wants in four letters.
pub fn enttec(d: &Datagram) -> Look {
    weak(one_of(d.payload, &[b"ESPP", b"ESPR", b"ESAP", b"ESDD", b"ESZZ"])?)
}

/// RFC 5444 section 5: version 0, flags, then messages that fill the packet.
pub fn mobile_networks(d: &Datagram) -> Look {
    let b = d.payload;
    let first = byte(b, 0)?;
    if first & 0xf3 != 0 {
        return NO;
    }
    let mut at = if first & 0x08 != 0 { 3 } else { 1 };
    if first & 0x04 != 0 {
        at += 2 + usize::from(be16(b, at)?);
    }
    while at < b.len() {
        match be16(b, at + 2) {
            Some(size) if size >= 6 => at += usize::from(size),
            _ => return NO,
        }
    }
    weak(at == b.len() && at > 4)
}

/// B.A.T.M.A.N. over UDP: version 5, and as many networks as fill the packet.
pub fn better_approach(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? == 5 && b.len() == 18 + 5 * usize::from(byte(b, 17)?))
}

/// RFC 5770 section 5.1: zeros in the place of an SPI, then HIP's header (RFC 7401 section 5.1).
pub fn host_identity(d: &Datagram) -> Look {
    let b = d.payload;
    let fills = 4 + (usize::from(byte(b, 5)?) + 1) * 8 == b.len();
    weak(
        be32(b, 0)? == 0
            && byte(b, 4)? == 59
            && matches!(byte(b, 6)?, 1..=32)
            && matches!(byte(b, 7)?, 0x11 | 0x21)
            && fills,
    )
}

/// Mosh (Winstein, Balakrishnan 2012): a bit for the direction, a count from 0, AES in OCB with a tag of 16 bytes.
pub fn mosh(d: &Datagram) -> Look {
    let b = d.payload;
    let counts = byte(b, 0)? == if d.from_client { 0 } else { 0x80 } && b.get(1..7)? == [0; 6];
    weak(counts && b.len() >= 8 + 4 + 16 && may_be_sealed(b.get(8..)?))
}

/// Thread's mesh links (draft-ietf-6lo-mesh-link-establishment): secured as a frame of IEEE 802.15.4 is, encrypted with a tag of four bytes.
pub fn mesh_links_sealed(d: &Datagram) -> Look {
    let b = d.payload;
    let header = match (byte(b, 0)?, byte(b, 1)?) {
        (0, 0x0d) => 7,
        (0, 0x15) => 11,
        _ => return NO,
    };
    weak(b.len() >= header + 12 && may_be_sealed(b.get(header..)?))
}

/// The same without security: discovery's request or answer.
pub fn mesh_links(d: &Datagram) -> Look {
    weak(byte(d.payload, 0)? == 0xff && matches!(byte(d.payload, 1)?, 16 | 17) && byte(d.payload, 2)? == 26)
}

/// RFC 5326 section 3: version 0, a kind of segment, an engine and a session, no extensions; data for the bundle protocol that fills the segment.
pub fn licklider(d: &Datagram) -> Look {
    let b = d.payload;
    let mut place = 1;
    let mut number = || {
        let value = sdnv(b, place)?;
        place += value.1;
        Some(value.0)
    };
    let kind = byte(b, 0)?;
    let (_, _) = (number()?, number()?);
    let extensions = number()?;
    if kind > 0x0f || kind & 0x06 == 0x06 || extensions != 0 {
        return NO;
    }
    // Red and green data: service, offset, length; a checkpoint has two serial numbers more.
    if kind <= 7 {
        let (service, _, length) = (number()?, number()?, number()?);
        if matches!(kind, 1..=3) {
            let (_, _) = (number()?, number()?);
        }
        return weak(service <= 2 && usize::try_from(length).ok()? + place == b.len());
    }
    weak(kind >= 8 && place <= b.len() && b.len() <= place + 40 && b.len() <= 64 && kind != 10 && kind != 11)
}

/// Seven bits a byte, the last one without its first bit (RFC 6256), and how many bytes.
fn sdnv(b: &[u8], from: usize) -> Option<(u64, usize)> {
    const LONGEST: usize = 9;
    let mut value = 0;
    for n in 0..LONGEST {
        let byte = byte(b, from + n)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, n + 1));
        }
    }
    None
}

/// RFC 8762 section 4.2 and RFC 8972 section 3: sequence, time, error, session, then zeros; the reflector puts its own and the sender's in their place.
pub fn stamp(d: &Datagram) -> Look {
    /// 2010 in NTP's seconds; the other format, PTP's, begins its seconds in 1970.
    const EARLIEST: u32 = 0x4b3d_3b00;
    let b = d.payload;
    let is_time = |at: usize| Some(be32(b, at)? >= EARLIEST);
    let fresh = b.get(16..44)?.iter().all(|byte| *byte == 0);
    let reflected = be16(b, 38)? == 0 && b.get(41..44)? == [0; 3] && is_time(16)? && is_time(28)?;
    let near = be32(b, 4)?.abs_diff(be32(b, 16)?) < 1 << 16;
    weak(is_time(4)? && byte(b, 13)? != 0 && (fresh || reflected && near))
}

/// SLIMP3: a letter, then zeros and the player's address.
pub fn slim_player(d: &Datagram) -> Look {
    let b = d.payload;
    weak(matches!(byte(b, 0)?, b'd' | b'h') && b.len() == 18 && b.get(4..12)? == [0; 8])
}

/// TeamSpeak 2: a class, a type, session and client, a sequence.
pub fn team_speak2(d: &Datagram) -> Look {
    let b = d.payload;
    weak((0xbef0..=0xbef4).contains(&le16(b, 0)?) && le16(b, 2)? <= 0x0200 && b.len() >= 16)
}

/// Soulseek's server: a length, code 1 (login), a name and a password with their lengths.
pub fn soulseek(b: &[u8]) -> Look {
    let (length, code, name) = (le32(b, 0)?, le32(b, 4)?, le32(b, 8)?);
    if code != 1 || !(16..512).contains(&length) || !(1..64).contains(&name) {
        return NO;
    }
    let name = name as usize;
    let readable = b.get(12..12 + name)?.iter().all(|c| (b' '..=b'~').contains(c));
    yes(readable && le32(b, 12 + name)? < 64)
}

/// MS-DPDX section 2.2: a search by its kind and the application's GUID, or an answer with a description of 80 bytes.
pub fn direct_play8(d: &Datagram) -> Look {
    let b = d.payload;
    let asks = match byte(b, 4)? {
        1 => b.len() >= 21,
        2 => true,
        _ => false,
    };
    let answers = || Some(byte(b, 1)? == 3 && le32(b, 12)? == 0x50);
    weak(byte(b, 0)? == 0 && (byte(b, 1)? == 2 && asks || answers()?))
}

/// BMW's HSFZ: a length that the message fills, a control word; diagnosis has two addresses in it.
pub fn vehicle_access(b: &[u8]) -> Look {
    let (length, control) = (be32(b, 0)?, be16(b, 4)?);
    weak(
        length <= 4096
            && matches!(control, 1 | 2 | 0x10..=0x13 | 0x40..=0x45 | 0xff)
            && (length >= 2 || control >= 0x10),
    )
}

pub fn vehicle_access_datagram(d: &Datagram) -> Look {
    let fills = usize::try_from(be32(d.payload, 0)?).ok()? + 6 == d.payload.len();
    if fills { vehicle_access(d.payload) } else { NO }
}

/// Trackers by GPS (Concox GT06 and its likes): begin, a length, an end where it says.
pub fn tracker(b: &[u8]) -> Look {
    let length = match (byte(b, 0)?, byte(b, 1)?) {
        (0x78, 0x78) => 3 + usize::from(byte(b, 2)?),
        (0x79, 0x79) => 4 + usize::from(be16(b, 2)?),
        _ => return NO,
    };
    yes(length >= 8 && at(b, length, b"\r\n")?)
}

pub fn tracker_datagram(d: &Datagram) -> Look {
    tracker(d.payload)
}

/// Google's PSP (architecture specification 1.0): what is inside, header's length, where encryption begins, version, an index, a vector.
pub fn packet_security(d: &Datagram) -> Look {
    let b = d.payload;
    let inside = matches!(byte(b, 0)?, 4 | 6 | 17 | 41 | 59) && matches!(byte(b, 1)?, 1 | 2);
    let offset = usize::from(byte(b, 2)? & 0x3f) * 4;
    let header = 8 + 8 * usize::from(byte(b, 1)?);
    let version = byte(b, 3)? & 0x01 == 1 && byte(b, 2)? & 0xc0 == 0 && byte(b, 3)? >> 2 & 0x0f <= 3;
    weak(inside && version && b.len() >= header + offset + 32 && may_be_sealed(b.get(header + offset..)?))
}

/// The Honeynet's Sebek: its magic number, a version.
pub fn sebek(d: &Datagram) -> Look {
    weak(matches!(be32(d.payload, 0)?, 0x00d0_d0d0 | 0x0d0d_0d00 | 0xd0d0_d000) && be16(d.payload, 4)? <= 3)
}

/// Remote capture of Cisco's access points (PEEKREMOTE 2): its magic number, version, header's length.
pub fn peek_remote(d: &Datagram) -> Look {
    yes(at(d.payload, 0, &[0x00, 0xff, 0xab, 0xcd])? && byte(d.payload, 4)? == 2)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{Message, client_on, each, fair, udp, udp_back};

    #[test]
    fn datagrams() {
        let stamp = [&b"\0\0\0\x01\xe9\x53\x01\x02\x80\0\0\0\x80\x01"[..], &[0; 30]].concat();
        let messages: [Message; 17] = [
            (b"\x01\x00\x05\x03\0\0\0\0\0\0\0\x10abcd", 1090, 11, Protocol::Hse),
            (b"\x0e\x10\x01\x07\0\0\x30\x01\x02\0\0\0ab\0\0", 34980, 1, Protocol::Ethercat),
            (b"\0\0\0\x01\x02\x80\x01\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x04\0\0abcd", 17220, 25, Protocol::Avtp),
            (b"\x18\x01\0\x04\0\0\0\x01\0\0\0\x07abcd", 4991, 3, Protocol::Vita49),
            (b"\x01\x10\x03\0\x02\0\x80\0\0\0\0\x01\0\0\0\0", 8004, 6, Protocol::Cigi),
            (b"\x01\x40\xa1\x18\x80\x16\0\0\0\0\0\x01", 102, 1, Protocol::Goose),
            (b"ESPP\0", 3333, 1, Protocol::Enttec),
            (b"\x08\0\x01\x01\x03\0\x08abcd", 269, 5, Protocol::Packetbb),
            (b"\x05\0\x32\0\0\x01\x10\xd2\x0a\0\0\x01\x0a\0\0\x01\xff\0", 4305, 17, Protocol::Batman),
            (b"\x64\0\x01\x11\0\0\0\0\0\0\0\0\x02\0\0\0\0\x01", 3483, 5, Protocol::Slimp3),
            (b"\xf4\xbe\x03\0\0\0\0\0\0\0\0\0\x01\0\0\0abcd", 8767, 1, Protocol::Teamspeak2),
            (b"\0\x02\x12\x34\x01abcdefghijklmnop", 6073, 1, Protocol::Dplay),
            (b"\x0d\x0d\x0d\0\0\x01\0\0\0\0\0\x01", 1101, 1, Protocol::Sebek),
            (b"\0\xff\xab\xcd\x02\0\0\0\0\x14", 5000, 4, Protocol::Peekremote),
            (b"\xff\x10\x1a\x03\x80\x02\x40", 19788, 2, Protocol::Mle),
            (b"\x00\x81\x01\x07\0\x01\0\x04abcd", 1113, 7, Protocol::Ltp),
            (&stamp, 862, 20, Protocol::Stamp),
        ];
        each(udp, &messages);
        let i1 = [&b"\0\0\0\0\x3b\x04\x01\x11\0\0\0\0"[..], &[9; 32]].concat();
        each(udp, &[(&i1, 10500, 0, Protocol::Hip)]);
        each(udp, &[(b"\0\0\0\x04\0\x11abcd", 6811, 3, Protocol::Hsfz)]);
    }

    /// What is encrypted is so by its counter and by bytes of which none repeats.
    #[test]
    fn sealed() {
        let sealed = |header: &[u8]| [header, &fair(40)].concat();
        assert_eq!(udp(&sealed(&[0, 0, 0, 0, 0, 0, 0, 1]), 60001), Some(Protocol::Mosh));
        assert_eq!(udp_back(&sealed(&[0x80, 0, 0, 0, 0, 0, 0, 1]), 60001), Some(Protocol::Mosh));
        assert_eq!(udp(&sealed(&[0x80, 0, 0, 0, 0, 0, 0, 1]), 60001), None);
        assert_eq!(udp(&sealed(&[0, 0, 0, 0, 0, 0, 0, 1]), 40001), None);
        assert_eq!(udp(&[&[0; 8][..], &[b'a'; 40]].concat(), 60001), None);
        let psp = [4, 1, 0, 1, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(udp(&sealed(&psp), 1000), Some(Protocol::Psp));
        assert_eq!(udp(&[&psp[..], &[7; 40]].concat(), 1000), None);
        assert_eq!(udp(&sealed(&[0, 0x15, 1, 0, 0, 0, 0, 0, 0, 0, 1]), 19788), Some(Protocol::SealedMle));
        assert_eq!(udp(&sealed(&[0, 0x16, 1, 0, 0, 0, 0, 0, 0, 0, 1]), 19788), None);
    }

    #[test]
    fn streams() {
        let login = b"\x1a\0\0\0\x01\0\0\0\x04\0\0\0name\x06\0\0\0secret\xb5\0\0\0";
        let messages: [Message; 7] = [
            (b"\0\0\0\x04\0\x01\xf4\x10\x3e\0", 6801, 2, Protocol::Hsfz),
            (b"\x78\x78\x0d\x01\x01\x23\x45\x67\x89\x01\x23\x45\0\x01\x8c\xdd\r\n", 8821, 2, Protocol::Concox),
            (b"\xfe\0\x0e\0\x01\xc0\x01\x02\x0a\x02", 9000, 1, Protocol::Ember),
            (b"\x81\x01\x01\0\0\0\0\x05*IDN?", 1861, 1, Protocol::Vicp),
            (b"\x11\0\x10\0\0\x10\x01\0\x50\0\0\0", 7000, 7, Protocol::Gryphon),
            (b"S5\x10\x01\x03\x05\x03\x08\x01\x01\0\0\0\x01\xff\x02", 102, 4, Protocol::H1),
            (login, 2242, 5, Protocol::Soulseek),
        ];
        each(client_on, &messages);
    }
}
