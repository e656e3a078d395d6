//! What is written can be read again: strings of records by a JSON reader that is not ours, QUIC packets by the follower,
//! captures by the readers.

use proptest::prelude::*;
use std::io::Cursor;
use transitproof_capture::Capture;
use transitproof_flow::Direction::Forward;
use transitproof_flow::certificates::Certificates;
use transitproof_flow::json;
use transitproof_flow::quic::QuicFollower;
use transitproof_targets::quic_seal::{Sealer, VERSIONS};
use transitproof_targets::script;
use transitproof_wire::Reader;
use transitproof_wire::quic::varint;

/// What a reader finds in place of bytes that are no UTF-8.
fn shown(bytes: &[u8]) -> String {
    let chunk = |chunk: std::str::Utf8Chunk<'_>| {
        let invalid: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("{}{invalid}", chunk.valid())
    };
    bytes.utf8_chunks().map(chunk).collect()
}

/// RFC 9000 section 16, by the prefix that is asked for or a longer one if it has to be.
fn write_varint(value: u64, prefix: u8) -> Vec<u8> {
    let prefix = (prefix..3).find(|prefix| value < 1 << ((8 << prefix) - 2)).unwrap_or(3);
    let bytes = (value | u64::from(prefix) << 62).to_be_bytes();
    let length = 1 << prefix;
    let mut bytes = bytes[8 - length..].to_vec();
    bytes[0] |= prefix << 6;
    bytes
}

fn crypto(offset: u64, data: &[u8]) -> Vec<u8> {
    [&[6][..], &write_varint(offset, 0), &write_varint(data.len() as u64, 1), data].concat()
}

/// A ClientHello of `length` bytes, padded by an extension.
fn hello(length: usize) -> Vec<u8> {
    let padding = length - 55;
    let mut hello =
        [&[1, 0][..], &(length as u16 - 4).to_be_bytes(), &[3, 3], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    hello.extend((padding as u16 + 8).to_be_bytes());
    hello.extend([0, 43, 0, 0]);
    hello.extend([0, 21]);
    hello.extend((padding as u16).to_be_bytes());
    hello.resize(length, 0);
    hello
}

fn follow(version: usize, datagrams: &[Vec<u8>]) -> QuicFollower {
    let version = VERSIONS[version];
    let (mut sealer, mut follower) = (Sealer::default(), QuicFollower::new(version.0, true));
    for frames in datagrams {
        let packet = sealer.seal(version, b"8 bytes.", false, frames);
        follower.datagram(Forward, &packet, 1, &mut Certificates::new(1));
    }
    follower
}

proptest! {
    #[test]
    fn strings(bytes in prop::collection::vec(any::<u8>(), 0..40), text in ".{0,20}") {
        for value in [&bytes[..], text.as_bytes(), &[text.as_bytes(), &bytes].concat()] {
            let mut out = Vec::new();
            json::text(&mut out, value);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), shown(value));
        }
    }

    #[test]
    fn numbers(value: u64, prefix in 0u8..4) {
        let mut out = Vec::new();
        json::decimal(&mut out, value);
        prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        let value = value & ((1 << 62) - 1);
        let bytes = write_varint(value, prefix);
        prop_assert_eq!(varint(&mut Reader::new(&bytes, "t")), Some(value));
        prop_assert_eq!(varint(&mut Reader::new(&bytes[..bytes.len() - 1], "t")), None);
    }

    #[test]
    fn scripts(sent in prop::collection::vec((0u8..16, prop::collection::vec(any::<u8>(), 1..80)), 0..20)) {
        let mut bytes = Vec::new();
        sent.iter().for_each(|(flags, payload)| script::push(&mut bytes, *flags, payload));
        let read: Vec<_> = script::steps(&bytes).iter().map(|step| (step.flags, step.bytes.to_vec())).collect();
        prop_assert_eq!(read, sent);
    }

    /// Pieces of a hello with holes and overlaps, in any order, several to a packet: it is read exactly when nothing is missing.
    #[test]
    fn crypto_frames_with_gaps_and_overlaps(
        version in 0usize..3,
        length in 100usize..3000,
        pieces in prop::collection::vec((0usize..3000, 1usize..900), 1..40),
        whole: bool,
    ) {
        let hello = hello(length);
        let mut pieces: Vec<_> = pieces.iter().map(|(start, n)| (start % length, (start % length + n).min(length))).collect();
        if whole {
            pieces.extend((0..length).step_by(700).map(|start| (start, (start + 700).min(length))));
            let middle = pieces.len() / 2;
            pieces.rotate_left(middle);
        }
        let covered = (0..length).all(|at| pieces.iter().any(|(start, end)| (*start..*end).contains(&at)));
        let frames: Vec<_> = pieces.iter().map(|(start, end)| crypto(*start as u64, &hello[*start..*end])).collect();
        let datagrams: Vec<_> = frames.chunks(2).map(|frames| [&frames.concat()[..], &[0; 20]].concat()).collect();
        let follower = follow(version, &datagrams);
        prop_assert_eq!(follower.session().offer.is_some(), covered);
        prop_assert_eq!(follower.session().limited, 0);
    }

    /// Records of a classic pcap, in both byte orders, whatever is in them.
    #[test]
    fn captures(frames in prop::collection::vec((any::<u32>(), 0u32..1_000_000, prop::collection::vec(any::<u8>(), 0..90)), 0..20), big: bool) {
        let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let versions = if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
        let mut file = [word(0xa1b2_c3d4), versions, word(0), word(0), word(262_144), word(101)].concat();
        for (seconds, micros, bytes) in &frames {
            let length = word(bytes.len() as u32);
            file.extend([word(*seconds), word(*micros), length, length].concat());
            file.extend(bytes);
        }
        let mut capture = Capture::from_reader(Box::new(Cursor::new(file))).unwrap();
        let (mut batch, mut read) = (Vec::new(), Vec::new());
        while capture.fill(&mut batch, 3).is_ok() && !batch.is_empty() {
            read.extend(batch.iter().map(|frame| (frame.time_ns, capture.bytes(frame).to_vec())));
        }
        let time = |seconds, micros| u64::from(seconds) * 1_000_000_000 + u64::from(micros) * 1000;
        let written: Vec<_> = frames.iter().map(|(seconds, micros, bytes)| (time(*seconds, *micros), bytes.clone())).collect();
        prop_assert_eq!((read, capture.damage_count()), (written, 0));
    }
}

/// Beyond what is kept, and more holes than are kept track of: counted, and the hello that follows is read all the same.
#[test]
fn crypto_frames_beyond_every_bound() {
    let far: Vec<u8> = [1 << 14, 1 << 20, (1 << 62) - 1].iter().flat_map(|offset| crypto(*offset, b"far")).collect();
    let scattered: Vec<u8> = (0..200).flat_map(|n| crypto(1000 + 3 * n, b"x")).collect();
    let datagrams = [far, scattered, crypto(0, &hello(900))];
    let follower = follow(0, &datagrams);
    assert!(follower.session().offer.is_some());
    // The last one is the piece that made room for the beginning.
    assert_eq!(follower.session().limited, 3 + (200 - 64) + 1);
}
