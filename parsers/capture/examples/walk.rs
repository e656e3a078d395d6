//! Counts the frames and captured bytes of a capture, to measure the reader alone: `walk FILE`.

use std::path::Path;
use transitproof_capture::Capture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: walk FILE")?;
    let mut capture = Capture::open(Path::new(&path))?;
    let (mut count, mut bytes) = (0u64, 0u64);
    let mut frames = Vec::new();
    loop {
        capture.fill(&mut frames, 256)?;
        if frames.is_empty() {
            break;
        }
        count += frames.len() as u64;
        bytes += frames.iter().map(|frame| capture.bytes(frame).len() as u64).sum::<u64>();
    }
    println!("{count} {bytes}");
    for damage in capture.damage() {
        eprintln!("{damage}");
    }
    Ok(())
}
