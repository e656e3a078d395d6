//! The project's own captures, from which seeds are cut.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use transitproof_capture::Capture;
use transitproof_wire::packet::{Packet, Tunnels, dissect, ip_protocol};

/// What one end sent: from the sender of the first packet or not, and its payload.
pub type Sent = (bool, Vec<u8>);

/// Payloads of one flow, in the order of the capture.
pub struct Flow {
    pub transport: u8,
    /// Of both ends, the lower one first.
    pub ports: (u16, u16),
    pub sent: Vec<Sent>,
}

/// Everything read once.
#[derive(Default)]
pub struct Captures {
    /// Whole files.
    pub files: Vec<Vec<u8>>,
    /// Link type and bytes of each frame.
    pub frames: Vec<(u16, Vec<u8>)>,
    pub flows: Vec<Flow>,
}

impl Captures {
    /// Those in `tests/pcaps` of this repository.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/pcaps");
        let mut paths: Vec<PathBuf> = ["", "formats", "shapes"]
            .iter()
            .flat_map(|folder| fs::read_dir(root.join(folder)).expect("tests/pcaps is in the repository"))
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.to_string_lossy().contains(".pcap"))
            .collect();
        paths.sort();
        let mut captures = Self::default();
        for path in paths {
            captures.add(&path);
        }
        captures
    }

    fn add(&mut self, path: &Path) {
        self.files.push(fs::read(path).expect("a readable file"));
        let mut capture = Capture::open(path).expect("a capture");
        let (mut batch, mut flows) = (Vec::new(), BTreeMap::new());
        while capture.fill(&mut batch, 64).is_ok() && !batch.is_empty() {
            for frame in &batch {
                let bytes = capture.bytes(frame);
                self.frames.push((frame.link, bytes.to_vec()));
                if let Ok(packet) = dissect(frame.link, bytes, &mut Tunnels::default()) {
                    sort(&packet, &mut flows);
                }
            }
        }
        self.flows.extend(flows.into_values().map(|(_, flow)| flow).filter(|flow| !flow.sent.is_empty()));
    }
}

type End = (transitproof_wire::packet::Address, u16);

/// Puts a packet to its flow; with each flow stands who sent its first packet.
fn sort(packet: &Packet<'_>, flows: &mut BTreeMap<(u8, End, End), (End, Flow)>) {
    let ported = matches!(packet.transport, ip_protocol::TCP | ip_protocol::UDP);
    let port = |port: u16| if ported { port } else { 0 };
    let (src, dst) = ((packet.src, port(packet.src_port)), (packet.dst, port(packet.dst_port)));
    let (low, high) = (src.min(dst), src.max(dst));
    let (first, flow) = flows.entry((packet.transport, low, high)).or_insert_with(|| {
        let ports = (src.1.min(dst.1), src.1.max(dst.1));
        (src, Flow { transport: packet.transport, ports, sent: Vec::new() })
    });
    if !packet.payload.is_empty() {
        flow.sent.push((*first == src, packet.payload.to_vec()));
    }
}
