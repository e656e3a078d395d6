//! Packets to flows and observations: table, reassembly, classification, handshakes, records.
//!
//! Pure: no sockets, files, clock or threads; time enters with the packet. May not know Python.
#![forbid(unsafe_code)]

mod announced;
pub mod certificates;
mod chunked;
mod clear;
mod context;
mod conversation;
pub mod core;
mod dialogue;
mod dns;
mod eap;
pub mod endpoint;
mod entry;
pub mod esp;
pub mod few;

pub mod fingerprint;
mod fragments;
mod hash;
mod hash_key;
mod head;
pub mod ike;
mod intern;
mod ipsec;
mod ipsec_stream;
mod joined;
#[cfg(test)]
mod joined_tests;
pub mod json;
mod key;
mod keys;
mod later;
#[cfg(test)]
mod later_tests;
mod leak;
pub mod ledger;
pub mod limits;
#[cfg(test)]
mod limits_tests;
mod looked;
pub mod observation;
mod one_sided;
#[cfg(test)]
mod one_sided_tests;
mod opening;
#[cfg(test)]
mod opening_tests;
mod openvpn;
mod peers;
pub mod quic;
mod recent;
mod record;
mod rollup;
#[cfg(test)]
mod sealed_tests;
mod select;
mod share;
mod spare;
mod stations;
mod stream;
mod table;
mod tcp;
mod tds;
mod time;
pub mod tls;
mod totals;
pub mod trust;
mod tunnels;
mod udp;
mod why;
pub mod x509;

pub use context::EndpointTotals;
pub use core::{Config, Core, Frame, Wanted};
pub use dns::{Said, Watch};
pub use hash_key::HashKey;
pub use key::Key;
pub use keys::{KeyLog, MAX_LINE as MAX_KEY_LOG_LINE};
pub use leak::{Heard, Policy, Source as PolicySource};
pub use looked::Looked;
pub use observation::FlowId;
pub use select::{FilterError, Selection};
pub use share::{Share, Shares};
pub use transitproof_dns::Config as DnsConfig;

/// Which end of a flow sent something. The initiator is known from the SYN, else it is the sender of the first packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From the initiator, `src` of the record.
    #[default]
    Forward = 0,
    /// From the responder, `dst` of the record.
    Reverse = 1,
}

impl Direction {
    pub fn other(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}
