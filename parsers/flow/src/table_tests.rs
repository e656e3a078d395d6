use super::*;
use crate::entry::{Phase, mark};
use crate::key::Seed;
use proptest::prelude::*;
use std::collections::BTreeMap;
use transitproof_wire::Protocol;
use transitproof_wire::packet::{Address, Packet};

fn key(n: u32) -> Key {
    let packet = Packet {
        v6: false,
        transport: 17,
        flags: 0,
        src: Address::v4(n.to_be_bytes()),
        dst: Address::v4([192, 0, 2, 1]),
        src_port: 1,
        dst_port: 2,
        seq: 0,
        ip_length: 0,
        payload_length: 0,
        payload: &[],
        fragment: None,
    };
    Key::of(&packet, 0).0
}

/// `hash_bits` small makes long runs of collisions.
fn entry(n: u32, time: u64, hash_bits: u32) -> Entry {
    let key = key(n);
    let mut entry = Entry::new(key, hash(&key, hash_bits), time, Protocol::Unknown, mark::INITIATOR_LOW);
    entry.phase = Phase::Settled;
    entry
}

fn hash(key: &Key, bits: u32) -> u32 {
    key.hash(Seed::new(1)) & ((1u64 << bits) - 1) as u32
}

proptest! {
    /// Any sequence of insertions and removals, with and without collisions, agrees with a plain map.
    #[test]
    fn agrees_with_a_map(bits in 2u32..33, steps in prop::collection::vec((0u32..200, any::<bool>()), 1..600)) {
        let mut table = Table::new(10_000);
        let mut model = BTreeMap::new();
        table.expire(SECOND, &mut Vec::new());
        for (n, insert) in steps {
            match (model.contains_key(&n), insert) {
                (false, true) => {
                    model.insert(n, table.insert(entry(n, SECOND, bits)));
                }
                (true, false) => {
                    let slot = model.remove(&n).unwrap();
                    prop_assert_eq!(table.remove(slot).unwrap().key, key(n));
                }
                _ => {}
            }
            prop_assert_eq!(table.len(), model.len());
        }
        for n in 0..200 {
            prop_assert_eq!(table.find(&key(n), hash(&key(n), bits), table.candidate(hash(&key(n), bits))), model.get(&n).copied());
        }
    }
}

#[test]
fn silence_ends_a_flow_once_and_activity_puts_it_off() {
    let mut table = Table::new(100);
    let mut expired = Vec::new();
    let start = 1_000 * SECOND;
    table.expire(start, &mut expired);
    let quiet = table.insert(entry(1, start, 32));
    let busy = table.insert(entry(2, start, 32));
    for second in 1..=90 {
        let now = start + second * SECOND;
        if second <= 60 {
            table.entry(busy).unwrap().last = now;
        }
        table.expire(now, &mut expired);
        for slot in expired.drain(..) {
            assert_eq!((slot, second), (quiet, 61), "the idle limit is 60 s, looked at in the second after");
            table.remove(slot);
        }
    }
    table.expire(start + 121 * SECOND, &mut expired);
    assert_eq!(expired, [busy]);
}

#[test]
fn a_leap_of_years_expires_everything_in_order() {
    let mut table = Table::new(100);
    let mut expired = Vec::new();
    table.expire(SECOND, &mut expired);
    let slots: Vec<_> = (0..50).map(|n| table.insert(entry(n, (50 - u64::from(n)) * SECOND, 32))).collect();
    table.expire(3_000_000_000 * SECOND, &mut expired);
    assert_eq!(expired, slots.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_slot_that_changes_hands_often_is_noted_once() {
    let mut table = Table::new(100);
    table.expire(SECOND, &mut Vec::new());
    for n in 0..10_000 {
        let slot = table.insert(entry(n, SECOND, 32));
        table.remove(slot);
    }
    assert_eq!(table.wheel.iter().map(Vec::len).sum::<usize>(), 1);
    assert_eq!(table.entries.len(), 1);
}

#[test]
fn the_victim_is_a_silent_one() {
    let mut table = Table::new(100);
    table.expire(SECOND, &mut Vec::new());
    for n in 0..8 {
        table.insert(entry(n, (u64::from(n) + 5) * SECOND, 32));
    }
    assert_eq!(table.victim(), Some(0));
    assert_eq!(Table::new(1).victim(), None);
}
