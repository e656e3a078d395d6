//! What the fuzzers call: one function a parser, which takes any bytes and panics only if a promise is broken.
//!
//! A library of its own, so that the same targets run under libFuzzer (`parsers/fuzz/fuzz_targets`, `make fuzz`) and in an
//! ordinary test over seeds, mutations of them and every input that ever failed (`tests/targets.rs`). Never shipped.
#![forbid(unsafe_code)]

mod app;
mod captures;
mod datagrams;
mod flows;
mod json;
mod mutate;
mod packet;
pub mod quic_seal;
mod reader;
pub mod script;
mod seeds;
mod streams;
mod whole;
mod x509;

pub use captures::Captures;
pub use mutate::{MAGIC, Mutator};

/// One thing to fuzz.
pub struct Target {
    /// Of the fuzz binary, its corpus and its regressions.
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Inputs cut out of the project's captures, from which the fuzzer starts.
    pub seeds: fn(&Captures) -> Vec<Vec<u8>>,
    /// How many times the ordinary test mutates a seed and runs: seconds in all, without optimisation.
    pub mutations: u32,
}

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn(&Captures) -> Vec<Vec<u8>>, mutations: u32) -> Target {
    Target { name, run, seeds, mutations }
}

/// The most exposed first.
pub const TARGETS: [Target; 14] = [
    target("core", whole::core, seeds::captures, 1_000),
    target("flows", flows::flows, seeds::flows, 1_500),
    target("tls", streams::tls, seeds::tls, 4_000),
    target("packet", packet::packet, seeds::frames, 30_000),
    target("quic", datagrams::quic, seeds::quic, 3_000),
    target("quic_frames", datagrams::quic_frames, seeds::quic_frames, 2_000),
    target("app_stream", app::stream, seeds::app_streams, 5_000),
    target("app_datagram", app::datagram, seeds::datagrams, 20_000),
    target("x509", x509::x509, seeds::certificates, 10_000),
    target("ike", datagrams::ike, seeds::ike, 10_000),
    target("dns", app::dns, seeds::dns, 10_000),
    target("capture", reader::capture, seeds::captures, 3_000),
    target("dtls", datagrams::dtls, seeds::dtls, 6_000),
    target("esp", datagrams::esp, seeds::esp, 8_000),
];

/// The target of a fuzz binary; panics if there is none, which is a fault of the binary.
pub fn named(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a name in TARGETS")
}
