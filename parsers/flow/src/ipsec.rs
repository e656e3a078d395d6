//! IKE, ESP and AH of one flow: they may share it (UDP 4500, TCP), and AH may stand around ESP. RFC 3948, 4302, 4303, 9329.

mod content;

pub use content::Content;

use crate::Direction;
use crate::certificates::Certificates;
use crate::entry::Entry;
use crate::esp::{AhState, EspState};
use crate::ike::{Ends, IkeState, Spis};
use crate::ipsec_stream::Framing;
use crate::peers::KnownSa;
use crate::why::What;
use content::Reading;
use transitproof_wire::Protocol;
use transitproof_wire::esp::wesp::{self, Wesp};
use transitproof_wire::esp::{Ah, Esp, looks_like_esp_in_udp};
use transitproof_wire::ike::{looks_like_ike, plausible_ike, strip_non_esp_marker};
use transitproof_wire::packet::{Packet, ip_protocol as ip};

/// What every packet needs comes first.
#[derive(Default)]
#[repr(C)]
pub struct Ipsec {
    pub esp: Option<EspState>,
    pub ike: Option<Box<IkeState>>,
    ah: Option<Box<AhState>>,
    /// Over TCP.
    stream: Option<Box<Framing>>,
    /// It counts as open for the tunnel between its peers.
    pub in_tunnel: bool,
    /// An IKE message came that the tunnel has not heard of.
    pub news: bool,
    /// It counts among the attempts that nobody has answered yet.
    pub half_open: bool,
    /// Negotiations that were counted as observations.
    pub counted: usize,
    /// The IKE SA whose negotiation the tunnel has heard of.
    pub agreed: Option<Spis>,
    /// Child SAs whose traffic selectors are known as policies.
    pub learnt: usize,
    /// The IKE SAs that these peers had, when the flow ended: what was made by which is told by time.
    pub ike_sas: Vec<KnownSa>,
    /// What is read of what it carries.
    reading: Reading,
}

const UDP_HEADER: usize = 8;
/// Bytes of SPI and sequence number.
const ESP_HEADER: u32 = 8;

/// What a datagram is, by content: IKE is recognised by its header.
pub fn is_ike(payload: &[u8]) -> bool {
    looks_like_ike(message_in(payload).0)
}

/// The message in a datagram, and whether a marker stood in front. An initiator's SPI may begin as the marker does.
fn message_in(payload: &[u8]) -> (&[u8], bool) {
    match strip_non_esp_marker(payload) {
        Some(message) if !looks_like_ike(payload) => (message, true),
        _ => (payload, false),
    }
}

/// On IKE's own ports, behind the marker where ESP is too, a header is enough: the message may be cut by the snap length or
/// be damaged.
pub fn may_be_cut_ike(payload: &[u8], ports: (u16, u16)) -> bool {
    const IKE: u16 = 500;
    const IKE_AND_ESP: u16 = 4500;
    let on = |port| ports.0 == port || ports.1 == port;
    on(IKE) && plausible_ike(payload) || on(IKE_AND_ESP) && strip_non_esp_marker(payload).is_some_and(plausible_ike)
}

/// By port and shape, which is all that RFC 3948 gives: the sequence numbers confirm it later.
pub fn may_be_esp(packet: &Packet<'_>) -> bool {
    let payload = unwrapped(packet).map_or(packet.payload, |wesp| wesp.esp);
    looks_like_esp_in_udp(payload, sent(packet, payload), (packet.src_port, packet.dst_port))
}

/// How long the end of a packet's payload was before the capture cut it.
fn sent(packet: &Packet<'_>, end: &[u8]) -> usize {
    (packet.payload_length as usize).saturating_sub(packet.payload.len()) + end.len()
}

/// The WESP that a packet is, directly over IP or in UDP. One comparison for nearly all.
#[inline(always)]
fn unwrapped<'a>(packet: &Packet<'a>) -> Option<Wesp<'a>> {
    let wrapped = match packet.transport {
        ip::UDP => packet.payload.first_chunk() == Some(&wesp::UDP_IDENTIFIER),
        transport => transport == wesp::IP_PROTOCOL,
    };
    if wrapped { unwrap(packet) } else { None }
}

#[cold]
fn unwrap<'a>(packet: &Packet<'a>) -> Option<Wesp<'a>> {
    let front = if packet.transport == ip::UDP { wesp::UDP_IDENTIFIER.len() } else { 0 };
    Wesp::parse(packet.payload.get(front..)?).ok()
}

impl Ipsec {
    /// Reads what a packet of ESP will need; the value only has to be used somehow.
    #[inline]
    pub fn touch(&self, from: Direction) -> u64 {
        self.esp.as_ref().map_or(0, |esp| esp.touch(from)) ^ u64::from(self.in_tunnel)
    }

    /// IKE if any IKE message was seen; AH around ESP is esp.
    pub fn protocol(&self) -> Protocol {
        match (&self.ike, &self.esp) {
            (Some(_), _) => Protocol::Ike,
            (None, Some(_)) => Protocol::Esp,
            (None, None) if self.stream.is_some() => Protocol::Ike,
            (None, None) => Protocol::Ah,
        }
    }

    /// The header that says so.
    pub fn what(&self) -> What {
        match self.protocol() {
            Protocol::Ike => What::IkeHeader,
            Protocol::Ah => What::AhHeader,
            _ => What::EspHeader,
        }
    }

    /// Only ports and shape speak for ESP in UDP until its sequence numbers do.
    pub fn is_inferred(&self, transport: u8) -> bool {
        transport == ip::UDP && self.ike.is_none() && !self.esp.as_ref().is_some_and(EspState::confirmed)
    }

    /// A negotiation of another IKE SA: its facts want a record of their own.
    pub fn begins_another(&self, payload: &[u8]) -> bool {
        is_ike(payload) && self.ike.as_ref().is_some_and(|ike| ike.begins_another(message_in(payload).0))
    }

    /// One datagram of a flow that carries IKE or ESP.
    pub fn datagram(
        &mut self,
        from: Direction,
        packet: &Packet<'_>,
        (frame, time): (u64, u64),
        certificates: &mut Certificates,
    ) {
        let (message, marked) = message_in(packet.payload);
        if looks_like_ike(message) || may_be_cut_ike(packet.payload, (packet.src_port, packet.dst_port)) {
            self.ike_message(from, message, Ends::of(packet), (marked, frame, time), certificates);
        } else if !marked {
            let wesp = unwrapped(packet);
            let payload = wesp.map_or(packet.payload, |wesp| wesp.esp);
            if looks_like_esp_in_udp(payload, sent(packet, payload), (packet.src_port, packet.dst_port)) {
                self.esp(from, packet, (payload, wesp.map(|wesp| wesp.encrypted)), (true, time));
            }
        }
    }

    fn ike_message(
        &mut self,
        from: Direction,
        message: &[u8],
        ends: Ends,
        (nat_t, frame, time): (bool, u64, u64),
        certificates: &mut Certificates,
    ) {
        self.news = true;
        let ike = self.ike.get_or_insert_default();
        ike.between(ends);
        ike.at(time);
        ike.message(from, message, nat_t, frame);
        ike.open(message, certificates);
    }

    /// A connection that carries IKE and ESP begins.
    pub fn over_tcp() -> Self {
        Self { stream: Some(Box::default()), ..Self::default() }
    }

    /// Bytes of such a connection, or the news that some will never come. False if nothing more can be read.
    pub fn stream(
        &mut self,
        from: Direction,
        bytes: Option<&[u8]>,
        ends: Ends,
        (frame, time): (u64, u64),
        certificates: &mut Certificates,
    ) -> bool {
        let Some(mut framing) = self.stream.take() else { return false };
        match bytes {
            None => framing.gap(from),
            Some(bytes) => framing.bytes(from, bytes, |message| {
                if let Some(message) = strip_non_esp_marker(message) {
                    self.ike_message(from, message, ends, (false, frame, time), certificates);
                } else {
                    let length = message.len() as u32;
                    let packet = Packet {
                        v6: ends.v6,
                        transport: ip::TCP,
                        flags: 0,
                        src: ends.src.0,
                        dst: ends.dst.0,
                        src_port: ends.src.1,
                        dst_port: ends.dst.1,
                        seq: 0,
                        ip_length: length,
                        payload_length: length,
                        payload: message,
                        fragment: None,
                    };
                    self.esp(from, &packet, (message, None), (false, time));
                    self.read_in_stream(&packet, (frame, time), certificates.keys.as_deref_mut());
                }
            }),
        }
        let readable = !framing.is_lost();
        self.stream = Some(framing);
        readable
    }

    /// One more packet of ESP, directly over IP or in UDP, of an association for which counting is all that is left to do, from behind
    /// the IP header on; its length with that header and without. False: nothing was done, it has to be looked at.
    #[inline]
    pub fn count(
        &mut self,
        from: Direction,
        transport: u8,
        mut body: &[u8],
        time: u64,
        (ip_length, mut length): (u32, u32),
    ) -> bool {
        let Some(esp) = self.esp.as_mut() else { return false };
        if transport == ip::UDP {
            let Some((&[s1, s0, d1, d0, ..], payload)) = body.split_first_chunk::<UDP_HEADER>() else { return false };
            let ports = (u16::from_be_bytes([s1, s0]), u16::from_be_bytes([d1, d0]));
            (body, length) = (payload, length.saturating_sub(UDP_HEADER as u32));
            if !looks_like_esp_in_udp(body, length as usize, ports) {
                // What is not IKE either says nothing.
                return self.ike.is_none() && !is_ike(body) && !may_be_cut_ike(body, ports);
            }
        } else if transport != ip::ESP {
            return false;
        }
        let Ok(Esp { spi, sequence, .. }) = Esp::parse(body) else { return false };
        esp.count(from, (spi, sequence), time, (ip_length, length.saturating_sub(ESP_HEADER)))
    }

    /// One packet of ESP, WESP or AH directly over IP.
    pub fn packet(&mut self, from: Direction, packet: &Packet<'_>, time: u64) {
        let mut payload = packet.payload;
        if packet.transport == ip::AH {
            let Ok(ah) = Ah::parse(payload) else { return };
            let state = self.ah.get_or_insert_default();
            state.at(time);
            state.packet(from, ah.spi, ah.sequence, packet.ip_length as usize);
            if ah.next_header != ip::ESP {
                return;
            }
            payload = ah.payload;
        }
        let wesp = unwrapped(packet);
        let payload = wesp.map_or(payload, |wesp| wesp.esp);
        self.esp(from, packet, (payload, wesp.map(|wesp| wesp.encrypted)), (false, time));
    }

    /// An ESP packet, and whether a WESP header in front of it said that it is encrypted.
    fn esp(
        &mut self,
        from: Direction,
        packet: &Packet<'_>,
        (payload, wesp): (&[u8], Option<bool>),
        (nat_t, time): (bool, u64),
    ) {
        let Ok(esp) = Esp::parse(payload) else { return };
        let state = self.esp.get_or_insert_with(|| EspState::new(nat_t));
        if let Some(encrypted) = wesp {
            state.wrapped(encrypted);
        }
        state.at(time);
        state.packet(from, esp.spi, esp.sequence, packet.ip_length as usize);
        // Less the headers in front: AH, and ESP's own.
        let front = packet.payload.len().saturating_sub(esp.payload.len());
        state.size(packet.payload_length.saturating_sub(front as u32));
        if state.wants_inspection() {
            let whole = packet.payload.len() == packet.payload_length as usize;
            state.inspect(whole.then_some(esp.payload));
        } else if self.in_tunnel && packet.transport != ip::TCP {
            state.hush();
        }
    }

    /// Can the last packet be read, or may it turn out so? False costs a look at what the packet needed anyway.
    #[inline]
    pub fn may_be_readable(&self) -> bool {
        self.stream.is_some()
            || self.ah.is_some()
            || self.esp.as_ref().is_some_and(|esp| esp.null_layout().is_some() || esp.is_suspect())
    }

    /// A negotiation is over that was not counted yet.
    pub fn has_news_to_judge(&self) -> bool {
        self.ike.as_ref().is_some_and(|ike| ike.negotiations() > self.counted)
    }

    /// Is there anything to judge beyond the negotiation?
    pub fn has_late_facts(&self) -> bool {
        self.esp.is_some() || self.ike.as_ref().is_some_and(|ike| ike.has_late_facts())
    }

    /// IKE that nobody answered, and nothing besides: an attempt, which is no tunnel and says nothing of the one it was meant for.
    pub fn is_unanswered(&self) -> bool {
        self.esp.is_none() && self.ah.is_none() && self.ike.as_ref().is_some_and(|ike| !ike.is_answered())
    }

    /// Certainly a tunnel: IKE in both directions, ESP or AH in both or as its numbers should run. Whoever sends first messages,
    /// or last ones, under false addresses gets no answer.
    pub fn is_tunnel(&self, both_ways: bool) -> bool {
        // In UDP only the numbers speak for ESP.
        let runs = |esp: &EspState| esp.confirmed() || !esp.is_nat_t() && esp.is_both_ways();
        both_ways && self.ike.as_ref().is_some_and(|ike| ike.is_answered() && !ike.is_refused())
            || self.esp.as_ref().is_some_and(runs)
            || self.ah.as_ref().is_some_and(|ah| runs(ah.state()))
    }

    pub fn ah(&self) -> Option<&EspState> {
        self.ah.as_ref().map(|ah| ah.state())
    }

    /// Lines of the associations of ESP and AH, see [`EspState::write_associations`].
    pub fn write_associations(&self, entry: &Entry, out: &mut Vec<u8>) {
        let of_ah = self.ah().map(|ah| ("ah", ah));
        for (protocol, state) in self.esp.as_ref().map(|esp| ("esp", esp)).into_iter().chain(of_ah) {
            state.write_associations(protocol, entry, out);
        }
    }

    pub fn write_record(&self, certificates: &Certificates, out: &mut Vec<u8>) {
        if let Some(ike) = &self.ike {
            ike.write_record(certificates, out);
        }
        if let Some(esp) = &self.esp {
            esp.write_record(out, &self.ike_sas);
        }
        if let Some(ah) = &self.ah {
            ah.write_record(out, &self.ike_sas);
        }
    }

    /// The facts of an observation. Those of a negotiation are counted when it is over, all others when the flow ends.
    pub fn write_facts(&self, out: &mut Vec<u8>) {
        if let Some(ike) = &self.ike {
            if self.has_news_to_judge() || !ike.negotiated() {
                ike.write_facts(out);
            }
            ike.write_late_facts(out);
        }
        if let Some(esp) = &self.esp {
            esp.write_facts(out);
        }
    }
}
