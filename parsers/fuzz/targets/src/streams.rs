//! `tls`: a TCP stream of TLS or SSLv2, in segments of any size, with holes, followed to its session.
//!
//! Promised: the record keeps to the contract; and where no bytes are missing and every record has a header,
//! it makes no difference how the stream was cut into segments.

use crate::json;
use crate::script::{GAP, Step, steps};
use transitproof_flow::Direction;
use transitproof_flow::certificates::Certificates;
use transitproof_flow::tls::{Progress, Session, TlsStream};
use transitproof_wire::tls::RecordHeader;

pub fn tls(input: &[u8]) {
    let steps = steps(input);
    let (session, certificates) = follow(&steps);
    json::members(|out| session.write_record(&certificates, out));
    if steps.iter().all(|step| step.flags & GAP == 0)
        && [Direction::Forward, Direction::Reverse].iter().all(|side| framed(&steps, *side))
    {
        let bytes: Vec<_> =
            steps.iter().flat_map(|step| step.bytes.chunks(1).map(|bytes| Step { bytes, ..*step })).collect();
        assert_eq!(session, follow(&bytes).0, "the cut into segments matters");
    }
}

fn follow(steps: &[Step<'_>]) -> (Session, Certificates) {
    let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
    for step in steps {
        if step.flags & GAP != 0 {
            stream.gap(step.from());
        }
        if stream.data(step.from(), step.bytes, 1, &mut certificates) != Progress::More {
            break;
        }
    }
    stream.closed(true);
    (stream.session().clone(), certificates)
}

/// Whether one side is records one behind the other: behind anything else, the next one is looked for segment by segment.
fn framed(steps: &[Step<'_>], side: Direction) -> bool {
    let bytes: Vec<u8> = steps.iter().filter(|step| step.from() == side).flat_map(|step| step.bytes).copied().collect();
    let mut rest = &bytes[..];
    while let Some((header, behind)) = rest.split_first_chunk::<5>() {
        let Some(header) = RecordHeader::parse(*header) else { return false };
        rest = behind.get(usize::from(header.length)..).unwrap_or_default();
    }
    true
}
