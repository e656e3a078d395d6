use proptest::prelude::*;

use super::vectors::{self as v, bytes};
use super::*;

fn fit(packet: &[u8]) -> Option<NullFit> {
    let payload = Esp::parse(packet).unwrap().payload;
    NULL_LAYOUTS.into_iter().find_map(|layout| null_fit(payload, layout))
}

#[test]
fn headers() {
    let packet = bytes(v::GCM);
    let esp = Esp::parse(&packet).unwrap();
    assert_eq!((esp.sequence, esp.payload.len()), (1, packet.len() - 8));
    let packet = bytes(v::AH_TUNNEL);
    let ah = Ah::parse(&packet).unwrap();
    assert_eq!((ah.next_header, ah.spi, ah.sequence, ah.icv.len()), (4, 0x2001, 1, 16));
    assert_eq!(ah.payload[0], 0x45);
    assert_eq!(Esp::parse(&[0; 7]), Err(ParseError::Truncated("esp")));
    assert_eq!(Ah::parse(&[4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]), Err(ParseError::Malformed("ah length")));
}

#[test]
fn esp_in_udp_needs_the_port_an_spi_and_whole_words() {
    let packet = bytes(v::GCM);
    assert!(
        looks_like_esp_in_udp(&packet, packet.len(), (4500, 61000))
            && looks_like_esp_in_udp(&packet, packet.len(), (61000, 4500))
    );
    assert!(!looks_like_esp_in_udp(&packet, packet.len(), (500, 500)));
    assert!(!looks_like_esp_in_udp(&packet, packet.len() - 1, (4500, 4500)));
    assert!(!looks_like_esp_in_udp(&[0; 32], 32, (4500, 4500)), "the non-ESP marker");
    assert!(is_nat_keepalive(&[0xff]) && !is_nat_keepalive(&[0xff, 0xff]));
}

#[test]
fn real_packets_without_encryption_can_be_read() {
    let sha256 = NullLayout { iv: 0, icv: 16 };
    for hex in [v::NULL_TUNNEL_1, v::NULL_TUNNEL_2, v::NULL_REVERSE] {
        assert_eq!(fit(&bytes(hex)), Some(NullFit { layout: sha256, next_header: 4, addresses: None }));
    }
    assert_eq!(fit(&bytes(v::NULL_SHA1)).unwrap().layout, NullLayout { iv: 0, icv: 12 });
    assert_eq!(fit(&bytes(v::GCM)), None);
}

#[test]
fn in_transport_mode_the_addresses_owe_the_same_in_each_packet() {
    let fits: Vec<_> =
        [v::NULL_TRANSPORT_1, v::NULL_TRANSPORT_2, v::NULL_TRANSPORT_3].map(|hex| fit(&bytes(hex)).unwrap()).into();
    // 192.0.2.1 and 192.0.2.2, between which they were sent: 0xc000 + 0x0201 + 0xc000 + 0x0202, folded.
    let addresses = Some(0x8404);
    assert!(fits.iter().all(|fit| fit.next_header == 6 && fit.addresses == addresses), "{fits:?}");
}

#[test]
fn one_wrong_bit_inside_is_no_proof() {
    let mut packet = bytes(v::NULL_TUNNEL_1);
    packet[8 + 16] ^= 1;
    assert_eq!(fit(&packet), None);
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_never_read_as_a_tunnel(packet in proptest::collection::vec(any::<u8>(), 8..200)) {
        let _ = Ah::parse(&packet);
        looks_like_esp_in_udp(&packet, packet.len(), (4500, 4500));
        prop_assert!(fit(&packet).is_none_or(|fit| fit.addresses.is_some()));
    }

    #[test]
    fn cut_anywhere_nothing_panics(end in 8usize..200) {
        for hex in [v::NULL_TUNNEL_1, v::NULL_TRANSPORT_1, v::AH_TUNNEL] {
            let packet = bytes(hex);
            let cut = &packet[..end.min(packet.len())];
            fit(cut);
            let _ = Ah::parse(cut);
        }
    }
}
