//! The flow record of the contract, in its fixed order of members. DESIGN: `type`, times, ends, counts, class, facts, end.

use crate::certificates::Certificates;
use crate::conversation::{Conversation, Follower};
use crate::endpoint::{has_ports, write_address, write_transport};
use crate::entry::{EndReason, Entry, mark};
use crate::json;
use crate::key::{self, CommunityId, Family};
use crate::time::Clock;
use crate::tls::{Offer, Session};
use std::borrow::Cow;
use transitproof_wire::{Class, Protocol};

/// What stands between class and end of a record: members without the comma in front, or nothing.
pub struct Middle<'a> {
    /// `"tunnel":[…]`.
    pub tunnel: &'a [u8],
    /// What [`middle`] made of the flow's conversation.
    pub facts: &'a [u8],
    /// Say what decided the class.
    pub why: bool,
    /// Read with keys out of a tunnel.
    pub opened: bool,
}

/// Writes the record and its line feed.
pub fn write(entry: &Entry, middle: Middle<'_>, reason: EndReason, clock: &mut Clock, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"flow\",\"start\":");
    clock.quoted(out, entry.start);
    out.extend_from_slice(b",\"end\":");
    clock.quoted(out, entry.last);
    out.extend_from_slice(b",\"community_id\":");
    key::write_community_id(out, &community_id(entry));
    let initiator_low = entry.has(mark::INITIATOR_LOW);
    let (src, dst) = (entry.key.end(initiator_low), entry.key.end(!initiator_low));
    let ported = has_ports(entry.key.transport());
    let family = entry.key.family();
    let [source, destination]: [&[u8]; 2] = match family {
        Family::Link => [b",\"src_mac\":\"", b",\"dst_mac\":\""],
        Family::V4 | Family::V6 => [b",\"src_ip\":\"", b",\"dst_ip\":\""],
    };
    out.extend_from_slice(source);
    write_address(out, family, src.0);
    out.push(b'"');
    if ported {
        out.extend_from_slice(b",\"src_port\":");
        json::decimal(out, u64::from(src.1));
    }
    out.extend_from_slice(destination);
    write_address(out, family, dst.0);
    out.push(b'"');
    if ported {
        out.extend_from_slice(b",\"dst_port\":");
        json::decimal(out, u64::from(dst.1));
    }
    out.extend_from_slice(b",\"transport\":\"");
    write_transport(out, family, entry.key.transport());
    out.extend_from_slice(b"\",\"packets\":[");
    write_pair(out, entry.packets());
    out.extend_from_slice(b"],\"bytes\":[");
    write_pair(out, entry.bytes);
    out.push(b']');
    json::word(out, "class", entry.class().name());
    if entry.protocol != Protocol::Unknown {
        json::word(out, "protocol", entry.protocol.name());
    }
    json::word(out, "evidence", evidence_class(entry, middle.opened));
    if middle.why && entry.class() != Class::Unknown {
        entry.why.write(out);
    }
    for part in [middle.tunnel, middle.facts] {
        if !part.is_empty() {
            out.push(b',');
            out.extend_from_slice(part);
        }
    }
    if entry.continues {
        json::key(out, "continues");
        out.extend_from_slice(b"true");
    }
    json::word(out, "end_reason", reason.word());
    out.extend_from_slice(b"}\n");
}

fn write_pair(out: &mut Vec<u8>, [forward, reverse]: [u64; 2]) {
    json::decimal(out, forward);
    out.push(b',');
    json::decimal(out, reverse);
}

/// How the class is known; of class unknown nothing could be observed.
fn evidence_class(entry: &Entry, opened: bool) -> &'static str {
    match entry.class() {
        Class::Unknown => "not_observable",
        _ if opened => "decrypted",
        _ if entry.has(mark::INFERRED) => "inferred",
        _ => "observed",
    }
}

pub fn community_id(entry: &Entry) -> CommunityId {
    let icmp = (entry.next_seq[0] as u8, entry.next_seq[1] as u8);
    key::community_id(&entry.key, entry.has(mark::INITIATOR_LOW), icmp)
}

/// The members that the conversation knows: `"via":[…],"starttls":…,"tls":{…}` and the like, without the outer commas.
pub fn middle(conversation: &Conversation, certificates: &Certificates, out: &mut Vec<u8>) {
    if !conversation.via.is_empty() {
        json::words(out, "via", conversation.via.iter().map(|via| via.name()));
    }
    if let Some(protocol) = conversation.starttls {
        json::word(out, "starttls", protocol.name());
    }
    match &conversation.follower {
        Follower::Tls(tls) => tls.session().write_record(certificates, out),
        Follower::Dtls(dtls) => dtls.session().write_record(certificates, out),
        Follower::Ipsec(ipsec) => ipsec.write_record(certificates, out),
        Follower::Quic(quic) => quic.write_record(certificates, out),
        Follower::OpenVpn(vpn) => vpn.tls().session().write_record(certificates, out),
        Follower::Radius(radius) => radius.tls().session().write_record(certificates, out),
        Follower::Eap(eap) => eap.tls().session().write_record(certificates, out),
        Follower::Undecided | Follower::Dialogue | Follower::Announcing | Follower::Dns(_) | Follower::DnsStream(_) => {
        }
    }
    if let Some(clear) = &conversation.clear {
        clear.write_record(out);
    }
}

/// Which facts of an observation are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    All,
    /// Without names and chains, which differ from server to server and which hardly a rule asks for.
    Judged,
}

/// The flat facts of an observation beyond class and protocol, appended to an open object.
pub fn facts(conversation: &Conversation, certificates: &Certificates, detail: Detail, out: &mut Vec<u8>) {
    if !conversation.via.is_empty() {
        json::words(out, "via", conversation.via.iter().map(|via| via.name()));
    }
    if let Some(clear) = conversation.starttls {
        json::word(out, "starttls", clear.name());
    }
    match &conversation.follower {
        Follower::Tls(tls) => tls.session().write_facts(certificates, detail, out),
        Follower::Dtls(dtls) => dtls.session().write_facts(certificates, detail, out),
        Follower::Ipsec(ipsec) => ipsec.write_facts(out),
        Follower::Quic(quic) => quic.write_facts(certificates, detail, out),
        Follower::OpenVpn(vpn) => vpn.tls().session().write_facts(certificates, detail, out),
        Follower::Radius(radius) => radius.tls().session().write_facts(certificates, detail, out),
        Follower::Eap(eap) => eap.tls().session().write_facts(certificates, detail, out),
        Follower::Undecided | Follower::Dialogue | Follower::Announcing | Follower::Dns(_) | Follower::DnsStream(_) => {
        }
    }
    if let Some(clear) = &conversation.clear {
        clear.write_facts(out);
    }
}

/// The frame in which the facts were completed, if the conversation says one.
pub fn evidence(conversation: &Conversation) -> Option<u64> {
    let frame = match &conversation.follower {
        Follower::Ipsec(ipsec) => ipsec.ike.as_ref().map_or(0, |ike| ike.frame()),
        _ => session(conversation).map_or(conversation.frame, |session| session.frame),
    };
    (frame > 0).then_some(frame)
}

/// The TLS session that is followed, in whatever carries it.
pub fn session(conversation: &Conversation) -> Option<&Session> {
    match &conversation.follower {
        Follower::Tls(tls) => Some(tls.session()),
        Follower::Dtls(dtls) => Some(dtls.session()),
        Follower::Quic(quic) => Some(quic.session()),
        Follower::OpenVpn(vpn) => Some(vpn.tls().session()),
        Follower::Radius(radius) => Some(radius.tls().session()),
        Follower::Eap(eap) => Some(eap.tls().session()),
        _ => None,
    }
}

/// The server's name as the client gave it, bytes that are no UTF-8 as `\xNN`.
pub fn name(session: &Session) -> Option<Cow<'_, str>> {
    // What is seen in front of a hidden hello is the name of the server in front.
    let sni = session.offer.as_ref().filter(|_| !session.hides_name()).and_then(Offer::server_name)?;
    if json::is_plain(sni) {
        return std::str::from_utf8(sni).ok().map(Cow::Borrowed);
    }
    let mut quoted = Vec::new();
    json::text(&mut quoted, sni);
    Some(Cow::Owned(String::from_utf8_lossy(&quoted[1..quoted.len() - 1]).into_owned()))
}
