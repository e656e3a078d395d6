//! Captures that lie about lengths and times: what can be read is read, what is kept is bounded, and no input is read twice.

mod common;

use common::{Bytes, Outcome, drain, open, read};
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use transitproof_capture::{Capture, Fault};

fn section() -> Bytes {
    Bytes::new(false).section()
}

#[test]
fn an_option_that_is_longer_than_its_block_ends_the_options() {
    let lying = |b: Bytes| b.option(2, b"eth0").short(9).short(0xfff0).word(0);
    let Outcome { frames, damage, capture } = read(&section().interface(1, 0, lying).enhanced(0, 1, b"frame").bytes);
    assert_eq!((frames.len(), damage.len()), (1, 0));
    assert_eq!(capture.interfaces()[0].name.as_deref(), Some("eth0"));
}

#[test]
fn chains_of_options_end_and_names_are_cut() {
    let chain = |b: Bytes| (0..60_000).fold(b, |b, _| b.option(1, b"")).option(2, &[b'x'; 60_000]).option(9, &[9]);
    let file = section().interface(1, 0, chain).enhanced(0, 5, b"frame");
    let Outcome { frames, capture, .. } = read(&file.bytes);
    assert_eq!(frames[0].time_ns, 5, "the option behind the chain was read");
    assert_eq!(capture.interfaces()[0].name.as_deref().map(str::len), Some(256));
    // opt_endofopt ends them, whatever stands behind it.
    let ended = |b: Bytes| b.word(0).option(9, &[9]);
    assert_eq!(read(&section().interface(1, 0, ended).enhanced(0, 5, b"frame").bytes).frames[0].time_ns, 5000);
}

/// 2^-127 s is the finest unit that can be written, 10^-127 s the finest decimal one.
#[test]
fn ticks_of_any_unit_and_any_offset_are_some_time() {
    for (resolution, offset, ticks, expected) in [
        (0xff, 0, u64::MAX, 0),
        (0x7f, 0, u64::MAX - 1, 0),
        (0x80, 0, u64::MAX, u64::MAX),
        (0x00, 0, u64::MAX, u64::MAX),
        (0x09, i64::MAX, u64::MAX, u64::MAX),
        (0x09, i64::MIN, 5, 0),
        (0xff, 1, u64::MAX, 1_000_000_000),
    ] {
        let options = |b: Bytes| b.option(9, &[resolution]).option(14, &offset.to_le_bytes());
        let Outcome { frames, damage, .. } = read(&section().interface(1, 0, options).enhanced(0, ticks, b"f").bytes);
        assert_eq!((frames[0].time_ns, damage.len()), (expected, 0), "{resolution:#x} {offset}");
    }
}

#[test]
fn every_length_in_a_packet_block_may_lie() {
    let packet = |kind: u32, fields: &[u32]| {
        let body = |b: Bytes| fields.iter().fold(b, |b, field| b.word(*field)).raw(b"data");
        read(&section().interface(1, 0, |b| b).block(kind, body).enhanced(0, 1, b"after").bytes)
    };
    for captured in [5, 0x7fff_ffff, u32::MAX] {
        for (kind, what) in [(6, "enhanced"), (2, "obsolete")] {
            let Outcome { frames, damage, .. } = packet(kind, &[0, 0, 0, captured, captured]);
            assert_eq!((frames.len(), damage.len()), (1, 1), "{what} {captured}");
            assert_eq!(damage[0].what, Fault::PacketLength { captured, room: 4 });
        }
        // A Simple Packet Block does not say how much was captured.
        assert_eq!(packet(3, &[captured]).frames[0].data, b"data");
    }
    assert_eq!(
        packet(6, &[0, 0, 0, 4, 0]).frames[0].original,
        0,
        "shorter on the wire than captured: as it is written"
    );
    assert_eq!(packet(6, &[1, 0, 0, 4, 4]).damage[0].what, Fault::Interface { index: 1 });
    let mut secrets = packet(10, &[0x544c_534b, u32::MAX]);
    assert_eq!(secrets.damage[0].what, Fault::PacketLength { captured: u32::MAX, room: 4 });
    assert!(secrets.capture.take_secrets().is_empty());
}

#[test]
fn more_interfaces_than_a_frame_can_name() {
    let file = (0..70_000).fold(section(), |file, _| file.interface(1, 0, |b| b)).enhanced(65_535, 1, b"frame");
    let Outcome { frames, capture, .. } = read(&file.bytes);
    assert_eq!((capture.interfaces().len(), frames.len()), (1 << 16, 1));
    assert_eq!((capture.damage_count(), &capture.damage()[0].what), (70_000 - (1 << 16), &Fault::Interfaces));
}

/// Counts how often it is asked and how much it gives.
struct Counting(Cursor<Vec<u8>>, Arc<AtomicUsize>);

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(buffer)
    }
}

#[test]
fn a_million_empty_blocks_are_read_once() {
    let mut file = section().interface(1, 0, |b| b);
    let empty = Bytes::new(false).block(0x0bad, |b| b).bytes;
    file.bytes.extend(empty.repeat(1_000_000));
    let file = file.enhanced(0, 1, b"behind them").bytes;
    let (length, reads) = (file.len(), Arc::<AtomicUsize>::default());
    let capture = Capture::from_reader(Box::new(Counting(Cursor::new(file), Arc::clone(&reads)))).unwrap();
    assert_eq!(drain(capture, 64).frames.len(), 1);
    let reads = reads.load(Ordering::Relaxed);
    assert!(reads <= length / (128 << 10) + 8, "{reads} reads of {length} bytes");
}

/// Once failed, a decoder is not asked again: that of xz would then decode for ever what it never read.
#[test]
fn a_compressed_stream_that_fails_in_its_first_bytes_ends() {
    const XZ: &[u8] = include_bytes!("data/many.pcap.xz");
    for length in 6..200 {
        assert!(open(&XZ[..length]).is_err(), "{length}");
    }
}
