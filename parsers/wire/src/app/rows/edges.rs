//! What stands beside: controllers and meters, sealed transports, games, media.
//!
//! Tests: `chat`, `games`, `industrial`, `management`, `measuring`, `media`, `messaging`, `peers`, `routing`, `sealed`.

use super::{ANY, DatagramRow, EAQ_PORTS, SILENT, StreamRow, UPPER, ZERO, ported, same, side, tcp, udp};
use crate::Protocol::{self as P};
use crate::app::{chat, games, industrial, management, measuring, media, messaging, peers, routing, sealed};

pub const STREAMS: &[StreamRow] = &[
    same(P::Openflow, &[6653, 6633], &[(1, 6)], routing::openflow),
    same(P::Lisp, &[4342], ZERO, routing::lisp_reliable),
    same(P::Tcpcl, &[4556], &[(b'd', b'd')], measuring::tcpcl),
    same(P::Netperfmeter, &[9000], &[(4, 4)], measuring::netperfmeter),
    tcp(
        P::Ookla,
        &[8080],
        side(&[(b'H', b'H')], measuring::ookla_client),
        side(&[(b'H', b'H')], measuring::ookla_server),
    ),
    same(P::Monero, &[18080], &[(1, 1)], peers::monero),
    same(P::Rlpx, &[30303], &[(0, 8)], sealed::rlpx),
    same(P::Weave, &[11095], ANY, sealed::weave),
    same(P::CurveZmq, &[], &[(255, 255)], sealed::curve_zmq),
    same(P::Zmtp, &[], &[(255, 255)], messaging::zmtp),
    tcp(P::Rtmp, &[1935], side(&[(3, 3)], media::rtmp_client), side(&[(3, 3)], media::rtmp_server)),
    tcp(P::Ntrip, &[2101], SILENT, side(UPPER, media::ntrip_server)),
];

pub const DATAGRAMS: &[DatagramRow] = &[
    udp(P::Thrift, &[6831], &[(0x82, 0x82)], chat::thrift_compact),
    ported(P::Capwap, &[5246, 5247], ZERO, routing::capwap),
    udp(P::Netperfmeter, &[9000], &[(4, 4)], measuring::netperfmeter_datagram),
    udp(P::Agora, &[8130], ZERO, sealed::agora),
    udp(P::Pia, &[], &[(0x32, 0x32)], sealed::pia),
    udp(P::Netcode, &[], ZERO, sealed::netcode),
    udp(P::GQuic, &[443], &[(0, 0x3e)], sealed::google_quic),
    ported(P::Eaq, EAQ_PORTS, ZERO, measuring::eaq),
    udp(P::Roughtime, &[2002], &[(b'R', b'R')], measuring::roughtime),
    udp(P::Statsd, &[8125], &[(b'!', b'~')], measuring::statsd),
    udp(P::Quake, &[27960], &[(255, 255)], games::quake),
    udp(P::Source, &[27015], &[(255, 255)], games::source),
    udp(P::Steam, &[27036], &[(255, 255)], games::steam),
    ported(P::Gamespy, &[25565], &[(254, 254)], games::gamespy),
    udp(P::Mpegts, &[], &[(0x47, 0x47)], media::mpeg_ts),
    udp(P::Sap, &[9875], &[(0x20, 0x3f)], media::sap),
    ported(P::Iax2, &[4569], &[(0x80, 0xff)], media::iax2),
    udp(P::Hep, &[9060], &[(b'H', b'H')], media::hep),
    udp(P::Artnet, &[6454], &[(b'A', b'A')], media::artnet),
    udp(P::Sacn, &[5568], ZERO, media::e131),
    udp(P::Pathport, &[3792], &[(0xed, 0xed)], media::pathport),
    ported(P::Lifx, &[56700], ANY, media::lifx),
    udp(P::Rmcp, &[623], &[(6, 6)], management::rmcp),
    udp(P::Wccp, &[2048], ZERO, management::wccp),
    ported(P::Mndp, &[5678], ANY, management::mndp),
    ported(P::Ripng, &[521], &[(1, 2)], routing::ripng),
    udp(P::Cipio, &[2222], &[(2, 2)], industrial::cip_io),
    ported(P::Gvcp, &[3956], &[(0x42, 0x42)], industrial::gvcp),
    ported(P::Cnpip, &[1628, 1629], ANY, industrial::cnp_ip),
    udp(P::SealedCollectd, &[25826], &[(2, 2)], sealed::collectd),
];
