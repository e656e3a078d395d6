use super::*;

#[test]
fn nothing_seen_is_nothing_negotiated() {
    assert!(!IkeState::new().negotiated());
}
