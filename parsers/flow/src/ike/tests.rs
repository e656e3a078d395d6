use proptest::prelude::*;

#[allow(dead_code, reason = "shared with the tests of the parser, which use them all")]
#[path = "../../../wire/src/ike/vectors.rs"]
mod vectors;

use super::*;
use vectors::{self as v, bytes};

fn fed(messages: &[&str]) -> IkeState {
    let mut state = IkeState::new();
    for (hex, frame) in messages.iter().zip(1..) {
        let datagram = bytes(hex);
        let marked = transitproof_wire::ike::strip_non_esp_marker(&datagram);
        let from = if frame % 2 == 1 { Direction::Forward } else { Direction::Reverse };
        state.message(from, marked.unwrap_or(&datagram), marked.is_some(), frame);
    }
    state
}

fn facts(state: &IkeState) -> String {
    let mut out = b"{".to_vec();
    state.write_facts(&mut out);
    out.push(b'}');
    String::from_utf8(out).unwrap()
}

fn record(state: &IkeState) -> String {
    let mut out = b"{".to_vec();
    state.write_record(&crate::certificates::Certificates::new(0), &mut out);
    out.push(b'}');
    String::from_utf8(out).unwrap()
}

const V2_RECORD: &str = concat!(
    r#"{"ike":{"version":2,"exchanges":["IKE_SA_INIT","IKE_AUTH"],"initiator_spi":"44d3bda11b9875ee","#,
    r#""responder_spi":"6215e4e716ea480b","offered":[{"number":1,"encr":[{"name":"ENCR_AES_GCM_16","key_length":256}],"#,
    r#""prf":["PRF_HMAC_SHA2_384"],"ke":["ecp384"]}],"chosen":{"encr":"ENCR_AES_GCM_16","key_length":256,"#,
    r#""prf":"PRF_HMAC_SHA2_384","ke":"ecp384"},"signature_hashes":["SHA2-256","SHA2-384","SHA2-512","Identity"],"#,
    r#""exchange_counts":{"IKE_SA_INIT":1,"IKE_AUTH":1},"nat_t":true,"vendor_ids":[],"notifies":["NAT_DETECTION_SOURCE_IP","#,
    r#""NAT_DETECTION_DESTINATION_IP","IKEV2_FRAGMENTATION_SUPPORTED","SIGNATURE_HASH_ALGORITHMS","REDIRECT_SUPPORTED","#,
    r#""CHILDLESS_IKEV2_SUPPORTED","MULTIPLE_AUTH_SUPPORTED"]}}"#
);

#[test]
fn a_record_of_ikev2() {
    let state = fed(&[v::V2_INIT, v::V2_INIT_ANSWER, v::V2_AUTH]);
    assert_eq!(record(&state), V2_RECORD);
    assert_eq!((state.negotiated(), state.frame()), (true, 2));
}

#[test]
fn a_message_sent_again_changes_nothing() {
    let state = fed(&[v::V2_INIT, v::V2_INIT, v::V2_INIT_ANSWER, v::V2_INIT_ANSWER, v::V2_AUTH, v::V2_AUTH]);
    let again = r#""IKE_AUTH":1},"retransmitted":2,"unanswered":1,"#;
    assert_eq!(record(&state), V2_RECORD.replace(r#""IKE_AUTH":1},"#, again));
    assert_eq!(state.frame(), 3);
}

#[test]
fn ikev1_speaks_the_words_of_ikev2() {
    let state = fed(&[v::V1_MAIN, v::V1_MAIN_ANSWER]);
    assert_eq!(
        facts(&state),
        concat!(
            r#"{"ike.version":1,"ike.mode":"main","ike.encr":"ENCR_AES_CBC","ike.key_length":128,"#,
            r#""ike.prf":"PRF_HMAC_SHA1","ike.integ":"AUTH_HMAC_SHA1_96","ike.ke":"modp1024","ike.auth_method":"psk","#,
            r#""ike.lifetime":15840}"#
        )
    );
    let record = record(&state);
    let vendors = r#""vendor_ids":["xauth","dpd_rfc3706","fragmentation","nat_t_rfc3947","nat_t_draft_02_n"]"#;
    assert!(record.contains(vendors), "{record}");
    assert!(record.contains(r#""exchanges":["main"]"#) && record.contains(r#""nat_t":false"#), "{record}");
}

#[test]
fn aggressive_mode_is_said() {
    let state = fed(&[v::V1_AGGRESSIVE, v::V1_AGGRESSIVE_ANSWER]);
    assert!(facts(&state).starts_with(r#"{"ike.version":1,"ike.mode":"aggressive","ike.encr":"ENCR_AES_CBC""#));
    assert!(state.negotiated());
}

#[test]
fn a_refusal_is_an_outcome_and_a_wrong_group_is_not() {
    let refused = fed(&[v::V2_REFUSED, v::V2_REFUSAL]);
    assert_eq!((refused.negotiated(), refused.frame()), (true, 2));
    assert!(facts(&refused).contains("\"NO_PROPOSAL_CHOSEN\""));
    assert!(!record(&refused).contains("chosen"));
    let asked_again = fed(&[v::V2_WRONG_GROUP, v::V2_INVALID_KE]);
    assert!(!asked_again.negotiated());
    let agreed = fed(&[v::V2_WRONG_GROUP, v::V2_INVALID_KE, v::V2_RIGHT_GROUP, v::V2_RIGHT_GROUP_ANSWER]);
    assert_eq!(agreed.frame(), 4);
    let record = record(&agreed);
    // The second try names the group asked for first; it is the offer that was answered.
    assert!(record.contains(r#""ke":["modp2048","modp1024"]"#) && record.contains(r#""ke":"modp2048""#), "{record}");
    assert!(!record.contains("\"spis\""), "{record}");
}

#[test]
fn an_agreement_after_a_refusal_is_what_counts() {
    let state = fed(&[v::V2_REFUSED, v::V2_REFUSAL, v::V2_INIT, v::V2_INIT_ANSWER]);
    let record = record(&state);
    assert!(record.contains(r#""initiator_spi":"44d3bda11b9875ee","responder_spi":"6215e4e716ea480b","spis":["#));
    assert!(record.contains(r#"{"initiator_spi":"c4507c9a94ae3576"}"#), "{record}");
    assert_eq!(state.frame(), 4);
}

#[test]
fn how_an_attempt_went_is_said() {
    let refused = record(&fed(&[v::V2_REFUSED, v::V2_REFUSAL]));
    assert!(refused.contains(r#""refused":"NO_PROPOSAL_CHOSEN""#), "{refused}");
    let agreed = record(&fed(&[v::V2_REFUSED, v::V2_REFUSAL, v::V2_INIT, v::V2_INIT_ANSWER]));
    assert!(!agreed.contains("\"refused\"") && !agreed.contains("\"downgraded\""), "{agreed}");
}

#[test]
fn something_outdated_where_better_was_offered_is_a_downgrade() {
    let mut state = fed(&[v::V2_INIT, v::V2_INIT_ANSWER]);
    let weak = proposal::Algorithm { kind: Kind::Ke, id: 2, key_length: None };
    let chosen = state.chosen.as_mut().unwrap();
    chosen.algorithms.retain(|algorithm| algorithm.kind != Kind::Ke);
    chosen.algorithms.push(weak);
    assert!(facts(&state).contains(r#""ike.downgraded":["ke"]"#), "{}", facts(&state));
    for offer in &mut state.offered {
        offer.algorithms.retain(|algorithm| algorithm.kind != Kind::Ke);
        offer.algorithms.push(weak);
    }
    assert!(!facts(&state).contains("downgraded"), "nothing better was offered");
}

#[test]
fn a_loop_of_payloads_and_a_huge_proposal_end() {
    // Payload of type 43 that names itself, empty, for as long as a datagram goes: 64 are read.
    let mut datagram = bytes(v::V2_INIT);
    datagram.truncate(28);
    datagram[16] = 43;
    datagram.extend([43, 0, 0, 4].repeat(16_000));
    let mut state = IkeState::new();
    state.message(Direction::Forward, &datagram, false, 1);
    assert_eq!(state.vendor_ids.len(), 1);
    // One SA payload of 65,535 bytes, full of proposals without transforms, then of transforms without end.
    for filling in [[0, 0, 0, 8, 1, 1, 0, 0], [3, 0, 0, 8, 1, 0, 0, 12]] {
        let mut datagram = bytes(v::V2_INIT);
        datagram.truncate(28);
        datagram[16] = 33;
        datagram.extend([0, 0, 0xff, 0xff, 0, 0, 0xff, 0xfb, 1, 1, 0, 255]);
        datagram.extend(filling.repeat(8_191));
        state.message(Direction::Forward, &datagram, false, 2);
    }
    assert!(state.offered.len() <= proposal::MAX_OFFERS && !state.negotiated());
}

#[test]
fn another_sa_is_noticed_only_after_one_was_answered() {
    let other = bytes(v::V2_REFUSED);
    assert!(!fed(&[v::V2_INIT]).begins_another(&other));
    let agreed = fed(&[v::V2_INIT, v::V2_INIT_ANSWER]);
    assert!(agreed.begins_another(&other));
    assert!(!agreed.begins_another(&bytes(v::V2_INIT)));
}

#[test]
fn unregistered_numbers_are_hexadecimal() {
    let mut request = bytes(v::V2_INIT);
    let mut answer = bytes(v::V2_INIT_ANSWER);
    for datagram in [&mut request, &mut answer] {
        // The id of the first transform: header 28, payload 4, proposal 8, transform 4, then type, reserved, id.
        datagram[46..48].copy_from_slice(&[0x1a, 0x2b]);
    }
    let mut state = IkeState::new();
    state.message(Direction::Forward, &request, false, 1);
    state.message(Direction::Reverse, &answer, false, 2);
    assert!(facts(&state).contains(r#""ike.encr":"0x1a2b","ike.key_length":256"#));
}

#[test]
fn lists_are_bounded() {
    let mut state = IkeState::new();
    let mut datagram = bytes(v::V2_INIT);
    for n in 0u16..300 {
        datagram[..2].copy_from_slice(&n.to_be_bytes());
        state.message(Direction::Forward, &datagram, false, 1);
        state.vendor_id(&n.to_be_bytes().repeat(100));
    }
    assert_eq!((state.sas.len(), state.vendor_ids.len()), (MAX_SAS, MAX_VENDOR_IDS));
    assert!(matches!(&state.vendor_ids[0], VendorId::Unknown(bytes) if bytes.len() == MAX_VENDOR_ID_LENGTH));
}

proptest! {
    #[test]
    fn damaged_messages_never_panic(at in 0usize..500, value: u8, cut in 0usize..500) {
        let mut state = IkeState::new();
        for hex in [v::V2_INIT, v::V2_INIT_ANSWER, v::V1_MAIN, v::V1_MAIN_ANSWER, v::V2_REFUSAL] {
            let mut datagram = bytes(hex);
            let length = datagram.len();
            datagram[at % length] = value;
            state.message(Direction::Forward, &datagram, false, 1);
            state.message(Direction::Reverse, &datagram[..cut % length], true, 2);
        }
        record(&state);
        facts(&state);
    }
}
