//! What AH and ESP carry, where it can be read: in the clear, or with keys that were given.
//!
//! Packets from before the proof that an association does not encrypt are held until it is there. May not know what is inside.

use super::{Ipsec, unwrapped};
use crate::esp::EspState;
use crate::keys::KeyLog;
use std::borrow::Cow;
use transitproof_wire::esp::{Ah, Esp, null_content};
use transitproof_wire::packet::{Packet, TunnelKind, ip_protocol as ip};

/// Packets held in one flow: those that the proof needs, in two associations.
const MAX_HELD: usize = 6;

const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;

/// A packet from before the proof that its association does not encrypt.
struct Held {
    frame: u64,
    time: u64,
    packet: Packet<'static>,
    payload: Box<[u8]>,
}

impl Held {
    fn packet(&self) -> Packet<'_> {
        Packet { payload: &self.payload, ..self.packet }
    }
}

/// What is read of the content of a flow.
#[derive(Default)]
pub struct Reading {
    held: Vec<Held>,
    /// What a piece of a stream carried and nobody has taken yet: no more than was held back behind a hole.
    carried: Vec<Content<'static>>,
}

/// What one packet carries.
pub struct Content<'a> {
    pub frame: u64,
    pub time: u64,
    pub kind: TunnelKind,
    /// Names the tunnel: of the flow's first association, so that both directions and all rekeys are one.
    pub spi: u32,
    pub next_header: u8,
    pub bytes: Cow<'a, [u8]>,
    /// The packet that carried it, without its payload.
    pub outer: Packet<'static>,
    /// Bytes that stood around it in that payload.
    pub added: u32,
}

impl Content<'_> {
    fn into_owned(self) -> Content<'static> {
        Content { bytes: Cow::Owned(self.bytes.into_owned()), ..self }
    }
}

impl Ipsec {
    /// What the flow's last packet carries, if it can be read, and what those carried that were held until that showed. Of a connection all
    /// that the last segment brought.
    pub fn read<'a>(
        &mut self,
        packet: &Packet<'a>,
        place: (u64, u64),
        keys: Option<&mut KeyLog>,
    ) -> (Vec<Content<'static>>, Option<Content<'a>>) {
        if self.stream.is_some() {
            return (std::mem::take(&mut self.reading.carried), None);
        }
        let Some(content) = self.content(packet, place) else {
            self.hold(packet, place);
            return (Vec::new(), keys.and_then(|keys| self.open(packet, place, keys)));
        };
        // What was held is of the same association: it reads as this one does.
        let held = if packet.transport == ip::AH { Vec::new() } else { self.release(packet) };
        let earlier = held.iter().filter_map(|held| self.content(&held.packet(), (held.frame, held.time)));
        (earlier.map(Content::into_owned).collect(), Some(content))
    }

    /// The same of a message in a stream, which is in hand meanwhile; to be taken when the segment is through.
    pub(super) fn read_in_stream(&mut self, packet: &Packet<'_>, place: (u64, u64), keys: Option<&mut KeyLog>) {
        // As long as it would have been as a packet of its own.
        let header = if packet.v6 { IPV6_HEADER } else { IPV4_HEADER };
        let packet = &Packet { ip_length: packet.ip_length + header, ..*packet };
        let (earlier, last) = self.read(packet, place, keys);
        self.reading.carried.extend(earlier.into_iter().chain(last.map(Content::into_owned)));
    }

    /// What a packet carries in the clear: the one given last, or one of those held before.
    fn content<'a>(&self, packet: &Packet<'a>, (frame, time): (u64, u64)) -> Option<Content<'a>> {
        let of = |kind, spi, next_header, bytes: &'a [u8]| Content {
            frame,
            time,
            kind,
            spi,
            next_header,
            bytes: bytes.into(),
            outer: Packet { payload: &[], ..*packet },
            added: packet.payload.len().saturating_sub(bytes.len()) as u32,
        };
        let mut payload = packet.payload;
        if packet.transport == ip::AH {
            let ah = Ah::parse(payload).ok().filter(|ah| !ah.payload.is_empty())?;
            if ah.next_header != ip::ESP {
                return Some(of(TunnelKind::Ah, self.ah.as_ref()?.first_spi()?, ah.next_header, ah.payload));
            }
            payload = ah.payload;
        }
        let (spi, layout) = self.esp.as_ref().and_then(|esp| Some((esp.first_spi()?, esp.null_layout()?)))?;
        if let Some(wesp) = unwrapped(packet) {
            payload = wesp.esp;
        }
        // The trailer is at the end: a packet that the capture cut has none.
        let whole = packet.payload.len() == packet.payload_length as usize;
        let (next_header, bytes) = null_content(Esp::parse(payload).ok().filter(|_| whole)?.payload, layout)?;
        Some(of(TunnelKind::Esp, spi, next_header, bytes))
    }

    /// What the flow's last packet carries under encryption, with keys that were given.
    fn open(&mut self, packet: &Packet<'_>, (frame, time): (u64, u64), keys: &mut KeyLog) -> Option<Content<'static>> {
        if packet.payload.len() != packet.payload_length as usize {
            return None; // one that the capture cut has no end
        }
        let (esp, state) = (esp_in(packet)?, self.esp.as_mut()?);
        let opened = keys.ipsec.open_esp(esp.spi, esp.sequence, esp.payload)?;
        if state.opened(opened.as_ref().map(|opened| opened.extended)) {
            keys.told(opened.is_some());
        }
        let (opened, spi) = opened.zip(state.first_spi())?;
        Some(Content {
            frame,
            time,
            kind: TunnelKind::Opened,
            spi,
            next_header: opened.next_header,
            added: packet.payload.len().saturating_sub(opened.bytes.len()) as u32,
            bytes: opened.bytes.into(),
            outer: Packet { payload: &[], ..*packet },
        })
    }

    /// Keeps a packet that may turn out to be readable.
    fn hold(&mut self, packet: &Packet<'_>, (frame, time): (u64, u64)) {
        let held = &mut self.reading.held;
        if held.len() < MAX_HELD && self.esp.as_ref().is_some_and(EspState::is_suspect) {
            let payload = packet.payload.into();
            held.push(Held { frame, time, packet: Packet { payload: &[], ..*packet }, payload });
        }
    }

    /// Those held of the association of the given packet, in their order.
    fn release(&mut self, packet: &Packet<'_>) -> Vec<Held> {
        let spi = esp_in(packet).map(|esp| esp.spi);
        let same = |held: &mut Held| held.packet.src == packet.src && esp_in(&held.packet()).map(|esp| esp.spi) == spi;
        self.reading.held.extract_if(.., same).collect()
    }
}

/// A packet of ESP, also inside AH or WESP.
fn esp_in<'a>(packet: &Packet<'a>) -> Option<Esp<'a>> {
    let ah = (packet.transport == ip::AH).then(|| Ah::parse(packet.payload).ok()).flatten();
    let payload = unwrapped(packet).map(|wesp| wesp.esp).or(ah.map(|ah| ah.payload));
    Esp::parse(payload.unwrap_or(packet.payload)).ok()
}
