use proptest::prelude::*;

#[allow(dead_code, reason = "shared with the tests of the parser, which use them all")]
#[path = "../../../wire/src/esp/vectors.rs"]
mod vectors;

use super::*;
use vectors::{self as v, bytes};

/// (lost, reordered, replayed) after these sequence numbers.
fn counted(numbers: impl IntoIterator<Item = u32>) -> (u64, u64, u64) {
    let mut numbers = numbers.into_iter();
    let mut sequence = Sequence::new(numbers.next().unwrap());
    numbers.for_each(|number| sequence.next(number));
    (sequence.lost(), sequence.reordered(), sequence.replayed())
}

fn fed(packets: &[&str]) -> EspState {
    let mut state = EspState::new(true);
    for hex in packets {
        let packet = bytes(hex);
        let esp = transitproof_wire::esp::Esp::parse(&packet).unwrap();
        state.packet(Direction::Forward, esp.spi, esp.sequence, packet.len());
        state.inspect(Some(esp.payload));
    }
    state
}

fn record(state: &EspState) -> String {
    let mut out = b"{".to_vec();
    state.write_record(&mut out, &[]);
    state.write_facts(&mut out);
    out.push(b'}');
    String::from_utf8(out).unwrap()
}

#[test]
fn sequence_numbers() {
    assert_eq!(counted(1..=1000), (0, 0, 0));
    assert_eq!(counted([5, 6, 9, 10]), (2, 0, 0));
    assert_eq!(counted([5, 6, 9, 8, 7]), (0, 2, 0), "late, not lost");
    assert_eq!(counted([5, 6, 6, 5]), (0, 0, 2));
    assert_eq!(counted([5, 3, 6, 4]), (0, 2, 0), "sent before the capture began");
    assert_eq!(counted([5, 3, 6, 3]), (0, 1, 1));
    assert_eq!(counted([1, 201]), (199, 0, 0));
    assert_eq!(counted([u32::MAX - 1, u32::MAX, 0, 1]), (0, 0, 0), "extended sequence numbers");
}

#[test]
fn older_than_the_window_is_a_replay_only_if_nothing_is_missing() {
    assert_eq!(counted((1..=500).chain([7, 8])), (0, 0, 2));
    assert_eq!(counted((1..=100).chain(102..=500).chain([101])), (0, 1, 0), "late by far, and the only hole");
    assert_eq!(counted((1..=100).chain(102..=500).chain([101, 7])), (0, 1, 1));
}

#[test]
fn a_counter_set_anew_is_not_a_billion_lost() {
    assert_eq!(counted([1, 2, 0x4000_0000, 0x4000_0001]), (0, 0, 0));
}

#[test]
fn an_spi_counts_by_direction_and_the_record_shows_it() {
    let mut state = EspState::new(false);
    for seq in [1, 2, 4] {
        state.packet(Direction::Forward, 0xc0ff_ee01, seq, 100);
        state.packet(Direction::Reverse, 0xc0ff_ee01, 1, 60);
    }
    assert_eq!(
        record(&state),
        concat!(
            r#"{"esp":{"spis":["0xc0ffee01"],"sas":[{"spi":"0xc0ffee01","direction":"forward","packets":3,"bytes":300,"#,
            r#""first_sequence":1,"last_sequence":4,"lost":1,"reordered":0,"replayed":0,"sequence_left":4294967291,"seconds":0},{"spi":"0xc0ffee01","#,
            r#""direction":"reverse","packets":3,"bytes":180,"first_sequence":1,"last_sequence":1,"lost":0,"#,
            r#""reordered":0,"replayed":2,"sequence_left":4294967294,"seconds":0}],"nat_t":false,"lost":1,"replayed":2},"esp.nat_t":false,"esp.replayed":true}"#
        )
    );
    assert_eq!(state.more.capacity(), 0, "two associations need no allocation");
}

/// An association of this SPI that sends a packet a second.
fn runs(state: &mut EspState, direction: Direction, spi: u32, seconds: std::ops::Range<u64>) {
    for (second, seq) in seconds.zip(1..) {
        state.at(second * crate::time::SECOND);
        state.packet(direction, spi, seq, 100);
    }
}

#[test]
fn one_that_took_the_place_of_another_is_a_rekey() {
    let mut state = EspState::new(false);
    for (spi, from) in [(0x1000, 0), (0x1001, 3600), (0x1002, 7205)] {
        runs(&mut state, Direction::Forward, spi, from..from + 3602);
        runs(&mut state, Direction::Reverse, spi + 0x100, from..from + 3602);
    }
    let rekeys = state.rekeys();
    assert_eq!(
        (rekeys.count, rekeys.shortest / crate::time::SECOND, rekeys.longest / crate::time::SECOND),
        (4, 3600, 3605)
    );
    let record = record(&state);
    assert!(
        record.contains(r#""rekeys":4,"rekey_seconds":[3600,3605]"#) && record.contains(r#""seconds":3601"#),
        "{record}"
    );
    assert!(record.contains(r#""esp.sa_hours":1"#), "{record}");
}

#[test]
fn tunnels_side_by_side_are_no_rekeys() {
    let mut state = EspState::new(false);
    for (spi, from) in [(0x1000, 0), (0x1001, 20), (0x1002, 40)] {
        runs(&mut state, Direction::Forward, spi, from..600);
    }
    assert_eq!(state.rekeys().count, 0);
    assert!(state.is_one_way() && record(&state).contains(r#""one_way":true"#));
    runs(&mut state, Direction::Reverse, 0x2000, 0..1);
    assert!(!state.is_one_way());
}

#[test]
fn an_association_that_runs_past_32_bits_has_extended_numbers() {
    let mut state = EspState::new(false);
    for seq in [u32::MAX - 2, u32::MAX - 1, u32::MAX] {
        state.packet(Direction::Forward, 0x1000, seq, 100);
    }
    assert!(record(&state).contains(r#""sequence_left":0,"#) && record(&state).contains("esp.near_wrap"));
    for seq in [0, 1, 2] {
        state.packet(Direction::Forward, 0x1000, seq, 100);
    }
    let record = record(&state);
    assert!(record.contains(r#""extended_sequence":true"#) && !record.contains("near_wrap"), "{record}");
}

#[test]
fn the_table_is_bounded_and_says_so() {
    let mut state = EspState::new(false);
    (0..1000).for_each(|n| state.packet(Direction::Forward, 0x1000 + n, 1, 100));
    assert_eq!((state.sas().count(), state.untracked), (MAX_SAS, 1000 - MAX_SAS as u64));
    state.packet(Direction::Forward, 0x1000 + 70, 2, 100);
    assert_eq!(state.untracked, 1000 - MAX_SAS as u64, "known ones are still counted");
    assert!(record(&state).contains("\"untracked_packets\":872"));
}

#[test]
fn null_encryption_takes_two_packets_of_a_tunnel_and_three_in_transport_mode() {
    assert!(fed(&[v::NULL_TUNNEL_1]).null_layout().is_none());
    let tunnel = fed(&[v::NULL_TUNNEL_1, v::NULL_TUNNEL_2]);
    assert_eq!(tunnel.null_layout(), Some(NullLayout { iv: 0, icv: 16 }));
    assert!(!tunnel.wants_inspection());
    assert!(record(&tunnel).contains("\"esp.null_encryption\":true"));
    assert!(fed(&[v::NULL_TRANSPORT_1, v::NULL_TRANSPORT_2]).null_layout().is_none());
    assert!(fed(&[v::NULL_TRANSPORT_1, v::NULL_TRANSPORT_2, v::NULL_TRANSPORT_3]).null_layout().is_some());
}

#[test]
fn ciphertext_is_not_null_encryption() {
    let record = record(&fed(&[v::GCM; 10]));
    assert!(record.contains("\"null_encryption\":false") && !record.contains("esp.null_encryption"), "{record}");
}

#[test]
fn packets_that_the_capture_cut_say_nothing_of_encryption() {
    let mut state = EspState::new(false);
    for seq in 1..100 {
        state.packet(Direction::Forward, 0x1000, seq, 100);
        if state.wants_inspection() {
            state.inspect(None);
        }
    }
    assert!(!state.wants_inspection(), "the question is closed all the same");
    assert!(!record(&state).contains("null_encryption"));
}

#[test]
fn running_numbers_confirm_and_random_ones_do_not() {
    let mut state = EspState::new(false);
    (1..=5).for_each(|seq| state.packet(Direction::Forward, 0x1234_5678, seq, 100));
    assert!(state.confirmed());
    let mut state = EspState::new(false);
    (1u32..=50).for_each(|n| state.packet(Direction::Forward, 0x1234_5678, n.wrapping_mul(0x9e37_79b9), 100));
    assert!(!state.confirmed());
}

#[test]
fn ah_has_a_member_of_its_own() {
    let mut state = AhState::new();
    state.packet(Direction::Forward, 0x2001, 1, 129);
    let mut out = b"{".to_vec();
    state.write_record(&mut out, &[]);
    assert!(out.starts_with(br#"{"ah":{"spis":["0x00002001"],"sas":[{"spi":"0x00002001","#));
}

proptest! {
    /// What the counters say must add up, whatever comes.
    #[test]
    fn counters_add_up(numbers in proptest::collection::vec(0u32..300, 1..400)) {
        let (lost, reordered, replayed) = counted(numbers.iter().copied());
        let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
        let span = u64::from(**distinct.last().unwrap() - numbers[0]) + 1;
        prop_assert!(lost < span);
        prop_assert!(reordered + replayed < numbers.len() as u64 + 1);
        // Packets are never called repeated more often than they were.
        prop_assert!(replayed <= (numbers.len() - distinct.len()) as u64, "{replayed}");
    }

    #[test]
    fn ciphertext_never_proves(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 16..120), 8)) {
        let mut state = EspState::new(false);
        for (payload, seq) in packets.iter().zip(1..) {
            state.packet(Direction::Forward, 0x1001, seq, 100);
            state.inspect(Some(payload));
        }
        prop_assert!(state.null_layout().is_none());
    }

    /// The short way counts as the long one does, whatever the numbers and whichever the association.
    #[test]
    fn quiet_packets_count_the_same(packets in proptest::collection::vec((0u32..90, any::<bool>(), 0u32..3), 60..300), start: u32) {
        let (mut long, mut short) = (EspState::new(true), EspState::new(true));
        let (mut quietly, many) = (0, packets.len() >= 200);
        for ((seq, back, sa), time) in packets.into_iter().zip(1..) {
            let from = if back { Direction::Reverse } else { Direction::Forward };
            let (spi, seq, size) = (0x1001 + sa, start.wrapping_add(seq), 100 + seq % 7 * 4);
            let counted = short.count(from, (spi, seq), time, (size + 28, size));
            quietly += u32::from(counted);
            for state in [&mut long].into_iter().chain((!counted).then_some(&mut short)) {
                state.at(time);
                state.packet(from, spi, seq, size as usize + 28);
                state.size(size);
                if state.wants_inspection() { state.inspect(Some(&[0xa5; 64])) } else { state.hush() }
            }
        }
        prop_assert_eq!(record(&long), record(&short));
        // Of few packets, spread over six ways, each may still have something to tell.
        prop_assert!(quietly > 0 || !many);
    }
}
