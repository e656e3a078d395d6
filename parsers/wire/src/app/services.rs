//! Offices and mail centres: ICAP (RFC 3507), milter, policy delegation, SpamAssassin, LPD (RFC 1179), Ident (RFC 1413), Z39.50,
//! Kerberos passwords (RFC 3244), NCP, MRCP (RFC 6787), SPICE, Direct Connect, ICP (RFC 2186), chargen (RFC 864).

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, le32, line, number, one_of, starts, weak, yes};

pub fn icap_client(b: &[u8]) -> Look {
    yes(one_of(b, &[b"REQMOD icap://", b"RESPMOD icap://", b"OPTIONS icap://"])?)
}

pub fn icap_server(b: &[u8]) -> Look {
    yes(starts(b, b"ICAP/1.0 ")?)
}

/// A mail server asks its filter: option negotiation, 13 bytes, version 2 to 6 (milter protocol).
pub fn milter(b: &[u8]) -> Look {
    yes(starts(b, b"\0\0\0\x0dO\0\0\0")? && (2..=6).contains(&byte(b, 8)?))
}

/// Postfix asks for a policy.
pub fn policy(b: &[u8]) -> Look {
    yes(starts(b, b"request=smtpd_access_policy\n")?)
}

/// spamd's protocol: a command and the version.
pub fn spam_client(b: &[u8]) -> Look {
    const COMMANDS: &[&[u8]] = &[
        b"CHECK SPAMC/",
        b"PROCESS SPAMC/",
        b"SYMBOLS SPAMC/",
        b"REPORT SPAMC/",
        b"HEADERS SPAMC/",
        b"PING SPAMC/",
        b"TELL SPAMC/",
    ];
    yes(one_of(b, COMMANDS)?)
}

pub fn spam_server(b: &[u8]) -> Look {
    yes(starts(b, b"SPAMD/1.")?)
}

/// A command from 1 to 5 and a queue in one line.
pub fn lpd(b: &[u8]) -> Look {
    if !(1..=5).contains(&byte(b, 0)?) {
        return NO;
    }
    let rest = b.get(1..)?;
    let queue = line(b).or((b.len() > 128 || !is_text(rest)).then_some(&[]))?.get(1..).unwrap_or_default();
    weak(!queue.is_empty() && queue.iter().all(|c| c.is_ascii_graphic() || *c == b' ') && queue.len() + 2 == b.len())
}

/// Two ports and what is known of their user.
pub fn ident_server(b: &[u8]) -> Look {
    let Some(answer) = line(b) else { return if b.len() > 512 || !byte(b, 0)?.is_ascii_digit() { NO } else { None } };
    let mut fields = answer.split(|c| *c == b':').map(<[u8]>::trim_ascii);
    let ports = fields.next().and_then(number).and_then(|(_, rest)| rest.trim_ascii_start().strip_prefix(b","));
    let ports = ports.and_then(|second| number(second.trim_ascii_start())).is_some_and(|(_, rest)| rest.is_empty());
    yes(ports && matches!(fields.next(), Some(b"USERID" | b"ERROR")) && is_text(answer))
}

pub fn ident_client(b: &[u8]) -> Look {
    let Some(question) = line(b) else { return if b.len() > 16 { NO } else { None } };
    let second = number(question).and_then(|(_, rest)| rest.trim_ascii_start().strip_prefix(b","));
    weak(second.and_then(|second| number(second.trim_ascii())).is_some_and(|(_, rest)| rest.is_empty()))
}

/// Z39.50's Init request and response (ASN.1 tags 20 and 21): a reference, then the protocol's version and options as bit strings.
pub fn z39_50(b: &[u8]) -> Look {
    if !matches!(byte(b, 0)?, 0xb4 | 0xb5) {
        return NO;
    }
    let length = byte(b, 1)?;
    let mut inside = b.get(if length & 0x80 == 0 { 2 } else { 2 + usize::from(length & 0x7f).min(4) }..)?;
    if byte(inside, 0)? == 0x82 {
        inside = inside.get(2 + usize::from(byte(inside, 1)?)..)?;
    }
    let size = usize::from(byte(inside, 1)?);
    yes(byte(inside, 0)? == 0x83 && (2..=4).contains(&size) && byte(inside, 2)? < 8 && byte(inside, 2 + size)? == 0x84)
}

/// A new password for a Kerberos account: the message's length, version 1 or 0xff80, the length of an AP-REQ or its answer.
pub fn kpasswd(d: &Datagram) -> Look {
    let b = d.payload;
    let fits = usize::from(be16(b, 0)?) == b.len() && matches!(be16(b, 2)?, 1 | 0xff80);
    let ap = usize::from(be16(b, 4)?);
    yes(fits && ap + 6 <= b.len() && if ap == 0 { byte(b, 6)? == 0x7e } else { matches!(byte(b, 6)?, 0x6e | 0x6f) })
}

/// The same behind a length of four bytes.
pub fn kpasswd_stream(b: &[u8]) -> Look {
    let (length, message) = (be32(b, 0)?, be16(b, 4)?);
    yes(length == u32::from(message) && matches!(be16(b, 6)?, 1 | 0xff80) && matches!(byte(b, 10)?, 0x6e | 0x6f | 0x7e))
}

/// NetWare's core protocol over TCP: its marks of request and reply, a length.
pub fn ncp(b: &[u8]) -> Look {
    yes(matches!(b.get(..4)?, b"DmdT" | b"tNcP") && be32(b, 4)? < 1 << 20)
}

pub fn mrcp(b: &[u8]) -> Look {
    yes(starts(b, b"MRCP/2.0 ")?)
}

/// SPICE's link message: magic, version 2, its size.
pub fn spice(b: &[u8]) -> Look {
    yes(starts(b, b"REDQ")? && le32(b, 4)? <= 2 && le32(b, 12)? < 1 << 16)
}

/// Direct Connect: the hub's lock or a peer's name; ADC's support message (ADC specification, SUP).
pub fn direct_connect(b: &[u8]) -> Look {
    if byte(b, 0)? == b'$' {
        let lock = starts(b, b"$Lock ")? || starts(b, b"$MyNick ")?;
        return yes(lock && b.get(..256).unwrap_or(b).contains(&b'|'));
    }
    yes(one_of(b, &[b"HSUP AD", b"ISUP AD", b"CSUP AD"])?)
}

/// Web caches ask each other: an opcode, version 2, the datagram's length, a URL.
pub fn icp(d: &Datagram) -> Look {
    const QUERY: u8 = 1;
    let b = d.payload;
    let opcode = byte(b, 0)?;
    if !matches!(opcode, 1..=4 | 10 | 11 | 21..=23) || byte(b, 1)? != 2 || usize::from(be16(b, 2)?) != b.len() {
        return NO;
    }
    let url = b.get(if opcode == QUERY { 24 } else { 20 }..)?;
    yes(url.last() == Some(&0)
        && url[..url.len() - 1].iter().all(u8::is_ascii_graphic)
        && memchr::memmem::find(url, b":/").is_some())
}

/// Characters in their order, over and over.
pub fn chargen(b: &[u8]) -> Look {
    let follows = |pair: &[u8]| pair[1] == if pair[0] == b'~' { b' ' } else { pair[0] + 1 };
    yes(b.get(..32)?.windows(2).all(|pair| (b' '..=b'~').contains(&pair[0]) && follows(pair)))
}

pub fn chargen_datagram(d: &Datagram) -> Look {
    chargen(d.payload)
}

/// TP-Link's plugs over TCP: a length, then an object under their running key, which is the same in every plug.
pub fn tplink(b: &[u8]) -> Look {
    yes((8..1 << 16).contains(&be32(b, 0)?) && at(b, 4, b"\xd0\xf2")?)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server, udp};

    #[test]
    fn mail() {
        assert_eq!(client(b"RESPMOD icap://av.example/scan ICAP/1.0\r\n"), Some(Protocol::Icap));
        assert_eq!(client(b"OPTIONS icap://av.example/scan ICAP/1.0\r\n"), Some(Protocol::Icap));
        assert_eq!(server(b"ICAP/1.0 204 No Content\r\n"), Some(Protocol::Icap));
        assert_eq!(client(b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"), Some(Protocol::Milter));
        assert_eq!(client(b"request=smtpd_access_policy\nprotocol_state=RCPT\n"), Some(Protocol::Policy));
        assert_eq!(both(b"CHECK SPAMC/1.5\r\n", b"SPAMD/1.1 0 EX_OK\r\n"), Some(Protocol::Spamd));
    }

    #[test]
    fn offices() {
        assert_eq!((client_on(b"\x02laser\n", 515), client(b"\x02laser\n")), (Some(Protocol::Lpd), None));
        assert_eq!(server(b"6193, 23 : USERID : UNIX : stjohns\r\n"), Some(Protocol::Ident));
        assert_eq!(client_on(b"6193, 23\r\n", 113), Some(Protocol::Ident));
        assert_eq!(client(b"6193, 23\r\n"), None);
        let init = b"\xb4\x52\x83\x02\x05\xe0\x84\x03\0\xe9\xa2\x85\x04\0\x10\0\0";
        assert_eq!((client(init), client(&init[..6])), (Some(Protocol::Z3950), None));
        let change = [b"\0\x20\0\x01\0\x18\x6e\x16\x30".as_slice(), &[5; 23]].concat();
        assert_eq!((udp(&change, 464), udp(&change[..31], 464)), (Some(Protocol::Kpasswd), None));
        assert_eq!(client(b"DmdT\0\0\0\x17\0\0\0\x01"), Some(Protocol::Ncp));
        assert_eq!(client(b"REDQ\x02\0\0\0\x02\0\0\0\x1a\0\0\0"), Some(Protocol::Spice));
        assert_eq!(client(b"MRCP/2.0 142 SPEAK 543257\r\n"), Some(Protocol::Mrcp));
    }

    #[test]
    fn sharing_and_caches() {
        assert_eq!(server(b"$Lock EXTENDEDPROTOCOLABCABCABC Pk=x|"), Some(Protocol::Directconnect));
        assert_eq!(client(b"HSUP ADBASE ADTIGR\n"), Some(Protocol::Directconnect));
        let query = b"\x01\x02\0\x2d\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0http://example/index\0";
        assert_eq!((udp(query, 3130), udp(&query[..44], 3130)), (Some(Protocol::Icp), None));
        assert_eq!(server(b" !\"#$%&'()*+,-./0123456789:;<=>?@ABC"), Some(Protocol::Chargen));
        assert_eq!(client(b"\0\0\0\x1d\xd0\xf2\x81\xf8\x8b\xff\x9a\xf7"), Some(Protocol::Tplink));
    }
}
