//! The proof that an association does not encrypt: several packets that read as unencrypted in one and the same way.
//!
//! Never claimed on ciphertext: each packet must have a right trailer, right lengths and a right checksum. In transport
//! mode the checksum covers addresses that may have been translated; what they contribute must be the same each time.

use transitproof_wire::esp::{NULL_LAYOUTS, NullFit, NullLayout, null_fit};

/// Packets looked at before the question is closed: the first may be fragments or padding against traffic analysis.
const MAX_INSPECTED: u8 = 8;
/// Agreeing packets of a tunnel: each has 16 bits of checksum, 16 of length, and version, trailer and padding.
const PROOF_IN_TUNNEL: u8 = 2;
/// Agreeing packets in transport mode: the first only says what the addresses contribute.
const PROOF_IN_TRANSPORT: u8 = 3;

#[derive(Clone, Debug, Default)]
pub struct NullProof {
    inspected: u8,
    /// Packets without their end, where trailer and check value stand: they say nothing.
    cut: u8,
    agreeing: u8,
    fit: Option<NullFit>,
    proven: bool,
}

impl NullProof {
    #[inline]
    pub fn is_open(&self) -> bool {
        !self.proven && self.inspected + self.cut < MAX_INSPECTED
    }

    /// At least one packet was looked at.
    pub fn was_tried(&self) -> bool {
        self.inspected > 0
    }

    /// A packet could be read, and the question is still open.
    pub fn is_suspect(&self) -> bool {
        self.fit.is_some() && self.is_open()
    }

    pub fn proven(&self) -> Option<NullLayout> {
        self.fit.filter(|_| self.proven).map(|fit| fit.layout)
    }

    /// `None`: the capture cut the packet.
    pub fn inspect(&mut self, payload: Option<&[u8]>) {
        if !self.is_open() {
            return;
        }
        let Some(payload) = payload else {
            self.cut += 1;
            return;
        };
        self.inspected += 1;
        let Some(fit) = NULL_LAYOUTS.into_iter().find_map(|layout| null_fit(payload, layout)) else { return };
        if self.fit == Some(fit) {
            self.agreeing += 1;
        } else {
            (self.fit, self.agreeing) = (Some(fit), 1);
        }
        let needed = if fit.addresses.is_some() { PROOF_IN_TRANSPORT } else { PROOF_IN_TUNNEL };
        self.proven = self.agreeing >= needed;
    }
}
