use proptest::prelude::*;

use super::vectors::{self as v, bytes};
use super::*;

/// Type, id and key length of every transform of every proposal, flat.
fn transforms(datagram: &[u8]) -> Vec<(u8, u16, Option<u16>)> {
    let message = Message::parse(datagram).unwrap();
    let v1 = message.header.is_v1();
    let kind = if v1 { payload::SA_V1 } else { payload::SA };
    let sa = message.payloads().flatten().find(|payload| payload.kind == kind).unwrap();
    let proposals = Proposals::parse(sa.body, v1).unwrap().map(Result::unwrap);
    let transforms = proposals.flat_map(|proposal| proposal.transforms).map(Result::unwrap);
    transforms.map(|transform| (transform.kind, transform.id, transform.key_length())).collect()
}

#[test]
fn header_and_chain_of_ike_sa_init() {
    let datagram = bytes(v::V2_INIT_ANSWER);
    let message = Message::parse(&datagram).unwrap();
    assert_eq!(message.header.initiator_spi, [0x44, 0xd3, 0xbd, 0xa1, 0x1b, 0x98, 0x75, 0xee]);
    assert_eq!(message.header.responder_spi, [0x62, 0x15, 0xe4, 0xe7, 0x16, 0xea, 0x48, 0x0b]);
    assert!(message.header.is_response() && !message.header.from_initiator());
    let kinds: Vec<u8> = message.payloads().map(|payload| payload.unwrap().kind).collect();
    assert_eq!(kinds, [33, 34, 40, 41, 41, 38, 41, 41, 41, 41]);
    let ke = message.payloads().flatten().find(|payload| payload.kind == payload::KE).unwrap();
    assert_eq!(key_exchange_method(ke.body), Ok(20));
    let notifies = message.payloads().flatten().filter(|payload| payload.kind == payload::NOTIFY);
    let notifies: Vec<u16> = notifies.map(|payload| Notify::parse(payload.body, false).unwrap().kind).collect();
    assert_eq!(notifies, [16388, 16389, 16430, 16431, 16418, 16404]);
}

#[test]
fn transforms_of_both_versions() {
    assert_eq!(transforms(&bytes(v::V2_INIT)), [(1, 20, Some(256)), (2, 6, None), (4, 20, None)]);
    let two_groups = transforms(&bytes(v::V2_WRONG_GROUP));
    assert_eq!(two_groups, [(1, 12, Some(256)), (3, 12, None), (2, 5, None), (4, 2, None), (4, 14, None)]);
    assert_eq!(transforms(&bytes(v::V1_MAIN)), [(0, 1, Some(128))]);
}

#[test]
fn the_walk_ends_where_encryption_begins() {
    let datagram = bytes(v::V2_AUTH);
    let message = Message::parse(strip_non_esp_marker(&datagram).unwrap()).unwrap();
    let kinds: Vec<u8> = message.payloads().map(|payload| payload.unwrap().kind).collect();
    assert_eq!(kinds, [payload::ENCRYPTED]);
    let datagram = bytes(v::V1_MAIN_ENCRYPTED);
    let message = Message::parse(strip_non_esp_marker(&datagram).unwrap()).unwrap();
    assert!(message.header.is_encrypted_v1());
    assert_eq!(message.payloads().count(), 0);
}

#[test]
fn a_chain_longer_than_the_limit_is_limited() {
    let mut datagram = bytes(v::V2_INIT)[..HEADER_LENGTH].to_vec();
    datagram[16] = payload::VENDOR_ID;
    datagram.extend([payload::VENDOR_ID, 0, 0, 4].repeat(MAX_PAYLOADS + 1));
    let length = u32::try_from(datagram.len()).unwrap();
    datagram[24..28].copy_from_slice(&length.to_be_bytes());
    let last = Message::parse(&datagram).unwrap().payloads().last();
    assert_eq!(last, Some(Err(ParseError::Limited("ike payloads"))));
}

const ALL: &[&str] = &[
    v::V2_INIT,
    v::V2_INIT_ANSWER,
    v::V2_REFUSED,
    v::V2_REFUSAL,
    v::V2_WRONG_GROUP,
    v::V2_INVALID_KE,
    v::V2_RIGHT_GROUP,
    v::V2_RIGHT_GROUP_ANSWER,
    v::V1_MAIN,
    v::V1_MAIN_ANSWER,
    v::V1_AGGRESSIVE,
    v::V1_AGGRESSIVE_ANSWER,
];

#[test]
fn every_real_message_is_recognised_whole_and_none_cut_short() {
    for hex in ALL {
        let datagram = bytes(hex);
        assert!(looks_like_ike(&datagram) && plausible_ike(&datagram), "{hex}");
        for end in 0..datagram.len() {
            assert!(!looks_like_ike(&datagram[..end]), "{end} bytes of {hex}");
        }
    }
    for hex in [v::V2_AUTH, v::V1_MAIN_ENCRYPTED] {
        let datagram = bytes(hex);
        assert!(!looks_like_ike(&datagram), "the marker is not part of the message");
        assert!(looks_like_ike(strip_non_esp_marker(&datagram).unwrap()), "{hex}");
    }
}

#[test]
fn a_length_that_fits_is_not_enough() {
    let mut datagram = bytes(v::V2_INIT);
    datagram[17] = 0x30;
    assert!(!looks_like_ike(&datagram), "version 3");
    let mut datagram = bytes(v::V2_INIT);
    datagram[23] = 1;
    assert!(!looks_like_ike(&datagram), "message id of IKE_SA_INIT");
    let mut datagram = bytes(v::V2_INIT);
    datagram[30] ^= 1;
    assert!(!looks_like_ike(&datagram), "chain that does not end with the message");
    assert!(!looks_like_ike(&[]) && !plausible_ike(&[0; 28]));
}

/// Reads everything that there is to read.
fn exhaust(datagram: &[u8]) {
    looks_like_ike(datagram);
    plausible_ike(datagram);
    let Ok(message) = Message::parse(datagram) else { return };
    for payload in message.payloads().flatten() {
        for v1 in [false, true] {
            let _ = Notify::parse(payload.body, v1);
            for proposal in Proposals::parse(payload.body, v1).into_iter().flatten().flatten() {
                for transform in proposal.transforms.flatten() {
                    transform.key_length();
                    transform.attributes.flatten().for_each(|attribute| _ = attribute.number());
                }
            }
        }
    }
}

#[test]
fn cut_at_every_byte_nothing_panics() {
    for hex in ALL {
        let datagram = bytes(hex);
        (0..=datagram.len()).for_each(|end| exhaust(&datagram[..end]));
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_are_never_ike(datagram in proptest::collection::vec(any::<u8>(), 0..300)) {
        exhaust(&datagram);
        prop_assert!(!looks_like_ike(&datagram));
    }

    #[test]
    fn damaged_messages_never_panic(which in 0..ALL.len(), at in 0usize..500, value: u8) {
        let mut datagram = bytes(ALL[which]);
        let length = datagram.len();
        datagram[at % length] = value;
        exhaust(&datagram);
    }
}
