use super::*;

#[test]
fn two_associations_need_no_allocation() {
    let mut esp = EspState::new(false);
    esp.packet(Direction::Forward, 0x1001, 1, 100);
    esp.packet(Direction::Reverse, 0x1002, 1, 100);
    assert_eq!(esp.more.capacity(), 0);
}
