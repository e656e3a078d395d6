//! DNS in flows: which queries wait for their answers, and what the messages give away.

pub mod pending;
mod said;
mod watch;

pub use pending::Overflow;
pub use said::Said;
pub use watch::Watch;
