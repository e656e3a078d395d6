//! `score [--bytes-a-day N] FILE…`: alerts of captures as JSON Lines.

use std::path::Path;
use transitproof_capture::Capture;
use transitproof_dns::{Config, Detector, Kind, Observed, Spot, TERMS};
use transitproof_wire::app::dns::is_response;
use transitproof_wire::dns::Message;
use transitproof_wire::packet::{Tunnels, dissect};

fn main() {
    let mut config = Config::default();
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("--bytes-a-day").is_some() {
        config.bytes_a_day = arguments.next().and_then(|text| text.parse().ok()).expect("a number");
    }
    for path in arguments {
        one(&path, config);
    }
}

fn one(path: &str, config: Config) {
    let mut detector = Detector::new(config);
    let mut capture = Capture::open(Path::new(path)).expect("a capture");
    let mut frames = Vec::new();
    loop {
        capture.fill(&mut frames, 256).expect("readable");
        if frames.is_empty() {
            break;
        }
        let packets: Vec<_> = frames
            .iter()
            .filter_map(|frame| {
                let packet = dissect(frame.link, capture.bytes(frame), &mut Tunnels::default()).ok()?;
                Some((frame.time_ns, packet))
            })
            .collect();
        for (time, packet) in &packets {
            let Ok(message) = Message::read(packet.payload) else { continue };
            let client = if is_response(packet.payload) { packet.dst } else { packet.src };
            let spot = Spot { time: *time, frame: 0 };
            detector.message(&Observed { client: [client.high, client.low], message: &message, spot, asked: true });
        }
    }
    for alert in detector.alerts.all() {
        if !matches!(alert.kind, Kind::Tunnel | Kind::Spread | Kind::Fleet) {
            eprintln!("{:?} {:?} {}", alert.kind, alert.client, alert.domain);
            continue;
        }
        let [high, low] = alert.client;
        let client = match (low, high as u32) {
            (0, 0) => std::net::Ipv4Addr::from((high >> 32) as u32).to_string(),
            _ => std::net::Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)).to_string(),
        };
        let parts = alert.score.parts();
        let why: Vec<_> =
            TERMS.iter().zip(parts).filter(|(_, p)| p.abs() > 0.0005).map(|(t, p)| format!("\"{t}\":{p:.3}")).collect();
        println!(
            "{{\"client\":\"{client}\",\"domain\":\"{}\",\"first_alert_ts\":{}.{:06},\"score\":{:.3},\"volume\":\"{:?}\",\"bytes\":{},\"why\":{{{}}}}}",
            alert.domain,
            alert.first_alert / 1_000_000_000,
            alert.first_alert / 1000 % 1_000_000,
            alert.score.value(),
            alert.score.volume,
            alert.bytes_up,
            why.join(",")
        );
    }
}
