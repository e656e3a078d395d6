//! Fragments by hand: what every order and overlap of them makes, and what a flood of them may cost.

use super::*;
use crate::limits::MAX_FRAGMENT_PIECES;
use proptest::prelude::*;
use transitproof_wire::packet::Fragment;

const UDP: u8 = 17;

/// A part of a UDP datagram, offset in bytes.
fn part(v6: bool, id: u32, offset: u32, more: bool, payload: &[u8]) -> Packet<'_> {
    Packet {
        v6,
        transport: UDP,
        flags: 0,
        src: Address::v4([10, 0, 0, 1]),
        dst: Address::v4([10, 0, 0, 2]),
        src_port: 0,
        dst_port: 0,
        seq: 0,
        ip_length: payload.len() as u32 + if v6 { 48 } else { 20 },
        payload_length: payload.len() as u32,
        payload,
        fragment: Some(Fragment { id, offset, more }),
    }
}

/// A datagram from port 500 to 500 whose bytes are all different from their neighbours.
fn datagram(length: usize) -> Vec<u8> {
    let mut bytes = vec![1, 244, 1, 244, (length >> 8) as u8, length as u8, 0, 0];
    bytes.extend((8..length).map(|n| (n * 7) as u8 ^ (n >> 8) as u8));
    bytes
}

#[derive(Default)]
struct Heap(Fragments);

impl Heap {
    fn add(&mut self, packet: &Packet<'_>) -> &mut Self {
        self.0.add(packet, Tunnels::default(), 0, 1);
        self
    }

    /// Payloads of the datagrams that are over; `None` for one whose content is not to be looked at.
    fn over(&mut self) -> Vec<Option<Vec<u8>>> {
        std::iter::from_fn(|| self.0.next_over())
            .map(|over| over.packet().filter(|_| !over.disputed).map(|(packet, _)| packet.payload.to_vec()))
            .collect()
    }

    fn faults(&mut self) -> Vec<String> {
        self.0.faults().map(|fault| fault.to_string()).collect()
    }
}

/// All orders of some things.
fn orders<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    (0..of.len())
        .flat_map(|first| {
            let mut rest = of.to_vec();
            let chosen = rest.remove(first);
            orders(&rest).into_iter().map(move |order| [vec![chosen.clone()], order].concat())
        })
        .collect()
}

/// (offset, end) of each part of a datagram of 64 bytes; the last one ends it.
fn parts<'a>(v6: bool, whole: &'a [u8], cuts: &[(usize, usize)]) -> Vec<Packet<'a>> {
    cuts.iter().map(|(at, end)| part(v6, 7, *at as u32, *end < whole.len(), &whole[*at..*end])).collect()
}

#[test]
fn any_order_with_copies_makes_the_datagram() {
    let whole = datagram(64);
    for v6 in [false, true] {
        for order in orders(&parts(v6, &whole, &[(0, 24), (24, 48), (24, 48), (48, 64)])) {
            let mut heap = Heap::default();
            order.iter().for_each(|packet| _ = heap.add(packet));
            assert_eq!(heap.over()[0].as_deref(), Some(&whole[8..]), "{order:?}");
            assert!(heap.faults().is_empty());
        }
    }
}

#[test]
fn overlaps_that_agree_are_harmless_in_ipv4_and_deadly_in_ipv6() {
    let whole = datagram(64);
    let overlapping = [(0, 32), (16, 48), (8, 24), (40, 64)];
    for order in orders(&parts(false, &whole, &overlapping)) {
        let mut heap = Heap::default();
        order.iter().for_each(|packet| _ = heap.add(packet));
        assert_eq!(heap.over()[0].as_deref(), Some(&whole[8..]), "{order:?}");
    }
    for order in orders(&parts(true, &whole, &overlapping)) {
        let mut heap = Heap::default();
        order.iter().for_each(|packet| _ = heap.add(packet));
        assert_eq!((heap.over(), heap.faults()), (vec![], vec!["ip_fragment_overlap malformed".to_owned()]));
        heap.0.finish();
        let over = heap.0.next_over().unwrap();
        assert_eq!((over.earlier.packets, over.last.packets), (3, 1), "all are counted");
    }
}

#[test]
fn overlaps_that_disagree_are_never_read() {
    let whole = datagram(64);
    let mut other = whole.clone();
    other[24..40].iter_mut().for_each(|byte| *byte ^= 0xff);
    // The same place, behind, in front of, inside and around what came: in every order.
    for (at, end) in [(24, 48), (16, 32), (32, 48), (24, 32), (8, 56)] {
        let mut all = parts(false, &whole, &[(0, 24), (24, 40), (40, 64)]);
        all.push(part(false, 7, at as u32, true, &other[at..end]));
        for order in orders(&all) {
            // If three of them make the whole, here as at the receiver, the fourth is too late to dispute it.
            let last = order[3].payload;
            let bridged = std::ptr::eq(last, all[1].payload) && at <= 24 && end >= 40;
            let late = bridged || std::ptr::eq(last, all[3].payload);
            let mut heap = Heap::default();
            order.iter().for_each(|packet| _ = heap.add(packet));
            heap.0.finish();
            let over = heap.over();
            if late {
                let read = if bridged { &other } else { &whole };
                assert_eq!(over, [Some(read[8..].to_vec()), None], "{order:?}");
            } else {
                assert_eq!((over, heap.faults()), (vec![None], vec!["ip_fragment_overlap malformed".to_owned()]));
            }
        }
    }
}

#[test]
fn a_disputed_datagram_keeps_its_ports() {
    let whole = datagram(64);
    let overlap = [part(false, 7, 0, true, &whole[..32]), part(false, 7, 16, true, &[0; 8])];
    let odd_length = [part(false, 7, 8, true, &whole[8..16]), part(false, 7, 0, true, &whole[..15])];
    for parts in [overlap, odd_length] {
        let mut heap = Heap::default();
        heap.add(&parts[0]).add(&parts[1]).0.finish();
        let over = heap.0.next_over().unwrap();
        let (packet, _) = over.packet().unwrap();
        assert_eq!((packet.src_port, packet.dst_port, packet.payload.len()), (500, 500, 0));
    }
}

#[test]
fn lengths_that_lie() {
    let whole = datagram(64);
    let lies: [&[Packet<'_>]; 6] = [
        &[part(false, 7, 0, true, &whole[..31])],
        &[part(false, 7, 48, false, &whole[48..]), part(false, 7, 56, false, &whole[56..60])],
        &[part(false, 7, 48, false, &whole[48..]), part(false, 7, 64, true, &whole[..8])],
        &[part(false, 7, 56, true, &whole[56..]), part(false, 7, 32, false, &whole[32..40])],
        // The ping of death: 65,528 bytes in front of it are the most that a header can say.
        &[part(false, 7, 65_528, false, &whole)],
        &[part(true, 7, 65_528, false, &whole[..8])],
    ];
    for lie in lies {
        let mut heap = Heap::default();
        lie.iter().for_each(|packet| _ = heap.add(packet));
        assert_eq!((heap.over(), heap.faults()), (vec![], vec!["ip_fragment malformed".to_owned()]), "{lie:?}");
    }
    let mut heap = Heap::default();
    heap.add(&part(true, 7, 65_528, false, &whole[..7]));
    assert_eq!(heap.faults(), Vec::<String>::new(), "65,535 bytes are allowed");
}

#[test]
fn fragments_of_nothing() {
    let whole = datagram(64);
    let mut heap = Heap::default();
    for offset in [0, 8, 32, 64, 4096] {
        heap.add(&part(true, 7, offset, true, b""));
    }
    heap.add(&part(true, 7, 0, true, &whole)).add(&part(true, 7, 64, false, b""));
    assert_eq!((heap.over(), heap.faults()), (vec![Some(whole[8..].to_vec())], vec![]));
}

#[test]
fn the_transport_header_itself_in_parts() {
    let mut whole = vec![0x9c, 0x40, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 1, 1, 0, 0, 0, 0];
    whole.extend(b"GET ");
    let tcp = |packet: Packet<'static>| Packet { transport: 6, ..packet };
    let whole: &'static [u8] = whole.leak();
    let mut heap = Heap::default();
    heap.add(&tcp(part(false, 7, 0, true, &whole[..8]))).add(&tcp(part(false, 7, 8, true, &whole[8..16])));
    heap.add(&tcp(part(false, 7, 16, false, &whole[16..])));
    let over = heap.0.next_over().unwrap();
    let (packet, _) = over.packet().unwrap();
    assert_eq!((packet.src_port, packet.dst_port, packet.payload), (40_000, 8080, &b"GET "[..]));
}

#[test]
fn what_a_capture_cut_is_read_up_to_the_cut() {
    let whole = datagram(64);
    let cut = Packet { payload_length: 32, ..part(false, 7, 0, true, &whole[..20]) };
    let mut heap = Heap::default();
    heap.add(&cut).add(&part(false, 7, 32, false, &whole[32..]));
    let over = heap.0.next_over().unwrap();
    let (packet, _) = over.packet().unwrap();
    assert_eq!((packet.payload, packet.payload_length), (&whole[8..20], 56));
}

#[test]
fn a_datagram_is_given_up_in_time_with_its_beginning() {
    let whole = datagram(64);
    let mut heap = Heap::default();
    heap.add(&part(false, 7, 0, true, &whole[..24])).add(&part(false, 8, 24, true, &whole[24..32]));
    heap.0.expire(FRAGMENT_TIMEOUT * SECOND - 1);
    assert!(heap.over().is_empty());
    heap.0.expire(FRAGMENT_TIMEOUT * SECOND);
    assert_eq!(heap.over(), [Some(whole[8..24].to_vec()), None]);
    assert_eq!(heap.faults(), ["fragment_without_first over its limit"]);
    assert_eq!((heap.0.bytes, heap.0.slots.len(), heap.0.begun.len()), (0, 0, 0));
}

#[test]
fn an_identification_comes_back() {
    let whole = datagram(64);
    let mut fragments = Fragments::default();
    for second in [0, 2, 4] {
        for packet in parts(false, &whole, &[(0, 32), (32, 64)]) {
            fragments.add(&packet, Tunnels::default(), second * SECOND, 1);
        }
        let over = fragments.next_over().unwrap();
        assert_eq!(over.packet().unwrap().0.payload, &whole[8..]);
        assert!(fragments.next_over().is_none());
    }
    fragments.finish();
    assert!(fragments.next_over().is_none() && fragments.slots.is_empty());
}

#[test]
fn a_flood_costs_no_more_than_the_bounds() {
    let mut heap = Heap::default();
    let payload = [0; 1480];
    let mut over = 0;
    for id in 0..4 * MAX_FRAGMENTED as u32 {
        heap.add(&part(false, id, 8, true, &payload));
        over += heap.over().len();
        assert!(heap.0.bytes <= MAX_FRAGMENT_BYTES && heap.0.slots.len() <= MAX_FRAGMENTED);
        assert_eq!(heap.0.slots.len(), heap.0.begun.len());
    }
    assert!(heap.faults().contains(&"ip_fragment_bytes over its limit".to_owned()));
    for id in 0..4 * MAX_FRAGMENTED as u32 {
        heap.add(&part(false, !id, 8, true, &payload[..8]));
        over += heap.over().len();
    }
    assert!(heap.faults().contains(&"ip_fragments over its limit".to_owned()));
    heap.0.finish();
    assert_eq!(over + heap.over().len(), 8 * MAX_FRAGMENTED, "none is forgotten");
    assert_eq!(heap.0.bytes, 0);
}

#[test]
fn one_datagram_in_too_many_pieces() {
    let mut heap = Heap::default();
    for n in 0..2 * MAX_FRAGMENT_PIECES as u32 {
        heap.add(&part(false, 7, n * 16, true, &[0; 8]));
    }
    assert_eq!(heap.faults(), ["ip_fragment_pieces over its limit"]);
    heap.0.finish();
    assert_eq!(heap.0.next_over().unwrap().earlier.packets, 2 * MAX_FRAGMENT_PIECES as u64 - 1);
}

proptest! {
    /// Any parts, overlapping as they like, in IPv4: what comes out is the datagram, and nothing is lost in the count.
    #[test]
    fn agreeing_parts_make_the_datagram(cuts in prop::collection::vec((0usize..40, 1usize..12), 0..30), shift: usize) {
        let whole = datagram(320);
        let mut all: Vec<_> = cuts.iter().map(|(at, n)| (at * 8, ((at + n) * 8).min(320))).collect();
        all.extend((0..320).step_by(32).map(|at| (at, at + 32)));
        let turn = shift % all.len();
        all.rotate_left(turn);
        let mut heap = Heap::default();
        for packet in parts(false, &whole, &all) {
            heap.add(&packet);
        }
        heap.0.finish();
        let datagrams: Vec<_> = std::iter::from_fn(|| heap.0.next_over()).collect();
        prop_assert_eq!(datagrams[0].packet().unwrap().0.payload, &whole[8..]);
        let packets: u64 = datagrams.iter().map(|over| over.earlier.packets + over.last.packets).sum();
        prop_assert_eq!(packets, all.len() as u64);
    }

    #[test]
    fn arbitrary_fragments_never_panic(
        all in prop::collection::vec((any::<bool>(), 0u32..3, 0u32..8192, any::<bool>(), 0usize..60, any::<u16>(), 0u64..90), 0..60)
    ) {
        let (bytes, mut fragments) = ([9; 60], Fragments::default());
        for (v6, id, offset, more, length, said, second) in all {
            let mut packet = part(v6, id, offset * 8, more, &bytes[..length]);
            packet.payload_length = packet.payload_length.max(u32::from(said) * u32::from(id == 0));
            fragments.add(&packet, Tunnels::default(), second * SECOND, 1);
        }
        fragments.finish();
        while let Some(datagram) = fragments.next_over() {
            datagram.packet();
        }
        prop_assert_eq!((fragments.bytes, fragments.slots.len()), (0, 0));
    }
}
