//! Blocks that are read side by side, in whatever order, give the frames and the damage of one reader.

mod common;

use common::{Bytes, Outcome, Seen, drain};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use transitproof_capture::{Block, Capture, Frame};

/// A file of this process, gone with it.
struct Stored(PathBuf);

impl Stored {
    fn new(bytes: &[u8]) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("transitproof-{}-{number}.pcap", std::process::id()));
        fs::write(&path, bytes).expect("room for a file");
        Self(path)
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn seen(bytes: &[u8], frame: &Frame) -> Seen {
    let data = bytes[frame.offset as usize..][..frame.captured as usize].to_vec();
    let Frame { time_ns, original, link, interface, .. } = *frame;
    Seen { time_ns, original, link, interface, data }
}

/// All frames, with up to so many blocks under way; the last ones of these are read first.
fn side_by_side(path: &Path, under_way: usize) -> Outcome {
    let mut capture = Capture::open(path).expect("a capture");
    let (mut frames, mut batch, mut spare) = (Vec::new(), Vec::new(), Vec::new());
    let mut blocks: VecDeque<Block> = VecDeque::new();
    while let Some(block) = capture.ahead(&mut spare) {
        blocks.push_back(block);
        if blocks.len() == under_way {
            blocks.iter_mut().rev().for_each(Block::read);
            for block in blocks.drain(..) {
                spare = capture.adopt(block, &mut batch);
                frames.extend(batch.iter().map(|frame| seen(&spare, frame)));
            }
        }
    }
    let rest = drain(capture, 7);
    frames.extend(rest.frames);
    Outcome { frames, ..rest }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn as_one_reader(
        lengths in prop::collection::vec(prop_oneof![8 => 0..2000usize, 1 => 60_000..262_144usize], 1..60),
        cut in 0..3000usize,
        lie in prop::option::of(any::<prop::sample::Index>()),
        under_way in 1..5usize,
    ) {
        let lie = lie.map(|at| at.index(lengths.len()));
        let mut file = Bytes::new(false).pcap(0xa1b2_c3d4, 1);
        for (at, length) in lengths.iter().enumerate() {
            if lie == Some(at) {
                file = file.word(9).word(9).word(0x7fff_ffff).word(9);
            }
            let data: Vec<u8> = (0..*length).map(|byte| (byte * 7 + at) as u8).collect();
            file = file.record(at as u32, 3, &data);
        }
        let bytes = &file.bytes[..file.bytes.len().saturating_sub(cut).max(24)];
        let stored = Stored::new(bytes);
        let one = drain(Capture::open(&stored.0).expect("a capture"), 64);
        let many = side_by_side(&stored.0, under_way);
        prop_assert_eq!(many.damage, one.damage);
        prop_assert!(many.frames == one.frames, "{} and {} frames", many.frames.len(), one.frames.len());
        if lie.is_none() {
            prop_assert_eq!(many.capture.progress().read(), bytes.len() as u64);
        }
    }
}

#[test]
fn a_record_longer_than_many_blocks() {
    let long: Vec<u8> = (0..2_000_000u32).map(|at| (at >> 3) as u8).collect();
    let header = Bytes::new(false).word(0xa1b2_c3d4).short(2).short(4).word(0).word(0).word(4_000_000).word(1);
    let file = header.record(1, 0, b"before").record(2, 0, &long).record(3, 0, b"behind").bytes;
    let stored = Stored::new(&file);
    let Outcome { frames, damage, .. } = side_by_side(&stored.0, 3);
    assert_eq!(damage, []);
    assert_eq!(frames.iter().map(|frame| frame.data.len()).collect::<Vec<_>>(), [6, 2_000_000, 6]);
    assert!(frames[1].data == long);
}

#[test]
fn only_plain_pcap_files_have_blocks() {
    let pcapng = Bytes::new(false).section().interface(1, 0, |b| b).enhanced(0, 1, b"good").bytes;
    let stored = Stored::new(&pcapng);
    assert!(Capture::open(&stored.0).expect("a capture").ahead(&mut Vec::new()).is_none());
    let pipe = Box::new(std::io::Cursor::new(Bytes::new(false).pcap(0xa1b2_c3d4, 1).bytes));
    assert!(Capture::from_reader(pipe).expect("a capture").ahead(&mut Vec::new()).is_none());
}
