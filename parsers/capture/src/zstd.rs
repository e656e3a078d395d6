//! A zstd stream of any number of frames (RFC 8878 section 3.1), skippable ones among them.
//!
//! The decoder withholds the last window of a frame until it has seen the frame's end. When a frame is cut or damaged,
//! it is therefore given an empty last block, so that everything decoded before the damage comes out first.

use crate::limits::MAX_DICTIONARY;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, Read};

/// An empty raw block marked as the last, and room for a checksum.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(crate) struct Zstd<R> {
    stored: R,
    decoder: FrameDecoder,
    in_frame: bool,
    /// Reported when what was decoded before it has been read.
    error: Option<String>,
}

impl<R: BufRead> Zstd<R> {
    pub(crate) fn new(stored: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_DICTIONARY);
        Self { stored, decoder, in_frame: false, error: None }
    }

    /// False at the end of the input.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.stored.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.stored) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.stored.by_ref().take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
        }
        Ok(false)
    }

    fn decode_block(&mut self) {
        if let Err(error) = self.decoder.decode_blocks(&mut self.stored, BlockDecodingStrategy::UptoBlocks(1)) {
            self.error = Some(error.to_string());
            // An error here changes nothing: the first one is reported.
            let _ = self.decoder.decode_blocks(LAST_BLOCK.as_slice(), BlockDecodingStrategy::UptoBlocks(1));
        }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        let error = self.error.take().or_else(|| {
            let stated = self.decoder.get_checksum_from_data()?;
            (self.decoder.get_calculated_checksum() != Some(stated)).then(|| "wrong checksum".to_owned())
        });
        error.map_or(Ok(()), |text| Err(io::Error::new(io::ErrorKind::InvalidData, text)))
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            if self.decoder.is_finished() || self.error.is_some() {
                self.end_frame()?;
            } else {
                self.decode_block();
            }
        }
    }
}
