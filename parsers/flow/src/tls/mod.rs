//! TLS, DTLS and SSLv2 handshakes followed on one connection: what was offered, chosen, proven, and whether it came to be.
//!
//! Three layers: `TlsStream` and `DtlsFollower` know records and reassembly, `Handshake` knows messages (and serves QUIC,
//! whose CRYPTO frames carry them without records), `Session` holds the facts. None knows packets, time or flows.
//! RFC 8446, RFC 5246, RFC 6347, RFC 9147.

pub mod beside;
#[cfg(test)]
mod compressed_tests;
mod decryption;
mod dtls;
#[cfg(test)]
mod dtls13_tests;
mod ech;
mod flight;
mod handshake;
mod limits;
mod more;
mod mutual;
mod offer;
mod resumption;
mod session;
mod sslv2;
mod stream;
#[cfg(test)]
mod tests;
mod volume;
mod write;

pub use dtls::DtlsFollower;
pub use ech::Configurations;
pub use handshake::Handshake;
pub use offer::Offer;
pub use resumption::Resumptions;
pub use session::{Keys, Session};
pub use stream::TlsStream;
pub use volume::Volume;

/// What the caller should do with the follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    More,
    /// Nothing more to learn: keep the session, drop the rest.
    Done,
    /// Not TLS after all.
    Alien,
}
