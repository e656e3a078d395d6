//! `cost walk|score FILE [N]`: what the detector costs, for whoever measures this process: all messages of a capture once, as they
//! come, or the first N of them over and over until there were as many. `walk` goes to each message and does nothing with it, so the
//! difference is what it takes to read and to judge them. Prints the number of queries.

use std::hint::black_box;
use std::path::Path;
use transitproof_capture::Capture;
use transitproof_dns::{Config, Detector, Observed, Spot};
use transitproof_wire::app::dns::is_response;
use transitproof_wire::dns::Message;
use transitproof_wire::packet::{Packet, Tunnels, dissect};

/// As many as the core takes at a time.
const BATCH: usize = 64;

struct Run {
    /// None for the walk.
    detector: Option<Detector>,
    queries: u64,
    /// Whether answers are of interest, by port and number of the query: as the flow table remembers it, and as cheaply.
    awaited: Vec<bool>,
}

impl Run {
    fn message(&mut self, time: u64, packet: &Packet<'_>) {
        let answer = is_response(packet.payload);
        self.queries += u64::from(!answer);
        let number = packet.payload.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
        let port = if answer { packet.dst_port } else { packet.src_port };
        let awaited = &mut self.awaited[usize::from(number ^ port)];
        let Some(detector) = &mut self.detector else {
            *awaited = black_box(packet.payload).is_empty();
            return;
        };
        if answer && !*awaited {
            return;
        }
        let Ok(message) = Message::read(packet.payload) else { return };
        let client = if answer { packet.dst } else { packet.src };
        let spot = Spot { time, frame: 0 };
        detector.message(&Observed { client: [client.high, client.low], message: &message, spot, asked: true });
        *awaited = detector.awaits();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, path, rest @ ..] = arguments.as_slice() else { panic!("cost walk|score FILE [N]") };
    let detector = (mode == "score").then(|| Detector::new(Config::default()));
    let mut run = Run { detector, queries: 0, awaited: vec![false; 1 << 16] };
    let (mut kept, mut total) = (Vec::new(), 0);
    let wanted = rest.first().map(|n| n.parse::<usize>().expect("a number"));
    let (mut capture, mut frames) = (Capture::open(Path::new(path)).expect("a capture"), Vec::new());
    loop {
        capture.fill(&mut frames, BATCH).expect("readable");
        if frames.is_empty() {
            break;
        }
        for frame in &frames {
            let bytes = capture.bytes(frame);
            let Ok(packet) = dissect(frame.link, bytes, &mut Tunnels::default()) else { continue };
            total += 1;
            match wanted {
                None => run.message(frame.time_ns, &packet),
                Some(wanted) if kept.len() < wanted => kept.push((frame.time_ns, frame.link, bytes.to_vec())),
                Some(_) => {}
            }
        }
    }
    for at in 0..if wanted.is_some() { total } else { 0 } {
        let (time, link, bytes) = &kept[at % kept.len()];
        if let Ok(packet) = dissect(*link, bytes, &mut Tunnels::default()) {
            run.message(*time, &packet);
        }
    }
    println!("{}", run.queries);
}
