use super::*;

#[test]
fn a_header_shorter_than_itself_is_truncated() {
    assert_eq!(Message::parse(&[0; 27]).unwrap_err(), ParseError::Truncated("ike"));
}
