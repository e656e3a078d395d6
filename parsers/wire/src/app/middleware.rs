//! What programs of one house say to each other: queues, remote calls, objects in Java's own form, backup. Where a frame leaves room for an
//! agreement on encryption, only what rules it out is claimed.

use super::Datagram;
use super::look::{Look, NO, at, be16, be24, be32, byte, le16, le32, one_of, starts, yes};

/// Microsoft's message queues (MS-MQQB section 2.2.19.1): version 0x10, signature, the packet's size.
pub fn msmq(b: &[u8]) -> Look {
    yes(byte(b, 0)? == 0x10 && at(b, 4, b"LIOR")? && (16..1 << 23).contains(&le32(b, 8)?))
}

/// .NET Remoting over TCP (MS-NRTP section 2.2.3.3): word, version 1.0, an operation, how its content is delimited.
pub fn net_remoting(b: &[u8]) -> Look {
    yes(starts(b, b".NET\x01\0")? && le16(b, 6)? <= 2 && le16(b, 8)? <= 1)
}

/// .NET Message Framing (MC-NMF section 2.2.3): version, mode, via, encoding, and the end of the preamble; an upgrade in its place
/// (section 2.2.3.5) asks for TLS or for Negotiate.
pub fn net_framing(b: &[u8]) -> Look {
    let mode = byte(b, 4)?;
    if !starts(b, &[0, 1, 0, 1])? || !(1..=4).contains(&mode) || byte(b, 5)? != 2 {
        return NO;
    }
    let size = usize::from(byte(b, 6)?);
    let via = b.get(7..7 + size)?;
    let named = size < 0x80 && one_of(via, &[b"net.tcp://", b"net.pipe://"])?;
    yes(named && byte(b, 7 + size)? == 3 && byte(b, 8 + size)? <= 8 && byte(b, 9 + size)? == 12)
}

/// RSocket's SETUP over TCP: length, stream 0, type 1, version 1.0.
pub fn rsocket(b: &[u8]) -> Look {
    yes((20..1 << 20).contains(&be24(b, 0)?) && be32(b, 3)? == 0 && byte(b, 7)? >> 2 == 1 && be32(b, 9)? == 0x1_0000)
}

/// Apache bRPC's standard protocol: a word, the size of the body and of the description in it.
pub fn brpc(b: &[u8]) -> Look {
    let (body, meta) = (be32(b, 4)?, be32(b, 8)?);
    yes(starts(b, b"PRPC")? && meta <= body && body < 1 << 27)
}

/// The handshake of ActiveMQ Artemis and of HornetQ before it.
pub fn artemis(b: &[u8]) -> Look {
    yes(one_of(b, &[b"ARTEMIS", b"HORNETQ"])?)
}

/// ArangoDB's VelocyStream.
pub fn velocystream(b: &[u8]) -> Look {
    yes(one_of(b, &[b"VST/1.0\r\n\r\n", b"VST/1.1\r\n\r\n"])?)
}

/// HDFS reads and writes blocks: version 28, an operation, a message whose first field is a header. With SASL a magic number comes first.
pub fn hdfs_block(b: &[u8]) -> Look {
    let operation = be16(b, 0)? == 28 && matches!(byte(b, 2)?, 80..=88);
    let size = usize::from(byte(b, 3)?);
    let first = if size < 0x80 { 4 } else { 5 };
    yes(operation
        && byte(b, first)? == 0x0a
        && byte(b, first + 1)? < 0x80
        && matches!(byte(b, first + 2)?, 0x0a | 0x12))
}

/// A stream of Java's serialised objects: magic number, version 5, the tag of a first element.
pub fn java_objects(b: &[u8]) -> Look {
    yes(be32(b, 0)? == 0xaced_0005 && (0x70..=0x7e).contains(&byte(b, 4)?))
}

/// Amanda's backup: version, kind, handle.
pub fn amanda(d: &Datagram) -> Look {
    let head = d.payload.get(..32).unwrap_or(d.payload);
    yes(starts(d.payload, b"Amanda ")? && memchr::memmem::find(head, b" HANDLE ").is_some())
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, udp};

    #[test]
    fn microsofts() {
        assert_eq!(client(b"\x10\0\x0b\0LIOR\x3c\x02\0\0\xff\xff\xff\xff"), Some(Protocol::Msmq));
        assert_eq!(client(b".NET\x01\0\0\0\0\0\x4c\0\0\0"), Some(Protocol::Remoting));
        let preamble = b"\0\x01\0\x01\x02\x02\x11net.tcp://host/ab\x03\x08\x0c";
        assert_eq!(client(preamble), Some(Protocol::Nmf));
        let mut upgrade = preamble.to_vec();
        *upgrade.last_mut().unwrap() = 9;
        assert_eq!(client(&upgrade), None, "TLS may follow");
    }

    #[test]
    fn calls_and_queues() {
        assert_eq!(client(b"\0\0\x3c\0\0\0\0\x04\0\0\x01\0\0\0\0\x4e\x20"), Some(Protocol::Rsocket));
        assert_eq!(client(b"\0\0\x3c\0\0\0\0\x04\0\0\x02\0\0\0\0\x4e\x20"), None, "version 2");
        assert_eq!(client(b"PRPC\0\0\0\x40\0\0\0\x20\x0a\x1c"), Some(Protocol::Brpc));
        assert_eq!(client(b"PRPC\0\0\0\x20\0\0\0\x40\x0a\x1c"), None);
        assert_eq!(client(b"ARTEMIS"), Some(Protocol::Artemis));
        assert_eq!(client(b"VST/1.1\r\n\r\n"), Some(Protocol::Velocystream));
        assert_eq!(client(b"\0\x1c\x51\x40\x0a\x30\x0a\x2e\x0a\x2a"), Some(Protocol::Hadoop));
        assert_eq!(client(b"\xac\xed\0\x05sr\0\x0bjava.lang.A"), Some(Protocol::Javaserial));
        assert_eq!(udp(b"Amanda 2.6 REQ HANDLE 000-08B4 SEQ 12345\n", 10080), Some(Protocol::Amanda));
    }
}
