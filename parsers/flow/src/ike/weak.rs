//! Which algorithms nobody should choose who was offered better ones; and which authentication rests on a shared secret.
//!
//! The responder's own list is not visible, so a downgrade is said only where what was chosen is outdated (RFC 8247 marks
//! it below SHOULD) and something of the same kind that is not was offered.

use super::IkeState;
use super::proposal::{Algorithm, Kind};

const KINDS: [Kind; 4] = [Kind::Encr, Kind::Prf, Kind::Integ, Kind::Ke];
/// By the start of their names, which are the same for both versions.
const OUTDATED: [&str; 21] = [
    "ENCR_DES",
    "ENCR_3DES",
    "ENCR_RC5",
    "ENCR_IDEA",
    "ENCR_CAST",
    "ENCR_BLOWFISH",
    "ENCR_3IDEA",
    "ENCR_NULL",
    "PRF_HMAC_MD5",
    "PRF_HMAC_SHA1",
    "PRF_HMAC_TIGER",
    "AUTH_HMAC_MD5",
    "AUTH_HMAC_SHA1",
    "AUTH_DES_MAC",
    "AUTH_KPDK_MD5",
    "modp768",
    "modp1024",
    "modp1536",
    "modp2048s224",
    "modp2048s256",
    "ecp192",
];

/// Pre-shared key, also with XAUTH (RFC 2409 appendix A, draft-ietf-ipsec-isakmp-xauth-06 section 7).
pub fn pre_shared(auth_method: u16) -> bool {
    matches!(auth_method, 1 | 65001 | 65002)
}

impl IkeState {
    /// Kinds of which something outdated was chosen although better was offered.
    pub(super) fn downgraded(&self) -> impl Iterator<Item = Kind> {
        KINDS.into_iter().filter(|kind| {
            let chosen = self.chosen.as_ref().and_then(|chosen| chosen.of(*kind).next());
            chosen.is_some_and(|chosen| self.is_outdated(chosen))
                && self.offered.iter().flat_map(|offer| offer.of(*kind)).any(|offered| self.is_good(offered))
        })
    }

    fn is_outdated(&self, algorithm: &Algorithm) -> bool {
        let name = algorithm.kind.name(algorithm.id, self.version_is_1());
        name.is_some_and(|name| OUTDATED.iter().any(|outdated| name.starts_with(outdated)))
    }

    /// Registered, not the absence of one (transform id 0), and not outdated.
    fn is_good(&self, algorithm: &Algorithm) -> bool {
        let known = algorithm.kind.name(algorithm.id, self.version_is_1()).is_some();
        known && algorithm.id != 0 && !self.is_outdated(algorithm)
    }
}
