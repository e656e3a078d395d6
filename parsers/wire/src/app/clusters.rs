//! Machines of one house among themselves: NVMe/TCP, DRBD, RoCE, Raft, gossip (memberlist), Erlang, Ganglia, Java's debugger, queues and buses.
//!
//! What may agree on TLS or SASL with encryption after its greeting is claimed only where the bytes rule that out.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, le32, one_of, starts, weak, yes};

/// NVMe/TCP's ICReq and ICResp: type, no flags, 128 bytes of header and of PDU, version 0 (TCP transport specification 3.6.2.2).
pub fn nvme(b: &[u8]) -> Look {
    yes(byte(b, 0)? <= 1 && at(b, 1, b"\0\x80\0\x80\0\0\0\0\0")? && byte(b, 10)? <= 31 && byte(b, 11)? <= 3)
}

/// DRBD's headers (drbd_protocol.h): the magic number of protocols up to 94 or from 100 on.
pub fn drbd(b: &[u8]) -> Look {
    match be32(b, 0)? {
        0x8374_0267 => yes(be16(b, 6)? <= 4096),
        0x8620_ec20 => yes(be32(b, 8)? <= 1 << 20 && be32(b, 12)? == 0),
        _ => NO,
    }
}

/// RoCE v2: InfiniBand's base transport header, version 0, the default partition (IBTA annex A17).
pub fn roce(d: &Datagram) -> Look {
    let b = d.payload;
    let known = matches!(byte(b, 0)?, 0x00..=0x17 | 0x20..=0x31 | 0x40..=0x59 | 0x60 | 0x64 | 0x65 | 0x81);
    let quiet = byte(b, 1)? & 0x0f == 0 && byte(b, 4)? & 0x3f == 0 && byte(b, 8)? & 0x7f == 0;
    weak(known && quiet && be16(b, 2)? | 0x8000 == 0xffff && b.len() >= 16 && b.len().is_multiple_of(4))
}

/// C-raft, behind dqlite (its uv_encoding.h): version 1, the server's id, its address, padded to words of eight bytes.
pub fn raft(b: &[u8]) -> Look {
    if !starts(b, b"\x01\0\0\0\0\0\0\0")? {
        return NO;
    }
    let length = usize::try_from(le32(b, 16)?).ok()?;
    if le32(b, 20)? != 0 || !(8..=256).contains(&length) || length % 8 != 0 {
        return NO;
    }
    let address = b.get(24..24 + length)?;
    let text = address.iter().take_while(|c| c.is_ascii_graphic()).count();
    yes(text >= 4 && length - text <= 8 && address.iter().skip(text).all(|c| *c == 0))
}

/// Serf's and Consul's gossip (memberlist): a kind, behind a checksum or not, then a map whose first key names the message.
pub fn gossip(b: &[u8]) -> Look {
    const CHECKED: u8 = 12;
    const KEYS: &[&[u8]] =
        &[b"\xa5SeqNo", b"\xabIncarnation", b"\xa4Node", b"\xa6Target", b"\xa4Algo", b"\xa5Nodes", b"\xa4Addr"];
    let map = match byte(b, 0)? {
        CHECKED => b.get(6..)?,
        0..=9 | 11 => b.get(1..)?,
        _ => return NO,
    };
    yes((0x81..=0x8f).contains(&byte(map, 0)?) && KEYS.iter().any(|key| map[1..].starts_with(key)))
}

pub fn gossip_datagram(d: &Datagram) -> Look {
    gossip(d.payload)
}

/// Erlang's port mapper: a length that is the request's, a node that registers, or one that is asked for.
pub fn epmd(b: &[u8]) -> Look {
    const REGISTER: u8 = b'x';
    const ASK: u8 = b'z';
    let (length, kind) = (usize::from(be16(b, 0)?), byte(b, 2)?);
    match kind {
        REGISTER => {
            yes(matches!(byte(b, 5)?, 72 | 77) && byte(b, 6)? == 0 && (5..=6).contains(&be16(b, 7)?) && length >= 13)
        }
        ASK => weak(length + 2 == b.len() && length >= 2 && b.get(3..)?.iter().all(u8::is_ascii_graphic)),
        _ => NO,
    }
}

/// Erlang's distribution: the first message says `n` with version 5 or `N` with flags, and the node's name (Erlang/OTP, "Distribution
/// Protocol", handshake).
pub fn erlang(b: &[u8]) -> Look {
    let length = usize::from(be16(b, 0)?);
    let name = match byte(b, 2)? {
        b'n' if be16(b, 3)? == 5 => 9,
        b'N' if usize::from(be16(b, 15)?) + 15 == length => 17,
        _ => return NO,
    };
    let name = b.get(name..length + 2)?;
    yes(name.contains(&b'@') && name.iter().all(u8::is_ascii_graphic))
}

/// Ganglia: a kind of metric, the host's name and the metric's, as XDR strings (gm_protocol.x).
pub fn ganglia(d: &Datagram) -> Look {
    let b = d.payload;
    if !(128..=135).contains(&be32(b, 0)?) {
        return NO;
    }
    let host = usize::try_from(be32(b, 4)?).ok().filter(|n| (1..=255).contains(n));
    let Some(host) = host else { return NO };
    let name = 8 + host.next_multiple_of(4);
    let length = usize::try_from(be32(b, name)?).ok().filter(|n| (1..=128).contains(n));
    let Some(length) = length else { return NO };
    yes([b.get(8..8 + host)?, b.get(name + 4..name + 4 + length)?].iter().all(|s| s.iter().all(u8::is_ascii_graphic)))
}

/// Java's debugger: both sides begin with its name (JDWP specification, "JDWP Start-up").
pub fn jdwp(b: &[u8]) -> Look {
    yes(starts(b, b"JDWP-Handshake")?)
}

/// libvirt says that nobody has to log in: the answer to its list of mechanisms is "none" alone, so no SASL layer encrypts.
pub fn libvirt_server(b: &[u8]) -> Look {
    const NONE_ALONE: &[u8] = b"\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0";
    yes(at(b, 4, b"\x20\0\x80\x86\0\0\0\x01\0\0\0\x42\0\0\0\x01")? && at(b, 20, NONE_ALONE)?)
}

/// HBase's RPC: its name, version 0, no authentication (80); SASL (81, 82) may encrypt.
pub fn hbase(b: &[u8]) -> Look {
    yes(starts(b, b"HBas\0P")?)
}

/// IBM MQ's transmission segment header, in ASCII or EBCDIC, and the segment's length.
pub fn ibm_mq(b: &[u8]) -> Look {
    let known = matches!(
        b.get(..4)?,
        b"TSH " | b"TSHM" | b"TSHC" | b"\xe3\xe2\xc8\x40" | b"\xe3\xe2\xc8\xd4" | b"\xe3\xe2\xc8\xc3"
    );
    yes(known && (28..1 << 20).contains(&be32(b, 4)?))
}

/// Pulsar's simple frame: two lengths four apart, then a command of type CONNECT or CONNECTED with its message.
pub fn pulsar(b: &[u8]) -> Look {
    let (total, size) = (be32(b, 0)?, be32(b, 4)?);
    let command = b.get(8..11)?;
    yes(size.checked_add(4) == Some(total) && size < 1 << 16 && matches!(command, b"\x08\x02\x12" | b"\x08\x03\x1a"))
}

/// Dubbo's header: magic number, a serialisation that exists, a status, a small id.
pub fn dubbo(b: &[u8]) -> Look {
    let (flags, status) = (byte(b, 2)?, byte(b, 3)?);
    let request = flags & 0x80 != 0;
    yes(starts(b, b"\xda\xbb")?
        && (2..=25).contains(&(flags & 0x1f))
        && if request { status == 0 } else { (20..=100).contains(&status) }
        && be16(b, 4)? == 0
        && be32(b, 12)? <= 8 << 20)
}

/// RocketMQ: the frame's length, the header's as JSON, which begins with its code.
pub fn rocketmq(b: &[u8]) -> Look {
    let (total, header) = (be32(b, 0)?, be32(b, 4)?);
    yes(header >> 24 == 0 && header.checked_add(4).is_some_and(|least| least <= total) && at(b, 8, b"{\"code\":")?)
}

/// Splunk's forwarders.
pub fn splunk(b: &[u8]) -> Look {
    yes(starts(b, b"--splunk-cooked-mode-v")?)
}

/// Fluentd's forward protocol: an array whose first member is a tag, then entries; or the greeting of a server that wants a key.
pub fn fluentd(b: &[u8]) -> Look {
    if starts(b, b"\x92\xa4HELO").is_some_and(|greets| greets) {
        return yes(true);
    }
    let (array, tag) = (byte(b, 0)?, byte(b, 1)?);
    if !(0x92..=0x94).contains(&array) || !(0xa1..=0xbf).contains(&tag) {
        return NO;
    }
    let end = 2 + usize::from(tag & 0x1f);
    let text = b.get(2..end)?.iter().all(|c| c.is_ascii_alphanumeric() || b"._-*".contains(c));
    weak(text && matches!(byte(b, end)?, 0x91..=0x9f | 0xc4..=0xc6 | 0xce | 0xd7 | 0xd9..=0xdd))
}

/// iperf3: 36 characters of base 32 and a zero, by which both of its connections are known.
pub fn iperf(b: &[u8]) -> Look {
    let cookie = b.iter().take(36).take_while(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7')).count();
    if cookie < b.len().min(36) {
        return NO;
    }
    yes(byte(b, 36)? == 0)
}

/// iperf 2: behind its header, or what there is of one, the digits that it fills its buffer with.
pub fn iperf2(b: &[u8]) -> Look {
    /// Headers of the versions are shorter.
    const PAYLOAD: usize = 200;
    const ENOUGH: usize = 24;
    let is_digits = |from: usize| {
        let digits = b.get(from..from + ENOUGH)?;
        Some(digits.iter().zip(from..).all(|(byte, place)| usize::from(*byte) == usize::from(b'0') + place % 10))
    };
    yes(is_digits(PAYLOAD)?)
}

pub fn iperf2_datagram(d: &Datagram) -> Look {
    iperf2(d.payload)
}

/// NDMP: a record mark, then sequence, time, request or reply, a message that exists (NDMP 4, section 2.3).
pub fn ndmp(b: &[u8]) -> Look {
    let (mark, kind, message) = (be32(b, 0)?, be32(b, 12)?, be32(b, 16)?);
    let known = matches!(message >> 8, 1..=0xb) && message & 0xff <= 0x20;
    yes((0x8000_0018..0x8001_0000).contains(&mark)
        && kind <= 1
        && known
        && be32(b, 24)? <= 0x20
        && be32(b, 4)? < 1 << 24)
}

/// iSNS (RFC 4171 section 5.1): version 1, a function, flags, the first of its PDUs.
pub fn isns(b: &[u8]) -> Look {
    let function = be16(b, 2)?;
    weak(
        be16(b, 0)? == 1
            && matches!(function & 0x7fff, 1..=0x0f)
            && be16(b, 4)? % 4 == 0
            && be16(b, 10)? == 0
            && be16(b, 6)? & 0x03ff == 0,
    )
}

pub fn isns_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    if usize::from(be16(b, 4)?) + 12 == b.len() { isns(b) } else { NO }
}

/// RethinkDB's clients: the version that they speak, as a number chosen at random once (V0_1 to V1_0).
pub fn rethinkdb(b: &[u8]) -> Look {
    yes(matches!(le32(b, 0)?, 0x3f61_ba36 | 0x7230_81e1 | 0x5f75_e83e | 0x400c_2d20 | 0x34c2_bdc3))
}

/// Aerospike: version 2, information or a message, 48 bits of length.
pub fn aerospike(b: &[u8]) -> Look {
    weak(byte(b, 0)? == 2 && matches!(byte(b, 1)?, 1 | 3) && be16(b, 2)? == 0 && be32(b, 4)? < 1 << 20)
}

/// uwsgi: packet of request variables (modifiers 0), the first of which CGI knows.
pub fn uwsgi(b: &[u8]) -> Look {
    if byte(b, 0)? != 0 || byte(b, 3)? != 0 || byte(b, 5)? != 0 {
        return NO;
    }
    let name = b.get(6..6 + usize::from(byte(b, 4)?))?;
    yes(CGI.contains(&name))
}

const CGI: &[&[u8]] = &[
    b"REQUEST_METHOD",
    b"QUERY_STRING",
    b"CONTENT_TYPE",
    b"CONTENT_LENGTH",
    b"REQUEST_URI",
    b"PATH_INFO",
    b"SERVER_PROTOCOL",
    b"SERVER_NAME",
    b"REMOTE_ADDR",
    b"HTTP_HOST",
    b"SCRIPT_NAME",
    b"DOCUMENT_ROOT",
];

/// SCGI: a netstring whose first header is CONTENT_LENGTH.
pub fn scgi(b: &[u8]) -> Look {
    let digits = b.iter().take(6).take_while(|c| c.is_ascii_digit()).count();
    if digits == 0 {
        return NO;
    }
    yes(starts(b.get(digits..).filter(|rest| !rest.is_empty())?, b":CONTENT_LENGTH\0")?)
}

/// Perforce: the length's four bytes with their sum in front, then a name, the length of its value, the value, a zero.
pub fn perforce(b: &[u8]) -> Look {
    let (sum, length) = (byte(b, 0)?, le32(b, 1)?);
    if !(16..1 << 20).contains(&length) || b.get(1..5)?.iter().fold(0, |sum, c| sum ^ c) != sum {
        return NO;
    }
    let name = b.get(5..)?.iter().take(33).take_while(|c| c.is_ascii_alphanumeric()).count();
    let value = usize::try_from(le32(b, 6 + name)?).ok()?;
    yes((2..=32).contains(&name) && byte(b, 5 + name)? == 0 && value < 1024 && byte(b, 10 + name + value)? == 0)
}

/// distcc: version 1 and the number of arguments.
pub fn distcc(b: &[u8]) -> Look {
    yes(starts(b, b"DIST00000001")?)
}

/// Asterisk's manager, FreeSWITCH's event socket: the first words of the server.
pub fn switch_manager(b: &[u8]) -> Look {
    yes(one_of(b, &[b"Asterisk Call Manager/", b"Content-Type: auth/request\n\n"])?)
}

/// Kismet's server.
pub fn kismet(b: &[u8]) -> Look {
    yes(starts(b, b"*KISMET: ")?)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server, udp};

    /// The header of 2.0, then the buffer.
    #[test]
    fn iperf_2_by_its_digits() {
        let mut sent: Vec<u8> = (0..1470u32).map(|n| b'0' + (n % 10) as u8).collect();
        sent[..24].copy_from_slice(b"\0\0\0\x01\x60\0\0\0\0\x01\x02\x03\0\0\0\0\0\0\0\x01\0\0\x13\x89");
        assert_eq!(udp(&sent, 40_001), Some(Protocol::Iperf));
        assert_eq!(client(&sent), Some(Protocol::Iperf));
        assert_eq!(udp(&sent[1..], 40_001), None);
    }

    #[test]
    fn storage() {
        let mut request = b"\0\0\x80\0\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        request.resize(128, 0);
        assert_eq!(client(&request), Some(Protocol::Nvme));
        assert_eq!(client(b"\0\0\x48\0\x48\0\0\0\0\0\0\0"), None);
        assert_eq!(client(b"\x83\x74\x02\x67\xff\xfe\0\x50\0\0\0\x56"), Some(Protocol::Drbd));
        assert_eq!(
            server(b"\x80\0\0\x24\0\0\0\x01\x65\0\0\0\0\0\0\0\0\0\x05\x02\0\0\0\0\0\0\0\0"),
            Some(Protocol::Ndmp)
        );
        assert_eq!(client_on(b"\0\x01\0\x01\0\0\x0c\0\0\x01\0\0", 3205), Some(Protocol::Isns));
        let write = b"\x0a\x40\xff\xff\0\0\0\x11\0\0\0\x07\0\0\0\0\x5a\x5a\x5a\x5a";
        assert_eq!((udp(write, 4791), udp(write, 40_001)), (Some(Protocol::Roce), None));
    }

    #[test]
    fn clusters() {
        let hello = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\x00127.0.0.1:9001\0\0";
        assert_eq!((client(hello), client(&hello[..30])), (Some(Protocol::Raft), None));
        assert_eq!(udp(b"\0\x82\xa5SeqNo\x01\xa4Node\xa1a", 8301), Some(Protocol::Gossip));
        assert_eq!(udp(b"\x0c\x01\x02\x03\x04\x02\x82\xa5SeqNo\x01\xa7Payload\xc0", 40_001), Some(Protocol::Gossip));
        assert_eq!(client(b"\0\x17x\x9c\x40M\0\0\x06\0\x05\0\x0arabbit\0\0"), Some(Protocol::Erlang));
        assert_eq!((client_on(b"\0\x07zrabbit", 4369), client(b"\0\x07zrabbit")), (Some(Protocol::Erlang), None));
        assert_eq!(client(b"\0\x14n\0\x05\0\x03\x7f\xbdrabbit@node1"), None, "its length is one more");
        assert_eq!(client(b"\0\x13n\0\x05\0\x03\x7f\xbdrabbit@node1"), Some(Protocol::Erlang));
        let sample = b"\0\0\0\x85\0\0\0\x05web01\0\0\0\0\0\0\x08load_one\0\0\0\0\0\0\0\x04%.2f";
        assert_eq!(udp(sample, 8649), Some(Protocol::Ganglia));
    }

    #[test]
    fn buses_and_queues() {
        assert_eq!(both(b"JDWP-Handshake", b"JDWP-Handshake"), Some(Protocol::Jdwp));
        let none = b"\0\0\0\x24\x20\0\x80\x86\0\0\0\x01\0\0\0\x42\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0";
        assert_eq!(server(none), Some(Protocol::Libvirt));
        let mut sasl = *none;
        sasl[35] = 1;
        assert_eq!(server(&sasl), None, "SASL may encrypt");
        assert_eq!((client(b"HBas\0P\0\0\0\x20"), client(b"HBas\0Q\0\0\0\x20")), (Some(Protocol::Hbase), None));
        assert_eq!(client(b"TSH \0\0\x01\x0c\x02\x01\x30\0"), Some(Protocol::Ibmmq));
        assert_eq!(client(b"\xe3\xe2\xc8\x40\0\0\x01\x0c\x02\x01\x30\0"), Some(Protocol::Ibmmq));
        assert_eq!(client(b"\0\0\0\x19\0\0\0\x15\x08\x02\x12\x11\x0a\x05"), Some(Protocol::Pulsar));
        assert_eq!(client(b"\xda\xbb\xc2\0\0\0\0\0\0\0\0\x01\0\0\0\x20"), Some(Protocol::Dubbo));
        assert_eq!(client(b"\0\0\0\x80\0\0\0\x60{\"code\":105,"), Some(Protocol::Rocketmq));
        assert_eq!(client(b"--splunk-cooked-mode-v3--\0\0\0"), Some(Protocol::Splunk));
        assert_eq!(server(b"\x92\xa4HELO\x83\xa5nonce"), Some(Protocol::Fluentd));
        assert_eq!(client_on(b"\x93\xa6app.db\xce\x65\x00\x00\x00\x81", 24224), Some(Protocol::Fluentd));
    }

    #[test]
    fn tools() {
        assert_eq!(client(b"abcdefghijklmnopqrstuvwxyz234567abcd\0"), Some(Protocol::Iperf));
        assert_eq!(client(b"abcdefghijklmnopqrstuvwxyz234567abc1\0"), None);
        assert_eq!(client(b"\xc3\xbd\xc2\x34\0"), Some(Protocol::Rethinkdb));
        assert_eq!(client_on(b"\x02\x01\0\0\0\0\0\x05node\n", 3000), Some(Protocol::Aerospike));
        assert_eq!(client(b"\0\x1c\0\0\x0e\0REQUEST_METHOD\x03\0GET"), Some(Protocol::Uwsgi));
        assert_eq!(client(b"70:CONTENT_LENGTH\x0027\0SCGI\x001\0"), Some(Protocol::Scgi));
        assert_eq!(client(b"\x2a\x2a\0\0\0cmpfile\0\0\0\0\0\0client\0\x03\0\0\x00085\0"), Some(Protocol::Perforce));
        assert_eq!(client(b"\x2b\x2a\0\0\0cmpfile\0\0\0\0\0\0client\0\x03\0\0\x00085\0"), None);
        assert_eq!(client(b"DIST00000001ARGC00000004"), Some(Protocol::Distcc));
        assert_eq!(server(b"Asterisk Call Manager/7.0.3\r\n"), Some(Protocol::Ami));
        assert_eq!(server(b"*KISMET: 0.0.0 1700000000 \x01Kismet\x01 2016\n"), Some(Protocol::Kismet));
    }
}
