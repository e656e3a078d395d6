//! Secrets that were given to the core, and what is opened with them: handshakes of TLS 1.3 and of what carries it, messages
//! of IKEv2, packets of ESP.
//!
//! Application data of TLS is never decrypted: only handshake traffic secrets are kept. Secrets never leave this room; they are
//! overwritten when they are dropped, and no type that holds one can be printed.

mod aead;
pub mod ipsec;
mod log;
mod schedule;

pub use aead::{Protection, SAMPLE, hash_of, tag_length};
pub use log::{ClientRandom, KeyLog, MAX_LINE};
pub use schedule::{Hash, Labels, Transcript};

use zeroize::Zeroize;

/// The longest hash of a TLS 1.3 suite.
pub const MAX_HASH: usize = 48;

/// A traffic secret, as long as the suite's hash.
#[derive(Clone)]
pub struct Secret {
    bytes: [u8; MAX_HASH],
    length: u8,
}

impl Secret {
    /// `None` if no suite of TLS 1.3 has secrets of this length.
    pub fn new(secret: &[u8]) -> Option<Self> {
        if !matches!(secret.len(), 32 | 48) {
            return None;
        }
        let mut bytes = [0; MAX_HASH];
        bytes.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
        Some(Self { bytes, length: secret.len() as u8 })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The handshake traffic secrets of one session: the client's and the server's.
pub type Secrets = [Option<Secret>; 2];
