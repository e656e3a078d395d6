//! DNS messages to evidence: how much could have left in the names that one client asked for below one registered domain, and
//! what speaks for or against its having been meant.
//!
//! Pure and of bounded size: time comes with the packets, nothing is allocated per message. May not know flows, files, Python.
#![forbid(unsafe_code)]

mod alert;
mod beats;
mod case;
mod code;
mod detector;
mod domains;
mod extra;
mod hash;
mod known;
mod lanes;
mod letters;
mod names;
mod pair;
mod score;
mod seen;
mod state;
mod suffix;
mod table;
mod time;

pub use alert::{Alert, Alerts, Kind, MAX_ALERTS, Spot};
pub use detector::{Config, Detector, Observed};
pub use score::{Score, TERMS, Volume};
pub use suffix::is_public_suffix;
