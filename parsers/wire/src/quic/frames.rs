//! The frames that an Initial packet may hold: RFC 9000 sections 12.4 and 19. All others end the walk.

use super::varint;
use crate::{ParseError, Reader};

const PADDING: u8 = 0x00;
const PING: u8 = 0x01;
const ACK: u8 = 0x02;
const ACK_ECN: u8 = 0x03;
const CRYPTO: u8 = 0x06;
const CONNECTION_CLOSE: u8 = 0x1c;
/// T050 and T051 have the packets of the drafts with the frames of Google's QUIC. Neither type is allowed in an Initial
/// packet of RFC 9000, so the two sets need no telling apart.
const GOOGLE_CRYPTO: u8 = 0x08;
const GOOGLE_ACK: u8 = 0x40;
const GOOGLE_ACK_LAST: u8 = 0x7f;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialFrame<'a> {
    Crypto {
        offset: u64,
        data: &'a [u8],
    },
    /// CONNECTION_CLOSE with its error code.
    Close(u64),
}

/// Yields the frames that tell something; PADDING, PING and ACK are passed over.
#[derive(Clone, Copy, Debug)]
pub struct InitialFrames<'a>(Reader<'a>);

/// `payload` is that of a packet whose protection was removed.
pub fn initial_frames(payload: &[u8]) -> InitialFrames<'_> {
    InitialFrames(Reader::new(payload, "quic"))
}

impl<'a> Iterator for InitialFrames<'a> {
    type Item = Result<InitialFrame<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let r = &mut self.0;
        loop {
            // Most of an Initial is padding up to 1200 bytes.
            let padding = r.rest().iter().take_while(|byte| **byte == PADDING).count();
            r.take(padding).ok()?;
            let kind = r.u8().ok()?;
            match frame(r, kind) {
                Some(None) => {}
                Some(Some(told)) => return Some(Ok(told)),
                None => {
                    *r = Reader::new(&[], "quic");
                    return Some(Err(ParseError::Malformed("quic frame")));
                }
            }
        }
    }
}

/// What a frame tells, if anything; `None` if it is not whole or may not be there.
fn frame<'a>(r: &mut Reader<'a>, kind: u8) -> Option<Option<InitialFrame<'a>>> {
    match kind {
        PING => Some(None),
        ACK | ACK_ECN => acknowledgement(r, kind == ACK_ECN).map(|()| None),
        GOOGLE_ACK..=GOOGLE_ACK_LAST => google_acknowledgement(r, kind).map(|()| None),
        CRYPTO | GOOGLE_CRYPTO => crypto(r).map(Some),
        CONNECTION_CLOSE => connection_close(r).map(Some),
        _ => None,
    }
}

/// Largest acknowledged, delay, count of ranges, first range; then gap and length of each range; then three ECN counts.
fn acknowledgement(r: &mut Reader<'_>, ecn: bool) -> Option<()> {
    varint(r)?;
    varint(r)?;
    let ranges = varint(r)?;
    varint(r)?;
    for _ in 0..ranges {
        varint(r)?;
        varint(r)?;
    }
    if ecn {
        for _ in 0..3 {
            varint(r)?;
        }
    }
    Some(())
}

/// `01nullmm`: more blocks than one, unused, sizes of the largest acknowledged and of the block lengths. Then the largest,
/// the delay, the count of blocks, first block, gap and length of each other, and timestamps.
fn google_acknowledgement(r: &mut Reader<'_>, kind: u8) -> Option<()> {
    let size = |bits: u8| usize::from([1u8, 2, 4, 6][usize::from(bits & 3)]);
    r.take(size(kind >> 2) + 2).ok()?;
    let others = if kind & 0x20 != 0 { usize::from(r.u8().ok()?) } else { 0 };
    r.take(size(kind) + others * (1 + size(kind))).ok()?;
    // The first timestamp has 4 bytes of time, the others 2, each behind a byte that names its packet.
    match usize::from(r.u8().ok()?) {
        0 => Some(()),
        timestamps => r.take(5 + (timestamps - 1) * 3).ok().map(|_| ()),
    }
}

fn crypto<'a>(r: &mut Reader<'a>) -> Option<InitialFrame<'a>> {
    let offset = varint(r)?;
    let length = usize::try_from(varint(r)?).ok()?;
    Some(InitialFrame::Crypto { offset, data: r.take(length).ok()? })
}

/// Error code, type of the frame at fault, reason phrase.
fn connection_close<'a>(r: &mut Reader<'_>) -> Option<InitialFrame<'a>> {
    let code = varint(r)?;
    varint(r)?;
    let reason = usize::try_from(varint(r)?).ok()?;
    r.take(reason).ok()?;
    Some(InitialFrame::Close(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_ping_and_acknowledgements_are_passed_over() {
        let payload =
            b"\0\0\x01\x02\x05\x00\x01\x02\x00\x01\x03\x05\x00\x00\x02\x01\x01\x01\x06\x02\x03abc\0\0\x06\x05\x01d\0";
        let frames: Vec<_> = initial_frames(payload).collect::<Result<_, _>>().unwrap();
        assert_eq!(
            frames,
            [InitialFrame::Crypto { offset: 2, data: b"abc" }, InitialFrame::Crypto { offset: 5, data: b"d" }]
        );
    }

    #[test]
    fn the_error_of_a_close_is_read() {
        let frames: Vec<_> = initial_frames(b"\x1c\x41\x28\x06\x03bad").collect();
        assert_eq!(frames, [Ok(InitialFrame::Close(0x128))]);
    }

    /// Layouts as tshark shows them; the second has two blocks and two timestamps.
    #[test]
    fn frames_of_google_quic() {
        for ack in [&b"\x40\x01\0\0\x01\0"[..], b"\x64\0\x09\0\0\x01\x02\x01\x03\x02\0\0\0\0\x01\x01\0\x05"] {
            let frames: Vec<_> =
                initial_frames(&[ack, b"\x08\0\x01a"].concat()).map(Result::unwrap).map(owned).collect();
            assert_eq!(frames, [(0, b"a".to_vec())]);
        }
    }

    fn owned(frame: InitialFrame<'_>) -> (u64, Vec<u8>) {
        match frame {
            InitialFrame::Crypto { offset, data } => (offset, data.to_vec()),
            InitialFrame::Close(_) => panic!("{frame:?}"),
        }
    }

    #[test]
    fn a_frame_that_may_not_be_there_ends_the_walk() {
        let frames: Vec<_> = initial_frames(b"\x06\0\x01a\x10\0\x06\x01\x01b").collect();
        assert_eq!(frames.len(), 2);
        assert!(frames[1].is_err());
        assert!(initial_frames(b"\x06\0\x02a").next().unwrap().is_err());
    }
}
