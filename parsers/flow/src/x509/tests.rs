//! What can be said without an oracle; the comparison with `cryptography` is tests/unit/trust/test_core_x509.py.
use super::*;

#[test]
fn nothing_is_no_certificate() {
    assert_eq!(Facts::read(&[]), None);
}
