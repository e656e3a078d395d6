//! Hostile bytes, one lie a time: each has one of the three outcomes, and work and results stay bounded.

use transitproof_wire::app::{Ports, Verdict, datagram, dns};
use transitproof_wire::esp::{NULL_LAYOUTS, null_fit};
use transitproof_wire::ike::{MAX_PAYLOADS, Message, Proposals};
use transitproof_wire::packet::{MAX_TUNNELS, Packet, Stop, Tunnels, dissect, reassembled};
use transitproof_wire::quic::{initial_frames, looks_like_quic, packets};
use transitproof_wire::tls::{CertificateList, ClientHello};
use transitproof_wire::{ParseError, Protocol, Reader};

const RAW_IP: u16 = 101;

fn raw(bytes: &[u8]) -> Result<Packet<'_>, Stop> {
    dissect(RAW_IP, bytes, &mut Tunnels::default())
}

/// IPv4 with a header of `words` 32-bit words, options zero, around a payload.
fn ipv4(words: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = usize::from(words) * 4;
    let length = (header + payload.len()) as u16;
    let mut ip = vec![0x40 | words, 0, (length >> 8) as u8, length as u8, 0, 0, 0, 0, 64, protocol, 0, 0];
    ip.extend([192, 0, 2, 1, 198, 51, 100, 7]);
    ip.resize(header, 0);
    ip.extend(payload);
    ip
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x60, 0, 0, 0, (payload.len() >> 8) as u8, payload.len() as u8, next, 64];
    ip.extend([0x20; 32]);
    ip.extend(payload);
    ip
}

fn tcp(words: u8) -> Vec<u8> {
    let mut header = vec![0xc0, 1, 1, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, words << 4, 0x18, 0xff, 0xff, 0, 0, 0, 0];
    header.resize(usize::from(words) * 4, 0);
    header
}

#[test]
fn options_of_length_zero_cost_nothing() {
    // In IPv4 and in TCP an option of length 0 makes a reader run for ever that walks them; kinds 7 and 5 have a length.
    for (ip_options, tcp_options) in [(7, 0), (0, 5), (7, 5)] {
        let mut segment = tcp(15);
        (segment[20], segment[21]) = (tcp_options, 0);
        let mut packet = ipv4(15, 6, &[&segment[..], b"data"].concat());
        (packet[20], packet[21]) = (ip_options, 0);
        let packet = raw(&packet).unwrap();
        assert_eq!((packet.dst_port, packet.payload), (443, &b"data"[..]));
    }
    // Pad1 is zero, so a hop-by-hop header of zeros is full of them.
    let packet = ipv6(0, &[&[6, 0, 0, 0, 0, 0, 0, 0][..], &tcp(5)].concat());
    assert_eq!(raw(&packet).unwrap().dst_port, 443);
}

#[test]
fn chains_of_extension_headers_end() {
    for kind in [0, 43, 60, 135] {
        let chain = [[kind, 0, 0, 0, 0, 0, 0, 0]; 8000].concat();
        assert_eq!(raw(&ipv6(kind, &chain)).unwrap_err(), Stop::Bad(ParseError::Limited("ipv6_extension")));
        let long = ipv6(kind, &[6, 255, 0, 0, 0, 0, 0, 0]);
        assert_eq!(raw(&long).unwrap_err(), Stop::Bad(ParseError::Truncated("ipv6_extension")));
    }
    // The walk ends at the first part of something; of fragments within fragments nothing is made.
    let first_fragments = [[44, 0, 0, 1, 0, 0, 0, 7]; 100].concat();
    let packet = ipv6(44, &first_fragments);
    let part = raw(&packet).unwrap();
    assert_eq!((part.transport, part.payload.len()), (44, 99 * 8));
    let joined = reassembled(Packet { fragment: None, ..part }, &mut Tunnels::default());
    assert_eq!(joined.unwrap_err(), Stop::Bad(ParseError::Malformed("ip_fragment")));
}

#[test]
fn every_length_in_the_headers_may_lie() {
    let packet = ipv4(5, 6, &tcp(5));
    let with = |at: usize, values: &[u8]| {
        let mut packet = packet.clone();
        packet[at..at + values.len()].copy_from_slice(values);
        raw(&packet).map(|packet| (packet.ip_length, packet.payload_length, packet.payload.len()))
    };
    let (malformed, truncated) =
        (|what| Err(Stop::Bad(ParseError::Malformed(what))), |what| Err(Stop::Bad(ParseError::Truncated(what))));
    assert_eq!(with(0, &[0x44]), malformed("ipv4"));
    assert_eq!(with(0, &[0x4f]), malformed("ipv4"));
    assert_eq!(with(2, &[0, 19]), malformed("ipv4"));
    assert_eq!(with(2, &[0, 39]), truncated("tcp"));
    assert_eq!(with(2, &[0, 0]), Ok((40, 0, 0)), "0 is an offloaded segment");
    assert_eq!(with(2, &[0xff, 0xff]), Ok((0xffff, 0xffff - 40, 0)), "what the capture cut still counts");
    assert_eq!(with(32, &[0x40]), malformed("tcp"));
    assert_eq!(with(32, &[0xf0]), malformed("tcp"));
    let udp = |length: u16| ipv4(5, 17, &[&[0, 53, 0, 53][..], &length.to_be_bytes(), &[0, 0], b"four"].concat());
    let lengths = |length| raw(&udp(length)).map(|packet| (packet.payload_length, packet.payload.len()));
    assert_eq!((lengths(7), lengths(8)), (Err(Stop::Bad(ParseError::Malformed("udp"))), Ok((0, 0))));
    assert_eq!((lengths(0), lengths(9), lengths(0xffff)), (Ok((4, 4)), Ok((1, 1)), Ok((4, 4))));
    assert_eq!(raw(&ipv6(6, &tcp(5))[..59]).unwrap_err(), Stop::Bad(ParseError::Truncated("tcp")));
}

#[test]
fn tunnels_in_tunnels_end() {
    let mut packet = ipv4(5, 6, &tcp(5));
    for _ in 0..1000 {
        packet = ipv4(5, 4, &packet);
    }
    let mut tunnels = Tunnels::default();
    let innermost = dissect(RAW_IP, &packet, &mut tunnels).unwrap();
    assert_eq!((tunnels.layers().len(), innermost.transport), (MAX_TUNNELS, 4));
}

/// A checksum over an offloaded segment of a mebibyte: the sum of that many words does not fit in 32 bits.
#[test]
fn esp_longer_than_a_packet_can_be() {
    let mut payload = vec![0xff; 1 << 20];
    let at = payload.len();
    payload[12] = 0x50;
    payload[at - 2..].copy_from_slice(&[0, 6]); // no padding, TCP
    let fits: Vec<_> = NULL_LAYOUTS.into_iter().filter_map(|layout| null_fit(&payload, layout)).collect();
    assert_eq!(fits.len(), 1);
    assert_eq!((fits[0].next_header, fits[0].layout.icv), (6, 0));
}

/// Header, one question whose name is `name`, and one answer to it.
fn dns_message(name: &[u8]) -> Vec<u8> {
    let mut message = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0".to_vec();
    for part in [name, &[0, 1, 0, 1], name, &[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]] {
        message.extend(part);
    }
    message
}

#[test]
fn names_in_dns_that_never_end() {
    let ask = |message: &[u8]| datagram(message, false, Ports { client: 40_000, server: 53 });
    assert_eq!(ask(&dns_message(b"\x03www\0")), Verdict::Is(Protocol::Dns));
    // Pointers to themselves, to each other, and ahead: none is followed.
    for pointer in [&b"\xc0\x0c"[..], b"\x01a\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\xc0\xff", b"\xff\xff"] {
        assert!(dns::header(&dns_message(pointer)).is_ok());
        let _ = ask(&dns_message(pointer));
    }
    // Labels of 64 and more do not exist; a name has 255 bytes; a length beyond the end is a cut message.
    for name in [&b"\x40"[..], b"\x80\x01"] {
        assert_eq!(ask(&dns_message(name)), Verdict::None);
    }
    let endless: Vec<u8> = b"\x01a".iter().copied().cycle().take(60_000).collect();
    assert_eq!(ask(&dns_message(&endless)), Verdict::None);
    let many = [&b"\x12\x34\x81\x80\xff\xff\xff\xff\xff\xff\xff\xff"[..], &[0; 60_000]].concat();
    assert_eq!(ask(&many), Verdict::None);
}

/// A ClientHello with an extensions block of its own.
fn hello(extensions: &[u8]) -> Vec<u8> {
    let mut hello = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    hello
}

#[test]
fn extensions_that_fill_their_block() {
    let empty: Vec<u8> = (0..16_383u16).flat_map(|kind| [(kind >> 8) as u8, kind as u8, 0, 0]).collect();
    let bytes = hello(&empty);
    let parsed = ClientHello::parse(&bytes, false).unwrap();
    assert_eq!(parsed.extensions.find(16_382).map(|body| body.len()), Some(0));
    assert!(parsed.extensions.find(16_383).is_none());
    // An extension one byte longer than its block, and a block longer than the message: what fits is read, and no more.
    let lying = hello(&[0, 16, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0]);
    let parsed = ClientHello::parse(&lying, false).unwrap();
    assert!(parsed.extensions.find(16).is_some() && parsed.extensions.find(0).is_none());
    let mut longer = hello(&[0, 16, 0, 0]);
    let at = longer.len() - 5;
    longer[at] = 0xff;
    assert!(ClientHello::parse(&longer, false).unwrap().extensions.count() <= 1);
    let suites = [&hello(&[])[..35], &[0xff, 0xfe], &[0; 200]].concat();
    assert_eq!(ClientHello::parse(&suites, false).unwrap_err(), ParseError::Truncated("tls hello"));
}

#[test]
fn certificates_that_are_longer_than_their_list() {
    let list = [&[0xff, 0xff, 0xff][..], &[0; 100]].concat();
    assert!(CertificateList::parse(&list).is_err());
    let empty_ones = [&[0, 0xea, 0x60][..], &[0; 60_000]].concat();
    assert_eq!(CertificateList::parse(&empty_ones).map(Iterator::count), Ok(20_000));
}

/// IKE_SA_INIT around payloads.
fn ike(first: u8, payloads: &[u8]) -> Vec<u8> {
    let mut message = [&[7; 8][..], &[0; 8], &[first, 0x20, 34, 8, 0, 0, 0, 0]].concat();
    message.extend((28 + payloads.len() as u32).to_be_bytes());
    message.extend(payloads);
    message
}

#[test]
fn ike_with_a_thousand_of_everything() {
    let endless = ike(43, &[43, 0, 0, 4].repeat(1000));
    let walked: Vec<_> = Message::parse(&endless).unwrap().payloads().collect();
    assert_eq!((walked.len(), walked.last()), (MAX_PAYLOADS + 1, Some(&Err(ParseError::Limited("ike payloads")))));
    for length in [0, 3] {
        let standing_still = ike(43, &[43, 0, 0, length].repeat(10));
        let walked: Vec<_> = Message::parse(&standing_still).unwrap().payloads().collect();
        assert_eq!(walked, [Err(ParseError::Malformed("ike payload length"))]);
    }
    let proposals = [2, 0, 0, 8, 1, 1, 0, 0].repeat(1000);
    assert_eq!(Proposals::parse(&proposals, false).unwrap().filter(Result::is_ok).count(), 1000);
    let standing_still = [2, 0, 0, 0, 1, 1, 0, 0].repeat(1000);
    assert_eq!(Proposals::parse(&standing_still, false).unwrap().count(), 1);
    // 255 transforms promised, one there, with attributes that never get anywhere.
    let lying = [&[0, 0, 0, 20, 1, 1, 0, 255, 0, 0, 0, 12, 1, 0, 0, 12][..], &[0, 14, 0xff, 0xff]].concat();
    let proposal = Proposals::parse(&lying, false).unwrap().next().unwrap().unwrap();
    let transforms: Vec<_> = proposal.transforms.collect();
    assert_eq!((transforms.len(), transforms[0].as_ref().unwrap().key_length()), (2, None));
    assert!(transforms[1].is_err());
}

#[test]
fn quic_packets_and_frames_that_lie() {
    // Sixty packets of the least size in one datagram, then one whose length is not there.
    let smallest = [&[0xc0, 0, 0, 0, 1, 0, 0, 0, 0x14][..], &[0; 20]].concat();
    let datagram = [smallest.repeat(60), vec![0xc0, 0, 0, 0, 1, 0, 0, 0, 0xff]].concat();
    assert_eq!(packets(&datagram).count(), 60);
    assert!(looks_like_quic(&[0xc0, 0, 0, 0, 1, 21].repeat(9)).is_none(), "a connection id of 21 bytes");
    let beyond = b"\x06\xff\xff\xff\xff\xff\xff\xff\xff\x01x";
    assert_eq!(
        initial_frames(beyond).filter(Result::is_ok).count(),
        1,
        "an offset of 2^62 - 1 is for the stream to refuse"
    );
    let longer = b"\x06\x00\xff\xff\xff\xff\xff\xff\xff\xffx";
    assert!(initial_frames(longer).all(|frame| frame.is_err()));
    assert!(initial_frames(&[0; 60_000]).count() <= 1, "padding is no frame");
}

#[test]
fn a_reader_gives_no_more_than_there_is() {
    for length in [0, 1, 2, 255, 256, usize::MAX] {
        let mut r = Reader::new(&[9, 9], "test");
        assert_eq!(r.take(length).is_ok(), length <= 2);
    }
    for bytes in [&[0xff; 8][..], &[0xff; 300], &[]] {
        assert_eq!(Reader::new(bytes, "t").vec8().is_ok(), bytes.len() > 255);
        assert!(Reader::new(bytes, "t").vec16().is_err() && Reader::new(bytes, "t").vec24().is_err());
    }
}
