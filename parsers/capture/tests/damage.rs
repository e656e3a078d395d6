//! Damaged, cut and hostile input: what comes before the damage is delivered, and the damage is named.

mod common;

use common::{Bytes, Outcome, drain, open, read};
use proptest::prelude::*;
use transitproof_capture::{Capture, Fault, OpenError};

const GZIP: &[u8] = include_bytes!("data/many.pcap.gz");
const ZSTD: &[u8] = include_bytes!("data/many.pcap.zst");
const XZ: &[u8] = include_bytes!("data/many.pcap.xz");

/// Captures with three records, and the offsets at which a cut leaves a whole capture.
fn samples() -> Vec<(Vec<u8>, Vec<usize>)> {
    let mut samples = Vec::new();
    for big in [false, true] {
        let mut file = Bytes::new(big).pcap(0xa1b2_c3d4, 1);
        let mut whole = vec![file.bytes.len()];
        for i in 0..3 {
            file = file.record(i, 0, &[i as u8; 21]);
            whole.push(file.bytes.len());
        }
        samples.push((file.bytes, whole));
        let mut file = Bytes::new(big).section();
        let mut whole = vec![file.bytes.len()];
        file = file.interface(1, 0, |b| b);
        whole.push(file.bytes.len());
        for i in 0..3 {
            file = file.enhanced(0, i, &[i as u8; 21]);
            whole.push(file.bytes.len());
            file = file.block(0x0bad, |b| b.padded(&[7; 9]));
            whole.push(file.bytes.len());
        }
        samples.push((file.bytes, whole));
    }
    samples
}

#[test]
fn every_prefix_yields_a_prefix_of_the_frames_and_says_that_it_is_cut() {
    for (file, whole) in samples() {
        let all = read(&file).frames;
        assert_eq!(all.len(), 3);
        for length in 4..=file.len() {
            let Outcome { frames, damage, .. } = read(&file[..length]);
            assert_eq!(frames, all[..frames.len()], "{length}");
            if whole.contains(&length) {
                assert_eq!(damage, [], "{length}");
                continue;
            }
            let start = whole.iter().rev().find(|&&start| start < length).copied().unwrap_or(0) as u64;
            assert_eq!((damage.len(), damage[0].offset), (1, start), "{length}");
            assert!(matches!(damage[0].what, Fault::Truncated { .. }), "{length}");
        }
    }
}

#[test]
fn a_cut_record_says_how_much_is_missing() {
    let file = Bytes::new(false).pcap(0xa1b2_c3d4, 1).record(1, 0, &[0; 100]).bytes;
    let Outcome { damage, .. } = read(&file[..file.len() - 60]);
    assert_eq!(damage[0].to_string(), "offset 24: truncated: 60 bytes missing");
}

#[test]
fn an_absurd_record_length_stops_the_reading() {
    let file = Bytes::new(false).pcap(0xa1b2_c3d4, 1).record(1, 0, b"good");
    let file = file.word(1).word(0).word(262_145).word(262_145).raw(&vec![0; 300_000]);
    let Outcome { frames, damage, .. } = read(&file.bytes);
    assert_eq!(frames.len(), 1);
    assert_eq!((damage.len(), damage[0].offset), (1, 44));
    assert_eq!(damage[0].what, Fault::RecordLength { length: 262_145, limit: 262_144 });
}

#[test]
fn damaged_blocks_stop_the_reading() {
    let good = Bytes::new(false).section().interface(1, 0, |b| b).enhanced(0, 1, b"good");
    let at = good.bytes.len() as u64;
    let cases = [
        (good.clone().word(6).word(33).raw(&[0; 40]), Fault::BlockLength { length: 33 }),
        (good.clone().word(6).word(8).raw(&[0; 40]), Fault::BlockLength { length: 8 }),
        (good.clone().word(6).word(0xffff_fff0).raw(&[0; 40]), Fault::BlockLength { length: 0xffff_fff0 }),
        (good.clone().word(6).word(16).word(0).word(20), Fault::BlockEnd { length: 16, end: 20 }),
        (good.clone().word(0x0a0d_0d0a).word(28).raw(&[1; 20]), Fault::ByteOrder { found: 0x0101_0101 }),
        (good.clone().word(0x0a0d_0d0a).word(28).word(0x1a2b_3c4d).word(9), Fault::Version { major: 9 }),
    ];
    for (file, fault) in cases {
        let Outcome { frames, damage, .. } = read(&file.enhanced(0, 2, b"lost").bytes);
        assert_eq!((frames.len(), damage.len()), (1, 1), "{fault:?}");
        assert_eq!((damage[0].offset, &damage[0].what), (at, &fault));
    }
}

#[test]
fn a_wrong_packet_in_a_sound_block_is_passed_over() {
    let file = Bytes::new(false).section().interface(1, 0, |b| b);
    let file = file.block(6, |b| b.word(0).word(0).word(0).word(9).word(9).word(0)).block(6, |b| b.word(0));
    let Outcome { frames, damage, .. } = read(&file.enhanced(0, 1, b"good").bytes);
    assert_eq!(frames.len(), 1);
    let faults: Vec<_> = damage.into_iter().map(|damage| damage.what).collect();
    assert_eq!(faults, [Fault::PacketLength { captured: 9, room: 4 }, Fault::ShortBlock { kind: 6, length: 4 }]);
}

#[test]
fn damage_entries_are_bounded_and_counted() {
    let mut file = Bytes::new(false).section();
    for _ in 0..1000 {
        file = file.enhanced(5, 0, b"");
    }
    let Outcome { capture, damage, .. } = read(&file.bytes);
    assert_eq!((damage.len(), capture.damage_count()), (64, 1000));
}

#[test]
fn compressed_captures_give_all_their_frames() {
    for file in [GZIP, ZSTD, XZ] {
        let once = drain(open(file).unwrap(), 64);
        assert_eq!((once.frames.len(), once.damage.len()), (8000, 0));
        assert_eq!(once.capture.progress().read(), file.len() as u64);
        assert_eq!((once.frames[7999].time_ns, once.frames[7999].original), (1_700_000_007_000_999_000, 60));
        // Members, frames and streams follow one another; what is in the second is no record of the first.
        let twice = drain(open(&file.repeat(2)).unwrap(), 64);
        assert_eq!(twice.frames[..8000], once.frames);
        assert!(twice.damage[0].offset > 448_024, "the second member was decoded");
        assert!(matches!(twice.damage[0].what, Fault::RecordLength { .. }), "{:?}", twice.damage);
    }
}

#[test]
fn a_cut_compressed_stream_keeps_what_could_be_decoded() {
    // The xz decoder takes a chunk as a whole, and this stream is one chunk: cut inside its index.
    for (file, cut, at_least) in [(GZIP, 40, 7000), (ZSTD, 40, 4000), (XZ, 20, 8000)] {
        let Outcome { frames, damage, capture } = drain(open(&file[..file.len() - cut]).unwrap(), 64);
        assert!(frames.len() >= at_least, "{} {:?}", frames.len(), capture.compression());
        assert_eq!(damage.len(), 1);
        assert!(matches!(damage[0].what, Fault::Compressed(_)), "{:?}", damage[0]);
        let (reached, first_missing) = (damage[0].offset, 24 + 56 * frames.len() as u64);
        assert!((first_missing..first_missing + 56).contains(&reached), "{reached} {first_missing}");
    }
}

#[test]
fn a_wrong_checksum_is_damage_behind_the_last_frame() {
    for (file, from_end) in [(GZIP, 8), (ZSTD, 4)] {
        let mut file = file.to_vec();
        let at = file.len() - from_end;
        file[at] ^= 1;
        let Outcome { frames, damage, .. } = drain(open(&file).unwrap(), 64);
        assert_eq!((frames.len(), damage.len(), damage[0].offset), (8000, 1, 448_024));
    }
}

#[test]
fn what_is_not_a_capture_is_named() {
    let cases: [(&[u8], &str); 10] = [
        (b"PK\x03\x04\x14\0\0\0", "starts with 0x504b0304 (a zip archive)"),
        (b"\x7fELF\x02\x01\x01", "(an ELF program)"),
        (b"%PDF-1.7", "(a PDF document)"),
        (b"snoop\0\0\0\0\0\0\x02\0\0\0\x04", "(a snoop capture); editcap"),
        (b"hello, world\n", "(text)"),
        (b"\xa1\xb2", "(2 bytes in all)"),
        (&[0; 100], "(zeros)"),
        (b"\x0a\x0d\x0d\x0a\0\0\0\x1cabcdefghijklmnopq", "without its byte-order magic"),
        // gzip of "hello\n", by gzip.
        (&HELLO_GZ, "gzip data; unpacked it starts with 0x68656c6c (text)"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff", "gzip data that cannot be decoded"),
    ];
    for (bytes, part) in cases {
        let Err(error) = open(bytes) else { panic!("{part}") };
        assert!(matches!(error, OpenError::NotACapture { .. }));
        assert!(error.to_string().contains(part), "{error}");
    }
}

const HELLO_GZ: [u8; 26] =
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 2, 0, 0x20, 0x30, 0x3a, 0x36, 6, 0, 0, 0];

#[test]
fn nothing_is_empty_and_unknown_versions_are_unsupported() {
    assert!(matches!(open(b""), Err(OpenError::Empty)));
    for (major, minor) in [(2, 2), (3, 0), (1, 1)] {
        let file = Bytes::new(false).word(0xa1b2_c3d4).short(major).short(minor).raw(&[0; 16]);
        assert!(matches!(open(&file.bytes), Err(OpenError::Unsupported { .. })), "{major}.{minor}");
    }
    let file = Bytes::new(false).block(0x0a0d_0d0a, |b| b.word(0x1a2b_3c4d).short(2).short(0).long(0));
    assert!(matches!(open(&file.bytes), Err(OpenError::Unsupported { .. })));
}

#[test]
fn a_failing_disk_is_an_error_and_not_damage() {
    struct Failing(usize);
    impl std::io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let rest = &GZIP[self.0..GZIP.len() / 2];
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            self.0 += length;
            if length == 0 { Err(std::io::Error::other("the disk is on fire")) } else { Ok(length) }
        }
    }
    let mut capture = Capture::from_reader(Box::new(Failing(0))).unwrap();
    let mut frames = Vec::new();
    let error = loop {
        match capture.fill(&mut frames, 64) {
            Ok(()) => assert!(!frames.is_empty(), "the error must come before the end"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("on fire"));
    assert_eq!(capture.damage(), []);
}

proptest! {
    #[test]
    fn arbitrary_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(capture) = open(&bytes) {
            drain(capture, 3);
        }
    }

    #[test]
    fn changed_captures_end_without_panic(
        sample in 0usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut files: Vec<_> = samples().into_iter().map(|(file, _)| file).collect();
        files.extend([GZIP, ZSTD, XZ].map(<[u8]>::to_vec));
        let mut file = files.swap_remove(sample);
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Ok(capture) = open(&file) {
            drain(capture, 64);
        }
    }
}
