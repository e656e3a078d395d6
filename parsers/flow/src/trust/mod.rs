//! Chains that need no library: those that cannot reach a trusted root, told by names alone, and the ordinary ones that do, told by
//! their signatures.
//!
//! The same judgements in the same order as `Chains.judge` of probe/trust/chain.py gives for them; that file and anchors.py say why this
//! is sound. Whatever is out of the ordinary is `None`: Python's libraries judge it then. May not know policies or what a reason means
//! to an operator.

mod chain;
pub(crate) mod fold;
mod host;
mod known;
mod path;
mod roots;
mod signature;
#[cfg(test)]
mod tests;
mod validity;
pub mod weak;
pub mod wildcard;

pub use chain::judge;
pub use known::Known;
pub use roots::Roots;
pub use signature::{Signatures, proves};

use crate::certificates::CertificateId;
use std::sync::Arc;

/// Whose chain it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
    /// Of IKE.
    Peer,
}

/// What is said of a chain, in the words of the record contract. Reasons that only a library can find are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    Ok,
    Expired,
    NotYetValid,
    SelfSigned,
    UnknownRoot,
    MissingIntermediate,
    WrongName,
    WeakKey,
    WeakSignature,
    WrongUsage,
    Expiring,
    TooLong,
    Wildcard,
    Intercepted,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::SelfSigned => "self_signed",
            Self::UnknownRoot => "unknown_root",
            Self::MissingIntermediate => "missing_intermediate",
            Self::WrongName => "wrong_name",
            Self::WeakKey => "weak_key",
            Self::WeakSignature => "weak_signature",
            Self::WrongUsage => "wrong_usage",
            Self::Expiring => "certificate.expiring",
            Self::TooLong => "certificate.validity_length",
            Self::Wildcard => "certificate.wildcard",
            Self::Intercepted => "certificate.interception",
        }
    }

    /// Whether it is a check of its own, beside which a chain may be in order.
    pub fn is_aside(self) -> bool {
        matches!(self, Self::Expiring | Self::TooLong | Self::Wildcard | Self::Intercepted)
    }
}

/// One reason, the certificate that it is about, and what an operator needs to recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judgement {
    pub reason: Reason,
    pub certificate: CertificateId,
    pub detail: Option<String>,
}

/// Everything against a chain, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub judgements: Vec<Judgement>,
    /// The first and the last second since the Unix epoch at which the answer is this one.
    pub from_second: u64,
    pub until_second: u64,
    /// The stores with the root that an accepted chain leads to.
    pub store: Option<Arc<str>>,
}
