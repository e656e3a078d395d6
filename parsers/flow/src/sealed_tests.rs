//! Connections that go on sealed behind a beginning in the clear, or were joined when that was over: RPC, OpenVPN.

use crate::Direction::{Forward, Reverse};
use crate::opening_tests::{Said, captured, handshake, record, says};

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A call of NFS 4: procedure, flavor and body of the credential, arguments.
fn call(procedure: u32, flavor: u32, credential: &[u8], arguments: &[u8]) -> Said {
    let size = credential.len() as u32;
    let message =
        [&words(&[7, 0, 2, 100_003, 4, procedure, flavor, size])[..], credential, &[0; 8], arguments].concat();
    says(Forward, [&(0x8000_0000 | message.len() as u32).to_be_bytes()[..], &message].concat())
}

fn agreed() -> Said {
    says(Reverse, [&words(&[0x8000_0020, 7, 1, 0, 0, 8])[..], b"STARTTLS", &[0; 4]].concat())
}

const SEALED: &str = "\"class\":\"encrypted\",\"protocol\":\"nfs\"";

#[test]
fn nfs_under_tls() {
    let said = [vec![call(0, 7, b"", b""), agreed()], handshake()].concat();
    for with_syn in [true, false] {
        let (record, _) = record(&said, with_syn);
        assert!(record.contains("\"starttls\":\"nfs\",\"tls\":{") && record.contains("\"TLSv1.2\""), "{record}");
    }
    for (from, word) in [(Forward, "nfs"), (Reverse, "rpc")] {
        let one: Vec<_> = said.iter().filter(|(spoke, _)| *spoke == from).cloned().collect();
        let (record, _) = record(&one, true);
        assert!(record.contains(&format!("\"starttls\":\"{word}\",\"tls\":{{")), "{record}");
    }
    let refused = [
        call(0, 7, b"", b""),
        says(Reverse, words(&[0x8000_0014, 7, 1, 1, 1, 1])),
        call(1, 1, b"", &words(&[0, 0, 1, 9])),
    ];
    let (record, facts) = record(&refused, true);
    assert!(record.contains("\"class\":\"plaintext\",\"protocol\":\"nfs\""), "{record}");
    assert!(facts.contains("\"tls.starttls\":\"refused\""), "{facts}");
}

#[test]
fn nfs_with_privacy() {
    let gss = |procedure, service| words(&[1, procedure, 1, service, 4, 9]);
    let hello = [call(0, 0, b"", b""), call(0, 6, &gss(1, 3), &[0xa5; 64])];
    for (service, sealed) in [(3, true), (2, false), (1, false)] {
        let arguments = [
            &words(&[if service == 1 { 0 } else { 44 }; 2][..if service == 1 { 0 } else { 2 }])[..],
            &words(&[0, 0, 1, 15]),
            &[0xc3; 48],
        ]
        .concat();
        let said = [&hello[..], &[call(1, 6, &gss(0, service), &arguments)]].concat();
        for with_syn in [true, false] {
            assert_eq!(record(&said, with_syn).0.contains(SEALED), sealed, "{service}");
        }
    }
    assert!(record(&hello, true).0.contains("\"class\":\"plaintext\",\"protocol\":\"nfs\""));
}

/// Every packet of a TLS handshake in packets of a control channel, from any of them on.
#[test]
fn openvpn_joined_in_its_handshake() {
    let mut numbers = [0u32; 2];
    let packet = |from, number: u32, payload: &[u8]| {
        let session = if from == Forward { [0x9c, 1, 2, 3, 4, 5, 6, 7] } else { [0xa9, 7, 6, 5, 4, 3, 2, 1] };
        let packet = [&[0x20], &session[..], &[0], &number.to_be_bytes(), payload].concat();
        says(from, [&(packet.len() as u16).to_be_bytes()[..], &packet].concat())
    };
    let mut said = Vec::new();
    for (from, bytes) in handshake() {
        for part in bytes.chunks(1100) {
            numbers[from as usize] += 1;
            said.push(packet(from, numbers[from as usize], part));
        }
    }
    for joined in 0..said.len() - 1 {
        let (record, facts) = captured(1194, &said[joined..], &[], false);
        assert!(record.contains("\"class\":\"encrypted\",\"protocol\":\"openvpn\""), "{joined}: {record}");
        assert!(facts.contains("openvpn"));
    }
}
