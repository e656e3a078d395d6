//! What was said under the encryption of IKEv2, where keys were given: who the peers are, how they proved it, and the child SAs
//! that they made. RFC 7296 section 3, fragments as in RFC 7383 section 2.5.
//!
//! Every message is opened on its own and only believed if its integrity check value is right. May not know time and addresses.

mod child;
mod write;

use super::{MAX_NOTIFIES, Spis, push_distinct};
use crate::certificates::{CertificateId, Certificates};
use crate::keys::ipsec::IkeKeys;
use child::Asked;
pub use child::{Child, Selector};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use transitproof_wire::ike::{Header, Message, Notify, Payload, Payloads, exchange, fragment_number, payload};

/// Child SAs kept of one flow: a day of hourly rekeys of a few networks.
const MAX_CHILDREN: usize = 64;
/// Certificates kept of one peer.
const MAX_CHAIN: usize = 16;
/// Fragments of one message and bytes of them: far more than a chain of certificates needs.
const MAX_FRAGMENTS: u16 = 64;
const MAX_MESSAGE: usize = 1 << 17;
/// Bytes kept of an identity.
const MAX_IDENTITY: usize = 256;
const MAX_EAP_METHODS: usize = 16;

/// Who somebody says to be: type of RFC 7296 section 3.5 and data.
#[derive(Debug)]
struct Identity(u8, Box<[u8]>);

/// What is known of one peer.
#[derive(Debug, Default)]
struct Peer {
    identity: Option<Identity>,
    /// Authentication method.
    method: Option<u8>,
    chain: Vec<CertificateId>,
}

/// A message whose fragments are coming in.
#[derive(Debug)]
struct Partial {
    id: u32,
    first: u8,
    parts: Vec<Option<Vec<u8>>>,
    bytes: usize,
}

/// All of one flow.
#[derive(Debug, Default)]
pub struct Inside {
    /// Messages that opened, those that did not.
    opened: u64,
    misfits: u64,
    /// The SA of the latest message, and the latest message id by sender and kind.
    spis: Option<Spis>,
    latest: [Option<u32>; 4],
    partial: [Option<Partial>; 4],
    /// Initiator and responder.
    peers: [Peer; 2],
    eap: Vec<u8>,
    /// What the request in hand asks for.
    asked: Option<Asked>,
    children: Vec<Child>,
    errors: Vec<u16>,
    /// Child SAs made later had a key exchange of their own, all of them.
    pfs: Option<bool>,
}

/// Sender (by role in the SA) and whether it is an answer.
fn lane(header: &Header) -> usize {
    usize::from(header.from_initiator()) << 1 | usize::from(header.is_response())
}

impl Inside {
    /// Opens what is encrypted in a message and reads it. Gives whether this flow has first been opened, or not, with that.
    pub fn message(
        &mut self,
        datagram: &[u8],
        message: &Message<'_>,
        keys: &Arc<IkeKeys>,
        certificates: &mut Certificates,
    ) -> Option<bool> {
        let header = &message.header;
        let sealed = message.payloads().map_while(Result::ok).find(|payload| is_encrypted(payload.kind))?;
        let spis = (header.initiator_spi, header.responder_spi);
        if self.spis.replace(spis) != Some(spis) {
            (self.latest, self.partial, self.asked) = Default::default();
        }
        let side = &keys[usize::from(!header.from_initiator())];
        let front = (header.length as usize).checked_sub(sealed.body.len())?;
        let fragment = sealed.kind == payload::ENCRYPTED_FRAGMENT;
        let numbers = if fragment { 4 } else { 0 };
        // Of what the capture cut, nothing can be said.
        let (associated, ciphertext) = datagram.get(..header.length as usize)?.split_at_checked(front + numbers)?;
        let content = side.open(associated, ciphertext, None).and_then(without_padding);
        let count = if content.is_some() { &mut self.opened } else { &mut self.misfits };
        *count += 1;
        let first_to_say = *count == 1 && (content.is_some() || self.opened == 0);
        let opened = content.is_some();
        if let Some(content) = content {
            let first = *datagram.get(front - 4)?;
            if fragment {
                self.fragment(header, first, (sealed.body, content), certificates);
            } else {
                self.read(header, first, &content, certificates);
            }
        }
        first_to_say.then_some(opened)
    }

    fn fragment(
        &mut self,
        header: &Header,
        first: u8,
        (body, content): (&[u8], Vec<u8>),
        certificates: &mut Certificates,
    ) {
        let Ok((number @ 1.., total @ 1..=MAX_FRAGMENTS)) = fragment_number(body) else { return };
        let lane = lane(header);
        let slot = &mut self.partial[lane];
        if slot.as_ref().is_none_or(|partial| partial.id != header.message_id || partial.parts.len() != total.into()) {
            let parts = vec![None; total.into()];
            *slot = Some(Partial { id: header.message_id, first: 0, parts, bytes: 0 });
        }
        let Some(partial) = slot else { return };
        let Some(place) = partial.parts.get_mut(usize::from(number) - 1).filter(|place| place.is_none()) else {
            return;
        };
        partial.bytes += content.len();
        *place = Some(content);
        if number == 1 {
            partial.first = first;
        }
        if partial.bytes > MAX_MESSAGE {
            *slot = None;
        } else if partial.parts.iter().all(Option::is_some)
            && let Some(whole) = slot.take()
        {
            let content = whole.parts.into_iter().flatten().flatten().collect::<Vec<_>>();
            self.read(header, whole.first, &content, certificates);
        }
    }

    /// The payloads of a whole message; one that was sent again says nothing new.
    fn read(&mut self, header: &Header, first: u8, content: &[u8], certificates: &mut Certificates) {
        let latest = &mut self.latest[lane(header)];
        if latest.is_some_and(|latest| latest >= header.message_id) {
            return;
        }
        *latest = Some(header.message_id);
        let payloads: Vec<_> = Payloads::of(first, content).map_while(Result::ok).collect();
        let sender = usize::from(!header.from_initiator());
        for payload in &payloads {
            self.payload(header, payload, sender, certificates);
        }
        if !matches!(header.exchange, exchange::IKE_AUTH | exchange::CREATE_CHILD_SA) {
            return;
        }
        if header.is_response() {
            let asked = self.asked.take_if(|asked| asked.is_of(header));
            // IKE_AUTH with EAP makes the child SA many messages later than it was asked for.
            if let Some(child) = Child::agreed(header, &payloads, asked.as_ref().or(self.asked.as_ref())) {
                self.child(child);
            } else if header.exchange == exchange::IKE_AUTH && asked.is_some() {
                self.asked = asked;
            }
        } else if let Some(asked) = Asked::of(header, &payloads) {
            self.asked = Some(asked);
        }
    }

    fn child(&mut self, child: Child) {
        if child.made_by == exchange::CREATE_CHILD_SA {
            self.pfs = Some(self.pfs.unwrap_or(true) && child.has_key_exchange);
        }
        if self.children.len() < MAX_CHILDREN {
            self.children.push(child);
        }
    }

    fn payload(&mut self, header: &Header, payload: &Payload<'_>, sender: usize, certificates: &mut Certificates) {
        let peer = &mut self.peers[sender];
        match (payload.kind, payload.body) {
            // IDr of an initiator names whom it wants to speak to.
            (payload::ID_I | payload::ID_R, [kind, _, _, _, data @ ..])
                if (payload.kind == payload::ID_R) == (sender == 1) && peer.identity.is_none() =>
            {
                peer.identity = Some(Identity(*kind, data.get(..MAX_IDENTITY).unwrap_or(data).into()));
            }
            (payload::CERT, [X509_SIGNATURE, der @ ..]) if peer.chain.len() < MAX_CHAIN => {
                peer.chain.extend(certificates.intern(der));
            }
            (payload::AUTH, [method, ..]) => _ = peer.method.get_or_insert(*method),
            (payload::EAP, [_code, _, _, _, kind, ..]) => {
                push_distinct(&mut self.eap, *kind, MAX_EAP_METHODS);
            }
            (payload::NOTIFY, body) if header.is_response() => {
                if let Ok(notify) = Notify::parse(body, false)
                    && notify.kind < FIRST_STATUS
                {
                    push_distinct(&mut self.errors, notify.kind, MAX_NOTIFIES);
                }
            }
            _ => {}
        }
    }

    /// Whether the keys that were given fit. A message that does not open among others that do may be forged.
    pub fn keys_word(&self) -> Option<&'static str> {
        match (self.opened, self.misfits) {
            (0, 0) => None,
            (0, _) => Some("unfit"),
            _ => Some("fit"),
        }
    }

    pub fn pfs(&self) -> Option<bool> {
        self.pfs
    }

    pub fn children(&self) -> &[Child] {
        &self.children
    }

    /// The chains that peers showed, leaf first, with the name that they claim if a certificate can prove it.
    pub fn shown(&self) -> impl Iterator<Item = (&[CertificateId], Option<Box<str>>)> {
        let shown = self.peers.iter().filter(|peer| !peer.chain.is_empty());
        shown.map(|peer| (&*peer.chain, peer.identity.as_ref().and_then(Identity::name)))
    }
}

impl Identity {
    /// As text: an address, a host's or a mail address, a distinguished name as RFC 4514 has it. `None` of other kinds.
    fn name(&self) -> Option<Box<str>> {
        let Self(kind, data) = self;
        Some(match (kind, &**data) {
            (1, &[a, b, c, d]) => Ipv4Addr::from([a, b, c, d]).to_string().into(),
            (5, data) => Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).to_string().into(),
            (2 | 3, data) => str::from_utf8(data).ok()?.into(),
            (9, data) => crate::x509::distinguished_name(data)?,
            _ => return None,
        })
    }
}

/// X.509 Certificate - Signature, of the encodings of RFC 7296 section 3.6.
const X509_SIGNATURE: u8 = 4;
/// Notifications below are errors (RFC 7296 section 3.10.1).
const FIRST_STATUS: u16 = 16384;

fn is_encrypted(kind: u8) -> bool {
    matches!(kind, payload::ENCRYPTED | payload::ENCRYPTED_FRAGMENT)
}

fn without_padding(mut text: Vec<u8>) -> Option<Vec<u8>> {
    let padding = usize::from(text.pop()?);
    text.truncate(text.len().checked_sub(padding)?);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(exchange: u8, flags: u8, message_id: u32) -> Header {
        let (initiator_spi, responder_spi) = ([1; 8], [2; 8]);
        Header { initiator_spi, responder_spi, next_payload: 0, version: 0x20, exchange, flags, message_id, length: 0 }
    }

    /// A peer that has the keys can still write anything.
    #[test]
    fn whatever_is_inside_is_bounded() {
        let (mut inside, mut certificates) = (Inside::default(), Certificates::new(0));
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for message_id in 0..20_000 {
            let mut content: Vec<u8> = (0..random()).map(|_| random()).collect();
            if let [_, _, high, low, ..] = content.as_mut_slice() {
                (*high, *low) = (0, *low % 64);
            }
            let exchange = if random() < 128 { exchange::IKE_AUTH } else { exchange::CREATE_CHILD_SA };
            let header = header(exchange, random(), message_id);
            inside.read(&header, 33 + random() % 16, &content, &mut certificates);
            inside.fragment(&header, 33, (&[0, random() % 4, 0, random() % 4], content), &mut certificates);
        }
        assert!(inside.children.len() <= MAX_CHILDREN && inside.errors.len() <= MAX_NOTIFIES);
        assert!(inside.peers.iter().all(|peer| peer.chain.len() <= MAX_CHAIN));
        let mut out = b"{".to_vec();
        inside.opened = 1;
        inside.write(&certificates, &mut out);
        out.push(b'}');
        assert!(std::str::from_utf8(&out).is_ok());
    }

    #[test]
    fn fragments_make_a_message_in_any_order_and_repeats_say_nothing_new() {
        let (mut inside, mut certificates) = (Inside::default(), Certificates::new(0));
        // AUTH by a shared key, in three pieces.
        let pieces: [&[u8]; 3] = [&[0, 0, 0], &[9, 2, 0], &[0, 0, 7]];
        let header = header(exchange::IKE_AUTH, 0x08, 1);
        for number in [3u8, 1, 3, 2] {
            assert!(inside.peers[0].method.is_none());
            let body = [0, number, 0, 3];
            let content = pieces[usize::from(number) - 1].to_vec();
            inside.fragment(&header, if number == 1 { payload::AUTH } else { 0 }, (&body, content), &mut certificates);
        }
        assert_eq!(inside.peers[0].method, Some(2));
        inside.read(&header, payload::AUTH, &[0, 0, 0, 9, 14, 0, 0, 0, 7], &mut certificates);
        assert_eq!(inside.peers[0].method, Some(2));
    }
}
