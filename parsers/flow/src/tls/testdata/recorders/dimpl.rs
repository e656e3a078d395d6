//! Records dtls13_SUITE.txt: `record SUITE MTU`, in a package of its own with a copy of dimpl 0.9 (features rust-crypto) whose
//! `derive_handshake_secrets` prints `SECRET` and both secrets of the client in hex; they go in front as lines of a key log (`k`).

use dimpl::crypto::Dtls13CipherSuite;
use dimpl::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
fn drain(ep: &mut Dtls) -> (Vec<Vec<u8>>, bool) {
    let (mut out, mut connected) = (Vec::new(), false);
    let mut buf = vec![0u8; 4096];
    loop {
        match ep.poll_output(&mut buf) {
            Output::Packet(p) => out.push(p.to_vec()),
            Output::Connected => connected = true,
            Output::Timeout(_) => break,
            _ => {}
        }
    }
    (out, connected)
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let suite = match args[1].as_str() {
        "1301" => Dtls13CipherSuite::AES_128_GCM_SHA256,
        "1302" => Dtls13CipherSuite::AES_256_GCM_SHA384,
        _ => Dtls13CipherSuite::CHACHA20_POLY1305_SHA256,
    };
    let cert = |name: &str| DtlsCertificate {
        certificate: std::fs::read(format!("{name}.der")).unwrap(),
        private_key: std::fs::read(format!("{name}.key")).unwrap(),
    };
    let config =
        Arc::new(Config::builder().dtls13_cipher_suites(&[suite]).mtu(args[2].parse().unwrap()).build().unwrap());
    let mut now = Instant::now();
    let mut c = Dtls::new_13(config.clone(), cert("client"), now);
    c.set_active(true);
    let mut s = Dtls::new_13(config, cert("server"), now);
    s.set_active(false);
    let (mut a, mut b) = (false, false);
    let mut sent = false;
    for _ in 0..60 {
        c.handle_timeout(now).unwrap();
        s.handle_timeout(now).unwrap();
        let (co, cc) = drain(&mut c);
        let (so, sc) = drain(&mut s);
        a |= cc;
        b |= sc;
        let hex = |b: &[u8]| b.iter().map(|x| format!("{x:02x}")).collect::<String>();
        for p in &co {
            println!("> {}", hex(p));
            s.handle_packet(p).unwrap();
        }
        for p in &so {
            println!("< {}", hex(p));
            c.handle_packet(p).unwrap();
        }
        if a && b && !sent {
            c.send_application_data(b"ping").unwrap();
            s.send_application_data(b"pong").unwrap();
            sent = true;
        } else if sent && co.is_empty() && so.is_empty() {
            break;
        }
        now += Duration::from_millis(10);
    }
    assert!(a && b);
}
