//! Key log files on their way into the core. Secrets pass through one buffer, which is overwritten at the end.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use transitproof_capture::Source;
use transitproof_flow::{Core, MAX_KEY_LOG_LINE as MAX_LINE};
use zeroize::Zeroizing;

/// Type of the pcapng Decryption Secrets Blocks that hold such a log.
pub const TLS_KEY_LOG: u32 = 0x544c_534b;

const BUFFER: usize = 64 << 10;

/// Key logs of the Decryption Secrets Blocks in front of the frames at hand.
pub fn of_blocks(source: &mut impl Source) -> Vec<Zeroizing<Vec<u8>>> {
    let blocks = source.take_secrets().into_iter().map(|(kind, secrets)| (kind, Zeroizing::new(secrets)));
    blocks.filter(|(kind, _)| *kind == TLS_KEY_LOG).map(|(_, secrets)| secrets).collect()
}

pub fn hand_over(logs: &[Zeroizing<Vec<u8>>], core: &mut Core) {
    logs.iter().for_each(|log| core.keys().read(log));
}

/// Takes in all lines of a file or pipe, however long it is; what is kept of them is bounded.
pub fn read(path: &str, cores: &mut [Core]) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = Zeroizing::new(vec![0; BUFFER]);
    let (mut held, mut overlong) = (0, false);
    loop {
        let count = match file.read(&mut buffer[held..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        let end = held + count;
        let mut start = 0;
        while let Some(length) = buffer[start..end].iter().position(|byte| *byte == b'\n') {
            if !std::mem::take(&mut overlong) {
                cores.iter_mut().for_each(|core| core.keys().line(&buffer[start..start + length]));
            }
            start += length + 1;
        }
        held = end - start;
        if count == 0 {
            if held > 0 && !overlong {
                cores.iter_mut().for_each(|core| core.keys().line(&buffer[start..end]));
            }
            return Ok(());
        }
        if held > MAX_LINE {
            // No line of a key log: passed over up to its end.
            if !std::mem::replace(&mut overlong, true) {
                cores.iter_mut().for_each(|core| core.keys().overlong());
            }
            held = 0;
        } else {
            buffer.copy_within(start..end, 0);
        }
    }
}
