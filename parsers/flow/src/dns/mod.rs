//! DNS in flows: which queries wait for their answers, and what the messages give away.

pub mod notice;
pub mod pending;
mod said;
mod stream;
mod watch;

pub use pending::Overflow;
pub use said::Said;
pub use stream::DnsStream;
pub use watch::Watch;
