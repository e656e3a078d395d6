//! The three ways in which bytes can fail to be what they should be; three words used everywhere.

use std::fmt;

/// Why a parser stopped. `Truncated` bytes may yet arrive (or were cut by the snap length), `Malformed`
/// bytes never become right, `Limited` means that one of our own named limits said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    Truncated(&'static str),
    Malformed(&'static str),
    Limited(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(what) => write!(f, "{what} truncated"),
            Self::Malformed(what) => write!(f, "{what} malformed"),
            Self::Limited(what) => write!(f, "{what} over its limit"),
        }
    }
}

impl std::error::Error for ParseError {}
