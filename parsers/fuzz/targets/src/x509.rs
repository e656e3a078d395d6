//! `x509`: one certificate of any bytes.
//!
//! Promised: the record keeps to the contract, the names can be read again, and what is kept of a certificate is bounded by it.

use crate::json;
use transitproof_flow::x509::Facts;

/// A subject of one byte a component grows most: the escapes and separators of RFC 4514, and the fixed part.
const GROWTH: usize = 16;

pub fn x509(input: &[u8]) {
    let Some(facts) = Facts::read(input) else { return };
    assert!(facts.size() <= size_of::<Facts>() + GROWTH * input.len(), "{} of {}", facts.size(), input.len());
    let _ = facts.names().map(Iterator::count);
    let mut out = Vec::new();
    facts.write_record("00", input, &mut out);
    json::object(&out);
}
