//! The same limit on an interface: a ring's frames, their headers, the flow table. It begins with the first packet and ends
//! when none came for a while.

use crate::headers;
use crate::table::FlowTable;
use std::io;
use std::time::{Duration, Instant};
use transitproof_capture::Source;
use transitproof_capture::ring::{Live, Ring};

const RING: usize = 64 << 20;
const FRAMES: usize = 256;
const WAIT: Duration = Duration::from_millis(100);
/// This long after the last packet it is over; before the first one it waits longer.
const QUIET: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// Packets, flows, drops.
pub fn measure(interface: &str) -> io::Result<[u64; 3]> {
    let mut live = Live::new(vec![Ring::open(interface, RING, false)?]);
    let (mut table, mut packets, mut frames) = (FlowTable::new(), 0, Vec::new());
    let mut latest = Instant::now();
    println!("ready");
    while latest.elapsed() < if packets == 0 { PATIENCE } else { QUIET } {
        live.wait_for(WAIT);
        live.fill(&mut frames, FRAMES)?;
        if !frames.is_empty() {
            latest = Instant::now();
        }
        for frame in &frames {
            if let Some(headers) = headers::read(live.bytes(frame)) {
                table.count(headers, u64::from(frame.original), frame.time_ns / 1000);
            }
            packets += 1;
        }
    }
    Ok([packets, table.len() as u64, live.rings[0].counts().drops])
}
