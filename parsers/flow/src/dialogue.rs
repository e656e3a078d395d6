//! Protocols in the clear, from the bytes that tell what they are up to what they agree on, a login, or the point behind which neither can
//! come. May not know sequence numbers.

use crate::Direction;
use crate::context::Context;
use crate::conversation::Conversation;
use crate::entry::{Entry, Phase};
use crate::later;
use crate::limits::{MAX_DIALOGUE, MAX_VIA};
use crate::one_sided;
use crate::opening::{step_over, upgrade};
use crate::tds::Unwrap;
use transitproof_wire::Protocol;
use transitproof_wire::app;
use transitproof_wire::app::announced::announces;
use transitproof_wire::app::proxies::{self, Prefix};
use transitproof_wire::tls::{Seen, looks_like_tls};

/// Protocols whose clear part may agree on TLS or on encryption of their own, step behind a proxy or carry a login.
pub fn watches(protocol: Protocol) -> bool {
    use Protocol::{Amqp, Nfs, Oracle, Rdp, Rpc, Sieve, Smb, Socks, Tds};
    app::credentials::has_logins(protocol)
        || matches!(protocol, Amqp | Nfs | Oracle | Rdp | Rpc | Sieve | Smb | Socks | Tds)
}

/// A protocol in the clear: has it agreed on something else, has it shown a login, is it worth listening on?
/// `spoke` is who said something just now.
pub fn dialogue(entry: &mut Entry, conversation: &mut Conversation, spoke: Direction, ctx: &mut Context) {
    let (client, server) = conversation.client_and_server();
    let mut tunnelling = false;
    if conversation.via.len() < MAX_VIA {
        match proxies::negotiated(entry.protocol, client, server) {
            Prefix::Passed(via, client_at, server_at) => {
                return step_over(entry, conversation, via, (client_at, server_at), ctx);
            }
            prefix => tunnelling = prefix == Prefix::NeedMore,
        }
    }
    if let Some((client_at, server_at)) = app::starttls::starttls(entry.protocol, client, server) {
        let [first, second] = [(client, client_at), (server, server_at)]
            .map(|(head, at)| looks_like_tls(inside(entry.protocol, head.get(at..).unwrap_or(&[]))));
        // Where words of one side are missing, the answers are counted wrongly: then it is no TLS that follows.
        if (first == Seen::Yes || second == Seen::Yes) && first != Seen::No && second != Seen::No {
            return upgrade(entry, conversation, (client_at, server_at), ctx);
        }
        if first == Seen::NeedMore || second == Seen::NeedMore {
            return;
        }
    }
    one_sided::note(entry, conversation, spoke, ctx.frame);
    let (client, server) = conversation.client_and_server();
    if let Some(found) = app::goes_on_as(entry.protocol, client, server) {
        if found == entry.protocol {
            conversation.read_dialogue(found, ctx.hash_key.as_ref());
        }
        entry.protocol = found;
        return ctx.settle(entry, Some(conversation));
    }
    // A login at the proxy comes in front of the tunnel, which is what the flow will be.
    let over = past_login(entry.protocol, tunnelling, client, server);
    let heard = if spoke == conversation.client() { client } else { server };
    let may_tell = (spoke == conversation.client() || app::credentials::needs_server(entry.protocol))
        && (heard.len() >= MAX_DIALOGUE || !app::credentials::awaits_message(entry.protocol, heard));
    let login = entry.protocol != Protocol::Http
        && conversation.alone.is_none()
        && may_tell
        && !tunnelling
        && app::credentials::credentials(entry.protocol, client, server).is_some();
    if login {
        conversation.frame = ctx.frame;
    }
    if over && one_sided::believe(entry, conversation, ctx) {
        return;
    }
    if over || login {
        conversation.read_dialogue(entry.protocol, ctx.hash_key.as_ref());
        settle_dialogue(entry, conversation, ctx);
    }
}

/// Where a TLS record begins in bytes that should be TLS: TDS puts them in its packets.
fn inside(protocol: Protocol, bytes: &[u8]) -> &[u8] {
    if protocol == Protocol::Tds { Unwrap::default().next(&mut &*bytes).unwrap_or(&[]) } else { bytes }
}

/// The point after which neither an upgrade nor a login can come any more; elsewhere the byte limit decides.
fn past_login(protocol: Protocol, tunnelling: bool, client: &[u8], server: &[u8]) -> bool {
    let full = |head: &[u8]| head.len() >= MAX_DIALOGUE;
    match protocol {
        _ if tunnelling => full(client) || full(server),
        // The answer tells whether it only leads to HTTPS; by then the request is whole, and with it a login.
        Protocol::Http => {
            !client.is_empty() && app::http::exchange(client, server).served || full(client) || full(server)
        }
        // One message of either side says everything.
        Protocol::Kerberos | Protocol::Snmp | Protocol::Tacacs => {
            let is_whole = |head: &[u8]| app::credentials::is_message(protocol, head) || full(head);
            is_whole(client) && is_whole(server)
        }
        // The login is the first thing that a client says.
        Protocol::Redis | Protocol::Mqtt => client.len() >= 512,
        _ => full(client) || full(server),
    }
}

/// All is known of a conversation in the clear; it is heard on where it tells of others.
fn settle_dialogue(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    // Where the ends change places, the numbers of the streams do not.
    let goes_on = announces(entry.protocol) && !conversation.turned;
    ctx.settle(entry, Some(conversation));
    if goes_on {
        conversation.only_announces();
        entry.phase = Phase::Listening;
    } else if later::may_follow(entry, conversation) {
        later::expect(entry);
    }
}

/// One more piece of a conversation that may tell of other flows. Media within RTSP end it (RFC 7826 section 14).
pub fn announcing(
    entry: &mut Entry,
    conversation: &mut Conversation,
    from: Direction,
    bytes: &[u8],
    ctx: &mut Context,
) {
    if entry.protocol == Protocol::Rtsp && bytes.first() == Some(&b'$') {
        entry.phase = Phase::Settled;
    } else {
        ctx.announced.hear(entry, conversation.turned, from == conversation.client(), bytes);
    }
}
