//! The frames that an Initial packet may hold: RFC 9000 sections 12.4 and 19. All others end the walk.

use super::varint;
use crate::{ParseError, Reader};

const PADDING: u8 = 0x00;
const PING: u8 = 0x01;
const ACK: u8 = 0x02;
const ACK_ECN: u8 = 0x03;
const CRYPTO: u8 = 0x06;
const CONNECTION_CLOSE: u8 = 0x1c;

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
            let frame = match kind {
                PING => Some(()),
                ACK | ACK_ECN => acknowledgement(r, kind == ACK_ECN),
                CRYPTO => {
                    if let Some((offset, data)) = crypto(r) {
                        return Some(Ok(InitialFrame::Crypto { offset, data }));
                    }
                    None
                }
                CONNECTION_CLOSE => {
                    if let Some(code) = connection_close(r) {
                        return Some(Ok(InitialFrame::Close(code)));
                    }
                    None
                }
                _ => None,
            };
            if frame.is_none() {
                *r = Reader::new(&[], "quic");
                return Some(Err(ParseError::Malformed("quic frame")));
            }
        }
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

fn crypto<'a>(r: &mut Reader<'a>) -> Option<(u64, &'a [u8])> {
    let offset = varint(r)?;
    let length = usize::try_from(varint(r)?).ok()?;
    Some((offset, r.take(length).ok()?))
}

/// Error code, type of the frame at fault, reason phrase.
fn connection_close(r: &mut Reader<'_>) -> Option<u64> {
    let code = varint(r)?;
    varint(r)?;
    let reason = usize::try_from(varint(r)?).ok()?;
    r.take(reason).ok()?;
    Some(code)
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

    #[test]
    fn a_frame_that_may_not_be_there_ends_the_walk() {
        let frames: Vec<_> = initial_frames(b"\x06\0\x01a\x08\0\x06\x01\x01b").collect();
        assert_eq!(frames.len(), 2);
        assert!(frames[1].is_err());
        assert!(initial_frames(b"\x06\0\x02a").next().unwrap().is_err());
    }
}
