//! What a message must not say: each is told as it is, and nothing when one thing in it is other than its protocol has it.

use super::tests::told;
use super::*;
use crate::app::tests::{Random, fair};

/// So many in a row, sent by one side alone.
fn alone(message: &[u8], times: usize) -> Option<P> {
    told(&message.repeat(times), &[])
}

/// The one is told, the other not.
fn only(protocol: P, times: usize, good: &[u8], bad: &[u8]) {
    assert_eq!((alone(good, times), alone(bad, times)), (Some(protocol), None), "{bad:02x?}");
}

#[test]
fn mysql() {
    only(P::Mysql, 4, b"\x09\0\0\0\x03SELECT 1", b"\x09\0\0\0\x03SELECT\x80\x81");
    only(P::Mysql, 3, b"\x0a\0\0\0\x17\x01\0\0\0\0\x01\0\0\0", b"\x0a\0\0\0\x17\x01\0\0\0\x09\x01\0\0\0");
    let definition =
        |number: u8| [b"\x17\0\0", &[number][..], b"\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0"].concat();
    let columns = b"\x01\0\0\x01\x02";
    let answer = |number| told(&[], &[&columns[..], &definition(number)].concat());
    assert_eq!((answer(2), answer(3)), (Some(P::Mysql), None), "numbers count up");
    // Compressed: the number and the length of what is inside.
    let ok = |inner: &[u8]| [b"\x0b\0\0\x01\0\0\0", inner].concat();
    only(P::Mysql, 4, &ok(b"\x07\0\0\x01\0\0\0\x02\0\0\0"), &ok(b"\x07\0\0\x07\0\0\0\x02\0\0\0"));
    assert_eq!(alone(&ok(b"\x40\0\0\x01\x03def\0\0\0"), 4), None);
}

#[test]
fn postgresql() {
    let query = b"Q\0\0\0\x0dSELECT 1\0";
    only(P::Postgresql, 4, query, b"Q\0\0\0\x0cSELECT 1");
    let last = |length: u32| {
        let text = [&length.to_be_bytes()[..], &b"SELECT ".repeat(20)].concat();
        told(&[&query[..], query, b"Q", &text].concat(), &[])
    };
    assert_eq!((last(1 << 24), last((1 << 24) + 1)), (Some(P::Postgresql), None), "longer than any");
    only(P::Postgresql, 6, b"D\0\0\0\x0b\0\x01\0\0\0\x01x", b"D\0\0\0\x0c\0\x01\0\0\0\x01xy");
}

#[test]
fn other_databases() {
    // Bits without a meaning behind the right checksum.
    let frame = |header: &[u8]| [header, &fair(0x3b + 4)].concat();
    only(P::Cassandra, 3, &frame(b"\x3b\0\x02\x6b\x01\xeb"), &frame(b"\x3b\0\x0a\x02\x94\xb5"));
    only(P::Cassandra, 5, b"\x04\x02\0\x01\x07\0\0\0\x04\0\0\0\0", b"\x04\x20\0\x01\x07\0\0\0\x04\0\0\0\0");
    let message = |flags: u8| {
        [b"\x1e\0\0\0\x07\0\0\0\0\0\0\0\xdd\x07\0\0".as_slice(), &[flags, 0, 0, 0, 0], b"\x09\0\0\0\x08a\0\x01\0"]
            .concat()
    };
    only(P::Mongodb, 2, &message(2), &message(4));
    assert_eq!(
        (told(&[], &b"$5\r\nhello\r\n".repeat(4)), told(&[], &b"$5\r\nhello\n\n".repeat(4))),
        (Some(P::Redis), None)
    );
}

#[test]
fn brokers() {
    only(P::Amqp, 3, b"\x01\0\x01\0\0\0\x04\0\x3c\0\x28\xce", b"\x01\0\x01\0\0\0\x04\0\x3c\0\x28\xcd");
    only(P::Amqp, 3, b"\0\0\0\x0c\x02\0\0\0\0\x53\x14\xc0", b"\0\0\0\x0c\x03\0\0\0\0\x53\x14\xc0");
    // A topic longer than its packet, the last letter of which begins the next one.
    only(P::Mqtt, 5, b"\x30\x09\0\x07room/1a", b"\x30\x09\0\x08room/1a");
    only(P::Mqtt, 4, b"\xc0\0", b"\xc0\x01x");
}

#[test]
fn services() {
    let packet = |sequence: u8| [b"\xc0\x01", &[sequence, 4][..], b"\x12\x34\x56\x78\0\0\0\x08", &fair(8)].concat();
    let session = |numbers: [u8; 2]| numbers.map(packet).concat();
    assert_eq!([[1, 3], [1, 5]].map(|numbers| told(&session(numbers), &[])), [Some(P::Tacacs), None]);
    let from_client =
        |numbers| stream(&session(numbers), &[], Ports::default(), false, true).map(|found| found.protocol);
    assert_eq!([[1, 3], [2, 4]].map(from_client), [Some(P::Tacacs), None], "servers number theirs even");
    let header = |length: u8, kind: u8| [&[0xff; 16][..], &[0, length, kind]].concat();
    only(P::Bgp, 2, &header(19, 4), &header(19, 1));
    only(
        P::Ldap,
        2,
        b"\x30\x0b\x02\x01\x07\x42\0\xa0\x04\x30\x02\x04\0",
        b"\x30\x0b\x02\x01\x07\x42\0\x04\x04\x30\x02\x04\0",
    );
    let read = |size: u8| [&b"\0\0\0\x71\xfeSMB"[..], &[size], b"\0\x01\0\0\0\0\0\x08\0\x01\0", &[0; 97]].concat();
    only(P::Smb, 2, &read(0x40), &read(0x41));
}

#[test]
fn web() {
    let data = |length: u8| [&[0, 0, 12, 0, 0, 0, 0, 0, 41, 0, 0, 0, 0, length][..], &fair(7)].concat();
    only(P::Http, 3, &data(7), &data(9));
    only(P::Http, 3, b"\0\0\0\x04\x01\0\0\0\0", b"\0\0\0\x04\x01\0\0\0\x01");
    only(P::Http, 4, b"\x81\x10{\"op\": \"status\"}", b"\x81\x7e\0\x10{\"op\": \"status\"}");
}

#[test]
fn lines_of_text() {
    assert_eq!(told(&[], &b"211 9 1 9 misc.test\r\n".repeat(3)), Some(P::Nntp));
    assert_eq!(told(&[], &b"211 9 1 9\r\n".repeat(3)), None);
    only(P::Xmpp, 2, b"<message to='a'>hi</message>", b"<messages to='a'>hi</message>");
    let replies = |code: &str| told(&[], format!("250 {code} Ok\r\n").repeat(3).as_bytes());
    assert_eq!((replies("2.1.0"), replies("5.1.0")), (Some(P::Smtp), None), "another class");
    only(P::Pop3, 3, b"RETR 17\r\n", b"RETR no.17\r\n");
    let commands = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n";
    assert_eq!(told(commands, &[]), Some(P::Smtp));
    assert_eq!(told(&[b"xx", &commands[..]].concat(), &[]), None, "in the middle of a line");
}

#[test]
fn screens() {
    only(P::Vnc, 6, b"\x03\x01\0\0\0\0\x04\0\x03\0", b"\x03\x01\0\0\0\0\0\0\x03\0");
    let pointer = b"\x26\0\x02\0\x44\0\x20\x01".repeat(6);
    let then =
        |units: u8| told(&[&pointer[..], &[0x26, 0, units, 0], &vec![0; 4 * usize::from(units - 1)]].concat(), &[]);
    assert_eq!((then(2), then(3)), (Some(P::X11), None), "a size that its opcode does not have");
}

/// One message is no conversation, whatever it says; inside other data it has to lead to another.
#[test]
fn one_message_alone() {
    let keepalive = [&[0xff; 16][..], &[0, 19, 4]].concat();
    let inside = [&Random(5).bytes(24)[..], &keepalive].concat();
    assert_eq!((told(&keepalive, &[]), told(&inside, &keepalive)), (None, None));
    assert_eq!(told(&keepalive, &keepalive), Some(P::Bgp));
}
