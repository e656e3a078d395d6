//! Bytes to typed views: link, network and transport headers, and the protocols that ride on them.
//!
//! What this crate may not know: flows, time, files, Python. Every parser borrows from the packet, allocates
//! nothing on the packet path and returns [`ParseError`] for what it cannot read; none panics.
#![forbid(unsafe_code)]

pub mod app;
pub mod dns;
pub mod dtls;
pub mod eap;
pub mod error;
pub mod esp;
pub mod ike;
pub mod openvpn;
pub mod packet;
pub mod protocol;
pub mod quic;
pub mod reader;
pub mod registry;
pub mod tls;

pub use error::ParseError;
pub use protocol::{Class, Protocol};
pub use reader::Reader;
