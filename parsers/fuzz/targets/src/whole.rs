//! `core`: a capture file of any bytes through reader and core, to records, observations and totals.
//!
//! Promised: every line keeps to the contract; every IP packet and every byte of one counts to exactly one record, and the
//! totals are their sums; the table stays within its bound; and the output is the same whatever the seed of the hashes, the
//! sizes in which the frames come and the parts in which the end is written.

use crate::json;
use serde_json::{Map, Value};
use std::io::Cursor;
use transitproof_capture::Capture;
use transitproof_flow::limits::MAX_SAMPLES;
use transitproof_flow::observation::Observation;
use transitproof_flow::{Config, Core, Frame};

/// Frames looked at: a compressed input of a few bytes may hold millions.
const ENOUGH: usize = 4096;

/// Time, link type and bytes of a frame.
pub type Owned = (u64, u16, Vec<u8>);

pub fn core(input: &[u8]) {
    check_all(&frames(input), input.len());
}

/// `vary` chooses what must not matter, and the size of the table: half of the inputs meet a full one.
pub fn check_all(frames: &[Owned], vary: usize) {
    let max_flows = if vary & 1 == 0 { 1 << 16 } else { 4 };
    let once = play(frames, max_flows, 1, 256, usize::MAX);
    let again = play(frames, max_flows, vary as u64, 1 + vary % 37, 2);
    assert_eq!(once.records, again.records, "order, seed or sizes matter");
    assert_eq!(once.totals, again.totals);
    assert_eq!(once.certificates, again.certificates);
    assert_eq!(
        once.observations.iter().map(comparable).collect::<Vec<_>>(),
        again.observations.iter().map(comparable).collect::<Vec<_>>()
    );
    check(&once, frames);
}

fn frames(input: &[u8]) -> Vec<Owned> {
    let Ok(mut capture) = Capture::from_reader(Box::new(Cursor::new(input.to_vec()))) else { return Vec::new() };
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    while all.len() < ENOUGH && capture.fill(&mut batch, 64).is_ok() && !batch.is_empty() {
        all.extend(batch.iter().map(|frame| (frame.time_ns, frame.link, capture.bytes(frame).to_vec())));
    }
    all
}

struct Played {
    records: Vec<u8>,
    totals: Vec<u8>,
    observations: Vec<Observation>,
    certificates: Vec<Box<[u8]>>,
}

fn play(frames: &[Owned], max_flows: usize, seed: u64, at_a_time: usize, ending: usize) -> Played {
    let mut core = Core::new(Config { flows: true, endpoints: true, names: true, why: true, max_flows, seed });
    let frames: Vec<_> = (1..)
        .zip(frames)
        .map(|(number, (time, link, bytes))| Frame { time: *time, link: *link, number, bytes })
        .collect();
    let mut records = Vec::new();
    for frames in frames.chunks(at_a_time) {
        core.frames(frames);
        assert!(core.open_flows() <= max_flows);
        records.append(&mut core.swap_records(Vec::new()));
    }
    while core.finish(ending) {}
    assert_eq!(core.open_flows(), 0);
    records.append(&mut core.swap_records(Vec::new()));
    let bytes: u64 = core.endpoints().iter().map(|(_, _, totals)| totals.bytes).sum();
    let totals = core.totals();
    assert_eq!(pairs(&lines(&records), "bytes"), bytes, "totals of the endpoints");
    let certificates = core.take_certificates().iter().map(|certificate| certificate.der.clone()).collect();
    Played { records, totals, observations: core.take_observations(), certificates }
}

/// An observation as text: all of it is public, and none of it may depend on seeds.
fn comparable(seen: &Observation) -> String {
    format!("{seen:?}")
}

fn check(played: &Played, frames: &[Owned]) {
    let totals = json::object(&played.totals);
    let records = lines(&played.records);
    // What AH and unencrypted ESP carry is of a flow of its own besides that of the packet around it, or malformed besides.
    let outer: Vec<_> = records.iter().filter(|record| !is_carried(record)).cloned().collect();
    let may_carry = records.iter().any(|record| record["class"] == "ipsec");
    // A datagram whose fragments contradict each other is malformed, but they are of its flow.
    let fragments =
        totals["malformed"].as_object().into_iter().flatten().filter(|(what, _)| what.starts_with("ip_fragment"));
    let counted_as_well = fragments.filter_map(|(_, count)| count.as_u64()).sum::<u64>();
    let not_ip = sum(&totals["other"]) + sum(&totals["malformed"]) - counted_as_well;
    assert_eq!(totals["packets"], frames.len());
    let counted = pairs(&outer, "packets") + not_ip;
    assert!(
        counted == frames.len() as u64 || may_carry && counted > frames.len() as u64,
        "every IP packet is of one flow: {counted} of {}",
        frames.len()
    );
    // Fragments inside are counted when they are put together.
    let bytes = totals["bytes"].as_u64().expect("a number");
    assert!(bytes == pairs(&outer, "bytes") || may_carry && bytes > pairs(&outer, "bytes"));
    let (packets, bytes) = (pairs(&records, "packets"), pairs(&records, "bytes"));
    assert_eq!(totals["flows"], records.len());
    let classes = totals["by_class"].as_object().expect("an object");
    for (name, expected) in [("packets", packets), ("bytes", bytes), ("flows", records.len() as u64)] {
        assert_eq!(classes.values().filter_map(|class| class[name].as_u64()).sum::<u64>(), expected, "{name}");
    }
    for (class, sums) in classes {
        assert_eq!(sums["flows"], records.iter().filter(|record| record["class"] == **class).count(), "{class}");
    }
    for record in &records {
        assert!(record["start"].as_str() <= record["end"].as_str(), "{record:?}");
    }
    let judged: usize = records.iter().map(judged).sum();
    for seen in &played.observations {
        json::object(&seen.facts);
        assert!(seen.first_seen <= seen.last_seen);
        let limit = MAX_SAMPLES.min(seen.count as usize);
        assert!(
            seen.samples.iter().count() <= limit
                && seen.samples.iter().all(|sample| sample.frame <= frames.len() as u64)
        );
        assert!(seen.count <= judged as u64 && seen.count > 0);
    }
}

fn lines(records: &[u8]) -> Vec<Map<String, Value>> {
    records.split_inclusive(|byte| *byte == b'\n').map(line).collect()
}

/// How many observations a flow may be: one, or one for each of its IKE SAs.
fn judged(record: &Map<String, Value>) -> usize {
    record.get("ike").and_then(|ike| ike["spis"].as_array()).map_or(1, |sas| sas.len().max(1))
}

/// A flow inside AH or ESP.
fn is_carried(record: &Map<String, Value>) -> bool {
    let tunnel = record.get("tunnel").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    tunnel.into_iter().any(|around| around.starts_with("ah:") || around.starts_with("esp:"))
}

fn line(line: &[u8]) -> Map<String, Value> {
    json::object(line.strip_suffix(b"\n").expect("a whole line"))
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().expect("an object").values().filter_map(Value::as_u64).sum()
}

fn pairs(records: &[Map<String, Value>], name: &str) -> u64 {
    records.iter().flat_map(|record| record[name].as_array().expect("a pair")).filter_map(Value::as_u64).sum()
}
