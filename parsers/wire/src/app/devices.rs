//! Things and machines that speak up: weather stations, charging cars, chip factories, audio at home, cameras, radio that is passed on.

use super::Datagram;
use super::look::{Look, NO, be16, be32, byte, starts, weak, yes};

/// A weather station of Ecowitt or Fine Offset looks for its console: mark, command 0x12, the size and the sum of all that follows the mark.
pub fn ecowitt(d: &Datagram) -> Look {
    let b = d.payload;
    if !starts(b, b"\xff\xff\x12")? || usize::from(be16(b, 3)?) + 2 != b.len() {
        return NO;
    }
    let (sum, body) = b.get(2..)?.split_last()?;
    yes(body.iter().fold(0u8, |sum, c| sum.wrapping_add(*c)) == *sum)
}

/// A car and its charger (ISO 15118-2 section 7.8.3): version 1 and its complement, a payload type, a length.
fn vehicle_to_grid(b: &[u8]) -> Option<Option<usize>> {
    let typed = matches!(be16(b, 2)?, 0x8001..=0x8006 | 0x9000..=0x9003);
    Some((starts(b, &[1, 0xfe])? && typed).then_some(usize::try_from(be32(b, 4)?).ok()?))
}

/// In a stream EXI follows, whose first bits are 10 (ISO 15118-2 section 7.9.1.3); diagnostics over IP (ISO 13400-2) share the header.
pub fn vehicle_to_grid_stream(b: &[u8]) -> Look {
    yes(vehicle_to_grid(b)?.is_some_and(|length| (1..1 << 16).contains(&length)) && byte(b, 8)? == 0x80)
}

pub fn vehicle_to_grid_datagram(d: &Datagram) -> Look {
    yes(vehicle_to_grid(d.payload)?.is_some_and(|length| length + 8 == d.payload.len()))
}

/// Equipment of chip factories (SEMI E37): a control message of 10 bytes for every session: select, deselect, linktest, reject, separate.
pub fn hsms(b: &[u8]) -> Look {
    yes(starts(b, &[0, 0, 0, 10, 0xff, 0xff])?
        && matches!(be16(b, 6)?, 0..=4)
        && byte(b, 8)? == 0
        && matches!(byte(b, 9)?, 1..=7 | 9))
}

/// Roon's discovery: a word, version 2, a query, an answer or what is published.
pub fn roon(d: &Datagram) -> Look {
    yes(starts(d.payload, b"SOOD\x02")? && matches!(byte(d.payload, 5)?, b'Q' | b'R' | b'X'))
}

/// A player greets Logitech's media server (SlimProto): HELO, the length of its data, which kind of device it is.
pub fn slimproto(b: &[u8]) -> Look {
    yes(starts(b, b"HELO\0\0")? && (10..=1024).contains(&be16(b, 6)?) && byte(b, 8)? <= 32)
}

/// The Music Player Daemon says its version.
pub fn music_player(b: &[u8]) -> Look {
    yes(starts(b, b"OK MPD ")? && byte(b, 7)?.is_ascii_digit())
}

/// Dahua's cameras and recorders: a header of 32 bytes with a word in it, JSON behind it.
fn dahua_header(b: &[u8]) -> Look {
    yes(starts(b, b"\x20\0\0\0DHIP")?)
}

pub fn dahua(b: &[u8]) -> Look {
    dahua_header(b)
}

pub fn dahua_datagram(d: &Datagram) -> Look {
    dahua_header(d.payload)
}

/// IEEE 802.15.4 passed on by a sniffer (ZigBee Encapsulation Protocol): a word, version 2 or 3, kind, channel.
pub fn zigbee(d: &Datagram) -> Look {
    let b = d.payload;
    yes(starts(b, b"EX")? && matches!(be16(b, 2)?, 0x0201 | 0x0301) && (11..=26).contains(&byte(b, 4)?) && b.len() > 32)
}

/// Osmocom's GSMTAP: version 2, a header of four words, a type that exists.
pub fn gsmtap(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? == 2 && byte(b, 1)? == 4 && (1..=0x20).contains(&byte(b, 2)?) && byte(b, 15)? == 0 && b.len() > 16)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, server, udp};

    #[test]
    fn weather_sums_up() {
        let mut beacon = b"\xff\xff\x12\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08".to_vec();
        beacon.push(0x12 + 0x0c + 36);
        assert_eq!(udp(&beacon, 59387), Some(Protocol::Ecowitt));
        *beacon.last_mut().unwrap() += 1;
        assert_eq!(udp(&beacon, 59387), None);
    }

    #[test]
    fn cars_and_factories() {
        assert_eq!(udp(b"\x01\xfe\x90\0\0\0\0\x02\x10\0", 15118), Some(Protocol::V2gtp));
        assert_eq!(udp(b"\x01\xfe\x90\0\0\0\0\x03\x10\0", 15118), None);
        assert_eq!(client(b"\x01\xfe\x80\x01\0\0\0\x04\x80\x98\x02\x10"), Some(Protocol::V2gtp));
        assert_eq!(client(b"\0\0\0\x0a\xff\xff\0\0\0\x01\0\0\0\x07"), Some(Protocol::Hsms));
        assert_eq!(client(b"\0\0\0\x0a\xff\xff\0\0\0\x08\0\0\0\x07"), None);
    }

    #[test]
    fn audio_and_video() {
        assert_eq!(udp(b"SOOD\x02Q\x0dquery_service", 9003), Some(Protocol::Roon));
        assert_eq!(client(b"HELO\0\0\0\x24\x0c\0abcdef"), Some(Protocol::Slimproto));
        assert_eq!(client(b"HELO mail.example\r\n"), Some(Protocol::Smtp));
        assert_eq!(server(b"OK MPD 0.23.5\n"), Some(Protocol::Mpd));
        assert_eq!(udp(b"\x20\0\0\0DHIP\0\0\0\0\0\0\0\0", 37810), Some(Protocol::Dahua));
        assert_eq!(client(b"\x20\0\0\0DHIP\0\0\0\0\0\0\0\0"), Some(Protocol::Dahua));
    }

    #[test]
    fn radio() {
        let mut zep = b"EX\x02\x01\x0b\0\x01\x01\xff".to_vec();
        zep.resize(40, 0);
        assert_eq!(udp(&zep, 17754), Some(Protocol::Zep));
        zep[4] = 27;
        assert_eq!(udp(&zep, 17754), None);
        let mut gsmtap = b"\x02\x04\x01\x01\0\x14\xd0\x2a\0\x16\x9b\x2c\x02\0\0\0".to_vec();
        gsmtap.resize(39, 0x2b);
        assert_eq!((udp(&gsmtap, 4729), udp(&gsmtap, 9000)), (Some(Protocol::Gsmtap), None));
    }
}
