//! Content without a protocol around it. Last: what begins like this and has a name keeps it.
//!
//! Tests: `formats`, `prose`, `protobuf`.

use super::{DatagramRow, PRINTABLE, StreamRow, WORDS, same, udp};
use crate::Protocol::{self as P};
use crate::app::{formats, prose, protobuf};

pub const STREAMS: &[StreamRow] = &[
    same(P::Graphite, &[2003], WORDS, formats::graphite),
    same(P::Nmea, &[10110], &[(b'!', b'$')], formats::nmea),
    same(P::Ftpdata, &[20], &[(b'-', b'-'), (b'0', b'9'), (b'b', b't')], formats::listing),
    same(P::Xml, &[], &[(b'<', b'<')], formats::xml),
    same(P::Json, &[], &[(b'{', b'{')], formats::json),
    same(P::File, &[], formats::FILE_FIRST, formats::file),
    same(P::Protobuf, &[], &[(8, 0x7d)], protobuf::protobuf),
    same(P::Text, &[], PRINTABLE, prose::text),
];

pub const DATAGRAMS: &[DatagramRow] = &[
    udp(P::Graphite, &[2003], WORDS, formats::graphite_datagram),
    udp(P::Gelf, &[12201], &[(0x1e, 0x1e), (b'{', b'{')], formats::gelf),
    udp(P::Nmea, &[10110], &[(b'!', b'$')], formats::nmea_datagram),
    udp(P::Osc, &[], &[(b'#', b'#'), (b'/', b'/')], formats::osc),
    udp(P::Midi, &[5004], &[(255, 255)], formats::apple_midi),
    udp(P::Xml, &[], &[(b'<', b'<')], formats::xml_datagram),
    udp(P::Json, &[], &[(b'{', b'{')], formats::json_datagram),
    udp(P::Protobuf, &[], &[(8, 0x7d)], protobuf::protobuf_datagram),
    udp(P::Text, &[], PRINTABLE, prose::text_datagram),
];
