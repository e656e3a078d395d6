//! `app_stream`: the first bytes of both sides of a TCP connection against every recogniser, and against every protocol's
//! search for an upgrade to TLS, a proxy's prefix, a login and ports of other flows. `app_datagram`: one datagram against every recogniser, on
//! registered ports and on none. `dns`: one DNS message, recognised and judged with those before it.
//!
//! Promised: an offset lies in the bytes it is of, and an account is no longer than may stand in a record.

use std::cell::RefCell;
use transitproof_dns::{Config, Detector, Observed, Spot};
use transitproof_wire::Protocol;
use transitproof_wire::app::announced::{announced, keeps_word};
use transitproof_wire::app::credentials::credentials;
use transitproof_wire::app::proxies::{Prefix, negotiated, proxy_header};
use transitproof_wire::app::starttls::starttls;
use transitproof_wire::app::{self, Ports, Serial, chains, one_sided, upgrade};
use transitproof_wire::dns::{Message, RECORDS_LIMIT};
use transitproof_wire::tls::{joined_inside, looks_like_tls};

/// The server's port and the length of the client's bytes, both big-endian, then these bytes before the server's.
pub fn stream(input: &[u8]) {
    let Some((port, [high, low, rest @ ..])) = port(input) else { return };
    let (client, server) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(rest.len()));
    let ports = Ports { client: 40_000, server: port };
    for (of_client, of_server) in [(2, 2), (2, 0), (0, 2), (1, 2), (2, 1), (1, 1)] {
        let (client, server) = (&client[..client.len() * of_client / 2], &server[..server.len() * of_server / 2]);
        let _ = app::stream(client, server, ports);
    }
    for (joined, within) in [(true, true), (true, false), (false, false)] {
        let _ = chains::stream(client, server, ports, joined, within);
    }
    let _ = (looks_like_tls(client), joined_inside(client));
    assert!(passed(proxy_header(client)).is_none_or(|(at, other)| at <= client.len() && other == 0));
    for &protocol in Protocol::ALL {
        for (client_at, server_at) in
            [starttls(protocol, client, server), passed(negotiated(protocol, client, server))].into_iter().flatten()
        {
            assert!(client_at <= client.len() && server_at <= server.len(), "{}", protocol.name());
        }
        login(protocol, client, server);
        for (said, of_client) in [(client, true), (server, false)] {
            let at = one_sided::starttls(protocol, said, of_client).or(passed_by(protocol, said, of_client));
            assert!(at.is_none_or(|at| at <= said.len()), "{}", protocol.name());
            let _ = one_sided::ends_clear_part(protocol, said, of_client);
        }
        let _ = (app::goes_on_as(protocol, client, server), upgrade::chance(protocol, client, server));
        announced(protocol, true, client, &mut |_| ());
        announced(protocol, false, server, &mut |_| ());
    }
}

fn passed(prefix: Prefix) -> Option<(usize, usize)> {
    match prefix {
        Prefix::Passed(_, client, server) => Some((client, server)),
        Prefix::None | Prefix::NeedMore => None,
    }
}

fn passed_by(protocol: Protocol, said: &[u8], of_client: bool) -> Option<usize> {
    one_sided::proxy(protocol, said, of_client).map(|(_, at)| at)
}

fn login(protocol: Protocol, client: &[u8], server: &[u8]) {
    const LONGEST: usize = 256;
    let Some(credential) = credentials(protocol, client, server) else { return };
    assert!(credential.account.is_none_or(|account| account.len() <= LONGEST), "{}", credential.kind);
}

/// The port before the payload.
pub fn datagram(input: &[u8]) {
    let Some((port, payload)) = port(input) else { return };
    let ports = Ports { client: 40_000, server: port };
    for from_client in [true, false] {
        let _ = app::datagram(payload, from_client, ports);
    }
    login(Protocol::Snmp, payload, &[]);
    for &protocol in Protocol::ALL {
        let _ = keeps_word(protocol, payload);
    }
    let _ = Serial::of(payload).map(|one| one.follows(one));
}

/// A big-endian port and what stands behind it.
pub fn port(input: &[u8]) -> Option<(u16, &[u8])> {
    let (port, rest) = input.split_first_chunk()?;
    Some((u16::from_be_bytes(*port), rest))
}

pub fn dns(input: &[u8]) {
    let header = app::dns::header(input);
    assert!(header.is_err() || input.len() >= 12);
    if app::dns::is_response(input) {
        assert!(header.is_ok_and(|header| header.is_response()));
    }
    for server in [53, 5353, 5355, 137] {
        let _ = app::datagram(input, true, Ports { client: 40_000, server });
        let framed = [&(input.len() as u16).to_be_bytes()[..], input].concat();
        let _ = app::stream(&framed, &framed, Ports { client: 40_000, server });
    }
    dns_judged(input);
}

thread_local! {
    /// Small, and the same for all inputs, so that what one leaves behind meets the next.
    static DETECTOR: RefCell<(Detector, u64)> = RefCell::new((Detector::new(Config { pairs: 64, ..Config::default() }), 0));
}

/// The message read as far as it goes, and judged; what is remembered is what can be written down and read again.
fn dns_judged(input: &[u8]) {
    let Ok(message) = Message::read(input) else { return };
    assert!(message.question.name.written() < 255 && message.records().count() <= RECORDS_LIMIT);
    DETECTOR.with_borrow_mut(|(detector, calls)| {
        *calls += 1;
        let spot = Spot { time: u64::from(input[0]) << 32 | *calls, frame: *calls };
        let client = [u64::from(input[1] & 3), 0];
        detector.message(&Observed { client, message: &message, spot, asked: input[0] & 1 == 0 });
        for alert in detector.alerts.all() {
            let sum: f32 = alert.score.parts().iter().sum();
            assert!((sum - alert.score.value()).abs() < 1e-3);
        }
        if *calls % 512 == 0 {
            let state = detector.save();
            assert!(detector.restore(&state).is_ok() && detector.save() == state);
        }
    });
}
