//! Between the machines of telephony and broadcasting: BSSGP's network service, CBSP, MIH, ASN control (WiMAX), XMCP, TALI, CIMD 2, SUPL,
//! Alcatel's UA, DSM-CC, SimulCrypt, flight messages (FMTP), pools of servers (ASAP, ENRP), the access network of CDMA (A11), WAP's push.

use super::Datagram;
use super::look::{Look, NO, be16, be24, be32, byte, le16, number, starts, weak, yes};

/// 3GPP TS 48.016 section 9.2: a message whose elements begin as its type asks, or user data of a known BSSGP type behind zero flags.
pub fn gprs_ns(d: &Datagram) -> Look {
    let b = d.payload;
    let begins = |element: &[u8]| b.get(1..).is_some_and(|rest| rest.starts_with(element));
    weak(match byte(b, 0)? {
        0 => byte(b, 1)? == 0 && byte(b, 4)? <= 0x66 && b.len() >= 6,
        2 | 4 | 8 => begins(&[0, 0x81]),
        3 | 5 => begins(&[1, 0x82]),
        6 | 7 | 0x0a | 0x0b => b.len() == 1,
        _ => false,
    })
}

/// 3GPP TS 48.049 section 8.1: a type, a length of three bytes.
pub fn cbsp(b: &[u8]) -> Look {
    weak((1..=0x17).contains(&byte(b, 0)?) && be24(b, 1)? < 4096 && (1..=0x1f).contains(&byte(b, 4)?))
}

/// IEEE 802.21 section 8.4: version 1, a length that fills the datagram, and who sends it as the first element.
pub fn mih(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? >> 4 == 1 && usize::from(be16(b, 6)?) + 8 == b.len() && byte(b, 8)? == 1)
}

/// WiMAX Forum T33-001 section 5.2.4: version 1, the message's length.
pub fn asn_control(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? == 1 && usize::from(be16(b, 4)?) == b.len() && b.len() >= 20)
}

/// Cisco's XMCP: STUN's header with a cookie of its own.
pub fn xmcp(b: &[u8]) -> Look {
    yes(byte(b, 0)? & 0xc0 == 0 && be16(b, 2)? % 4 == 0 && be32(b, 4)? == 0x7f5a_9bc7)
}

/// RFC 3094 section 3.1: "TALI", a word of four letters, a length.
pub fn tali(b: &[u8]) -> Look {
    yes(starts(b, b"TALI")? && b.get(4..8)?.iter().all(u8::is_ascii_alphabetic) && le16(b, 8)? <= 4096)
}

/// CIMD 2 section 3: STX, an operation and a packet number in digits, a tab.
pub fn cimd(b: &[u8]) -> Look {
    let [2, a, b, b':', c, d, e, b'\t'] = b.first_chunk::<8>()? else { return NO };
    yes([a, b, c, d, e].into_iter().all(u8::is_ascii_digit))
}

/// OMA-TS-ULP section 9: the PDU's length, its version in three bytes.
pub fn supl(b: &[u8]) -> Look {
    let (length, major) = (be16(b, 0)?, byte(b, 2)?);
    weak((12..=8192).contains(&length) && (1..=3).contains(&major) && byte(b, 3)? <= 3 && byte(b, 4)? <= 5)
}

/// Alcatel's telephones: an operation, then numbers and messages with their lengths, or elements that fill the datagram.
pub fn alcatel_ua(d: &Datagram) -> Look {
    let b = d.payload;
    let fills = |mut rest: &[u8], header: usize, length: fn(&[u8]) -> Option<usize>| {
        while let Some(size) = length(rest) {
            let Some(next) = rest.get(header + size..) else { return false };
            rest = next;
        }
        rest.is_empty()
    };
    weak(match byte(b, 0)? {
        0 | 1 => {
            let element = |rest: &[u8]| Some(usize::from(byte(rest, 1)?));
            b.len() > 3 && byte(b, 1)? <= 9 && byte(b, 2)? <= 32 && fills(&b[1..], 2, element)
        }
        2..=5 => b.len() == 1,
        7 => fills(b.get(5..)?, 2, |rest| Some(usize::from(le16(rest, 0)?))),
        _ => false,
    })
}

/// ISO/IEC 13818-6 section 2: discriminator, type, a byte of ones, a length that fills the datagram.
pub fn dsm_cc(d: &Datagram) -> Look {
    let b = d.payload;
    let fills = usize::from(be16(b, 10)?) + 12 == b.len();
    yes(byte(b, 0)? == 0x11 && (1..=5).contains(&byte(b, 1)?) && byte(b, 8)? == 0xff && fills)
}

/// ETSI TS 103 197 section 4.4.1: version, a known type, a length that two parameters or more fill.
pub fn simul_crypt(b: &[u8]) -> Look {
    let (version, kind, length) = (byte(b, 0)?, be16(b, 1)?, usize::from(be16(b, 3)?));
    let known = matches!(kind, 1..=6 | 0x0011..=0x0016 | 0x0101..=0x0105 | 0x0111..=0x0119 | 0x0201 | 0x0202);
    if !(1..=5).contains(&version) || !known || length < 8 {
        return NO;
    }
    let (mut rest, mut parameters) = (b.get(5..5 + length)?, 0);
    while !rest.is_empty() {
        let (Some(kind), Some(size)) = (be16(rest, 0), be16(rest, 2)) else { return NO };
        let Some(next) = rest.get(4 + usize::from(size)..).filter(|_| matches!(kind, 1..=0x40 | 0x7000 | 0x7001))
        else {
            return NO;
        };
        (rest, parameters) = (next, parameters + 1);
    }
    yes(parameters >= 2)
}

/// Eurocontrol's FMTP section 5.3: version 2, zero, length, type; the ends name themselves with letters and a hyphen first.
pub fn flight_messages(b: &[u8]) -> Look {
    const IDENTIFICATION: u8 = 3;
    let (length, kind) = (usize::from(be16(b, 2)?), byte(b, 4)?);
    if be16(b, 0)? != 0x0200 || !(5..=10_240).contains(&length) || kind != IDENTIFICATION {
        return NO;
    }
    let name = b.get(5..length)?;
    let is_letters = name.iter().all(|c| matches!(c, b'A'..=b'Z' | b'0'..=b'9' | b'-'));
    yes(is_letters && (name.contains(&b'-') || matches!(name, b"ACCEPT" | b"REJECT")))
}

/// RFC 5354 section 4: type, flags, a length that fills the datagram, then a parameter.
pub fn server_pool(d: &Datagram) -> Look {
    let b = d.payload;
    let padded = b.len().checked_sub(usize::from(be16(b, 2)?)).is_some_and(|padding| padding < 4);
    weak((1..=14).contains(&byte(b, 0)?) && byte(b, 1)? <= 3 && padded && be16(b, 4)? <= 0x20)
}

/// 3GPP2 A.S0017: Mobile IP's messages, in which the mobile node has no home address.
pub fn a11(d: &Datagram) -> Look {
    let b = d.payload;
    weak(matches!(byte(b, 0)?, 1 | 3 | 0x14..=0x19) && be32(b, 4)? == 0 && b.len() >= 20)
}

/// WAP-230-WSP section 8.2.4.1: a push without a connection: its headers' length, and content of a type that is pushed.
pub fn wap_push(d: &Datagram) -> Look {
    let b = d.payload;
    let length = usize::from(byte(b, 2)?);
    let kind = b.get(3..)?;
    // Service indication and loading, provisioning, multimedia messages, in numbers or words.
    let known = matches!(kind.first()?, 0xae | 0xaf | 0xb0 | 0xb6 | 0xbe) || starts(kind, b"application/")?;
    weak(byte(b, 1)? == 6 && (1..0x80).contains(&length) && 3 + length <= b.len() && known)
}

/// What a manager of media says and is answered (rtpproxy): a cookie, a command of one letter with its options.
pub fn media_manager(d: &Datagram) -> Look {
    let Some(space) = d.payload.iter().take(40).position(|c| *c == b' ') else { return NO };
    let (cookie, rest) = d.payload.split_at(space);
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(|c| c.is_ascii_graphic());
    let command = matches!(rest.get(1)?, b'U' | b'L' | b'D' | b'R' | b'P' | b'S' | b'V' | b'I' | b'Q' | b'X');
    let answer = number(rest.get(1..)?).is_some() || rest.get(1) == Some(&b'E');
    weak(
        is_word(cookie)
            && cookie.len() >= 4
            && (command || answer)
            && rest.iter().all(|c| matches!(c, b'\n' | b' '..=b'~')),
    )
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{Message, both, client, client_on, each, udp};

    #[test]
    fn datagrams() {
        let messages: [Message; 13] = [
            (b"\x02\0\x81\x01\x01\x82\0\x0b", 2157, 2, Protocol::Gprsns),
            (b"\0\0\0\x02\x0a\x82\x07\x04", 2157, 1, Protocol::Gprsns),
            (b"\x10\0\x10\x01\0\x07\0\x06\x01\x04mihf", 4551, 0, Protocol::Mih),
            (b"\x01\0\x01\x02\0\x14\0\0\0\0\0\0\0\0\0\x01\0\x02\0\0", 2231, 5, Protocol::Asncp),
            (b"\0\x00\x01\x01\x01\x01\x03", 32512, 5, Protocol::Noe),
            (b"\x07\0\x01\0\x02\x03\0abc", 32000, 6, Protocol::Noe),
            (b"\x11\x01\x10\x01\0\0\0\x07\xff\0\0\x04abcd", 13819, 8, Protocol::Dsmcc),
            (b"\x01\0\0\x0c\0\x09\0\x08\0\0\0\x07", 3863, 3, Protocol::Asap),
            (b"\x01\0\0\x0c\0\0\0\x07\0\0\0\x07", 9901, 3, Protocol::Enrp),
            (b"\x01\x0a\0\x78\0\0\0\0\xc0\0\x02\x01\xc0\0\x02\x02\0\0\0\0\0\0\0\x01", 699, 4, Protocol::A11),
            (b"\x21\x06\x02\xbe\x83\x8c\x82", 2948, 1, Protocol::Wsp),
            (b"\x07\x06\x1eapplication/vnd.wap.mms-messag\0\x8c\x82", 9200, 1, Protocol::Wsp),
            (b"14c3_2 Uc0,8 9@a 192.0.2.1 4000 x;1\n", 22222, 7, Protocol::Rtpproxy),
        ];
        each(udp, &messages);
    }

    #[test]
    fn streams() {
        let messages: [Message; 8] = [
            (b"\x01\0\0\x0b\x0e\0\x01\x02\x03\x04\x05\x06\x07\x08\x09", 48049, 1, Protocol::Cbsp),
            (b"\0\x01\0\x08\x7f\x5a\x9b\xc7abcdefghijklmnop", 4788, 4, Protocol::Xmcp),
            (b"TALItest\0\0", 7000, 1, Protocol::Tali),
            (b"\x0201:001\t010:user\t011:pass\t\x03", 9971, 3, Protocol::Cimd),
            (b"\0\x10\x02\0\0\x80\0\0\0\0\0\0\0\0\0\0", 7275, 2, Protocol::Supl),
            (b"\x02\0\0\x0d\x03LFPG-EGTT", 8500, 1, Protocol::Fmtp),
            (b"\x03\0\x01\0\x0c\0\x0e\0\x02\0\x01\0\x01\0\x02\0\x05", 40001, 1, Protocol::Simulcrypt),
            (b"\x02\0\0\x0b\x03ACCEPT", 40001, 5, Protocol::Fmtp),
        ];
        each(client_on, &messages);
        assert_eq!(client(b"\x02\0\0\x07\x04\x30\x31"), None);
        // Small numbers of both sides are anybody's: without the port they are nothing.
        assert_eq!(both(b"\x01\0\0\0\x01\0\0\0\x08", b"\x01\0\0\x25\x01\0\0\x02\x12"), None);
    }
}
