//! Names of registry values: integers stay open, an unregistered one is written 0x1a2b.
pub mod ike;
pub mod tls;
