//! What the amount of data in a session means: whether one key protected more than it should, and whether what was recorded can be
//! read once there are quantum computers. Known only when the flow ends, so what it takes is kept as a few numbers until then.

use super::Session;
use transitproof_wire::registry::tls::{is_post_quantum, suite_name};

/// RFC 8446 section 5.5: 2^24.5 full-size records with AES-GCM for one key.
const GCM_RECORDS: u64 = 23_726_566;
/// What a full-size record takes at least on the wire, so that bytes give the fewest records that there can have been.
const FULL_RECORD: u64 = (1 << 14) + 5 + 1 + 16;
/// RFC 9001 section 6.6, RFC 9147 section 4.5.3: packets with AES-GCM or AES-CCM for one key; every packet has a record at least.
const DATAGRAMS: u64 = 1 << 23;
/// NIST SP 800-67 revision 2 section 3.5: 2^20 blocks of 64 bits for one key.
const SHORT_BLOCKS: u64 = (1 << 20) * 8;

/// What is kept of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// 0 if there is no session, or none that came to be.
    suite: u16,
    group: u16,
    is_tls13: bool,
}

impl Volume {
    pub fn of(session: &Session) -> Self {
        let suite = session.server.and_then(|server| u16::try_from(server.suite?).ok());
        match suite.filter(|_| session.established != Some(false)) {
            Some(suite) => Self { suite, group: session.group.unwrap_or_default(), is_tls13: session.is_tls13() },
            None => Self::default(),
        }
    }

    /// Whether one key protected more than it should, if it was not changed meanwhile: the suite, and by what measure. `bytes` and
    /// `packets` are those of the direction that has more.
    pub fn is_over(self, bytes: u64, packets: u64, datagrams: bool) -> Option<(&'static str, &'static str)> {
        if self.suite == 0 || (bytes <= SHORT_BLOCKS && packets <= DATAGRAMS) {
            return None; // nearly every flow
        }
        let name = suite_name(self.suite)?;
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let over = |over: bool, measure| over.then_some((name, measure));
        if has(&["_3DES_", "_DES_", "_DES40_", "_IDEA_", "_RC2_"]) {
            over(bytes > SHORT_BLOCKS, "short_blocks")
        } else if has(&["_GCM", "_CCM"]) && datagrams && self.is_tls13 {
            over(packets > DATAGRAMS, "aead_datagrams")
        } else if has(&["_GCM"]) && !datagrams {
            over(bytes / FULL_RECORD > GCM_RECORDS, "aead_records")
        } else {
            None
        }
    }

    /// Whether the keys come from an exchange that a quantum computer breaks. A pre-shared key alone is no such exchange.
    pub fn is_exposed(self) -> bool {
        match (self.suite, self.group, self.is_tls13) {
            (0, ..) | (_, 0, true) => false,
            (_, group, true) => !is_post_quantum(group),
            (suite, _, false) => suite_name(suite).is_none_or(|name| !name.starts_with("TLS_PSK_WITH_")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const GCM: u16 = 0x1301;
    const CHACHA20: u16 = 0x1303;
    const TRIPLE_DES: u16 = 0xc012;

    fn over(suite: u16, datagrams: bool, bytes: u64, packets: u64) -> Option<&'static str> {
        let is_tls13 = suite >> 8 == 0x13;
        Volume { suite, group: 0x1d, is_tls13 }.is_over(bytes, packets, datagrams).map(|(_, measure)| measure)
    }

    #[test]
    fn more_than_one_key_should_protect() {
        let (tls, quic) = (false, true);
        for (suite, datagrams, bytes, packets, expected) in [
            (GCM, tls, 380 << 30, 10, Some("aead_records")),
            (GCM, tls, 360 << 30, 10, None),
            (CHACHA20, tls, 1 << 50, 10, None),
            (GCM, quic, 1 << 34, (1 << 23) + 1, Some("aead_datagrams")),
            (GCM, quic, 1 << 34, 1 << 23, None),
            (CHACHA20, quic, 1 << 34, 1 << 24, None),
            (TRIPLE_DES, tls, (8 << 20) + 1, 9, Some("short_blocks")),
            (TRIPLE_DES, tls, 8 << 20, 9, None),
            (0, tls, 1 << 50, 1 << 30, None),
        ] {
            assert_eq!(over(suite, datagrams, bytes, packets), expected, "{suite:x} {datagrams} {bytes} {packets}");
        }
    }

    #[test]
    fn what_a_quantum_computer_can_read() {
        let exposed = |suite, group, is_tls13| Volume { suite, group, is_tls13 }.is_exposed();
        assert!(exposed(GCM, 0x1d, true) && exposed(TRIPLE_DES, 0x17, false) && exposed(0x002f, 0, false));
        // ML-KEM; a PSK without an exchange, in 1.3 and in 1.2; no session.
        assert!(!exposed(GCM, 0x11ec, true) && !exposed(GCM, 0, true) && !exposed(0x00a8, 0, false));
        assert!(!Volume::default().is_exposed());
    }
}
