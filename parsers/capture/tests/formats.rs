//! Every variant of pcap and pcapng, byte order by byte order. Vectors follow the two drafts; `data/few.pcapng` was
//! written by editcap.

mod common;

use common::{Bytes, Dripping, Outcome, drain, open, read};
use proptest::prelude::*;
use std::io::Cursor;
use transitproof_capture::{Capture, Fault, Format, OpenError};

const SECOND: u64 = 1_000_000_000;

#[test]
fn classic_pcap_in_both_precisions_and_byte_orders() {
    for big in [false, true] {
        for (magic, format, nanos) in
            [(0xa1b2_c3d4, Format::Pcap, 999_999_000), (0xa1b2_3c4d, Format::PcapNanosecond, 999_999)]
        {
            // The upper bits of the link field tell of a frame check sequence.
            let file = Bytes::new(big).pcap(magic, 0x3000_0071).record(7, 999_999, b"abc").record(8, 0, b"");
            let Outcome { frames, damage, capture } = read(&file.bytes);
            assert_eq!(damage, []);
            assert_eq!(capture.format(), format);
            assert_eq!(frames.len(), 2);
            assert_eq!((frames[0].time_ns, frames[1].time_ns), (7 * SECOND + nanos, 8 * SECOND));
            assert_eq!((frames[0].link, frames[0].original, &frames[0].data[..]), (0x71, 7, &b"abc"[..]));
            assert_eq!(capture.interfaces()[0].snaplen, 65535);
        }
    }
}

#[test]
fn modified_pcap_has_eight_more_bytes_a_record() {
    for big in [false, true] {
        let file = Bytes::new(big).pcap(0xa1b2_cd34, 1);
        let file = file.word(1).word(2).word(3).word(3).word(9).short(8).raw(&[1, 0]).raw(b"xyz");
        let file = file.word(2).word(2).word(1).word(1).word(9).short(8).raw(&[1, 0]).raw(b"!");
        let Outcome { frames, damage, capture } = read(&file.bytes);
        assert_eq!((damage.len(), capture.format()), (0, Format::PcapModified));
        assert_eq!((&frames[0].data[..], &frames[1].data[..]), (&b"xyz"[..], &b"!"[..]));
    }
}

#[test]
fn before_version_2_4_the_lengths_may_be_swapped() {
    let header = Bytes::new(false).word(0xa1b2_c3d4).short(2).short(3).word(0).word(0).word(68).word(1);
    let Outcome { frames, damage, .. } = read(&header.word(1).word(0).word(1500).word(2).raw(b"ab").bytes);
    assert_eq!((damage.len(), frames[0].original, &frames[0].data[..]), (0, 1500, &b"ab"[..]));
}

#[test]
fn more_captured_than_original_is_kept() {
    let file = Bytes::new(false).pcap(0xa1b2_c3d4, 1).word(1).word(0).word(4).word(2).raw(b"abcd");
    let Outcome { frames, damage, .. } = read(&file.bytes);
    assert_eq!((damage.len(), frames[0].original, frames[0].data.len()), (0, 2, 4));
}

#[test]
fn sections_interfaces_and_packet_blocks_of_pcapng() {
    for (first, second) in [(false, true), (true, false)] {
        let file = Bytes::new(first).section();
        let file = file.interface(1, 0, |b| b.option(2, b"eth0").option(9, &[9])).interface(101, 0, |b| b);
        let file = file.enhanced(0, 5 * SECOND + 1, b"nano").enhanced(1, 6_000_001, b"micro");
        // The obsolete Packet Block: interface and drop count in 16 bits each.
        let file = file.block(2, |b| b.short(1).short(0xffff).word(0).word(7_000_000).word(3).word(9).padded(b"old"));
        let file = file.block(3, |b| b.word(6).padded(b"simple"));
        let next = Bytes::new(second).section().interface(113, 4, |b| b).block(3, |b| b.word(900).raw(b"four"));
        let Outcome { frames, damage, capture } = read(&[file.bytes, next.bytes].concat());
        assert_eq!((damage.len(), capture.format()), (0, Format::Pcapng));
        let all: Vec<_> = frames.iter().map(|f| (f.time_ns, f.link, f.interface, f.original, &f.data[..])).collect();
        let expected: [(u64, u16, u16, u32, &[u8]); 5] = [
            (5 * SECOND + 1, 1, 0, 8, b"nano"),
            (6 * SECOND + 1000, 101, 1, 9, b"micro"),
            (7 * SECOND, 101, 1, 9, b"old"),
            (7 * SECOND, 1, 0, 6, b"simple"),
            (7 * SECOND, 113, 0, 900, b"four"),
        ];
        assert_eq!(all, expected);
        assert_eq!(capture.interfaces().len(), 1, "those of the last section");
    }
}

#[test]
fn frames_of_two_sections_are_not_returned_together() {
    let section = Bytes::new(false).section().interface(1, 0, |b| b.option(2, b"one")).enhanced(0, 1, b"a");
    let other = Bytes::new(false).section().interface(1, 0, |b| b.option(2, b"two")).enhanced(0, 1, b"b");
    let mut capture = open(&[section.bytes, other.bytes].concat()).unwrap();
    let mut frames = Vec::new();
    for name in ["one", "two"] {
        capture.fill(&mut frames, 64).unwrap();
        assert_eq!(frames.len(), 1);
        assert_eq!(capture.interfaces()[0].name.as_deref(), Some(name));
    }
}

#[test]
fn resolution_and_offset_of_an_interface() {
    for big in [false, true] {
        let offset = if big { (-10i64).to_be_bytes() } else { (-10i64).to_le_bytes() };
        let file = Bytes::new(big).section().interface(1, 0, |b| b.option(9, &[0x80 | 10]).option(14, &offset));
        let Outcome { frames, .. } = read(&file.enhanced(0, 20 * 1024 + 512, b"x").bytes);
        assert_eq!(frames[0].time_ns, 10 * SECOND + SECOND / 2);
    }
}

#[test]
fn the_last_statistics_of_each_interface_and_section_count_as_drops() {
    let statistics = |b: Bytes, drops: u64| {
        let value = |n: u64| if b.big { n.to_be_bytes() } else { n.to_le_bytes() };
        let (ifdrop, osdrop) = (value(drops), value(1));
        b.clone().block(5, |b| b.word(0).long(0).option(4, &[9; 8]).option(5, &ifdrop).option(7, &osdrop).word(0))
    };
    let section = |big| {
        let b = Bytes::new(big).section().interface(1, 0, |b| b);
        let b = statistics(b, 5);
        statistics(b, 7).bytes
    };
    let Outcome { capture, damage, .. } = read(&[section(false), section(true)].concat());
    assert_eq!((damage.len(), capture.capture_drops()), (0, 16));
}

#[test]
fn blocks_of_no_interest_are_passed_over_whatever_their_size() {
    for size in [4, 1000, 3 << 20] {
        let file = Bytes::new(false).section().interface(1, 0, |b| b).enhanced(0, 1, b"before");
        let file = file.block(0x0bad, |b| b.padded(&vec![0xab; size])).enhanced(0, 2, b"behind");
        let Outcome { frames, damage, .. } = read(&file.bytes);
        assert_eq!((frames.len(), damage.len()), (2, 0), "{size}");
        assert_eq!(frames[1].data, b"behind");
    }
}

#[test]
fn a_frame_larger_than_the_buffer() {
    let large: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
    let ng = Bytes::new(false).section().interface(1, 0, |b| b).enhanced(0, 1, &large).enhanced(0, 2, b"small");
    let classic = Bytes::new(false).word(0xa1b2_c3d4).short(2).short(4).word(0).word(0).word(4 << 20).word(1);
    for file in [ng.bytes, classic.record(1, 0, &large).record(2, 0, b"small").bytes] {
        let Outcome { frames, damage, .. } = read(&file);
        assert_eq!((frames.len(), damage.len()), (2, 0));
        assert!(frames[0].data == large && frames[1].data == b"small");
    }
}

#[test]
fn a_file_of_editcap() {
    let Outcome { frames, damage, mut capture } = read(include_bytes!("data/few.pcapng"));
    assert_eq!(damage, []);
    assert_eq!(frames.len(), 3);
    for (i, frame) in (0u64..).zip(&frames) {
        assert_eq!(frame.time_ns, (1_700_000_000 + i) * SECOND + 123_456_789);
        assert_eq!((frame.link, frame.original, frame.data.len() as u64), (101, 99, 21 + i));
        assert!(frame.data.iter().copied().eq(0..21 + i as u8));
    }
    let secrets = capture.take_secrets();
    let [(kind, keys)] = &secrets[..] else { panic!("one secrets block") };
    assert_eq!(*kind, 0x544c_534b);
    assert!(keys.starts_with(b"CLIENT_RANDOM 0000"));
    assert!(capture.take_secrets().is_empty());
}

#[test]
fn a_header_alone_is_a_capture_without_frames() {
    for file in [Bytes::new(false).pcap(0xa1b2_c3d4, 1), Bytes::new(true).section()] {
        let Outcome { frames, damage, .. } = read(&file.bytes);
        assert_eq!((frames.len(), damage.len()), (0, 0));
    }
}

#[test]
fn a_file_has_a_size_and_a_position() {
    let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/few.pcapng"));
    let size = path.metadata().unwrap().len();
    let Outcome { capture, frames, .. } = drain(Capture::open(path).unwrap(), 64);
    assert_eq!((frames.len(), capture.progress().read(), capture.size()), (3, size, Some(size)));
    let missing = Capture::open(std::path::Path::new("/nonexistent/file.pcap"));
    assert!(matches!(missing, Err(OpenError::Io(_))));
}

proptest! {
    #[test]
    fn a_slow_pipe_gives_the_same_frames(lengths in prop::collection::vec(0usize..200, 0..20), max in 1usize..9) {
        let mut classic = Bytes::new(true).pcap(0xa1b2_c3d4, 1);
        let mut ng = Bytes::new(false).section().interface(1, 0, |b| b);
        for (i, &length) in (0u32..).zip(&lengths) {
            let data = vec![i as u8; length];
            classic = classic.record(i, 0, &data);
            ng = ng.enhanced(0, u64::from(i) * 1_000_000, &data).block(0x0bad, |b| b.padded(&data));
        }
        for file in [classic.bytes, ng.bytes] {
            let at_once = drain(open(&file).unwrap(), max);
            prop_assert_eq!(at_once.frames.len(), lengths.len());
            let pipe = Box::new(Dripping { bytes: Cursor::new(file), interrupted: false });
            let mut capture = Capture::from_reader(pipe).unwrap();
            let (mut frames, mut batch) = (Vec::new(), Vec::new());
            loop {
                match capture.fill(&mut batch, max) {
                    Ok(()) if batch.is_empty() => break,
                    Ok(()) => frames.extend(batch.iter().map(|f| (f.time_ns, capture.bytes(f).to_vec()))),
                    Err(error) => prop_assert_eq!(error.kind(), std::io::ErrorKind::Interrupted),
                }
            }
            let expected: Vec<_> = at_once.frames.into_iter().map(|f| (f.time_ns, f.data)).collect();
            prop_assert_eq!(frames, expected);
            prop_assert_eq!(capture.damage(), []);
        }
    }
}

#[test]
fn a_packet_of_an_unknown_interface_is_reported_and_passed_over() {
    let file = Bytes::new(false).section().interface(1, 0, |b| b);
    let Outcome { frames, damage, .. } = read(&file.enhanced(1, 1, b"no").enhanced(0, 1, b"yes").bytes);
    assert_eq!((frames.len(), &frames[0].data[..]), (1, &b"yes"[..]));
    assert_eq!((damage.len(), damage[0].offset, &damage[0].what), (1, 52, &Fault::Interface { index: 1 }));
}
