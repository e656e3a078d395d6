//! Why a flow has its class: which frame decided, where in its payload, and what stood there. Never the bytes themselves.

use crate::json;

/// What stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum What {
    ClientHello = 1,
    ServerHello,
    /// The header of a TLS record in the middle of a connection.
    TlsRecord,
    DtlsRecord,
    QuicHeader,
    IkeHeader,
    /// SPI and sequence number on ESP's port, or by IP protocol.
    EspHeader,
    AhHeader,
    /// The first bytes of either side of a stream, by the table of protocols.
    FirstBytes,
    /// A whole datagram, by the table of protocols.
    Datagram,
    /// Successive packets of one RTP source.
    RtpRun,
    /// Successive packets of another transport whose numbers belong together.
    NumberRun,
    /// The number of the protocol in the IP header.
    IpProtocol,
    /// Anything that fits, at a port that another flow between the same hosts had told of.
    Announced,
    /// An EAP packet by its EtherType.
    EapHeader,
    /// Successive messages of a stream that was met in the middle, or of which one side was.
    MessageRun,
}

impl What {
    const ALL: [Self; 16] = [
        Self::ClientHello,
        Self::ServerHello,
        Self::TlsRecord,
        Self::DtlsRecord,
        Self::QuicHeader,
        Self::IkeHeader,
        Self::EspHeader,
        Self::AhHeader,
        Self::FirstBytes,
        Self::Datagram,
        Self::RtpRun,
        Self::NumberRun,
        Self::IpProtocol,
        Self::Announced,
        Self::EapHeader,
        Self::MessageRun,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::ClientHello => "client_hello",
            Self::ServerHello => "server_hello",
            Self::TlsRecord => "tls_record",
            Self::DtlsRecord => "dtls_record",
            Self::QuicHeader => "quic_header",
            Self::IkeHeader => "ike_header",
            Self::EspHeader => "esp_header",
            Self::AhHeader => "ah_header",
            Self::FirstBytes => "first_bytes",
            Self::Datagram => "datagram",
            Self::RtpRun => "rtp_run",
            Self::NumberRun => "number_run",
            Self::IpProtocol => "ip_protocol",
            Self::Announced => "announced",
            Self::EapHeader => "eap_header",
            Self::MessageRun => "message_run",
        }
    }
}

/// Frame, offset and [`What`] in one word, for which an entry of the flow table has room; 0 says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Why(u64);

/// A capture with more frames has their numbers cut.
const FRAME_BITS: u32 = 40;
const OFFSET_SHIFT: u32 = FRAME_BITS;
const WHAT_SHIFT: u32 = OFFSET_SHIFT + u16::BITS;

impl Why {
    /// `offset` counts in the payload of the frame; of a stream in that of the piece that was looked at.
    pub fn new(what: What, frame: u64, offset: usize) -> Self {
        let offset = u64::from(u16::try_from(offset).unwrap_or(u16::MAX));
        Self(frame & ((1 << FRAME_BITS) - 1) | offset << OFFSET_SHIFT | (what as u64) << WHAT_SHIFT)
    }

    /// The frame, if anything was said.
    pub fn frame(self) -> Option<u64> {
        (self.0 != 0).then_some(self.0 & ((1 << FRAME_BITS) - 1))
    }

    /// `"why":{…}`, or nothing.
    pub fn write(self, out: &mut Vec<u8>) {
        let Some(what) = What::ALL.into_iter().find(|what| *what as u64 == self.0 >> WHAT_SHIFT) else { return };
        json::key(out, "why");
        out.push(b'{');
        json::number(out, "frame", self.0 & ((1 << FRAME_BITS) - 1));
        json::number(out, "offset", self.0 >> OFFSET_SHIFT & 0xffff);
        json::word(out, "what", what.word());
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(why: Why) -> String {
        let mut out = b"{".to_vec();
        why.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_packed_comes_out() {
        for what in What::ALL {
            let expected = format!("{{\"why\":{{\"frame\":118,\"offset\":5,\"what\":\"{}\"}}", what.word());
            assert_eq!(written(Why::new(what, 118, 5)), expected);
        }
        let most = Why::new(What::IpProtocol, (1 << 40) - 1, 1 << 20);
        assert_eq!(written(most), "{\"why\":{\"frame\":1099511627775,\"offset\":65535,\"what\":\"ip_protocol\"}");
        assert_eq!(written(Why::default()), "{");
    }
}
