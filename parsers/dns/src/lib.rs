//! DNS messages to evidence: how much could have left in the names that one client asked for below one registered domain, and
//! what speaks for or against its having been meant.
//!
//! Pure and of bounded size: time comes with the packets, nothing is allocated per message. May not know flows, files, Python.
#![forbid(unsafe_code)]

mod code;
mod hash;
mod letters;
mod seen;
mod suffix;
mod alert;
mod detector;
mod domains;
mod known;
mod names;
mod pair;
mod score;
mod table;
mod time;

pub use alert::{Alert, Alerts, MAX_ALERTS, Spot};
pub use detector::{Config, Detector, Observed};
pub use score::{Score, TERMS, Volume};
