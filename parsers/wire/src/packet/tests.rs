use super::*;
use proptest::prelude::*;

const ETHERNET: u16 = 1;

fn dissect(link: u16, frame: &[u8]) -> Result<Packet<'_>, Stop> {
    super::dissect(link, frame, &mut Tunnels::default())
}

/// A SYN as Linux sends it, behind Ethernet, with 4 bytes of padding that must not count.
fn syn() -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00];
    f.extend([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
    f.extend([0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
    f.extend([0xde, 0xad, 0xbe, 0xef]);
    f
}

#[test]
fn ethernet_padding_is_no_payload() {
    let frame = syn();
    let p = dissect(ETHERNET, &frame).unwrap();
    assert_eq!((p.src.to_v4(), p.src_port), ([192, 0, 2, 1], 49153));
    assert_eq!((p.dst.to_v4(), p.dst_port), ([198, 51, 100, 7], 443));
    assert_eq!((p.flags, p.seq, p.ip_length, p.payload_length, p.payload.len()), (2, 9, 40, 0, 0));
}

/// Frames close to ordinary ones: of both versions and transports, tagged or not, cut and with bytes overwritten.
fn nearly_plain() -> impl Strategy<Value = Vec<u8>> {
    let ip4 = syn()[14..54].to_vec();
    let mut ip6 = vec![0x60, 0, 0, 0, 0, 28, 17, 64];
    ip6.extend([0x20; 32]);
    ip6.extend([0xc0, 1, 0, 53, 0, 28, 0, 0]);
    ip6.extend([7; 24]);
    let (mut esp4, mut esp6) = (ip4.clone(), ip6.clone());
    (esp4[9], esp6[6]) = (ip_protocol::ESP, ip_protocol::ESP);
    let network =
        prop_oneof![Just(([8, 0], ip4)), Just(([8, 0], esp4)), Just(([0x86, 0xdd], ip6)), Just(([0x86, 0xdd], esp6))];
    let overwritten = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (network, any::<bool>(), overwritten, 0..4usize, any::<prop::sample::Index>()).prop_map(
        |((ethertype, network), tagged, bytes, cut, length)| {
            let tag: &[u8] = if tagged { &[0x81, 0, 0, 7] } else { &[] };
            let mut frame = [&[2; 12], tag, &ethertype, &network].concat();
            for (at, byte) in bytes {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
            if cut == 0 {
                frame.truncate(length.index(frame.len()));
            }
            frame
        },
    )
}

proptest! {
    #[test]
    fn the_straight_line_reads_what_the_walk_reads(frame in nearly_plain()) {
        if let Some(packet) = plain::read(ETHERNET, &frame) {
            prop_assert_eq!(Ok(packet), dissect(ETHERNET, &frame));
            prop_assert_eq!(Some((packet.src, packet.dst)), plain::addresses(ETHERNET, &frame));
        }
        // Whoever goes by the addresses alone must not send a packet elsewhere than the walk would.
        if let (Some(ends), Ok(packet)) = (plain::addresses(ETHERNET, &frame), dissect(ETHERNET, &frame)) {
            prop_assert_eq!((packet.src, packet.dst, packet.fragment), (ends.0, ends.1, None));
        }
    }
}

#[test]
fn ordinary_frames_take_the_straight_line() {
    let frame = syn();
    assert!(plain::read(ETHERNET, &frame).is_some());
    let tagged = [&frame[..12], &[0x81, 0, 0, 7], &frame[12..]].concat();
    assert!(plain::read(ETHERNET, &tagged).is_some());
}

#[test]
fn vlan_tags_are_followed_up_to_the_limit() {
    let plain = syn();
    for tags in 0..=5 {
        let mut frame = plain[..12].to_vec();
        for _ in 0..tags {
            frame.extend([0x88, 0xa8, 0, 7]);
        }
        frame.extend(&plain[12..]);
        let got = dissect(ETHERNET, &frame).map(|p| p.dst_port);
        if tags <= 4 {
            assert_eq!(got, Ok(443));
        } else {
            assert_eq!(got, Err(Stop::Bad(ParseError::Limited("vlan"))));
        }
    }
}

/// LLC and SNAP with the EtherType of IPv4.
const SNAP: &[u8] = &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0];

/// A client's data frame to its access point.
const WLAN_DATA: [u8; 24] = [0x08, 1, 44, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0];

#[test]
fn what_the_air_protects_or_cuts_is_counted_by_its_kind() {
    let air = |control: [u8; 2], sequence: u8| {
        let frame = [&control[..], &WLAN_DATA[2..22], &[sequence, 0], SNAP].concat();
        dissect(105, &frame).unwrap_err()
    };
    assert_eq!(air([0x80, 0], 0), Stop::NotIp("wlan_management"));
    assert_eq!(air([0xd4, 0], 0), Stop::NotIp("wlan_control"));
    assert_eq!(air([0x48, 1], 0), Stop::NotIp("wlan_null"));
    assert_eq!(air([0x08, 0x41], 0), Stop::NotIp("wlan_protected"));
    assert_eq!(air([0x08, 0x01], 1), Stop::NotIp("wlan_fragment"));
    let eapol = [&WLAN_DATA[..], &[0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0x8e, 2, 3]].concat();
    assert_eq!(dissect(105, &eapol).unwrap_err(), Stop::NotIp("eapol"));
}

#[test]
fn eap_is_between_stations() {
    const STATION: Mac = [2, 0, 0, 0, 0, 1];
    const SWITCH: Mac = [2, 0, 0, 0, 0, 2];
    const PACKET: &[u8] = &[2, 0, 0, 6, 1, 9, 0, 6, 13, 0x20];
    let ethernet = |tag: &[u8]| [&SWITCH[..], &STATION, tag, &[0x88, 0x8e], PACKET, &[0; 40]].concat();
    for tag in [&[][..], &[0x81, 0, 0, 7]] {
        let frame = ethernet(tag);
        let read = eapol(1, &frame).unwrap();
        assert_eq!((read.src, read.dst, read.length), (STATION, SWITCH, 10));
        assert_eq!(read.eap, &PACKET[4..], "without what fills the frame");
        assert!(!read.is_to_group());
    }
    let air = |to_and_from: u8, addresses: [Mac; 3], fourth: &[u8]| {
        let header = [&[0x08, to_and_from, 0, 0][..], addresses.as_flattened(), &[0, 0], fourth].concat();
        [&header, &[0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0x8e][..], PACKET].concat()
    };
    const OTHER: Mac = [2, 9, 9, 9, 9, 9];
    for frame in [
        air(0, [SWITCH, STATION, OTHER], &[]),
        air(1, [OTHER, STATION, SWITCH], &[]),
        air(2, [SWITCH, OTHER, STATION], &[]),
        air(3, [OTHER, OTHER, SWITCH], &STATION),
    ] {
        let read = eapol(105, &frame).unwrap();
        assert_eq!((read.src, read.dst, read.eap), (STATION, SWITCH, &PACKET[4..]));
        let radiotap = [&[0, 0, 8, 0, 0, 0, 0, 0][..], &frame].concat();
        assert_eq!(eapol(127, &radiotap).unwrap().src, STATION);
        let avs = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 8][..], &frame].concat();
        assert_eq!(eapol(119, &avs).unwrap().dst, SWITCH);
    }
    let whole = ethernet(&[]);
    for cut in 0..24 {
        let _ = eapol(1, &whole[..cut]).map(|read| assert!(cut >= 18 && read.eap.len() == cut - 18));
    }
    let start = [&whole[..15], &[1, 0, 0]].concat();
    assert_eq!(eapol(1, &start), None, "a start is no EAP packet");
    // Linux's cooked headers have the sender alone.
    let cooked = [&[0, 0, 0, 1, 0, 6][..], &STATION, &[0, 0, 0x88, 0x8e], PACKET].concat();
    assert_eq!(dissect(113, &cooked).unwrap_err(), Stop::NotIp("eapol"));
    let cooked_2 = [&[0x88, 0x8e, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6][..], &STATION, &[0, 0], PACKET].concat();
    for (link, frame) in [(113, &cooked), (276, &cooked_2)] {
        let read = eapol(link, frame).unwrap();
        assert_eq!((read.src, read.is_to_group(), read.eap), (STATION, true, &PACKET[4..]));
    }
}

#[test]
fn every_link_type_reaches_the_same_packet() {
    let ip = &syn()[14..];
    let with = |header: &[u8]| [header, ip].concat();
    let cases = [
        (101, with(&[])),
        (12, with(&[])),
        (228, with(&[])),
        (0, with(&[2, 0, 0, 0])),
        (0, with(&[0, 0, 0, 2])),
        (108, with(&[0, 0, 0, 2])),
        (113, with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0])),
        (276, with(&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0])),
        (9, with(&[0xff, 3, 0, 0x21])),
        (6, with(&[&[0x10, 0x40][..], &[2; 6], &[0x82, 2, 2, 2, 2, 2], &[6, 0x30, 0, 1, 0, 2], SNAP].concat())),
        (10, with(&[&[0x51][..], &[2; 12], SNAP].concat())),
        (100, with(SNAP)),
        (104, with(&[0x0f, 0, 8, 0])),
        (107, with(&[0x18, 0x41, 3, 0xcc])),
        (107, with(&[&[0x18, 0x41, 3, 0][..], &[0x80, 0, 0, 0, 8, 0]].concat())),
        (166, with(&[1, 3, 0, 0x21])),
        (178, with(&[&b"MGC\x80\0\x03abc"[..], &[2; 12], &[8, 0]].concat())),
        (239, with(&[2, 0, 0, 40, 8, 0, 1, 0, 8, 0, 3, 0, 5, 0, 10, 0, 1, 0, 0, 0, 48, 0, 9, 0])),
        (239, with(&[2, 0, 0, 40, 0, 5, 0, 10, 1, 0, 0, 0, 0, 48, 0, 9])),
        (242, with(&[&[0; 40][..], &[8, 0, 0, 0]].concat())),
        (258, with(&[&[12, 0, 0, 0, 1, 0, 0, 0, 101, 0, 0, 0][..]].concat())),
        (105, with(&[&WLAN_DATA[..], SNAP].concat())),
        // A quality-of-service field, and what aggregation puts in front of each frame.
        (105, with(&[&[0x88, 1][..], &WLAN_DATA[2..], &[0, 0], SNAP].concat())),
        (105, with(&[&[0x88, 1][..], &WLAN_DATA[2..], &[0x80, 0], &[2; 12], &[0, 48], SNAP].concat())),
        // From one access point to another: four addresses.
        (105, with(&[&[0x08, 3][..], &WLAN_DATA[2..], &[2; 6], SNAP].concat())),
        (127, with(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..], &WLAN_DATA, SNAP].concat())),
        // Radiotap with a clock in front of the flags, which say that the header of 26 bytes is padded to 28.
        (
            127,
            with(&[&[0, 0, 17, 0, 3, 0, 0, 0], &[7; 8][..], &[0x20, 0x88, 1], &WLAN_DATA[2..], &[0; 4], SNAP].concat()),
        ),
    ];
    for (link, frame) in cases {
        assert_eq!(dissect(link, &frame).map(|p| (p.src_port, p.dst_port)), Ok((49153, 443)), "link type {link}");
        assert!(link_supported(link));
    }
    assert_eq!(dissect(147, ip).unwrap_err(), Stop::NotIp("link_type"));
}

#[test]
fn ipv6_extension_headers_and_fragments() {
    let mut ip = vec![0x60, 0, 0, 0, 0, 24, 0, 64];
    ip.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    ip.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    ip.extend([44, 0, 1, 4, 0, 0, 0, 0]); // hop-by-hop with PadN, then a fragment header
    ip.extend([17, 0, 0, 1, 0, 0, 0, 5]); // first part, more to come
    ip.extend([0, 53, 0x80, 0, 0, 100, 0, 0]);
    let p = dissect(101, &ip).unwrap();
    assert_eq!(p.fragment, Some(Fragment { id: 5, offset: 0, more: true }));
    assert_eq!((p.transport, p.src_port, p.payload_length, p.payload.len()), (17, 0, 8, 8));
    let whole = Packet { fragment: None, ..p };
    let p = reassembled(whole, &mut Tunnels::default()).unwrap();
    assert_eq!((p.transport, p.src_port, p.dst_port, p.payload_length), (17, 53, 0x8000, 0));
    ip[50..52].copy_from_slice(&[0, 8]); // the second part: these bytes are no UDP header
    let p = dissect(101, &ip).unwrap();
    assert_eq!((p.fragment.unwrap().offset, p.src_port, p.payload.len()), (8, 0, 8));
}

#[test]
fn lying_lengths_are_refused() {
    let mut frame = syn();
    frame[14] = 0x44; // header length 16
    assert_eq!(dissect(ETHERNET, &frame).unwrap_err(), Stop::Bad(ParseError::Malformed("ipv4")));
    let mut frame = syn();
    frame[16..18].copy_from_slice(&[0, 10]); // total below the header
    assert_eq!(dissect(ETHERNET, &frame).unwrap_err(), Stop::Bad(ParseError::Malformed("ipv4")));
    let mut frame = syn();
    frame[46] = 0xf0; // TCP header of 60 bytes in a 20-byte segment
    assert_eq!(dissect(ETHERNET, &frame).unwrap_err(), Stop::Bad(ParseError::Malformed("tcp")));
    assert_eq!(dissect(ETHERNET, &syn()[..40]).unwrap_err(), Stop::Bad(ParseError::Truncated("tcp")));
}

/// IPv4 around a payload, checksum not looked at.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len()) as u16;
    let mut ip =
        vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    ip.extend(payload);
    ip
}

fn udp(dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let [a, b] = dst_port.to_be_bytes();
    let [c, d] = length.to_be_bytes();
    ipv4(17, &[&[0xc0, 0, a, b, c, d, 0, 0], payload].concat())
}

fn opened(ip: &[u8]) -> (u16, Vec<(&'static str, Option<u32>)>) {
    let mut tunnels = Tunnels::default();
    let packet = super::dissect(101, ip, &mut tunnels).unwrap();
    (packet.dst_port, tunnels.layers().iter().map(|layer| (layer.kind.word(), layer.id)).collect())
}

#[test]
fn tunnels_are_opened_down_to_the_innermost_packet() {
    let (frame, ip) = (syn(), syn()[14..54].to_vec());
    let ip6 = [&[0x60, 0, 0, 0, 0, 20, 6, 64][..], &[0x20; 32], &frame[34..54]].concat();
    let with = |header: &[u8], inner: &[u8]| [header, inner].concat();
    let cases = [
        ("vxlan", Some(42), udp(4789, &with(&[8, 0, 0, 0, 0, 0, 42, 0], &frame))),
        ("geneve", Some(7), udp(6081, &with(&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4], &frame))),
        ("geneve", Some(7), udp(6081, &with(&[0, 0, 8, 0, 0, 0, 7, 0], &ip))),
        ("gtp-u", Some(9), udp(2152, &with(&[0x30, 255, 0, 40, 0, 0, 0, 9], &ip))),
        ("gtp-u", Some(9), udp(2152, &with(&[0x34, 255, 0, 48, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 0, 0], &ip))),
        ("l2tp", Some(0x0001_0002), udp(1701, &with(&[0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21], &ip))),
        ("ipip", None, ipv4(4, &ip)),
        ("gre", None, ipv4(47, &with(&[0, 0, 8, 0], &ip))),
        ("gre", Some(5), ipv4(47, &with(&[0x30, 0, 8, 0, 0, 0, 0, 5, 0, 0, 0, 1], &ip))),
        ("erspan", None, ipv4(47, &with(&[0, 0, 0x88, 0xbe], &frame))),
        ("erspan", Some(3), ipv4(47, &with(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 3, 0, 0, 0, 0], &frame))),
        ("mpls", Some(16), ipv4(137, &with(&[0, 1, 1, 64], &ip))),
        ("mpls", Some(16), udp(6635, &with(&[0, 1, 1, 64], &ip))),
        ("vxlan", Some(42), udp(4790, &with(&[0x0c, 0, 0, 1, 0, 0, 42, 0], &ip))),
        ("capwap", None, udp(5247, &[&[0, 0x10, 0x43, 0, 0, 0, 0, 0, 1, 8][..], &WLAN_DATA[2..], SNAP, &ip].concat())),
        ("capwap", None, udp(5247, &with(&[0, 0x10, 0x02, 0, 0, 0, 0, 0], &frame))),
        // Length, sequence numbers, an offset of four bytes (RFC 2661 section 3.1).
        (
            "l2tp",
            Some(0x0001_0002),
            udp(1701, &with(b"\x4a\x02\0\x3c\0\x01\0\x02\0\0\0\0\0\x04pads\xff\x03\0\x21", &ip)),
        ),
        // A sequence number and an acknowledgement (RFC 2637 section 4.1).
        ("gre", Some(5), ipv4(47, &with(b"\x30\x81\x88\x0b\0\x2c\0\x05\0\0\0\x01\0\0\0\x02\xff\x03\0\x21", &ip))),
        // Type III with a platform's subheader.
        (
            "erspan",
            Some(3),
            ipv4(47, &[b"\x10\0\x22\xeb\0\0\0\x01\x20\x01\0\x03\0\0\0\0\0\0\0\x01", &[0; 8][..], &frame].concat()),
        ),
        // Authentication of a client (3 bytes) with a value (2), and an origin (RFC 4380 section 5.1.1).
        ("teredo", None, udp(3544, &[&[0, 1, 3, 2][..], &[7; 14], &[0; 8], &ip6].concat())),
        ("gre", Some(5), udp(4754, &with(&[0x20, 0, 8, 0, 0, 0, 0, 5], &ip))),
        // An identity of 16 bytes, a signature of 20.
        ("ayiya", None, udp(5072, &[&[0x41, 0x52, 0x11, 41, 0, 0, 0, 1][..], &[7; 36], &ip6].concat())),
        // A signal's strength, padding, the end.
        ("tzsp", None, udp(37008, &with(&[1, 0, 0, 1, 10, 1, 0x9c, 0, 1], &frame))),
        ("etherip", None, ipv4(97, &with(&[0x30, 0], &frame))),
    ];
    for (word, id, packet) in cases {
        assert_eq!(opened(&packet), (443, vec![(word, id)]), "{word}");
    }
    let twice = udp(6081, &with(&[0, 0, 8, 0, 0, 0, 7, 0], &udp(4789, &with(&[8, 0, 0, 0, 0, 0, 42, 0], &frame))));
    assert_eq!(opened(&twice), (443, vec![("geneve", Some(7)), ("vxlan", Some(42))]));
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    assert_eq!(opened(&udp(4789, b"nothing of the kind, only text")), (4789, vec![]));
    assert_eq!(opened(&udp(4789, &[8, 0, 0, 0, 0, 0, 42, 0, 1, 2, 3])), (4789, vec![]));
    // Versions that there are not, and a message of GTP that carries no packet.
    let ip = &syn()[14..54];
    for (port, header) in [
        (6081, [0x40, 0, 8, 0, 0, 0, 7, 0]),
        (2152, [0x10, 255, 0, 40, 0, 0, 0, 9]),
        (2152, [0x30, 1, 0, 40, 0, 0, 0, 9]),
        (5072, [0x01, 0x02, 0x12, 4, 0, 0, 0, 1]),
        (37008, [2, 0, 0, 1, 1, 0, 0, 1]),
    ] {
        assert_eq!(opened(&udp(port, &[&header[..], ip].concat())), (port, vec![]), "{header:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    let mut packet = syn()[14..54].to_vec();
    for _ in 0..20 {
        packet = ipv4(4, &packet);
    }
    let mut tunnels = Tunnels::default();
    let innermost = super::dissect(101, &packet, &mut tunnels).unwrap();
    assert_eq!((tunnels.layers().len(), innermost.transport), (MAX_TUNNELS, 4));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(link in 0u16..300, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(p) = dissect(link, &bytes) {
            prop_assert!(p.payload.len() <= bytes.len());
        }
    }

    #[test]
    fn arbitrary_tunnels_never_panic(
        port in prop::sample::select(vec![4789u16, 6081, 2152, 6635, 3544, 1701, 5247, 4754, 5072, 37008]),
        protocol in prop::sample::select(vec![4u8, 41, 47, 97, 137]),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let _ = dissect(101, &udp(port, &bytes));
        let _ = dissect(101, &ipv4(protocol, &bytes));
    }

    #[test]
    fn a_damaged_packet_never_panics(at in 0usize..58, value: u8, cut in 0usize..59) {
        let mut frame = syn();
        frame[at] = value;
        frame.truncate(cut);
        let _ = dissect(ETHERNET, &frame);
    }
}
